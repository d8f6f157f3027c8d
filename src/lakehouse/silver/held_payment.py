"""Held payments: remittances that no figure of a claim holds, or that somebody has to look at."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import sent_name_key
from lakehouse.silver.claim import claim
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.payment import REMIT_MONTH
from lakehouse.silver.remittance import remittance
from lakehouse.silver.remittances import INEXACT, ORPHAN
from lakehouse.spec.balance import Entry, amount_where, combined, entries
from lakehouse.spec.columns import month_of
from lakehouse.spec.contracts import MODIFIED_AT, PAYMENTS
from lakehouse.spec.expectations import FAIL, WARN, accepted_values, row
from lakehouse.spec.field import BOOLEAN, STRING, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups
from lakehouse.spec.table import table

REMITTANCE = (*CLAIM, "remittance_id", "payment_kind", "is_duplicate")
NO_CLAIM, DUPLICATE_TRACE = "no_claim", "duplicate_trace"
ORPHAN_REVERSAL, INEXACT_REVERSAL, OTHER_PAYER = "orphan_reversal", "inexact_reversal", "other_payer"
REASONS = (NO_CLAIM, DUPLICATE_TRACE, ORPHAN_REVERSAL, INEXACT_REVERSAL, OTHER_PAYER)
AMOUNTS = ("paid_amount", "patient_paid_amount")


def claim_has_come() -> Column:
    """The claim that is paid has come (domain.md X01); until then the payment waits and is in no figure."""
    return F.col("reason") != NO_CLAIM


def trace_is_new() -> Column:
    """No other delivery brought the same payment before (domain.md X05); the second counts nowhere."""
    return F.col("reason") != DUPLICATE_TRACE


def reversal_finds_original() -> Column:
    """What a reversal takes back was paid before (domain.md X06); it is posted in cash all the same."""
    return F.col("reason") != ORPHAN_REVERSAL


def reversal_is_exact() -> Column:
    """A reversal takes back to the cent what was paid (domain.md X06); it is posted in cash all the same."""
    return F.col("reason") != INEXACT_REVERSAL


def claims_payer_pays() -> Column:
    """The first payer who pays is the one whom the claim names (domain.md X04); it counts all the same."""
    return F.col("reason") != OTHER_PAYER


def held_money_reappears(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measures `paid` and `patient_paid` of remittances without a claim (US dollars), and how many are duplicates or
    reversals without an exact original; see `spec/balance.py`."""
    remittances, one = inputs["remittances"], F.lit(1)
    waits, of_claims = F.col("reason") == NO_CLAIM, remittances.join(_known(inputs["claims"]), [*CLAIM], "left_semi")
    money = {"paid": "paid_amount", "patient_paid": "patient_paid_amount"}
    is_unmatched = F.col("reversal_match").isin(ORPHAN, INEXACT)
    is_reversal = F.col("reason").isin(ORPHAN_REVERSAL, INEXACT_REVERSAL)
    return combined(
        entries(
            remittances,
            *[Entry(m, "remittances", "in", F.col(a)) for m, a in money.items()],
            Entry("duplicates", "remittances", "in", amount_where(F.col("is_duplicate"), one)),
            Entry("unmatched_reversals", "remittances", "in", amount_where(is_unmatched, one)),
        ),
        entries(of_claims, *[Entry(m, "claim_has_come", "out", F.col(a)) for m, a in money.items()]),
        entries(
            result,
            *[Entry(m, "held_payment", "out", amount_where(waits, a)) for m, a in money.items()],
            Entry("duplicates", "held_payment", "out", amount_where(F.col("reason") == DUPLICATE_TRACE, one)),
            Entry("unmatched_reversals", "held_payment", "out", amount_where(is_reversal, one)),
        ),
    )


def _known(claims: DataFrame) -> DataFrame:
    return claims.select(*CLAIM, sent_name_key(F.col("payer_name")).alias("_claims_payer"))  # one row per claim


def _is_of_other_payer() -> Column:
    is_first = (F.col("payment_kind") == "payer") & (F.col("payer_sequence") == 1)
    return is_first & (sent_name_key(F.col("payer_name")) != F.col("_claims_payer"))


@table(
    "silver.held_payment",
    reads={"remittances": groups(remittance, by=CLAIM), "claims": groups(claim, by=CLAIM)},
    fields=[
        *PAYMENTS.pick(*REMITTANCE[:4]),
        field("is_duplicate", BOOLEAN, "another delivery said the same before; counts nowhere", required=True),
        field("reason", STRING, f"why it is here: {', '.join(REASONS)}", required=True),
        *PAYMENTS.pick(*AMOUNTS, "payer_name", "remit_date"),
        REMIT_MONTH,
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=CLAIM, keys=(*REMITTANCE, "reason")),
    expectations=[
        accepted_values("reason", REASONS, on_failure=FAIL),
        row("claim_has_come", claim_has_come, on_failure=WARN, source="domain.md X01"),
        row("trace_is_new", trace_is_new, on_failure=WARN, source="domain.md X05"),
        row("reversal_finds_original", reversal_finds_original, on_failure=WARN, source="domain.md X06"),
        row("reversal_is_exact", reversal_is_exact, on_failure=WARN, source="domain.md X06"),
        row("claims_payer_pays", claims_payer_pays, on_failure=WARN, source="domain.md X04"),
    ],
    balance=held_money_reappears,
    freshness=Freshness(within="26 hours"),
)
def held_payment(remittances: DataFrame, claims: DataFrame) -> DataFrame:
    """One row per remittance and reason for which it is held or flagged; a remittance may have several.

    `no_claim`: its claim has not come, or was deleted; it waits and is in no figure. `duplicate_trace`: another
    delivery said it before; it counts nowhere. `orphan_reversal`, `inexact_reversal`: it counts, but what it takes
    back has not come or is another amount. `other_payer`: it counts, but the claim names another first payer. A row
    goes when its reason does.
    """
    placed = remittances.join(_known(claims).withColumn("_has_claim", F.lit(True)), on=[*CLAIM], how="left")
    reasons = F.array_compact(
        F.array(
            F.when(F.col("_has_claim").isNull(), NO_CLAIM),
            F.when(F.col("is_duplicate"), DUPLICATE_TRACE),
            F.when(F.col("reversal_match") == ORPHAN, ORPHAN_REVERSAL),
            F.when(F.col("reversal_match") == INEXACT, INEXACT_REVERSAL),
            F.when(_is_of_other_payer(), OTHER_PAYER),
        )
    )
    dated = placed.withColumn("remit_month", month_of(F.col("remit_date")))
    return dated.withColumn("reason", F.explode(reasons)).select(*[f.name for f in held_payment.fields])
