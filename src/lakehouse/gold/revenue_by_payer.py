"""What was charged, allowed, paid and is still owed, by month of service, network and standard payer."""

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.claim_final import claim_final
from lakehouse.spec.balance import sums_to
from lakehouse.spec.columns import sum_money
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, accepted_values, row, totals_match, unique
from lakehouse.spec.field import DATE, LONG, STRING, TOTAL, Field, field
from lakehouse.spec.freshness import Freshness, Report
from lakehouse.spec.scopes import ReplacePartitions, groups, logical_date
from lakehouse.spec.table import table

KEY = ("service_month", "network", "payer_code")
IDENTITY = (
    "paid_amount", "patient_responsibility_amount", "contractual_amount", "denied_amount", "other_adjustment_amount",
    "encounter_amount", "outstanding_amount", "residual_amount", "credit_amount",
)  # fmt: skip
OUTSTANDING_PARTS = (
    "outstanding_unadjudicated_amount",
    "outstanding_in_denial_amount",
    "outstanding_unexplained_amount",
)
CONSERVED = (
    "line_count", "billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount",
    "patient_paid_amount", "contractual_amount", "denied_amount", "other_adjustment_amount", "encounter_amount",
)  # fmt: skip
OUTSIDE_COVERAGE = ("out", "retro_lost")


def credit_not_positive() -> Column:
    """Credits are what payers and patients are owed back: below zero or nothing."""
    return F.col("credit_amount") <= 0


def owed_not_negative() -> Column:
    """Nothing owed is below zero; that would be a credit."""
    return (F.col("outstanding_amount") >= 0) & (F.col("residual_amount") >= 0)


def split_remainder(claims: DataFrame, as_of: datetime.date) -> DataFrame:
    """`claims` with what is left of each as outstanding (by cause), residual or credit on the date `as_of`.

    A closing dated after `as_of` has not happened yet; it is the claim's next change.
    """
    left, zero = F.col("remainder_amount"), F.lit(0)
    is_closed = F.coalesce(F.col("closes_on") <= F.lit(as_of), F.lit(False))
    open_left = F.when((left > 0) & ~is_closed, left).otherwise(zero)
    is_adjudicated = F.coalesce(F.col("is_adjudicated"), F.lit(False))
    return claims.withColumns(
        {
            "outstanding_amount": open_left,
            "outstanding_unadjudicated_amount": F.when(is_adjudicated, zero).otherwise(open_left),
            "outstanding_unexplained_amount": F.when(is_adjudicated, open_left).otherwise(zero),
            "residual_amount": F.when((left > 0) & is_closed, left).otherwise(zero),
            "credit_amount": F.least(left, zero),
            "changes_on": F.when((left > 0) & ~is_closed, F.col("closes_on")),
        }
    )


def where_coverage_is_known(measure: Column) -> Column:
    """The measure of a group, null when coverage is unknown for every claim of it."""
    return F.when(F.count_if(F.col("elig_status") != "unknown") > 0, measure)


def _total(name: str, meaning: str) -> Field:
    return field(name, TOTAL, meaning, ledger=True)


