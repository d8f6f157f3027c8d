"""A database whose connections break at any moment while it is read, again and again: every window comes whole."""

import random
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from servers.postgres import Postgres, postgres
from storage.odbc.places import PostgresPlace, read, whole

__all__ = ["postgres"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

ROWS, READS = 20_000, 40
LONGEST_QUIET_SECONDS = 0.25


def break_connections(server: Postgres, name: str, stop: threading.Event) -> None:
    """End every other connection to a database at random moments, now and then the whole server."""
    draw = random.Random(20260105)
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"
    while not stop.wait(draw.uniform(0.01, LONGEST_QUIET_SECONDS)):
        if draw.random() < 0.1:
            server.kill()
            server.start()
        else:
            server.execute(end, database=name)


def test_every_read_of_a_breaking_server_is_whole(postgres: Postgres, tmp_path: Path) -> None:
    name = postgres.fresh_database()
    place = PostgresPlace("postgresql", postgres.connection_string(name) + ";Fetch=200", server=postgres, name=name)
    place.run(
        "CREATE SCHEMA dbo",
        'CREATE TABLE dbo."Claims" ("ClaimID" varchar(20), "PaidAmount" numeric(18, 4), "Note" text, '
        '"ModifiedDate" timestamp, "RowVersion" xid8 DEFAULT pg_current_xact_id())',
        f"INSERT INTO dbo.\"Claims\" SELECT 'C' || g, g, repeat('n', 200), NULL FROM generate_series(1, {ROWS}) AS g",
    )
    expected = Counter(f"C{number}" for number in range(1, ROWS + 1))
    table = place.claims(attempts=50, split_rows=ROWS // 2, parallel_reads=2)
    window = whole(table)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        time.sleep(0.02)

    table._server._pause = pause
    stop = threading.Event()
    breaking = threading.Thread(target=break_connections, args=(postgres, name, stop))
    breaking.start()
    try:
        for number in range(READS):
            rows = read(table.stage(window, str(tmp_path), f"w{number}"))
            assert Counter(rows["claim_id"].to_pylist()) == expected
            assert len(set(rows["_row_number"].to_pylist())) == ROWS
    finally:
        stop.set()
        breaking.join()
    assert len(pauses) >= READS // 4
