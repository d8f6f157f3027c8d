"""Readings that break on their way, over real drivers: a range comes whole or not at all."""

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from lakehouse.errors import SourceError
from lakehouse.faults import at_fault_points
from storage.odbc.places import Place, PostgresPlace, SqlitePlace, read, whole

ROWS = 4000


class Breaks:
    """Does something the first time a reading has its first batch."""

    def __init__(self, action: object) -> None:
        self.action = action
        self.reached = 0

    def __call__(self, name: str) -> None:
        if name == "mid_read":
            self.reached += 1
            if self.reached == 1:
                self.action()  # type: ignore[operator]  # a function without arguments


@pytest.fixture(autouse=True)
def _no_fault_points() -> Iterator[None]:
    yield
    at_fault_points(None)


def filled(place: PostgresPlace, rows: int = ROWS) -> None:
    """Rows that take several batches of the driver and many fetches, so that a reading can break between two."""
    place.text += ";Fetch=50"
    wide = ", ".join(f'"More{number}" text' for number in range(10))
    place.run(
        "CREATE SCHEMA dbo",
        'CREATE TABLE dbo."Claims" ("ClaimID" varchar(20), "PaidAmount" numeric(18, 4), "Note" text, '
        f'"ModifiedDate" timestamp, "RowVersion" xid8 DEFAULT pg_current_xact_id(), {wide})',
        f"INSERT INTO dbo.\"Claims\" SELECT 'C' || g, g, 'note', NULL FROM generate_series(1, {rows}) AS g",
    )


def terminate_readers(place: PostgresPlace) -> None:
    place.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'fetch%'"
    )


@pytest.mark.parametrize("how", ["terminated", "restarted"])
def test_a_connection_lost_mid_read_is_made_again_and_the_window_read_whole(
    in_postgres: PostgresPlace, tmp_path: Path, how: str
) -> None:
    filled(in_postgres)
    server = in_postgres.server
    assert server is not None
    table = in_postgres.claims()
    window = whole(table)

    def restart() -> None:
        server.kill()
        server.start()

    breaks = Breaks(restart if how == "restarted" else lambda: terminate_readers(in_postgres))
    at_fault_points(breaks)
    staged = table.stage(window, str(tmp_path), "w")
    assert breaks.reached == 2
    rows = read(staged)
    assert Counter(rows["claim_id"].to_pylist()) == Counter(f"C{number}" for number in range(1, ROWS + 1))
    assert rows["_row_number"].to_pylist() == list(range(1, ROWS + 1))


