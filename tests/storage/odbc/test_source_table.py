from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.engine.windows import WindowSource, due_windows
from lakehouse.errors import SourceError
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.notes import TableState
from lakehouse.storage.odbc.source_table import SourceTable
from lakehouse.storage.raw_rows import RawColumn, staging_schema
from lakehouse.storage.window import Window
from storage.odbc.places import CLAIM_COLUMNS, CLAIMS, Place, PostgresPlace, SqlitePlace, read, whole

ROWS = tuple((f"C{number:02}", f"{number}.5", "note", "2026-01-05T10:00:00", number) for number in range(1, 31))


def ids(table: SourceTable, window: Window, folder: Path) -> list[str]:
    return list(read(table.stage(window, str(folder), "w"))["claim_id"].to_pylist())


def test_rows_are_staged_as_text_in_the_staging_schema(place: Place, tmp_path: Path) -> None:
    place.put(("C1", "10.50", None, "2026-01-05 10:00:00", 7), ("C2", None, "", None, 8))
    columns = (*CLAIM_COLUMNS, RawColumn("never_sent"))
    table = place.database().table(CLAIMS, columns, ["claim_id"])
    staged = table.stage(whole(table), str(tmp_path), "window")
    rows = read(staged)
    assert rows.schema.equals(staging_schema(columns))
    first, second = rows.to_pylist()
    assert (first["claim_id"], first["paid_amount"], first["note"]) == ("C1", "10.5000", None)
    assert (second["paid_amount"], second["note"], second["modified_at"]) == (None, "", None)
    assert first["modified_at"] == "2026-01-05T10:00:00"
    assert first["source_sequence"].isdigit()
    assert {row["_source"] for row in (first, second)} == {table.name}
    assert [row["_row_number"] for row in (first, second)] == [1, 2]
    assert first["never_sent"] is None
    assert first["_rescued"] is None
    assert table.absent_columns == ("never_sent",)
    assert staged.filled == {"claim_id", "paid_amount", "note", "modified_at", "source_sequence"}
    assert staged.rows == 2
    assert [Path(path).name for path in staged.paths] == ["window-00.rows.parquet"]


def test_columns_nobody_declared_are_kept_under_their_own_name(in_postgres: PostgresPlace, tmp_path: Path) -> None:
    in_postgres.run(
        'CREATE TABLE public.claims (claim_id int, "Odd ""Name" numeric(5, 1), raw bytea, row_version xid8)',
        "INSERT INTO public.claims VALUES (1, 2, '\\x00ff', '3'), (2, NULL, NULL, '3')",
    )
    columns = [RawColumn("claim_id"), RawColumn("source_sequence", ("row_version",))]
    table = in_postgres.database(database_schema="public").table(SqlSource("claims"), columns, ["claim_id"])
    assert table.extra_columns == ('Odd "Name', "raw")
    rows = read(table.stage(whole(table), str(tmp_path), "w"))
    assert rows["_rescued"].to_pylist() == [
        [('Odd "Name', "2.0"), ("raw", "00ff")],
        [('Odd "Name', None), ("raw", None)],
    ]


def test_windows_that_follow_on_each_other_take_each_change_once(place: Place, tmp_path: Path) -> None:
    table = place.claims()
    place.put(*ROWS[:10])
    first = table.bound()
    place.put(*ROWS[10:20])
    second = table.bound()
    assert ids(table, Window("rowversion", None, first.hi), tmp_path) == [row[0] for row in ROWS[:10]]
    assert ids(table, Window("rowversion", first.hi, second.hi), tmp_path) == [row[0] for row in ROWS[10:20]]
    assert table.count(Window("rowversion", second.hi, second.hi)) == 0
    empty = table.stage(Window("rowversion", second.hi, second.hi), str(tmp_path), "empty")
    assert (empty.rows, empty.filled, len(empty.paths)) == (0, frozenset(), 1)


@pytest.mark.parametrize("signal", ["rowversion", "modified_date"])
def test_rows_without_the_signal_come_with_every_newest_window(
    in_sqlite: SqlitePlace, signal: str, tmp_path: Path
) -> None:
    in_sqlite.run('CREATE TABLE "Claims" ("ClaimID" text, "RowVersion" integer, "ModifiedDate" datetime)')
    in_sqlite.run("INSERT INTO Claims VALUES ('old', 1, '2026-01-01T00:00:00'), ('none', NULL, NULL)")
    table = in_sqlite.database().table(CLAIMS, CLAIM_COLUMNS, ["claim_id"], signal)  # type: ignore[arg-type]  # of two
    hi = table.bound().hi
    assert ids(table, Window(signal, None, hi, takes_unstamped=True), tmp_path) == ["old", "none"]
    assert ids(table, Window(signal, hi, hi, takes_unstamped=True), tmp_path) == ["none"]
    assert ids(table, Window(signal, None, hi), tmp_path) == ["old"]


