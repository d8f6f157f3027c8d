"""Payments and remittances, newest state of each row. Conformed from every network's payment feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import clean_code
from lakehouse.spec.contracts import PAYMENTS
from lakehouse.spec.expectations import QUARANTINE, WARN, accepted_values, row
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed, period_of
from lakehouse.spec.table import table

PAYMENT_KINDS = ("payer", "patient", "writeoff", "provider_level")
PAYMENT_LEVELS = ("claim", "line")
REMIT_STATUS_CODES = ("1", "2", "3", "4", "19", "20", "21", "22", "23", "25")  # X12 835 CLP02
REVERSAL = "22"


def payment_level() -> Column:
    """What the row pays; unsaid, the line it names, else the claim."""
    unsaid = F.when(F.col("line_id").isNotNull(), "line").otherwise("claim")
    return F.coalesce(F.lower(F.col("payment_level")), unsaid)


def payer_sequence_positive() -> Column:
    """Payers are numbered from 1."""
    return F.col("payer_sequence") >= 1


def claim_is_named() -> Column:
    """Every payment but a provider-level one says which claim it is for."""
    return (F.col("payment_kind") == "provider_level") | F.col("claim_id").isNotNull()


def only_reversals_are_negative() -> Column:
    """A payer takes money back in a reversal; senders that net corrections do break this."""
    return (F.coalesce(F.col("remit_status_code"), F.lit("1")) == REVERSAL) | (F.col("paid_amount") >= 0)


def reversals_are_not_positive() -> Column:
    """A reversal pays nothing out."""
    return (F.col("remit_status_code") != REVERSAL) | (F.col("paid_amount") <= 0)


def patient_money_is_apart() -> Column:
    """A patient's payment stands in patient_paid_amount and never in paid_amount."""
    return (F.col("payment_kind") != "patient") | (F.coalesce(F.col("paid_amount"), F.lit(0)) == 0)


@table(
    "silver.payment",
    reads={"payments": changes(conformed(PAYMENTS))},
    fields=PAYMENTS.silver_fields(),
    write=Merge(keys=("network", "payment_id")),
    partition_by=period_of("remit_date"),
    expectations=[
        accepted_values("payment_kind", PAYMENT_KINDS, nulls="pass", on_failure=QUARANTINE),
        accepted_values("payment_level", PAYMENT_LEVELS, nulls="pass", on_failure=QUARANTINE),
        accepted_values("remit_status_code", REMIT_STATUS_CODES, nulls="pass", on_failure=WARN),
        row("payer_sequence_positive", payer_sequence_positive, nulls="pass", on_failure=WARN),
        row("claim_is_named", claim_is_named, nulls="pass", on_failure=WARN),
        row("only_reversals_are_negative", only_reversals_are_negative, nulls="pass", on_failure=WARN),
        row("reversals_are_not_positive", reversals_are_not_positive, nulls="pass", on_failure=WARN),
        row("patient_money_is_apart", patient_money_is_apart, nulls="pass", on_failure=WARN),
    ],
    freshness=Freshness(within="26 hours"),
)
def payment(payments: DataFrame) -> DataFrame:
    """One row per payment row as sent, newest state only; payments whose claim never came are kept and wait."""
    cleaned = {
        "payment_kind": F.lower("payment_kind"),
        "payment_level": payment_level(),
        "remit_status_code": clean_code(F.col("remit_status_code")),
    }
    return payments.withColumns(cleaned).select(*[f.name for f in PAYMENTS.silver_fields()], "_lineage")
