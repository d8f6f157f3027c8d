"""What a delivery said, kept beside what earlier ones said: the columns that statements of every feed share."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.spec.field import BOOLEAN, TIMESTAMP, field

ORDER = ("stated_at", "source_sequence", "delivered_at")
"""Of the statements about one thing the greatest by these holds."""
DELIVERED_AT = field("delivered_at", TIMESTAMP, "delivery that said so, UTC", required=True)
STATED_AT = field("stated_at", TIMESTAMP, "orders statements about one thing: the greatest holds, UTC", required=True)
IS_WITHDRAWN = field("is_withdrawn", BOOLEAN, "the delivery deletes what it names: a tombstone, kept as a statement")


def stated_at() -> Column:
    """The sender's stamp, else the delivery; of a database the reading, since there what is read later is newer."""
    return F.when(F.col("_lineage.sequenced"), F.col("_lineage.delivered_at")).otherwise(F.col("modified_at"))


def lists_everything(flag: str) -> Column:
    """The delivery says that it is full; never null.

    No reading of a database is: it holds what changed since the one before, and deleted rows come as tombstones.
    """
    return F.coalesce(F.col(flag), F.lit(False)) & ~F.col("_lineage.sequenced")
