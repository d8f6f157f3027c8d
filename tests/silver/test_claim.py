import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.claim import claim
from lakehouse.spec.contracts import CLAIMS
from silver import rows
from silver.rows import Row

# rule: (a row that keeps it, a row that breaks it, a row that cannot tell and so keeps it)
RULES: dict[str, tuple[Row, Row, Row]] = {
    "service_date_not_far_ahead": (
        {"service_from_date": "2027-01-20"},
        {"service_from_date": "2027-01-21"},
        {"service_from_date": None},
    ),
    "money_level_accepted_values": ({"money_level": "header"}, {"money_level": "both"}, {"money_level": None}),
    "claim_type_accepted_values": ({"claim_type": "dental"}, {"claim_type": "vision"}, {"claim_type": None}),
    "frequency_code_accepted_values": ({"frequency_code": "Q"}, {"frequency_code": "G"}, {"frequency_code": None}),
    "payment_arrangement_accepted_values": (
        {"payment_arrangement": "capitated"},
        {"payment_arrangement": "bundled"},
        {"payment_arrangement": None},
    ),
    "appeal_outcome_accepted_values": (
        {"appeal_outcome": "upheld"},
        {"appeal_outcome": "won"},
        {"appeal_outcome": None},
    ),
    "original_charge_not_negative": ({"billed_amount": "0.00"}, {"billed_amount": "-0.01"}, {"billed_amount": None}),
    "paid_within_allowed": (
        {"paid_amount": "5.00", "allowed_amount": "5.00"},
        {"paid_amount": "5.01", "allowed_amount": "5.00"},
        {"paid_amount": "5.01"},
    ),
    "allowed_within_billed": (
        {"allowed_amount": "5.00", "billed_amount": "5.00"},
        {"allowed_amount": "5.01", "billed_amount": "5.00"},
        {"allowed_amount": "5.01"},
    ),
    "service_from_date_not_after_service_to_date": (
        {"service_to_date": "2026-01-10"},
        {"service_to_date": "2026-01-09"},
        {"service_to_date": None},
    ),
    "admission_date_not_after_discharge_date": (
        {"admission_date": "2026-01-10", "discharge_date": "2026-01-10"},
        {"admission_date": "2026-01-10", "discharge_date": "2026-01-09"},
        {"admission_date": "2026-01-10"},
    ),
    "service_from_date_not_after_submitted_date": (
        {"submitted_date": "2026-01-10"},
        {"submitted_date": "2026-01-09"},
        {"submitted_date": None},
    ),
    "submitted_date_not_after_adjudicated_date": (
        {"submitted_date": "2026-01-10", "adjudicated_date": "2026-01-10"},
        {"submitted_date": "2026-01-10", "adjudicated_date": "2026-01-09"},
        {"adjudicated_date": "2026-01-09"},
    ),
    "billing_npi_valid": ({"billing_npi": "1234567893"}, {"billing_npi": "1234567890"}, {"billing_npi": None}),
    "rendering_npi_valid": ({"rendering_npi": "1245319599"}, {"rendering_npi": "124531959A"}, {"rendering_npi": None}),
    "facility_npi_valid": ({"facility_npi": "1234567893"}, {"facility_npi": "1234567893\n"}, {"facility_npi": None}),
    "dates_not_too_early": (
        {"service_from_date": "1900-01-01"},
        {"closed_date": "1899-12-31"},
        {"service_from_date": None, "closed_date": "1900-01-01"},
    ),
    "dates_not_far_ahead": (
        {"service_to_date": "2027-01-20"},
        {"adjudicated_date": "2027-01-21"},
        {"service_from_date": None},
    ),
    "service_date_not_ahead": (
        {"service_from_date": "2026-01-20"},
        {"service_from_date": "2026-01-21"},
        {"service_from_date": None},
    ),
    "submitted_date_not_after_received_date": (
        {"submitted_date": "2026-01-10", "received_date": "2026-01-10"},
        {"submitted_date": "2026-01-10", "received_date": "2026-01-09"},
        {"received_date": "2026-01-09"},
    ),
    "received_date_not_after_adjudicated_date": (
        {"received_date": "2026-01-10", "adjudicated_date": "2026-01-10"},
        {"received_date": "2026-01-10", "adjudicated_date": "2026-01-09"},
        {"adjudicated_date": "2026-01-09"},
    ),
    "negative_payment_is_a_reversal": (
        {"paid_amount": "-0.01", "frequency_code": "8"},
        {"paid_amount": "-0.01"},
        {"paid_amount": None},
    ),
    "charge_not_zero": ({"billed_amount": "0.01"}, {"billed_amount": "0.00"}, {"billed_amount": None}),
    "frequency_code_present": ({"frequency_code": "1"}, {"frequency_code": None}, {"is_deleted": True}),
    "original_is_named": (
        {"frequency_code": "7", "replaces_claim_id": "C0"},
        {"frequency_code": "8"},
        {"frequency_code": None},
    ),
    "member_is_known": ({"member_token": "t"}, {"member_token": None}, {"is_deleted": True}),
    "billing_npi_present": ({"billing_npi": "1234567893"}, {"billing_npi": None}, {"is_deleted": True}),
    "rendering_npi_present": ({"rendering_npi": "1234567893"}, {"rendering_npi": None}, {"claim_type": None}),
    "diagnosis_codes_formed": (
        {"diagnosis_codes": ["U071", "E11.9", "I10", "44054006", "S72001A"]},
        {"diagnosis_codes": ["I10", "2500"]},
        {"diagnosis_codes": None},
    ),
    "diagnosis_present": ({"diagnosis_codes": ["I10"]}, {"diagnosis_codes": []}, {"claim_type": "pharmacy"}),
    "bill_type_code_matches": ({"bill_type_code": "0131"}, {"bill_type_code": "13"}, {"bill_type_code": None}),
    "drg_code_matches": ({"drg_code": "071"}, {"drg_code": "71"}, {"drg_code": None}),
    "institutional_fields_apart": (
        {"claim_type": "institutional", "drg_code": "071"},
        {"bill_type_code": "131"},
        {"claim_type": None, "drg_code": "071"},
    ),
    "free_text_without_ssn": (
        {"claim_status": "paid 078-05-112"},
        {"plan_name": "plan of ***-**-****"},
        {"claim_status": None},
    ),
}


