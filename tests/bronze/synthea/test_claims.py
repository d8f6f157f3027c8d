"""Synthea claims: payer names, the facility, and when a claim counts as closed."""

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession

from builders import Row, given
from lakehouse.bronze.synthea.claims import claims, conform_claims
from lakehouse.bronze.synthea.encounters import encounters
from lakehouse.bronze.synthea.payers import payers
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.field import BRONZE_LINEAGE

DIAGNOSES = {f"diagnosis{n}": None for n in range(1, 9)}
UNBILLED = {f"lastbilleddate{party}": None for party in "12p"}


def conformed(spark: SparkSession, *rows: Row) -> DataFrame:
    """The rows with two payers and one visit."""
    return conform_claims(
        claims=given(spark, claims, *rows),
        payers=given(spark, payers, {"id": "P1", "name": "Medicaid"}, {"id": "P2", "name": "Aetna"}),
        encounters=given(spark, encounters, {"id": "E1", "stop": "2026-01-16T08:00:00Z", "organization": "O1"}),
    )


def test_an_ordinary_claim_gets_its_payers_and_its_facility(spark: SparkSession) -> None:
    row = {
        "id": "C1",
        "patientid": "M1",
        "providerid": "D1",
        "primarypatientinsuranceid": "P1",
        "secondarypatientinsuranceid": "P2",
        "appointmentid": "E1",
        "servicedate": "2026-01-15T23:50:00Z",
        **DIAGNOSES,
        "diagnosis1": "195662009",
        "diagnosis2": " ",
        "diagnosis3": "44054006",
        "status1": "CLOSED",
        "status2": "",
        "statusp": "CLOSED",
        "lastbilleddate1": "2026-01-16T08:00:00Z",
        "lastbilleddate2": "",
        "lastbilleddatep": "2026-02-01T08:00:00Z",
    }
    result = conformed(spark, row)
    assert result.columns == [f.name for f in CLAIMS.all_fields] + [f.name for f in BRONZE_LINEAGE] + ["_drop_reason"]
    expected = {
        "network": "north",
        "claim_id": "C1",
        "claim_type": "undetermined",
        "member_id": "M1",
        "payer_name": "Medicaid",
        "payer_id": "P1",
        "secondary_payer_name": "Aetna",
        "rendering_provider_id": "D1",
        "facility_provider_id": "O1",
        "service_from_date": "2026-01-15T23:50:00Z",
        "service_to_date": "2026-01-16T08:00:00Z",
        "submitted_date": "2026-01-16T08:00:00Z",
        "closed_date": "2026-02-01T08:00:00Z",
        "is_closed": "true",
        "diagnosis_codes": "195662009|44054006",
        "claim_status": "CLOSED",
        "money_level": "line",
        "is_deleted": "false",
    }
    found = result.first().asDict()
    assert {k: v for k, v in found.items() if v is not None and not k.startswith("_")} == expected
    assert (found["_network"], found["_source"], found["_row_number"]) == ("north", "file-1.csv", 1)
    assert found["_drop_reason"] is None


def test_a_claim_without_a_payer_has_neither_id_nor_name(spark: SparkSession) -> None:
    columns = ("primarypatientinsuranceid", "secondarypatientinsuranceid")
    rows = [dict.fromkeys(columns, sent) for sent in ("0", "", None, "P9")]
    found = conformed(spark, *rows).orderBy("_row_number").select("payer_id", "payer_name", "secondary_payer_name")
    expected = [(None, None, None), (None, None, None), (None, None, None), ("P9", None, None)]
    names = "payer_id string, payer_name string, secondary_payer_name string"
    assert_df_equality(found, spark.createDataFrame(expected, names), ignore_metadata=True)


def test_a_claim_is_open_while_any_party_is_billed(spark: SparkSession) -> None:
    statuses = [
        ("CLOSED", "CLOSED", "CLOSED"),
        ("CLOSED", "BILLED", "CLOSED"),
        ("BILLED", "", "BILLED"),
        ("", None, " "),
    ]
    rows = [{"status1": a, "status2": b, "statusp": p} for a, b, p in statuses]
    found = conformed(spark, *rows).orderBy("_row_number").collect()
    assert [r.is_closed for r in found] == ["true", "false", "false", None]
    assert [r.closed_date is not None for r in found] == [True, False, False, False]


def test_a_closed_claim_that_was_never_billed_has_no_closing_day(spark: SparkSession) -> None:
    found = conformed(spark, {"status1": "CLOSED", "status2": "", "statusp": "", **UNBILLED}).first()
    assert (found.is_closed, found.closed_date, found.submitted_date) == ("true", None, None)


def test_a_row_of_nulls_comes_out_once(spark: SparkSession) -> None:
    found = conformed(spark, {f.name: None for f in claims.fields}).collect()
    assert [(r.claim_id, r.facility_provider_id, r.is_closed, r._row_number) for r in found] == [(None, None, None, 1)]


def test_a_claim_sent_twice_comes_out_twice(spark: SparkSession) -> None:
    row = {"id": "C1", "primarypatientinsuranceid": "P1", "appointmentid": "E1"}
    assert [r._row_number for r in conformed(spark, row, row).orderBy("_row_number").collect()] == [1, 2]
