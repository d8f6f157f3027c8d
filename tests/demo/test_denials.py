"""Answers of payers as the answer key reads them, worked out by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from lakehouse.demo.denials import answers_of, reversal_matches, said_again
from lakehouse.demo.row import Row

WHEN = datetime(2026, 1, 5, 8, tzinfo=UTC)


def payment(remittance_id: str, paid: str, *, day: int = 0, status: str = "1", trace: str = "T1", **more: str) -> Row:
    values = {
        "payment_id": f"P{remittance_id}", "remittance_id": remittance_id, "payment_kind": "payer",
        "payment_level": "claim", "payer_sequence": "1", "claim_id": "C1", "remit_status_code": status,
        "remit_date": date(2026, 1, 5), "trace_number": trace, "billed_amount": Decimal("100.00"),
        "paid_amount": Decimal(paid), "modified_at": WHEN.replace(day=5 + day), **more,
    }  # fmt: skip
    return Row("payments", day, values)


def adjusted(*codes: tuple[str, str, str]) -> list[Row]:
    return [
        Row("adjustments", 0, {"group_code": group, "reason_code": reason, "amount": Decimal(amount)})
        for group, reason, amount in codes
    ]


@pytest.mark.parametrize(
    ("paid", "status", "codes", "outcome", "denied"),
    [
        ("0.00", "4", [("CO", "29", "100.00")], "full", "100.00"),
        ("0.00", "4", [], "full", "100.00"),
        ("0.00", "1", [("CO", "NOAUTH", "100.00")], "full", "100.00"),
        ("60.00", "1", [("CO", "97", "40.00")], "partial", "40.00"),
        ("60.00", "1", [("CO", "45", "30.00"), ("PR", "2", "10.00")], "clean", "0.00"),
        ("0.00", "1", [("CO", "45", "30.00"), ("PR", "1", "70.00")], "clean", "0.00"),
        ("60.00", "1", [("CO", "ZZ7", "40.00")], "clean", "0.00"),
        ("0.00", "1", [("CO", "ZZ7", "100.00")], "full", "100.00"),
        ("0.00", "1", [("CO", "ZZ7", "60.00"), ("PR", "1", "40.00")], "clean", "0.00"),
    ],
)
def test_what_an_answer_decided(
    paid: str, status: str, codes: list[tuple[str, str, str]], outcome: str, denied: str
) -> None:
    (answer,) = answers_of([payment("R1", paid, status=status)], {"PR1": adjusted(*codes)})

    assert (answer.outcome, answer.denied) == (outcome, Decimal(denied))


def test_answer_denied_only_as_sent_before_decides_nothing() -> None:
    assert answers_of([payment("R1", "0.00", status="4")], {"PR1": adjusted(("OA", "18", "100.00"))}) == []


def test_same_check_of_another_delivery_counts_once_and_of_the_same_delivery_twice() -> None:
    first, later = payment("R1", "60.00"), payment("R2", "60.00", day=1)
    in_one_file, other_check = payment("R3", "60.00"), payment("R4", "60.00", day=1, trace="T2")

    assert said_again([first, later, in_one_file, other_check], {}) == {"PR2": "R2"}
    assert {answer.remittance_id for answer in answers_of([first, later], {})} == {"R1"}


def test_reversal_is_held_against_what_it_names() -> None:
    rows = [
        payment("R1", "60.00"),
        payment("R2", "-60.00", status="22", trace="T2", reverses_remittance_id="R1"),
        payment("R3", "-50.00", status="22", trace="T3", reverses_remittance_id="R1"),
        payment("R4", "-60.00", status="22", trace="T4", reverses_remittance_id="R0"),
    ]

    assert reversal_matches(answers_of(rows, {})) == ["exact", "inexact", "orphan"]
