"""What adapters whose rows already have the contracts' columns share: raw fields, the select, and the filled blanks."""

from collections.abc import Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import blank_to_null
from lakehouse.spec.contracts import Contract
from lakehouse.spec.feed import RawField, raw

DEFAULT_LOCATION = "MAIN"
ANY_GROUP = "-"


def contract_fields(
    contract: Contract, *, may_lack: Sequence[str] = (), aliases: Mapping[str, Sequence[str]] | None = None
) -> list[RawField]:
    """Raw columns as `contract` names and describes them, except `network`, which the configuration knows.

    Args:
        contract: names the columns.
        may_lack: required columns of the contract that the conform function can fill, so that none need be sent.
        aliases: column -> other names that senders give it.
    """
    also = aliases or {}
    return [
        raw(f.name, f.meaning, aliases=also.get(f.name, ()), required=f.required and f.name not in may_lack, phi=f.phi)
        for f in contract.all_fields
        if f.name != "network"
    ]


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


def location_or_default() -> Column:
    """The practice location; `MAIN` where it is blank."""
    return F.coalesce(blank_to_null(F.col("location_id")), F.lit(DEFAULT_LOCATION))


def group_or_any() -> Column:
    """The adjustment group a denial code is classified under; `-`, which stands for any, where it is blank."""
    return F.coalesce(blank_to_null(F.col("group_code")), F.lit(ANY_GROUP))
