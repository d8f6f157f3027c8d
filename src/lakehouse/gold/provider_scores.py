"""Figures of a provider scorecard: pure functions over decided claims, rows of silver.claim_final."""

import datetime

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.gold.aging import served_until
from lakehouse.gold.claim_state import has_come, is_denied, rate, split_remainder, still_to_come
from lakehouse.spec.columns import sum_money, sum_where
from lakehouse.spec.field import QUANTITY, RATE

KEY = ("adjudication_month", "network", "rendering_provider_id")
GROUP = ("adjudication_month", "network", "peer_group")
UNKNOWN = "UNKNOWN"
OLD = 90  # days
_COUNT = "decimal(10,0)"  # claims; a quotient of two such keeps eleven decimals


def with_peer_group(claims: DataFrame) -> DataFrame:
    """`claims` with the specialty that most of their provider's claims have, the first by name of several."""
    specialty = F.coalesce("attributed_specialty", F.lit(UNKNOWN))
    counted = claims.groupBy(*KEY, specialty.alias("specialty")).agg(F.count_if("is_decided").alias("n"))
    most = F.min(F.struct((-F.col("n")).alias("rank"), "specialty"))
    groups_of = counted.groupBy(*KEY).agg(most["specialty"].alias("peer_group"))
    return claims.join(groups_of, on=[*KEY], how="inner")  # one row per provider: grouped by it


def with_state(claims: DataFrame, as_of: datetime.date) -> DataFrame:
    """`claims`, one row each, with what is counted of them on the day, and their next change."""
    turns_old = F.date_add(served_until(), OLD + 1)
    has_outcome = F.col("is_decided") & F.col("initial_denial_outcome").isNotNull()
    denied = F.col("is_decided") & is_denied("initial_denial_outcome")
    is_owed = F.col("is_decided") & F.col("has_receivables") & (F.col("outstanding_amount") > 0)
    paid_within = F.datediff("first_paid_date", "submitted_date")
    return split_remainder(claims, as_of).withColumns(
        {
            "is_denied": denied,
            "has_outcome": has_outcome,
            "is_first_pass": has_outcome & ~denied & (F.col("version_count") == F.col("live_claim_count")),
            "days_to_pay": F.when(F.col("is_decided") & has_come("first_paid_date", as_of), paid_within),
            "old_amount": F.when(is_owed & has_come(turns_old, as_of), F.col("outstanding_amount")).otherwise(0),
            "next_change": F.least(
                "changes_on",
                F.when(is_owed, still_to_come(turns_old, as_of)),
                still_to_come("first_adjudicated_date", as_of),
                still_to_come("first_paid_date", as_of),
            ),
        }
    )


def scores(claims: DataFrame) -> DataFrame:
    """One row per provider: counts and sums of its decided claims."""

    is_decided = F.col("is_decided")
    return claims.groupBy(*KEY, "peer_group", "has_evidence").agg(
        F.count_if("is_decided").alias("claim_count"),
        F.sum(F.when(is_decided, F.col("line_count")).otherwise(0)).alias("line_count"),
        sum_where(is_decided, "billed_amount").alias("billed_amount"),
        sum_where(is_decided, "paid_amount").alias("paid_amount"),
        F.count_if("has_outcome").alias("claims_with_outcome"),
        F.count_if("is_denied").alias("claims_initially_denied"),
        F.count_if("is_first_pass").alias("first_pass_count"),
        F.count("days_to_pay").alias("paid_claim_count"),
        F.percentile("days_to_pay", 0.5).cast(QUANTITY).alias("median_days_to_pay"),
        sum_money("old_amount").alias("over_90_amount"),
        F.min("next_change").alias("_next_change_date"),
    )


def expected_rates(claims: DataFrame) -> DataFrame:
    """One row per provider whose payers other peers billed too: their rate on these, by the own mix of payers.

    Only the result is rounded: a rate per payer in six decimals would carry its rounding into it.
    """
    own = claims.groupBy(*KEY, "peer_group", "payer_code").agg(
        F.count_if("has_outcome").cast(_COUNT).alias("n"), F.count_if("is_denied").cast(_COUNT).alias("denied")
    )
    peers = Window.partitionBy(*GROUP, "payer_code")
    others_n, others_denied = F.sum("n").over(peers) - F.col("n"), F.sum("denied").over(peers) - F.col("denied")
    others = own.withColumns({"others_n": others_n.cast(_COUNT), "others_denied": others_denied.cast(_COUNT)})
    compared = others.where(F.col("others_n") > 0)
    weighted = F.sum(F.col("others_denied") / F.col("others_n") * F.col("n"))
    total = F.sum("n")
    return compared.groupBy(*KEY).agg((weighted / F.when(total > 0, total)).cast(RATE).alias("expected_denial_rate"))


def peer_percentile() -> Column:
    """Of the other peers with a rate, the share whose rate is lower."""
    has_rate = F.col("initial_denial_rate").isNotNull()
    peers = Window.partitionBy(*GROUP, has_rate)
    lower = F.rank().over(peers.orderBy("initial_denial_rate")) - 1
    others = F.count(F.lit(1)).over(peers) - 1
    return F.when(has_rate, rate(lower, others))
