"""Why claims were denied at first, and what became of the money. See `denial_reasons`."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.claim_copies import with_is_copy, without_copies
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_family import claim_family
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.denial_reasons import REASON, denial_reasons
from lakehouse.silver.family_settlement import FAMILY
from lakehouse.silver.line_outcome import line_outcome
from lakehouse.silver.remittance import remittance
from lakehouse.spec.balance import Entry, amount_where, combined, entries
from lakehouse.spec.contracts import MODIFIED_AT
from lakehouse.spec.expectations import FAIL, row, unique
from lakehouse.spec.field import BOOLEAN, DATE, LONG, MONEY, STRING, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, period_of
from lakehouse.spec.table import table


def still_denied_within_denied() -> Column:
    """No more of a reason's money is denied now than was at first."""
    return F.col("still_denied_amount").between(0, F.greatest("denied_amount", F.lit(0)))


def denied_money_reappears(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measure `initially_denied` (US dollars) of the families: every dollar has a reason."""
    finals = with_is_copy(inputs["finals"], inputs["copies"])
    is_copy, is_void = F.col("is_copy"), F.col("is_void_family")
    measure, amount = "initially_denied", "initially_denied_amount"
    return combined(
        entries(
            finals,
            Entry(measure, "claims", "in", F.col(amount)),
            Entry(measure, "copy_of_another_network", "out", amount_where(is_copy & ~is_void, amount)),
            Entry(measure, "void_family", "out", amount_where(is_void, amount)),
        ),
        entries(result, Entry(measure, "denial_reason", "out", F.col("denied_amount"))),
    )


@table(
    "silver.denial_reason",
    reads={
        "families": groups(claim_family, by=FAMILY),
        "remittances": groups(remittance, by=FAMILY, through=claim_family, on=CLAIM),
        "finals": groups(claim_final, by=FAMILY),
        "copies": groups(claim_copy, by=FAMILY),
        "lines": groups(line_outcome, by=FAMILY),
    },
    fields=[
        *map(claim_final.field, FAMILY),
        field("group_code", STRING, "adjustment group as sent: CO, PR, OA, PI; - where none was", required=True),
        field("carc", STRING, "reason: X12 code, else the sender's own word; - where none was sent", required=True),
        field("category", STRING, "category of the reason; UNKNOWN where nobody classified it", required=True),
        field("is_preventable", BOOLEAN, "better work would avoid it; null where nobody says"),
        claim_final.field("payer_code"),
        claim_final.field("initially_denied_date"),
        field("initially_denied_month", DATE, "month of that day"),
        field("line_count", LONG, "lines that name the reason; 0 where only the claim does", unit="count"),
        field("denied_amount", MONEY, "denied at first for this reason"),
        field(
            "still_denied_amount", MONEY, "of it denied by the answers that stand; a loss once denial_final_on comes"
        ),
        claim_final.field("denial_final_on"),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=FAMILY, keys=(*FAMILY, *REASON)),
    partition_by=period_of("initially_denied_month"),
    expectations=[
        unique(*FAMILY, *REASON, on_failure=FAIL),
        row("still_denied_within_denied", still_denied_within_denied, on_failure=FAIL),
    ],
    balance=denied_money_reappears,
    freshness=Freshness(within="26 hours"),
)
def denial_reason(
    families: DataFrame, remittances: DataFrame, finals: DataFrame, copies: DataFrame, lines: DataFrame
) -> DataFrame:
    """One row per claim family that its primary payer denied at first, in full or in part, and reason it gave.

    Voided families and copies of another network's claim are left out.
    """
    counted = without_copies(finals, copies)
    made = denial_reasons(families, remittances, counted, lines)
    return made.select(*[f.name for f in denial_reason.fields])
