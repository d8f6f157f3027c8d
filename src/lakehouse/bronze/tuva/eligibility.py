"""Coverage spans of the Tuva input layer: who insured a person, from the first day to the last, both covered."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import lineage_of, stated_columns
from lakehouse.bronze.postal import full_zip, state_code
from lakehouse.spec.columns import blank_to_null, parse_date
from lakehouse.spec.contracts import ELIGIBILITY
from lakehouse.spec.feed import conforms, feed, raw
from lakehouse.spec.field import BIRTH_DATE, DIRECT, GEOGRAPHY, MEMBER
from lakehouse.spec.scopes import changes
from lakehouse.spec.sources import FileSource

NOT_SENT = "-"
OPEN_END = "9999-12-31"
DIRECT_IDENTIFIERS = {
    "first_name": "first name",
    "middle_name": "middle name; newer columns only",
    "last_name": "last name",
    "name_suffix": "suffix of the name; newer columns only",
    "social_security_number": "social security number; current columns only",
    "address": "street of residence",
    "phone": "telephone",
    "email": "e-mail address; newer columns only",
}

eligibility = feed(
    "tuva",
    "eligibility",
    "coverage spans of the Tuva input layer",
    source=FileSource(stem="eligibility"),
    key=("patient_id", "payer", "plan", "enrollment_start_date"),
    fields=[
        raw("patient_id", "person across members and sources", aliases=("person_id",), required=True, phi=MEMBER),
        raw("member_id", "number on the insurance card", phi=MEMBER),
        raw("subscriber_id", "number of the policy's owner; current columns only", phi=MEMBER),
        raw("gender", "male, female or unknown"),
        raw("race", "race; some senders write hispanic here"),
        raw("ethnicity", "ethnicity; newer columns only"),
        raw("birth_date", "date of birth", phi=BIRTH_DATE),
        raw("death_date", "date of death", phi=BIRTH_DATE),
        raw("death_flag", "1 when the person died"),
        raw("enrollment_start_date", "first day of coverage", required=True),
        raw("enrollment_end_date", "last day of coverage, itself covered", required=True),
        raw("payer", "payer", required=True),
        raw("payer_type", "commercial, medicare, medicaid ..."),
        raw("plan", "plan; current columns only"),
        raw("original_reason_entitlement_code", "why Medicare began; newer columns only"),
        raw("dual_status_code", "Medicare and Medicaid status"),
        raw("medicare_status_code", "Medicare status"),
        raw("enrollment_status", "active, terminated ...; newer columns only"),
        raw("group_id", "employer group; current columns only"),
        raw("group_name", "name of the employer group; current columns only"),
        raw("subscriber_relation", "relation to the policy's owner; current columns only"),
        *[raw(name, meaning, phi=DIRECT) for name, meaning in DIRECT_IDENTIFIERS.items()],
        raw("city", "city of residence", phi=GEOGRAPHY),
        raw("state", "state of residence, by name or by code"),
        raw("zip_code", "ZIP of residence", phi=GEOGRAPHY),
        raw("data_source", "where the mapper had the row from"),
        raw("file_name", "file the mapper had the row from; current columns only"),
        raw("file_date", "date of that file; current columns only"),
        raw("ingest_datetime", "when the mapper took it in; current columns only"),
    ],
)


def last_day() -> Column:
    """Last day of coverage as sent; null while coverage is open: blank, or the end of the calendar."""
    sent = blank_to_null(F.col("enrollment_end_date"))
    return F.when(~parse_date(sent).eqNullSafe(F.to_date(F.lit(OPEN_END))), sent)


def or_not_sent(name: str) -> Column:
    """Part of the key: the text as sent, `-` where there is none."""
    return F.coalesce(blank_to_null(F.col(name)), F.lit(NOT_SENT))


@conforms(ELIGIBILITY, reads={"spans": changes(eligibility)})
def conform_eligibility(spans: DataFrame) -> DataFrame:
    """One row per span. The member is the person, not the card number, which is often blank and changes."""
    stated = {
        "network": F.col("_network"),
        "member_id": F.col("patient_id"),
        "payer_name": or_not_sent("payer"),
        "plan_name": or_not_sent("plan"),
        "coverage_type": F.lit("medical"),
        "coverage_start_date": F.col("enrollment_start_date"),
        "line_of_business": F.col("payer_type"),
        "coverage_end_date": last_day(),
        "birth_date": F.col("birth_date"),
        "sex": F.col("gender"),
        "state": state_code(F.col("state")),
        "zip_code": full_zip(F.col("zip_code")),
    }
    no_reason = F.lit(None).cast("string").alias("_drop_reason")
    return spans.select(*stated_columns(ELIGIBILITY, stated), *lineage_of(spans), no_reason)
