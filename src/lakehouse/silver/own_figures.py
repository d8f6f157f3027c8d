"""What a claim says of its own money: header and lines. Pure functions over frames.

A claim is (network, claim_id). Amounts are US dollars; a sum of nothing is null.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.remittances import CLEAN, FULL, PARTIAL
from lakehouse.spec.columns import money_or_zero
from lakehouse.spec.field import MONEY

TOTAL_REVENUE_CODE = "0001"  # UB-04: the sum of the other lines, not a service
LINE_AMOUNTS = ("billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount")


def is_total_line() -> Column:
    """The line only repeats the sum of the others; never null."""
    return F.col("revenue_code").eqNullSafe(TOTAL_REVENUE_CODE)


def is_denied_line() -> Column:
    """The line's own code denies it; an unknown code does where nothing was paid nor assigned to the patient. Never
    null. Needs `is_denial_code` of `with_denial_class`."""
    brings_nothing = (money_or_zero("paid_amount") == 0) & (money_or_zero("patient_responsibility_amount") == 0)
    return F.col("denial_code").isNotNull() & F.coalesce("is_denial_code", brings_nothing)


def charge_left() -> Column:
    """What a line's own figures leave of its charge after payer and patient; never below 0, never null."""
    brought = money_or_zero("paid_amount") + money_or_zero("patient_responsibility_amount")
    return F.greatest(money_or_zero("billed_amount") - brought, F.lit(0))


def line_totals(lines: DataFrame) -> DataFrame:
    """One row per claim that has service lines: their number, per amount `line_x` and `once_x`, and what was denied.

    `line_x` is the sum. `once_x` is the amount that all lines share when they share one, else the sum: header money
    that is repeated on lines is taken once. `line_denied_amount` is what is left of the charge of denied lines.
    """
    sums = [F.sum(amount).cast(MONEY).alias(f"line_{amount}") for amount in LINE_AMOUNTS]
    is_shared = [(F.min(a) == F.max(a)) & (F.count(a) == F.count(F.lit(1))) for a in LINE_AMOUNTS]
    once = [
        F.when(shared, F.max(amount)).otherwise(F.sum(amount)).cast(MONEY).alias(f"once_{amount}")
        for amount, shared in zip(LINE_AMOUNTS, is_shared, strict=True)
    ]
    is_charged = money_or_zero("billed_amount") != 0
    denials = [
        F.count_if(is_charged).alias("charged_line_count"),
        F.count_if(is_charged & F.col("is_denied")).alias("denied_line_count"),
        F.sum(F.when(F.col("is_denied"), charge_left())).cast(MONEY).alias("line_denied_amount"),
    ]
    service = lines.where(~is_total_line()).withColumn("is_denied", is_denied_line())
    return service.groupBy(*CLAIM).agg(F.count(F.lit(1)).alias("line_count"), *sums, *once, *denials)


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
    `own_charge_from` is `header` or `lines`, the place `own_billed_amount` came from. `line_outcome` is full, partial
    or clean by the denial codes of its lines.
    """
    totalled = claims.join(line_totals(lines), on=[*CLAIM], how="left")  # one row per claim on the right: grouped by it
    on_header = money_is_on_header()
    own = {
        f"own_{a}": F.when(on_header, F.coalesce(F.col(a), F.col(f"once_{a}"))).otherwise(
            F.coalesce(F.col(f"line_{a}"), F.col(a))
        )
        for a in LINE_AMOUNTS
    }
    denied = F.coalesce("denied_line_count", F.lit(0))
    brings_nothing = (money_or_zero("own_paid_amount") == 0) & (money_or_zero("own_patient_responsibility_amount") == 0)
    is_full = (denied == F.col("charged_line_count")) & brings_nothing
    charge_is_headers = F.col("billed_amount").isNotNull() & (on_header | F.col("line_billed_amount").isNull())
    return totalled.withColumns(own).withColumns(
        {
            "line_count": F.coalesce(F.col("line_count"), F.lit(0)),
            "own_charge_from": F.when(charge_is_headers, "header").otherwise("lines"),
            "line_outcome": F.when(denied == 0, CLEAN).when(is_full, FULL).otherwise(PARTIAL),
        }
    )
