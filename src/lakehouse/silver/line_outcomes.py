"""How a payer decided each line of a claim, at first and at last: pure functions over frames.

A line's own row of the deciding remittance says it. A line without one takes the claim's full or clean result; under a
claim denied in part its outcome is unknown (null). Without remittances the line's own denial code says it. Source:
contracts.md section 3, domain.md 2.9.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.family_settlement import FAMILY, VOID, lines_with_class
from lakehouse.silver.own_figures import charge_left, is_denied_line, is_total_line
from lakehouse.silver.remittances import CLEAN, FULL, PARTIAL
from lakehouse.spec.columns import money_or_zero
from lakehouse.spec.field import MONEY

OWN_REASON = ("group_code", "carc", "category", "is_preventable")
_OF_FAMILY = (
    "payer_code", "first_adjudicated_date", "adjudication_month", "closes_on", "denial_final_on", "modified_at",
)  # fmt: skip
_LINE = (
    *CLAIM, "line_id", "procedure_code_system", "procedure_code", "billed_amount", "paid_amount",
    "patient_responsibility_amount", "denial_code", "reason_code", "is_denial_code", *OWN_REASON,
)  # fmt: skip


def line_outcomes(
    families: DataFrame,
    lines: DataFrame,
    remittances: DataFrame,
    finals: DataFrame,
    codes: DataFrame,
    reasons: DataFrame,
) -> DataFrame:
    """One row per line of a claim version that was decided first or last; see the fields of line_outcome.

    Voided families have none, nor have lines without a charge, and totals.
    """
    decided = decided_versions(families, finals)
    answered = decided.join(answers_by_claim(remittances), on=[*CLAIM], how="left")  # grouped by claim: one row
    known = answered.withColumns({"first_results": _first_results(), "last_results": _last_results()})
    charged = lines_with_class(lines, codes, reasons).where(~is_total_line() & ~is_zero_charge())
    placed = charged.select(*_LINE).join(known.drop("answers"), on=[*CLAIM], how="inner")
    return _with_amounts(_with_outcomes(placed))


def is_zero_charge() -> Column:
    """The line states a charge of nothing; one that states none may have one. Never null."""
    return F.coalesce(F.col("billed_amount") == 0, F.lit(False))


def decided_versions(families: DataFrame, finals: DataFrame) -> DataFrame:
    """One row per claim version whose lines a payer decided: `is_initial` first, `is_final` last (it is live)."""
    live = finals.where(F.col("final_status") != VOID)
    decisions = live.select(*FAMILY, *_OF_FAMILY, F.inline("decisions"))
    place = families.select(*CLAIM, "family_id", "slot", "version_number", "counts")
    slot = Window.partitionBy(*FAMILY, "slot")
    is_first = F.col("version_number") == F.min("version_number").over(slot)
    placed = place.withColumn("is_first", is_first).join(decisions, on=[*FAMILY, "slot"], how="inner")  # one per slot
    by_remittance = F.col("initial_claim_id").eqNullSafe(F.col("claim_id"))
    return placed.withColumns(
        {
            "is_initial": F.when(F.col("is_remitted"), by_remittance).otherwise(
                F.col("is_adjudicated") & F.col("is_first")
            ),
            "is_final": F.col("counts") & F.col("is_adjudicated"),
        }
    ).where(F.col("is_initial") | F.col("is_final"))


def answers_by_claim(remittances: DataFrame) -> DataFrame:
    """One row per claim that a payer decided, with `answers`: its adjudications in order of posting."""
    answer = F.struct("remit_date", "remittance_id", "payer_sequence", "is_taken_back", "line_results")
    decided = remittances.where(F.col("is_adjudication"))
    return decided.groupBy(*CLAIM).agg(F.sort_array(F.collect_list(answer)).alias("answers"))


def _first_results() -> Column:
    meant = F.filter("answers", lambda a: a["remittance_id"] == F.col("initial_remittance_id"))
    return F.when(F.col("is_initial"), F.try_element_at(meant, F.lit(1))["line_results"])


def _last_results() -> Column:
    """What the settling payer said of lines and nobody took back, the newest last."""
    standing = F.filter(
        "answers", lambda a: ~a["is_taken_back"] & (a["payer_sequence"] == F.col("settling_payer_sequence"))
    )
    return F.flatten(F.transform(standing, lambda a: F.coalesce(a["line_results"], F.array())))


def _with_outcomes(lines: DataFrame) -> DataFrame:
    """`lines` with the row that decided each (`x_row`) and `initial_outcome`, `final_outcome`."""
    own_paid = money_or_zero("paid_amount")
    own = F.when(~is_denied_line(), CLEAN).when(own_paid == 0, FULL).otherwise(PARTIAL)

    def row_of(results: str, place: int) -> Column:
        return F.try_element_at(F.filter(results, lambda r: r["line_id"] == F.col("line_id")), F.lit(place))

    def outcome(row: str, of_claim: str) -> Column:
        inherited = F.when(F.col(of_claim) != PARTIAL, F.col(of_claim))
        by_payer = F.when(F.col(row).isNotNull(), F.col(f"{row}.denial_outcome")).otherwise(inherited)
        # Without an outcome of the claim there is no evidence of denials at all.
        return F.when(F.col(of_claim).isNotNull(), F.when(F.col("is_remitted"), by_payer).otherwise(own))

    rows = lines.withColumns({"first_row": row_of("first_results", 1), "last_row": row_of("last_results", -1)})
    return rows.drop("first_results", "last_results").withColumns(
        {
            "initial_line_outcome": F.when(F.col("is_initial"), outcome("first_row", "initial_outcome")),
            "final_outcome": F.when(F.col("is_final"), outcome("last_row", "outcome")),
        }
    )


def _with_amounts(lines: DataFrame) -> DataFrame:
    """`lines` with what was denied of each, at most its charge; null unless it was denied."""

    def denied(outcome: str, row: str, of_claim: str) -> Column:
        by_payer = F.coalesce(F.col(f"{row}.denial_amount"), _share(row, of_claim, outcome))
        amount = F.when(F.col("is_remitted"), by_payer).otherwise(charge_left().cast(MONEY))
        return F.when(F.col(outcome).isin(FULL, PARTIAL), F.least(amount, F.col("billed_amount")))

    amounts = {
        "initially_denied_amount": denied("initial_line_outcome", "first_row", "initial_denied"),
        "final_denied_amount": denied("final_outcome", "last_row", "denial"),
    }
    done = (
        lines.withColumns(amounts).drop("initial_outcome").withColumnRenamed("initial_line_outcome", "initial_outcome")
    )
    is_own = ~F.col("is_remitted") & is_denied_line()
    said = {**{name: F.col(name) for name in OWN_REASON}, "carc": F.coalesce("carc", "reason_code")}
    return done.withColumns({name: F.when(is_own, value) for name, value in said.items()})


def _share(row: str, of_claim: str, outcome: str) -> Column:
    """What a claim denied in full gives to a line that no row speaks of: by charge, to the cent in all."""
    claim = Window.partitionBy(*CLAIM)
    so_far = claim.orderBy("line_id").rowsBetween(Window.unboundedPreceding, Window.currentRow)
    is_unsaid = F.col(row).isNull() & (F.col(outcome) == FULL)
    charge = F.when(is_unsaid, money_or_zero("billed_amount")).otherwise(F.lit(0))
    rest = money_or_zero(of_claim) - F.coalesce(F.sum(f"{row}.denial_amount").over(claim), F.lit(0))
    total, until = F.sum(charge).over(claim), F.sum(charge).over(so_far)

    def part(charged: Column) -> Column:
        return F.round(rest * charged / F.nullif(total, F.lit(0)), 2)

    return F.when(is_unsaid, part(until) - part(until - charge)).cast(MONEY)
