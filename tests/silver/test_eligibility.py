from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.eligibility import eligibility
from lakehouse.spec.contracts import ELIGIBILITY
from lakehouse.spec.field import Field
from silver import rows
from silver.rows import Row

SPAN: Row = {
    "network": "north",
    "member_token": "token",
    "payer_name": "Aetna",
    "plan_name": "Choice",
    "coverage_type": "medical",
    "coverage_start_date": "2026-01-01",
    "birth_date": "1980-06-15",
    "modified_at": "2026-01-20T06:00:00",
    "is_deleted": False,
}
DELIVERED = datetime(2026, 1, 21, 7, tzinfo=UTC)


def conformed(spark: SparkSession, *given: Row, sequenced: bool = False) -> DataFrame:
    """Spans as the engine gives them, delivered at one instant."""
    fields: tuple[Field, ...] = ELIGIBILITY.silver_fields()
    lineage = F.struct(F.lit(DELIVERED).alias("delivered_at"), F.lit(sequenced).alias("sequenced"))
    return rows.frame(spark, fields, *given, defaults=SPAN).withColumn("_lineage", lineage)


def test_a_statement_is_cleaned_and_says_no_more_of_a_person_than_it_must(spark: SparkSession) -> None:
    given = [
        {"sex": "female", "state": " ma", "coverage_end_date": "9999-12-31", "zip_code": "02110", "is_full_file": True},
        {"sex": "m", "coverage_end_date": "2026-02-28", "plan_name": None, "coverage_type": None},
        {"sex": "other", "coverage_type": "Dental", "is_deleted": True},
        {"sex": None, "birth_date": None, "source_sequence": 7},
    ]
    result = eligibility(spans=conformed(spark, *given))
    said: Row = {
        **{name: SPAN[name] for name in ("network", "member_token", "payer_name", "plan_name", "coverage_type")},
        **{name: SPAN[name] for name in ("coverage_start_date", "modified_at")},
        "delivered_at": DELIVERED,
        "stated_at": SPAN["modified_at"],
        "birth_year": 1980,
        "is_full_file": False,
        "is_withdrawn": False,
        "is_deleted": False,
    }
    expected: list[Row] = [
        {**said, "sex": "F", "state": "MA", "is_full_file": True},
        {**said, "sex": "M", "coverage_end_date": "2026-02-28", "plan_name": "-", "coverage_type": "-"},
        {**said, "sex": "OTHER", "coverage_type": "dental", "is_withdrawn": True},
        {**said, "birth_year": None, "source_sequence": 7},
    ]
    rows.assert_same_rows(result.drop("_lineage"), rows.frame(spark, eligibility.fields, *expected))
    assert result.columns[-1] == "_lineage"


def test_a_reading_of_a_database_is_newer_than_the_one_before_and_never_full(spark: SparkSession) -> None:
    read = eligibility(spans=conformed(spark, {"is_full_file": True}, sequenced=True))
    found = read.select(F.unix_seconds("stated_at"), "is_full_file").collect()
    assert [tuple(row) for row in found] == [(int(DELIVERED.timestamp()), False)]


def test_rules_of_a_span(spark: SparkSession) -> None:
    spans = eligibility(
        spans=conformed(
            spark,
            {"coverage_end_date": "2026-01-02"},
            {"coverage_end_date": "2026-01-01"},
            {"coverage_end_date": "2025-12-31"},
            {"coverage_end_date": None},
            {"birth_date": "2026-12-31"},
            {"birth_date": "2027-01-01"},
            {"birth_date": None},
        )
    )
    ordered = rows.holds(spans, eligibility, "coverage_start_date_not_after_coverage_end_date")
    assert ordered == [True, True, False, True, True, True, True]
    assert rows.holds(spans, eligibility, "lasts_more_than_a_day") == [True, False, True, True, True, True, True]
    assert rows.holds(spans, eligibility, "starts_in_life") == [True, True, True, True, True, False, True]


def test_no_date_of_birth_and_no_zip_code_is_stored() -> None:
    assert not {"birth_date", "zip_code", "member_id"} & {*eligibility.field_names}
