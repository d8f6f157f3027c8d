"""Remittances: the payments of a claim that one 835 claim payment brought, and what it decided. See `remittances`."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.silver.adjustment import adjustment
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.denial_class import with_denial_class
from lakehouse.silver.denial_code import denial_code
from lakehouse.silver.payment import payment
from lakehouse.silver.remittances import CLEAN, EXACT, FULL, INEXACT, ORPHAN, PARTIAL, payment_rows, remittances
from lakehouse.spec.balance import Entry, combined, entries
from lakehouse.spec.columns import money_or_zero
from lakehouse.spec.contracts import MODIFIED_AT, PAYMENTS
from lakehouse.spec.expectations import WARN, accepted_values, row
from lakehouse.spec.field import ACCOUNT, BOOLEAN, LONG, MONEY, STRING, Field, field, structs
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, snapshot
from lakehouse.spec.table import table

KEY = (*CLAIM, "remittance_id", "payment_kind", "is_duplicate")
AMOUNTS = ("billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount", "patient_paid_amount")
CLASSED = ("patient_amount", "prior_payer_amount", "denial_amount", "contractual_amount", "other_amount")

LINE_RESULTS = structs(line_id=STRING, paid_amount=MONEY, denial_amount=MONEY, denial_outcome=STRING)
DENIAL_REASONS = structs(
    line_id=STRING, group_code=STRING, carc=STRING, category=STRING, is_preventable=BOOLEAN, amount=MONEY
)


def reversal_has_original() -> Column:
    """What a reversal takes back was paid before (domain.md X06)."""
    return F.col("reversal_match") != ORPHAN


def reversal_nets_original() -> Column:
    """A reversal and what it takes back come to zero (domain.md X06)."""
    return F.col("reversal_match") != INEXACT


def not_said_before() -> Column:
    """No other delivery brought the same remittance (domain.md X05); its second is held and counts nowhere."""
    return ~F.col("is_duplicate")


def charge_explained() -> Column:
    """Charge = paid + adjustments, of a remittance that sent both (X12 835 balancing, domain.md C05)."""
    return F.col("billed_amount") == F.col("paid_amount") + F.col("adjusted_amount")


def codes_known() -> Column:
    """A steward classified every adjustment code (domain.md B30, X12)."""
    return F.col("unknown_code_count") == 0


def payments_reappear(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measures `paid`, `patient_paid` and `adjusted` (US dollars): payment rows = remittances + what lines restate."""
    measures = {"paid": "paid_amount", "patient_paid": "patient_paid_amount"}
    taken = [Entry(m, "payments", "in", F.col(a)) for m, a in measures.items()]
    given = [Entry(m, "remittance", "out", F.col(a)) for m, a in measures.items()]
    restated = [Entry(m, "lines_restate_remittance", "out", F.col(f"restated_{a}")) for m, a in measures.items()]
    return combined(
        entries(inputs["payments"], *taken),
        entries(inputs["adjustments"], Entry("adjusted", "adjustments", "in", F.col("amount"))),
        entries(result, *given, *restated, Entry("adjusted", "remittance", "out", money_or_zero("adjusted_amount"))),
    )


def _money(name: str, meaning: str) -> Field:
    return field(name, MONEY, meaning)


@table(
    "silver.remittance",
    reads={
        "payments": groups(payment, by=CLAIM, lineage=("_batch_id",)),
        "adjustments": groups(adjustment, by=CLAIM, through=payment, on=("network", "payment_id")),
        "codes": snapshot(denial_code),
        "reasons": snapshot(adjustment_reason),
    },
    fields=[
        *PAYMENTS.pick(*KEY[:4]),
        field("is_duplicate", BOOLEAN, "another delivery said the same before; counts nowhere", required=True),
        *PAYMENTS.pick("payer_sequence", "payer_name", "remit_date", "remit_status_code", "reverses_remittance_id"),
        field("payment_count", LONG, "payment rows it is made of", unit="count"),
        field("is_reversal", BOOLEAN, "it takes an earlier one back (835 CLP02 22)", required=True),
        field("is_answer", BOOLEAN, "a payer's adjudication or the reversal of one", required=True),
        field("is_adjudication", BOOLEAN, "a payer decided the claim", required=True),
        field("reversal_match", STRING, f"of a reversal: {EXACT}, {INEXACT} or {ORPHAN}"),
        field("is_taken_back", BOOLEAN, "an adjudication that a reversal takes back", required=True),
        field("denial_outcome", STRING, f"of an adjudication: {FULL}, {PARTIAL} or {CLEAN}"),
        *[_money(*pair) for pair in (
            ("billed_amount", "charge it answers"), ("allowed_amount", "allowed"),
            ("paid_amount", "paid by the payer; negative on a reversal"),
            ("patient_responsibility_amount", "patient's part as stated beside the adjustments"),
            ("patient_paid_amount", "paid by the patient"),
            ("restated_paid_amount", "said again by lines, of paid_amount"),
            ("restated_patient_paid_amount", "said again by lines, of patient_paid_amount"),
            ("patient_amount", "patient's part by adjustments (PR); null where none was sent, as of all classes"),
            ("cost_share_amount", "of it deductible, coinsurance and copayment (PR-1, -2, -3)"),
            ("prior_payer_amount", "paid or adjusted by earlier payers (OA-23)"),
            ("denial_amount", "denied, by the classification of codes"),
            ("contractual_amount", "written off by contract (CO, PI)"),
            ("other_amount", "other adjustments"), ("adjusted_amount", "all adjustments as sent"),
        )],
        field("line_results", LINE_RESULTS, "of an adjudication: what it says of each line", phi=ACCOUNT),
        field("denial_reasons", DENIAL_REASONS, "of an adjudication: adjustments that deny, line null at claim level",
              phi=ACCOUNT),
        field("unknown_code_count", LONG, "adjustments whose code nobody classified", unit="count"),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=CLAIM, keys=KEY),
    expectations=[
        accepted_values("denial_outcome", (FULL, PARTIAL, CLEAN), nulls="pass", on_failure=WARN),
        row("reversal_has_original", reversal_has_original, nulls="pass", on_failure=WARN, source="domain.md X06"),
        row("reversal_nets_original", reversal_nets_original, nulls="pass", on_failure=WARN, source="domain.md X06"),
        row("not_said_before", not_said_before, on_failure=WARN, source="domain.md X05"),
        row("charge_explained", charge_explained, nulls="pass", on_failure=WARN, source="domain.md C05"),
        row("codes_known", codes_known, on_failure=WARN, source="domain.md B30, X12"),
    ],
    balance=payments_reappear,
    freshness=Freshness(within="26 hours"),
)  # fmt: skip
def remittance(payments: DataFrame, adjustments: DataFrame, codes: DataFrame, reasons: DataFrame) -> DataFrame:
    """One row per remittance of a claim and kind of payment; that of a second delivery of the same stands apart.

    Also of claims that have not come. Payments that name no claim (provider level) are in none.
    """
    made = remittances(payment_rows(payments, with_denial_class(adjustments, codes, reasons)))
    return made.withColumn("adjusted_amount", F.col("adjusted_sum")).select(*[f.name for f in remittance.fields])
