"""Money of a claim: what payers and patient settled of each slot of a family, then of the family. Pure functions over
frames, without actions.

A slot (network, family_id, slot) is the claim itself or one additive member, with all its versions. Amounts are US
dollars; a missing amount counts as nothing in a sum. billed = paid + patient responsibility + contractual + denied
+ other + encounter + remainder, to the cent.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.silver.remittances import CLEAN, FULL, ORPHAN, PARTIAL
from lakehouse.spec.columns import money_or_zero
from lakehouse.spec.field import MONEY

SLOT = ("network", "family_id", "slot")
SETTLED_AMOUNTS = (
    "paid_amount",
    "patient_responsibility_amount",
    "contractual_amount",
    "denied_amount",
    "other_adjustment_amount",
)
CAPITATED = "capitated"
_SAID = (
    "allowed_amount", "patient_responsibility_amount", "patient_amount", "cost_share_amount", "prior_payer_amount",
    "denial_amount", "contractual_amount", "other_amount",
)  # fmt: skip
_INITIAL = {
    "denial_outcome": "initial_outcome", "denial_amount": "initial_denied", "remit_date": "initial_date",
    "paid_amount": "initial_paid", "claim_id": "initial_claim_id", "remittance_id": "initial_remittance_id",
}  # fmt: skip
_ZERO = "0.00"


def payer_settlement(every: DataFrame) -> DataFrame:
    """One row per slot that a payer answered, from its remittances: all paid, the rest by the settling payer.

    The settling payer is the last in sequence with an answer that stands (more adjudications than reversals of them,
    superseded ones left out; a reversal before all of them takes none back), else the last that answered; `settled_x`
    are sums over its answers, null where it sent none. Dates are those of adjudications, which reversals are not.
    `initial_x` is the primary payer's first adjudication, `first_paid_date` that of any payer's first with money.
    `is_standing`: any payer's answer stands.
    """
    by_payer = _by_payer(without_superseded_answers(every.where(F.col("is_answer"))))
    stands = F.col("standing_adjudications") > F.col("reversals")
    settling = F.struct(stands, F.col("payer_sequence"))
    has_decided = F.when(F.col("adjudications") > 0, F.col("payer_sequence"))
    joined = by_payer.groupBy(*SLOT).agg(
        F.sum("paid_amount").cast(MONEY).alias("remitted_paid_amount"),
        F.max_by(F.struct(*[f"settled_{a}" for a in ("paid_amount", *_SAID)]), settling).alias("settled"),
        F.max_by("payer_sequence", settling).alias("settling_payer_sequence"),
        F.max_by("payer_name", settling).alias("settling_payer_name"),
        F.max_by("last_is_denied_status", settling).alias("last_is_denied_status"),
        F.max_by("has_adjustments", settling).alias("has_adjustments"),
        F.collect_list(F.struct("payer_sequence", F.col("paid_amount").alias("paid"))).alias("payers"),
        F.min_by("initial", has_decided).alias("initial"),
        F.bool_or(stands).alias("is_standing"),
        F.min("first_remit_date").alias("first_remit_date"),
        F.max("last_remit_date").alias("last_remit_date"),
        F.min("first_paid_date").alias("first_paid_date"),
    )
    earlier = F.filter("payers", lambda p: p["payer_sequence"] < F.col("settling_payer_sequence"))
    paid_before = F.aggregate(
        earlier, F.lit(_ZERO).cast(MONEY), lambda s, p: (s + money_or_zero(p["paid"])).cast(MONEY)
    )
    initial = [F.col(f"initial.{c}").alias(name) for c, name in _INITIAL.items()]
    flat = joined.select("*", "settled.*", paid_before.alias("earlier_paid_amount"), *initial)
    return flat.drop("settled", "payers", "initial")


def _by_payer(answers: DataFrame) -> DataFrame:
    """One row per slot and payer: its answers summed, what was said of the rest only where it is not superseded."""
    is_decision = F.col("is_adjudication")
    order = F.struct("remit_date", "remittance_id")
    stays = ~F.col("is_superseded")
    decision = F.struct(*_INITIAL)
    is_paid = is_decision & (F.col("paid_amount") > 0)
    return answers.groupBy(*SLOT, "payer_sequence").agg(
        F.sum("paid_amount").cast(MONEY).alias("paid_amount"),
        F.sum("paid_amount").cast(MONEY).alias("settled_paid_amount"),
        *[F.sum(F.when(stays, F.col(a))).cast(MONEY).alias(f"settled_{a}") for a in _SAID],
        F.count_if(is_decision).alias("adjudications"),
        F.count_if(is_decision & stays).alias("standing_adjudications"),
        F.count_if(F.col("is_reversal") & F.col("has_answer_before") & stays).alias("reversals"),
        F.bool_or(stays & F.col("adjusted_amount").isNotNull()).alias("has_adjustments"),
        F.max_by(F.col("remit_status_code") == "4", F.when(is_decision, order)).alias("last_is_denied_status"),
        F.min_by(decision, F.when(is_decision, order)).alias("initial"),
        F.min(F.when(is_decision, F.col("remit_date"))).alias("first_remit_date"),
        F.max(F.when(is_decision, F.col("remit_date"))).alias("last_remit_date"),
        F.min(F.when(is_paid, F.col("remit_date"))).alias("first_paid_date"),
        F.max("payer_name").alias("payer_name"),
    )


def without_superseded_answers(answers: DataFrame) -> DataFrame:
    """The payer answers with `has_answer_before`, the payer adjudicated what it may take back, and `is_superseded`: a
    zero-paid one, or its reversal, whose payer adjudicated again later.

    A superseded answer brought no money, so nothing takes it back when the payer answers again; what it said of the
    rest would count twice.
    """
    payer = Window.partitionBy(*SLOT, "payer_sequence").rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    adjudication = F.when(F.col("is_adjudication"), F.struct("remit_date", "remittance_id"))
    first, last = F.min(adjudication).over(payer), F.max(adjudication).over(payer)
    is_unlinked_reversal = F.col("is_reversal") & F.col("reverses_remittance_id").isNull()
    answer_meant = F.when(F.col("is_reversal"), F.col("reverses_remittance_id")).otherwise(F.col("remittance_id"))
    is_overtaken = F.when(is_unlinked_reversal, F.col("remit_date") <= last["remit_date"]).otherwise(
        answer_meant != last["remittance_id"]
    )
    is_zero_paid = F.coalesce(F.col("paid_amount"), F.lit(0)) == 0
    is_found = F.col("reverses_remittance_id").isNotNull() & (F.col("reversal_match") != ORPHAN)
    has_answer = F.coalesce((first["remit_date"] <= F.col("remit_date")) | is_found, first.isNotNull())
    return answers.withColumns(
        {"is_superseded": is_zero_paid & F.coalesce(is_overtaken, F.lit(False)), "has_answer_before": has_answer}
    )


def patient_payments(every: DataFrame) -> DataFrame:
    """One row per slot its patient paid for, from its remittances: what the patient paid, refunds deducted."""
    paid = every.where(F.col("payment_kind") == "patient")
    return paid.groupBy(*SLOT).agg(F.sum("patient_paid_amount").cast(MONEY).alias("patient_paid_amount"))


def is_adjudicated() -> Column:
    """A payer's answer stands; without any, the claim has a date or paid money, or the payer sends it; never null."""
    by_claim = F.col("adjudicated_date").isNotNull() | (money_or_zero("own_paid_amount") != 0)
    return F.col("ledger").eqNullSafe("payer_extract") | F.coalesce(F.col("is_standing"), by_claim)


