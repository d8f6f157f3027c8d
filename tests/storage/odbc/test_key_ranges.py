from collections import Counter

import pytest

from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.key_ranges import WHOLE_TABLE, KeyRange, ranges
from lakehouse.storage.raw_rows import RawColumn
from storage.odbc.places import Place, PostgresPlace, whole

COLUMNS = [RawColumn("claim_id"), RawColumn("modified_at")]
KEYS = {
    "int": ("g",),
    "bigint": ("CAST(g AS bigint) * 1000000007",),
    "numeric(12, 3)": ("g / 8.0",),
    "varchar(20)": ("'C' || g",),
    "char(20)": ("'C' || g",),
    "text": ("chr(40 + g % 80) || '''\"; ' || g",),
    "uuid": ("CAST(md5(CAST(g AS text)) AS uuid)",),
    "date": ("DATE '2026-01-01' + CAST(g AS int)",),
    "timestamptz": ("TIMESTAMPTZ '2026-01-01' + g * INTERVAL '1.000001 second'",),
}


def ids_by_range(table: object, **settings: int) -> list[list[str | None]]:
    window = whole(table)  # type: ignore[arg-type]  # a SourceTable
    return [
        [row["claim_id"] for batch in table.batches(window, each) for row in batch.to_pylist()]  # type: ignore[attr-defined]
        for each in table.key_ranges(window)  # type: ignore[attr-defined]
    ]


@pytest.mark.parametrize("kind", sorted(KEYS))
def test_ranges_hold_every_row_once(in_postgres: PostgresPlace, kind: str) -> None:
    in_postgres.run(
        f"CREATE TABLE public.claims (claim_id {kind}, modified_at timestamp)",
        f"INSERT INTO public.claims SELECT {KEYS[kind][0]}, NULL FROM generate_series(1, 200) AS g",
        "INSERT INTO public.claims VALUES (NULL, NULL), (NULL, NULL)",
    )
    database = in_postgres.database(database_schema="public", split_rows=50, parallel_reads=4)
    parts = ids_by_range(database.table(SqlSource("claims"), COLUMNS, ["claim_id"]))
    assert [len(part) for part in parts] == [52, 50, 50, 50]
    assert Counter(None in part for part in parts) == {True: 1, False: 3}
    assert None in parts[0]
    keys = [key for part in parts for key in part if key is not None]
    assert len(set(keys)) == len(keys) == 200


def test_ranges_by_a_collation_without_case_hold_every_row_once(in_postgres: PostgresPlace) -> None:
    in_postgres.run(
        "CREATE COLLATION public.anycase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)",
        "CREATE TABLE public.claims (claim_id varchar(20) COLLATE public.anycase, modified_at timestamp)",
        "INSERT INTO public.claims SELECT CASE WHEN g % 2 = 0 THEN 'a' ELSE 'A' END || (g % 7), NULL "
        "FROM generate_series(1, 100) AS g",
    )
    database = in_postgres.database(database_schema="public", split_rows=10, parallel_reads=8)
    parts = ids_by_range(database.table(SqlSource("claims"), COLUMNS, ["claim_id"]))
    assert sum(map(len, parts)) == 100
    assert len(parts) > 1


def test_ranges_in_sqlite_hold_every_row_once(place: Place) -> None:
    place.put(*((f"C{n % 40:03}", "1", None, None, n) for n in range(100)), (None, "1", None, None, 101))
    table = place.claims(split_rows=20, parallel_reads=3)
    parts = ids_by_range(table)
    assert len(parts) == 3
    assert Counter(key for part in parts for key in part) == Counter(
        [f"C{n % 40:03}" for n in range(100)] + [None]  # type: ignore[list-item]  # one row has no key
    )


@pytest.mark.parametrize(("split_rows", "parallel_reads"), [(100, 4), (5, 1)])
def test_a_small_window_or_a_lone_connection_is_one_range(place: Place, split_rows: int, parallel_reads: int) -> None:
    place.put(*((f"C{n}", "1", None, None, n) for n in range(20)))
    table = place.claims(split_rows=split_rows, parallel_reads=parallel_reads)
    assert table.key_ranges(whole(table)) == WHOLE_TABLE


def test_a_boundary_that_comes_twice_makes_no_range() -> None:
    assert ranges(["b", "b", None, "c"]) == (KeyRange(0, None, "b"), KeyRange(1, "b", "c"), KeyRange(2, "c", None))
    assert ranges([]) == WHOLE_TABLE


def test_keys_are_not_shown() -> None:
    assert "canary" not in repr(KeyRange(1, "canary", "canary"))
