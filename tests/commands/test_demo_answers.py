"""What the demo shows of Gold, from plain rows."""

from datetime import date
from decimal import Decimal

from rich.table import Table

from lakehouse.commands.demo_answers import DENIAL_COUNTS, SHOWN, aging_table, denial_table, scorecard_table


def cells(table: Table) -> list[tuple[str, ...]]:
    """Rows as they are shown."""
    return list(zip(*[[str(cell) for cell in column.cells] for column in table.columns], strict=True))


def counts(code: str, *values: int | None) -> dict[str, object]:
    return {"procedure_code": code, **dict(zip(DENIAL_COUNTS, values, strict=True))}


def test_denial_rates_are_of_sums_and_the_most_denied_come_first() -> None:
    rows = [counts("99213", 10, 2, 1, 1, 4, 1), counts("99213", 10, 0, 4, 0, 0, 0), counts("A1", 3, *[None] * 5)]
    assert cells(denial_table(rows)) == [
        ("99213", "20", "6", "33.3 %", "1", "25.0 %"),
        ("A1", "3", "0", "0.0 %", "0", "-"),
    ]
    assert len(cells(denial_table([counts(str(n), 1, 0, 0, 0, 0, 0) for n in range(20)]))) == SHOWN


def aged(day: str, bucket: str, amount: str, basis: str = "service") -> dict[str, object]:
    return {
        "as_of_date": date.fromisoformat(day), "date_basis": basis, "bucket": bucket, "claim_count": 1,
        "open_amount": Decimal(amount), "patient_open_amount": Decimal("0.50"),
    }  # fmt: skip


def test_aging_is_the_newest_photograph_in_the_order_of_age() -> None:
    rows = [
        aged("2026-01-06", "120+", "5.00"), aged("2026-01-07", "credit", "-2.00"), aged("2026-01-07", "120+", "7.00"),
        aged("2026-01-07", "0-30", "1000.00"), aged("2026-01-07", "0-30", "1.00"),
        aged("2026-01-07", "31-60", "9.00", basis="submission"),
    ]  # fmt: skip
    table = aging_table(rows)
    assert str(table.title) == "A/R aging on 2026-01-07, US dollars"
    assert cells(table) == [
        ("0-30", "2", "1,001.00", "1.00"), ("120+", "1", "7.00", "0.50"), ("credit", "1", "-2.00", "0.50"),
    ]  # fmt: skip


def test_scorecards_show_what_is_unknown_as_a_dash() -> None:
    row = {
        "adjudication_month": date(2026, 1, 1), "network": "harbor", "rendering_provider_id": "P1", "claim_count": 12,
        "initial_denial_rate": Decimal("0.25"), "expected_denial_rate": None, "median_days_to_pay": None,
        "first_pass_rate": Decimal("0.5"), "over_90_amount": Decimal("0.00"),
    }  # fmt: skip
    most = {**row, "claim_count": 20, "median_days_to_pay": Decimal("14.5"), "rendering_provider_id": "P2"}
    assert cells(scorecard_table([row, most])) == [
        ("2026-01", "harbor", "P2", "20", "25.0 %", "-", "14.5", "50.0 %", "0.00"),
        ("2026-01", "harbor", "P1", "12", "25.0 %", "-", "-", "50.0 %", "0.00"),
    ]
