import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.claim_line import claim_line
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
    "rendering_npi_matches": (
        {"rendering_npi": "1000000004"},
        {"rendering_npi": "0000000004"},
        {"rendering_npi": None},
    ),
    "charge_not_negative": ({"billed_amount": "0.00"}, {"billed_amount": "-0.01"}, {"billed_amount": None}),
    "units_positive": ({"units": "0.001"}, {"units": "0.000"}, {"units": None}),
    "service_from_date_not_after_service_to_date": (
        {"service_from_date": "2026-01-10", "service_to_date": "2026-01-10"},
        {"service_from_date": "2026-01-11", "service_to_date": "2026-01-10"},
        {"service_to_date": "2026-01-10"},
    ),
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
    bare = {f.name: None for f in CLAIM_LINES.silver_fields()}
    tombstone = rows.lines(spark, {**bare, "network": "north", "claim_id": "C1", "line_id": "1", "is_deleted": True})
    result = claim_line(lines=rows.with_lineage(tombstone))
    assert rows.broken(result, claim_line) == set()


def test_every_rule_is_tried() -> None:
    assert set(RULES) == rows.row_rules(claim_line)


@pytest.mark.parametrize("rule", RULES)
def test_rule_tells_good_from_bad_and_lets_unknown_pass(spark: SparkSession, rule: str) -> None:
    assert rows.holds(rows.lines(spark, *RULES[rule]), claim_line, rule) == [True, False, True]
