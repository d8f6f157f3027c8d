"""What goes wrong with deliveries, and what still gets built."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.story import MARK
from engine.world import BRONZE, EPISODE, GOLD, SILVER, TO_SILVER, World, csv_of, sent
from lakehouse.engine.impact import impact_of, message
from lakehouse.engine.run import Outcome
from lakehouse.storage.store import quarantine_of

pytestmark = pytest.mark.spark
PAYERS = "bronze.south_payers"
SOUTH = "bronze.south_visits"


def test_a_missing_required_column_stops_its_feed_before_any_commit_and_the_rest_is_built(
    spark: SparkSession, tmp_path: Path
) -> None:
    world = World(spark, tmp_path, {"north": "plain", "south": "coded"})
    bad = {k: v for k, v in sent(f"{MARK}1").items() if k != "amount"}
    world.deliver("visits-2026-01-01.csv", [bad])
    world.deliver("payers.csv", [{"payer_code": "A", "payer_name": "Aetna"}], network="south", feed="payers")
    ran = world.run(must=1)
    assert ran.outcomes == {
        BRONZE: Outcome.FAILED,
        SOUTH: Outcome.CURRENT,
        PAYERS: Outcome.BUILT,
        SILVER: Outcome.BLOCKED,
        EPISODE: Outcome.BLOCKED,
        GOLD: Outcome.BLOCKED,
    }
    error = ran[BRONZE].error
    assert error is not None
    assert "amount" in error
    assert "visits-2026-01-01.csv" in error
    assert MARK not in error
    assert ran[SILVER].blocked_by == (BRONZE,)
    assert {n: v for n, v in world.versions().items() if v >= 0} == {PAYERS: 1}
    impact = impact_of([o.table for o in ran.report.failed], world.registry, world.lake.logs)
    lines = message(impact, ran.report.request.started_at)
    assert lines[1] == f"waiting: {SILVER}, {EPISODE}, {GOLD}"
    assert "report 'Charges by month' (owner finance" in lines[2]
    assert lines[3] == f"rerun: lakehouse run -s {BRONZE}+"

    world.deliver("visits-2026-01-01.csv", [sent("V1")])
    assert world.run()[GOLD].outcome is Outcome.BUILT


def test_one_bad_file_keeps_the_good_ones_of_its_feed_out_too(world: World) -> None:
    world.deliver("a.csv", [sent("V1")])
    world.deliver("b.csv", b"visit_id\nV2\n")
    assert world.run(BRONZE, must=1)[BRONZE].outcome is Outcome.FAILED
    assert world.lake.logs[BRONZE].deliveries() == []


def test_broken_records_are_set_aside_with_their_text_and_number(world: World) -> None:
    header, first, second = csv_of([sent("V1"), sent("V2")]).splitlines()
    world.deliver("visits-2026-01-01.csv", b"\n".join([header, first, f"{MARK},too,few".encode(), second, b""]))
    ran = world.run(*TO_SILVER)
    assert ran.counts(BRONZE) == {"deliveries": 1, "rows": 2, "rejected": 1}
    (warning,) = ran.result(BRONZE).warnings
    assert warning == "visits/visits-2026-01-01.csv: 1 records could not be decoded and were set aside"
    ((number, text, line, source, status),) = world.rows(
        quarantine_of(BRONZE), "_row_number", "row['_text']", "row['_line']", "_source", "_status"
    )
    assert (number, text, line) == (2, f"{MARK},too,few", "3")
    assert (source, status) == ("visits/visits-2026-01-01.csv", "open")
    assert world.rows(SILVER, "visit_id", "_row_number") == [("V1", 1), ("V2", 3)]
    assert world.run(*TO_SILVER).report.nothing_due
    assert MARK not in world.log_text()


def test_an_extra_column_is_kept_aside_and_said(world: World) -> None:
    text = io.StringIO()
    rows = [sent("V1", mood="good", Old_Name="x"), sent("V2", mood="", Old_Name="")]
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    world.deliver("visits-2026-01-01.csv", text.getvalue().encode())
    ran = world.run(*TO_SILVER)
    (warning,) = ran.result(BRONZE).warnings
    assert warning.startswith("visits/visits-2026-01-01.csv: undeclared columns kept in _rescued: ")
    assert "mood" in warning
    assert world.rows(BRONZE, "visit_id", "_rescued['mood']") == [("V1", "good"), ("V2", "")]
    assert world.rows(SILVER, "visit_id", "amount") == [("V1", Decimal("100.00")), ("V2", Decimal("100.00"))]


def test_a_network_that_delivered_nothing_builds_empty_tables(world: World) -> None:
    ran = world.run()
    assert ran.outcomes[BRONZE] is Outcome.CURRENT
    assert (world.rows(SILVER, "visit_id"), world.rows(EPISODE, "episode_id"), world.rows(GOLD, "amount")) == (
        [],
        [],
        [],
    )
    assert world.run().report.nothing_due
