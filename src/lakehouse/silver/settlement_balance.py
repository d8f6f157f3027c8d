"""Balance of silver.claim_final: every claim, charge and payment of its inputs is in it or has a reason not to be."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.settlement import CLAIM, is_payer_answer, is_total_line, remittances, with_own_figures
from lakehouse.spec.balance import Entry, amount_where, combined, entries, row_count
from lakehouse.spec.columns import money_or_zero

RESULT = "claim_final"


def claims_and_money_reappear(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measures `claims` (rows), `billed`, `payer_paid` and `patient_paid` (US dollars); see `spec/balance.py`."""
    claims, lines = inputs["claims"], inputs["lines"]
    known = claims.select(*CLAIM, F.lit(True).alias("has_claim"))
    every = remittances(inputs["payments"]).join(known, on=[*CLAIM], how="left")
    given = entries(
        result,
        Entry("claims", RESULT, "out", row_count()),
        Entry("billed", RESULT, "out", F.col("billed_amount")),
        Entry("payer_paid", RESULT, "out", F.col("paid_amount")),
        Entry("patient_paid", RESULT, "out", F.col("patient_paid_amount")),
    )
    return combined(
        given,
        entries(claims, Entry("claims", "claims", "in", row_count())),
        _own(with_own_figures(claims, lines), every),
        _lines(lines.join(known, on=[*CLAIM], how="left")),
        _payments(inputs["payments"]),
        _remitted(every),
    )


def _own(claims: DataFrame, every: DataFrame) -> DataFrame:
    """Header charges, which of header and lines restates the other, and what unanswered claims say was paid."""
    answers = every.where(is_payer_answer()).groupBy(*CLAIM).agg(F.count(F.lit(1)).alias("answer_count"))
    from_header = F.col("own_charge_from") == "header"
    taken_from_lines = F.when(~from_header, money_or_zero("own_billed_amount")).otherwise(0)
    lines_left_out = money_or_zero("line_billed_amount") - taken_from_lines
    unanswered = F.col("answer_count").isNull()
    return entries(
        claims.join(answers, on=[*CLAIM], how="left"),
        Entry("billed", "claim_headers", "in", F.col("billed_amount")),
        Entry("billed", "header_restates_lines", "out", amount_where(~from_header, "billed_amount")),
        Entry("billed", "lines_restate_header", "out", lines_left_out),
        Entry("payer_paid", "claims_without_remittance", "in", amount_where(unanswered, "own_paid_amount")),
    )


def _lines(lines: DataFrame) -> DataFrame:
    """Charges of all lines, and those that no claim can take."""
    is_waiting = F.col("has_claim").isNull()
    return entries(
        lines,
        Entry("billed", "claim_lines", "in", F.col("billed_amount")),
        Entry("billed", "line_without_claim", "out", amount_where(is_waiting, "billed_amount")),
        Entry("billed", "revenue_code_0001", "out", amount_where(~is_waiting & is_total_line(), "billed_amount")),
    )


def _payments(payments: DataFrame) -> DataFrame:
    return entries(
        payments,
        Entry("payer_paid", "payments", "in", F.col("paid_amount")),
        Entry("patient_paid", "payments", "in", F.col("patient_paid_amount")),
    )


def _remitted(every: DataFrame) -> DataFrame:
    """Paid amounts that do not count: no claim, said twice, no adjudication, or in the column of another kind."""
    is_waiting = F.col("has_claim").isNull()
    is_payer, is_patient = F.col("payment_kind") == "payer", F.col("payment_kind") == "patient"
    is_passed_on = is_payer & ~is_payer_answer()
    paid_twice, patient_paid_twice = F.col("restated_paid_amount"), F.col("restated_patient_paid_amount")
    all_paid = money_or_zero("paid_amount") + money_or_zero(paid_twice)
    all_patient_paid = money_or_zero("patient_paid_amount") + money_or_zero(patient_paid_twice)
    is_other = ~is_waiting & ~is_patient
    return entries(
        every,
        Entry("payer_paid", "payment_without_claim", "out", amount_where(is_waiting, all_paid)),
        Entry("payer_paid", "lines_restate_remittance", "out", amount_where(~is_waiting, paid_twice)),
        Entry("payer_paid", "no_adjudication", "out", amount_where(~is_waiting & is_passed_on, "paid_amount")),
        Entry("payer_paid", "not_from_a_payer", "out", amount_where(~is_waiting & ~is_payer, "paid_amount")),
        Entry("patient_paid", "payment_without_claim", "out", amount_where(is_waiting, all_patient_paid)),
        Entry("patient_paid", "lines_restate_payment", "out", amount_where(~is_waiting, patient_paid_twice)),
        Entry("patient_paid", "not_from_the_patient", "out", amount_where(is_other, "patient_paid_amount")),
    )
