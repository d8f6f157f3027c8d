from collections.abc import Mapping, Sequence
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import Row as SparkRow

from lakehouse.silver.claim_final import claim_final
from silver import family, rows
from silver.rows import Row, money

EXTRACT: Row = {"network": "extract", "ledger": "payer_extract"}
AGING: Row = {"network": "aging", "closes_claims": False, "days_to_close": 120}
# Given twice, as to two families of one member and one provider.
COVERED: Row = {"network": "north", "member_token": "token", "span_start_date": "2026-01-31"}
ROSTER: Row = {"network": "north", "provider_id": "D1", "location_id": "MAIN", "valid_from": "2026-01-01"}
ANSWER: Row = {"paid_amount": "60.00", "remit_date": "2026-01-15"}
REVERSAL: Row = {"remittance_id": "R2", "paid_amount": "-60.00", "remit_status_code": "22", "remit_date": "2026-02-15"}

# what: (claim, payment rows, expected date)
CLOSINGS: dict[str, tuple[Row, Sequence[Row], str | None]] = {
    "an open claim has no date": ({"is_closed": False}, [ANSWER], None),
    "a claim that says nothing has no date": ({}, [ANSWER], None),
    "the sender's closing date": ({"is_closed": True, "closed_date": "2026-03-01"}, [ANSWER], "2026-03-01"),
    "a closing date without the flag": ({"closed_date": "2026-03-01"}, [], "2026-03-01"),
    "reopened, whatever the date": ({"is_closed": False, "closed_date": "2026-03-01"}, [], None),
    "closed without a date: the last answer": ({"is_closed": True}, [ANSWER], "2026-01-15"),
    "closed and never answered: end of service": (
        {"is_closed": True, "service_to_date": "2026-01-12"},
        [],
        "2026-01-12",
    ),
    "closed, one day of service: that day": ({"is_closed": True}, [], "2026-01-10"),
    "a payer's extract is closed from the start": ({"network": "extract"}, [], "2026-01-10"),
    "closed by age of the last answer": ({"network": "aging"}, [{**ANSWER, "network": "aging"}], "2026-05-15"),
    "never answered, so never too old": ({"network": "aging"}, [], None),
    "every answer reversed, so never too old": (
        {"network": "aging"},
        [{**ANSWER, "network": "aging"}, {**REVERSAL, "network": "aging"}],
        None,
    ),
    "the sender's word goes before age": (
        {"network": "aging", "is_closed": True, "closed_date": "2026-02-01"},
        [{**ANSWER, "network": "aging"}],
        "2026-02-01",
    ),
    "an unknown network closes nothing by age": ({"network": "gone"}, [{**ANSWER, "network": "gone"}], None),
}


def settle(
    spark: SparkSession, claims: Sequence[Row], lines: Sequence[Row] = (), payments: Sequence[Row] = ()
) -> DataFrame:
    """claim_final of hand-made rows, under the three kinds of network."""
    networks = ({}, EXTRACT, AGING)
    return claim_final(
        **family.inputs_of(
            spark, claims, lines, payments, networks=networks, spans=[COVERED, COVERED], providers=[ROSTER, ROSTER]
        )
    )


