import re
from collections.abc import Sequence

import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.claim_line import claim_line
from lakehouse.silver.claim_line_rules import CODE_FORMS
from lakehouse.spec.contracts import CLAIM_LINES
from silver import rows
from silver.rows import Row

RULES: dict[str, tuple[Row, Row, Row]] = {
    "procedure_code_system_accepted_values": (
        {"procedure_code_system": "snomed"},
        {"procedure_code_system": "loinc"},
        {"procedure_code_system": None},
    ),
    "revenue_code_matches": ({"revenue_code": "0450"}, {"revenue_code": "04501"}, {"revenue_code": None}),
    "place_of_service_code_matches": (
        {"place_of_service_code": "02"},
        {"place_of_service_code": "2"},
        {"place_of_service_code": None},
    ),
    "charge_not_negative": ({"billed_amount": "0.00"}, {"billed_amount": "-0.01"}, {"billed_amount": None}),
    "units_positive": ({"units": "0.001"}, {"units": "0.000"}, {"units": None}),
    "service_from_date_not_after_service_to_date": (
        {"service_from_date": "2026-01-10", "service_to_date": "2026-01-10"},
        {"service_from_date": "2026-01-11", "service_to_date": "2026-01-10"},
        {"service_to_date": "2026-01-10"},
    ),
    "rendering_npi_valid": ({"rendering_npi": "1234567893"}, {"rendering_npi": "0000000004"}, {"rendering_npi": None}),
    "dates_not_too_early": (
        {"service_to_date": "1900-01-01"},
        {"service_to_date": "1899-12-31"},
        {"service_to_date": None},
    ),
    "dates_not_far_ahead": (
        {"service_from_date": "2027-01-20"},
        {"service_from_date": "2027-01-21"},
        {"service_from_date": None},
    ),
    "procedure_code_formed": (
        {"procedure_code": "G0439", "procedure_code_system": "hcpcs"},
        {"procedure_code": "G0439", "procedure_code_system": "cpt"},
        {"procedure_code": "G0439", "procedure_code_system": None},
    ),
    "modifiers_formed": ({"modifiers": ["25", "GT"]}, {"modifiers": ["25", "G"]}, {"modifiers": None}),
    "revenue_code_or_place_of_service": (
        {"revenue_code": "0450"},
        {"revenue_code": "0450", "place_of_service_code": "11"},
        {"place_of_service_code": "11"},
    ),
    "charge_not_zero": ({"billed_amount": "0.01"}, {"billed_amount": "0.00"}, {"billed_amount": None}),
    "paid_within_allowed": (
        {"paid_amount": "-5.00", "allowed_amount": "-5.00"},
        {"paid_amount": "5.01", "allowed_amount": "5.00"},
        {"paid_amount": "5.01"},
    ),
    "allowed_within_billed": (
        {"allowed_amount": "-5.00", "billed_amount": "-6.00"},
        {"allowed_amount": "5.01", "billed_amount": "5.00"},
        {"allowed_amount": "5.01"},
    ),
    "units_within_reason": ({"units": "99999.000"}, {"units": "99999.001"}, {"units": None}),
    "denied_line_is_unpaid": (
        {"denial_code": "CO50", "paid_amount": "0.00"},
        {"denial_code": "CO50", "paid_amount": "0.01"},
        {"denial_code": "CO50"},
    ),
    "line_number_present": ({"line_number": 1}, {"line_number": None}, {"is_deleted": True}),
    "line_number_from_one": ({"line_number": 1}, {"line_number": 0}, {"line_number": None}),
}


