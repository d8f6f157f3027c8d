"""Every named moment of a run, and every way of ending there: what is run again ends as an undisturbed build.

A lake of one database is built for two days; the second day's run ends badly. The undisturbed
lake is not the judge alone: what Silver holds of the database is compared with the database itself, by SQLite.
`FAULT_SEEDS=5` (`make soak`) takes every moment that many times; else a sample is drawn.
"""

import os
import random
import shutil
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from independent_reader import delta_reader
from lakehouse.demo.harbor import DemoSpec
from lakehouse.demo.meridian import LiveWriter
from lakehouse.faults import POINTS
from slow.children import (
    ONE_OF_EACH_KIND,
    Place,
    assert_same,
    bronze_places,
    finish,
    kill_group,
    recorded_outcomes,
    run_here,
    start,
    tables,
)

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(0)]

SPEC = DemoSpec(claims_per_day=15, days=2)
DAYS = ("2026-01-06", "2026-01-07")
SEEDS = int(os.environ.get("FAULT_SEEDS", "0"))
SAMPLE = 4
MOST_OCCURRENCES = 4
SHORT_LEASE = 8
BUILT = () if SEEDS else ONE_OF_EACH_KIND  # all with `make soak`
# A landing that goes on after a crash is another write, and numbers its batches anew.
OF_THE_LANDING = frozenset({"_batch_id"})
# Silver table -> its key in the database, and the table there.
KEYS = {
    "claim": ("claim_id", "Claims", "ClaimID"),
    "claim_line": ("claim_id || '/' || line_id", "ClaimLines", "ClaimID || '/' || LineID"),
    "payment": ("payment_id", "Payments", "PaymentID"),
}


def drawn_cases() -> list[tuple[str, int, int]]:
    """Fault point, its occurrence, seed."""
    draw = random.Random(4)
    if SEEDS:
        return [(p, draw.randint(1, MOST_OCCURRENCES), s) for p in POINTS for s in range(SEEDS)]
    inner = [p for p in POINTS if p not in ("before_plan", "after_record") and "gold" not in p]
    return [(p, draw.randint(1, 2), 0) for p in draw.sample(inner, SAMPLE)]


class Prepared:
    """Sources as they are after two days, and a lake built up to the first."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark = spark
        self.database = folder / "meridian.db"
        self.networks = (
            f'[networks.meridian]\nadapter = "sqlserver"\nroot = "{self.database}"\n'
            '[networks.meridian.sql]\ndbms = "sqlite"\ndatabase_schema = ""\nstamp_clock = "utc"\n'
            "compare_keys_days = 1\nwindow_rows = 25\n"
        )
        self.first_day = Place(folder / "first_day", self.networks, options=BUILT)
        with LiveWriter(SPEC, self.database) as writer:
            writer.before_run(0)
            writer.after_run()
            run_here(spark, self.first_day, DAYS[0])
            writer.before_run(1)
            writer.after_run()
        left_alone = self.place(folder / "left_alone")
        run_here(spark, left_alone, DAYS[1])
        self.expected = tables(left_alone, OF_THE_LANDING)

    def place(self, folder: Path, lease_seconds: int = 120) -> Place:
        """A copy of the first day's lake."""
        place = Place(folder, self.networks, lease_seconds, BUILT)
        shutil.copytree(self.first_day.lake, place.lake)
        return place


@pytest.fixture(scope="module")
def prepared(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Made once; takes two runs."""
    return Prepared(spark, tmp_path_factory.mktemp("prepared"))


def holds_the_database(place: Place, database: Path) -> None:
    """Silver's live rows of the network are the rows of the database, by key."""
    lake = delta_reader()
    with closing(sqlite3.connect(database)) as source:
        for name, (key, table, columns) in KEYS.items():
            where = "network = 'meridian' AND NOT is_deleted"
            query = f"SELECT {key} FROM delta_scan('{place.lake / 'silver' / name}') WHERE {where}"
            found = sorted(row[0] for row in lake.sql(query).fetchall())
            expected = sorted(row[0] for row in source.execute(f"SELECT {columns} FROM {table}").fetchall())
            aside = place.lake / "silver" / f"{name}__quarantine"
            missing, extra = len(set(expected) - set(found)), len(set(found) - set(expected))
            assert extra == 0, (name, extra)
            assert missing == 0 or aside.exists(), (name, missing)


def ends_as_undisturbed(place: Place, prepared: Prepared, why: object) -> None:
    """The lake is the undisturbed one, and nothing stands in it twice."""
    assert_same(tables(place, OF_THE_LANDING), prepared.expected, why)
    assert max(bronze_places(place).values()) == 1, why
    assert max(recorded_outcomes(place).values(), default=1) == 1, why
    holds_the_database(place, prepared.database)


@pytest.mark.parametrize(("point", "occurrence", "seed"), drawn_cases())
def test_a_run_killed_at_a_moment_is_finished_by_the_next(
    prepared: Prepared, tmp_path: Path, point: str, occurrence: int, seed: int
) -> None:
    place = prepared.place(tmp_path / "lake")
    code, _ = finish(place, DAYS[1], fault=f"{point}:kill@{occurrence}")
    # A moment that came fewer times than asked for ends nothing, which the comparison below does not mind.
    assert code in (0, -signal.SIGKILL), place.said
    run_here(prepared.spark, place, DAYS[1], most=3)
    ends_as_undisturbed(place, prepared, (point, occurrence, seed))


def test_of_two_runs_at_once_one_is_refused_and_one_that_waits_finds_nothing_left(
    prepared: Prepared, tmp_path: Path
) -> None:
    place = prepared.place(tmp_path / "lake")
    first = start(place, DAYS[1])
    try:
        leases = place.lake / "_leases" / "core"
        while not leases.is_dir() and first.poll() is None:
            time.sleep(0.05)
        time.sleep(1)
        refused, seconds = finish(place, DAYS[1])
        waited, _ = finish(place, DAYS[1], "--wait", "600")
        assert first.wait(60) == 0, place.said
    finally:
        kill_group(first)
    assert (refused, waited) == (3, 0), place.said
    assert "lease" in place.said
    assert seconds < 20
    ends_as_undisturbed(place, prepared, "two at once")


def test_a_holder_that_was_paused_past_its_lease_commits_nothing_more(prepared: Prepared, tmp_path: Path) -> None:
    place = prepared.place(tmp_path / "lake", SHORT_LEASE)
    paused = start(place, DAYS[1], fault="before_silver_commit:stop@1")
    try:
        _, status = os.waitpid(paused.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status), place.said
        code, _ = finish(place, DAYS[1], "--wait", str(10 * SHORT_LEASE))
        assert code == 0, place.said
        versions = {p: p.stat().st_mtime_ns for p in place.lake.glob("silver/*/_delta_log/*.json")}
        os.kill(paused.pid, signal.SIGCONT)
        assert paused.wait(120) == 3, place.said
        later = {p: p.stat().st_mtime_ns for p in place.lake.glob("silver/*/_delta_log/*.json")}
        assert later == versions
    finally:
        kill_group(paused)
    ends_as_undisturbed(place, prepared, "paused")