def with_settlement(slots: DataFrame) -> DataFrame:
    """`slots`, one row each, with the amounts, dates and denials of each settled.

    `slots` has the own figures of the versions that count (`own_x`), `is_void` when none does, the outcome and denied
    amount of the lines of its first and last version, the last version's dates, the columns of `payer_settlement` and
    `patient_payments`, and its network's settings.
    """
    is_remitted, zero = F.col("is_standing").isNotNull(), F.lit(_ZERO).cast(MONEY)
    by_patient = money_or_zero("patient_paid_amount")
    dated = slots.withColumns(
        {
            "first_adjudicated_date": F.coalesce("first_remit_date", "adjudicated_date"),
            "last_adjudicated_date": F.coalesce("last_remit_date", "adjudicated_date"),
            "is_adjudicated": is_adjudicated(),
            "is_remitted": is_remitted,
            "billed_amount": money_or_zero("own_billed_amount"),
            "allowed_amount": F.when(~F.col("is_void"), F.coalesce("own_allowed_amount", "settled_allowed_amount")),
            "paid_amount": money_or_zero(
                F.when(is_remitted, F.col("remitted_paid_amount")).otherwise(F.col("own_paid_amount"))
            ),
            "patient_responsibility_amount": F.when(F.col("is_void"), zero).otherwise(
                F.coalesce(
                    "settled_patient_amount",
                    "settled_patient_responsibility_amount",
                    "own_patient_responsibility_amount",
                    by_patient,
                )
            ),
            "patient_paid_amount": by_patient,
            "other_adjustment_amount": F.when(F.col("is_void"), zero).otherwise(money_or_zero("settled_other_amount")),
        }
    )
    return _with_remainder(_with_denials(dated))


