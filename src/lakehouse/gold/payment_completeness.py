"""Young months of service against what earlier ones had at the same age: a rule that run-out does not alarm."""

from decimal import Decimal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.spec.expectations import WARN, CheckContext, Expectation, batch

PAYER = ("network", "payer_code")
MONTH = ("service_month", *PAYER)
EARLIER_MONTHS = 12
LEAST_MONTHS = 6
LEAST_SHARE, MOST_SHARE = Decimal("0.5"), Decimal(2)


def paid_as_usual_at_its_age(
    last_lag: int, least_share: Decimal = LEAST_SHARE, most_share: Decimal = MOST_SHARE
) -> Expectation:
    """What was paid for a month of service up to its newest complete lag: the month before that of the as-of date.

    Usual is the median of the same lag over the twelve months of service before it, of which six or more must be
    known. A month for which nothing was paid has no row and counts as zero. A median of zero or less tells nothing.

    Args:
        last_lag: older months are done, and not judged any more.
        least_share, most_share: of what is usual.
    """

    def failing(lags: DataFrame, context: CheckContext) -> DataFrame:
        this_month = F.lit(context.as_of.replace(day=1))
        known = _every_month(lags, this_month, last_lag)
        before = Window.partitionBy(*PAYER, "lag_month").orderBy("service_month").rowsBetween(-EARLIER_MONTHS, -1)
        usual = _median(F.collect_list("paid").over(before))
        is_newest = F.col("lag_month") == F.months_between(this_month, "service_month").cast("int") - 1
        compared = known.withColumn("usual", usual).where(is_newest & (F.col("usual") > 0))
        is_usual = F.col("paid").between(F.lit(least_share) * F.col("usual"), F.lit(most_share) * F.col("usual"))
        return compared.where(~F.coalesce(is_usual, F.lit(False)))

    meaning = (
        f"Up to {last_lag} months after service, a month's payments are {least_share:.0%} to {most_share:.0%} of the "
        f"median that the {EARLIER_MONTHS} months before it had at the same age ({LEAST_MONTHS} or more known)."
    )
    return batch("paid_as_usual_at_its_age", failing, on_failure=WARN, named_by=MONTH, meaning=meaning)


def _every_month(lags: DataFrame, this_month: Column, last_lag: int) -> DataFrame:
    """Every month from a payer's first to the last that ended, by complete lags, with what was paid until then."""
    last_month, month = F.add_months(this_month, -1), F.expr("INTERVAL 1 MONTH")
    payers = lags.groupBy(*PAYER).agg(F.min("service_month").alias("first_month"))
    months = payers.where(F.col("first_month") <= last_month).select(
        *PAYER, F.explode(F.sequence("first_month", last_month, month)).alias("service_month")
    )
    complete = F.months_between(last_month, "service_month").cast("int")
    grid = months.withColumn("lag_month", F.explode(F.sequence(F.lit(0), F.least(complete, F.lit(last_lag)))))
    # One row per month and lag on the right: it is the table's key.
    paid = lags.select(*MONTH, "lag_month", "cumulative_paid_amount", F.lit(True).alias("is_there"))
    amount = F.when(F.col("is_there"), F.col("cumulative_paid_amount")).otherwise(F.lit(0))
    return grid.join(paid, on=[*MONTH, "lag_month"], how="left").withColumn("paid", amount)


def _median(amounts: Column) -> Column:
    """Exact median; null of fewer than `LEAST_MONTHS`."""
    ordered, size = F.array_sort(amounts), F.size(amounts)
    middle = F.get(ordered, F.floor((size - 1) / 2).cast("int")) + F.get(ordered, F.floor(size / 2).cast("int"))
    return F.when(size >= LEAST_MONTHS, middle / F.lit(2))
