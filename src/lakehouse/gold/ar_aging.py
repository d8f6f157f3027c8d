"""What payers and patients owe on a day, by its age. A photograph of each logical date; past ones are never remade."""

import datetime
from collections.abc import Mapping
from typing import Any  # inputs are frames and the logical date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.aging import (
    BUCKETS,
    CREDIT,
    DATE_BASES,
    OVER_90,
    SERVICE,
    SUBMISSION,
    bucket,
    open_claims,
    served_until,
)
from lakehouse.reference.payer_mapping import PAYER_CODES, payer_mapping
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.standard_payer import with_payer_of
from lakehouse.spec.balance import Entry, combined, entries
from lakehouse.spec.columns import sum_money, sum_where
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, accepted_values, row, unique
from lakehouse.spec.field import DATE, LONG, STRING, TOTAL, field
from lakehouse.spec.freshness import Freshness, Report
from lakehouse.spec.scopes import ReplacePartitions, logical_date, network_settings, snapshot
from lakehouse.spec.table import table

KEY = ("as_of_date", "date_basis", "network", "payer_code", "bucket")


def only_credits_are_negative() -> Column:
    """Credits stand in their own bucket and are below zero; nothing else is."""
    is_credit = F.col("bucket") == CREDIT
    return (is_credit & (F.col("open_amount") < 0)) | (~is_credit & (F.col("open_amount") >= 0))


def over_90_is_of_the_old() -> Column:
    """What is over 90 days is all that is open in the two oldest buckets."""
    open_of_old = F.when(F.col("bucket").isin(*OVER_90), F.col("open_amount")).otherwise(0)
    return F.col("over_90_amount") == open_of_old


def open_money_reappears(inputs: Mapping[str, Any], result: DataFrame) -> DataFrame:
    """Measures `open_x` and `patient_x` (US dollars), x being the date basis: buckets add up (domain.md G04)."""
    given = open_claims(inputs["claims"], inputs["copies"], inputs["networks"], inputs["as_of"])
    taken, found = [], []
    for basis in DATE_BASES:
        is_basis = F.col("date_basis") == basis
        for measure, column in (("open", "open_amount"), ("patient", "patient_open_amount")):
            taken.append(Entry(f"{measure}_{basis}", "claims", "in", F.col(column)))
            found.append(Entry(f"{measure}_{basis}", "ar_aging", "out", F.when(is_basis, F.col(column))))
    return combined(entries(given, *taken), entries(result, *found))


@table(
    "gold.ar_aging",
    reads={
        "claims": snapshot(claim_final),
        "copies": snapshot(claim_copy),
        "payers": snapshot(payer_mapping),
        "networks": network_settings(),
        "as_of": logical_date(),
    },
    fields=[
        field("as_of_date", DATE, "day of the photograph", required=True),
        field(
            "date_basis", STRING, "age is counted from: service (discharge, else last day) or submission", required=True
        ),
        NETWORK,
        field(
            "payer_code", STRING, "standard payer that owes now: a later one once those before answered", required=True
        ),
        field("bucket", STRING, f"age in days, upper edge included: {', '.join(BUCKETS)}", required=True),
        field("claim_count", LONG, "claim families with anything open", unit="count", required=True),
        field("open_amount", TOTAL, "insurance A/R: expected of payers; in credit what is owed back", ledger=True),
        field("patient_open_amount", TOTAL, "patients' part less what they paid, on the same claims", ledger=True),
        field("over_90_amount", TOTAL, "of open_amount older than 90 days"),
    ],
    write=ReplacePartitions(on="as_of_date", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        accepted_values("bucket", BUCKETS, on_failure=FAIL),
        accepted_values("date_basis", DATE_BASES, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL, source="domain.md G03"),
        row("only_credits_are_negative", only_credits_are_negative, on_failure=FAIL),
        row("over_90_is_of_the_old", over_90_is_of_the_old, on_failure=FAIL, source="domain.md 2.16"),
    ],
    balance=open_money_reappears,
    freshness=Freshness(within="26 hours"),
    owner="patient-accounts",
    reports=(Report("A/R aging", owner="patient-accounts", due="07:30"),),
)
def ar_aging(
    claims: DataFrame, copies: DataFrame, payers: DataFrame, networks: DataFrame, as_of: datetime.date
) -> DataFrame:
    """One row per day, date basis, network, payer that owes, and bucket. Choose one basis: each holds all money."""
    dated = F.inline(
        F.array(
            F.struct(F.lit(SERVICE).alias("date_basis"), served_until().alias("aged_from")),
            F.struct(F.lit(SUBMISSION).alias("date_basis"), F.col("submitted_date").alias("aged_from")),
        )
    )
    owed = with_payer_of(open_claims(claims, copies, networks, as_of), payers, "owing_payer_name", "payer_code")
    aged = owed.select("network", "payer_code", "open_amount", "patient_open_amount", dated)
    aged_in = bucket(F.datediff(F.lit(as_of), F.col("aged_from")))
    kind = F.when(F.col("open_amount") < 0, CREDIT).otherwise(aged_in)
    placed = aged.withColumns({"as_of_date": F.lit(as_of), "bucket": kind})
    return placed.groupBy(*KEY).agg(
        F.count(F.lit(1)).alias("claim_count"),
        sum_money("open_amount").alias("open_amount"),
        sum_money("patient_open_amount").alias("patient_open_amount"),
        sum_where(F.col("bucket").isin(*OVER_90), "open_amount").alias("over_90_amount"),
    )
