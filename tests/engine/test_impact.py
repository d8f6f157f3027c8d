"""What a failure touches, from the graph and hand-written logs."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import CommitProperties, write_deltalake

from engine.logs import WRITTEN_AT, HandLog, delivery
from engine.world import ADAPTERS, BRONZE, EPISODE, GOLD, SILVER, TABLES
from lakehouse.engine.impact import Serving, Waiting, impact_of, message, rerun_command
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.notes import CommitNote, TableState
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
    days = ("_ingest_date=2026-02-01",)
    assert waiting == (Waiting(SILVER, BRONZE, 2, 1007, days), Waiting(SILVER, SOUTH, 1, 2, days))
    assert impact_of([GOLD], REGISTRY, logs(tmp_path)).waiting == ()
    told = message(impact_of([BRONZE], REGISTRY, logs(tmp_path)), WRITTEN_AT)
    assert f"{SILVER} waits for 1,007 rows of 2 deliveries in {BRONZE} (_ingest_date=2026-02-01)" in told


def test_the_money_of_landed_rows_that_wait_is_told_as_sent(tmp_path: Path) -> None:
    HandLog(tmp_path, SILVER).build(consumed={BRONZE: 0})
    rows = [("2026-02-01", "batch of a.csv", "1000.00")]  # merged before
    rows += [("2026-02-02", "batch of b.csv", text) for text in ("$1,000.25", "(0.25)", "5-", "unknown", None)]
    columns = ("_ingest_date", "_batch_id", "amount")
    for index, name in enumerate(("a.csv", "b.csv")):
        landed = delivery(name, "2026-02-01", ingested=f"2026-02-0{index + 1}", rows=5)
        note = CommitNote("run", "land", TableState(), (landed,))
        own = [dict(zip(columns, row, strict=True)) for row in rows if row[1] == landed.batch_id]
        write_deltalake(
            str(tmp_path / "bronze" / "north_visits"),
            pa.Table.from_pylist(own, pa.schema([(c, pa.string()) for c in columns])),
            mode="append",
            partition_by=["_ingest_date"],
            commit_properties=CommitProperties(custom_metadata={"userMetadata": note.to_json()}),
        )
    found = impact_of([SILVER], REGISTRY, logs(tmp_path))
    days = ("_ingest_date=2026-02-02",)
    assert found.waiting == (Waiting(SILVER, BRONZE, 1, 5, days, {"amount": Decimal("995.00")}),)
    assert message(found, WRITTEN_AT)[2].endswith("(_ingest_date=2026-02-02): amount 995.00 USD")


def test_changes_that_a_derived_table_has_not_followed_wait_with_their_partitions(tmp_path: Path) -> None:
    visits = HandLog(tmp_path, SILVER)
    visits.build(counts={"inserted": 9}, partitions={"_period": "2024"})
    HandLog(tmp_path, EPISODE).build(consumed={SILVER: 0})
    for year in ("2027", "2025", "2026", "2028"):
        visits.build(counts={"inserted": 2, "updated": 1, "unchanged": 90}, partitions={"_period": year})
    visits.build(data=None, counts={"unchanged": 7})
    found = impact_of([EPISODE], REGISTRY, logs(tmp_path))
    years = tuple(f"_period={year}" for year in range(2025, 2029))
    assert found.waiting == (Waiting(EPISODE, SILVER, 4, 12, years),)
    assert message(found, WRITTEN_AT)[2] == (
        f"{EPISODE} waits for 12 changed rows of 4 commits in {SILVER} (_period=2025, _period=2026, _period=2027 and "
        "1 more partitions)"
    )


def test_a_log_that_cannot_be_read_hides_nothing_of_the_rest(tmp_path: Path) -> None:
    north, gold = HandLog(tmp_path, BRONZE), HandLog(tmp_path, GOLD)
    north.land(delivery("a.csv", "2026-01-05", rows=5))
    for log in (HandLog(tmp_path, SILVER), gold):
        log.file(log.build()).write_text("")
    found = impact_of([SILVER], REGISTRY, logs(tmp_path))
    days = ("_ingest_date=2026-02-01",)
    assert (found.waiting, found.rerun) == ((Waiting(SILVER, BRONZE, 1, 5, days),), f"lakehouse run -s {SILVER}+")
    assert found.reports[0].serving == Serving(GOLD, None, None, is_known=False)
    assert "serves a version of unknown age: its log cannot be read" in message(found, WRITTEN_AT)[3]
    gold.file(0).unlink()
    assert "nothing to serve yet" in message(impact_of([SILVER], REGISTRY, logs(tmp_path)), WRITTEN_AT)[3]


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