def test_an_ordinary_claim_comes_out_whole(spark: SparkSession) -> None:
    result = settle(
        spark,
        [
            {
                "payer_control_number": "PCN1",
                "patient_control_number": "ACC1",
                "member_token": "token",
                "member_token_key_version": "1",
                "line_of_business": "commercial",
                "billing_provider_id": "B1",
                "billing_npi": "1000000004",
                "rendering_provider_id": "D1",
                "rendering_npi": "2000000003",
                "service_from_date": "2026-01-31",
                "service_to_date": "2026-02-01",
                "submitted_date": "2026-02-02",
            }
        ],
        [{"billed_amount": "100.00", "allowed_amount": "80.00", "modified_at": "2026-02-03T00:00:00"}],
        [
            {"paid_amount": "60.00", "patient_responsibility_amount": "20.00", "remit_date": "2026-02-10"},
            {"payment_id": "P2", "remittance_id": "R2", "payment_kind": "patient", "patient_paid_amount": "5.00"},
        ],
    )
    expected: Row = {
        "network": "north",
        "family_id": "C1",
        "claim_id": "C1",
        "version_count": 1,
        "live_claim_count": 1,
        "is_void_family": False,
        "final_status": "paid",
        "initial_denial_outcome": "clean",
        "final_denial_outcome": "clean",
        "has_adjustments": False,
        "payer_control_number": "PCN1",
        "patient_control_number": "ACC1",
        "member_token": "token",
        "member_token_key_version": "1",
        "claim_type": "professional",
        "payer_name": "Aetna",
        "payer_code": "AETNA",
        "payer_is_mapped": True,
        "line_of_business": "commercial",
        "billing_provider_id": "B1",
        "billing_npi": "1000000004",
        "rendering_provider_id": "D1",
        "rendering_npi": "2000000003",
        "service_from_date": "2026-01-31",
        "service_to_date": "2026-02-01",
        "service_month": "2026-01-01",
        "submitted_date": "2026-02-02",
        "submission_month": "2026-02-01",
        "first_adjudicated_date": "2026-02-10",
        "adjudication_month": "2026-02-01",
        "last_adjudicated_date": "2026-02-10",
        "first_paid_date": "2026-02-10",
        "owing_payer_name": "Aetna",
        "decisions": [("-", True, True, "C1", "R1", "clean", None, 1, "clean", money("0.00"))],
        "is_adjudicated": True,
        "line_count": 1,
        "money_source": "remittance",
        "billed_amount": "100.00",
        "allowed_amount": "80.00",
        "paid_amount": "60.00",
        "patient_responsibility_amount": "20.00",
        "patient_paid_amount": "5.00",
        "contractual_amount": "20.00",
        "denied_amount": "0.00",
        "other_adjustment_amount": "0.00",
        "encounter_amount": "0.00",
        "remainder_amount": "0.00",
        "elig_status": "covered",
        "attributed_provider_id": "D1",
        "attributed_location_id": "MAIN",
        "attributed_valid_from": "2026-01-01",
        "provider_status": "in_roster",
        "modified_at": "2026-02-03T00:00:00",
    }
    rows.assert_same_rows(result, rows.frame(spark, claim_final.fields, expected))


# what: (claims, lines, payment rows); settled together with CLOSINGS, since every settling costs seconds.
ADJUDICATED, SILENT, NOTHING_SAID, TAKEN_BACK, TWICE = "adjudicated", "silent", "nothing said", "taken back", "twice"
STORIES: dict[str, tuple[Sequence[Row], Sequence[Row], Sequence[Row]]] = {
    ADJUDICATED: (
        [{"adjudicated_date": "2025-12-31"}],
        [],
        [
            ANSWER,
            {**REVERSAL, "remit_date": "2026-03-01"},
            {**ANSWER, "remittance_id": "R3", "remit_date": "2026-02-20"},
            {"remittance_id": "R4", "payment_kind": "patient", "remit_date": "2026-04-01"},
        ],
    ),
    SILENT: ([{"adjudicated_date": "2025-12-31"}], [], []),
    NOTHING_SAID: ([{"network": "extract"}], [], []),
    TAKEN_BACK: ([{"network": "extract"}], [], [{"network": "extract", **REVERSAL}]),
    TWICE: (
        [{"network": "north"}, {"network": "extract"}],
        [{"network": "north", "billed_amount": "10.00"}, {"network": "extract", "billed_amount": "7.00"}],
        [{"network": "extract", "paid_amount": "7.00"}],
    ),
}


@pytest.fixture(scope="module")
def settled(spark: SparkSession) -> Mapping[str, Sequence[SparkRow]]:
    """Story -> its rows, networks in order."""
    told = STORIES | {name: ([claim], [], sent) for name, (claim, sent, _) in CLOSINGS.items()}
    claims = [{"claim_id": name, **claim} for name, (sent, _, _) in told.items() for claim in sent]
    lines = [{"claim_id": name, **line} for name, (_, sent, _) in told.items() for line in sent]
    payments = [
        {"claim_id": name, "payment_id": f"{name} {number}", **row}
        for name, (_, _, sent) in told.items()
        for number, row in enumerate(sent)
    ]
    found = sorted(settle(spark, claims, lines, payments).collect(), key=lambda row: (row["network"], row["family_id"]))
    return {name: [row for row in found if row["family_id"] == name] for name in told}


@pytest.mark.parametrize("name", CLOSINGS)
def test_claim_closes_on(settled: Mapping[str, Sequence[SparkRow]], name: str) -> None:
    expected = CLOSINGS[name][2]
    assert [row["closes_on"] for row in settled[name]] == [expected and date.fromisoformat(expected)]


def test_adjudication_runs_from_the_first_to_the_last_answer_without_reversals(
    settled: Mapping[str, Sequence[SparkRow]],
) -> None:
    (found,) = settled[ADJUDICATED]
    assert (found["first_adjudicated_date"], found["last_adjudicated_date"]) == (date(2026, 1, 15), date(2026, 2, 20))


def test_without_an_answer_the_claim_gives_the_date(settled: Mapping[str, Sequence[SparkRow]]) -> None:
    (found,) = settled[SILENT]
    assert (found["first_adjudicated_date"], found["is_adjudicated"]) == (date(2025, 12, 31), True)


