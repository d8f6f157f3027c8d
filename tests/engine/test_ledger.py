"""Balances close to the cent or name what is open."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.engine.ledger import IN, OUT, LedgerLine, differences, lines_of, prove
from lakehouse.errors import BalanceError

CENTS = st.decimals(-(10**9), 10**9, places=2, allow_nan=False)


def line(side: str, amount: str, measure: str = "rows", part: str = "north", ledger: str = "conform") -> LedgerLine:
    return LedgerLine("silver.visit", ledger, part, measure, side, "reason", Decimal(amount))


def test_a_closed_ledger_has_no_differences() -> None:
    lines = [line(IN, "3"), line(OUT, "1"), line(OUT, "2")]
    assert differences(lines) == {}
    prove(lines)


def test_no_lines_are_a_closed_ledger() -> None:
    prove([])


def test_a_cent_too_few_is_a_difference() -> None:
    lines = [line(IN, "10.00", "amount"), line(OUT, "9.99", "amount")]
    assert differences(lines) == {("silver.visit", "conform", "north", "amount"): Decimal("0.01")}


def test_one_measure_does_not_make_up_for_another() -> None:
    lines = [line(IN, "1"), line(OUT, "1", "amount")]
    assert sorted(differences(lines).values()) == [-1, 1]


def test_one_network_does_not_make_up_for_another() -> None:
    lines = [line(IN, "1", part="north"), line(OUT, "1", part="south")]
    assert len(differences(lines)) == 2


def test_one_ledger_does_not_make_up_for_another() -> None:
    lines = [line(IN, "1", ledger="conform"), line(OUT, "1", ledger="merge")]
    assert len(differences(lines)) == 2


def test_an_open_ledger_is_refused_by_name() -> None:
    with pytest.raises(BalanceError, match=r"silver\.visit: conform ledger of north, amount: in - out = -0\.05") as e:
        prove([line(IN, "1.00", "amount"), line(OUT, "1.05", "amount"), line(IN, "1"), line(OUT, "1")])
    assert "rows" not in str(e.value).split(". ")[0]


def test_a_missing_amount_counts_as_zero() -> None:
    found = lines_of("silver.visit", "merge", "", IN, "read", {"rows": 2, "amount": None})
    assert [(entry.measure, entry.amount) for entry in found] == [("rows", Decimal(2)), ("amount", Decimal(0))]


@given(st.lists(CENTS, max_size=20), CENTS)
def test_a_ledger_closes_exactly_when_both_sides_are_equal(amounts: list[Decimal], extra: Decimal) -> None:
    lines = [line(IN, str(a), "amount") for a in amounts] + [line(OUT, str(sum(amounts) + extra), "amount")]
    assert differences(lines) == ({} if not extra else {("silver.visit", "conform", "north", "amount"): -extra})