def test_codes_are_cleaned_and_nothing_else(spark: SparkSession) -> None:
    sent: Row = {
        "procedure_code": " g0439",
        "procedure_code_system": "HCPCS",
        "modifiers": ["gt ", "25"],
        "revenue_code": "450",
        "place_of_service_code": "02",
        "denial_code": "co45",
        "billed_amount": "-10.50",
    }
    cleaned: Row = {
        **sent,
        "procedure_code": "G0439",
        "procedure_code_system": "hcpcs",
        "modifiers": ["GT", "25"],
        "revenue_code": "0450",
        "denial_code": "CO45",
    }
    result = claim_line(lines=rows.with_lineage(rows.lines(spark, sent)))
    rows.assert_same_rows(result, rows.with_lineage(rows.lines(spark, cleaned)))
    assert result.columns == [*claim_line.field_names, "_lineage"]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [("1", "0001"), ("0001", "0001"), ("45x", "45X"), ("04501", "04501"), ("  ", None), (None, None)],
)
def test_revenue_code_has_its_leading_zeros(spark: SparkSession, sent: str | None, stored: str | None) -> None:
    result = claim_line(lines=rows.with_lineage(rows.lines(spark, {"revenue_code": sent})))
    assert [row["revenue_code"] for row in result.collect()] == [stored]


def test_a_tombstone_with_nothing_but_its_key_keeps_every_rule(spark: SparkSession) -> None:
    bare: dict[str, object] = {f.name: None for f in CLAIM_LINES.silver_fields()}
    tombstone = rows.lines(spark, {**bare, "network": "north", "claim_id": "C1", "line_id": "1", "is_deleted": True})
    result = claim_line(lines=rows.with_lineage(tombstone))
    assert rows.broken(result, claim_line) == set()


def test_every_rule_is_tried() -> None:
    assert set(RULES) == rows.row_rules(claim_line)


def test_every_rule_tells_good_from_bad_and_lets_unknown_pass(spark: SparkSession) -> None:
    assert rows.tried(spark, claim_line, rows.lines, RULES) == {rule: [True, False, True] for rule in RULES}


@pytest.mark.parametrize(
    ("system", "good", "bad"),
    [
        ("cpt", ("99213", "0001U", "0202T"), ("9921", "A9213")),
        ("hcpcs", ("J1885", "A0428"), ("W0428", "J188")),
        ("icd10pcs", ("0DTJ4ZZ",), ("0DTO4ZZ", "0DTJ4Z")),
        ("cdt", ("D0120",), ("0120",)),
        ("ndc", ("00002322730", "0002-3227-30"), ("2322730",)),
        ("snomed", ("162673000",), ("12345", "C0001")),
        ("cvx", ("08", "140"), ("1400",)),
        ("other", ("anything",), ()),
    ],
)
def test_codes_have_the_form_of_their_system(system: str, good: Sequence[str], bad: Sequence[str]) -> None:
    form = re.compile(rf"\A(?:{CODE_FORMS.get(system, '.*')})\Z")
    assert [bool(form.match(code)) for code in (*good, *bad)] == [True] * len(good) + [False] * len(bad)


def test_lines_that_repeat_a_number_or_another_line_are_told(spark: SparkSession) -> None:
    same: Row = {"procedure_code": "99213", "billed_amount": "10.00", "units": "1.000"}
    lines = rows.lines(
        spark,
        {**same, "line_id": "1", "line_number": 1},
        {**same, "line_id": "2", "line_number": 2},
        {**same, "line_id": "3", "line_number": 2, "modifiers": ["76"]},
        {**same, "line_id": "4", "line_number": None, "billed_amount": "10.01"},
        {**same, "line_id": "5", "line_number": None, "is_deleted": True},
        {**same, "claim_id": "C2", "line_number": 1},
        {"claim_id": "C3", "line_id": "1"},
        {"claim_id": "C3", "line_id": "2"},
    )
    found = {e.name: e.failing_rows(lines) for e in claim_line.expectations if not e.is_row_rule}
    counted = {name: [(r["claim_id"], r["row_count"]) for r in failing.collect()] for name, failing in found.items()}
    assert counted == {"line_numbers_differ": [("C1", 2)], "lines_differ": [("C1", 2)]}
