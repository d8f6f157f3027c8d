"""Which remittances are held or flagged, on small frames; every expected answer is worked out by hand."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.silver.held_payment import REASONS, held_payment
from lakehouse.silver.remittance import remittance
from silver import rows
from silver.rows import Row

pytestmark = pytest.mark.spark

PAID: Row = {
    "network": "north", "remittance_id": "R1", "payment_kind": "payer", "is_duplicate": False,
    "remit_date": "2026-01-15", "paid_amount": "60.00", "modified_at": "2026-01-20T06:00:00",
}  # fmt: skip
BY_AETNA: Row = {**PAID, "payer_sequence": 1, "payer_name": "Aetna"}
REVERSAL: Row = {"paid_amount": "-60.00", "is_reversal": True}
# claim -> (remittances, reasons): the claims whose names start with "late" have not come.
CASES: dict[str, tuple[Sequence[Row], set[tuple[str, bool, str]]]] = {
    "ordinary": ([{}], set()),
    "no_amounts": ([{"paid_amount": None, "reversal_match": None}], set()),
    "exact": ([{}, {**REVERSAL, "remittance_id": "R2", "reversal_match": "exact"}], set()),
    "orphan": ([{**REVERSAL, "reversal_match": "orphan"}], {("R1", False, "orphan_reversal")}),
    "inexact": (
        [{}, {**REVERSAL, "remittance_id": "R2", "paid_amount": "-59.99", "reversal_match": "inexact"}],
        {("R2", False, "inexact_reversal")},
    ),
    "twice": ([{}, {"is_duplicate": True}], {("R1", True, "duplicate_trace")}),
    "other_payer": (
        [{"payer_name": " aetna "}, {"payer_name": "Cigna", "remittance_id": "R2"}],
        {("R2", False, "other_payer")},
    ),
    "second_payer": ([{"payer_name": "Cigna", "payer_sequence": 2}], set()),
    "nameless_payer": ([{"payer_name": None}, {"payer_name": "Me", "payment_kind": "patient"}], set()),
    "late": ([{}], {("R1", False, "no_claim")}),
    "late_patient": (
        [{"payment_kind": "patient", "paid_amount": None, "patient_paid_amount": "5.00"}],
        {("R1", False, "no_claim")},
    ),
    "late_twice": (
        [{}, {"is_duplicate": True}],
        {("R1", False, "no_claim"), ("R1", True, "no_claim"), ("R1", True, "duplicate_trace")},
    ),
    "late_orphan": (
        [{**REVERSAL, "reversal_match": "orphan"}],
        {("R1", False, "no_claim"), ("R1", False, "orphan_reversal")},
    ),
}


def remittances(spark: SparkSession) -> DataFrame:
    sent = [{**row, "claim_id": name} for name, (said, _) in CASES.items() for row in said]
    return rows.frame(spark, remittance.fields, *sent, defaults=BY_AETNA)


def claims(spark: SparkSession, *, all_of_them: bool) -> DataFrame:
    """Claims that have come: also one that nobody paid, and one of another network under an id that is waited for."""
    come = [name for name in CASES if all_of_them or not name.startswith("late")]
    others: tuple[Row, ...] = ({"claim_id": "unpaid"}, {"claim_id": "late", "network": "south"})
    return rows.claims(spark, *[{"claim_id": name} for name in come], *others)


def found(result: DataFrame) -> set[tuple[object, ...]]:
    held = [tuple(r) for r in result.select("claim_id", "remittance_id", "is_duplicate", "reason").collect()]
    assert len(held) == len(set(held))
    return set(held)


def expected(*, all_came: bool) -> set[tuple[object, ...]]:
    every = {(name, *reason) for name, (_, reasons) in CASES.items() for reason in reasons}
    return {held for held in every if not all_came or held[-1] != "no_claim"}


def test_held_for_their_reasons_until_the_claim_comes(spark: SparkSession) -> None:
    given = remittances(spark)
    before, after = (claims(spark, all_of_them=came) for came in (False, True))
    waiting = held_payment(remittances=given, claims=before)
    assert found(waiting) == expected(all_came=False)
    assert found(held_payment(remittances=given, claims=after)) == expected(all_came=True)
    late = waiting.where("claim_id = 'late'")
    row: Row = {**PAID, "claim_id": "late", "reason": "no_claim", "payer_name": "Aetna", "remit_month": "2026-01-01"}
    rows.assert_same_rows(late, rows.frame(spark, held_payment.fields, row))

    # 60.00 of late, twice 60.00 of late_twice, -60.00 of late_orphan; 5.00 by the patient of late_patient.
    assert held_payment.balance is not None
    stated = held_payment.balance({"remittances": given, "claims": before}, waiting).collect()
    amounts = {(r["measure"], r["reason"]): r["amount"] for r in stated}
    assert amounts["paid", "held_payment"] == Decimal("120.00")
    assert amounts["patient_paid", "held_payment"] == Decimal("5.00")
    assert amounts["duplicates", "held_payment"] == 2
    assert amounts["unmatched_reversals", "held_payment"] == 3
    for measure in {m for m, _ in amounts}:
        sides = {
            s: sum(r["amount"] for r in stated if (r["measure"], r["side"]) == (measure, s)) for s in ("in", "out")
        }
        assert sides["in"] == sides["out"], measure


def test_each_reason_is_told_by_one_rule(spark: SparkSession) -> None:
    reasons: tuple[str | None, ...] = (*REASONS, None)
    sample = rows.frame(spark, held_payment.fields, *[{**PAID, "claim_id": "C1", "reason": r} for r in reasons])
    told = {name: rows.holds(sample, held_payment, name) for name in rows.row_rules(held_payment)}
    assert told == {
        "reason_accepted_values": [True, True, True, True, True, False],
        "claim_has_come": [False, True, True, True, True, False],
        "trace_is_new": [True, False, True, True, True, False],
        "reversal_finds_original": [True, True, False, True, True, False],
        "reversal_is_exact": [True, True, True, False, True, False],
        "claims_payer_pays": [True, True, True, True, False, False],
    }
