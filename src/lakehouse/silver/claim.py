"""Claims, newest state of each version. Conformed from every network's claim feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver import claim_rules as rules
from lakehouse.silver.amount_rules import allowed_within_billed, charge_not_zero, paid_within_allowed
from lakehouse.silver.date_rules import dates_not_far_ahead, dates_not_too_early
from lakehouse.spec.columns import clean_code, mask_ssn
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
REPLACES = ("replace",)
B12, NPI, ICD, UB_04, SSN = "B12", "B18, 45 CFR 162.406", "B20, 45 CFR 162.1002", "NUBC UB-04", "B36, 45 CFR 164.514"
OTHER_DATES = (
    "service_to_date", "admission_date", "discharge_date", "submitted_date", "received_date", "adjudicated_date",
    "closed_date", "appeal_date",
)  # fmt: skip
CODES = ("frequency_code", "bill_type_code", "drg_code", "billing_npi", "rendering_npi", "facility_npi")
ENUMERATIONS = ("claim_type", "payment_arrangement", "appeal_outcome")


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
        dates_not_too_early("service_from_date", *OTHER_DATES),
        dates_not_far_ahead(*OTHER_DATES),
        row(
            "service_date_not_far_ahead",
            rules.service_date_not_far_ahead,
            nulls="pass",
            on_failure=QUARANTINE,
            source=B12,
        ),
        row("service_date_not_ahead", rules.service_date_not_ahead, nulls="pass", on_failure=WARN, source=B12),
        not_after("service_from_date", "service_to_date", on_failure=WARN, source=B12),
        not_after("admission_date", "discharge_date", on_failure=WARN, source=B12),
        not_after("service_from_date", "submitted_date", on_failure=WARN, source=B12),
        not_after("submitted_date", "received_date", on_failure=WARN, source=B12),
        not_after("submitted_date", "adjudicated_date", on_failure=WARN, source=B12),
        not_after("received_date", "adjudicated_date", on_failure=WARN, source=B12),
        accepted_values("money_level", MONEY_LEVELS, nulls="pass", on_failure=QUARANTINE, source="C02"),
        row(
            "original_charge_not_negative",
            rules.original_charge_not_negative,
            nulls="pass",
            on_failure=QUARANTINE,
            version_modes=REPLACES,
            source="B15",
        ),
        row(
            "negative_payment_is_a_reversal",
            rules.negative_payment_is_a_reversal,
            nulls="pass",
            on_failure=QUARANTINE,
            version_modes=REPLACES,
            source="B15",
        ),
        row("charge_not_zero", charge_not_zero, nulls="pass", on_failure=WARN, source="B16"),
        row("paid_within_allowed", paid_within_allowed, nulls="pass", on_failure=WARN, source="C03"),
        row("allowed_within_billed", allowed_within_billed, nulls="pass", on_failure=WARN, source="C04"),
        accepted_values("claim_type", CLAIM_TYPES, nulls="pass", on_failure=WARN, source="CMS-1500, UB-04"),
        accepted_values("frequency_code", FREQUENCY_CODES, nulls="pass", on_failure=WARN, source=UB_04),
        row("frequency_code_present", rules.frequency_code_present, on_failure=WARN, source="B29"),
        row("original_is_named", rules.original_is_named, nulls="pass", on_failure=WARN, source="B28, X12 837 REF*F8"),
        accepted_values("payment_arrangement", PAYMENT_ARRANGEMENTS, nulls="pass", on_failure=WARN, source="B16"),
        accepted_values("appeal_outcome", APPEAL_OUTCOMES, nulls="pass", on_failure=WARN, source="domain.md 2"),
        row("member_is_known", rules.member_is_known, on_failure=WARN, source="B26"),
        row("billing_npi_valid", rules.billing_npi_valid, nulls="pass", on_failure=WARN, source=NPI),
        row("rendering_npi_valid", rules.rendering_npi_valid, nulls="pass", on_failure=WARN, source=NPI),
        row("facility_npi_valid", rules.facility_npi_valid, nulls="pass", on_failure=WARN, source=NPI),
        row("billing_npi_present", rules.billing_npi_present, on_failure=WARN, source="B19"),
        row("rendering_npi_present", rules.rendering_npi_present, nulls="pass", on_failure=WARN, source="B19"),
        row("diagnosis_codes_formed", rules.diagnosis_codes_formed, nulls="pass", on_failure=WARN, source=ICD),
        row("diagnosis_present", rules.diagnosis_present, on_failure=WARN, source="B20"),
        matches("bill_type_code", r"0?\d{2}[0-9A-Z]", nulls="pass", on_failure=WARN, source=f"B22, {UB_04}"),
        matches("drg_code", r"\d{3}", nulls="pass", on_failure=WARN, source="B22, CMS MS-DRG"),
        row(
            "institutional_fields_apart", rules.institutional_fields_apart, nulls="pass", on_failure=WARN, source="B23"
        ),
        row("free_text_without_ssn", rules.free_text_without_ssn, nulls="pass", on_failure=WARN, source=SSN),
    ],
    freshness=Freshness(within="26 hours"),
)
def claim(claims: DataFrame) -> DataFrame:
    """One row per claim version, newest state; codes in upper case, enumerations in lower, social security
    numbers in free text masked, nothing else changed."""
    cleaned = {
        **{code: clean_code(F.col(code)) for code in CODES},
        **{word: F.lower(F.col(word)) for word in ENUMERATIONS},
        "diagnosis_codes": F.transform("diagnosis_codes", clean_code),
        **{text: mask_ssn(F.col(text)) for text in rules.FREE_TEXTS},
        "money_level": money_level(),
    }
    return claims.withColumns(cleaned).select(*[f.name for f in CLAIMS.silver_fields()], "_lineage")
