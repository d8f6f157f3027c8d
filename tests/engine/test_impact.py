"""What a failure touches, from the graph and hand-written logs."""

from datetime import timedelta
from pathlib import Path

import pytest

from engine.logs import WRITTEN_AT, HandLog, delivery
from engine.world import ADAPTERS, BRONZE, EPISODE, GOLD, SILVER, TABLES
from lakehouse.engine.impact import Serving, Waiting, impact_of, message, rerun_command, until
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.store import Store

SOUTH = "bronze.south_visits"
REGISTRY = Registry.of(TABLES, {n: NetworkSettings(adapter="plain") for n in ("north", "south")}, ADAPTERS)


def logs(root: Path) -> Logs:
    return Logs(Store(str(root)))


def test_a_failure_touches_what_reads_it_near_and_far(tmp_path: Path) -> None:
    impact = impact_of([SILVER], REGISTRY, logs(tmp_path))
    assert impact.origins == (SILVER,)
    assert [s.table for s in impact.tables] == [EPISODE, GOLD]
    assert impact.rerun == f"lakehouse run -s {SILVER}+"


def test_a_failed_gold_table_touches_its_own_report(tmp_path: Path) -> None:
    impact = impact_of([GOLD], REGISTRY, logs(tmp_path))
    assert impact.tables == ()
    assert [r.report.name for r in impact.reports] == ["Charges by month"]


def test_the_last_version_that_changed_rows_still_serves(tmp_path: Path) -> None:
    gold = HandLog(tmp_path, GOLD)
    gold.build()
    gold.build()
    gold.build(data=None)
    serving = impact_of([SILVER], REGISTRY, logs(tmp_path)).reports[0].serving
    assert (serving.table, serving.version) == (GOLD, 1)
    assert serving.built_at == WRITTEN_AT + timedelta(milliseconds=1)


def test_a_table_that_was_never_built_serves_nothing(tmp_path: Path) -> None:
    impact = impact_of([SILVER], REGISTRY, logs(tmp_path))
    assert impact.reports[0].serving == Serving(GOLD, None, None)
    assert "nothing to serve yet" in message(impact, WRITTEN_AT)[2]


@pytest.mark.parametrize(
    ("failed", "command"),
    [
        ([BRONZE], f"-s {BRONZE}+"),
        ([BRONZE, SILVER, GOLD], f"-s {BRONZE}+"),
        ([BRONZE, SOUTH], f"-s {BRONZE}+ -s {SOUTH}+"),
        ([EPISODE], f"-s {EPISODE}+"),
    ],
)
def test_the_shortest_rerun_names_no_table_twice(failed: list[str], command: str) -> None:
    assert rerun_command(failed, REGISTRY) == f"lakehouse run {command}"


def test_the_message_can_be_forwarded(tmp_path: Path) -> None:
    HandLog(tmp_path, GOLD).build()
    lines = message(impact_of([BRONZE], REGISTRY, logs(tmp_path)), WRITTEN_AT + timedelta(hours=30))
    assert lines == [
        f"failed: {BRONZE}",
        f"waiting: {SILVER}, {EPISODE}, {GOLD}",
        "report 'Charges by month' (owner finance, due 07:00 America/New_York, in 24 hours): "
        f"{GOLD} still serves version 0, 30 hours old",
        f"rerun: lakehouse run -s {BRONZE}+",
    ]


def test_rows_that_landed_and_are_not_merged_wait(tmp_path: Path) -> None:
    north, south = HandLog(tmp_path, BRONZE), HandLog(tmp_path, SOUTH)
    north.land(delivery("a.csv", "2026-01-05", rows=5))
    HandLog(tmp_path, SILVER).build(consumed={BRONZE: 0})
    north.land(delivery("b.csv", "2026-01-06", rows=7), delivery("c.csv", "2026-01-06", rows=1000))
    north.land(delivery("b.csv", "2026-01-06", rows=7, repeats=True))
    south.land(delivery("a.csv", "2026-01-05", rows=2))
    waiting = impact_of([SILVER], REGISTRY, logs(tmp_path)).waiting
    assert waiting == (Waiting(SILVER, BRONZE, 2, 1007), Waiting(SILVER, SOUTH, 1, 2))
    assert impact_of([GOLD], REGISTRY, logs(tmp_path)).waiting == ()
    told = message(impact_of([BRONZE], REGISTRY, logs(tmp_path)), WRITTEN_AT)
    assert f"{SILVER} waits for 1,007 rows of 2 deliveries in {BRONZE}" in told


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "0 minutes"), (59, "59 minutes"), (60, "1 hours"), (600, "10 hours")]
)
def test_how_long_it_is_until_a_report_is_due(minutes: int, words: str) -> None:
    assert until(WRITTEN_AT + timedelta(minutes=minutes), WRITTEN_AT) == f"in {words}"


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (timedelta(minutes=0), "0 minutes old"),
        (timedelta(minutes=59), "59 minutes old"),
        (timedelta(hours=1), "1 hours old"),
        (timedelta(hours=47), "47 hours old"),
        (timedelta(hours=48), "2 days old"),
        (timedelta(days=40), "40 days old"),
    ],
)
def test_an_age_is_said_in_its_largest_fitting_unit(age: timedelta, words: str) -> None:
    assert Serving(GOLD, 0, WRITTEN_AT).age(WRITTEN_AT + age) == words
