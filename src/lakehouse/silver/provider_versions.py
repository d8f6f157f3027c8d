"""From statements about providers to the rows of a roster history: pure functions over frames. Source: domain.md 1.11.

A place is a provider at one of its locations. Days are inclusive; a null `valid_to` is no end.
"""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.silver.full_delivery import last_day_before, with_next_full
from lakehouse.silver.roster import ATTRIBUTES, LOCATION
from lakehouse.silver.statement import ORDER

STATED = ("termination_date", *ATTRIBUTES)


def provider_versions(statements: DataFrame, deliveries: DataFrame) -> DataFrame:
    """One row per place and effective date that has days left: `LOCATION`, valid_from, valid_to, `ATTRIBUTES`.

    Of the statements about one effective date the greatest by `ORDER` holds. A row ends on its termination date, the
    day before the next effective date, or the last day of its place, whichever comes first.

    Args:
        statements: rows of silver.roster, every one of their places.
        deliveries: rows of silver.full_roster.
    """
    held = statements.where(~F.col("is_withdrawn")).groupBy(*LOCATION, "effective_date")
    rows = held.agg(F.max(F.struct(*ORDER, *STATED)).alias("holds"))
    # One row per place on the right, being grouped by it: no join adds rows.
    closed = rows.join(last_days(statements, deliveries), on=[*LOCATION], how="left")
    by_date = Window.partitionBy(*LOCATION).orderBy("effective_date")
    day_before_next = F.date_sub(F.lead("effective_date").over(by_date), 1)
    versions = closed.select(
        *LOCATION,
        F.col("effective_date").alias("valid_from"),
        F.least("holds.termination_date", day_before_next, "last_day").alias("valid_to"),
        *[F.col(f"holds.{name}").alias(name) for name in ATTRIBUTES],
    )
    return versions.where(F.col("valid_to").isNull() | (F.col("valid_to") >= F.col("valid_from")))


def last_days(statements: DataFrame, deliveries: DataFrame) -> DataFrame:
    """One row per place: `last_day`, the day before it left the roster; null while it is in it.

    It leaves by the first applied full roster after the last delivery that named it, or by the first tombstone that no
    other statement is newer than. What says so later brings it back, its history unbroken.
    """
    order, place = F.struct(*ORDER), Window.partitionBy(*LOCATION)
    whole = place.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    ordered = statements.withColumn("live_order", F.max(F.when(~F.col("is_withdrawn"), order)).over(whole))
    is_end = F.col("is_withdrawn") & (F.col("live_order").isNull() | (order > F.col("live_order")))
    places = ordered.groupBy(*LOCATION).agg(
        F.max(F.when(~F.col("is_withdrawn"), F.col("delivered_at"))).alias("named_at"),
        F.min(F.when(is_end, F.col("delivered_at"))).alias("withdrawn_at"),
    )
    left_at = F.least("next_full_at", "withdrawn_at")
    placed = with_next_full(places, deliveries, after="named_at")
    return placed.select(*LOCATION, last_day_before(left_at).alias("last_day"))
