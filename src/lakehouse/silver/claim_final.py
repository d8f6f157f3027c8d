"""Settled claims: one row per claim family, with its money, denials, payer, coverage and provider.

See `family_settlement` (what is summed), `settlement` (money of a slot), `claim_versions` (what counts).
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.reference.payer_mapping import PAYER_CODES, payer_mapping
from lakehouse.silver.attribution import PROVIDER_STATUSES, with_provider
from lakehouse.silver.claim import claim
from lakehouse.silver.claim_family import claim_family
from lakehouse.silver.claim_final_rules import (
    answered_claim_is_explained,
    billed_not_zero,
    claim_and_remittances_agree,
    covered_on_service_date,
    header_is_sum_of_lines,
    member_is_known,
    paid_not_negative,
    paid_within_billed,
    payer_is_mapped,
    payments_within_billed,
    provider_in_roster,
    submitted_in_time,
)
from lakehouse.silver.claim_line import claim_line
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.coverage import ELIG_STATUSES, with_elig_status
from lakehouse.silver.denial_code import denial_code
from lakehouse.silver.eligibility_span import eligibility_span
from lakehouse.silver.family_settlement import FAMILY, FINAL_STATUSES, SUMMED, settled_families
from lakehouse.silver.provider import provider
from lakehouse.silver.remittance import remittance
from lakehouse.silver.remittances import CLEAN, FULL, PARTIAL
from lakehouse.silver.settlement import SETTLED_AMOUNTS
from lakehouse.silver.settlement_balance import claims_and_money_reappear
from lakehouse.silver.standard_payer import with_standard_payer
from lakehouse.spec.columns import month_of
from lakehouse.spec.contracts import CLAIMS, MEMBER_TOKEN, MEMBER_TOKEN_KEY_VERSION, MODIFIED_AT, NETWORK
from lakehouse.spec.expectations import FAIL, WARN, accepted_values, not_after, row, totals_match, unique
from lakehouse.spec.field import ACCOUNT, BOOLEAN, DATE, LONG, MONEY, STRING, Field, field, structs
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, network_settings, period_of, snapshot
from lakehouse.spec.table import table

IDENTITY = (*SETTLED_AMOUNTS, "encounter_amount", "remainder_amount")
OUTCOMES = (FULL, PARTIAL, CLEAN)
DECISIONS = structs(
    slot=STRING, is_adjudicated=BOOLEAN, is_remitted=BOOLEAN, initial_claim_id=STRING, initial_remittance_id=STRING,
    initial_outcome=STRING, initial_denied=MONEY, settling_payer_sequence=LONG, outcome=STRING, denial=MONEY,
)  # fmt: skip


def _amount(name: str, meaning: str) -> Field:
    return field(name, MONEY, meaning, ledger=True)


@table(
    "silver.claim_final",
    reads={
        "families": groups(claim_family, by=FAMILY),
        "claims": groups(claim, by=FAMILY, through=claim_family, on=CLAIM),
        "lines": groups(claim_line, by=FAMILY, through=claim_family, on=CLAIM),
        "remittances": groups(remittance, by=FAMILY, through=claim_family, on=CLAIM),
        "spans": groups(eligibility_span, by=FAMILY, through=claim_family, on=("network", "member_token")),
        "providers": groups(provider, by=FAMILY, through=claim_family, on=("network", "provider_id")),
        "codes": snapshot(denial_code),
        "reasons": snapshot(adjustment_reason),
        "payers": snapshot(payer_mapping),
        "networks": network_settings(),
    },
    fields=[
        NETWORK,
        field("family_id", STRING, "first claim of the family, though it has not come", required=True, phi=ACCOUNT),
        field("claim_id", STRING, "claim version that describes the family: its base", required=True, phi=ACCOUNT),
        field("version_count", LONG, "claims of the family", unit="count"),
        field("live_claim_count", LONG, "claims that count: the base and its additive members", unit="count"),
        field("is_void_family", BOOLEAN, "nothing of it is live: no revenue; what is paid is a credit", required=True),
        MEMBER_TOKEN,
        MEMBER_TOKEN_KEY_VERSION,
        *CLAIMS.pick("payer_control_number", "patient_control_number", "claim_type", "payer_name"),
        field("payer_code", STRING, f"standard payer: {', '.join(PAYER_CODES)}", required=True),
        field("payer_is_mapped", BOOLEAN, "a row of reference.payer_mapping decides payer_code; false counts as OTHER"),
        *CLAIMS.pick("line_of_business", "billing_provider_id", "billing_npi"),
        *CLAIMS.pick("rendering_provider_id", "rendering_npi"),
        *CLAIMS.pick("service_from_date", "service_to_date", "discharge_date"),
        field("service_month", DATE, "first day of the month of service_from_date", required=True),
        field("submitted_date", DATE, "first submission of any version"),
        field("submission_month", DATE, "month of the first submission, else of the first receipt; null if unknown"),
        field("first_adjudicated_date", DATE, "first payer remittance that is no reversal, else adjudicated_date"),
        field("adjudication_month", DATE, "month of first_adjudicated_date"),
        field("last_adjudicated_date", DATE, "last payer remittance that is no reversal, else adjudicated_date"),
        field("first_paid_date", DATE, "first adjudication of any payer that paid more than 0"),
        field("is_adjudicated", BOOLEAN, "a payer's answer stands: false if all were reversed, whatever the dates"),
        field("final_status", STRING, f"{', '.join(FINAL_STATUSES)}; never from status text", required=True),
        field("initial_denial_outcome", STRING, "of the primary payer's first adjudication: full, partial or clean"),
        field("initially_denied_date", DATE, "day of that adjudication, where it denied"),
        field("initially_denied_amount", MONEY, "denied by it"),
        field("initially_paid_amount", MONEY, "paid by it, where it denied"),
        field("final_denial_outcome", STRING, "of the settling payer's answer: full, partial or clean"),
        field("denial_final_on", DATE, "day from which that denial counts as final; null while none is known"),
        field("decisions", DECISIONS, "on the claim and each additive member: first and settling", phi=ACCOUNT),
        *CLAIMS.pick("appeal_date", "appeal_outcome"),
        field("closes_on", DATE, "date from which the claim counts as closed; null while none is known"),
        field("line_count", LONG, "service lines; revenue code 0001 is a total and left out", unit="count"),
        field("owing_payer_name", STRING, "who owes what is open: the payer that denied it, else the next to answer"),
        field("money_source", STRING, "source of paid: remittance, or claim (its own figures) if no payer answered"),
        field("has_adjustments", BOOLEAN, "the settling payer sent adjustments"),
        _amount("billed_amount", "charge of what counts, from header or lines, wherever the sender's money lives"),
        _amount("allowed_amount", "allowed by the claim's own figures, else by the settling payer; null if not stated"),
        _amount("paid_amount", "paid by all payers, reversals deducted; never the patient's payments"),
        _amount("patient_responsibility_amount", "the patient's part by settling payer, else claim, else payments"),
        _amount("patient_paid_amount", "paid by the patient; part of their responsibility, so beside the identity"),
        _amount("contractual_amount", "written off by contract as sent, else billed less allowed, else 0.00"),
        _amount("denied_amount", "denied by the settling payer, at most what is left; lost once denial_final_on comes"),
        _amount("other_adjustment_amount", "adjustments of no other class"),
        _amount("encounter_amount", "rest of a capitated claim: covered by the capitation, never A/R"),
        _amount("remainder_amount", "billed less all these; above 0 outstanding or residual, below 0 credit"),
        field("own_paid_amount", MONEY, "paid by the base version's own figures"),
        field("header_difference_amount", MONEY, "header charge less the sum of the lines it should equal"),
        field("elig_status", STRING, f"coverage on the day of service: {', '.join(ELIG_STATUSES)}", required=True),
        field("attributed_provider_id", STRING, "provider whose roster row was valid on the day of service"),
        field("attributed_location_id", STRING, "location of that row"),
        field("attributed_valid_from", DATE, "first day of that row"),
        field("attributed_specialty", STRING, "specialty that row states"),
        field("provider_status", STRING, f"of rendering, else billing provider: {', '.join(PROVIDER_STATUSES)}"),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=FAMILY),
    partition_by=period_of("service_from_date"),
    expectations=[
        unique(*FAMILY, on_failure=FAIL),
        totals_match("billed_amount", *IDENTITY, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL),
        accepted_values("final_status", FINAL_STATUSES, on_failure=FAIL),
        accepted_values("initial_denial_outcome", OUTCOMES, nulls="pass", on_failure=FAIL),
        accepted_values("final_denial_outcome", OUTCOMES, nulls="pass", on_failure=FAIL),
        row("payer_is_mapped", payer_is_mapped, on_failure=WARN, at_most="1%", source="domain.md B24"),
        row("paid_within_billed", paid_within_billed, on_failure=WARN, source="domain.md X07"),
        row("payments_within_billed", payments_within_billed, on_failure=WARN, source="domain.md X07"),
        row("billed_not_zero", billed_not_zero, on_failure=WARN, source="domain.md B16"),
        row("paid_not_negative", paid_not_negative, on_failure=WARN, source="domain.md X07"),
        row("answered_claim_is_explained", answered_claim_is_explained, on_failure=WARN, source="domain.md C05"),
        row(
            "claim_and_remittances_agree", claim_and_remittances_agree, nulls="pass", on_failure=WARN,
            source="domain.md X02",
        ),
        row("header_is_sum_of_lines", header_is_sum_of_lines, nulls="pass", on_failure=WARN, source="domain.md C01"),
        row("submitted_in_time", submitted_in_time, nulls="pass", on_failure=WARN, source="domain.md X14"),
        accepted_values("elig_status", ELIG_STATUSES, on_failure=FAIL),
        row("member_is_known", member_is_known, on_failure=WARN, source="domain.md X09"),
        row("covered_on_service_date", covered_on_service_date, on_failure=WARN, source="domain.md X08"),
        row("provider_in_roster", provider_in_roster, on_failure=WARN, source="domain.md X10"),
        not_after("service_from_date", "first_adjudicated_date", on_failure=WARN),
    ],
    balance=claims_and_money_reappear,
    freshness=Freshness(within="26 hours"),
)  # fmt: skip
def claim_final(
    families: DataFrame,
    claims: DataFrame,
    lines: DataFrame,
    remittances: DataFrame,
    spans: DataFrame,
    providers: DataFrame,
    codes: DataFrame,
    reasons: DataFrame,
    payers: DataFrame,
    networks: DataFrame,
) -> DataFrame:
    """One row per claim family, settled.

    billed = paid + patient responsibility + contractual + denied + other + encounter + remainder, to the cent.
    Lines and payments whose claim has not come wait and are counted nowhere here.
    """
    settled = settled_families(families, claims, lines, remittances, codes, reasons, networks)
    # A span or roster row is given once for each family it may concern.
    covered = with_elig_status(settled, spans.drop("family_id").distinct())
    attributed = with_provider(covered, providers.drop("family_id").distinct())
    named = with_standard_payer(attributed, payers).withColumns(
        {
            "service_month": month_of(F.col("service_from_date")),
            "submission_month": month_of(F.coalesce("submitted_date", "received_date")),
            "adjudication_month": month_of(F.col("first_adjudicated_date")),
            **{a: F.col(a).cast(MONEY) for a in SUMMED},
        }
    )
    return named.select(*[f.name for f in claim_final.fields])