@table(
    "gold.revenue_by_payer",
    reads={"claims": groups(claim_final, by="service_month"), "as_of": logical_date()},
    fields=[
        field("service_month", DATE, "first day of the month in which service began", required=True),
        NETWORK,
        field(
            "payer_code", STRING, "standard payer: MEDICARE, MEDICAID, BCBS, AETNA, CIGNA, UHC or OTHER", required=True
        ),
        field("claim_count", LONG, "claim families", unit="count", required=True),
        field("line_count", LONG, "service lines", unit="count", required=True),
        _total("billed_amount", "charged"),
        _total("allowed_amount", "allowed, of claims that state it; null when none does"),
        field(
            "claims_without_allowed",
            LONG,
            "claims that state no allowed amount, so no contractual amount either",
            unit="count",
        ),
        _total("paid_amount", "paid by payers, reversals deducted"),
        _total("patient_responsibility_amount", "the patient's part, paid or owed"),
        _total("patient_paid_amount", "paid by patients; part of their responsibility, so beside the identity"),
        _total("contractual_amount", "billed less allowed"),
        _total("denied_amount", "finally denied"),
        _total("other_adjustment_amount", "other adjustments"),
        _total("encounter_amount", "rest of capitated claims; never owed"),
        _total("outstanding_amount", "still expected of claims that are open on the as-of date"),
        _total("outstanding_unadjudicated_amount", "outstanding, no payer's answer stands"),
        _total("outstanding_in_denial_amount", "outstanding, denied but not finally; 0.00, denials are not classified"),
        _total("outstanding_unexplained_amount", "outstanding though answered, and no denial explains it"),
        _total("residual_amount", "left of claims that are closed on the as-of date; nobody works it any more"),
        _total("credit_amount", "paid or written off above the charge; zero or negative"),
        field(
            "claims_outside_coverage",
            LONG,
            "claims without coverage on the day of service; null while coverage of all is unknown",
        ),
        _total("paid_outside_coverage_amount", "paid on those claims; null while coverage of all is unknown"),
        field(
            "_next_change_date",
            DATE,
            "next day on which an open claim closes, so these figures change with no new row; null if none",
        ),
    ],
    write=ReplacePartitions(on="service_month", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        totals_match("billed_amount", *IDENTITY, on_failure=FAIL),
        totals_match("outstanding_amount", *OUTSTANDING_PARTS, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL),
        row("credit_not_positive", credit_not_positive, on_failure=FAIL),
        row("owed_not_negative", owed_not_negative, on_failure=FAIL),
    ],
    balance=sums_to("claims", columns=CONSERVED, count="claim_count"),
    freshness=Freshness(within="26 hours"),
    owner="finance",
    reports=(Report("Revenue by payer", owner="finance", due="07:00"),),
)
def revenue_by_payer(claims: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of service, network and standard payer, of settled claims.

    To the cent, billed = paid + patient responsibility + contractual + denied + other + encounter + outstanding
    + residual + credit.
    """
    is_outside = F.col("elig_status").isin(*OUTSIDE_COVERAGE)
    return (
        split_remainder(claims, as_of)
        .groupBy(*KEY)
        .agg(
            F.count(F.lit(1)).alias("claim_count"),
            F.sum("line_count").alias("line_count"),
            sum_money("billed_amount").alias("billed_amount"),
            sum_money("allowed_amount").alias("allowed_amount"),
            F.count_if(F.col("allowed_amount").isNull()).alias("claims_without_allowed"),
            sum_money("paid_amount").alias("paid_amount"),
            sum_money("patient_responsibility_amount").alias("patient_responsibility_amount"),
            sum_money("patient_paid_amount").alias("patient_paid_amount"),
            sum_money("contractual_amount").alias("contractual_amount"),
            sum_money("denied_amount").alias("denied_amount"),
            sum_money("other_adjustment_amount").alias("other_adjustment_amount"),
            sum_money("encounter_amount").alias("encounter_amount"),
            sum_money("outstanding_amount").alias("outstanding_amount"),
            sum_money("outstanding_unadjudicated_amount").alias("outstanding_unadjudicated_amount"),
            F.lit("0.00").cast(TOTAL).alias("outstanding_in_denial_amount"),
            sum_money("outstanding_unexplained_amount").alias("outstanding_unexplained_amount"),
            sum_money("residual_amount").alias("residual_amount"),
            sum_money("credit_amount").alias("credit_amount"),
            where_coverage_is_known(F.count_if(is_outside)).alias("claims_outside_coverage"),
            where_coverage_is_known(sum_money(F.when(is_outside, F.col("paid_amount")).otherwise(0))).alias(
                "paid_outside_coverage_amount"
            ),
            F.min("changes_on").alias("_next_change_date"),
        )
    )
