"""What lies on disk: protocol, properties, statistics; and a reader that is not Spark."""

import json
from datetime import date

import pyarrow as pa
import pytest
from deltalake import DeltaTable, QueryBuilder

from engine.story import MARK, Story
from engine.world import BRONZE, BUSINESS, EPISODE, GOLD, SILVER
from independent_reader import delta_reader
from lakehouse.engine.plan import TOKEN_KEY_INPUT
from lakehouse.storage.store import quarantine_of

pytestmark = pytest.mark.spark
ALL = (BRONZE, SILVER, EPISODE, GOLD, quarantine_of(SILVER))


def test_only_merged_tables_need_a_reader_of_deletion_vectors(story: Story) -> None:
    logs = story.world.lake.logs
    assert {name: logs[name].protocol()[0] for name in ALL} == {
        BRONZE: 1, SILVER: 3, EPISODE: 3, GOLD: 1, quarantine_of(SILVER): 1
    }  # fmt: skip


def test_how_long_the_past_is_kept_is_a_property(story: Story) -> None:
    kept = {name: story.world.lake.logs[name].properties() for name in ALL}
    assert kept[BRONZE]["delta.logRetentionDuration"] == "interval 3650 days"
    assert kept[BRONZE]["delta.deletedFileRetentionDuration"] == "interval 3650 days"
    for name in (SILVER, EPISODE, GOLD):
        assert kept[name]["delta.logRetentionDuration"] == "interval 400 days"
        assert kept[name]["delta.deletedFileRetentionDuration"] == "interval 35 days"


def test_only_silver_keeps_a_change_feed(story: Story) -> None:
    found = {name: story.world.lake.logs[name].properties()["delta.enableChangeDataFeed"] for name in ALL[:4]}
    assert found == {BRONZE: "false", SILVER: "true", EPISODE: "true", GOLD: "false"}


def test_statistics_are_kept_of_columns_that_name_nobody(story: Story) -> None:
    columns = {n: set(story.world.lake.logs[n].properties()["delta.dataSkippingStatsColumns"].split(",")) for n in ALL}
    assert columns[SILVER] == {"service_date", "modified_at", "_batch_id"}
    assert columns[BRONZE] == {"_batch_id", "_delivered_at", "_ingested_at"}
    assert columns[EPISODE] == {"service_month", "due_date"}


def test_statistics_are_written_of_exactly_these_columns(story: Story) -> None:
    found: set[str] = set()
    for file in (story.world.root / "lake" / "silver" / "visit" / "_delta_log").glob("*.json"):
        for line in file.read_text().splitlines():
            stats = json.loads(json.loads(line).get("add", {}).get("stats") or "{}")
            found |= set(stats.get("minValues", {})) | set(stats.get("maxValues", {}))
    assert found == {"service_date", "modified_at", "_batch_id"}


def test_no_marked_value_stands_in_any_file_of_any_log(story: Story) -> None:
    files = [f for f in (story.world.root / "lake").rglob("_delta_log/**/*") if f.is_file()]
    assert len(files) > 20
    assert not [f for f in files if MARK.encode() in f.read_bytes()]


def test_no_marked_value_stands_in_a_path(story: Story) -> None:
    paths = [str(f.relative_to(story.world.root)) for f in (story.world.root / "lake").rglob("*")]
    assert any("_period=2026" in p for p in paths)
    assert not [p for p in paths if MARK in p]


def test_silver_lies_by_year_and_bronze_by_day(story: Story) -> None:
    logs = story.world.lake.logs
    assert {n: logs[n].partition_columns() for n in (BRONZE, SILVER, EPISODE, GOLD)} == {
        BRONZE: ["_ingest_date"], SILVER: ["_period"], EPISODE: [], GOLD: []
    }  # fmt: skip
    assert story.world.rows(BRONZE, "count(DISTINCT _ingest_date)") == [(4,)]


def test_every_commit_repeats_the_state(story: Story) -> None:
    log = story.world.lake.logs[SILVER]
    notes = [c.note for c in log.newest_first() if c.operation != "CREATE TABLE"]
    assert all(n is not None for n in notes)
    sequences = [n.state.sequence for n in reversed(notes) if n is not None]
    assert sequences == list(range(1, len(sequences) + 1))
    assert log.state.consumed == {BRONZE: story.world.lake.logs[BRONZE].version, TOKEN_KEY_INPUT: "1"}


def test_readers_that_are_not_spark_see_the_same_rows_through_deletion_vectors(story: Story) -> None:
    place = story.world.lake.store.table(SILVER)
    log_text = "".join(f.read_text() for f in (story.world.root / "lake/silver/visit/_delta_log").glob("*.json"))
    assert '"deletionVector":{' in log_text
    columns = [c for c in BUSINESS if c != "modified_at"]
    expected = story.world.rows(SILVER, *columns)
    by_delta_rs = QueryBuilder().register("visit", DeltaTable(place)).execute(f"SELECT {', '.join(columns)} FROM visit")
    assert sorted((tuple(r.values()) for r in pa.table(by_delta_rs.read_all()).to_pylist()), key=repr) == expected
    by_duckdb = delta_reader().sql(f"SELECT {', '.join(columns)} FROM delta_scan('{place}')").fetchall()
    assert sorted(by_duckdb, key=repr) == expected
    assert len(expected) == 10
    assert isinstance(expected[0][BUSINESS.index("service_date")], date)
