"""Conditions of the rules of `silver.claim`. The actions stand in its table file."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.silver.date_rules import last_plausible_date
from lakehouse.spec.columns import SSN_MASK, npi_is_valid

ICD_10_CM = r"\A[A-Z][0-9][0-9A-Z](\.?[0-9A-Z]{1,4})?\z"
SNOMED_CT = r"\A\d{6,18}\z"
FIRST_SUBMISSIONS = ("0", "1", "2", "3", "4", "5")
CODED_TYPES = ("professional", "institutional")
FREE_TEXTS = ("payer_name", "plan_name", "secondary_payer_name", "claim_status")


def service_date_not_far_ahead() -> Column:
    """Service begins at most a year after the row was last changed: planned care passes, mistyped years do not."""
    return F.col("service_from_date") <= last_plausible_date()


def service_date_not_ahead() -> Column:
    """Service begins no later than the day the row was last changed; planned care does break this."""
    return F.col("service_from_date") <= F.to_date("modified_at")


def original_charge_not_negative() -> Column:
    """A first submission charges nothing or more; senders of differences or reversals are left out."""
    return (_frequency() != "1") | (F.col("billed_amount") >= 0)


def negative_payment_is_a_reversal() -> Column:
    """Only a later version takes money back; senders of differences or reversals are left out."""
    return ~_frequency().isin(*FIRST_SUBMISSIONS) | (F.col("paid_amount") >= 0)


def _frequency() -> Column:
    return F.coalesce(F.col("frequency_code"), F.lit("1"))


def frequency_code_present() -> Column:
    """The sender says whether the claim is an original; where it does not, the claim is read as one (1)."""
    return F.col("is_deleted") | F.col("frequency_code").isNotNull()


def original_is_named() -> Column:
    """A replacement or void (frequency 7 or 8) names what it replaces, by our id or the payer's."""
    named = F.col("replaces_claim_id").isNotNull() | F.col("payer_control_number").isNotNull()
    return ~F.col("frequency_code").isin("7", "8") | named


def member_is_known() -> Column:
    """The member number is neither blank nor a placeholder such as 0, 999 or UNKNOWN."""
    return F.col("is_deleted") | F.col("member_token").isNotNull()


def billing_npi_valid() -> Column:
    """The billing provider's NPI has ten digits, begins with 1 or 2 and its check digit is right, or is absent."""
    return npi_is_valid(F.col("billing_npi"))


def rendering_npi_valid() -> Column:
    """The rendering provider's NPI has ten digits, begins with 1 or 2 and its check digit is right, or is absent."""
    return npi_is_valid(F.col("rendering_npi"))


def facility_npi_valid() -> Column:
    """The facility's NPI has ten digits, begins with 1 or 2 and its check digit is right, or is absent."""
    return npi_is_valid(F.col("facility_npi"))


def billing_npi_present() -> Column:
    """The billing provider has an NPI."""
    return F.col("is_deleted") | F.col("billing_npi").isNotNull()


def rendering_npi_present() -> Column:
    """A professional claim names the NPI of who served."""
    return F.col("is_deleted") | (F.col("claim_type") != "professional") | F.col("rendering_npi").isNotNull()


def diagnosis_codes_formed() -> Column:
    """Diagnoses have the form of ICD-10-CM, with or without the dot; six digits or more are SNOMED CT and pass."""
    return F.forall("diagnosis_codes", lambda code: code.rlike(ICD_10_CM) | code.rlike(SNOMED_CT))


def diagnosis_present() -> Column:
    """A professional or institutional claim has a principal diagnosis."""
    is_coded = F.coalesce(F.col("claim_type").isin(*CODED_TYPES), F.lit(False))
    return F.col("is_deleted") | ~is_coded | (F.coalesce(F.size("diagnosis_codes"), F.lit(0)) > 0)


def institutional_fields_apart() -> Column:
    """A professional claim has no type of bill, DRG or admission."""
    institutional = ("bill_type_code", "drg_code", "admission_date", "discharge_date")
    return (F.col("claim_type") != "professional") | F.coalesce(
        *[F.col(c).cast("string") for c in institutional]
    ).isNull()


def free_text_without_ssn() -> Column:
    """No free text held a social security number; one that did is masked before it is stored."""
    return ~F.concat_ws("|", *FREE_TEXTS).contains(SSN_MASK)
