"""Two hundred schedules on a real PostgreSQL server: nothing is lost and nothing doubled while writers go on.

Each schedule is a table with three writers of short and long transactions, rollbacks, deletes and skewed stamps. All
the time it is polled by what `lakehouse` uses (`due_windows`, `SourceTable.stage`): by row version (an `xid8` that a
trigger sets) and by stamp with a lag, two pollers of each at once, dropped at any step and started again. Beside
them runs the query that jobs usually ask. `tests/simulator` does the same without a server, and so many more times.
"""

import itertools
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from random import Random

import pyarrow.parquet as pq
import pyodbc
import pytest

from lakehouse.settings_networks import SqlSettings
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.database import Database
from lakehouse.storage.odbc.source_table import StagedRows
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION, STAMP_FORMAT, Window
from servers.postgres import Postgres, postgres
from simulator.bronze import Bronze, Lease, Store
from simulator.poller import Poller
from simulator.source import Row

__all__ = ["postgres"]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SCHEDULES, AT_ONCE = 200, 8
WRITERS, TRANSACTIONS, KEYS = 3, 20, 24
LAG_SECONDS, COMMIT_SECONDS = 0.8, 0.2
SKEWS_MS = (0, 0, 0, 0, -200, -20, 5, 50)
WINDOW_ROWS, SPLIT_ROWS = 4, 3
COLUMNS = [RawColumn(name) for name in ("claim_id", "claim_status", "modified_date", "row_version")]
SOURCE = {"stamp": "modified_date", "sequence": "row_version"}
CREATE = """
CREATE TABLE {0} (
    "ClaimID" integer PRIMARY KEY, "ClaimStatus" integer, "ModifiedDate" timestamp(3), "RowVersion" xid8 NOT NULL);
CREATE TRIGGER {0}_numbered BEFORE INSERT OR UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION numbered();
"""
NUMBERED = """
CREATE FUNCTION numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW."RowVersion" := pg_current_xact_id(); RETURN NEW; END $$
"""
UPSERT = """
INSERT INTO {} ("ClaimID", "ClaimStatus", "ModifiedDate")
VALUES (?, ?, clock_timestamp() AT TIME ZONE 'UTC' + ? * interval '1 millisecond')
ON CONFLICT ("ClaimID") DO UPDATE
SET "ClaimStatus" = excluded."ClaimStatus", "ModifiedDate" = excluded."ModifiedDate"
"""


@dataclass
class Claims:
    """One schedule's table.

    Attributes:
        name: of the table.
        seed: of what is done to it.
        contents: a number for each statement; stands for the content that it writes.
        ages: of the oldest stamp of each transaction when its commit had ended, seconds.
    """

    server: Postgres
    database: str
    name: str
    seed: int
    contents: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    ages: list[float] = field(default_factory=list)

    @cached_property
    def reader(self) -> pyodbc.Connection:
        """For the test's own questions."""
        return self.connect()

    def connect(self, *, autocommit: bool = True) -> pyodbc.Connection:
        return self.server.connect(self.database, autocommit=autocommit)

    def asked(self, sql: str, *parameters: object) -> list[pyodbc.Row]:
        """Rows of a query over the table `{}`, over one connection."""
        return self.reader.execute(sql.format(self.name), *parameters).fetchall()


def write(claims: Claims, number: int) -> None:
    """One writer: some transactions, one after the other."""
    random = Random(f"{claims.seed}/{number}")
    with closing(claims.connect(autocommit=False)) as connection:
        for _ in range(TRANSACTIONS):
            time.sleep(random.choice((0, 0.01, 0.05)))
            is_long = random.random() < 0.3
            oldest = time.time()
            for key in sorted(random.sample(range(KEYS), random.choice((1, 1, 2, 3)))):  # in order: no deadlocks
                skew = random.choice(SKEWS_MS)
                oldest = min(oldest, time.time() + skew / 1000)
                _change(claims, connection, key, skew, deletes=random.random() < 0.15)
                time.sleep(random.uniform(0.02, 0.15) if is_long else 0)
            if random.random() < 0.15 or time.time() - oldest > LAG_SECONDS - COMMIT_SECONDS:
                connection.rollback()
                continue
            connection.commit()
            claims.ages.append(time.time() - oldest)


