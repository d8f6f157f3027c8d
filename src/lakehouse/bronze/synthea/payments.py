"""Payments of Synthea: the PAYMENT rows of the ledger, from payers (ECHECK) and from patients (all other methods)."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import absent, change_columns, lineage_of
from lakehouse.bronze.synthea.claims_transactions import (
    claims_transactions,
    drop_reason_unless,
    earlier_in_claim,
    transaction_type,
    written_order,
)
from lakehouse.spec.columns import clean_code
from lakehouse.spec.contracts import PAYMENTS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

PAYER_METHOD = "ECHECK"
PATIENT_METHODS = ("COPAY", "CASH", "CHECK", "CC")


def payment_kind() -> Column:
    """payer or patient by the method of payment; null for a method that does not tell."""
    method = clean_code(F.col("method"))
    return F.when(method == PAYER_METHOD, "payer").when(method.isin(*PATIENT_METHODS), "patient")


def follows_transfer_to_secondary() -> Column:
    """true when the transaction just before this one of the claim moved the balance to the secondary payer."""
    party = F.concat_ws(" ", transaction_type(), clean_code(F.col("transfertype")))
    return F.max_by(party, written_order()).over(earlier_in_claim()).eqNullSafe("TRANSFERIN 2")


def charge_paid() -> Column:
    """Line that the payment is for: the last charge of the claim before it; null when the delivery lacks that."""
    charges_only = F.when(transaction_type() == "CHARGE", written_order())
    return F.max_by(F.col("id"), charges_only).over(earlier_in_claim())


@conforms(
    PAYMENTS,
    reads={"transactions": changes(claims_transactions)},
    money={"payments": ("paid_amount", "patient_paid_amount")},
)
def conform_payments(transactions: DataFrame) -> DataFrame:
    """One row per transaction, of which payments are used; each is a remittance of its own, for one line.

    A payer's payment is the secondary payer's right after a transfer to it, else the primary's. A payment by an unknown
    method has no kind, so it is quarantined; its amount stands with the patient's. Write-offs (ADJUSTMENT, in newer
    exports) name no payment they belong to and are left out.
    """
    ledger = transactions.withColumns(
        {
            "kind": payment_kind(),
            "line_id": charge_paid(),
            "sequence": F.when(follows_transfer_to_secondary(), "2").otherwise("1"),
        }
    )
    by_payer = F.col("kind").eqNullSafe("payer")
    return ledger.select(
        F.col("_network").alias("network"),
        F.col("id").alias("payment_id"),
        F.col("id").alias("remittance_id"),
        F.when(F.col("line_id").isNotNull(), "line").otherwise("claim").alias("payment_level"),
        F.col("kind").alias("payment_kind"),
        F.when(by_payer, F.col("sequence")).alias("payer_sequence"),
        F.col("claimid").alias("claim_id"),
        F.col("line_id").alias("line_id"),
        absent("payer_name"),
        absent("remit_status_code"),
        F.col("fromdate").alias("remit_date"),
        absent("trace_number"),
        absent("reverses_remittance_id"),
        absent("billed_amount"),
        absent("allowed_amount"),
        F.when(by_payer, F.col("payments")).alias("paid_amount"),
        absent("patient_responsibility_amount"),
        F.when(~by_payer, F.col("payments")).alias("patient_paid_amount"),
        *change_columns(),
        *lineage_of(transactions),
        drop_reason_unless("PAYMENT", "payment").alias("_drop_reason"),
    )
