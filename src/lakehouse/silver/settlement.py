"""Money of a claim from its own figures, its lines and its remittances: pure functions over frames.

A claim is (network, claim_id). Amounts are US dollars. A missing amount counts as nothing in a sum; a sum of
nothing is null until the claim is settled.
"""

from functools import reduce

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.spec.columns import money_or_zero
from lakehouse.spec.field import MONEY

CLAIM = ("network", "claim_id")
TOTAL_REVENUE_CODE = "0001"  # UB-04: the sum of the other lines, not a service
REVERSAL_STATUS = "22"  # 835 CLP02
NO_ADJUDICATION_STATUSES = ("23", "25")  # forwarded to another payer; predetermination
LINE_AMOUNTS = ("billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount")
SETTLED_AMOUNTS = (
    "paid_amount",
    "patient_responsibility_amount",
    "contractual_amount",
    "denied_amount",
    "other_adjustment_amount",
)
REMITTANCE_AMOUNTS = ("paid_amount", "patient_responsibility_amount", "patient_paid_amount")


def is_total_line() -> Column:
    """The line only repeats the sum of the others; never null."""
    return F.col("revenue_code").eqNullSafe(TOTAL_REVENUE_CODE)


def line_totals(lines: DataFrame) -> DataFrame:
    """One row per claim that has service lines: their number and, per amount, `line_x` and `once_x`.

    `line_x` is the sum. `once_x` is the amount that all lines share when they share one, else the sum: header money
    that is repeated on lines is taken once.
    """
    sums = [F.sum(amount).cast(MONEY).alias(f"line_{amount}") for amount in LINE_AMOUNTS]
    is_shared = [(F.min(a) == F.max(a)) & (F.count(a) == F.count(F.lit(1))) for a in LINE_AMOUNTS]
    once = [
        F.when(shared, F.max(amount)).otherwise(F.sum(amount)).cast(MONEY).alias(f"once_{amount}")
        for amount, shared in zip(LINE_AMOUNTS, is_shared, strict=True)
    ]
    return lines.where(~is_total_line()).groupBy(*CLAIM).agg(F.count(F.lit(1)).alias("line_count"), *sums, *once)


def money_is_on_header() -> Column:
    """Whether the claim's header figures count and its lines' do not; never null.

    Besides claims that say so, institutional claims of which every one of several lines bills exactly the header's
    charge: such lines repeat the header. Equal professional lines are real.
    """
    repeats_header = (
        (F.col("claim_type") == "institutional")
        & (F.col("line_count") > 1)
        & (F.col("once_billed_amount") == F.col("billed_amount"))
        & (F.col("line_billed_amount") != F.col("billed_amount"))
    )
    return F.coalesce(F.col("money_level") == "header", F.lit(False)) | F.coalesce(repeats_header, F.lit(False))


def with_own_figures(claims: DataFrame, lines: DataFrame) -> DataFrame:
    """`claims`, one row each, with what header and lines say by themselves.

    `own_x` is the amount from where the claim's money lives, else from the other place, null when neither states it.
    `own_charge_from` is `header` or `lines`, the place `own_billed_amount` came from.
    """
    totalled = claims.join(line_totals(lines), on=[*CLAIM], how="left")  # one row per claim on the right: grouped by it
    on_header = money_is_on_header()
    own = {
        f"own_{a}": F.when(on_header, F.coalesce(F.col(a), F.col(f"once_{a}"))).otherwise(
            F.coalesce(F.col(f"line_{a}"), F.col(a))
        )
        for a in LINE_AMOUNTS
    }
    charge_is_headers = F.col("billed_amount").isNotNull() & (on_header | F.col("line_billed_amount").isNull())
    return totalled.withColumns(
        {
            **own,
            "line_count": F.coalesce(F.col("line_count"), F.lit(0)),
            "own_charge_from": F.when(charge_is_headers, "header").otherwise("lines"),
        }
    )


