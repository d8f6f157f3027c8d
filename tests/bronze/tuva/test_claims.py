"""Tuva claims: one row of each claim stands for it, its amounts once, its payer by coverage."""

from datetime import date
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession

from builders import Row, given
from lakehouse.bronze.tuva.claims import conform_claims
from lakehouse.bronze.tuva.eligibility import eligibility
from lakehouse.bronze.tuva.medical_claim import medical_claim
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.field import BRONZE_LINEAGE

BLANK_LINE: Row = dict.fromkeys(f.name for f in medical_claim.fields)
BLANK_SPAN: Row = dict.fromkeys(f.name for f in eligibility.fields)
HOSPITAL = {"claim_type": "institutional", "bill_type_code": "111", "charge_amount": "900.00", "paid_amount": "250.00"}
OFFICE = {"claim_type": "professional", "charge_amount": "80.00", "paid_amount": "30.00", "allowed_amount": "80.00"}


def line(claim: str | None, number: str | None, **sent: str | None) -> Row:
    """A line of a claim of 10 March, blank but for what is sent."""
    claim_line = {"claim_id": claim, "claim_line_number": number, "patient_id": "M1", "claim_start_date": "2026-03-10"}
    return {**BLANK_LINE, **claim_line, **sent}


def span(start: str, end: str | None, payer: str, **sent: str | None) -> Row:
    """A coverage span of the person M1."""
    covered = {"patient_id": "M1", "enrollment_start_date": start, "enrollment_end_date": end, "payer": payer}
    return {**BLANK_SPAN, **covered, **sent}


def conformed(spark: SparkSession, *rows: Row, spans: tuple[Row, ...] = ()) -> DataFrame:
    """The rows by row number."""
    lines = given(spark, medical_claim, *rows)
    return conform_claims(lines=lines, spans=given(spark, eligibility, *spans)).orderBy("_row_number")


def test_an_institutional_claim_in_early_columns_takes_its_amounts_once(spark: SparkSession) -> None:
    codes = {"drg_code": "71", "diagnosis_code_1": " ", "diagnosis_code_2": "K21.9", "diagnosis_code_5": "I2510"}
    dates = {"claim_end_date": "2026-03-12", "paid_date": "2026-04-02"}
    sent = {**HOSPITAL, **codes, **dates, "bill_type_code": "0117", "facility_npi": "1255428736"}
    rows = [
        line("C1", "10", **sent),
        line("C1", "2", **{**sent, "rendering_npi": "1639175037"}),
        line("C1", "3", **{**sent, "revenue_center_code": "0001"}),
    ]
    coverage = span("2026-01-01", "2026-03-10", "medicare", payer_type="medicare")
    result = conformed(spark, *rows, spans=(coverage,))
    technical = ["_elsewhere_charge_amount", "_elsewhere_allowed_amount", "_elsewhere_paid_amount"]
    lineage = [f.name for f in BRONZE_LINEAGE]
    assert result.columns == [f.name for f in CLAIMS.all_fields] + technical + lineage + ["_drop_reason"]
    tenth, second, third = (r.asDict() for r in result.collect())
    expected = {
        "network": "north",
        "claim_id": "C1",
        "frequency_code": "7",
        "claim_type": "institutional",
        "member_id": "M1",
        "payer_name": "medicare",
        "line_of_business": "medicare",
        "rendering_provider_id": "1639175037",
        "facility_provider_id": "1255428736",
        "rendering_npi": "1639175037",
        "facility_npi": "1255428736",
        "service_from_date": "2026-03-10",
        "service_to_date": "2026-03-12",
        "adjudicated_date": "2026-04-02",
        "bill_type_code": "117",
        "drg_code": "071",
        "diagnosis_codes": "K219|I2510",
        "money_level": "header",
        "billed_amount": "900.00",
        "paid_amount": "250.00",
        "is_deleted": "false",
    }
    assert {k: v for k, v in second.items() if v is not None and not k.startswith("_")} == expected
    assert {second[name] for name in technical} == {None}
    assert [r["_drop_reason"] for r in (tenth, second, third)] == [
        "another_line_of_the_claim",
        None,
        "another_line_of_the_claim",
    ]
    assert [r["billed_amount"] for r in (tenth, third)] == ["900.00", "900.00"]  # for the ledger


