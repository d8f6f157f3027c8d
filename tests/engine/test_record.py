"""Run records, and the ops tables they are folded into exactly once."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.world import ADAPTERS, EPISODE, GOLD, SILVER, TABLES
from lakehouse.engine import record
from lakehouse.engine.check import CheckResult
from lakehouse.engine.context import BuildResult
from lakehouse.engine.ledger import LedgerLine
from lakehouse.engine.record import fold, latest_outcomes, read_records, record_run
from lakehouse.engine.run import Outcome, RunReport, TableOutcome
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry
from lakehouse.storage.lake import Lake

BUILT = BuildResult(
    SILVER,
    "merge",
    3,
    {"inserted": 2, "updated": 1},
    (CheckResult(SILVER, "amount_not_negative", "warn", 1, 3, False, ("a.csv record 1",), "north"),),
    (LedgerLine(SILVER, "merge", "", "amount", "in", "conformed", Decimal("-10.05")),),
    ("a warning",),
)
REFUSED_BY = (
    CheckResult(EPISODE, "episode_id_required", "fail", 0, 2, True),
    CheckResult(EPISODE, "visit_count_between", "fail", 1, 2, False),
)
OUTCOMES = (
    TableOutcome(SILVER, Outcome.BUILT, 1.23456, ("1 new delivery",), BUILT),
    TableOutcome(EPISODE, Outcome.FAILED, 0.5, error="it went wrong", exit_code=1, refused_by=REFUSED_BY),
    TableOutcome(GOLD, Outcome.BLOCKED, blocked_by=(EPISODE,)),
)
NOTHING = tuple(TableOutcome(n, Outcome.CURRENT) for n in (SILVER, EPISODE, GOLD))


def report(run_id: str, day: int = 1, outcomes: tuple[TableOutcome, ...] = OUTCOMES) -> RunReport:
    at = datetime(2026, 2, day, 6, tzinfo=UTC)
    return RunReport(Request(run_id, date(2026, 2, day), at), "test", outcomes, 2.5)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LakeSettings(root=str(tmp_path)))


def test_a_record_reads_back_as_it_was_written(lake: Lake) -> None:
    record_run(report("r1"), lake, None)
    (read,) = read_records(lake.store)
    assert (read["run_id"], read["logical_date"], read["exit_code"], read["nothing_due"]) == (
        "r1",
        "2026-02-01",
        1,
        False,
    )
    built, failed, blocked = record.tables_of(read)
    assert (built["table"], built["outcome"], built["kind"], built["version"]) == (SILVER, "built", "merge", 3)
    assert built["counts"] == {"inserted": 2, "updated": 1}
    assert built["warnings"] == ["a warning"]
    assert record._listed(built, "ledger")[0]["amount"] == "-10.05"
    assert (failed["error"], failed["kind"], failed["counts"]) == ("it went wrong", None, {})
    assert blocked["blocked_by"] == [EPISODE]


def test_a_run_without_work_leaves_a_record_too(lake: Lake) -> None:
    record_run(report("r1", outcomes=NOTHING), lake, None)
    (read,) = read_records(lake.store)
    assert (read["nothing_due"], read["tables"], read["exit_code"]) == (True, [], 0)


def test_records_come_newest_first_and_not_more_than_asked_for(lake: Lake) -> None:
    for day in (2, 10, 1):
        record_run(report(f"r{day}", day), lake, None)
    assert [r["run_id"] for r in read_records(lake.store)] == ["r10", "r2", "r1"]
    assert [r["run_id"] for r in read_records(lake.store, limit=2)] == ["r10", "r2"]
    assert read_records(Lake(LakeSettings(root=lake.settings.root + "/none")).store) == []


def test_the_latest_outcome_of_a_table_is_that_of_the_newest_record_that_names_it(lake: Lake) -> None:
    record_run(report("r1", 1), lake, None)
    record_run(report("r2", 2, (TableOutcome(EPISODE, Outcome.BUILT, result=BUILT), *NOTHING[2:])), lake, None)
    registry = Registry.of(TABLES, {"north": NetworkSettings(adapter="plain")}, ADAPTERS)
    assert latest_outcomes(registry, read_records(lake.store)) == {SILVER: "built", EPISODE: "built", GOLD: "blocked"}


@pytest.mark.spark
def test_every_record_is_folded_exactly_once_even_after_a_crash_between_two_tables(
    lake: Lake, spark: SparkSession
) -> None:
    record_run(report("r1", 1), lake, None)
    record_run(report("r2", 2, NOTHING), lake, None)
    # A crash after the first of the three ops tables: only its part is done.
    runs_table = record.Layout(name="ops.run", fields=record._RUN_FIELDS)
    record._fold_into(lake, spark.newSession(), "r2", runs_table, record._run_rows)

    record_run(report("r3", 3), Lake(lake.settings), spark)
    runs = lake.read(spark, "ops.run").collect()
    named = sorted((r["run_id"], r["table_name"] or "", r["outcome"]) for r in runs)
    three = [(SILVER, "built"), (EPISODE, "failed"), (GOLD, "blocked")]
    assert named == sorted([("r2", "", "nothing_due"), *[(run, t, o) for run in ("r1", "r3") for t, o in three]])
    silver = next(r for r in runs if r["run_id"] == "r3" and r["table_name"] == SILVER)
    assert (silver["version"], silver["counts"], silver["seconds"]) == (3, {"inserted": 2, "updated": 1}, 1.235)
    checks = lake.read(spark, "ops.check_result").collect()
    refused = [(EPISODE, "episode_id_required", "-", True), (EPISODE, "visit_count_between", "-", False)]
    assert sorted((c["run_id"], c["table_name"], c["rule"], c["network"], c["holds"]) for c in checks) == sorted(
        (run, *told) for run in ("r1", "r3") for told in [(SILVER, "amount_not_negative", "north", False), *refused]
    )
    warned = next(c for c in checks if c["table_name"] == SILVER)
    assert (warned["failed"], warned["total"], warned["on_failure"]) == (1, 3, "warn")
    assert (warned["places"], warned["checked_at"].day) == (["a.csv record 1"], 1 if warned["run_id"] == "r1" else 3)
    ledger = lake.read(spark, "ops.ledger").collect()
    assert sorted((entry["run_id"], entry["amount"]) for entry in ledger) == [
        ("r1", Decimal("-10.05")),
        ("r3", Decimal("-10.05")),
    ]

    before = {n: lake.logs.forget(n).version for n in ("ops.run", "ops.check_result", "ops.ledger")}
    fold(Lake(lake.settings), spark.newSession(), "again")
    assert {n: lake.logs.forget(n).version for n in before} == before


@pytest.mark.spark
def test_a_record_of_an_earlier_day_is_still_folded(lake: Lake, spark: SparkSession) -> None:
    record_run(report("r5", 5, NOTHING), lake, spark)
    record_run(report("backfill", 1, NOTHING), lake, None)
    fold(Lake(lake.settings), spark.newSession(), "later")
    assert sorted(r["run_id"] for r in lake.read(spark, "ops.run").collect()) == ["backfill", "r5"]
