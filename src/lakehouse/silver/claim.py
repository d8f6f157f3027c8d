"""Claims, newest state of each version. Conformed from every network's claim feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import clean_code
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.expectations import QUARANTINE, WARN, accepted_values, matches, not_after, row
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed, period_of
from lakehouse.spec.table import table

CLAIM_TYPES = ("professional", "institutional", "dental", "pharmacy", "undetermined")
FREQUENCY_CODES = ("0", "1", "2", "3", "4", "5", "7", "8", "Q")  # NUBC; payers' own letters are kept and live
MONEY_LEVELS = ("header", "line")
PAYMENT_ARRANGEMENTS = ("fee_for_service", "capitated")
APPEAL_OUTCOMES = ("overturned", "partial", "upheld", "withdrawn")
NPI = r"[12]\d{9}"
MONTHS_AHEAD = 12
CODES = ("frequency_code", "bill_type_code", "drg_code", "billing_npi", "rendering_npi", "facility_npi")
ENUMERATIONS = ("claim_type", "payment_arrangement", "appeal_outcome")


def service_date_not_far_ahead() -> Column:
    """Service begins at most a year after the row was last changed: planned care passes, mistyped years do not."""
    return F.col("service_from_date") <= F.add_months(F.to_date("modified_at"), MONTHS_AHEAD)


def original_charge_not_negative() -> Column:
    """A first submission charges nothing or more; later versions may be signed differences."""
    return (F.coalesce(F.col("frequency_code"), F.lit("1")) != "1") | (F.col("billed_amount") >= 0)


def paid_within_allowed() -> Column:
    """The plan paid no more than it allowed; interest and coordination of benefits do break this."""
    return F.col("paid_amount") <= F.col("allowed_amount")


def allowed_within_billed() -> Column:
    """No more was allowed than charged; case rates do break this."""
    return F.col("allowed_amount") <= F.col("billed_amount")


def money_level() -> Column:
    """Where the sender's money lives; unsaid, on the header if the header carries a charge, else on the lines."""
    unsaid = F.when(F.col("billed_amount").isNotNull(), "header").otherwise("line")
    return F.coalesce(F.lower(F.col("money_level")), unsaid)


@table(
    "silver.claim",
    reads={"claims": changes(conformed(CLAIMS))},
    fields=CLAIMS.silver_fields(),
    write=Merge(keys=("network", "claim_id")),
    partition_by=period_of("service_from_date"),
    expectations=[
        row("service_date_not_far_ahead", service_date_not_far_ahead, nulls="pass", on_failure=QUARANTINE),
        accepted_values("money_level", MONEY_LEVELS, nulls="pass", on_failure=QUARANTINE),
        accepted_values("claim_type", CLAIM_TYPES, nulls="pass", on_failure=WARN),
        accepted_values("frequency_code", FREQUENCY_CODES, nulls="pass", on_failure=WARN),
        accepted_values("payment_arrangement", PAYMENT_ARRANGEMENTS, nulls="pass", on_failure=WARN),
        accepted_values("appeal_outcome", APPEAL_OUTCOMES, nulls="pass", on_failure=WARN),
        row("original_charge_not_negative", original_charge_not_negative, nulls="pass", on_failure=WARN),
        row("paid_within_allowed", paid_within_allowed, nulls="pass", on_failure=WARN),
        row("allowed_within_billed", allowed_within_billed, nulls="pass", on_failure=WARN),
        matches("billing_npi", NPI, nulls="pass", on_failure=WARN),
        matches("rendering_npi", NPI, nulls="pass", on_failure=WARN),
        matches("facility_npi", NPI, nulls="pass", on_failure=WARN),
        not_after("service_from_date", "service_to_date", on_failure=WARN),
        not_after("admission_date", "discharge_date", on_failure=WARN),
        not_after("service_from_date", "submitted_date", on_failure=WARN),
        not_after("submitted_date", "adjudicated_date", on_failure=WARN),
    ],
    freshness=Freshness(within="26 hours"),
)
def claim(claims: DataFrame) -> DataFrame:
    """One row per claim version, newest state; codes in upper case, enumerations in lower, nothing else changed."""
    cleaned = {
        **{code: clean_code(F.col(code)) for code in CODES},
        **{word: F.lower(F.col(word)) for word in ENUMERATIONS},
        "diagnosis_codes": F.transform("diagnosis_codes", clean_code),
        "money_level": money_level(),
    }
    return claims.withColumns(cleaned).select(*[f.name for f in CLAIMS.silver_fields()], "_lineage")
