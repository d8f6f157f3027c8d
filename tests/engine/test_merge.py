"""Silver's newest state, on real tables: one story of deliveries, each build run twice."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.story import BASE, CHANGED, MARK, REVIVED, Story
from engine.world import BRONZE, EPISODE, GOLD, SILVER, World
from lakehouse.engine.record import to_json
from lakehouse.engine.run import Outcome
from lakehouse.storage.store import quarantine_of

pytestmark = pytest.mark.spark
ALL = (BRONZE, SILVER, EPISODE, GOLD)
QUARANTINE = quarantine_of(SILVER)


def test_every_row_read_is_in_exactly_one_class(story: Story) -> None:
    assert story.ran["base"].counts(SILVER) == {"inserted": 8, "duplicate": 1, "stale": 1, "quarantined": 4}


def test_the_same_file_again_makes_no_commit_anywhere(story: Story) -> None:
    assert story.versions["again"] == story.versions["base"]
    assert story.ran["again"].report.nothing_due


def test_the_same_rows_in_a_new_file_make_one_bronze_commit_and_a_marker(story: Story) -> None:
    before, after = story.versions["again"], story.versions["resent"]
    assert {n: after[n] - before[n] for n in ALL} == {BRONZE: 1, SILVER: 1, EPISODE: 0, GOLD: 0}
    ran = story.ran["resent"]
    assert ran.outcomes == {
        BRONZE: Outcome.BUILT, SILVER: Outcome.MARKED, EPISODE: Outcome.CURRENT, GOLD: Outcome.CURRENT
    }  # fmt: skip
    assert ran.counts(SILVER) == {"unchanged": 8, "duplicate": 1, "stale": 1, "quarantined": 4}
    assert story.visits["resent"] == story.visits["base"]


def test_a_touched_file_with_the_same_content_is_a_marker_without_rows(story: Story) -> None:
    before, after = story.versions["resent"], story.versions["touched"]
    assert {n: after[n] - before[n] for n in ALL} == {BRONZE: 1, SILVER: 0, EPISODE: 0, GOLD: 0}
    result = story.ran["touched"].result(BRONZE)
    assert (result.kind, result.counts["rows"], result.counts["repeated_files"]) == ("marker", 0, 1)
    assert result.warnings == (
        "visits/visits-2026-01-05.csv: same content as before under a new modification time; not landed again",
    )


def test_a_change_is_one_merge_that_updates_only_what_changed(story: Story) -> None:
    result = story.ran["changed"].result(SILVER)
    assert result.kind == "merge"
    assert story.versions["changed"][SILVER] == story.versions["touched"][SILVER] + 1
    tied = 1 if story.value("changed", 5, "amount") == Decimal("51.00") else 0
    assert story.ran["changed"].counts(SILVER) == {
        "inserted": 2,
        "updated": 4 + tied,
        "stale": 3 - tied,
        "duplicate": 1,
    }
    metrics = story.world.lake.logs[SILVER].commit(result.version).metrics
    assert (metrics["numTargetRowsInserted"], metrics["numTargetRowsUpdated"]) == ("2", str(4 + tied))
    untouched = {"2", "6", "13"}
    assert {v: story.visits["changed"][v] for v in untouched} == {v: story.visits["base"][v] for v in untouched}


def test_a_corrected_row_replaces_the_older_one(story: Story) -> None:
    assert story.value("base", 1, "amount") == Decimal("100.00")
    assert story.value("changed", 1, "amount") == Decimal("150.00")
    assert story.value("changed", 1, "modified_at") == datetime(2026, 1, 6, 10, tzinfo=UTC).replace(tzinfo=None)


def test_an_older_version_that_comes_late_changes_nothing(story: Story) -> None:
    assert story.value("changed", 2, "amount") == Decimal("200.00")


def test_the_newest_of_several_versions_in_one_file_wins(story: Story) -> None:
    assert story.value("changed", 4, "amount") == Decimal("41.00")


def test_a_tombstone_is_kept_and_hidden_and_a_later_row_revives_it(story: Story) -> None:
    assert story.value("changed", 3, "is_deleted") is True
    assert story.value("revived", 3, "is_deleted") is False
    assert story.value("revived", 3, "amount") == Decimal("333.00")


def test_an_older_row_does_not_raise_the_dead(story: Story) -> None:
    assert story.ran["revived"].counts(SILVER) == {"updated": 1, "stale": 1}
    assert story.value("revived", 15, "is_deleted") is True


def test_a_key_that_changes_its_partition_is_moved_and_not_doubled(story: Story) -> None:
    assert story.value("base", 7, "service_date") == date(2025, 12, 31)
    stored = story.world.rows(SILVER, "service_date", "_period", where=f"visit_id = '{MARK}-7'")
    assert stored == [(date(2026, 1, 2), 2026)]


def test_no_key_is_stored_twice(story: Story) -> None:
    keys = story.world.rows(SILVER, "network", "visit_id")
    assert len(keys) == len(set(keys)) == 10


def test_a_tie_is_won_by_content_and_both_rows_are_named(story: Story) -> None:
    check = next(c for c in story.ran["base"].result(SILVER).checks if c.name == "no_ties")
    assert (check.holds, check.on_failure, check.total) == (False, "warn", 14)
    assert check.places == ("visits/visits-2026-01-05.csv record 7", "visits/visits-2026-01-05.csv record 8")
    assert story.value("base", 6, "amount") in (Decimal("61.00"), Decimal("62.00"))


def test_a_tie_with_the_stored_row_is_reported(story: Story) -> None:
    check = next(c for c in story.ran["changed"].result(SILVER).checks if c.name == "no_ties")
    assert check.failed == 1
    assert check.places == ("visits/visits-2026-01-07.csv record 7",)


def test_a_row_that_is_sent_again_is_no_tie(story: Story) -> None:
    check = next(c for c in story.ran["revived"].result(SILVER).checks if c.name == "no_ties")
    assert (check.failed, check.holds, check.places) == (0, True, ())


def test_a_warning_is_counted_and_its_row_kept(story: Story) -> None:
    assert story.ran["base"].check(SILVER, "amount_not_negative") == (1, 14, False)
    assert story.value("base", 13, "amount") == Decimal("-5.00")


def test_a_dropped_row_is_in_the_conform_ledger_with_its_reason(story: Story) -> None:
    lines = {(e.ledger, e.side, e.reason, e.measure): e.amount for e in story.ran["base"].result(SILVER).ledger}
    assert lines["conform", "in", "read", "rows"] == 15
    assert lines["conform", "out", "conformed", "rows"] == 14
    assert lines["conform", "out", "test_row", "rows"] == 1
    assert lines["conform", "out", "test_row", "amount"] == Decimal("100.00")
    assert lines["merge", "out", "inserted", "amount"] == Decimal("756.00") + Decimal(
        str(story.value("base", 6, "amount"))
    ) - Decimal("61.00")


def test_a_bad_row_is_set_aside_with_its_text_and_every_rule_it_breaks(story: Story) -> None:
    where = "_source = 'visits/visits-2026-01-05.csv'"
    found = story.world.rows(
        QUARANTINE,
        "_row_number",
        "_failed_expectations",
        "row['service_date']",
        "row['amount']",
        "_run_id",
        where=where,
    )
    assert found == [
        (10, ["visit_id_required"], "2026-01-10", "100.00", "run-1"),
        (11, ["parseable"], f"{MARK} 31.12.", "100.00", "run-1"),
        (12, ["parseable"], "2026-01-10", f"{MARK} 12", "run-1"),
        (13, ["parseable", "amount_below_a_million"], "2026-02-30", "1000000.00", "run-1"),
    ]


def test_bad_rows_of_another_file_are_set_aside_beside_them(story: Story) -> None:
    assert len(story.world.rows(QUARANTINE, "_source")) == 8


def test_deliveries_one_by_one_end_as_one_build_of_all(story: Story, spark: SparkSession, tmp_path: Path) -> None:
    at_once = World(spark, tmp_path, checks={"north": {"most_quarantined_share": "0.2"}})  # the story has as many
    for name, rows in (("08", REVIVED), ("05", BASE), ("07", CHANGED), ("06", BASE)):
        at_once.deliver(f"visits-2026-01-{name}.csv", rows)
    at_once.run(day=story.ran["revived"].report.request.logical_date)
    assert at_once.content() == story.world.content()


def test_a_marked_value_stands_in_no_report_and_no_log(story: Story) -> None:
    said = [str(to_json(ran.report)) for ran in story.ran.values()]
    assert not [text for text in said if MARK in text]
    assert MARK not in story.world.log_text()


def test_the_mark_would_be_found(story: Story) -> None:
    assert any(MARK in str(v[1]) for v in story.visits["base"].values())
    assert "numTargetRowsUpdated" in story.world.log_text()
