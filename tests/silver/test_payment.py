import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.payment import payment
from lakehouse.spec.contracts import PAYMENTS
from silver import rows
from silver.rows import Row

RULES: dict[str, tuple[Row, Row, Row]] = {
    "payment_kind_accepted_values": ({"payment_kind": "writeoff"}, {"payment_kind": "refund"}, {"payment_kind": None}),
    "payment_level_accepted_values": ({"payment_level": "line"}, {"payment_level": "batch"}, {"payment_level": None}),
    "remit_status_code_accepted_values": (
        {"remit_status_code": "22"},
        {"remit_status_code": "99"},
        {"remit_status_code": None},
    ),
    "payer_sequence_positive": ({"payer_sequence": 1}, {"payer_sequence": 0}, {"payer_sequence": None}),
    "claim_is_named": (
        {"payment_kind": "provider_level", "claim_id": None},
        {"claim_id": None},
        {"payment_kind": None, "claim_id": None},
    ),
    "only_reversals_are_negative": (
        {"remit_status_code": "22", "paid_amount": "-0.01"},
        {"paid_amount": "-0.01"},
        {"paid_amount": None},
    ),
    "reversals_are_not_positive": (
        {"remit_status_code": "22", "paid_amount": "0.00"},
        {"remit_status_code": "22", "paid_amount": "0.01"},
        {"remit_status_code": None, "paid_amount": "0.01"},
    ),
    "patient_money_is_apart": (
        {"payment_kind": "patient", "paid_amount": "0.00"},
        {"payment_kind": "patient", "paid_amount": "0.01"},
        {"payment_kind": None, "paid_amount": "0.01"},
    ),
    "dates_not_too_early": ({"remit_date": "1900-01-01"}, {"remit_date": "1899-12-31"}, {"remit_date": None}),
    "dates_not_far_ahead": ({"remit_date": "2027-01-20"}, {"remit_date": "2027-01-21"}, {"remit_date": None}),
    "denied_pays_nothing": (
        {"remit_status_code": "4", "paid_amount": "0.00"},
        {"remit_status_code": "4", "paid_amount": "0.01"},
        {"remit_status_code": None, "paid_amount": "0.01"},
    ),
    "paid_within_allowed": (
        {"paid_amount": "-5.00", "allowed_amount": "-5.00"},
        {"paid_amount": "5.01", "allowed_amount": "5.00"},
        {"paid_amount": "5.01"},
    ),
    "allowed_within_billed": (
        {"allowed_amount": "5.00", "billed_amount": "5.00"},
        {"allowed_amount": "5.01", "billed_amount": "5.00"},
        {"allowed_amount": "5.01"},
    ),
    "payer_name_without_ssn": ({"payer_name": "Aetna"}, {"payer_name": "Aetna ***-**-****"}, {"payer_name": None}),
}


def test_words_are_lower_case_and_a_reversal_keeps_its_sign(spark: SparkSession) -> None:
    sent: Row = {
        "payment_kind": "Payer",
        "payment_level": "CLAIM",
        "remit_status_code": " 22",
        "paid_amount": "-10.50",
        "payer_name": "Aetna Inc",
    }
    cleaned: Row = {**sent, "payment_kind": "payer", "payment_level": "claim", "remit_status_code": "22"}
    result = payment(payments=rows.with_lineage(rows.payments(spark, sent)))
    expected = rows.frame(spark, payment.fields, {**cleaned, "remit_month": "2026-01-01"}, defaults=rows.PAYMENT)
    rows.assert_same_rows(result, rows.with_lineage(expected))
    assert result.columns == [*payment.field_names, "_lineage"]


@pytest.mark.parametrize(("line_id", "level"), [("1", "line"), (None, "claim")])
def test_unsaid_level_is_the_line_where_one_is_named(spark: SparkSession, line_id: str | None, level: str) -> None:
    sent = rows.with_lineage(rows.payments(spark, {"payment_level": None, "line_id": line_id}))
    assert [row["payment_level"] for row in payment(payments=sent).collect()] == [level]


def test_a_payment_without_a_claim_is_kept(spark: SparkSession) -> None:
    waiting = rows.with_lineage(rows.payments(spark, {"claim_id": "never sent"}))
    assert payment(payments=waiting).count() == 1


def test_a_tombstone_with_nothing_but_its_key_keeps_every_rule(spark: SparkSession) -> None:
    bare: dict[str, object] = {f.name: None for f in PAYMENTS.silver_fields()}
    tombstone = rows.payments(spark, {**bare, "network": "north", "payment_id": "P1", "is_deleted": True})
    result = payment(payments=rows.with_lineage(tombstone))
    assert rows.broken(result, payment) == set()


def test_every_rule_is_tried() -> None:
    assert set(RULES) == rows.row_rules(payment)


def test_every_rule_tells_good_from_bad_and_lets_unknown_pass(spark: SparkSession) -> None:
    assert rows.tried(spark, payment, rows.payments, RULES) == {rule: [True, False, True] for rule in RULES}


def test_money_goes_back_without_a_reversal_only_between_payer_and_provider(spark: SparkSession) -> None:
    taken_back = rows.payments(
        spark,
        {"paid_amount": "-1.00", "payment_kind": "provider_level", "claim_id": None},
        {"paid_amount": "-1.00", "reverses_remittance_id": "R0"},
        {"paid_amount": "-1.00", "remit_status_code": "1"},
    )
    assert rows.holds(taken_back, payment, "only_reversals_are_negative") == [True, True, False]
