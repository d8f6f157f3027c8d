"""A lake is held against the answer keys: every disagreement is told, and agreement is silent."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal

import pytest

from lakehouse.demo.comparison import REVENUE_AMOUNTS, REVENUE_KEY, Expected, differences, expected_of
from lakehouse.demo.harbor import DemoSpec, answer_key
from lakehouse.demo.meridian import database_key

SPEC = DemoSpec(claims_per_day=60, days=2)
FILES, DATABASE = answer_key(SPEC, 1), database_key(SPEC)
EXPECTED = expected_of(FILES, DATABASE)
TABLES = (*{table for table, _ in EXPECTED.rows}, *EXPECTED.set_aside, "bronze.meridian_claims")
Stored = list[dict[str, object]]


def stored(expected: Expected) -> Stored:
    """The table as a right lake holds it."""
    return [{**dict(zip(REVENUE_KEY, group, strict=True)), **asdict(row)} for group, row in expected.revenue.items()]


def told(
    *, rows: Mapping[tuple[str, str], tuple[int, int]] | None = None, aside: Mapping[str, int] | None = None,
    revenue: Stored | None = None,
) -> list[str]:  # fmt: skip
    """What is told of a right lake that differs in what is given."""
    counts = {**EXPECTED.rows, **(rows or {})}
    there = {**EXPECTED.set_aside, **(aside or {})}
    return differences(EXPECTED, TABLES, counts, there, stored(EXPECTED) if revenue is None else revenue)


def test_right_lake_differs_in_nothing() -> None:
    assert told() == []


def test_keys_of_both_networks_are_expected_together() -> None:
    assert {network for _, network in EXPECTED.rows} == {"harbor", "meridian"}
    assert {network for _, network, _ in EXPECTED.revenue} == {"harbor", "meridian"}
    assert EXPECTED.rows["silver.claim", "meridian"] == (
        DATABASE.live_rows["silver.claim"],
        DATABASE.deleted_rows["silver.claim"],
    )


def test_without_the_database_only_files_are_expected() -> None:
    alone = expected_of(FILES, None)
    assert {network for _, network in alone.rows} == {"harbor"}
    assert dict(alone.revenue) == dict(FILES.revenue_by_payer)


@pytest.mark.parametrize("network", ["harbor", "meridian"])
def test_row_too_many_or_too_few_is_told(network: str) -> None:
    live, deleted = EXPECTED.rows["silver.claim", network]
    for wrong in ((live + 1, deleted), (live, deleted - 1), (0, 0)):
        (found,) = told(rows={("silver.claim", network): wrong})
        assert found.startswith(f"silver.claim of {network}: {wrong[0]} live rows, {wrong[1]} tombstones")


def test_table_the_lake_does_not_have_is_not_asked_for() -> None:
    without = [table for table in TABLES if table != "silver.payment"]
    counts = {place: rows for place, rows in EXPECTED.rows.items() if place[0] != "silver.payment"}
    assert differences(EXPECTED, without, counts, EXPECTED.set_aside, stored(EXPECTED)) == []


def test_row_set_aside_that_should_not_be_is_told() -> None:
    assert told(aside={"bronze.meridian_claims": 1}) == ["bronze.meridian_claims: 1 rows set aside, expected 0"]
    assert len(told(aside={"silver.claim": 0})) == 1


def test_one_cent_is_told_by_name_and_place() -> None:
    revenue = stored(EXPECTED)
    revenue[-1]["paid_amount"] = Decimal(str(revenue[-1]["paid_amount"])) + Decimal("0.01")
    (found,) = told(revenue=revenue)
    assert "paid_amount" in found
    assert "meridian" in found


def test_group_missing_or_unexpected_is_told() -> None:
    revenue = stored(EXPECTED)
    moved = {**revenue[0], "service_month": date(1999, 1, 1)}
    found = told(revenue=[moved, *revenue[1:]])
    assert [line.split(": ")[1].split(" ")[0] for line in found] == ["unexpected", "group"]
    assert "1999-01-01" in found[0]


def test_amount_nobody_stated_counts_as_nothing() -> None:
    revenue = stored(EXPECTED)
    for row in revenue:
        row |= {column: None for column in REVENUE_AMOUNTS if row[column] == 0}
    assert told(revenue=revenue) == []
