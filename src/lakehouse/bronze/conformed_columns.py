"""What conform functions share whose senders have columns of their own: absent columns, change columns, lineage."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.contracts import Contract


def absent(name: str) -> Column:
    """A column of the contract that this sender does not have: null text."""
    return F.lit(None).cast("string").alias(name)


def change_columns() -> tuple[Column, Column, Column]:
    """`modified_at`, `source_sequence`, `is_deleted`: an export has no change stamps and no tombstones."""
    return absent("modified_at"), absent("source_sequence"), F.lit("false").alias("is_deleted")


def lineage_of(rows: DataFrame) -> list[Column]:
    """Where each row came from: the `_` columns of the main input, without the rescued ones."""
    return [F.col(c) for c in rows.columns if c.startswith("_") and c != "_rescued"]


def stated_columns(contract: Contract, stated: Mapping[str, Column]) -> list[Column]:
    """The contract's columns in their order, then the change columns of an export: those of `stated`, the others null.

    Raises:
        KeyError: `stated` names a column that the contract does not have.
    """
    unknown = sorted(set(stated) - {f.name for f in contract.fields})
    if unknown:
        raise KeyError(f"{contract.name} has no column {', '.join(unknown)}")
    columns = [stated[f.name].alias(f.name) if f.name in stated else absent(f.name) for f in contract.fields]
    return [*columns, *change_columns()]
