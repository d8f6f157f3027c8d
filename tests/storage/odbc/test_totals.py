from decimal import Decimal

import pytest

from lakehouse.errors import SourceError
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.raw_rows import RawColumn
from storage.odbc.places import PostgresPlace, SqlitePlace

COLUMNS = [RawColumn(name) for name in ("claim_id", "service_date", "paid", "billed", "modified_at")]
ROWS = (
    ("1", "2026-01-05", "0.10", "1"),
    ("2", "2026-01-31", "0.20", None),
    ("3", "2026-02-01", "-0.30", None),
    ("4", None, "12345678901.05", "2"),
)
EXPECTED = [
    (None, 1, Decimal("12345678901.05"), Decimal(2)),
    ("2026-01", 2, Decimal("0.30"), Decimal(1)),
    ("2026-02", 1, Decimal("-0.30"), None),
]


def totals(place: PostgresPlace | SqlitePlace, **settings: object) -> list[tuple[object, ...]]:
    table = place.database(**settings).table(SqlSource("claims"), COLUMNS, ["claim_id"])
    found = [
        (each.month, each.rows, *(None if text is None else Decimal(text) for text in each.sums.values()))
        for each in table.totals("service_date", ["paid", "billed"])
    ]
    return sorted(found, key=lambda row: str(row[0] or ""))


@pytest.mark.parametrize("kinds", [("date", "numeric(18, 2)"), ("timestamp", "money"), ("varchar(20)", "varchar(20)")])
def test_postgresql_adds_up_months_exactly(in_postgres: PostgresPlace, kinds: tuple[str, str]) -> None:
    day, money = kinds
    columns = f"claim_id int, service_date {day}, paid {money}, billed {money}, modified_at timestamp"
    in_postgres.run(f"CREATE TABLE public.claims ({columns})")
    amount = f"CAST(CAST(? AS text) AS {money})"
    in_postgres.run(f"INSERT INTO public.claims VALUES (?, CAST(? AS {day}), {amount}, {amount})", values=ROWS)
    assert totals(in_postgres, database_schema="public") == EXPECTED


@pytest.mark.parametrize("kinds", [("date", "numeric(18, 4)"), ("text", "text")])
def test_sqlite_adds_up_months_exactly(in_sqlite: SqlitePlace, kinds: tuple[str, str]) -> None:
    day, money = kinds
    in_sqlite.run(
        f"CREATE TABLE claims (claim_id int, service_date {day}, paid {money}, billed {money}, modified_at datetime)"
    )
    in_sqlite.run("INSERT INTO claims VALUES (?, ?, ?, ?, NULL)", values=ROWS)
    assert totals(in_sqlite) == EXPECTED


def test_dates_that_are_none_and_amounts_that_are_none_are_left_out(
    in_sqlite: SqlitePlace, in_postgres: PostgresPlace
) -> None:
    rows = (("1", "2026-13-01", "1.00", "x"), ("2", "soon", "2.00", "12abc"), ("3", "", "3.00", ""))
    sql = "CREATE TABLE {}claims (claim_id int, service_date text, paid text, billed text, modified_at timestamp)"
    in_sqlite.run(sql.format(""))
    in_sqlite.run("INSERT INTO claims VALUES (?, ?, ?, ?, NULL)", values=rows)
    in_postgres.run(sql.format("public."))
    in_postgres.run("INSERT INTO public.claims VALUES (?, ?, ?, ?)", values=rows)
    expected = [(None, 3, Decimal(6), None)]
    assert totals(in_sqlite) == expected
    assert totals(in_postgres, database_schema="public") == expected


def test_a_column_that_is_not_there_is_told(in_sqlite: SqlitePlace) -> None:
    in_sqlite.run("CREATE TABLE claims (claim_id int, modified_at datetime)")
    table = in_sqlite.database().table(SqlSource("claims"), COLUMNS, ["claim_id"])
    with pytest.raises(SourceError, match="expected the columns service_date, paid to compare"):
        table.totals("service_date", ["paid"])
