"""What is stale, and why, from hand-written logs and run records; the clock is an argument."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from engine.logs import WRITTEN_AT, HandLog, delivery
from engine.world import ADAPTERS, BRONZE, EPISODE, GOLD, SILVER, TABLES
from lakehouse.engine.record import Record
from lakehouse.operate.freshness import Cause, LakeFreshness, age_text, lake_freshness
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.due_time import WORKDAYS
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.store import Store

LIMIT = Freshness(within="26 hours")
LIMITED_TABLES = [replace(table, freshness=LIMIT) for table in TABLES]
REGISTRY = Registry.of(LIMITED_TABLES, {"north": NetworkSettings(adapter="plain")}, ADAPTERS)
LIMITED = [name for name in REGISTRY.tables if REGISTRY[name].freshness is not None]
HOUR = timedelta(hours=1)


def built(root: Path) -> None:
    """Every table, at `WRITTEN_AT`."""
    for name in REGISTRY.tables:
        log = HandLog(root, name)
        if name.startswith("bronze."):
            log.land(delivery("visits.csv", "2026-02-01"))
        else:
            log.build()


def told(table: str, outcome: str, *blocked_by: str) -> dict[str, object]:
    """A table's part of a run record."""
    return {"table": table, "outcome": outcome, "blocked_by": list(blocked_by)}


def record(started: datetime, *tables: dict[str, object], current: Sequence[str] = ()) -> Record:
    """A run's record."""
    run_id = f"{started:%d} at {started:%H}"
    return {"run_id": run_id, "started_at": started.isoformat(), "tables": list(tables), "current": list(current)}


def seen(root: Path, now: datetime, *records: Record) -> LakeFreshness:
    return lake_freshness(REGISTRY, list(REGISTRY.tables), Logs(Store(str(root))), records, now)


def test_some_tables_of_the_world_state_a_limit() -> None:
    assert {SILVER, GOLD} <= set(LIMITED)


def test_what_was_just_built_is_fresh(tmp_path: Path) -> None:
    built(tmp_path)
    found = seen(tmp_path, WRITTEN_AT + HOUR)
    assert (found.stale, [r.stale for r in found.reports]) == ((), [()])
    assert [t.table for t in found.tables] == LIMITED


@pytest.mark.parametrize(("hours", "is_stale"), [(26, False), (27, True)])
def test_the_clock_makes_tables_stale_though_every_run_succeeded(tmp_path: Path, hours: int, is_stale: bool) -> None:
    built(tmp_path)
    green = record(WRITTEN_AT, *[told(name, "built") for name in REGISTRY.tables])
    found = seen(tmp_path, WRITTEN_AT + hours * HOUR, green)
    assert {t.table: t.cause for t in found.stale} == (dict.fromkeys(LIMITED, Cause.DID_NOT_RUN) if is_stale else {})
    assert all(bool(r.stale) is is_stale for r in found.reports)


def test_a_table_with_a_due_time_is_stale_once_one_passes_without_a_look_since_the_one_before(tmp_path: Path) -> None:
    built(tmp_path)  # on a Sunday at 06:00 UTC
    limited = [replace(t, freshness=Freshness(due="07:00", zone="UTC", weekdays=WORKDAYS)) for t in TABLES]
    registry = Registry.of(limited, {"north": NetworkSettings(adapter="plain")}, ADAPTERS)
    logs, monday = Logs(Store(str(tmp_path))), WRITTEN_AT + 25 * HOUR
    assert lake_freshness(registry, [GOLD], logs, [], monday + 23 * HOUR).stale == ()
    late = monday + 24 * HOUR
    assert [t.cause for t in lake_freshness(registry, [GOLD], logs, [], late).stale] == [Cause.DID_NOT_RUN]
    assert lake_freshness(registry, [GOLD], logs, [record(monday + HOUR, current=[GOLD])], late).stale == ()


