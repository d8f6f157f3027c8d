"""Balance of silver.claim_final: every claim, charge and payment of its inputs is in it or has a reason not to be."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.family_settlement import lines_with_class
from lakehouse.silver.own_figures import is_total_line, with_own_figures
from lakehouse.silver.settlement import SLOT
from lakehouse.spec.balance import Entry, amount_where, combined, entries, row_count
from lakehouse.spec.columns import money_or_zero

RESULT = "claim_final"


def claims_and_money_reappear(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measures `claims` (versions), `billed`, `payer_paid` and `patient_paid` (US dollars); see `spec/balance.py`."""
    families = inputs["families"].select(*CLAIM, "family_id", "slot", "counts")
    lines = lines_with_class(inputs["lines"], inputs["codes"], inputs["reasons"])
    versions = with_own_figures(inputs["claims"].drop("family_id"), lines).join(families, on=[*CLAIM], how="inner")
    remitted = inputs["remittances"].drop("family_id").join(families, on=[*CLAIM], how="inner")
    given = entries(
        result,
        Entry("claims", RESULT, "out", F.col("version_count")),
        Entry("billed", RESULT, "out", F.col("billed_amount")),
        Entry("payer_paid", RESULT, "out", F.col("paid_amount")),
        Entry("patient_paid", RESULT, "out", F.col("patient_paid_amount")),
    )
    return combined(given, _own(versions, remitted), _lines(inputs["lines"]), _remitted(remitted))


def _own(versions: DataFrame, remitted: DataFrame) -> DataFrame:
    """Claims and header charges: which of header and lines restates the other, versions that do not count, and what
    unanswered claims say was paid."""
    answers = remitted.where("is_answer").groupBy(*SLOT).agg(F.count(F.lit(1)).alias("answer_count"))
    from_header = F.col("own_charge_from") == "header"
    taken_from_lines = F.when(~from_header, money_or_zero("own_billed_amount")).otherwise(0)
    lines_left_out = money_or_zero("line_billed_amount") - taken_from_lines
    speaks_for_itself = F.col("answer_count").isNull() & F.col("counts")
    return entries(
        versions.join(answers, on=[*SLOT], how="left"),  # one row per slot on the right: grouped by it
        Entry("claims", "claims", "in", row_count()),
        Entry("billed", "claim_headers", "in", F.col("billed_amount")),
        Entry("billed", "header_restates_lines", "out", amount_where(~from_header, "billed_amount")),
        Entry("billed", "lines_restate_header", "out", lines_left_out),
        Entry("billed", "version_does_not_count", "out", amount_where(~F.col("counts"), "own_billed_amount")),
        Entry("payer_paid", "claims_without_remittance", "in", amount_where(speaks_for_itself, "own_paid_amount")),
    )


def _lines(lines: DataFrame) -> DataFrame:
    """Charges of all lines, totals among them."""
    return entries(
        lines,
        Entry("billed", "claim_lines", "in", F.col("billed_amount")),
        Entry("billed", "revenue_code_0001", "out", amount_where(is_total_line(), "billed_amount")),
    )


def _remitted(remitted: DataFrame) -> DataFrame:
    """Paid amounts of remittances, and those that do not count: held, no adjudication, or of another kind."""
    is_payer, is_patient = F.col("payment_kind") == "payer", F.col("payment_kind") == "patient"
    is_held = F.col("is_duplicate")
    is_no_answer = is_payer & ~is_held & ~F.col("is_answer")
    return entries(
        remitted,
        Entry("payer_paid", "remittances", "in", F.col("paid_amount")),
        Entry("payer_paid", "held_as_duplicate", "out", amount_where(is_held, "paid_amount")),
        Entry("payer_paid", "no_adjudication", "out", amount_where(is_no_answer, "paid_amount")),
        Entry("payer_paid", "not_from_a_payer", "out", amount_where(~is_payer, "paid_amount")),
        Entry("patient_paid", "remittances", "in", F.col("patient_paid_amount")),
        Entry("patient_paid", "not_from_the_patient", "out", amount_where(~is_patient, "patient_paid_amount")),
    )
