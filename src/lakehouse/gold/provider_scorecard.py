"""How each rendering provider's claims fare, and how their peers' do on the same payers."""

import datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.claim_state import counted_claims, has_come, rate, with_evidence, with_sender
from lakehouse.gold.provider_scores import (
    KEY,
    UNKNOWN,
    expected_rates,
    peer_percentile,
    scores,
    with_peer_group,
    with_state,
)
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, between, unique
from lakehouse.spec.field import BOOLEAN, DATE, LONG, QUANTITY, RATE, STRING, TOTAL, Field, field
from lakehouse.spec.freshness import Freshness, Report
from lakehouse.spec.scopes import ReplacePartitions, groups, logical_date, network_settings
from lakehouse.spec.table import table

MINIMUM_N = 11  # claims; below it a rate says little, and small cells are not shown outside
RATES = ("initial_denial_rate", "expected_denial_rate", "first_pass_rate", "peer_percentile")
OF_EVIDENCE = ("claims_with_outcome", "claims_initially_denied", "first_pass_count", *RATES)


def _claims(name: str, meaning: str) -> Field:
    return field(name, LONG, meaning, unit="count")


@table(
    "gold.provider_scorecard",
    reads={
        "claims": groups(claim_final, by="adjudication_month"),
        "copies": groups(claim_copy, by="adjudication_month"),
        "networks": network_settings(),
        "as_of": logical_date(),
    },
    fields=[
        field("adjudication_month", DATE, "month of the claim's first adjudication, its first day", required=True),
        NETWORK,
        field("rendering_provider_id", STRING, "sender's id; UNKNOWN where the claim names none", required=True),
        _claims("claim_count", "claim families decided at least once; voided ones and copies left out"),
        field("line_count", LONG, "service lines of these", unit="count"),
        field("billed_amount", TOTAL, "charged"),
        field("paid_amount", TOTAL, "paid by payers, reversals deducted"),
        _claims("claims_with_outcome", "of claim_count with evidence whether they were denied"),
        _claims("claims_initially_denied", "of these denied by the first decision, in full or in part"),
        _claims("first_pass_count", "of these decided without denial, and never replaced or voided"),
        _claims("paid_claim_count", "with a first payment and a date of submission"),
        field("initial_denial_rate", RATE, "claims_initially_denied / claims_with_outcome"),
        field(
            "expected_denial_rate", RATE, "peers' rate on the same payers, weighted by the own claims with each payer"
        ),
        field("median_days_to_pay", QUANTITY, "median days from first submission to first payment", unit="days"),
        field("first_pass_rate", RATE, "first_pass_count / claims_with_outcome"),
        field("over_90_amount", TOTAL, "outstanding on claims served more than 90 days before the as-of date"),
        field(
            "peer_group", STRING, "specialty on most of the claims, by the roster on the day of service", required=True
        ),
        field("peer_percentile", RATE, "share of the other peers whose denial rate is lower; null without a peer"),
        field("is_below_minimum_n", BOOLEAN, f"fewer than {MINIMUM_N} claims: do not compare", required=True),
        field("_next_change_date", DATE, "next day on which a claim ages past 90 days or closes; null if none"),
    ],
    write=ReplacePartitions(on="adjudication_month", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        *[between(r, 0, 1, nulls="pass", on_failure=FAIL, source="domain.md G05") for r in RATES],
    ],
    freshness=Freshness(within="26 hours"),
    owner="network-management",
    reports=(Report("Provider performance scorecards", owner="network-management", due="08:00"),),
)
def provider_scorecard(claims: DataFrame, copies: DataFrame, networks: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of first adjudication, network and rendering provider.

    Peers are the providers of the same month, network and specialty, the provider left out. Where a network gives no
    evidence of denials, denial figures are null.
    """
    given = with_sender(counted_claims(claims, copies), networks)
    decided = given.withColumn("is_decided", has_come("first_adjudicated_date", as_of))
    named = decided.withColumn("rendering_provider_id", F.coalesce("rendering_provider_id", F.lit(UNKNOWN)))
    placed = with_state(with_peer_group(named), as_of)
    expected = expected_rates(placed)
    scored = scores(placed).join(expected, on=[*KEY], how="left")  # one row per provider: grouped by it
    rates = {
        "initial_denial_rate": rate("claims_initially_denied", "claims_with_outcome"),
        "first_pass_rate": rate("first_pass_count", "claims_with_outcome"),
        "is_below_minimum_n": F.col("claim_count") < MINIMUM_N,
    }
    rated = with_evidence(scored.withColumns(rates).withColumn("peer_percentile", peer_percentile()), OF_EVIDENCE)
    return rated.select(*[f.name for f in provider_scorecard.fields])
