"""Run-off triangle: what payers paid for each month of service, by the months that passed until it was posted."""

import datetime
from collections.abc import Mapping
from typing import Any  # inputs are frames and the logical date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.claim_state import has_come, still_to_come
from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.posting import posting
from lakehouse.spec.balance import Entry, amount_where, combined, entries
from lakehouse.spec.columns import sum_where
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, accepted_values, unique
from lakehouse.spec.field import DATE, INT, STRING, TOTAL, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplacePartitions, groups, logical_date
from lakehouse.spec.table import table

KEY = ("service_month", "network", "payer_code", "lag_month")


def postings_reappear(inputs: Mapping[str, Any], result: DataFrame) -> DataFrame:
    """Measure `paid` (US dollars); what is posted later than the day waits."""
    as_of: datetime.date = inputs["as_of"]
    later = amount_where(~has_come("remit_date", as_of), "paid_amount")
    return combined(
        entries(
            inputs["postings"],
            Entry("paid", "postings", "in", F.col("paid_amount")),
            Entry("paid", "posted_later", "out", later),
        ),
        entries(result, Entry("paid", "payment_triangle", "out", F.col("paid_amount"))),
    )


@table(
    "gold.payment_triangle",
    reads={"postings": groups(posting, by="service_month"), "as_of": logical_date()},
    fields=[
        field("service_month", DATE, "first day of the month in which service began", required=True),
        NETWORK,
        field("payer_code", STRING, f"standard payer of the claim: {', '.join(PAYER_CODES)}", required=True),
        field("lag_month", INT, "months from the month of service to that of posting; posted before service is 0"),
        field("paid_amount", TOTAL, "posted by payers, reversals deducted", ledger=True),
        field("_next_change_date", DATE, "day on which the next payment dated ahead counts; null if none"),
    ],
    write=ReplacePartitions(on="service_month", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL, source="domain.md G03"),
    ],
    balance=postings_reappear,
    freshness=Freshness(within="26 hours"),
    owner="finance",
)
def payment_triangle(postings: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of service, network, standard payer and lag in which anything was posted."""
    lag = F.months_between("remit_month", "service_month").cast("int")
    counts = has_come("remit_date", as_of)
    return (
        postings.withColumn("lag_month", F.greatest(lag, F.lit(0)))
        .groupBy(*KEY)
        .agg(
            sum_where(counts, "paid_amount").alias("paid_amount"),
            F.min(still_to_come("remit_date", as_of)).alias("_next_change_date"),
        )
    )
