"""How a payer decided each service line, at first and at last. See `line_outcomes`."""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.silver.claim_copies import without_copies
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_family import claim_family
from lakehouse.silver.claim_final import OUTCOMES, claim_final
from lakehouse.silver.claim_line import claim_line
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.denial_code import denial_code
from lakehouse.silver.family_settlement import FAMILY
from lakehouse.silver.line_outcomes import decided_versions, is_zero_charge, line_outcomes
from lakehouse.silver.own_figures import is_total_line
from lakehouse.silver.remittance import remittance
from lakehouse.spec.balance import Entry, amount_where, combined, entries, row_count
from lakehouse.spec.contracts import CLAIM_LINES, MODIFIED_AT
from lakehouse.spec.expectations import FAIL, accepted_values, unique
from lakehouse.spec.field import BOOLEAN, MONEY, STRING, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, period_of, snapshot
from lakehouse.spec.table import table

KEY = (*CLAIM, "line_id")


def lines_reappear(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measure `lines` of decided claim versions (rows): each has an outcome or a reason not to be here."""
    counted = without_copies(inputs["finals"], inputs["copies"])
    decided = decided_versions(inputs["families"], counted).select(*CLAIM)
    lines = inputs["lines"].join(decided, on=[*CLAIM], how="left_semi")
    is_free = ~is_total_line() & is_zero_charge()
    return combined(
        entries(
            lines,
            Entry("lines", "lines", "in", row_count()),
            Entry("lines", "revenue_code_0001", "out", amount_where(is_total_line(), F.lit(1))),
            Entry("lines", "zero_charge", "out", amount_where(is_free, F.lit(1))),
        ),
        entries(result, Entry("lines", "line_outcome", "out", row_count())),
    )


@table(
    "silver.line_outcome",
    reads={
        "families": groups(claim_family, by=FAMILY),
        "lines": groups(claim_line, by=FAMILY, through=claim_family, on=CLAIM),
        "remittances": groups(remittance, by=FAMILY, through=claim_family, on=CLAIM),
        "finals": groups(claim_final, by=FAMILY),
        "copies": groups(claim_copy, by=FAMILY),
        "codes": snapshot(denial_code),
        "reasons": snapshot(adjustment_reason),
    },
    fields=[
        *CLAIM_LINES.pick(*KEY),
        claim_final.field("family_id"),
        claim_final.field("payer_code"),
        claim_final.field("first_adjudicated_date"),
        claim_final.field("adjudication_month"),
        *CLAIM_LINES.pick("procedure_code_system", "procedure_code", "billed_amount"),
        field("is_initial", BOOLEAN, "its version was decided first", required=True),
        field("initial_outcome", STRING, "of that decision: full, partial or clean; null where unknown"),
        field("initially_denied_amount", MONEY, "denied by it"),
        field("is_final", BOOLEAN, "its version counts and is decided", required=True),
        field("final_outcome", STRING, "of the settling payer: full, partial or clean; null where unknown"),
        field("final_denied_amount", MONEY, "denied by it; a loss once denial_final_on has come"),
        claim_final.field("closes_on"),
        claim_final.field("denial_final_on"),
        field("group_code", STRING, "of the line's own denial code, where no remittance decides"),
        field("carc", STRING, "its reason"),
        field("category", STRING, "its category"),
        field("is_preventable", BOOLEAN, "a denial that better work would avoid"),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=FAMILY, keys=KEY),
    partition_by=period_of("adjudication_month"),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        accepted_values("initial_outcome", OUTCOMES, nulls="pass", on_failure=FAIL),
        accepted_values("final_outcome", OUTCOMES, nulls="pass", on_failure=FAIL),
    ],
    balance=lines_reappear,
    freshness=Freshness(within="26 hours"),
)
def line_outcome(
    families: DataFrame,
    lines: DataFrame,
    remittances: DataFrame,
    finals: DataFrame,
    copies: DataFrame,
    codes: DataFrame,
    reasons: DataFrame,
) -> DataFrame:
    """One row per service line that a payer decided, of the version decided first and of those that count.

    Lines without a charge, totals (0001), voided families and copies of another network's claim are left out.
    """
    counted = without_copies(finals, copies)
    made = line_outcomes(families, lines, remittances, counted, codes, reasons)
    return made.select(*[f.name for f in line_outcome.fields])
