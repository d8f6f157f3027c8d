"""One failed feed from the bad file to the all-clear, and stale tables though every run is green; real Delta tables."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from engine.world import BRONZE, EPISODE, GOLD, NOON, SILVER, TABLES, Ran, World, month, of, sent
from lakehouse.engine.record import read_records, record_run
from lakehouse.engine.run import Outcome
from lakehouse.operate.alerts import Message, Phase, of_staleness, tell_failures
from lakehouse.operate.freshness import Cause, LakeFreshness, lake_freshness
from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.settings_alerts import AlertSettings, AlertTarget
from lakehouse.spec.expectations import FAIL, between
from lakehouse.spec.field import STRING, field
from lakehouse.spec.freshness import Freshness, Report
from lakehouse.spec.scopes import ReplacePartitions, snapshot
from lakehouse.spec.selection import select
from lakehouse.spec.table import table

pytestmark = pytest.mark.spark

LIMIT = Freshness(within="26 hours")
TARGETS = AlertSettings(targets={"channel": AlertTarget(kind="slack", url="env:CHANNEL_URL")})


@table(
    "gold.payer_list",
    reads={"payers": snapshot(payer_mapping)},
    fields=[field("payer_code", STRING, "standard payer", required=True)],
    write=ReplacePartitions(keys=("payer_code",)),
    freshness=LIMIT,
    reports=(Report("Payers", owner="contracting", due="09:00"),),
)
def payer_list(payers: DataFrame) -> DataFrame:
    """One row per standard payer; no feed reaches it."""
    return payers.select("payer_code").distinct()


class Watched:
    """A world whose runs leave records and whose failures are told to a channel."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        limited = [replace(t, freshness=LIMIT) for t in TABLES]
        tables = [*limited, payer_mapping, payer_list]
        self.world = World(spark, root, {"north": "plain", "south": "plain"}, tables=tables)
        self.told: list[Message] = []
        for network in ("north", "south"):
            self.world.deliver("day1.csv", [of(f"{network}-1", f"{network}-1", "2026-01-10")], network=network)

    def run(self, *names: str, must: int | None = 0) -> Ran:
        ran = self.world.run(*names, must=must)
        record_run(ran.report, self.world.lake, None)

        def post(target: AlertTarget, told: Message, timeout_seconds: float) -> None:
            self.told.append(told)

        logs = self.world.lake.logs
        assert tell_failures(TARGETS, "prod", ran.report, self.world.registry, logs, NOON, post) == []
        return ran

    def seen(self, now: datetime) -> LakeFreshness:
        lake, registry = self.world.lake, self.world.registry
        return lake_freshness(registry, list(registry.tables), lake.logs, read_records(lake.store), now)


@pytest.fixture
def watched(spark: SparkSession, tmp_path: Path) -> Watched:
    made = Watched(spark, tmp_path)
    made.run()
    return made


def test_a_failed_feed_names_its_reports_and_no_other_and_the_rerun_ends_it(watched: Watched) -> None:
    world = watched.world
    served = world.lake.logs[GOLD].version
    bad = world.deliver("day2.csv", b"visit_id\nV2\n")
    world.deliver("day2.csv", [sent("S2", amount="40.00")], network="south")
    ran = watched.run(must=1)
    assert ran.outcomes[BRONZE] is Outcome.FAILED
    assert {n for n, o in ran.outcomes.items() if o is Outcome.BLOCKED} == {SILVER, EPISODE, GOLD}
    (message,) = watched.told
    assert (message.phase, message.title, message.owners) == (
        Phase.OPENED, f"prod: {BRONZE} failed, 1 reports wait", ("finance",),
    )  # fmt: skip
    text = "\n".join(message.lines)
    assert re.findall(r"report '([^']+)'", text) == ["Charges by month"]
    assert f"{GOLD} still serves version {served}, " in text
    assert f"{SILVER} waits for 1 rows of 1 deliveries in bronze.south_visits" in text
    assert "amount 40.00 USD" in text
    command = message.lines[-1].removeprefix("rerun: lakehouse run ")

    watched.run("gold.payer_list", "bronze.south_visits")  # green, but not about the failure
    bad.unlink()
    world.deliver("day3.csv", [of("V2", "E2", "2026-01-11")])
    rerun = watched.run(*select(world.registry, [term for term in command.split() if term != "-s"]))
    assert {rerun.outcomes[n] for n in (BRONZE, SILVER, EPISODE, GOLD)} == {Outcome.BUILT}
    assert "gold.payer_list" not in rerun.outcomes
    assert [m.phase for m in watched.told] == [Phase.OPENED, Phase.OVER]
    assert watched.seen(datetime.now(UTC)).stale == ()
    assert world.rows(GOLD, "service_month", "episode_count") == [(date(2026, 1, 1), 4)]


def test_thirty_hours_after_green_runs_the_right_tables_and_reports_are_stale(watched: Watched) -> None:
    green = watched.seen(datetime.now(UTC))
    assert (green.stale, [r.stale for r in green.reports]) == ((), [(), ()])
    found = watched.seen(datetime.now(UTC) + timedelta(hours=30))
    assert {t.table: t.cause for t in found.stale} == dict.fromkeys(
        (SILVER, EPISODE, GOLD, "gold.payer_list"), Cause.DID_NOT_RUN
    )
    assert {r.report.name: [t.table for t in r.stale] for r in found.reports} == {
        "Charges by month": [SILVER, EPISODE, GOLD], "Payers": ["gold.payer_list"],
    }  # fmt: skip
    (incident,) = of_staleness(found, "prod")
    assert incident.owners == ("contracting", "finance")


def test_gold_that_breaks_a_rule_goes_on_serving_its_last_good_version(watched: Watched) -> None:
    world = watched.world
    served, rows = world.lake.logs[GOLD].version, world.rows(GOLD, "service_month", "amount", "_run_id")
    dear = replace(month, freshness=LIMIT, expectations=(between("amount", 0, 500, on_failure=FAIL),))
    world.tables = [dear if t.name == GOLD else t for t in world.tables]
    world.deliver("day2.csv", [of("V9", "E9", "2026-01-12", amount="900.00")])
    ran = watched.run(must=1)
    assert ran.outcomes[EPISODE] is Outcome.BUILT
    assert "nothing was written, since these rules do not hold: amount_between: 1 of 1 rows" in str(ran[GOLD].error)
    assert (world.lake.logs[GOLD].version, world.rows(GOLD, "service_month", "amount", "_run_id")) == (served, rows)
    text = "\n".join(watched.told[-1].lines)
    assert f"report 'Charges by month' (owner finance, due 07:00 America/New_York, in 24 hours): {GOLD} still " in text
    assert f"serves version {served}" in text
    assert f"{GOLD} waits for 1 changed rows of 1 commits in {EPISODE}" in text