def test_sources_that_sent_nothing_are_told_from_runs_that_did_not_run(tmp_path: Path) -> None:
    built(tmp_path)
    limited = [replace(t, freshness=Freshness("26 hours", data_within="2 days")) for t in TABLES]
    registry = Registry.of(limited, {"north": NetworkSettings(adapter="plain")}, ADAPTERS)
    now, logs = WRITTEN_AT + 50 * HOUR, Logs(Store(str(tmp_path)))
    looked = record(now - HOUR, current=list(registry.tables))
    causes = {t.cause for t in lake_freshness(registry, [GOLD], logs, [looked], now).stale}
    assert causes == {Cause.NOTHING_SENT}
    assert lake_freshness(registry, [GOLD], logs, [looked], now - 8 * HOUR).stale == ()


def test_a_run_that_found_nothing_to_do_keeps_tables_fresh(tmp_path: Path) -> None:
    built(tmp_path)
    looked = record(WRITTEN_AT + 24 * HOUR, current=list(REGISTRY.tables))
    assert seen(tmp_path, WRITTEN_AT + 30 * HOUR, looked).stale == ()


def test_a_run_of_other_tables_confirms_nothing_else(tmp_path: Path) -> None:
    built(tmp_path)
    looked = record(WRITTEN_AT + 24 * HOUR, current=[SILVER])
    stale = {t.table for t in seen(tmp_path, WRITTEN_AT + 30 * HOUR, looked).stale}
    assert stale == set(LIMITED) - {SILVER}


def test_a_failed_and_a_blocked_build_are_told_apart(tmp_path: Path) -> None:
    built(tmp_path)
    waiting = (told(EPISODE, "blocked", SILVER), told(GOLD, "blocked", EPISODE))
    later = record(WRITTEN_AT + 24 * HOUR, told(SILVER, "failed"), *waiting)
    found = {t.table: (t.cause, t.detail) for t in seen(tmp_path, WRITTEN_AT + 30 * HOUR, later).stale}
    assert found[SILVER] == (Cause.FAILED, "run 02 at 06")
    assert found[GOLD] == (Cause.BLOCKED, EPISODE)


def test_a_failure_before_the_newest_build_is_past(tmp_path: Path) -> None:
    built(tmp_path)
    past = record(WRITTEN_AT - HOUR, told(SILVER, "failed"))
    found = {t.table: t.cause for t in seen(tmp_path, WRITTEN_AT + 30 * HOUR, past).stale}
    assert found[SILVER] is Cause.DID_NOT_RUN


def test_a_table_that_was_never_built_is_stale(tmp_path: Path) -> None:
    found = seen(tmp_path, WRITTEN_AT)
    assert {t.cause for t in found.tables} == {Cause.NEVER_BUILT}
    looked = seen(tmp_path, WRITTEN_AT, record(WRITTEN_AT, current=[SILVER]))
    assert {t.cause for t in looked.tables} == {Cause.NEVER_BUILT}


def test_the_report_names_the_tables_that_make_it_stale_and_when_it_is_due(tmp_path: Path) -> None:
    built(tmp_path)
    looked = record(WRITTEN_AT + 29 * HOUR, current=[name for name in REGISTRY.tables if name != SILVER])
    (report,) = seen(tmp_path, WRITTEN_AT + 30 * HOUR, looked).reports
    assert ([t.table for t in report.stale], report.table) == ([SILVER], GOLD)
    assert report.due_at == report.report.due_after(WRITTEN_AT + 30 * HOUR)


def test_the_newest_delivery_of_what_a_table_is_made_of(tmp_path: Path) -> None:
    built(tmp_path)
    HandLog(tmp_path, BRONZE).land(delivery("late.csv", "2026-01-30"))
    assert {t.delivered_at for t in seen(tmp_path, WRITTEN_AT).tables if t.table == GOLD} == {WRITTEN_AT - 6 * HOUR}


@pytest.mark.parametrize(
    ("age", "text"), [(timedelta(minutes=59), "59 minutes"), (47 * HOUR, "47 hours"), (72 * HOUR, "3 days")]
)
def test_ages_in_words(age: timedelta, text: str) -> None:
    assert age_text(WRITTEN_AT, WRITTEN_AT + age) == text


def test_no_age_is_never() -> None:
    assert age_text(None, WRITTEN_AT) == "never"
