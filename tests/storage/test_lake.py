"""Delta tables through Spark: created as declared, written once, proved after each write."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.errors import CommitError, SchemaError
from lakehouse.settings import LakeSettings
from lakehouse.spec.field import ACCOUNT, DATE, INT, LONG, STRING, field
from lakehouse.storage.lake import Lake, Layout, MergeShape, in_literals
from lakehouse.storage.notes import CommitNote, TableState

NAME = "silver.thing"
LAYOUT = Layout(
    NAME,
    (
        field("thing_id", STRING, "the thing's name", phi=ACCOUNT),
        field("seen_date", DATE, "day"),
        field("weight", LONG, "it's heavy", unit="kg"),
        field("year", INT, "partition"),
    ),
    partition_by="year",
    not_null=("thing_id",),
    change_feed=True,
    merge_on_read=True,
)
COLUMNS = "thing_id string, seen_date date, weight long, year int"
Values = tuple[str, date | None, int | None, int | None]


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(LakeSettings(root=str(tmp_path)))


def things(spark: SparkSession, *rows: Values) -> DataFrame:
    return spark.createDataFrame(list(rows), COLUMNS)


def changes(spark: SparkSession, *rows: tuple[str, date | None, int | None, int | None, bool]) -> DataFrame:
    return spark.createDataFrame(list(rows), f"{COLUMNS}, _is_removal boolean")


def note(sequence: int, run: str = "run-1", epoch: int = 0) -> CommitNote:
    return CommitNote(run, "append", TableState(epoch=epoch, sequence=sequence))


def stored(lake: Lake, spark: SparkSession, version: int | None = None) -> list[tuple[object, ...]]:
    rows = lake.read(spark, NAME, version=version).select("thing_id", "weight", "year").collect()
    return sorted(tuple(r) for r in rows)


@pytest.mark.spark
def test_a_table_is_created_once_as_declared(lake: Lake, spark: SparkSession) -> None:
    assert not lake.exists(NAME)
    lake.ensure(spark, LAYOUT)
    lake.ensure(spark, LAYOUT)
    log = lake.logs[NAME]
    assert log.version == 0
    assert (log.protocol()[0], log.partition_columns()) == (3, ["year"])
    assert log.properties()["delta.dataSkippingStatsColumns"] == "seen_date"
    schema = lake.read(spark, NAME).schema
    assert [f.name for f in schema.fields] == ["thing_id", "seen_date", "weight", "year"]
    assert schema["weight"].metadata["comment"] == "it's heavy [kg]"


@pytest.mark.spark
def test_without_merge_on_read_every_delta_reader_can_read_it(lake: Lake, spark: SparkSession) -> None:
    lake.ensure(spark, replace(LAYOUT, merge_on_read=False))
    lake.append(spark, NAME, things(spark, ("a", date(2026, 1, 1), 1, 2026), ("b", None, 2, 2026)), note(1))
    shape = MergeShape(("thing_id",), "year", (2026,))
    lake.merge(spark, NAME, changes(spark, ("a", None, 9, 2026, False)), shape, note(2))
    assert lake.logs[NAME].protocol()[0] == 1
    assert stored(lake, spark) == [("a", 9, 2026), ("b", 2, 2026)]


@pytest.mark.spark
def test_a_table_without_a_column_for_statistics_has_none(lake: Lake, spark: SparkSession) -> None:
    lake.ensure(spark, Layout("gold.names", (field("thing_id", STRING, "name", phi=ACCOUNT),)))
    properties = lake.logs["gold.names"].properties()
    assert properties["delta.dataSkippingNumIndexedCols"] == "0"
    assert "delta.dataSkippingStatsColumns" not in properties


@pytest.mark.spark
def test_a_declaration_may_gain_columns_and_neither_lose_nor_retype_them(lake: Lake, spark: SparkSession) -> None:
    lake.ensure(spark, LAYOUT)
    lake.append(spark, NAME, things(spark, ("a", None, 1, 2026)), note(1))
    lake.ensure(spark, replace(LAYOUT, fields=(*LAYOUT.fields, field("colour", STRING, "what it's like"))))
    (row,) = lake.read(spark, NAME).collect()
    assert (row["thing_id"], row["colour"]) == ("a", None)
    assert lake.logs[NAME].state.sequence == 1
    with pytest.raises(SchemaError, match=r"silver\.thing: .*dropped \(colour\) or retyped \(none\)"):
        lake.ensure(spark, LAYOUT)
    texts = field("weight", STRING, "text now")
    with pytest.raises(SchemaError, match=r"retyped \(weight\)"):
        lake.ensure(spark, replace(LAYOUT, fields=tuple(texts if f.name == "weight" else f for f in LAYOUT.fields)))


@pytest.mark.spark
def test_a_write_that_delta_skips_is_an_error(lake: Lake, spark: SparkSession) -> None:
    lake.ensure(spark, LAYOUT)
    rows = things(spark, ("a", None, 1, 2026))
    assert lake.append(spark, NAME, rows, note(1)) == 1
    with pytest.raises(CommitError, match=r"silver\.thing: run run-2 wrote sequence 1, but no commit after version 1"):
        lake.append(spark, NAME, rows, note(1, run="run-2"))
    assert stored(lake, spark) == [("a", 1, 2026)]
    # A higher epoch starts its own numbers.
    assert lake.append(spark, NAME, rows, note(1, run="run-3", epoch=1)) == 2
    shape = MergeShape(("thing_id",), "year", (2026,))
    with pytest.raises(CommitError):
        lake.merge(spark, NAME, changes(spark, ("a", None, 7, 2026, False)), shape, note(1, run="run-4", epoch=1))
    assert 7 not in [weight for _, weight, _ in stored(lake, spark)]


@pytest.mark.spark
def test_a_marker_changes_the_state_and_no_row(lake: Lake, spark: SparkSession) -> None:
    lake.ensure(spark, LAYOUT)
    lake.append(spark, NAME, things(spark, ("a", None, 1, 2026)), note(1))
    assert lake.mark(spark, NAME, note(2)) == 2
    assert lake.logs[NAME].state.sequence == 2
    assert lake.logs[NAME].changed_since(1) == []
    assert stored(lake, spark) == [("a", 1, 2026)]


@pytest.mark.spark
def test_a_merge_inserts_updates_moves_and_deletes_in_one_commit(lake: Lake, spark: SparkSession) -> None:
    session = spark.newSession()
    lake.ensure(session, LAYOUT)
    first = [("keep", None, 1, 2025), ("move", None, 2, 2025), ("gone", None, 3, None), ("same", None, 4, 2026)]
    lake.append(session, NAME, things(session, *first), note(1))
    new = [
        ("new", None, 5, 2026, False),
        ("move", None, 6, 2026, False),
        ("gone", None, None, None, True),
        ("never there", None, 7, 2026, True),
    ]
    shape = MergeShape(("thing_id",), "year", (2025, 2026, None))
    assert lake.merge(session, NAME, changes(session, *new), shape, note(2)) == 2
    assert stored(lake, spark) == [("keep", 1, 2025), ("move", 6, 2026), ("new", 5, 2026), ("same", 4, 2026)]
    assert len(stored(lake, spark, version=1)) == 4
    left = [k for k in session.conf.getAll if "userMetadata" in k or "txn" in k]
    assert left == []
    found = lake.changed_rows(spark, NAME, 2, 2).select("thing_id", "_change_type", "weight").collect()
    assert sorted(tuple(r) for r in found) == [
        ("gone", "delete", 3),
        ("move", "update_postimage", 6),
        ("move", "update_preimage", 2),
        ("new", "insert", 5),
    ]


@pytest.mark.spark
def test_marks_of_a_merge_that_failed_are_taken_back(lake: Lake, spark: SparkSession) -> None:
    session = spark.newSession()
    lake.ensure(session, LAYOUT)
    lake.append(session, NAME, things(session, ("a", None, 1, 2026)), note(1))
    twice = changes(session, ("a", None, 2, 2026, False), ("a", None, 3, 2026, False))
    with pytest.raises(Exception, match="MULTIPLE_SOURCE_ROW_MATCHING_TARGET_ROW_IN_MERGE"):
        lake.merge(session, NAME, twice, MergeShape(("thing_id",), "year", (2026,)), note(2))
    assert not [k for k in session.conf.getAll if "userMetadata" in k or "txn" in k]
    assert lake.append(session, NAME, things(session, ("b", None, 1, 2026)), note(2)) == 2


@pytest.mark.spark
def test_replacing_some_partitions_leaves_the_others(lake: Lake, spark: SparkSession) -> None:
    lake.ensure(spark, LAYOUT)
    rows: Sequence[Values] = [("a", None, 1, 2025), ("b", None, 2, 2026), ("c", None, 3, None)]
    lake.append(spark, NAME, things(spark, *rows), note(1))
    where = in_literals("year", [2025, None])
    lake.replace(spark, NAME, things(spark, ("d", None, 4, 2025)), where, note(2))
    assert stored(lake, spark) == [("b", 2, 2026), ("d", 4, 2025)]
    lake.replace(spark, NAME, things(spark), in_literals("year", []), note(3))
    assert stored(lake, spark) == [("b", 2, 2026), ("d", 4, 2025)]
    lake.replace(spark, NAME, things(spark), None, note(4))
    assert stored(lake, spark) == []


@pytest.mark.parametrize(
    ("values", "condition"),
    [
        ([], "false"),
        ([None], "`c` IS NULL"),
        ([1, 2], "`c` IN (1, 2)"),
        ([date(2026, 1, 1), None], "`c` IS NULL OR `c` IN (DATE'2026-01-01')"),
        (["it's", "a\\b"], r"`c` IN ('it\'s', 'a\\b')"),
    ],
)
def test_values_become_literals(values: list[date | int | str | None], condition: str) -> None:
    assert in_literals("c", values) == condition


@pytest.mark.spark
def test_text_literals_select_exactly_their_rows(spark: SparkSession) -> None:
    texts = ["it's", "a\\b", "a\\'b", "plain", '"', "%"]
    frame = spark.createDataFrame([(t,) for t in texts], "c string")
    for text in texts:
        assert [r.c for r in frame.where(in_literals("c", [text])).collect()] == [text]
