"""Remittances made of payment rows and their adjustments: pure functions over frames.

A remittance is one 835 claim payment (CLP): the rows of a claim with one remittance_id and payment_kind. Every
adjustment is of one class, the first that fits: the patient's part (PR), what earlier payers paid (OA-23), denial,
contractual (CO, PI), other. Sources: X12 835; the classification of `silver/denial_class.py`.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.silver.adjustment_codes import ANY_GROUP
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.denial_class import UNKNOWN_CATEGORY
from lakehouse.spec.columns import money_or_zero
from lakehouse.spec.field import MONEY

REVERSAL_STATUS = "22"  # 835 CLP02
DENIED_STATUS = "4"
NO_ADJUDICATION_STATUSES = ("23", "25")  # forwarded to another payer; predetermination
COST_SHARE = ("1", "2", "3")  # deductible, coinsurance, copayment
DUPLICATE_CARC = "18"
FULL, PARTIAL, CLEAN = "full", "partial", "clean"
EXACT, INEXACT, ORPHAN = "exact", "inexact", "orphan"  # what a reversal takes back
AMOUNTS = ("billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount", "patient_paid_amount")
RESTATED = ("paid_amount", "patient_paid_amount")
CLASSES = ("patient", "prior_payer", "denial", "contractual", "other")
_UNKNOWN = ("unknown_contractual", "unknown_other")
_REASON = ("group_code", "carc", "category", "is_preventable", "amount", "class")
_PAYMENT = ("network", "payment_id")
_REMITTANCE = (*CLAIM, "remittance_id", "payment_kind", "is_duplicate")
_SAID = (
    *CLAIM, "payer_name", "trace_number", "line_id", "payment_level", "remit_status_code", *AMOUNTS, "adjustments_hash"
)  # fmt: skip


def adjustment_class() -> Column:
    """The class of one adjustment, of a row with `group_code`, `carc` and `is_denial_code` (null: code unknown)."""
    group, carc, is_denial = F.col("group_code"), F.col("carc"), F.col("is_denial_code")
    is_contractual = group.isin("CO", "PI")
    return (
        F.when(group == "PR", "patient")
        .when((group == "OA") & (carc == "23"), "prior_payer")
        .when(is_denial, "denial")
        .when(is_denial.isNull() & is_contractual, _UNKNOWN[0])
        .when(is_denial.isNull(), _UNKNOWN[1])
        .when(is_contractual, "contractual")
        .otherwise("other")
    )


def adjustment_sums(adjustments: DataFrame) -> DataFrame:
    """One row per payment row that has adjustments (classified by `with_denial_class`): sums by class, null where the
    class was not sent, those that deny or may, and a hash of them all."""
    amount = F.col("amount")
    is_cost_share = (F.col("class") == "patient") & F.col("carc").isin(*COST_SHARE)
    is_other_denial = (F.col("class") == "denial") & (F.col("carc") != DUPLICATE_CARC)
    sums = {f"{c}_sum": F.when(F.col("class") == c, amount) for c in (*CLASSES, *_UNKNOWN)}
    sums |= {
        "cost_share_sum": F.when(is_cost_share, amount),
        "not_duplicate_sum": F.when(is_other_denial, F.abs(amount)),
        "sum": amount,
    }
    said = F.struct("group_code", "reason_code", "amount")
    code = F.coalesce("carc", "reason_code", F.lit(ANY_GROUP)).alias("carc")
    reason = F.struct("group_code", code, *_REASON[2:])
    may_deny = F.col("class").isin("denial", *_UNKNOWN)
    return (
        adjustments.withColumn("class", adjustment_class())
        .groupBy(*_PAYMENT)
        .agg(
            *[F.sum(value).cast(MONEY).alias(f"adjusted_{name}") for name, value in sums.items()],
            F.count_if(F.col("is_denial_code").isNull()).alias("unknown_code_count"),
            F.collect_list(F.when(may_deny, reason)).alias("reasons"),
            F.xxhash64(F.sort_array(F.collect_list(said))).alias("adjustments_hash"),
            F.max("modified_at").alias("adjusted_at"),
        )
    )


def payment_rows(payments: DataFrame, adjustments: DataFrame) -> DataFrame:
    """`payments` (with `_batch_id`), one row each, with the sums of `adjustment_sums` and `is_duplicate`.

    A row is a duplicate (domain.md X05) when another delivery said exactly the same of the same check or transfer
    before: payer, trace, claim, line, status, amounts and adjustments. Equal rows of one delivery are both real.
    """
    known = payments.join(adjustment_sums(adjustments), on=[*_PAYMENT], how="left")  # grouped by payment: one row
    same = Window.partitionBy(*_SAID).orderBy("modified_at", "payment_id")
    same = same.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    is_traced = (F.col("payment_kind") == "payer") & F.col("trace_number").isNotNull()
    again = F.col("_batch_id") != F.first("_batch_id").over(same)
    return known.withColumn("is_duplicate", F.coalesce(is_traced & again, F.lit(False)))


def remittances(rows: DataFrame) -> DataFrame:
    """One row per remittance (`payment_rows` combined), what its adjustments come to and how it decided.

    An amount is that of the claim-level row where stated, else the sum over the lines; `restated_x` is what lines say
    of an amount the claim-level row states. Adjustments of both levels add. `payer_sequence` is 1 where none was sent.
    Of an adjudication, `line_results` are what it says of each line, `denial_reasons` the adjustments that deny.
    """
    is_claim_level = F.col("payment_level") == "claim"
    lines = with_decision(_merged(_told(rows), (*_REMITTANCE, "payment_level", "line_id"), AMOUNTS))
    # A line denied as a duplicate is denied; only a remittance that says nothing else decides nothing.
    result = F.struct("line_id", "paid_amount", "denial_amount", _outcome().alias("denial_outcome"))
    levels = {f"claim_{a}": F.when(is_claim_level, F.col(a)) for a in AMOUNTS}
    levels |= {f"line_{a}": F.when(~is_claim_level, F.col(a)) for a in AMOUNTS}
    is_line = F.col("line_id").isNotNull() & ~is_claim_level
    split = lines.withColumns({**levels, "line_result": F.when(is_line, result)})
    results = F.sort_array(F.collect_list("line_result")).alias("line_results")
    combined = _merged(split, _REMITTANCE, tuple(levels), results)
    amounts = {a: F.coalesce(F.col(f"claim_{a}"), F.col(f"line_{a}")) for a in AMOUNTS}
    restated = {f"restated_{a}": F.when(F.col(f"claim_{a}").isNotNull(), F.col(f"line_{a}")) for a in RESTATED}
    first = {"payer_sequence": F.coalesce("payer_sequence", F.lit(1))}
    return with_reversal_match(_with_reasons(with_decision(combined.withColumns(amounts | restated | first))))


def _told(rows: DataFrame) -> DataFrame:
    """Payment rows with what `_merged` puts together."""
    status, line = F.col("remit_status_code"), F.col("line_id")
    reasons = F.transform("reasons", lambda r: F.struct(line.alias("line_id"), *[r[c].alias(c) for c in _REASON]))
    flags = {
        "is_reversal": status == REVERSAL_STATUS,
        "is_denied_status": status == DENIED_STATUS,
        "is_passed_on": status.isin(*NO_ADJUDICATION_STATUSES),
    }
    return rows.withColumns(
        {
            **{name: F.coalesce(flag, F.lit(False)) for name, flag in flags.items()},
            "payment_count": F.lit(1),
            "unknown_code_count": F.coalesce("unknown_code_count", F.lit(0)),
            "modified_at": F.greatest("modified_at", "adjusted_at"),
            "reasons": F.coalesce(reasons, F.array()),
        }
    )


def _merged(rows: DataFrame, by: tuple[str, ...], amounts: tuple[str, ...], *more: Column) -> DataFrame:
    """One row per `by`: what its rows say together, with the sums of `amounts` and of their adjustments."""
    described = ("payer_sequence", "payer_name", "remit_date", "remit_status_code", "reverses_remittance_id")
    adjusted = [f"adjusted_{name}_sum" for name in (*CLASSES, *_UNKNOWN, "cost_share", "not_duplicate")]
    return rows.groupBy(*by).agg(
        *[F.max(c).alias(c) for c in (*described, "modified_at")],
        *[F.bool_or(c).alias(c) for c in ("is_reversal", "is_denied_status", "is_passed_on")],
        *[F.sum(c).alias(c) for c in ("payment_count", "unknown_code_count")],
        *[F.sum(c).cast(MONEY).alias(c) for c in (*amounts, *adjusted, "adjusted_sum")],
        F.flatten(F.collect_list("reasons")).alias("reasons"),
        *more,
    )


def _with_reasons(every: DataFrame) -> DataFrame:
    """`every` with `line_results` and `denial_reasons`, both null unless the remittance is an adjudication.

    One that says denied and no reason has one reason, without group and code.
    """
    denying = F.filter("reasons", lambda r: (r["class"] == "denial") | F.col("unknown_denies"))
    reasons = F.transform(denying, lambda r: r.dropFields("class"))
    unsaid = F.struct(
        F.lit(None).cast("string").alias("line_id"),
        F.lit(ANY_GROUP).alias("group_code"),
        F.lit(ANY_GROUP).alias("carc"),
        F.lit(UNKNOWN_CATEGORY).alias("category"),
        F.lit(None).cast("boolean").alias("is_preventable"),
        F.col("denial_amount").alias("amount"),
    )
    said = F.when(F.size(reasons) > 0, F.sort_array(reasons)).when(money_or_zero("denial_amount") > 0, F.array(unsaid))
    is_decision = F.col("is_adjudication")
    return every.withColumns(
        {
            "line_results": F.when(is_decision & (F.size("line_results") > 0), F.col("line_results")),
            "denial_reasons": F.when(is_decision, said),
        }
    ).drop("reasons", "unknown_denies")


def with_decision(every: DataFrame) -> DataFrame:
    """`every` with the five class amounts, `is_adjudication`, `is_answer`, `denial_outcome` and `unknown_denies`.

    An unknown code is a denial only where nothing was paid and no patient's part stands beside it. A remittance denied
    by nothing but code 18 (exact duplicate) decided nothing, nor did one that was passed on.
    """
    is_zero_paid = money_or_zero("paid_amount") == 0
    unknown_denies = is_zero_paid & F.col("adjusted_patient_sum").isNull()
    contractual, other = (F.col(f"adjusted_{name}_sum") for name in _UNKNOWN)
    has_denial = F.col("adjusted_denial_sum").isNotNull()
    says_only_denied = F.col("is_denied_status") & ~has_denial & contractual.isNull() & other.isNull()
    denial = F.when(says_only_denied, F.col("billed_amount")).otherwise(
        _sum_of(F.col("adjusted_denial_sum"), F.when(unknown_denies, contractual), F.when(unknown_denies, other))
    )
    classed = every.withColumns(
        {
            "patient_amount": F.col("adjusted_patient_sum"),
            "cost_share_amount": F.col("adjusted_cost_share_sum"),
            "prior_payer_amount": F.col("adjusted_prior_payer_sum"),
            "denial_amount": denial.cast(MONEY),
            "contractual_amount": _sum_of(F.col("adjusted_contractual_sum"), F.when(~unknown_denies, contractual)).cast(
                MONEY
            ),
            "other_amount": _sum_of(F.col("adjusted_other_sum"), F.when(~unknown_denies, other)).cast(MONEY),
            "has_adjustments": F.col("adjusted_sum").isNotNull(),
            "unknown_denies": unknown_denies,
        }
    )
    unknown_denial = unknown_denies & (contractual.isNotNull() | other.isNotNull())
    is_duplicate_denial = (
        is_zero_paid
        & F.coalesce(F.col("adjusted_denial_sum") != 0, F.lit(False))
        & F.col("adjusted_not_duplicate_sum").isNull()
        & ~unknown_denial
    )
    is_answer = (
        F.col("payment_kind").eqNullSafe("payer")
        & ~F.col("is_duplicate")
        & ~F.col("is_passed_on")
        & ~is_duplicate_denial
    )
    decided = classed.withColumns({"is_answer": is_answer, "is_adjudication": is_answer & ~F.col("is_reversal")})
    return decided.withColumn("denial_outcome", F.when(F.col("is_adjudication"), _outcome()))


def _outcome() -> Column:
    """Full, partial or clean, of rows that say what was paid and denied; never null."""
    denied = money_or_zero("denial_amount")
    brings_nothing = (_paid() == 0) & (money_or_zero("cost_share_amount") == 0)
    is_full = F.col("is_denied_status") | (brings_nothing & (denied > 0))
    return F.when(is_full, FULL).when(denied > 0, PARTIAL).otherwise(CLEAN)


def with_reversal_match(every: DataFrame) -> DataFrame:
    """`every` with `reversal_match` (domain.md X06), null unless the remittance reverses: `exact` takes back to the
    cent what an adjudication of the claim paid, `inexact` another amount, `orphan` one that has not come; and with
    `is_taken_back`, an adjudication that a reversal names, or that one without a name takes back to the cent.

    A reversal that names none means one of its payer's up to its own date.
    """
    said = F.struct("remittance_id", "payer_sequence", "remit_date", _paid().alias("paid"), "reverses_remittance_id")
    claim, takes = Window.partitionBy(*CLAIM), F.col("is_answer") & F.col("is_reversal")
    known = every.withColumns(
        {
            "made": F.collect_list(F.when(F.col("is_adjudication"), said)).over(claim),
            "taken_back": F.collect_list(F.when(takes, said)).over(claim),
        }
    )

    def means(reversal: Column, other: Column) -> Column:
        is_before = other["remit_date"] <= reversal["remit_date"]
        by_payer = (other["payer_sequence"] == reversal["payer_sequence"]) & F.coalesce(is_before, F.lit(True))
        return F.coalesce(other["remittance_id"] == reversal["reverses_remittance_id"], by_payer)

    def takes_back(reversal: Column) -> Column:
        is_named = reversal["reverses_remittance_id"].isNotNull()
        return means(reversal, said) & (is_named | (reversal["paid"] == -_paid()))

    meant = F.filter("made", lambda other: means(said, other))
    is_exact = F.exists(meant, lambda other: other["paid"] == -_paid())
    match = F.when(is_exact, EXACT).when(F.size(meant) > 0, INEXACT).otherwise(ORPHAN)
    return known.withColumns(
        {
            "reversal_match": F.when(takes, match),
            "is_taken_back": F.col("is_adjudication") & F.exists("taken_back", takes_back),
        }
    ).drop("made", "taken_back")


def _paid() -> Column:
    return money_or_zero("paid_amount")


def _sum_of(*parts: Column) -> Column:
    """The sum of what is there; null when nothing is."""
    total = money_or_zero(parts[0])
    for part in parts[1:]:
        total = total + money_or_zero(part)
    return F.when(F.coalesce(*parts).isNotNull(), total)
