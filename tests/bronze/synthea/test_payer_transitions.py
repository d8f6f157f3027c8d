"""Synthea's coverage spans: which are coverage, and their last day."""

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from builders import Row, given
from lakehouse.bronze.synthea.patients import patients
from lakehouse.bronze.synthea.payer_transitions import conform_eligibility, payer_transitions
from lakehouse.bronze.synthea.payers import payers
from lakehouse.spec.contracts import ELIGIBILITY
from lakehouse.spec.field import BRONZE_LINEAGE


def conformed(spark: SparkSession, *rows: Row) -> DataFrame:
    """The rows with three payers (one of them none) and one patient, by row number."""
    names = {"P0": "NO_INSURANCE", "P1": "Medicaid", "P2": "Aetna"}
    patient = {"id": "M1", "birthdate": "2014-10-06", "gender": "M", "state": "Massachusetts", "zip": "2155"}
    return conform_eligibility(
        spans=given(spark, payer_transitions, *rows),
        payers=given(spark, payers, *[{"id": key, "name": name} for key, name in names.items()]),
        patients=given(spark, patients, patient),
    ).orderBy("_row_number")


def test_an_ordinary_span_ends_the_day_before_the_next_begins(spark: SparkSession) -> None:
    span = {"patient": "M1", "payer": "P1", "start_date": "2014-10-14T04:17:47Z", "end_date": "2015-10-20T04:17:47Z"}
    result = conformed(spark, span)
    assert result.columns == [f.name for f in ELIGIBILITY.all_fields] + [f.name for f in BRONZE_LINEAGE] + [
        "_drop_reason"
    ]
    expected = {
        "network": "north",
        "member_id": "M1",
        "payer_name": "Medicaid",
        "plan_name": "-",
        "coverage_type": "medical",
        "coverage_start_date": "2014-10-14T04:17:47Z",
        "coverage_end_date": "2015-10-19",
        "birth_date": "2014-10-06",
        "sex": "M",
        "state": "MA",
        "zip_code": "02155",
        "is_deleted": "false",
    }
    found = result.first().asDict()
    assert {k: v for k, v in found.items() if v is not None and not k.startswith("_")} == expected
    assert found["_drop_reason"] is None


def test_what_is_no_coverage_is_dropped_with_a_reason(spark: SparkSession) -> None:
    day = {"payer": "P1", "start_date": "2026-01-10T23:24:16Z"}
    rows = [
        {"payer": "P0"},
        {**day, "end_date": "2026-01-10T23:24:16Z"},
        {**day, "end_date": "2026-01-10T23:59:59Z"},
        {**day, "end_date": "2026-01-11T00:00:00Z"},
        {**day, "end_date": None},
        {**day, "start_date": None, "end_date": "2026-01-11T00:00:00Z"},
        {"payer": "P9", "start_date": "2026-01-10", "end_date": "2026-02-10"},
    ]
    expected = [
        ("NO_INSURANCE", "no_insurance_is_not_coverage"),
        ("Medicaid", "zero_length_span"),
        ("Medicaid", "zero_length_span"),
        ("Medicaid", None),
        ("Medicaid", None),
        ("Medicaid", None),
        (None, None),
    ]
    assert_df_equality(
        conformed(spark, *rows).select("payer_name", "_drop_reason"),
        spark.createDataFrame(expected, "payer_name string, _drop_reason string"),
        ignore_metadata=True,  # column comments
    )


def test_ends_are_read_in_every_form_that_was_ever_exported(spark: SparkSession) -> None:
    forms = {
        "2026-03-01": "2026-02-28",
        "2026-03-01T00:00:00Z": "2026-02-28",
        "2026": "2026-12-31",
        "soon": "soon",
        "": None,
    }
    rows = [{"payer": "P1", "start_date": "2025", "end_date": end} for end in forms]
    found = conformed(spark, *rows).collect()
    assert [r.coverage_end_date for r in found] == list(forms.values())
    assert {r.coverage_start_date for r in found} == {"2025-01-01"}


def test_a_span_of_one_calendar_year_is_not_of_zero_length(spark: SparkSession) -> None:
    found = conformed(spark, {"payer": "P1", "start_date": "2025", "end_date": "2025"}).first()
    assert (found.coverage_start_date, found.coverage_end_date, found._drop_reason) == (
        "2025-01-01",
        "2025-12-31",
        None,
    )


def test_a_span_of_an_unknown_patient_or_of_nulls_is_kept(spark: SparkSession) -> None:
    found = conformed(
        spark, {"patient": "M9", "payer": "P1"}, {f.name: None for f in payer_transitions.fields}
    ).collect()
    assert [(r.member_id, r.birth_date, r.state, r._row_number) for r in found] == [
        ("M9", None, None, 1),
        (None, None, None, 2),
    ]


def test_a_span_sent_twice_comes_out_twice(spark: SparkSession) -> None:
    span = {"patient": "M1", "payer": "P1"}
    assert conformed(spark, span, span).count() == 2