def test_rows_stamped_beyond_the_clock_come_with_every_newest_window(in_sqlite: SqlitePlace, tmp_path: Path) -> None:
    in_sqlite.run('CREATE TABLE "Claims" ("ClaimID" text, "ModifiedDate" datetime)')
    in_sqlite.run("INSERT INTO Claims VALUES ('old', '2026-01-01T00:00:00'), ('open', '9999-12-31T00:00:00')")
    table = in_sqlite.database().table(CLAIMS, CLAIM_COLUMNS, ["claim_id"], "modified_date")
    hi = table.bound().hi
    assert ids(table, Window("modified_date", None, hi, takes_unstamped=True), tmp_path) == ["old", "open"]
    assert ids(table, Window("modified_date", None, hi), tmp_path) == ["old"]
    pieces = table.cut(Window("modified_date", None, hi, takes_unstamped=True), 1)
    assert [(piece.hi, piece.takes_unstamped) for piece in pieces] == [(hi, True)]


def test_ranges_are_read_at_the_same_time_into_files_of_their_own(place: Place, tmp_path: Path) -> None:
    place.put(*ROWS)
    table = place.claims(split_rows=10, parallel_reads=3)
    staged = table.stage(whole(table), str(tmp_path), "w")
    assert [Path(path).name for path in staged.paths] == [f"w-0{number}.rows.parquet" for number in range(3)]
    numbers = read(staged)["_row_number"].to_pylist()
    assert numbers == [part * 10**10 + number for part in range(3) for number in range(1, 11)]
    assert sorted(read(staged)["claim_id"].to_pylist()) == [row[0] for row in ROWS]


def test_all_keys_can_be_read_without_the_rest(place: Place, tmp_path: Path) -> None:
    place.put(*ROWS)
    table = place.claims(split_rows=10, parallel_reads=2)
    staged = table.stage_keys(str(tmp_path), "keys")
    rows = read(staged)
    assert sorted(rows["claim_id"].to_pylist()) == [row[0] for row in ROWS]
    assert rows.schema.equals(staging_schema(CLAIM_COLUMNS))
    assert rows["paid_amount"].null_count == len(rows)
    assert staged.filled == {"claim_id"}


def test_keys_a_table_lacks_are_told(in_postgres: PostgresPlace, tmp_path: Path) -> None:
    in_postgres.run("CREATE TABLE public.claims (claim_id int, modified_at timestamp)")
    columns = [RawColumn("claim_id"), RawColumn("line_number"), RawColumn("modified_at")]
    table = in_postgres.database(database_schema="public").table(
        SqlSource("claims"), columns, ["claim_id", "line_number"]
    )
    with pytest.raises(SourceError, match="found no line_number"):
        table.stage_keys(str(tmp_path), "keys")


def test_it_is_what_the_engine_plans_windows_with(place: Place) -> None:
    place.put(*ROWS)
    table: WindowSource = place.claims()
    due = due_windows(table, TableState(), place.database().clock() - place.database().clock(), 10)
    assert due.rows == 30
    assert due.windows[0].lo is None
    assert due.windows[-1].takes_unstamped
    assert table.oldest_kept() is None


def test_batches_come_only_when_all_have_arrived(place: Place) -> None:
    place.put(*ROWS)
    table = place.claims(split_rows=10, parallel_reads=2)
    window = whole(table)
    rows = [
        row for each in table.key_ranges(window) for batch in table.batches(window, each) for row in batch.to_pylist()
    ]
    assert sorted(row["claim_id"] for row in rows) == [row[0] for row in ROWS]


def test_a_row_that_is_not_unicode_stops_batches(in_sqlite: SqlitePlace) -> None:
    in_sqlite.run(
        "CREATE TABLE Claims (ClaimID text, RowVersion integer)", "INSERT INTO Claims VALUES (CAST(x'FF' AS TEXT), 1)"
    )
    table = in_sqlite.claims()
    window = whole(table)
    with pytest.raises(SourceError, match="not Unicode"):
        list(table.batches(window, table.key_ranges(window)[0]))


def test_any_text_and_amount_come_back_as_they_were_stored(place: Place, tmp_path: Path) -> None:
    letters = st.characters(exclude_categories=["Cs"], exclude_characters="\0" if place.dbms == "postgresql" else "")
    amounts = st.decimals(-(10**9), 10**9, allow_nan=False, places=4)
    rows = st.lists(st.tuples(st.text(letters, max_size=60), amounts), min_size=1, max_size=30)

    @settings(max_examples=12, deadline=None)
    @given(rows)
    def come_back(stored: list[tuple[str, Decimal]]) -> None:
        place.run('DELETE FROM "Claims"' if place.dbms == "sqlite" else 'DELETE FROM dbo."Claims"')
        place.put(*((f"{n:04}", str(amount), text, None, n) for n, (text, amount) in enumerate(stored)))
        table = place.claims()
        found = sorted(read(table.stage(whole(table), str(tmp_path), "w")).to_pylist(), key=lambda row: row["claim_id"])
        assert [row["note"] for row in found] == [text for text, _ in stored]
        assert [row["paid_amount"] for row in found] == [f"{amount + 0:.4f}" for _, amount in stored]

    come_back()
