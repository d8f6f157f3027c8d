"""Why claims were denied at first, and what became of each reason's money: pure functions over frames."""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.family_settlement import FAMILY, VOID
from lakehouse.silver.remittances import FULL, PARTIAL
from lakehouse.spec.columns import money_or_zero, month_of
from lakehouse.spec.field import MONEY

REASON = ("group_code", "carc")
CLASS = ("category", "is_preventable")
_SLOT = (*FAMILY, "slot")
_OF_FAMILY = ("payer_code", "initially_denied_date", "initially_denied_month", "denial_final_on", "modified_at")


def denial_reasons(families: DataFrame, remittances: DataFrame, finals: DataFrame, lines: DataFrame) -> DataFrame:
    """One row per family that was denied at first, and reason; see the fields of denial_reason.

    `still_denied_amount` is at most what the family still has denied: first what its settling answer denies for the
    same reason, then, reason by reason, what it denies for others. While no answer stands all of it is.
    """
    live = finals.where(F.col("final_status") != VOID)
    slots = live.select(*FAMILY, F.inline("decisions"))
    adjudications = remittances.where(F.col("is_adjudication"))
    at_first = _first_reasons(slots, adjudications).unionByName(_own_reasons(lines))
    at_last = _standing_reasons(slots, families, adjudications).unionByName(_own_standing_reasons(lines))
    first = at_first.groupBy(*FAMILY, *REASON).agg(
        *[F.max(c).alias(c) for c in CLASS],
        F.count_distinct("line").alias("line_count"),
        F.sum("amount").cast(MONEY).alias("denied_amount"),
    )
    standing = at_last.groupBy(*FAMILY, *REASON).agg(F.sum("amount").cast(MONEY).alias("standing_amount"))
    of_family = live.withColumn("initially_denied_month", month_of(F.col("initially_denied_date"))).select(
        *FAMILY, *_OF_FAMILY, "is_adjudicated", "denied_amount"
    )
    both = first.join(standing, on=[*FAMILY, *REASON], how="left")  # one row per family and reason
    known = both.join(of_family.withColumnRenamed("denied_amount", "denied_now"), on=[*FAMILY], how="inner")
    return _with_still_denied(known)


def _first_reasons(slots: DataFrame, adjudications: DataFrame) -> DataFrame:
    """Reasons of the primary payer's first adjudications, of slots that it denied."""
    denied = slots.where(F.col("is_remitted") & F.col("initial_outcome").isin(FULL, PARTIAL))
    meant = denied.select(
        *FAMILY, F.col("initial_claim_id").alias("claim_id"), F.col("initial_remittance_id").alias("remittance_id")
    )
    answers = adjudications.select(*CLAIM, "remittance_id", "denial_reasons")  # one row per claim and remittance
    return _exploded(meant.join(answers, on=[*CLAIM, "remittance_id"], how="inner"))


def _standing_reasons(slots: DataFrame, families: DataFrame, adjudications: DataFrame) -> DataFrame:
    """Reasons of the settling payers' last adjudications that nobody took back."""
    place = families.select(*CLAIM, "family_id", "slot")  # one row per claim
    answers = adjudications.drop("family_id").where(~F.col("is_taken_back")).join(place, on=[*CLAIM], how="inner")
    settling = slots.where(F.col("is_remitted") & F.col("is_adjudicated")).select(
        *_SLOT, F.col("settling_payer_sequence").alias("payer_sequence")
    )
    order = F.struct("remit_date", "remittance_id")
    last = answers.join(settling, on=[*_SLOT, "payer_sequence"], how="inner").groupBy(*_SLOT)
    return _exploded(last.agg(F.max_by(F.struct("claim_id", "denial_reasons"), order).alias("l")).select("*", "l.*"))


def _exploded(answers: DataFrame) -> DataFrame:
    each = answers.select(*FAMILY, "claim_id", F.explode("denial_reasons").alias("r"))
    line = F.when(F.col("r.line_id").isNotNull(), F.struct("claim_id", "r.line_id"))
    return each.select(
        *FAMILY, *[f"r.{c}" for c in (*REASON, *CLASS)], line.alias("line"), F.col("r.amount").alias("amount")
    )


def _own_reasons(lines: DataFrame) -> DataFrame:
    return _of_lines(lines.where(F.col("is_initial")), "initial_outcome", "initially_denied_amount")


def _own_standing_reasons(lines: DataFrame) -> DataFrame:
    return _of_lines(lines.where(F.col("is_final")), "final_outcome", "final_denied_amount")


def _of_lines(lines: DataFrame, outcome: str, amount: str) -> DataFrame:
    """Reasons of lines that their own code denies."""
    denied = lines.where(F.col("carc").isNotNull() & F.col(outcome).isin(FULL, PARTIAL))
    line = F.struct("claim_id", "line_id").alias("line")
    return denied.select(*FAMILY, *REASON, *CLASS, line, F.col(amount).alias("amount"))


def _with_still_denied(rows: DataFrame) -> DataFrame:
    family, zero = Window.partitionBy(*FAMILY), F.lit(0)
    before = family.orderBy(*REASON).rowsBetween(Window.unboundedPreceding, -1)

    def taken(limit: Column, wanted: Column) -> Column:
        """What each reason gets of `limit`, in their order, at most what it wants."""
        earlier = F.coalesce(F.sum(wanted).over(before), zero)
        return F.greatest(F.least(limit - earlier, wanted), zero)

    denied = F.greatest("denied_amount", zero)
    everything = F.sum(denied).over(family)
    limit = F.when(F.col("is_adjudicated"), F.least(F.col("denied_now"), everything)).otherwise(everything)
    limited = rows.withColumns({"limit": limit, "same": F.least(denied, money_or_zero("standing_amount"))})
    matched = limited.withColumn("matched", taken(F.col("limit"), F.col("same")))
    left = F.col("limit") - F.sum("matched").over(family)
    spread = matched.withColumns({"left": left, "room": denied - F.col("matched")})
    still = F.col("matched") + taken(F.col("left"), F.col("room"))
    return spread.withColumn("still_denied_amount", still.cast(MONEY))
