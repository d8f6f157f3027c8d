"""What was charged, allowed, paid and is still owed, by month of service, network and standard payer."""

import datetime
from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.claim_state import split_remainder
from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.claim_copies import with_is_copy, without_copies
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.coverage import AFTER_LAST, BEFORE_FIRST, GAP, LOST, UNKNOWN_MEMBER
from lakehouse.spec.balance import Entry, amount_where, combined, entries, row_count
from lakehouse.spec.calendar import US_FEDERAL
from lakehouse.spec.columns import sum_money, sum_where
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.due_time import WORKDAYS
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
    "patient_paid_amount", "contractual_amount", "other_adjustment_amount", "encounter_amount",
)  # fmt: skip
COPY = "copy_of_another_network"
OUTSIDE_COVERAGE = (GAP, BEFORE_FIRST, AFTER_LAST, LOST)


def credit_not_positive() -> Column:
    """Credits are what payers and patients are owed back: below zero or nothing."""
    return F.col("credit_amount") <= 0


def owed_not_negative() -> Column:
    """Nothing owed is below zero; that would be a credit."""
    return (F.col("outstanding_amount") >= 0) & (F.col("residual_amount") >= 0)


def claims_reappear(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measures `claims` (rows), `denied`, `remainder` and every conserved column; see `spec/balance.py`."""
    claims, is_copy = with_is_copy(inputs["claims"], inputs["copies"]), F.col("is_copy")
    given = {"denied": "denied_amount", "remainder": "remainder_amount", **dict(zip(CONSERVED, CONSERVED, strict=True))}
    left = F.col("outstanding_amount") - F.col("outstanding_in_denial_amount")
    return combined(
        entries(
            claims,
            Entry("claims", "claims", "in", row_count()),
            Entry("claims", COPY, "out", amount_where(is_copy, F.lit(1))),
            Entry("claims", "void_family", "out", amount_where(~is_copy & F.col("is_void_family"), F.lit(1))),
            *[Entry(measure, "claims", "in", F.col(c)) for measure, c in given.items()],
            *[Entry(measure, COPY, "out", amount_where(is_copy, c)) for measure, c in given.items()],
        ),
        entries(
            result,
            Entry("claims", "revenue_by_payer", "out", F.col("claim_count")),
            Entry("denied", "final", "out", F.col("denied_amount")),
            Entry("denied", "in_denial", "out", F.col("outstanding_in_denial_amount")),
            Entry("remainder", "revenue_by_payer", "out", left + F.col("residual_amount") + F.col("credit_amount")),
            *[Entry(c, "revenue_by_payer", "out", F.col(c)) for c in CONSERVED],
        ),
    )


def where_coverage_is_known(measure: Column) -> Column:
    """The measure of a group, null when coverage is unknown for every claim of it."""
    return F.when(F.count_if(F.col("elig_status") != UNKNOWN_MEMBER) > 0, measure)


def _total(name: str, meaning: str) -> Field:
    return field(name, TOTAL, meaning, ledger=True)


@table(
    "gold.revenue_by_payer",
    reads={
        "claims": groups(claim_final, by="service_month"),
        "copies": groups(claim_copy, by="service_month"),
        "as_of": logical_date(),
    },
    fields=[
        field("service_month", DATE, "first day of the month in which service began", required=True),
        NETWORK,
        field(
            "payer_code", STRING, "standard payer: MEDICARE, MEDICAID, BCBS, AETNA, CIGNA, UHC or OTHER", required=True
        ),
        field("claim_count", LONG, "claim families; voided ones and copies left out", unit="count", required=True),
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
        _total("contractual_amount", "written off by contract: as sent, else billed less allowed"),
        _total("denied_amount", "denied, and the denial is final on the as-of date"),
        _total("other_adjustment_amount", "other adjustments"),
        _total("encounter_amount", "rest of capitated claims; never owed"),
        _total("outstanding_amount", "still expected of claims that are open on the as-of date"),
        _total("outstanding_unadjudicated_amount", "outstanding, no payer's answer stands"),
        _total("outstanding_in_denial_amount", "outstanding, denied but not finally"),
        _total("outstanding_unexplained_amount", "outstanding though answered, and no denial explains it"),
        _total("residual_amount", "left of claims that are closed on the as-of date; nobody works it any more"),
        _total("credit_amount", "paid or written off above the charge; zero or negative"),
        field(
            "claims_outside_coverage",
            LONG,
            "claims of claim_count without coverage on the day of service; null while coverage of all is unknown",
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
    balance=claims_reappear,
    freshness=Freshness(within="26 hours"),
    owner="finance",
    reports=(Report("Revenue by payer", owner="finance", due="07:00", weekdays=WORKDAYS, holidays=US_FEDERAL),),
)
def revenue_by_payer(claims: DataFrame, copies: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of service, network and standard payer, of settled claims.

    A claim that several networks sent counts once, for the network that silver.claim_copy keeps.

    To the cent, billed = paid + patient responsibility + contractual + denied + other + encounter + outstanding
    + residual + credit.
    """
    counted = without_copies(claims, copies)
    is_outside = F.col("elig_status").isin(*OUTSIDE_COVERAGE) & ~F.col("is_void_family")
    return (
        split_remainder(counted, as_of)
        .groupBy(*KEY)
        .agg(
            F.count_if(~F.col("is_void_family")).alias("claim_count"),
            F.sum("line_count").alias("line_count"),
            sum_money("billed_amount").alias("billed_amount"),
            sum_money("allowed_amount").alias("allowed_amount"),
            F.count_if(F.col("allowed_amount").isNull() & ~F.col("is_void_family")).alias("claims_without_allowed"),
            sum_money("paid_amount").alias("paid_amount"),
            sum_money("patient_responsibility_amount").alias("patient_responsibility_amount"),
            sum_money("patient_paid_amount").alias("patient_paid_amount"),
            sum_money("contractual_amount").alias("contractual_amount"),
            sum_money("denied_amount").alias("denied_amount"),
            sum_money("other_adjustment_amount").alias("other_adjustment_amount"),
            sum_money("encounter_amount").alias("encounter_amount"),
            sum_money("outstanding_amount").alias("outstanding_amount"),
            sum_money("outstanding_unadjudicated_amount").alias("outstanding_unadjudicated_amount"),
            sum_money("outstanding_in_denial_amount").alias("outstanding_in_denial_amount"),
            sum_money("outstanding_unexplained_amount").alias("outstanding_unexplained_amount"),
            sum_money("residual_amount").alias("residual_amount"),
            sum_money("credit_amount").alias("credit_amount"),
            where_coverage_is_known(F.count_if(is_outside)).alias("claims_outside_coverage"),
            where_coverage_is_known(sum_where(is_outside, "paid_amount")).alias("paid_outside_coverage_amount"),
            F.min("changes_on").alias("_next_change_date"),
        )
    )