def remittances(payments: DataFrame) -> DataFrame:
    """One row per remittance (network, claim_id, remittance_id, payment_kind): its rows combined.

    Each amount is that of its claim-level row where stated, else the sum over its lines; `restated_x` is what the lines
    say of an amount the claim-level row states. `payer_sequence` is 1 where none was sent.
    """
    is_claim_level = F.col("payment_level") == "claim"
    by_level = [
        F.sum(F.when(level, F.col(amount))).cast(MONEY).alias(f"{name}_{amount}")
        for amount in REMITTANCE_AMOUNTS
        for name, level in (("claim", is_claim_level), ("line", ~is_claim_level))
    ]
    combined = payments.groupBy(*CLAIM, "remittance_id", "payment_kind").agg(
        F.coalesce(F.max("payer_sequence"), F.lit(1)).alias("payer_sequence"),
        F.max("remit_date").alias("remit_date"),
        F.max("reverses_remittance_id").alias("reverses_remittance_id"),
        _any(F.col("remit_status_code") == REVERSAL_STATUS).alias("is_reversal"),
        _any(F.col("remit_status_code").isin(*NO_ADJUDICATION_STATUSES)).alias("is_no_adjudication"),
        *by_level,
    )
    amounts = {a: F.coalesce(F.col(f"claim_{a}"), F.col(f"line_{a}")) for a in REMITTANCE_AMOUNTS}
    restated = {
        f"restated_{a}": F.when(F.col(f"claim_{a}").isNotNull(), F.col(f"line_{a}")) for a in REMITTANCE_AMOUNTS
    }
    return combined.withColumns({**amounts, **restated})


def is_payer_answer() -> Column:
    """The remittance is a payer's, and an adjudication or the reversal of one; never null."""
    return F.col("payment_kind").eqNullSafe("payer") & ~F.col("is_no_adjudication")


def payer_settlement(every: DataFrame) -> DataFrame:
    """One row per claim that a payer answered, from `remittances`: all paid, patient's part by the settling payer.

    The settling payer is the last in sequence with an answer that stands (more adjudications than reversals of them),
    else the last that answered. Dates are those of adjudications, which reversals are not. `is_standing`: any payer's
    answer stands.
    """
    stands = F.col("adjudications") > F.col("reversals")
    answered = without_superseded_answers(every.where(is_payer_answer()))
    by_payer = answered.groupBy(*CLAIM, "payer_sequence").agg(
        F.sum("paid_amount").alias("paid_amount"),
        F.sum(F.when(~F.col("is_superseded"), F.col("patient_responsibility_amount"))).alias(
            "patient_responsibility_amount"
        ),
        F.count_if(~F.col("is_reversal")).alias("adjudications"),
        F.count_if(F.col("is_reversal")).alias("reversals"),
        F.min(F.when(~F.col("is_reversal"), F.col("remit_date"))).alias("first_remit_date"),
        F.max(F.when(~F.col("is_reversal"), F.col("remit_date"))).alias("last_remit_date"),
    )
    settling = F.struct(stands, F.col("payer_sequence"))
    return by_payer.groupBy(*CLAIM).agg(
        F.sum("paid_amount").cast(MONEY).alias("remitted_paid_amount"),
        F.max_by("patient_responsibility_amount", settling).cast(MONEY).alias("remitted_patient_responsibility_amount"),
        F.bool_or(stands).alias("is_standing"),
        F.min("first_remit_date").alias("first_remit_date"),
        F.max("last_remit_date").alias("last_remit_date"),
    )


def without_superseded_answers(answers: DataFrame) -> DataFrame:
    """The payer answers with `is_superseded`: a zero-paid one, or its reversal, whose payer adjudicated again later.

    Such an answer brought no money, so nothing takes it back when the payer answers again; its patient's part would
    count twice.
    """
    payer = Window.partitionBy(*CLAIM, "payer_sequence").rowsBetween(
        Window.unboundedPreceding, Window.unboundedFollowing
    )
    adjudication = F.when(~F.col("is_reversal"), F.struct("remit_date", "remittance_id"))
    last = F.max(adjudication).over(payer)
    is_unlinked_reversal = F.col("is_reversal") & F.col("reverses_remittance_id").isNull()
    answer_meant = F.when(F.col("is_reversal"), F.col("reverses_remittance_id")).otherwise(F.col("remittance_id"))
    is_overtaken = F.when(is_unlinked_reversal, F.col("remit_date") <= last["remit_date"]).otherwise(
        answer_meant != last["remittance_id"]
    )
    is_zero_paid = F.coalesce(F.col("paid_amount"), F.lit(0)) == 0
    return answers.withColumn("is_superseded", is_zero_paid & F.coalesce(is_overtaken, F.lit(False)))


