"""Which payments are posted, and by whom, on hand-made families."""

from collections.abc import Mapping

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.posting import posting
from silver import family, rows
from silver.family import FIRST, REPLACED, TWO, Case, of_claim
from silver.rows import money

PAYERS = [
    {"payer_name_key": "AETNA", "line_of_business_key": "-", "payer_code": "AETNA"},
    {"payer_name_key": "AETNA", "line_of_business_key": "MEDICARE", "payer_code": "MEDICARE"},
    {"payer_name_key": "CIGNA", "line_of_business_key": "-", "payer_code": "CIGNA"},
]
MEDICARE = {"line_of_business": "Medicare"}
CASES: Mapping[str, tuple[Case, list[tuple[str, str, str, bool]]]] = {
    "nobody says who paid: the claim's payer": (
        Case(claim=MEDICARE, lines=TWO, payments=(of_claim("80.00"),)),
        [("MEDICARE", "MEDICARE", "80.00", False)],
    ),
    "the claim's payer, spelled otherwise": (
        Case(claim=MEDICARE, lines=TWO, payments=(of_claim("80.00", payer_name=" AETNA. "),)),
        [("MEDICARE", "MEDICARE", "80.00", False)],
    ),
    "another payer by its name alone": (
        Case(
            claim=MEDICARE, lines=TWO,
            payments=(
                of_claim("70.00", payer_name="Aetna"),
                of_claim("10.00", day="2026-02-10", payer_name="Cigna", payer_sequence=2),
                of_claim("5.00", day="2026-02-11", payer_name="nobody knows", payer_sequence=3),
            ),
        ),
        [
            ("MEDICARE", "CIGNA", "10.00", False),
            ("MEDICARE", "MEDICARE", "70.00", False),
            ("MEDICARE", "OTHER", "5.00", False),
        ],
    ),
    "reversals and all versions": (
        Case(
            claim=FIRST, versions=(REPLACED,), lines=TWO,
            payments=(
                of_claim("60.00"),
                of_claim("-60.00", day="2026-02-10", remit_status_code="22", reverses_remittance_id="R2026-01-20"),
                of_claim("50.00", day="2026-02-11", claim_id="B"),
            ),
        ),
        [("AETNA", "AETNA", "-60.00", True), ("AETNA", "AETNA", "50.00", False), ("AETNA", "AETNA", "60.00", False)],
    ),
    "a second delivery of the same, and patients' payments, are no cash of payers": (
        Case(
            lines=TWO,
            payments=(
                of_claim("60.00", trace_number="T1"),
                of_claim("60.00", trace_number="T1", batch="b2"),
                {"remittance_id": "P", "payment_kind": "patient", "patient_paid_amount": "5.00", "paid_amount": "0.00"},
            ),
        ),
        [("AETNA", "AETNA", "60.00", False)],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def given(spark: SparkSession) -> Mapping[str, DataFrame]:
    made = family.settlement_inputs(spark, {name: case for name, (case, _) in CASES.items()})
    payers = rows.frame(spark, payer_mapping.fields, *PAYERS)
    place = made["families"].select("network", "claim_id", "family_id")
    return {
        "remittances": made["remittances"].join(place, on=["network", "claim_id"], how="inner"),
        "finals": family.settled({**made, "payers": payers}),
        "copies": rows.frame(spark, claim_copy.fields),
        "payers": payers,
    }


@pytest.fixture(scope="module")
def result(given: Mapping[str, DataFrame]) -> DataFrame:
    return posting(**given).localCheckpoint()


@pytest.mark.parametrize("name", CASES)
def test_postings_of_a_family(result: DataFrame, name: str) -> None:
    columns = ("payer_code", "posting_payer_code", "paid_amount", "is_reversal")
    found = sorted(tuple(row[c] for c in columns) for row in result.where(result["family_id"] == name).collect())
    assert found == sorted((a, b, money(c), d) for a, b, c, d in CASES[name][1])


def test_payments_reappear_and_the_second_delivery_has_its_reason(
    given: Mapping[str, DataFrame], result: DataFrame
) -> None:
    assert posting.balance is not None
    told = {(row["side"], row["reason"]): row["amount"] for row in posting.balance(given, result).collect()}
    assert told["out", "held_as_duplicate"] == money("60.00")
    assert told["in", "remittances"] == sum(amount for (side, _), amount in told.items() if side == "out")
    assert not rows.broken(result, posting)


def test_copies_of_another_networks_claim_are_left_out(spark: SparkSession, given: Mapping[str, DataFrame]) -> None:
    copy = {"network": "north", "family_id": next(iter(CASES)), "outcome": "exact", "is_kept": False}
    copies = rows.frame(spark, claim_copy.fields, copy)
    left = posting(**{**given, "copies": copies})
    assert left.where(left["family_id"] == next(iter(CASES))).count() == 0
    assert rows.unbalanced(posting, {**given, "copies": copies}, left) == {"paid": 0}
