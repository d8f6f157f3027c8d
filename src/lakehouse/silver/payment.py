"""Payments and remittances, newest state of each row. Conformed from every network's payment feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver import payment_rules as rules
from lakehouse.silver.amount_rules import allowed_within_billed, paid_within_allowed
from lakehouse.silver.date_rules import dates_not_far_ahead, dates_not_too_early
from lakehouse.spec.columns import clean_code, mask_ssn, month_of
from lakehouse.spec.contracts import PAYMENTS
from lakehouse.spec.expectations import QUARANTINE, WARN, accepted_values, row
from lakehouse.spec.field import DATE, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed, period_of
from lakehouse.spec.table import table

PAYMENT_KINDS = ("payer", "patient", "writeoff", "provider_level")
PAYMENT_LEVELS = ("claim", "line")
REMIT_MONTH = field("remit_month", DATE, "month of remit_date, its first day")
REMIT_STATUS_CODES = ("1", "2", "3", "4", "19", "20", "21", "22", "23", "25")  # X12 835 CLP02


def payment_level() -> Column:
    """What the row pays; unsaid, the line it names, else the claim."""
    unsaid = F.when(F.col("line_id").isNotNull(), "line").otherwise("claim")
    return F.coalesce(F.lower(F.col("payment_level")), unsaid)


@table(
    "silver.payment",
    reads={"payments": changes(conformed(PAYMENTS))},
    fields=[*PAYMENTS.silver_fields(), REMIT_MONTH],
    write=Merge(keys=("network", "payment_id")),
    partition_by=period_of("remit_date"),
    expectations=[
        dates_not_too_early("remit_date"),
        dates_not_far_ahead("remit_date"),
        accepted_values("payment_kind", PAYMENT_KINDS, nulls="pass", on_failure=QUARANTINE, source="contract"),
        accepted_values("payment_level", PAYMENT_LEVELS, nulls="pass", on_failure=QUARANTINE, source="contract"),
        accepted_values("remit_status_code", REMIT_STATUS_CODES, nulls="pass", on_failure=WARN, source="X12 835 CLP02"),
        row(
            "payer_sequence_positive",
            rules.payer_sequence_positive,
            nulls="pass",
            on_failure=WARN,
            source="X12 835 CLP02",
        ),
        row("claim_is_named", rules.claim_is_named, nulls="pass", on_failure=WARN, source="X01"),
        row(
            "only_reversals_are_negative",
            rules.only_reversals_are_negative,
            nulls="pass",
            on_failure=QUARANTINE,
            version_modes=("replace",),
            source="B15",
        ),
        row(
            "reversals_are_not_positive",
            rules.reversals_are_not_positive,
            nulls="pass",
            on_failure=WARN,
            source="B15, X06",
        ),
        row(
            "denied_pays_nothing", rules.denied_pays_nothing, nulls="pass", on_failure=WARN, source="C09, X12 835 CLP02"
        ),
        row("paid_within_allowed", paid_within_allowed, nulls="pass", on_failure=WARN, source="C03"),
        row("allowed_within_billed", allowed_within_billed, nulls="pass", on_failure=WARN, source="C04"),
        row("patient_money_is_apart", rules.patient_money_is_apart, nulls="pass", on_failure=WARN, source="contract"),
        row(
            "payer_name_without_ssn",
            rules.payer_name_without_ssn,
            nulls="pass",
            on_failure=WARN,
            source="B36, 45 CFR 164.514",
        ),
    ],
    freshness=Freshness(within="26 hours"),
)
def payment(payments: DataFrame) -> DataFrame:
    """One row per payment row as sent, newest state only; payments whose claim never came are kept and wait."""
    cleaned = {
        "payment_kind": F.lower("payment_kind"),
        "payment_level": payment_level(),
        "remit_status_code": clean_code(F.col("remit_status_code")),
        "payer_name": mask_ssn(F.col("payer_name")),
        "remit_month": month_of(F.col("remit_date")),
    }
    return payments.withColumns(cleaned).select(*[f.name for f in payment.fields], "_lineage")
