"""Conditions of the rules of `silver.payment`. The actions stand in its table file."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.spec.columns import SSN_MASK

REVERSAL, DENIED = "22", "4"  # X12 835 CLP02


def payer_sequence_positive() -> Column:
    """Payers are numbered from 1."""
    return F.col("payer_sequence") >= 1


def claim_is_named() -> Column:
    """Every payment but a provider-level one says which claim it is for."""
    return (F.col("payment_kind") == "provider_level") | F.col("claim_id").isNotNull()


def only_reversals_are_negative() -> Column:
    """A payer takes money back from a claim in a reversal; senders of differences or reversals are left out."""
    is_reversal = (_status() == REVERSAL) | F.col("reverses_remittance_id").isNotNull()
    return (F.col("payment_kind") != "payer") | is_reversal | (F.col("paid_amount") >= 0)


def reversals_are_not_positive() -> Column:
    """A reversal pays nothing out."""
    return (F.col("remit_status_code") != REVERSAL) | (F.col("paid_amount") <= 0)


def denied_pays_nothing() -> Column:
    """A remittance with status 4 (denied) pays nothing."""
    return (F.col("remit_status_code") != DENIED) | (F.col("paid_amount") == 0)


def _status() -> Column:
    return F.coalesce(F.col("remit_status_code"), F.lit("1"))


def patient_money_is_apart() -> Column:
    """A patient's payment stands in patient_paid_amount and never in paid_amount."""
    return (F.col("payment_kind") != "patient") | (F.coalesce(F.col("paid_amount"), F.lit(0)) == 0)


def payer_name_without_ssn() -> Column:
    """The payer's name held no social security number; one that did is masked before it is stored."""
    return ~F.col("payer_name").contains(SSN_MASK)
