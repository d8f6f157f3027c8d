"""Deliveries that list everything, so that absence says something: pure functions over frames.

A statement is a row with `network`, `delivered_at` and a flag that its delivery is full. Deliveries are ordered by
`delivered_at`, not by arrival: an older one that comes late changes what the newer ones mean. A delivery of several
files needs one date in their names, or each file counts as a delivery by itself.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import WARN, Expectation, row
from lakehouse.spec.field import BOOLEAN, LONG, TIMESTAMP, field

LEAST_SHARE = 2  # a full delivery with less than one half of the rows of the one before is taken for truncated
MOST_SET_ASIDE = 2  # so many in a row; the next is applied, since a drop that stays is a real one
FULL_DELIVERY_FIELDS = (
    NETWORK,
    field("delivered_at", TIMESTAMP, "delivery, UTC; all its files share it", required=True),
    field("row_count", LONG, "accepted rows that say their delivery is full", unit="count"),
    field("is_applied", BOOLEAN, "absence from it counts; false when it has too few rows to be whole"),
)
_SEEN = "array<struct<delivered_at: timestamp, row_count: bigint, is_applied: boolean>>"


def delivery_is_whole() -> Column:
    """The delivery has at least half the rows of the applied full one before it, or is the third in a row with less."""
    return F.col("is_applied")


def full_deliveries_are_whole() -> Expectation:
    """Warns of a full delivery that seems truncated and is not applied."""
    return row("delivery_is_whole", delivery_is_whole, on_failure=WARN)


def full_deliveries(statements: DataFrame, flag: str) -> DataFrame:
    """One row per full delivery, as `FULL_DELIVERY_FIELDS`.

    Each is compared with the last applied one before it; the first is always applied, and so is the third in a row that
    has too few. A delivery without rows is none.

    Args:
        statements: rows as delivered.
        flag: column that is true on rows of a full delivery.
    """
    listed = statements.where(F.col(flag)).groupBy("network", "delivered_at").agg(F.count(F.lit(1)).alias("row_count"))
    sequence = F.array_sort(F.collect_list(F.struct("delivered_at", "row_count")))
    none = F.lit(0).cast("bigint")
    nothing = F.struct(none.alias("applied_count"), none.alias("set_aside"), F.array().cast(_SEEN).alias("seen"))
    judged = F.aggregate(sequence, nothing, _with_next, lambda state: state["seen"])
    deliveries = listed.groupBy("network").agg(judged.alias("deliveries"))
    return deliveries.select("network", F.inline("deliveries"))


def _with_next(state: Column, delivery: Column) -> Column:
    count = delivery["row_count"]
    is_applied = (count * LEAST_SHARE >= state["applied_count"]) | (state["set_aside"] >= MOST_SET_ASIDE)
    seen = F.struct(
        delivery["delivered_at"].alias("delivered_at"), count.alias("row_count"), is_applied.alias("is_applied")
    )
    return F.struct(
        F.when(is_applied, count).otherwise(state["applied_count"]).alias("applied_count"),
        F.when(is_applied, 0).otherwise(state["set_aside"] + 1).alias("set_aside"),
        F.array_append(state["seen"], seen).alias("seen"),
    )


def with_next_full(rows: DataFrame, deliveries: DataFrame, after: str) -> DataFrame:
    """`rows` with `next_full_at`, the first applied full delivery of the network later than the instant `after`; null
    when none came."""
    applied = deliveries.where("is_applied").select("network", F.col("delivered_at").alias("next_full_at"))
    later = rows.select("network", after).distinct().join(applied, on="network", how="inner")
    soonest = later.where(F.col("next_full_at") > F.col(after)).groupBy("network", after)
    # One row per instant on the right, being grouped by it: no join adds rows.
    return rows.join(soonest.agg(F.min("next_full_at").alias("next_full_at")), on=["network", after], how="left")


def last_day_before(delivered_at: Column) -> Column:
    """The day before a delivery, UTC: the last on which what the delivery ended still held."""
    return F.date_sub(F.to_date(delivered_at), 1)