def _change(claims: Claims, connection: pyodbc.Connection, key: int, skew: int, *, deletes: bool) -> None:
    if deletes:
        connection.execute(f'DELETE FROM {claims.name} WHERE "ClaimID" = ?', key)
    else:
        connection.execute(UPSERT.format(claims.name), key, next(claims.contents), skew)


class OdbcSource:
    """The product's table, as the simulator's poller asks it."""

    def __init__(self, claims: Claims, signal: str, folder: Path) -> None:
        settings = SqlSettings(
            dbms="postgresql",
            database_schema="public",
            stamp_clock="utc",
            parallel_reads=1 + (claims.seed % 4 == 0),
            split_rows=SPLIT_ROWS,
        )
        self.database = Database("harbor", lambda: claims.server.connection_string(claims.database), settings)
        self.table = self.database.table(SqlSource(claims.name, **SOURCE), COLUMNS, key=("claim_id",), signal=signal)
        self.signal = signal
        self.claims = claims
        self.folder = folder
        self.clock = 0
        self.stems = itertools.count()
        for name in ("bound", "oldest_kept", "count", "cut"):
            setattr(self, name, getattr(self.table, name))

    def read(self, window: Window) -> list[Row]:
        """Rows in the window now."""
        return [_row(read) for read in self._read(self.table.stage(window, str(self.folder), self._stem()))]

    def keys(self) -> set[int]:
        """Every key that is there now."""
        return {int(read["claim_id"]) for read in self._read(self.table.stage_keys(str(self.folder), self._stem()))}

    def _stem(self) -> str:
        return f"{self.claims.name}-{self.signal}-{next(self.stems)}"

    def _read(self, staged: StagedRows) -> list[dict[str, str]]:
        found = [row for path in staged.paths for row in pq.read_table(path).to_pylist()]
        assert staged.rows == len(found)
        return found


def _row(read: dict[str, str]) -> Row:
    content = int(read["claim_status"])
    return Row(int(read["claim_id"]), content, int(read["row_version"]), 0, content, 0)


class Polled:
    """One signal of a table, and its two pollers, which do a step now and then."""

    def __init__(self, claims: Claims, signal: str, folder: Path) -> None:
        self.source = OdbcSource(claims, signal, folder)
        self.bronze = Bronze(Store(), notes_as_text=True)
        self.running: list[Iterator[None] | None] = [None, None]

    def poller(self) -> Poller:
        """One that starts from what is landed."""
        return Poller(self.source, self.bronze, Lease(None), LAG_SECONDS, WINDOW_ROWS)

    def step(self, random: Random) -> None:
        """One of the pollers starts, goes on or is gone."""
        number, chance = random.choice((0, 0, 1)), random.random()
        running = self.running[number]
        if running is None:
            self.running[number] = self.poller().run(compares_keys=chance < 0.3)
        elif chance < 0.03 or next(running, running) is running:
            self.running[number] = None

    def quiet_run(self) -> int:
        """One run to its end, all keys compared; returns the rows it landed."""
        before = len(self.bronze.rows())
        for _ in self.poller().run(compares_keys=True):
            pass
        return len(self.bronze.rows()) - before


class UsualQuery:
    """Rows stamped after the greatest stamp that was seen."""

    def __init__(self, claims: Claims) -> None:
        self.claims = claims
        self.landed: dict[int, int] = {}
        self.seen = datetime(2000, 1, 1)

    def poll(self) -> None:
        """Ask once; nothing stops it halfway."""
        sql = 'SELECT "ClaimID", "ClaimStatus", "ModifiedDate" FROM {} WHERE "ModifiedDate" > CAST(? AS timestamp)'
        for key, content, stamp in self.claims.asked(sql, self.seen.strftime(STAMP_FORMAT)):
            self.landed[key] = content
            self.seen = max(self.seen, stamp)


@dataclass(frozen=True)
class Outcome:
    """What one schedule left behind, by way: keys lost, rows doubled, keys shown wrong, rows of a second quiet run."""

    seed: int
    numbered: tuple[int, int, int, int]
    stamped: tuple[int, int, int, int]
    usual_lost: int
    latest: float
    commits: int


