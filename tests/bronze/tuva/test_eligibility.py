"""Tuva's coverage spans: inclusive ends, states by name, keys without nulls."""

from pyspark.sql import SparkSession

from builders import Row, given
from lakehouse.bronze.tuva.eligibility import conform_eligibility, eligibility
from lakehouse.spec.contracts import ELIGIBILITY
from lakehouse.spec.field import BRONZE_LINEAGE

BLANK: Row = dict.fromkeys(f.name for f in eligibility.fields)


def test_spans_conform(spark: SparkSession) -> None:
    ordinary = {
        "patient_id": "M1",
        "member_id": "card",
        "gender": "female",
        "birth_date": "1950-05-30",
        "enrollment_start_date": "2018-03-01",
        "enrollment_end_date": "2018-11-30",
        "payer": "medicare",
        "payer_type": "medicare",
        "state": "Virgin Islands",
        "zip_code": "802",
    }
    states = {"District of Columbia": "DC", "puerto rico": "PR", "SC": "SC", "Guam": "GU", "Atlantis": None, None: None}
    rows = [
        ordinary,
        ordinary,
        {**ordinary, "plan": "gold", "enrollment_end_date": "9999-12-31", "zip_code": "2155"},
        {**ordinary, "enrollment_end_date": " ", "payer": ""},
        {**ordinary, "enrollment_end_date": "soon"},
        BLANK,
        *[{**BLANK, "state": name} for name in states],
    ]
    result = conform_eligibility(spans=given(spark, eligibility, *[{**BLANK, **row} for row in rows]))
    lineage = [f.name for f in BRONZE_LINEAGE]
    assert result.columns == [f.name for f in ELIGIBILITY.all_fields] + lineage + ["_drop_reason"]
    first, again, open_ended, without_payer, unread, blank, *by_state = result.orderBy("_row_number").collect()
    expected = {
        "network": "north",
        "member_id": "M1",
        "payer_name": "medicare",
        "plan_name": "-",
        "coverage_type": "medical",
        "coverage_start_date": "2018-03-01",
        "line_of_business": "medicare",
        "coverage_end_date": "2018-11-30",
        "birth_date": "1950-05-30",
        "sex": "female",
        "state": "VI",
        "zip_code": "802",
        "is_deleted": "false",
    }
    for row in (first, again):
        assert {k: v for k, v in row.asDict().items() if v is not None and not k.startswith("_")} == expected
    assert (open_ended.plan_name, open_ended.coverage_end_date, open_ended.zip_code) == ("gold", None, "02155")
    assert (without_payer.payer_name, without_payer.coverage_end_date) == ("-", None)
    assert unread.coverage_end_date == "soon"  # for the engine to reject
    assert (blank.member_id, blank.payer_name, blank.coverage_start_date) == (None, "-", None)
    assert [r.state for r in by_state] == list(states.values())
    assert {r._drop_reason for r in (first, blank, *by_state)} == {None}
