"""What values look like that SQLite renders: any column may hold any type."""

import pytest

from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.failures import Kind
from lakehouse.storage.odbc.sqlite import Sqlite
from lakehouse.storage.raw_rows import RawColumn
from storage.odbc.places import SqlitePlace, whole

VALUES = (
    ("text", " pad  ", " pad  "),
    ("text", "", ""),
    ("text", None, None),
    ("text", "é € 𐍈 💉", "é € 𐍈 💉"),
    ("text", "line\r\nbreak", "line\r\nbreak"),
    ("text", "a\0b\0", "a\0b\0"),
    ("text", "\x01begins so", "\x01begins so"),
    ("text", "007", "007"),
    ("varchar(5)", "longer than it says", "longer than it says"),
    ("integer", 9223372036854775807, "9223372036854775807"),
    ("integer", "text in it", "text in it"),
    ("numeric(18, 4)", "1.5", "1.5000"),
    ("numeric(18, 4)", "-0.0001", "-0.0001"),
    ("numeric(9, 2)", "12", "12.00"),
    ("decimal(18, 2)", "9007199254740.93", "9007199254740.93"),
    ("decimal(9, 2)", "1.23456", "1.23456"),
    ("numeric", "0.1", "0.1"),
    ("float", 0.30000000000000004, "0.30000000000000004"),
    ("float", 0.1, "0.1"),
    ("float", 1e22, "1.0e+22"),
    ("bit", 1, "true"),
    ("boolean", 0, "false"),
    ("bit", 2, "2"),
    ("blob", b"\x00\xff", "00ff"),
    ("text", b"\x00\xff", "00ff"),
    ("datetime", "2026-01-05 10:00:00.1234567", "2026-01-05T10:00:00.1234567"),
    ("timestamp", "2026-01-05T10:00:00", "2026-01-05T10:00:00"),
    ("date", "2026-01-05", "2026-01-05"),
    ("date", "not a date", "not a date"),
)


def test_every_value_keeps_all_of_itself(in_sqlite: SqlitePlace) -> None:
    columns = [RawColumn("modified_at"), *(RawColumn(f"c{number}") for number in range(len(VALUES)))]
    declared = ", ".join(f"c{number} {kind}" for number, (kind, _, _) in enumerate(VALUES))
    in_sqlite.run(f"CREATE TABLE kinds (modified_at datetime, {declared})")
    marks = ", ".join("?" for _ in VALUES)
    in_sqlite.run(f"INSERT INTO kinds VALUES (NULL, {marks})", values=[[value for _, value, _ in VALUES]])
    table = in_sqlite.database().table(SqlSource("kinds"), columns, ["c0"])
    window = whole(table)
    (row,) = [row for batch in table.batches(window, table.key_ranges(window)[0]) for row in batch.to_pylist()]
    assert [row[f"c{number}"] for number in range(len(VALUES))] == [expected for _, _, expected in VALUES]


def test_stamps_of_several_shapes_fall_into_one_window_each(in_sqlite: SqlitePlace) -> None:
    stamps = [
        "2026-01-05",
        "2026-01-05 10:00:00",
        "2026-01-05T10:00:00.5",
        "2026-01-05 10:00:00.500001",
        "2026-01-05T10:00:01.1234567",
        "2026-01-06T00:00:00",
        None,
        "",
        "unknown",
        20260105,
    ]
    in_sqlite.run("CREATE TABLE claims (claim_id integer, modified_at datetime)")
    in_sqlite.run("INSERT INTO claims VALUES (?, ?)", values=list(enumerate(stamps)))
    columns = [RawColumn("claim_id"), RawColumn("modified_at")]
    table = in_sqlite.database().table(SqlSource("claims"), columns, ["claim_id"])
    pieces = table.cut(whole(table), 1)
    taken = [
        [row["claim_id"] for batch in table.batches(piece, table.key_ranges(piece)[0]) for row in batch.to_pylist()]
        for piece in pieces
    ]
    assert taken[:5] == [["0"], ["1"], ["2"], ["3"], ["4"]]
    assert taken[5] == ["5", "6", "7", "8", "9"]


def test_a_bound_counts_only_what_is_committed(in_sqlite: SqlitePlace) -> None:
    import sqlite3

    in_sqlite.run("CREATE TABLE claims (claim_id integer, source_sequence integer)", "INSERT INTO claims VALUES (1, 7)")
    columns = [RawColumn("claim_id"), RawColumn("source_sequence")]
    table = in_sqlite.database().table(SqlSource("claims"), columns, ["claim_id"])
    assert in_sqlite.file is not None
    writer = sqlite3.connect(in_sqlite.file, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO claims VALUES (2, 8)")
    assert table.bound().hi == "8"
    writer.execute("COMMIT")
    writer.close()
    assert table.bound().hi == "9"


@pytest.mark.parametrize(
    ("native", "kind"),
    [(5, Kind.CONTENDED), (6, Kind.CONTENDED), (14, Kind.NO_DATABASE), (1, None)],
)
def test_its_result_codes_are_understood(native: int, kind: Kind | None) -> None:
    assert Sqlite().failure_kind("HY000", native, "") is kind
