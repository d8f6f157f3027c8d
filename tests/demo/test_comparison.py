"""A lake is held against the answer keys: every disagreement is told, and agreement is silent."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal

import pytest

from lakehouse.demo.comparison import (
    COUNTED,
    REVENUE_AMOUNTS,
    REVENUE_KEY,
    Expected,
    Found,
    counted_value,
    differences,
    expected_of,
)
from lakehouse.demo.harbor import DemoSpec, answer_key
from lakehouse.demo.meridian import database_key
from lakehouse.demo.revenue import Tally

SPEC = DemoSpec(claims_per_day=90, days=2)
FILES, DATABASE = answer_key(SPEC, 1), database_key(SPEC)
EXPECTED = expected_of(FILES, DATABASE)
COUNTED_TABLES = {table for table, *_ in COUNTED.values()}
TABLES = (*{table for table, _ in EXPECTED.rows}, *EXPECTED.set_aside, *COUNTED_TABLES, "bronze.meridian_claims")
Stored = list[dict[str, object]]


def stored(expected: Expected) -> Stored:
    """The table as a right lake holds it."""
    return [{**dict(zip(REVENUE_KEY, group, strict=True)), **asdict(row)} for group, row in expected.revenue.items()]


def told(
    *, rows: Mapping[tuple[str, str], tuple[int, int]] | None = None, aside: Mapping[str, int] | None = None,
    reasons: Mapping[tuple[str, str], int] | None = None, tallies: Mapping[Tally, int] | None = None,
    revenue: Stored | None = None, tables: Iterable[str] = TABLES,
) -> list[str]:  # fmt: skip
    """What is told of a right lake that differs in what is given."""
    found = Found(
        rows={**EXPECTED.rows, **(rows or {})},
        set_aside={**EXPECTED.set_aside, **(aside or {})},
        reasons={**EXPECTED.reasons, **(reasons or {})},
        tallies={**EXPECTED.tallies, **(tallies or {})},
        revenue=stored(EXPECTED) if revenue is None else revenue,
    )
    return differences(EXPECTED, tables, found)


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
    assert dict(alone.tallies) == dict(FILES.tallies)


@pytest.mark.parametrize("network", ["harbor", "meridian"])
def test_row_too_many_or_too_few_is_told(network: str) -> None:
    live, deleted = EXPECTED.rows["silver.claim", network]
    for wrong in ((live + 1, deleted), (live, deleted - 1), (0, 0)):
        (found,) = told(rows={("silver.claim", network): wrong})
        assert found.startswith(f"silver.claim of {network}: {wrong[0]} live rows, {wrong[1]} tombstones")


def test_table_the_lake_does_not_have_is_not_asked_for() -> None:
    without = [table for table in TABLES if table not in ("silver.payment", "silver.claim_final")]
    lacking = {tally: 0 for tally in EXPECTED.tallies if COUNTED[tally[0]][0] == "silver.claim_final"}
    unfound = {tally: number for tally, number in EXPECTED.tallies.items() if tally not in lacking}
    found = Found(EXPECTED.rows, EXPECTED.set_aside, EXPECTED.reasons, unfound, stored(EXPECTED))
    assert lacking
    assert differences(EXPECTED, without, found) == []
    assert told(rows={("silver.payment", "harbor"): (0, 0)}, tables=without) == []


def test_row_set_aside_that_should_not_be_is_told() -> None:
    assert told(aside={"bronze.meridian_claims": 1}) == ["bronze.meridian_claims: 1 rows set aside, expected 0"]
    assert len(told(aside={"silver.claim": 0})) == 1


def test_other_reason_for_setting_aside_is_told_and_a_rule_that_only_warns_is_not() -> None:
    assert told(reasons={("silver.claim", "parseable"): 0, ("silver.claim", "frequency_code_present"): 3}) == [
        f"silver.claim: 0 rows set aside for parseable, expected {EXPECTED.reasons['silver.claim', 'parseable']}"
    ]


def test_claim_that_ended_otherwise_is_told() -> None:
    paid = EXPECTED.tallies["final_status", "harbor", "paid"]
    found = told(tallies={("final_status", "harbor", "paid"): paid - 1, ("span", "harbor", "Cigna: nonsense"): 1})
    assert found == [
        f"silver.claim_final of harbor, final_status paid: {paid - 1} rows, expected {paid}",
        "silver.eligibility_span of harbor, span Cigna: nonsense: 1 rows, expected 0",
    ]


@pytest.mark.parametrize(
    ("what", "cells", "value"),
    [
        ("final_status", {"final_status": "void"}, "void"),
        ("initial_denial_outcome", {"initial_denial_outcome": None}, "none"),
        ("remittance", {"is_duplicate": False, "reversal_match": None}, None),
        ("remittance", {"is_duplicate": False, "reversal_match": "orphan"}, "reversal orphan"),
        ("remittance", {"is_duplicate": True, "reversal_match": None}, "said again"),
    ],
)
def test_row_counts_as_what_it_says(what: str, cells: dict[str, object], value: str | None) -> None:
    assert counted_value(what, cells) == value


def test_span_counts_while_it_is_believed() -> None:
    span: dict[str, object] = {"payer_name": "Cigna", "plan_name": "Standard", "span_end_date": None}
    span |= {"span_start_date": date(2025, 1, 1), "known_to": None}
    assert counted_value("span", span) == "Cigna, Standard: 2025-01-01 to open"
    assert counted_value("span", {**span, "known_to": date(2026, 1, 6)}) is None


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
