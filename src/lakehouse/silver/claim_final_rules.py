"""Conditions of the rules of silver.claim_final. Sources: domain.md 3.2 and 3.3."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.silver.attribution import IN_ROSTER
from lakehouse.silver.coverage import COVERED, UNKNOWN_MEMBER


def payer_is_mapped() -> Column:
    """A steward decided which standard payer the name stands for (domain.md B24)."""
    return F.col("payer_is_mapped")


def paid_within_billed() -> Column:
    """Payers paid no more than was charged (domain.md X07); flat copayments and case rates do break this."""
    return F.col("paid_amount") <= F.col("billed_amount")


def payments_within_billed() -> Column:
    """Payers and patient together paid no more than was charged (domain.md X07); flat copayments do break this."""
    return F.col("paid_amount") + F.col("patient_paid_amount") <= F.col("billed_amount")


def billed_not_zero() -> Column:
    """Something was charged (domain.md B16); encounters and capitated care do break this."""
    return F.col("billed_amount") != 0


def paid_not_negative() -> Column:
    """Payers took back no more than they paid (domain.md X07)."""
    return F.col("paid_amount") >= 0


def answered_claim_is_explained() -> Column:
    """Where adjustments were sent, payments and adjustments explain the whole charge (domain.md C05)."""
    is_explained = (F.col("remainder_amount") == 0) | ~F.col("is_adjudicated") | ~F.col("has_adjustments")
    return is_explained | F.col("is_void_family")


def claim_and_remittances_agree() -> Column:
    """What the claim says was paid is what remittances paid (domain.md X02)."""
    return (F.col("money_source") == "claim") | (F.col("own_paid_amount") == F.col("paid_amount"))


def header_is_sum_of_lines() -> Column:
    """The header's charge is the sum of its lines', totals left out (domain.md C01), to a cent."""
    return F.abs("header_difference_amount") <= 0.01


def submitted_in_time() -> Column:
    """Submitted within a year of service, the longest limit that payers usually set (domain.md X14)."""
    return F.col("submitted_date") <= F.add_months("service_from_date", 12)


def member_is_known() -> Column:
    """Some span of the member was ever known (domain.md X09)."""
    return F.col("elig_status") != UNKNOWN_MEMBER


def covered_on_service_date() -> Column:
    """A known member was covered when served (domain.md X08)."""
    return F.col("elig_status").isin(COVERED, UNKNOWN_MEMBER)


def provider_in_roster() -> Column:
    """The rendering, else billing provider was in the network's roster on the day of service (domain.md X10)."""
    return F.col("provider_status") == IN_ROSTER
