"""Tuva claim lines: codes with their system, dates from line or claim, and no amount that is the claim's."""

from pyspark.sql import DataFrame, SparkSession

from builders import Row, given
from lakehouse.bronze.tuva.claim_lines import conform_claim_lines
from lakehouse.bronze.tuva.medical_claim import medical_claim
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.field import BRONZE_LINEAGE

BLANK: Row = dict.fromkeys(f.name for f in medical_claim.fields)


def conformed(spark: SparkSession, *rows: Row) -> DataFrame:
    """The rows by row number, blank but for what is given."""
    lines = given(spark, medical_claim, *[{**BLANK, **row} for row in rows])
    return conform_claim_lines(lines=lines).orderBy("_row_number")


def test_a_professional_line_carries_its_own_money(spark: SparkSession) -> None:
    row = {
        "claim_id": "C1",
        "claim_line_number": "3",
        "claim_type": "professional",
        "claim_start_date": "2026-03-10",
        "claim_end_date": "2026-03-12",
        "claim_line_start_date": "2026-03-11",
        "place_of_service_code": "02",
        "service_unit_quantity": "0",
        "hcpcs_code": "99213",
        "hcpcs_modifier_1": "25",
        "hcpcs_modifier_2": " ",
        "hcpcs_modifier_3": "GT",
        "rendering_npi": "1639175037",
        "charge_amount": "80.00",
        "allowed_amount": "75.00",
        "paid_amount": "30.00",
        "copayment_amount": "15.00",
    }
    result = conformed(spark, row)
    technical = ["_elsewhere_charge_amount", "_elsewhere_allowed_amount", "_elsewhere_paid_amount"]
    lineage = [f.name for f in BRONZE_LINEAGE]
    assert result.columns == [f.name for f in CLAIM_LINES.all_fields] + technical + lineage + ["_drop_reason"]
    expected = {
        "network": "north",
        "claim_id": "C1",
        "line_id": "3",
        "line_number": "3",
        "service_from_date": "2026-03-11",
        "service_to_date": "2026-03-12",
        "procedure_code": "99213",
        "procedure_code_system": "cpt",
        "modifiers": "25|GT",
        "place_of_service_code": "02",
        "units": "0",
        "rendering_provider_id": "1639175037",
        "rendering_npi": "1639175037",
        "billed_amount": "80.00",
        "allowed_amount": "75.00",
        "paid_amount": "30.00",
        "patient_responsibility_amount": "15.00",
        "is_deleted": "false",
    }
    found = result.first().asDict()
    assert {k: v for k, v in found.items() if v is not None and not k.startswith("_")} == expected
    assert {found[name] for name in (*technical, "_drop_reason")} == {None}


def test_amounts_that_institutional_lines_repeat_are_the_claims(spark: SparkSession) -> None:
    hospital = {"claim_id": "I1", "claim_type": "institutional", "charge_amount": "900.00", "paid_amount": "250.00"}
    mixed = {**hospital, "claim_id": "I2"}
    rows = [
        {**hospital, "claim_line_number": "1", "revenue_center_code": "0300"},
        {**hospital, "claim_line_number": "2", "revenue_center_code": "0001"},
        {**mixed, "claim_line_number": "1", "charge_amount": "60.00"},
        {**mixed, "claim_line_number": "2", "charge_amount": "40.00"},
        BLANK,
        BLANK,
    ]
    columns = ("line_id", "revenue_code", "billed_amount", "_elsewhere_charge_amount", "paid_amount")
    found = conformed(spark, *rows).collect()
    assert [tuple(r[c] for c in columns) for r in found] == [
        ("1", "0300", None, "900.00", None),
        ("2", "0001", None, "900.00", None),
        ("1", None, "60.00", None, None),
        ("2", None, "40.00", None, None),
        (None, None, None, None, None),
        (None, None, None, None, None),
    ]
    assert [r._elsewhere_paid_amount for r in found[:4]] == ["250.00"] * 4
    assert {r._drop_reason for r in found} == {None}
