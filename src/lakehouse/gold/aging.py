"""What is open of claims on a day, who owes it and how old it is: pure functions over rows of silver.claim_final.

Source: domain.md 2.16; day 30 is in 0-30, day 31 in 31-60, day 120 in 91-120, day 121 in 120+.
"""

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.claim_state import split_remainder, with_sender
from lakehouse.silver.claim_copies import without_copies
from lakehouse.spec.columns import money_or_zero

SERVICE, SUBMISSION = "service", "submission"
DATE_BASES = (SERVICE, SUBMISSION)
EDGES = ((30, "0-30"), (60, "31-60"), (90, "61-90"), (120, "91-120"))  # inclusive upper edges, days
OLDEST, CREDIT, UNKNOWN = "120+", "credit", "unknown"
OVER_90 = ("91-120", OLDEST)
BUCKETS = (*[name for _, name in EDGES], OLDEST, CREDIT, UNKNOWN)


def open_claims(claims: DataFrame, copies: DataFrame, networks: DataFrame, as_of: datetime.date) -> DataFrame:
    """Claims with anything open on the day, one row each: `open_amount` (credits negative), `patient_open_amount`.

    None of a sender that is a payer: its claims are decided and closed. None whose service lies after the day. Of a
    voided family only what is owed back is open.
    """
    counted = with_sender(without_copies(claims, copies), networks).where(F.col("has_receivables"))
    begun = split_remainder(counted.where(F.col("service_from_date") <= F.lit(as_of)), as_of)
    patient = F.greatest(
        money_or_zero("patient_responsibility_amount") - money_or_zero("patient_paid_amount"), F.lit(0)
    )
    owed = begun.withColumns(
        {"open_amount": F.col("outstanding_amount") + F.col("credit_amount"), "patient_open_amount": patient}
    )
    return owed.where((F.col("open_amount") != 0) | (F.col("patient_open_amount") != 0))


def bucket(age: Column) -> Column:
    """The bucket of an age in days; a date that lies ahead is of age 0, none at all `unknown`."""
    found = F.when(age.isNull(), UNKNOWN)
    for edge, name in EDGES:
        found = found.when(age <= edge, name)
    return found.otherwise(OLDEST)


def served_until() -> Column:
    """The day from which a claim ages by service: discharge, else the last day of service, else the first."""
    return F.coalesce("discharge_date", "service_to_date", "service_from_date")
