"""Photographs: a table that keeps what was so on each day; past days are never made again."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from engine.logs import HandLog
from engine.world import ADAPTERS, EPISODE, TABLES, World, episode, of
from lakehouse.engine.plan import Planner
from lakehouse.engine.run import Outcome
from lakehouse.engine.work import Request, Status, TablePlan
from lakehouse.settings import LakeSettings, Settings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.columns import sum_money
from lakehouse.spec.field import DATE, LONG, TOTAL, field
from lakehouse.spec.registry import Registry
from lakehouse.spec.scopes import ReplacePartitions, logical_date, snapshot
from lakehouse.spec.table import table
from lakehouse.storage.log import Logs
from lakehouse.storage.store import Store

DAY = date(2026, 2, 10)
NEXT = DAY + timedelta(days=1)


@table(
    "gold.open_episodes",
    reads={"episodes": snapshot(episode), "as_of": logical_date()},
    fields=[
        field("as_of_date", DATE, "day", required=True),
        field("episode_count", LONG, "episodes not due yet", unit="count"),
        field("amount", TOTAL, "of these"),
    ],
    write=ReplacePartitions(on="as_of_date", keys=("as_of_date",)),
)
def open_episodes(episodes: DataFrame, as_of: date) -> DataFrame:
    """One row per day."""
    waiting = episodes.where(F.col("due_date") > F.lit(as_of))
    return waiting.agg(F.count(F.lit(1)).alias("episode_count"), sum_money("amount").alias("amount")).select(
        F.lit(as_of).alias("as_of_date"), "episode_count", "amount"
    )


PHOTO = open_episodes.name


def planned(root: Path, day: date, **asked: object) -> TablePlan:
    """The plan of the photograph on a day, from hand-written logs."""
    networks = {"north": NetworkSettings(adapter="plain", root=str(root / "drops"))}
    settings = Settings(env="test", lake=LakeSettings(root=str(root)), networks=networks)
    registry = Registry.of([*TABLES, open_episodes], networks, ADAPTERS)
    request = Request("run", day, datetime(2026, 2, 10, tzinfo=UTC), **asked)  # type: ignore[arg-type]
    return Planner(registry, Logs(Store(str(root))), settings, request).table(PHOTO)


def taken(root: Path, day: date, version: int) -> None:
    """The photograph of a day, of that version of the episodes."""
    HandLog(root, PHOTO).build(consumed={EPISODE: version}, next_change_date=(day + timedelta(days=1)).isoformat())


def test_the_first_photograph_is_due(tmp_path: Path) -> None:
    HandLog(tmp_path, EPISODE).build()
    assert planned(tmp_path, DAY).reasons == (f"{EPISODE} changed",)


@pytest.mark.parametrize(
    ("day", "moved", "status"),
    [
        (DAY, False, Status.CURRENT),
        (DAY, True, Status.DUE),
        (NEXT, False, Status.DUE),
        (NEXT, True, Status.DUE),
        (DAY - timedelta(days=1), False, Status.CURRENT),
        (DAY - timedelta(days=1), True, Status.CURRENT),
    ],
)
def test_the_day_s_photograph_is_due_when_something_moved_and_each_day_anew(
    tmp_path: Path, day: date, moved: bool, status: Status
) -> None:
    HandLog(tmp_path, EPISODE).build()
    taken(tmp_path, DAY, 0)
    if moved:
        HandLog(tmp_path, EPISODE).build()
    plan = planned(tmp_path, day)
    assert plan.status is status
    assert ("a later day has its photograph" in plan.notes) is (day < DAY)


def test_a_full_refresh_makes_no_photograph_of_the_past_either(tmp_path: Path) -> None:
    HandLog(tmp_path, EPISODE).build()
    taken(tmp_path, DAY, 0)
    assert planned(tmp_path, DAY - timedelta(days=1), full_refresh=True).status is Status.CURRENT
    assert planned(tmp_path, DAY, full_refresh=True).status is Status.DUE


@pytest.mark.spark
def test_every_day_keeps_its_photograph(world: World) -> None:
    world.tables = (*TABLES, open_episodes)
    world.deliver(
        "visits-2026-01-01.csv", [of("V1", "E1", "2026-01-10", "10.00"), of("V2", "E2", "2026-01-20", "20.00")]
    )
    world.run(day=date(2026, 2, 1))
    shown = ("as_of_date", "episode_count", "amount")
    first = (date(2026, 2, 1), 2, Decimal("30.00"))
    assert world.rows(PHOTO, *shown) == [first]
    assert world.run(day=date(2026, 2, 1)).report.nothing_due

    # A day passes without a row: E1 falls due on 9 February.
    alone = world.run(day=date(2026, 2, 9))
    assert alone[PHOTO].reasons == ("the calendar changes a figure",)
    second = (date(2026, 2, 9), 1, Decimal("20.00"))
    assert world.rows(PHOTO, *shown) == [first, second]

    # More comes on the same day, and corrects what the first photograph showed: only today's is made again.
    world.deliver("visits-2026-01-02.csv", [of("V2", "E2", "2026-01-20", "25.00", hour=1)])
    again = world.run(day=date(2026, 2, 9))
    assert again.counts(PHOTO) == {"rows": 1, "partitions": 1}
    assert world.rows(PHOTO, *shown) == [first, (date(2026, 2, 9), 1, Decimal("25.00"))]

    # A run for a day gone by leaves all of them as they were.
    world.deliver("visits-2026-01-03.csv", [of("V3", "E3", "2026-01-21", "1.00", hour=1)])
    past = world.run(day=date(2026, 2, 8))
    assert past.outcomes[PHOTO] is Outcome.CURRENT
    assert [day for day, *_ in world.rows(PHOTO, *shown)] == [date(2026, 2, 1), date(2026, 2, 9)]