def _with_denials(slots: DataFrame) -> DataFrame:
    """`slots` with the state of its settling answer (`outcome`, `denial`) and of the primary's first (`initial_x`).

    By remittances; without any, by the denial codes of the lines of the last and of the first version. Null where the
    sender gives no evidence, nobody decided yet, or there is no denial to speak of (capitated).
    """
    has_evidence = (
        ~F.col("denial_evidence").eqNullSafe("none")
        & ~F.col("payment_arrangement").eqNullSafe(CAPITATED)
    )  # fmt: skip
    pays_nothing = (money_or_zero("settled_paid_amount") == 0) & (money_or_zero("settled_cost_share_amount") == 0)
    denied = money_or_zero("settled_denial_amount")
    is_full = F.col("last_is_denied_status") | (pays_nothing & (denied > 0))
    by_payer = F.when(is_full, FULL).when(denied > 0, PARTIAL).otherwise(CLEAN)
    is_decided = F.col("is_adjudicated") & ~F.col("is_void") & has_evidence
    remitted = F.col("is_remitted")
    outcome = F.when(remitted, by_payer).otherwise(F.col("last_line_outcome"))
    initial = F.when(remitted, F.col("initial_outcome")).otherwise(
        F.when(F.col("is_adjudicated"), F.col("first_line_outcome"))
    )
    return slots.withColumns(
        {
            "outcome": F.when(is_decided, outcome),
            "denial": F.when(is_decided, F.when(remitted, denied).otherwise(F.col("last_line_denied"))),
            "initial_outcome": F.when(has_evidence, initial),
            "initial_denied": F.when(
                has_evidence & (initial != CLEAN),
                F.when(remitted, F.col("initial_denied")).otherwise(F.col("first_line_denied")),
            ),
            "initial_date": F.when(
                has_evidence & initial.isNotNull(), F.coalesce("initial_date", "first_adjudicated_date")
            ),
        }
    )


def _with_remainder(slots: DataFrame) -> DataFrame:
    """`slots` with contractual, denied, encounter and remainder.

    Contractual is what was sent, with what earlier payers' OA-23 says beyond their payments; where neither was sent,
    billed less allowed and less the denied part. Denied is at most what is left. What is left of a capitated slot is
    its encounter amount; of any other, or below zero, it is the remainder.
    """
    denial, billed = F.greatest(money_or_zero("denial"), F.lit(0)), F.col("billed_amount")
    above_allowed = billed - F.col("allowed_amount")
    unsent = F.greatest(above_allowed - denial, F.least(above_allowed, F.lit(0)))
    beyond_earlier = money_or_zero(F.col("settled_prior_payer_amount") - F.col("earlier_paid_amount"))
    # What earlier payers wrote off is in their OA-23 already: billed less allowed would count it twice.
    stated = F.when(F.col("settled_prior_payer_amount").isNull(), unsent)
    contractual = F.coalesce("settled_contractual_amount", stated, F.lit(0)) + beyond_earlier
    written_off = slots.withColumn(
        "contractual_amount", F.when(F.col("is_void"), F.lit(0)).otherwise(contractual).cast(MONEY)
    )
    settled = [F.col(a) for a in SETTLED_AMOUNTS if a != "denied_amount"]
    before = billed - reduce(Column.__add__, settled)
    shared = written_off.withColumn("denied_amount", F.least(denial, F.greatest(before, F.lit(0))).cast(MONEY))
    left = shared.withColumn("left_amount", before - F.col("denied_amount"))
    is_encounter = F.col("payment_arrangement").eqNullSafe(CAPITATED) & (F.col("left_amount") > 0)
    given = left.withColumn("encounter_amount", money_or_zero(F.when(is_encounter, F.col("left_amount"))))
    return given.withColumn("remainder_amount", F.col("left_amount") - F.col("encounter_amount"))