def patient_payments(every: DataFrame) -> DataFrame:
    """One row per claim its patient paid for, from `remittances`: what the patient paid, refunds deducted."""
    paid = every.where(F.col("payment_kind") == "patient")
    return paid.groupBy(*CLAIM).agg(F.sum("patient_paid_amount").cast(MONEY).alias("patient_paid_amount"))


def is_adjudicated() -> Column:
    """A payer's answer stands; without any, the claim has a date or paid money, or the payer sends it; never null."""
    by_claim = F.col("adjudicated_date").isNotNull() | (money_or_zero("own_paid_amount") != 0)
    return F.col("ledger").eqNullSafe("payer_extract") | F.coalesce(F.col("is_standing"), by_claim)


def closes_on() -> Column:
    """The date from which the claim counts as closed, by ledger, sender's word or age of the last answer; else null.

    A claim whose every adjudication was reversed has no last answer, so age does not close it.
    """
    says_closed = F.coalesce(F.col("is_closed"), F.col("closed_date").isNotNull())
    closed = F.coalesce("closed_date", "last_adjudicated_date", "service_to_date", "service_from_date")
    closes_by_age = ~F.col("closes_claims") & F.col("is_adjudicated")
    return (
        F.when(F.col("ledger") == "payer_extract", F.col("service_from_date"))
        .when(says_closed, closed)
        .when(closes_by_age, F.date_add("last_adjudicated_date", F.col("days_to_close")))
    )


def with_settlement(claims: DataFrame) -> DataFrame:
    """`claims` with the amounts and dates of each settled claim.

    `claims` has one row per claim: the columns of silver.claim, of `with_own_figures`, `payer_settlement` and
    `patient_payments`, and its network's settings. Amounts of the same name are replaced.
    """
    paid_by_patient = money_or_zero("patient_paid_amount")
    is_remitted = F.col("is_standing").isNotNull()
    dated = claims.withColumns(
        {
            "first_adjudicated_date": F.coalesce("first_remit_date", "adjudicated_date"),
            "last_adjudicated_date": F.coalesce("last_remit_date", "adjudicated_date"),
            "is_adjudicated": is_adjudicated(),
            "money_source": F.when(is_remitted, "remittance").otherwise("claim"),
            "billed_amount": money_or_zero("own_billed_amount"),
            "allowed_amount": F.col("own_allowed_amount"),
            "paid_amount": money_or_zero(
                F.when(is_remitted, F.col("remitted_paid_amount")).otherwise(F.col("own_paid_amount"))
            ),
            "patient_responsibility_amount": F.coalesce(
                "remitted_patient_responsibility_amount", "own_patient_responsibility_amount", paid_by_patient
            ),
            "patient_paid_amount": paid_by_patient,
            "denied_amount": F.lit(0).cast(MONEY),
            "other_adjustment_amount": F.lit(0).cast(MONEY),
        }
    )
    return with_remainder(dated).withColumn("closes_on", closes_on())


def with_remainder(claims: DataFrame) -> DataFrame:
    """`claims` with contractual, encounter and remainder, from billed, allowed and the other parts of the identity.

    What is left of a capitated claim is its encounter amount; of any other, or below zero, it is the remainder.
    """
    written_off = claims.withColumn(
        "contractual_amount", money_or_zero(F.col("billed_amount") - F.col("allowed_amount"))
    )
    settled = reduce(Column.__add__, [F.col(part) for part in SETTLED_AMOUNTS])
    left = written_off.withColumn("left_amount", F.col("billed_amount") - settled)
    is_encounter = (F.col("payment_arrangement") == "capitated") & (F.col("left_amount") > 0)
    shared = left.withColumn("encounter_amount", money_or_zero(F.when(is_encounter, F.col("left_amount"))))
    return shared.withColumn("remainder_amount", F.col("left_amount") - F.col("encounter_amount"))


def _any(condition: Column) -> Column:
    return F.coalesce(F.bool_or(condition), F.lit(False))
