"""How many claims are denied, at first and finally, by month of submission; every denominator beside its rates."""

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.claim_state import (
    counted_claims,
    has_come,
    is_denied,
    next_change,
    rate,
    with_evidence,
    with_sender,
)
from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.remittances import CLEAN, FULL
from lakehouse.spec.columns import sum_where
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, accepted_values, between, row, unique
from lakehouse.spec.field import DATE, LONG, RATE, TOTAL, Field, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplacePartitions, groups, logical_date, network_settings
from lakehouse.spec.table import table

KEY = ("submission_month", "network", "payer_code")
RATES = (
    "initial_denial_rate_submitted", "initial_denial_rate_adjudicated", "initial_denial_rate_dollars",
    "final_denial_rate_adjudicated",
)  # fmt: skip
DATES = ("first_adjudicated_date", "denial_final_on", "appeal_date")
OF_EVIDENCE = (
    "claims_initially_denied", "claims_finally_denied", "claims_overturned", "claims_appealed",
    "initially_denied_amount", "initially_denied_charge_amount", "recovered_amount",
)  # fmt: skip


def denials_within_adjudicated() -> Column:
    """Only claims that were decided can have been denied, and only those denied at first overturned or appealed."""
    denied = F.col("claims_initially_denied")
    return (
        (F.col("claims_adjudicated") <= F.col("claims_submitted"))
        & (denied <= F.col("claims_adjudicated"))
        & (F.col("claims_overturned") <= denied)
        & (F.col("claims_appealed") <= denied)
    )


def _claims(name: str, meaning: str) -> Field:
    return field(name, LONG, meaning, unit="count")


@table(
    "gold.denial_summary",
    reads={
        "claims": groups(claim_final, by="submission_month"),
        "copies": groups(claim_copy, by="submission_month"),
        "networks": network_settings(),
        "as_of": logical_date(),
    },
    fields=[
        field("submission_month", DATE, "month of first submission, else of receipt; its first day", required=True),
        NETWORK,
        claim_final.field("payer_code"),
        _claims("claims_submitted", "claim families; voided ones and copies left out"),
        _claims("claims_adjudicated", "decided at least once up to the as-of date"),
        _claims("claims_initially_denied", "denied by the primary payer's first decision, in full or in part"),
        _claims("claims_finally_denied", "denied in full by the settling answer, final on the as-of date"),
        _claims("claims_overturned", "denied at first, and nothing of it is denied by the answer that stands"),
        _claims("claims_appealed", "denied at first, and appealed"),
        field("billed_amount", TOTAL, "charge of claims_submitted"),
        field("initially_denied_amount", TOTAL, "denied by the first decisions"),
        field("initially_denied_charge_amount", TOTAL, "charge of claims_initially_denied"),
        field("recovered_amount", TOTAL, "paid on these after that decision, at most what it denied of each"),
        field("initial_denial_rate_submitted", RATE, "claims_initially_denied / claims_submitted"),
        field("initial_denial_rate_adjudicated", RATE, "claims_initially_denied / claims_adjudicated"),
        field("initial_denial_rate_dollars", RATE, "initially_denied_charge_amount / billed_amount"),
        field("final_denial_rate_adjudicated", RATE, "claims_finally_denied / claims_adjudicated"),
        field(
            "_next_change_date",
            DATE,
            "next day on which a date of the claims comes that changes a figure; null if none",
        ),
    ],
    write=ReplacePartitions(on="submission_month", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL, source="domain.md G03"),
        row("denials_within_adjudicated", denials_within_adjudicated, nulls="pass", on_failure=FAIL),
        *[between(r, 0, 1, nulls="pass", on_failure=FAIL, source="domain.md G05") for r in RATES],
    ],
    freshness=Freshness(within="26 hours"),
    owner="revenue-integrity",
)
def denial_summary(claims: DataFrame, copies: DataFrame, networks: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of submission, network and standard payer.

    The unit is the claim family. Where a network gives no evidence of denials, their figures are null, not zero.
    """
    submitted = F.coalesce("submitted_date", "submission_month")
    given = with_sender(counted_claims(claims, copies), networks)
    is_submitted = has_come(submitted, as_of)
    is_decided = is_submitted & has_come("first_adjudicated_date", as_of)
    first = is_decided & is_denied("initial_denial_outcome")
    is_final = has_come("denial_final_on", as_of) & (F.col("final_denial_outcome") == FULL)
    is_overturned = F.col("is_adjudicated") & (F.col("final_denial_outcome") == CLEAN)
    paid_later = F.col("paid_amount") - F.coalesce("initially_paid_amount", F.lit(0))
    recovered = F.greatest(F.least(paid_later, F.col("initially_denied_amount")), F.lit(0))

    counted = given.groupBy(*KEY, "has_evidence").agg(
        F.count_if(is_submitted).alias("claims_submitted"),
        F.count_if(is_decided).alias("claims_adjudicated"),
        F.count_if(first).alias("claims_initially_denied"),
        F.count_if(is_decided & is_final).alias("claims_finally_denied"),
        F.count_if(first & is_overturned).alias("claims_overturned"),
        F.count_if(first & has_come("appeal_date", as_of)).alias("claims_appealed"),
        sum_where(is_submitted, "billed_amount").alias("billed_amount"),
        sum_where(first, "initially_denied_amount").alias("initially_denied_amount"),
        sum_where(first, "billed_amount").alias("initially_denied_charge_amount"),
        sum_where(first, recovered).alias("recovered_amount"),
        next_change(as_of, submitted, *DATES).alias("_next_change_date"),
    )
    rates = {
        "initial_denial_rate_submitted": rate("claims_initially_denied", "claims_submitted"),
        "initial_denial_rate_adjudicated": rate("claims_initially_denied", "claims_adjudicated"),
        "initial_denial_rate_dollars": rate("initially_denied_charge_amount", "billed_amount"),
        "final_denial_rate_adjudicated": rate("claims_finally_denied", "claims_adjudicated"),
    }
    rated = with_evidence(counted.withColumns(rates), (*OF_EVIDENCE, *RATES))
    return rated.select(*[f.name for f in denial_summary.fields])
