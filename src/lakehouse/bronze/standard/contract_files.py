"""What every feed of this adapter has in common: its raw columns are its contract's columns, and nothing is renamed."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import blank_to_null
from lakehouse.spec.contracts import Contract
from lakehouse.spec.feed import Feed, feed, raw
from lakehouse.spec.sources import FileSource


def contract_feed(
    contract: Contract, description: str, *, folder: str, key: Sequence[str], may_lack: Sequence[str] = ()
) -> Feed:
    """The feed of files in the columns of `contract`, except `network`, which the configuration knows.

    Args:
        contract: names the columns, their meaning and their sensitivity.
        description: one line.
        folder: folder of the files below the network's root.
        key: columns that name a row.
        may_lack: required columns of the contract that the conform function can fill, so that files need not have them.
    """
    fields = [
        raw(f.name, f.meaning, required=f.required and f.name not in may_lack, phi=f.phi)
        for f in contract.all_fields
        if f.name != "network"
    ]
    return feed("standard", contract.name, description, fields=fields, source=FileSource(folder=folder), key=tuple(key))


def amounts_as_sent(contract: Contract) -> dict[str, tuple[str, ...]]:
    """Each ledger amount of `contract` is held by the column of its own name."""
    return {f.name: (f.name,) for f in contract.fields if f.ledger}


def contract_columns(rows: DataFrame, contract: Contract, filled: Mapping[str, Column] | None = None) -> DataFrame:
    """One row per row of `rows`: the contract's columns as text, the lineage columns, and a null `_drop_reason`.

    A blank `is_deleted` becomes `false`.

    Args:
        rows: raw rows with their lineage columns.
        contract: gives the columns and their order.
        filled: columns that are not taken as sent, by name.
    """
    not_as_sent = {
        "network": F.col("_network"),
        "is_deleted": F.coalesce(blank_to_null(F.col("is_deleted")), F.lit("false")),
        **(filled or {}),
    }
    return rows.select(
        *[not_as_sent.get(f.name, F.col(f.name)).alias(f.name) for f in contract.all_fields],
        *[c for c in rows.columns if c.startswith("_") and c != "_rescued"],
        F.lit(None).cast("string").alias("_drop_reason"),
    )
