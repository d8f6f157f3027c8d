"""The columns that every conform function of this adapter returns in the same way."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def absent(name: str) -> Column:
    """A column of the contract that this sender does not have: null text."""
    return F.lit(None).cast("string").alias(name)


def change_columns() -> tuple[Column, Column, Column]:
    """`modified_at`, `source_sequence`, `is_deleted`: an export has no change stamps and no tombstones."""
    return absent("modified_at"), absent("source_sequence"), F.lit("false").alias("is_deleted")


def lineage_of(rows: DataFrame) -> list[Column]:
    """Where each row came from: the `_` columns of the main input, without the rescued ones."""
    return [F.col(c) for c in rows.columns if c.startswith("_") and c != "_rescued"]