@pytest.mark.parametrize("name", [NOTHING_SAID, TAKEN_BACK])
def test_a_payers_extract_is_adjudicated_whatever_it_leaves_out(
    settled: Mapping[str, Sequence[SparkRow]], name: str
) -> None:
    assert [row["is_adjudicated"] for row in settled[name]] == [True]


def test_one_claim_id_in_two_networks_is_two_claims(settled: Mapping[str, Sequence[SparkRow]]) -> None:
    assert [(r["network"], str(r["billed_amount"]), str(r["paid_amount"])) for r in settled[TWICE]] == [
        ("extract", "7.00", "7.00"),
        ("north", "10.00", "0.00"),
    ]


def test_rules_tell_good_from_bad_and_unknown(spark: SparkSession) -> None:
    zero = {f.name: "0.00" for f in claim_final.fields if f.ledger}
    fine: Row = {**zero, "payer_code": "BCBS", "payer_is_mapped": True, "service_from_date": "2026-01-10"}
    fine = {**fine, "final_status": "paid", "is_adjudicated": True, "is_void_family": False, "money_source": "claim"}
    fine = {**fine, "elig_status": "covered", "provider_status": "in_roster"}
    tried: dict[str, tuple[Row, Row, tuple[bool, bool, bool]]] = {
        "billed_amount_totals_match": ({"billed_amount": "0.01"}, {"billed_amount": None}, (True, False, False)),
        "payer_code_accepted_values": ({"payer_code": "bcbs"}, {"payer_code": None}, (True, False, False)),
        "payer_is_mapped": ({"payer_is_mapped": False}, {"payer_is_mapped": None}, (True, False, False)),
        "elig_status_accepted_values": ({"elig_status": "in"}, {"elig_status": None}, (True, False, False)),
        "member_is_known": ({"elig_status": "unknown_member"}, {"elig_status": None}, (True, False, False)),
        "covered_on_service_date": ({"elig_status": "gap"}, {"elig_status": "unknown_member"}, (True, False, True)),
        "provider_in_roster": ({"provider_status": "not_on_date"}, {"provider_status": None}, (True, False, False)),
        "final_status_accepted_values": ({"final_status": "PAID"}, {"final_status": None}, (True, False, False)),
        "initial_denial_outcome_accepted_values": ({"initial_denial_outcome": "x"}, {}, (True, False, True)),
        "final_denial_outcome_accepted_values": ({"final_denial_outcome": "x"}, {}, (True, False, True)),
        "paid_not_negative": ({"paid_amount": "-0.01"}, {"paid_amount": None}, (True, False, False)),
        "answered_claim_is_explained": (
            {"remainder_amount": "0.01", "has_adjustments": True},
            {"has_adjustments": None, "remainder_amount": "0.01"},
            (True, False, False),
        ),
        "claim_and_remittances_agree": (
            {"money_source": "remittance", "own_paid_amount": "1.00"},
            {"money_source": "remittance"},
            (True, False, True),
        ),
        "header_is_sum_of_lines": (
            {"header_difference_amount": "-0.02"},
            {"header_difference_amount": "0.01"},
            (True, False, True),
        ),
        "submitted_in_time": ({"submitted_date": "2027-01-11"}, {"submitted_date": "2027-01-10"}, (True, False, True)),
        "paid_within_billed": ({"paid_amount": "0.01"}, {"paid_amount": None}, (True, False, False)),
        "payments_within_billed": (
            {"patient_paid_amount": "0.01"},
            {"patient_paid_amount": None},
            (True, False, False),
        ),
        "billed_not_zero": ({"billed_amount": "0.01"}, {"billed_amount": None}, (False, True, False)),
        "service_from_date_not_after_first_adjudicated_date": (
            {"first_adjudicated_date": "2026-01-09"},
            {"first_adjudicated_date": None},
            (True, False, True),
        ),
    }
    assert set(tried) == rows.row_rules(claim_final)
    for rule, (bad, unknown, expected) in tried.items():
        sample = rows.frame(spark, claim_final.fields, fine, {**fine, **bad}, {**fine, **unknown})
        assert rows.holds(sample, claim_final, rule) == list(expected), rule


def test_a_family_that_stands_twice_is_found(spark: SparkSession) -> None:
    once, other, unknown = (
        {"network": "north", "family_id": "C1"},
        {"network": "south", "family_id": "C1"},
        {"network": "north"},
    )
    fine = rows.frame(spark, claim_final.fields, once, other, unknown)
    assert rows.failing_count(fine, claim_final, "network_family_id_unique") == 0
    doubled = rows.frame(spark, claim_final.fields, once, once, other)
    assert rows.failing_count(doubled, claim_final, "network_family_id_unique") == 1
