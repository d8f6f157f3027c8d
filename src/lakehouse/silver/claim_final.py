"""Settled claims: one row per claim family, with the money of `silver/settlement.py` and the standard payer.

Every claim is a family of its own: versions are not linked, nothing is classified as denied, no adjustment is read.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import PAYER_CODES, payer_mapping
from lakehouse.silver.claim import claim
from lakehouse.silver.claim_line import claim_line
from lakehouse.silver.payment import payment
from lakehouse.silver.settlement import (
    CLAIM,
    SETTLED_AMOUNTS,
    patient_payments,
    payer_settlement,
    remittances,
    with_own_figures,
    with_settlement,
)
from lakehouse.silver.settlement_balance import claims_and_money_reappear
from lakehouse.silver.standard_payer import with_standard_payer
from lakehouse.spec.columns import month_of
from lakehouse.spec.contracts import CLAIMS, MEMBER_TOKEN, MEMBER_TOKEN_KEY_VERSION, MODIFIED_AT, NETWORK
from lakehouse.spec.expectations import FAIL, WARN, accepted_values, not_after, row, totals_match, unique
from lakehouse.spec.field import ACCOUNT, BOOLEAN, DATE, LONG, MONEY, STRING, Field, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, network_settings, period_of, snapshot
from lakehouse.spec.table import table

AMOUNTS = (
    "billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount", "patient_paid_amount",
    "contractual_amount", "denied_amount", "other_adjustment_amount", "encounter_amount", "remainder_amount",
)  # fmt: skip
IDENTITY = (*SETTLED_AMOUNTS, "encounter_amount", "remainder_amount")
ELIGIBILITY_UNKNOWN = "unknown"


def payer_is_mapped() -> Column:
    """A steward decided which standard payer the name stands for."""
    return F.col("payer_is_mapped")


def paid_within_billed() -> Column:
    """Payers paid no more than was charged; flat copayments and case rates do break this."""
    return F.col("paid_amount") <= F.col("billed_amount")


def with_parts(claims: DataFrame, lines: DataFrame, payments: DataFrame) -> DataFrame:
    """Each claim with its own figures, settlement by payers, payments by its patient and newest change of any part."""
    every = remittances(payments)
    parts = lines.select(*CLAIM, "modified_at").unionByName(payments.select(*CLAIM, "modified_at"))
    newest = parts.groupBy(*CLAIM).agg(F.max("modified_at").alias("part_modified_at"))
    # Every right side has one row per claim, being grouped by it: no join adds rows.
    return (
        with_own_figures(claims, lines)
        .join(payer_settlement(every), on=[*CLAIM], how="left")
        .join(patient_payments(every), on=[*CLAIM], how="left")
        .join(newest, on=[*CLAIM], how="left")
    )


def _amount(name: str, meaning: str) -> Field:
    return field(name, MONEY, meaning, ledger=True)


@table(
    "silver.claim_final",
    reads={
        "claims": groups(claim, by=CLAIM),
        "lines": groups(claim_line, by=CLAIM),
        "payments": groups(payment, by=CLAIM),
        "payers": snapshot(payer_mapping),
        "networks": network_settings(),
    },
    fields=[
        NETWORK,
        field("family_id", STRING, "claim family: the claim_id of its one claim", required=True, phi=ACCOUNT),
        MEMBER_TOKEN,
        MEMBER_TOKEN_KEY_VERSION,
        *CLAIMS.pick("claim_type", "payer_name"),
        field("payer_code", STRING, f"standard payer: {', '.join(PAYER_CODES)}", required=True),
        field("payer_is_mapped", BOOLEAN, "a row of reference.payer_mapping decides payer_code; false counts as OTHER"),
        *CLAIMS.pick("line_of_business", "billing_provider_id", "billing_npi"),
        *CLAIMS.pick("rendering_provider_id", "rendering_npi"),
        *CLAIMS.pick("service_from_date", "service_to_date"),
        field("service_month", DATE, "first day of the month of service_from_date", required=True),
        *CLAIMS.pick("submitted_date"),
        field("first_adjudicated_date", DATE, "first payer remittance that is no reversal, else adjudicated_date"),
        field("last_adjudicated_date", DATE, "last payer remittance that is no reversal, else adjudicated_date"),
        field("is_adjudicated", BOOLEAN, "a payer's answer stands: false if all were reversed, whatever the dates"),
        field("closes_on", DATE, "date from which the claim counts as closed; null while none is known"),
        field("line_count", LONG, "service lines; revenue code 0001 is a total and left out", unit="count"),
        field("money_source", STRING, "source of paid: remittance, or claim (its own figures) if no payer answered"),
        _amount("billed_amount", "charge, from header or lines, wherever the sender's money lives"),
        _amount("allowed_amount", "allowed by the claim's own figures; null when not stated"),
        _amount("paid_amount", "paid by all payers, reversals deducted; never the patient's payments"),
        _amount("patient_responsibility_amount", "the patient's part by settling payer, else claim, else payments"),
        _amount("patient_paid_amount", "paid by the patient; part of their responsibility, so beside the identity"),
        _amount("contractual_amount", "billed less allowed; 0.00 when allowed is not stated"),
        _amount("denied_amount", "finally denied; 0.00, denials are not classified"),
        _amount("other_adjustment_amount", "other adjustments; 0.00, adjustments are not read"),
        _amount("encounter_amount", "rest of a capitated claim: covered by the capitation, never A/R"),
        _amount("remainder_amount", "billed less all these; above 0 outstanding or residual, below 0 credit"),
        field("elig_status", STRING, "coverage on the day of service: in, out, retro_lost or unknown", required=True),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=("network", "family_id")),
    partition_by=period_of("service_from_date"),
    expectations=[
        unique("network", "family_id", on_failure=FAIL),
        totals_match("billed_amount", *IDENTITY, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL),
        row("payer_is_mapped", payer_is_mapped, on_failure=WARN, at_most="1%"),
        row("paid_within_billed", paid_within_billed, on_failure=WARN),
        not_after("service_from_date", "first_adjudicated_date", on_failure=WARN),
    ],
    balance=claims_and_money_reappear,
    freshness=Freshness(within="26 hours"),
)  # fmt: skip
def claim_final(
    claims: DataFrame, lines: DataFrame, payments: DataFrame, payers: DataFrame, networks: DataFrame
) -> DataFrame:
    """One row per claim family, settled.

    billed = paid + patient responsibility + contractual + denied + other + encounter + remainder, to the cent.
    Tombstones have no row; lines and payments whose claim has not come wait and are counted nowhere here.
    """
    joined = with_parts(claims, lines, payments).join(networks, on="network", how="left")  # one row per network
    return with_standard_payer(with_settlement(joined), payers).select(
        "network",
        F.col("claim_id").alias("family_id"),
        "member_token",
        "member_token_key_version",
        "claim_type",
        "payer_name",
        "payer_code",
        "payer_is_mapped",
        "line_of_business",
        "billing_provider_id",
        "billing_npi",
        "rendering_provider_id",
        "rendering_npi",
        "service_from_date",
        "service_to_date",
        month_of(F.col("service_from_date")).alias("service_month"),
        "submitted_date",
        "first_adjudicated_date",
        "last_adjudicated_date",
        "is_adjudicated",
        "closes_on",
        "line_count",
        "money_source",
        *[F.col(amount).cast(MONEY).alias(amount) for amount in AMOUNTS],
        F.lit(ELIGIBILITY_UNKNOWN).alias("elig_status"),
        F.greatest("modified_at", "part_modified_at").alias("modified_at"),
    )
