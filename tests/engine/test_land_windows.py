"""Windows of a sender's database: read once, resumed where they stopped, deleted rows noticed, drift refused."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.visits_database import VisitsDatabase, put
from engine.world import SILVER, World
from lakehouse.faults import at_fault_points

BRONZE = "bronze.south_visits"
STEP = (BRONZE, SILVER)


class Killed(BaseException):
    """The process ends here: nothing of the package may catch it."""


@pytest.fixture
def south(spark: SparkSession, tmp_path: Path) -> World:
    """A lake with one network that has a database."""
    return World(spark, tmp_path, {"south": "stored"})


def database(world: World, *, numbered: bool = True) -> VisitsDatabase:
    return VisitsDatabase(world.source_of("south"), numbered=numbered)


def live(world: World) -> dict[object, object]:
    found = world.rows(SILVER, "visit_id", "CAST(amount AS STRING)", where="NOT is_deleted")
    return dict(found)  # type: ignore[arg-type]  # pairs


def kill_at(name: str, occurrence: int = 1) -> None:
    reached = 0

    def handler(point: str) -> None:
        nonlocal reached
        reached += point == name
        if point == name and reached == occurrence:
            raise Killed

    at_fault_points(handler)


def test_only_changes_are_read_and_an_open_transaction_is_waited_for(south: World) -> None:
    source = database(south)
    for visit in ("v1", "v2", "v3"):
        source.put(visit)
    first = south.run(*STEP)
    assert first.counts(BRONZE) == {"deliveries": 1, "rows": 3}
    assert south.versions()[BRONZE] == 1
    idle = south.run(*STEP)
    assert idle.report.nothing_due
    # A stamp far in the past, and a change by a transaction that was open for long: both only numbers can tell.
    source.put("v2", "250.00", stamp="2020-01-01T00:00:00.000000")
    source.put("v4", "40.00")
    assert south.run(*STEP).counts(BRONZE) == {"deliveries": 1, "rows": 2}
    assert live(south) == source.rows()
    assert source.rows()["v2"] == "250.00"


def test_a_first_load_that_was_killed_goes_on_at_the_window_it_had_reached(south: World) -> None:
    south.sql = {"window_rows": 1}
    source = database(south)
    for number in range(20):
        source.put(f"v{number}", f"{number}.00")
    kill_at("before_bronze_commit", occurrence=11)
    try:
        with pytest.raises(Killed):
            south.run(*STEP)
    finally:
        at_fault_points(None)
    log = south.lake.logs[BRONZE]
    landed = [d.rows for _, d in log.deliveries()]
    assert landed == [1] * 10
    resumed = south.run(*STEP)
    assert resumed.counts(BRONZE) == {"deliveries": 10, "rows": 10}
    assert live(south) == source.rows()
    assert south.read(BRONZE).count() == 20


def test_a_deleted_row_becomes_a_tombstone_and_may_come_back(south: World) -> None:
    south.sql = {"compare_keys_days": 2, "most_deleted_share": 0.5}
    source = database(south)
    for visit in ("v1", "v2", "v3"):
        source.put(visit)
    south.run(*STEP, day=date(2026, 3, 1))
    source.delete("v2")
    assert south.run(*STEP, day=date(2026, 3, 2)).report.nothing_due
    compared = south.run(*STEP, day=date(2026, 3, 3))
    assert compared.counts(BRONZE) == {"deliveries": 1, "rows": 1}
    assert live(south) == {"v1": "100.00", "v3": "100.00"}
    source.put("v2", "7.00", stamp="2019-01-01T00:00:00.000000")
    south.run(*STEP, day=date(2026, 3, 4))
    assert live(south) == source.rows()


def test_keys_that_vanish_in_mass_are_not_believed(south: World) -> None:
    south.sql = {"compare_keys_days": 1}
    source = database(south)
    for visit in ("v1", "v2", "v3"):
        source.put(visit)
    south.run(*STEP, day=date(2026, 3, 1))
    source.execute("DELETE FROM Visits")
    failed = south.run(*STEP, day=date(2026, 3, 2), must=1)
    assert "3 of 3 keys" in (failed[BRONZE].error or "")
    assert live(south) == {"v1": "100.00", "v2": "100.00", "v3": "100.00"}


def test_with_a_stamp_alone_the_lag_finds_late_commits_and_lands_nothing_twice(south: World) -> None:
    south.sql = {"lag_minutes": 10_000_000, "stamp_clock": "utc"}
    source = database(south, numbered=False)
    source.put("v1", stamp="2026-01-10T08:00:00.000000")
    source.put("v2", stamp="2026-01-10T09:00:00.000000")
    source.put("v0", stamp=None)  # type: ignore[arg-type]  # nobody stamped it
    assert south.run(*STEP).counts(BRONZE) == {"deliveries": 1, "rows": 3}
    # Committed late: its stamp is older than what was read already.
    source.put("v3", "30.00", stamp="2026-01-10T08:30:00.000000")
    again = south.run(*STEP)
    assert again.counts(BRONZE) == {"deliveries": 1, "rows": 1, "known_rows": 3}
    assert south.read(BRONZE).count() == 4
    assert live(south) == source.rows()


def test_a_dropped_column_stops_the_feed_and_an_added_one_is_kept(south: World) -> None:
    source = database(south)
    source.put("v1")
    south.run(*STEP)
    source.execute("ALTER TABLE Visits ADD COLUMN Region TEXT")
    source.put("v2")
    source.execute("UPDATE Visits SET Region = 'north', RowVersion = 99 WHERE VisitID = 'v2'")
    told = south.run(*STEP)
    assert any("Region" in w or "region" in w for w in told.result(BRONZE).warnings)
    assert south.rows(BRONZE, "map_values(_rescued)[0]", where="visit_id = 'v2'") == [("north",)]
    before = south.versions()
    source.execute("ALTER TABLE Visits RENAME COLUMN PayerName TO PayorName")
    refused = south.run(*STEP, must=1)
    assert "payer_name" in (refused[BRONZE].error or "")
    assert "PayorName" in (refused[BRONZE].error or "")
    assert south.versions() == before


def test_a_transaction_that_is_open_during_a_run_is_read_by_the_next(south: World) -> None:
    source = database(south)
    source.put("v1")
    with source.open() as writer:
        put(writer, "v2", "2.00")
        south.run(*STEP)
        assert set(live(south)) == {"v1"}
    south.run(*STEP)
    assert live(south) == source.rows()
