"""Coverage spans of Synthea: who insured a patient, up to and without an end. Uninsured times are spans too."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import absent, change_columns, lineage_of
from lakehouse.bronze.postal import full_zip, state_code
from lakehouse.bronze.synthea.patients import patients
from lakehouse.bronze.synthea.payers import NO_INSURANCE, payers
from lakehouse.spec.columns import blank_to_null, clean_code, parse_date
from lakehouse.spec.contracts import ELIGIBILITY
from lakehouse.spec.feed import conforms, feed, raw
from lakehouse.spec.field import DIRECT, MEMBER
from lakehouse.spec.scopes import changes, snapshot
from lakehouse.spec.sources import FileSource

PLAIN_YEAR = r"^\d{4}\z"  # the oldest exports write calendar years, the last one inclusive

payer_transitions = feed(
    "synthea",
    "payer_transitions",
    "coverage spans of a Synthea export",
    source=FileSource(stem="payer_transitions"),
    key=("patient", "start_date"),
    fields=[
        raw("patient", "patient", required=True, phi=MEMBER),
        raw("memberid", "number on the insurance card; a patient has many, so it is no key", phi=MEMBER),
        raw("start_date", "start of the span: instant, UTC", aliases=("start_year",), required=True),
        raw("end_date", "end of the span, itself not covered: instant, UTC", aliases=("end_year",), required=True),
        raw("payer", "payer", required=True),
        raw("secondary_payer", "secondary payer"),
        raw("plan_ownership", "Self, Spouse or Guardian", aliases=("ownership",)),
        raw("owner_name", "name of the policy's owner", aliases=("ownername",), phi=DIRECT),
    ],
)


def first_day() -> Column:
    """First day of coverage, as sent; of a plain year its first day."""
    sent = blank_to_null(F.col("start_date"))
    return F.when(sent.rlike(PLAIN_YEAR), F.concat(sent, F.lit("-01-01"))).otherwise(sent)


def last_day() -> Column:
    """Last day of coverage: the day before the end, on which the next span starts; of a plain year its last day.

    What is no date stays as sent, for the engine to reject.
    """
    sent = blank_to_null(F.col("end_date"))
    day_before = F.date_format(F.date_sub(parse_date(sent), 1), "yyyy-MM-dd")
    return F.when(sent.rlike(PLAIN_YEAR), F.concat(sent, F.lit("-12-31"))).otherwise(F.coalesce(day_before, sent))


def ends_where_it_starts() -> Column:
    """true when the span starts and ends on one day, so that no day is left to it."""
    return parse_date(first_day()) == F.date_add(parse_date(last_day()), 1)


@conforms(
    ELIGIBILITY,
    reads={"spans": changes(payer_transitions), "payers": snapshot(payers), "patients": snapshot(patients)},
)
def conform_eligibility(spans: DataFrame, payers: DataFrame, patients: DataFrame) -> DataFrame:
    """One row per span, of which insured ones of at least a day are used.

    The member is the patient: card numbers change with the payer. A payer that is missing in `payers` leaves payer_name
    null, so the span is quarantined until the payer arrives.
    """
    payer_names = payers.select(F.col("id").alias("payer"), F.col("name").alias("payer_name"))
    demographics = patients.select(F.col("id").alias("patient"), "birthdate", "gender", "state", "zip")
    # A snapshot holds one row per key of its feed (`id` of both): no join adds rows.
    member_spans = spans.join(payer_names, on="payer", how="left").join(demographics, on="patient", how="left")
    uninsured = clean_code(F.col("payer_name")) == NO_INSURANCE
    return member_spans.select(
        F.col("_network").alias("network"),
        F.col("patient").alias("member_id"),
        F.col("payer_name").alias("payer_name"),
        F.lit("-").alias("plan_name"),
        F.lit("medical").alias("coverage_type"),
        first_day().alias("coverage_start_date"),
        absent("line_of_business"),
        last_day().alias("coverage_end_date"),
        F.col("birthdate").alias("birth_date"),
        F.col("gender").alias("sex"),
        state_code(F.col("state")).alias("state"),
        full_zip(F.col("zip")).alias("zip_code"),
        absent("is_full_file"),
        *change_columns(),
        *lineage_of(spans),
        F.when(uninsured, "no_insurance_is_not_coverage")
        .when(ends_where_it_starts(), "zero_length_span")
        .alias("_drop_reason"),
    )