def test_every_raw_amount_is_used_dropped_or_left_to_the_lines(spark: SparkSession) -> None:
    """By hand: what the used row carries, what it leaves to the lines, and why the other rows are dropped."""
    per_line = [{**HOSPITAL, "charge_amount": charge} for charge in ("60.00", "40.00", "100.00")]
    rows = [
        line("P1", "1", **OFFICE),
        line("P1", "2", **OFFICE),
        line("I1", "1", **HOSPITAL),
        line("I2", "1", **per_line[0]),
        line("I2", "2", **per_line[1]),
        line("I2", "3", **{**per_line[2], "revenue_center_code": "0001"}),
        line("I3", "1", **{**HOSPITAL, "charge_amount": "5.00"}),
        line("I3", "2", **{**HOSPITAL, "charge_amount": None}),
        line("I4", "1", **{**HOSPITAL, "charge_amount": "five"}),
        line("U1", "1", **{**HOSPITAL, "claim_type": None}),
        line("X1", "1", **{**HOSPITAL, "claim_type": "INSTITUTIONAL", "charge_amount": "7.0"}),
        line("X1", "2", **{**HOSPITAL, "claim_type": "INSTITUTIONAL", "charge_amount": "7.00"}),
    ]
    names = ("claim_id", "money_level", "billed_amount", "_elsewhere_charge_amount", "paid_amount", "_drop_reason")
    found = [tuple(r[name] for name in names) for r in conformed(spark, *rows).collect()]
    another = "another_line_of_the_claim"
    assert found == [
        ("P1", "line", None, "80.00", None, None),
        ("P1", "line", "80.00", None, "30.00", another),
        ("I1", "header", "900.00", None, "250.00", None),
        ("I2", "line", None, "60.00", "250.00", None),
        ("I2", "line", "40.00", None, "250.00", another),
        ("I2", "line", "100.00", None, "250.00", another),
        ("I3", "line", None, "5.00", "250.00", None),
        ("I3", "line", None, None, "250.00", another),
        ("I4", "line", None, "five", "250.00", None),
        ("U1", "line", None, "900.00", None, None),
        ("X1", "header", "7.0", None, "250.00", None),
        ("X1", "header", "7.00", None, "250.00", another),
    ]
    amounts = [Decimal(a) for r in found for a in (r[2], r[3]) if a and a != "five"]
    sent = [Decimal(r["charge_amount"]) for r in rows if r["charge_amount"] and r["charge_amount"] != "five"]
    assert sum(amounts) == sum(sent)


def test_the_row_that_stands_for_a_claim_does_not_hang_on_the_order_of_rows(spark: SparkSession) -> None:
    first, second = line("C1", "1", rendering_npi="1000000001"), line("C1", "2", rendering_npi="1000000002")
    unnumbered = line("C1", None, rendering_npi="1000000003")
    for rows in ([first, second, unnumbered], [unnumbered, second, first], [second, first, unnumbered]):
        used = conformed(spark, *rows).where("_drop_reason is null").collect()
        assert [(r.claim_id, r.rendering_npi) for r in used] == [("C1", "1000000001")]
    other_delivery = {**line("C1", "2", rendering_npi="1000000002"), "_batch_id": "batch-2"}
    used = conformed(spark, first, other_delivery).where("_drop_reason is null").collect()
    assert [r.rendering_npi for r in used] == ["1000000001", "1000000002"]


def test_rows_without_a_claim_are_kept_apart_and_a_line_sent_twice_is_one_claim(spark: SparkSession) -> None:
    rows = [line(None, "1", **OFFICE), line(" ", "1", **OFFICE), BLANK_LINE, line("C1", "1"), line("C1", "1")]
    found = conformed(spark, *rows).collect()
    assert [r._drop_reason is None for r in found[:3]] == [True, True, True]
    assert sorted(r._drop_reason or "" for r in found[3:]) == ["", "another_line_of_the_claim"]
    assert (found[2].member_id, found[2].payer_name, found[2].frequency_code) == (None, None, None)


def test_the_payer_is_the_claims_own_else_that_of_coverage(spark: SparkSession) -> None:
    spans = (
        span("2026-01-01", "2026-02-28", "early", plan="gold", payer_type="commercial"),
        span("2026-03-10", "2026-03-10", "one day"),
        span("2026-03-01", "9999-12-31", "open"),
        span("2026-06-01", "", "late"),
    )
    days = {
        "2025-12-31": "early",  # before the first
        "2026-01-01": "early",
        "2026-02-28": "early",
        "2026-03-09": "open",
        "2026-03-10": "one day",  # of two, the last to begin
        "2026-03-11": "open",
        "2026-06-01": "late",
        "not a day": "early",
    }
    rows = [line(day, "1", claim_start_date=day) for day in days]
    rows += [
        line("own", "1", payer="Early", plan="silver"),
        line("other", "1", payer="elsewhere"),
        line("unknown", "1", patient_id="M9"),
        line("nobody", "1", patient_id=None),
    ]
    found = conformed(spark, *rows, spans=spans).collect()
    assert {r.claim_id: r.payer_name for r in found[: len(days)]} == days
    assert [(r.payer_name, r.plan_name, r.line_of_business) for r in found[len(days) :]] == [
        ("Early", "silver", "commercial"),
        ("elsewhere", None, None),
        (None, None, None),
        (None, None, None),
    ]
    gap = (span("2026-01-01", "2026-02-28", "first"), span("2026-04-01", "2026-04-30", "second"))
    after = [line("gap", "1"), line("after", "1", claim_start_date="2026-05-01")]
    assert [r.payer_name for r in conformed(spark, *after, spans=gap).collect()] == ["first", "second"]


def test_current_columns_state_the_patients_part(spark: SparkSession) -> None:
    shares = {"coinsurance_amount": "10.00", "copayment_amount": "", "deductible_amount": "$2.50"}
    rows = [
        line("I1", "1", **HOSPITAL, **shares),
        line("I1", "2", **HOSPITAL, **shares),
        line("P1", "1", **OFFICE, **shares),
        line("I2", "1", **HOSPITAL),
    ]
    found = conformed(spark, *rows).where("_drop_reason is null").collect()
    assert {r.claim_id: r.patient_responsibility_amount for r in found} == {"I1": "12.50", "P1": None, "I2": None}
    assert date.fromisoformat(found[0].service_from_date) == date(2026, 3, 10)
