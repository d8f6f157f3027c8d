"""How complete payments are so many months after service: what to expect of young months, and when to worry."""

import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.gold.claim_state import rate
from lakehouse.gold.payment_completeness import MONTH, PAYER, paid_as_usual_at_its_age
from lakehouse.gold.payment_triangle import payment_triangle
from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.spec.calendar import US_FEDERAL
from lakehouse.spec.columns import sum_money
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.due_time import WORKDAYS
from lakehouse.spec.expectations import FAIL, accepted_values, unique
from lakehouse.spec.field import DATE, INT, STRING, TOTAL, field
from lakehouse.spec.freshness import Freshness, Report
from lakehouse.spec.scopes import ReplacePartitions, logical_date, snapshot
from lakehouse.spec.table import table

MATURE_LAG = 12  # months after which a month of service counts as complete
COMPLETENESS = T.DecimalType(24, 6)  # far above 1 where most was taken back by the twelfth month
KEY = (*MONTH, "lag_month")


@table(
    "gold.payment_lag",
    reads={"triangle": snapshot(payment_triangle), "as_of": logical_date()},
    fields=[
        field("service_month", DATE, "first day of the month in which service began", required=True),
        NETWORK,
        field("payer_code", STRING, f"standard payer of the claim: {', '.join(PAYER_CODES)}", required=True),
        field(
            "lag_month", INT, "months since the month of service, from 0 to the month of the as-of date", required=True
        ),
        field("paid_amount", TOTAL, "posted by payers with this lag, reversals deducted"),
        field("cumulative_paid_amount", TOTAL, "posted with this lag or less"),
        field(
            "completeness",
            COMPLETENESS,
            f"of all months at least {MATURE_LAG} and so many months old: posted with this lag or less / with "
            f"{MATURE_LAG} or less; may exceed 1; the same for all months; null while none is old enough",
        ),
        field("_next_change_date", DATE, "first day of the next month, which adds a lag to every month"),
    ],
    write=ReplacePartitions(keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL, source="domain.md G03"),
        paid_as_usual_at_its_age(last_lag=MATURE_LAG),
    ],
    freshness=Freshness(due="08:00", weekdays=WORKDAYS, holidays=US_FEDERAL),
    owner="finance",
    reports=(Report("Payment lag", owner="finance", due="08:00", weekdays=WORKDAYS, holidays=US_FEDERAL),),
)
def payment_lag(triangle: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of service, network, standard payer and lag, lags without a payment too."""
    this_month = as_of.replace(day=1)
    age = F.months_between(F.lit(this_month), F.col("service_month")).cast("int")
    begun = triangle.where(F.col("service_month") <= F.lit(this_month)).withColumn("age", age)
    months = begun.groupBy(*MONTH).agg(
        F.max(F.greatest("age", "lag_month")).alias("last_lag"), F.first("age").alias("age")
    )
    lags = months.withColumn("lag_month", F.explode(F.sequence(F.lit(0), F.col("last_lag"))))
    # One row per key on the right: it is that of gold.payment_triangle.
    dense = lags.join(begun.select(*KEY, "paid_amount"), on=[*KEY], how="left")
    until = Window.partitionBy(*MONTH).orderBy("lag_month").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    paid = F.coalesce("paid_amount", F.lit(0)).cast(TOTAL)
    summed = dense.withColumn("paid_amount", paid).withColumn(
        "cumulative_paid_amount", F.sum(paid).over(until).cast(TOTAL)
    )
    return _with_completeness(summed, this_month).select(*[f.name for f in payment_lag.fields])


def _with_completeness(rows: DataFrame, this_month: datetime.date) -> DataFrame:
    is_mature = F.col("lag_month") == MATURE_LAG

    def over_month(value: Column) -> Column:
        return F.max(value).over(Window.partitionBy(*MONTH))

    at_maturity = over_month(F.when(is_mature & (F.col("age") >= MATURE_LAG), F.col("cumulative_paid_amount")))
    known = rows.withColumn("at_maturity", at_maturity)
    is_old = F.col("at_maturity").isNotNull() & (F.col("age") >= F.col("lag_month"))
    pooled = known.where(is_old).groupBy(*PAYER, "lag_month")
    sums = pooled.agg(sum_money("cumulative_paid_amount").alias("reached"), sum_money("at_maturity").alias("complete"))
    following = F.add_months(F.lit(this_month), 1)
    # One row per payer and lag on the right: grouped by it.
    return rows.join(sums, on=[*PAYER, "lag_month"], how="left").withColumns(
        {"completeness": rate("reached", "complete", COMPLETENESS), "_next_change_date": following}
    )
