"""Money of a claim on hand-computed cases. All cases are settled in one Spark job; each test looks at its own claim."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.claim_final import IDENTITY, claim_final
from lakehouse.silver.family_settlement import SUMMED
from silver import family
from silver.family import Case
from silver.rows import Row, money

PAID_60: Row = {"paid_amount": "60.00", "patient_responsibility_amount": "20.00", "remit_date": "2026-01-12"}
PAID_60_BACK: Row = {
    "remittance_id": "R2",
    "paid_amount": "-60.00",
    "patient_responsibility_amount": "-20.00",
    "remit_status_code": "22",
    "reverses_remittance_id": "R1",
    "remit_date": "2026-01-15",
}
NOTHING_PAID: Row = {"paid_amount": "0.00", "patient_responsibility_amount": "80.00", "remit_date": "2026-01-12"}
NOTHING_PAID_BACK: Row = {
    "remittance_id": "R2",
    "paid_amount": "0.00",
    "patient_responsibility_amount": "-80.00",
    "remit_status_code": "22",
    "reverses_remittance_id": "R1",
    "remit_date": "2026-01-21",
}
PAID_60_LATER: Row = {**PAID_60, "remittance_id": "R3", "remit_date": "2026-01-20"}
SECONDARY_10: Row = {
    "remittance_id": "R5",
    "payer_sequence": 2,
    "paid_amount": "10.00",
    "patient_responsibility_amount": "10.00",
    "remit_date": "2026-01-18",
}


CASES = {
    "lines are summed and the total line 0001 is left out": Case(
        lines=(
            {"billed_amount": "100.00", "allowed_amount": "80.00", "revenue_code": "0450"},
            {"billed_amount": "50.00"},
            {"billed_amount": "150.00", "revenue_code": "0001"},
        ),
        expected={"billed_amount": "150.00", "allowed_amount": "80.00", "contractual_amount": "70.00", "line_count": 2},
    ),
    "header money counts and its lines do not": Case(
        claim={"money_level": "header", "billed_amount": "500.00", "allowed_amount": "300.00"},
        lines=({"billed_amount": "200.00", "allowed_amount": "10.00"}, {"billed_amount": "100.00"}),
        expected={"billed_amount": "500.00", "allowed_amount": "300.00", "remainder_amount": "300.00", "line_count": 2},
    ),
    "institutional lines that repeat the header count once": Case(
        claim={"claim_type": "institutional", "billed_amount": "400.00"},
        lines=(*({"billed_amount": "400.00"},) * 3, {"billed_amount": "400.00", "revenue_code": "0001"}),
        expected={"billed_amount": "400.00", "line_count": 3, "contractual_amount": "0.00"},
    ),
    "institutional lines that add up to the header are real": Case(
        claim={"claim_type": "institutional", "billed_amount": "400.00"},
        lines=({"billed_amount": "200.00"}, {"billed_amount": "200.00"}),
        expected={"billed_amount": "400.00", "line_count": 2},
    ),
    "equal professional lines are real": Case(
        claim={"billed_amount": "100.00"},
        lines=({"billed_amount": "100.00"}, {"billed_amount": "100.00"}),
        expected={"billed_amount": "200.00"},
    ),
    "header money that stands on the lines only counts once": Case(
        claim={"money_level": "header"},
        lines=({"billed_amount": "250.00", "allowed_amount": "90.00"},) * 2,
        expected={"billed_amount": "250.00", "allowed_amount": "90.00", "contractual_amount": "160.00"},
    ),
    "different lines of a header without a charge are summed": Case(
        claim={"money_level": "header"},
        lines=({"billed_amount": "200.00"}, {"billed_amount": "50.00"}),
        expected={"billed_amount": "250.00"},
    ),
    "a claim whose lines have not come has its header's charge": Case(
        claim={"billed_amount": "90.00"}, lines=(), expected={"billed_amount": "90.00", "line_count": 0}
    ),
    "a claim that states nothing is all zero and its allowed unknown": Case(
        claim={"claim_type": None, "money_level": None, "payer_name": None},
        lines=({},),
        expected=dict.fromkeys(SUMMED, "0.00") | {"allowed_amount": None, "line_count": 1},
    ),
    "the claim-level row of a remittance counts and its lines do not": Case(
        payments=(
            PAID_60,
            {"payment_level": "line", "paid_amount": "40.00", "patient_responsibility_amount": "10.00"},
            {"payment_level": "line", "paid_amount": "20.00", "patient_responsibility_amount": "10.00"},
        ),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "20.00", "remainder_amount": "0.00"},
    ),
    "a remittance without a claim-level row is the sum of its lines": Case(
        payments=(
            {"payment_level": "line", "paid_amount": "40.00", "patient_responsibility_amount": "10.00"},
            {"payment_level": "line", "paid_amount": "20.00", "patient_responsibility_amount": "10.00"},
        ),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "20.00", "money_source": "remittance"},
    ),
    "what the claim-level row leaves out its lines may state": Case(
        payments=({"paid_amount": "60.00"}, {"payment_level": "line", "patient_responsibility_amount": "15.00"}),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "15.00", "remainder_amount": "5.00"},
    ),
    "a reversal and its corrected payment net out": Case(
        payments=(
            PAID_60,
            PAID_60_BACK,
            {"remittance_id": "R3", "paid_amount": "50.00", "patient_responsibility_amount": "30.00"},
        ),
        expected={
            "paid_amount": "50.00",
            "patient_responsibility_amount": "30.00",
            "remainder_amount": "0.00",
            "is_adjudicated": True,
        },
    ),
    "a reversal without a successor leaves the claim unadjudicated": Case(
        payments=(PAID_60, PAID_60_BACK),
        expected={
            "paid_amount": "0.00",
            "patient_responsibility_amount": "0.00",
            "remainder_amount": "80.00",
            "is_adjudicated": False,
            "money_source": "remittance",
        },
    ),
    "a second payer settles what the first left to the patient": Case(
        payments=({**PAID_60, "payer_sequence": 1}, SECONDARY_10),
        expected={"paid_amount": "70.00", "patient_responsibility_amount": "10.00", "remainder_amount": "0.00"},
    ),
    "a payer without a sequence is the first": Case(
        payments=(PAID_60, SECONDARY_10),
        expected={"paid_amount": "70.00", "patient_responsibility_amount": "10.00"},
    ),
    "when the second payer takes everything back the first one settles": Case(
        payments=(
            PAID_60,
            SECONDARY_10,
            {
                **SECONDARY_10,
                "remittance_id": "R6",
                "paid_amount": "-10.00",
                "patient_responsibility_amount": "-10.00",
                "remit_status_code": "22",
                "reverses_remittance_id": "R5",
            },
        ),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "20.00", "is_adjudicated": True},
    ),
    "a zero payment is forgotten when the payer answers again": Case(
        payments=(NOTHING_PAID, PAID_60_LATER),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "20.00", "remainder_amount": "0.00"},
    ),
    "a zero payment is forgotten together with its late reversal": Case(
        payments=(NOTHING_PAID, PAID_60_LATER, NOTHING_PAID_BACK),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "20.00"},
    ),
    "a zero payment is forgotten together with a reversal that names nothing": Case(
        payments=(
            NOTHING_PAID,
            {**NOTHING_PAID_BACK, "reverses_remittance_id": None, "remit_date": "2026-01-20"},
            PAID_60_LATER,
        ),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "20.00"},
    ),
    "a reversed zero payment without a successor nets to nothing": Case(
        payments=(NOTHING_PAID, NOTHING_PAID_BACK),
        expected={"patient_responsibility_amount": "0.00", "is_adjudicated": False},
    ),
    "a zero payment that is the last word stands": Case(
        payments=({**NOTHING_PAID, "remit_status_code": "4"},),
        expected={"patient_responsibility_amount": "80.00", "is_adjudicated": True, "remainder_amount": "0.00"},
    ),
    "without a remittance the lines' own figures count": Case(
        lines=({**family.BILLED_100_ALLOWED_80[0], "paid_amount": "55.00", "patient_responsibility_amount": "25.00"},),
        expected={
            "paid_amount": "55.00",
            "patient_responsibility_amount": "25.00",
            "money_source": "claim",
            "is_adjudicated": True,
        },
    ),
    "a remittance overrules the claim's own figures": Case(
        lines=({**family.BILLED_100_ALLOWED_80[0], "paid_amount": "55.00", "patient_responsibility_amount": "25.00"},),
        payments=(PAID_60,),
        expected={"paid_amount": "60.00", "patient_responsibility_amount": "20.00"},
    ),
    "the claim says the patient's part when the remittance does not": Case(
        claim={"patient_responsibility_amount": "15.00"},
        payments=({"paid_amount": "60.00"}, {"payment_kind": "patient", "patient_paid_amount": "12.00"}),
        expected={"patient_responsibility_amount": "15.00", "patient_paid_amount": "12.00", "remainder_amount": "5.00"},
    ),
    "the patient's payments stand for a part nobody states": Case(
        payments=(
            {"paid_amount": "60.00"},
            {"remittance_id": "R7", "payment_kind": "patient", "patient_paid_amount": "15.00"},
            {"remittance_id": "R8", "payment_kind": "patient", "patient_paid_amount": "-3.00"},
        ),
        expected={"patient_responsibility_amount": "12.00", "patient_paid_amount": "12.00", "remainder_amount": "8.00"},
    ),
    "patient payments alone are no adjudication": Case(
        lines=({"billed_amount": "100.00"},),
        payments=({"payment_kind": "patient", "patient_paid_amount": "30.00"},),
        expected={
            "patient_responsibility_amount": "30.00",
            "contractual_amount": "0.00",
            "remainder_amount": "70.00",
            "is_adjudicated": False,
            "first_adjudicated_date": None,
            "money_source": "claim",
        },
    ),
    "the rest of a capitated claim is its encounter amount": Case(
        claim={"payment_arrangement": "capitated"},
        lines=({"billed_amount": "100.00"},),
        payments=({"payment_kind": "patient", "patient_paid_amount": "20.00"},),
        expected={"encounter_amount": "80.00", "remainder_amount": "0.00", "patient_responsibility_amount": "20.00"},
    ),
    "a capitated claim paid above its charge is a credit": Case(
        claim={"payment_arrangement": "capitated"},
        lines=({"billed_amount": "100.00"},),
        payments=({"paid_amount": "120.00"},),
        expected={"encounter_amount": "0.00", "remainder_amount": "-20.00"},
    ),
    "more paid than charged is a credit": Case(
        payments=({"paid_amount": "80.00", "patient_responsibility_amount": "20.00"},),
        expected={"remainder_amount": "-20.00"},
    ),
    "more allowed than charged is a negative contractual amount": Case(
        lines=({"billed_amount": "100.00", "allowed_amount": "130.00"},),
        expected={"contractual_amount": "-30.00", "remainder_amount": "130.00"},
    ),
    "a forwarded claim and a predetermination are no adjudication": Case(
        payments=({"paid_amount": "5.00", "remit_status_code": "23"}, {**PAID_60_LATER, "remit_status_code": "25"}),
        expected={"paid_amount": "0.00", "is_adjudicated": False, "money_source": "claim", "remainder_amount": "80.00"},
    ),
    "write-offs and provider-level money are not paid by a payer": Case(
        payments=(
            {"payment_kind": "writeoff", "paid_amount": "7.00"},
            {"payment_kind": "provider_level", "paid_amount": "3.00", "patient_paid_amount": "2.00"},
        ),
        expected={"paid_amount": "0.00", "patient_paid_amount": "0.00", "remainder_amount": "80.00"},
    ),
    "lines and payments without a claim wait": Case(
        claim=None,
        payments=(PAID_60, {"payment_kind": "patient", "patient_paid_amount": "9.00"}),
        expected=None,
    ),
}


@dataclass(frozen=True)
class Settled:
    """Inputs and result of all cases."""

    inputs: Mapping[str, DataFrame]
    result: DataFrame
    by_case: Mapping[str, Mapping[str, object]]


@pytest.fixture(scope="module")
def settled(spark: SparkSession) -> Settled:
    """Every case, settled."""
    inputs = family.settlement_inputs(spark, CASES)
    result = family.settled(inputs)
    return Settled(inputs, result, {row["family_id"]: row.asDict() for row in result.collect()})


@pytest.mark.parametrize("name", CASES)
def test_claim_is_settled_as_computed_by_hand(settled: Settled, name: str) -> None:
    expected, found = CASES[name].expected, settled.by_case.get(name)
    if expected is None:
        assert found is None
        return
    assert found is not None
    typed = {column: money(v) if isinstance(v, str) and column in SUMMED else v for column, v in expected.items()}
    assert {column: found[column] for column in expected} == typed


def test_every_settled_claim_adds_up_to_the_cent(settled: Settled) -> None:
    parts = sum((F.col(part) for part in IDENTITY), start=F.lit(0))
    assert settled.result.where(F.col("billed_amount") != parts).count() == 0
    assert settled.result.count() == sum(case.claim is not None for case in CASES.values())


def test_balance_closes_and_names_what_is_left_out(settled: Settled) -> None:
    assert claim_final.balance is not None
    found = claim_final.balance(settled.inputs, settled.result).collect()
    difference: dict[str, object] = {}
    for row in found:
        difference[row["measure"]] = difference.get(row["measure"], 0) + row["amount"] * (
            1 if row["side"] == "in" else -1
        )
    assert difference == {"claims": 0, "billed": 0, "payer_paid": 0, "patient_paid": 0}
    left_out = {
        (r["measure"], r["reason"]): r["amount"] for r in found if r["side"] == "out" and r["reason"] != "claim_final"
    }
    assert left_out == {
        ("billed", "header_restates_lines"): money("500.00"),  # 400 of the real institutional lines, 100 professional
        ("billed", "lines_restate_header"): money("1750.00"),  # 200 + 100, 3 x 400, and one of two 250
        ("billed", "revenue_code_0001"): money("550.00"),
        ("billed", "version_does_not_count"): money("0.00"),
        ("payer_paid", "held_as_duplicate"): money("0.00"),
        ("payer_paid", "no_adjudication"): money("65.00"),
        ("payer_paid", "not_from_a_payer"): money("10.00"),
        ("patient_paid", "not_from_the_patient"): money("2.00"),
    }


def test_balance_stays_open_when_a_claim_is_lost(settled: Settled) -> None:
    assert claim_final.balance is not None
    lost = settled.result.where(F.col("family_id") != "more paid than charged is a credit")
    found = claim_final.balance(settled.inputs, lost)
    signed = F.when(F.col("side") == "in", F.col("amount")).otherwise(-F.col("amount"))
    difference = {row["measure"]: row["d"] for row in found.groupBy("measure").agg(F.sum(signed).alias("d")).collect()}
    assert difference == {"claims": 1, "billed": money("100.00"), "payer_paid": money("80.00"), "patient_paid": 0}


def test_order_of_rows_changes_nothing(settled: Settled, spark: SparkSession) -> None:
    turned = {
        name: spark.createDataFrame(settled.inputs[name].collect()[::-1], settled.inputs[name].schema)
        for name in ("families", "claims", "lines", "remittances")
    }
    again = claim_final(**{**settled.inputs, **turned}).collect()
    assert {row["family_id"]: row.asDict() for row in again} == settled.by_case