class Schedule:
    """A table, its writers and its pollers."""

    def __init__(self, server: Postgres, database: str, seed: int, folder: Path) -> None:
        self.claims = Claims(server, database, f"claims_{seed}", seed)
        server.execute(*CREATE.format(self.claims.name).split(";\n")[:2], database=database)
        self.polled = [Polled(self.claims, signal, folder) for signal in (ROWVERSION, MODIFIED_DATE)]
        self.usual = UsualQuery(self.claims)

    def run(self) -> None:
        """Everything that happens while writers write."""
        random = Random(self.claims.seed)
        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(write, self.claims, number) for number in range(WRITERS)]
            while not all(writer.done() for writer in writers):
                for polled in self.polled:
                    polled.step(random)
                if random.random() < 0.5:
                    self.usual.poll()
                time.sleep(random.choice((0, 0.005)))
            for writer in writers:
                writer.result()

    def audit(self) -> Outcome:
        """What is missing after quiet runs. No transaction of any schedule is open by now."""
        time.sleep(max(SKEWS_MS) / 1000)
        self.usual.poll()
        final = {row[0]: row[1] for row in self.claims.asked('SELECT "ClaimID", "ClaimStatus" FROM {}')}
        numbered, stamped = (_found(polled, final) for polled in self.polled)
        lost = sum(self.usual.landed.get(key) != content for key, content in final.items())
        commits = sum(len(polled.bronze.landings()) for polled in self.polled)
        for polled in self.polled:
            polled.source.database.close()
        self.claims.reader.close()
        return Outcome(self.claims.seed, numbered, stamped, lost, max(self.claims.ages), commits)


def _found(polled: Polled, final: dict[int, int]) -> tuple[int, int, int, int]:
    polled.quiet_run()
    restless = polled.quiet_run()
    rows = [row for row in polled.bronze.rows() if not row.is_deleted]
    newest = {row.key: row.content for row in rows}
    shown = {key: row.content for key, row in polled.bronze.winners(Poller.order).items() if not row.is_deleted}
    lost = sum(newest.get(key) != content for key, content in final.items())
    doubled = len(rows) - len({row.content for row in rows})
    return lost, doubled, len(shown.items() ^ final.items()), restless


@pytest.fixture(scope="module")
def outcomes(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Sequence[Outcome]:
    """Every schedule's, some at once; audited when none of them writes."""
    found: list[Outcome] = []
    database = postgres.fresh_database()
    postgres.execute(NUMBERED, database=database)
    for first in range(0, SCHEDULES, AT_ONCE):
        folder = tmp_path_factory.mktemp("staging")
        batch = [Schedule(postgres, database, first + n, folder) for n in range(AT_ONCE)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(Schedule.run, batch))
            found += pool.map(Schedule.audit, batch)
    sys.stderr.write(f"\n{told(found)}\n")
    return found


def told(found: Sequence[Outcome]) -> str:
    """The figures, for people."""
    numbered, stamped = (sum(o.numbered[0] > 0 for o in found), sum(o.stamped[0] > 0 for o in found))
    usual, commits = sum(o.usual_lost > 0 for o in found), sum(o.commits for o in found)
    latest = max(o.latest for o in found)
    return (
        f"{len(found)} schedules on PostgreSQL, of which lost a row: by row version {numbered}, by stamp with a lag of "
        f"{LAG_SECONDS} s {stamped}, by `stamp > max seen` {usual}. {commits} commits; the oldest stamp was "
        f"{latest:.2f} s old at its commit."
    )


def test_row_versions_lose_and_double_nothing_while_writers_write(outcomes: Sequence[Outcome]) -> None:
    assert [outcome for outcome in outcomes if any(outcome.numbered)] == []


def test_stamps_with_a_lag_lose_nothing_while_writers_write(outcomes: Sequence[Outcome]) -> None:
    within = [outcome for outcome in outcomes if outcome.latest < LAG_SECONDS]
    assert len(within) > SCHEDULES * 0.9, "the machine is too slow for the lag"
    assert [o for o in within if o.stamped[0] or o.stamped[2] or o.stamped[3]] == []


def test_the_usual_query_loses_rows_in_the_same_schedules(outcomes: Sequence[Outcome]) -> None:
    assert sum(outcome.usual_lost > 0 for outcome in outcomes) > SCHEDULES // 10