def test_only_the_range_that_broke_is_read_again(in_postgres: PostgresPlace, tmp_path: Path) -> None:
    filled(in_postgres)
    table = in_postgres.claims(split_rows=ROWS // 2, parallel_reads=2)
    breaks = Breaks(lambda: terminate_readers(in_postgres))
    at_fault_points(breaks)
    staged = table.stage(whole(table), str(tmp_path), "w")
    assert len(staged.paths) == 2
    assert breaks.reached in (3, 4)
    rows = read(staged)
    assert len(set(rows["claim_id"].to_pylist())) == staged.rows == ROWS
    assert sorted({number // 10**10 for number in rows["_row_number"].to_pylist()}) == [0, 1]


def test_a_server_that_stays_away_leaves_nothing_behind(in_postgres: PostgresPlace, tmp_path: Path) -> None:
    filled(in_postgres)
    server = in_postgres.server
    assert server is not None
    table = in_postgres.claims(attempts=2, split_rows=ROWS // 2, parallel_reads=2)
    window = whole(table)
    killed = threading.Event()

    def kill() -> None:
        server.kill()
        killed.set()

    # Both wait for it: psqlodbc ends the whole process when its server goes while it executes.
    both = threading.Barrier(2, action=kill)

    def together(name: str) -> None:
        if name == "mid_read" and not killed.is_set():
            both.wait(60)

    at_fault_points(together)
    try:
        with pytest.raises(SourceError, match=r"network north, table dbo\.Claims, .*did not answer"):
            table.stage(window, str(tmp_path), "w")
    finally:
        server.start()
    assert list(tmp_path.iterdir()) == []


def test_a_lock_time_out_is_waited_out(in_postgres: PostgresPlace, tmp_path: Path) -> None:
    filled(in_postgres, 1)
    server = in_postgres.server
    assert server is not None
    in_postgres.run("ALTER ROLE claims_reader SET lock_timeout = '50ms'")
    try:
        table = in_postgres.claims()
        window = whole(table)
        blocker = server.connect(in_postgres.name, autocommit=False)
        blocker.execute('LOCK TABLE dbo."Claims" IN ACCESS EXCLUSIVE MODE')
        pauses: list[float] = []

        def pause(seconds: float) -> None:
            pauses.append(seconds)
            blocker.rollback()

        table._server._pause = pause
        staged = table.stage(window, str(tmp_path), "w")
        blocker.close()
    finally:
        in_postgres.run("ALTER ROLE claims_reader RESET ALL")
    assert len(pauses) == 1
    assert staged.rows == 1


def test_a_deadlock_victim_reads_again(in_postgres: PostgresPlace, tmp_path: Path) -> None:
    in_postgres.run(
        "CREATE SCHEMA dbo",
        "CREATE TABLE dbo.one (claim_id varchar(9), modified_at timestamp)",
        "CREATE TABLE dbo.two (claim_id varchar(9))",
        "INSERT INTO dbo.one VALUES ('C1')",
        "INSERT INTO dbo.two VALUES ('C1')",
        'CREATE VIEW dbo."Claims" AS SELECT a.* FROM dbo.one AS a JOIN dbo.two AS b ON a.claim_id = b.claim_id',
        "ALTER ROLE claims_reader SET deadlock_timeout = '400ms'",
    )
    server = in_postgres.server
    assert server is not None
    try:
        table = in_postgres.claims()
        window = whole(table)
        writer = server.connect(in_postgres.name, autocommit=False)
        writer.execute("SET LOCAL deadlock_timeout = '60s'")
        writer.execute("LOCK TABLE dbo.two IN ACCESS EXCLUSIVE MODE")

        def close_the_circle() -> None:
            waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'dbo.two'::regclass"
            with server.connect(in_postgres.name) as watcher:
                while not watcher.execute(waiting).fetchval():
                    time.sleep(0.01)
            writer.execute("LOCK TABLE dbo.one IN ACCESS EXCLUSIVE MODE")
            writer.rollback()

        failed: list[float] = []
        table._server._pause = failed.append
        circle = threading.Thread(target=close_the_circle)
        circle.start()
        staged = table.stage(window, str(tmp_path), "w")
        circle.join(10)
        writer.close()
    finally:
        in_postgres.run("ALTER ROLE claims_reader RESET ALL")
    assert len(failed) == 1
    assert staged.rows == 1


def test_a_busy_file_is_waited_out(in_sqlite: SqlitePlace, tmp_path: Path) -> None:
    in_sqlite.run(
        "CREATE TABLE Claims (ClaimID varchar(20), RowVersion integer)", "INSERT INTO Claims VALUES ('C1', 1)"
    )
    in_sqlite.text += ";Timeout=20"
    table = in_sqlite.claims()
    window = whole(table)
    assert in_sqlite.file is not None
    writer = sqlite3.connect(in_sqlite.file, isolation_level=None)
    writer.execute("BEGIN EXCLUSIVE")
    table._server._pause = lambda seconds: writer.execute("ROLLBACK") and None  # type: ignore[assignment,func-returns-value]
    assert table.stage(window, str(tmp_path), "w").rows == 1
    writer.close()


def test_rows_changed_while_they_are_read_are_neither_lost_nor_doubled(
    in_postgres: PostgresPlace, tmp_path: Path
) -> None:
    filled(in_postgres)
    in_postgres.run(
        "CREATE FUNCTION public.stamp() RETURNS trigger LANGUAGE plpgsql AS "
        "'BEGIN NEW.\"RowVersion\" := pg_current_xact_id(); RETURN NEW; END'",
        'CREATE TRIGGER stamp BEFORE UPDATE ON dbo."Claims" FOR EACH ROW EXECUTE FUNCTION public.stamp()',
    )
    table = in_postgres.claims(split_rows=ROWS // 2, parallel_reads=2)
    window = whole(table)
    change = (
        'UPDATE dbo."Claims" SET "PaidAmount" = -1 WHERE CAST(substr("ClaimID", 2) AS int) % 50 = 0',
        "INSERT INTO dbo.\"Claims\" VALUES ('NEW', 1, '', NULL)",
    )
    at_fault_points(Breaks(lambda: in_postgres.run(*change)))
    first = read(table.stage(window, str(tmp_path), "w")).to_pylist()
    at_fault_points(None)
    bound = table.bound()
    later = read(table.stage(type(window)(bound.signal, window.hi, bound.hi, True), str(tmp_path), "x")).to_pylist()
    assert max(Counter(row["claim_id"] for row in first).values()) == 1
    assert {row["claim_id"] for row in (*first, *later)} == {f"C{n}" for n in range(1, ROWS + 1)} | {"NEW"}
    newest = {row["claim_id"]: row["paid_amount"] for row in (*first, *later)}
    assert all(newest[f"C{number}"] == "-1.0000" for number in range(50, ROWS + 1, 50))


def test_a_size_that_was_too_small_once_is_not_tried_again(place: Place, tmp_path: Path) -> None:
    place.put(*((f"C{number}", "1", "x" * 5000, None, number) for number in range(3)))
    table = place.claims()
    staged = table.stage(whole(table), str(tmp_path), "w")
    assert set(read(staged)["note"].to_pylist()) == {"x" * 5000}
    assert table._reader._first_bound > 0


def test_nothing_is_left_when_the_run_is_stopped_mid_read(place: Place, tmp_path: Path) -> None:
    class Stop(BaseException):
        pass

    def stop() -> None:
        raise Stop

    place.put(*((f"C{number}", "1", "", None, number) for number in range(30)))
    table = place.claims(split_rows=10, parallel_reads=3)
    at_fault_points(Breaks(stop))
    with pytest.raises(Stop):
        table.stage(whole(table), str(tmp_path / "staging"), "w")
    assert list((tmp_path / "staging").iterdir()) == []