def test_codes_are_upper_case_and_enumerations_lower_case(spark: SparkSession) -> None:
    sent: Row = {
        "frequency_code": " q ",
        "bill_type_code": "013x",
        "drg_code": "071",
        "claim_type": "Institutional",
        "payment_arrangement": "CAPITATED",
        "appeal_outcome": "Upheld",
        "money_level": "HEADER",
        "diagnosis_codes": ["e119", " i10"],
        "payer_name": "Blue Cross",
        "claim_status": "In Process",
    }
    cleaned: Row = {
        **sent,
        "frequency_code": "Q",
        "bill_type_code": "013X",
        "claim_type": "institutional",
        "payment_arrangement": "capitated",
        "appeal_outcome": "upheld",
        "money_level": "header",
        "diagnosis_codes": ["E119", "I10"],
    }
    result = claim(claims=rows.with_lineage(rows.claims(spark, sent)))
    rows.assert_same_rows(result, rows.with_lineage(rows.claims(spark, cleaned)))


def test_every_declared_column_comes_out_in_order_with_its_lineage(spark: SparkSession) -> None:
    result = claim(claims=rows.with_lineage(rows.claims(spark)))
    assert result.columns == [*claim.field_names, "_lineage"]
    assert [f.dataType for f in result.schema][:-1] == [f.type for f in claim.fields]
    assert "member_id" not in claim.field_names


@pytest.mark.parametrize(
    ("billed", "level"), [("0.00", "header"), (None, "line")], ids=["a header charge of zero", "no header charge"]
)
def test_unsaid_money_level_follows_the_header_charge(spark: SparkSession, billed: str | None, level: str) -> None:
    sent = rows.with_lineage(rows.claims(spark, {"money_level": None, "billed_amount": billed}))
    assert [row["money_level"] for row in claim(claims=sent).collect()] == [level]


def test_a_tombstone_with_nothing_but_its_key_keeps_every_rule(spark: SparkSession) -> None:
    bare: dict[str, object] = {f.name: None for f in CLAIMS.silver_fields()}
    tombstone = {**bare, "network": "north", "claim_id": "C9", "is_deleted": True, "modified_at": "2026-01-21T00:00:00"}
    result = claim(claims=rows.with_lineage(rows.claims(spark, tombstone)))
    assert rows.broken(result, claim) == set()


def test_a_claim_sent_twice_stays_twice_for_the_engine_to_resolve(spark: SparkSession) -> None:
    assert claim(claims=rows.with_lineage(rows.claims(spark, {}, {}))).count() == 2


def test_a_negative_charge_is_fine_on_a_replacement(spark: SparkSession) -> None:
    replacement = rows.claims(spark, {"frequency_code": "7", "billed_amount": "-5.00", "paid_amount": "-5.00"})
    assert rows.holds(replacement, claim, "original_charge_not_negative") == [True]
    assert rows.holds(replacement, claim, "negative_payment_is_a_reversal") == [True]


def test_signed_amounts_are_judged_only_where_the_sender_replaces_claims() -> None:
    modes = {e.name: e.version_modes for e in claim.expectations if e.version_modes}
    assert modes == dict.fromkeys(("original_charge_not_negative", "negative_payment_is_a_reversal"), ("replace",))


def test_every_rule_is_tried() -> None:
    assert set(RULES) == rows.row_rules(claim)


def test_every_rule_tells_good_from_bad_and_lets_unknown_pass(spark: SparkSession) -> None:
    assert rows.tried(spark, claim, rows.claims, RULES) == {rule: [True, False, True] for rule in RULES}


def test_a_social_security_number_in_free_text_is_masked_and_told(spark: SparkSession) -> None:
    sent = rows.with_lineage(rows.claims(spark, {"claim_status": "see 078-05-1120, or 078 05 1120; not 1078-05-11209"}))
    stored = claim(claims=sent)
    masked = "see ***-**-****, or ***-**-****; not 1078-05-11209"
    assert [row["claim_status"] for row in stored.collect()] == [masked]
    assert "free_text_without_ssn" in rows.broken(stored, claim)
