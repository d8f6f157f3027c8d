"""Delta logs read without a JVM, written here by hand."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs import WRITTEN_AT, HandLog, delivery
from lakehouse.errors import LogError
from lakehouse.storage.log import DeltaLog, Logs
from lakehouse.storage.notes import CommitNote, TableState
from lakehouse.storage.store import Store

NAME = "silver.visit"
TEXTS = st.text(max_size=20)


@pytest.fixture
def hand(tmp_path: Path) -> HandLog:
    return HandLog(tmp_path, NAME)


def log(tmp_path: Path) -> DeltaLog:
    return DeltaLog(Store(str(tmp_path)), NAME)


def note(sequence: int, run: str = "run-1") -> CommitNote:
    return CommitNote(run, "merge", TableState(sequence=sequence, consumed={"bronze.a": 3}), counts={"inserted": 1})


def test_a_table_that_was_never_written_does_not_exist(tmp_path: Path) -> None:
    found = log(tmp_path)
    assert not found.exists
    assert found.version == -1
    assert found.state == TableState()
    assert found.last_build() is None


def test_the_newest_note_is_the_state(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1))
    hand.commit(note(2))
    assert log(tmp_path).state.sequence == 2
    assert log(tmp_path).version == 1


def test_commits_of_others_are_skipped(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(5))
    hand.commit(None, operation="OPTIMIZE", data=False)
    hand.commit("written by someone", operation="WRITE")
    hand.commit('{"other": 1}', operation="SET TBLPROPERTIES", data=None)
    hand.commit('["a list"]', data=None)
    assert log(tmp_path).state.sequence == 5


def test_a_restore_by_hand_stops(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1))
    hand.commit(None, operation="RESTORE")
    with pytest.raises(LogError, match=r"silver\.visit: version 1 is a RESTORE made outside lakehouse"):
        _ = log(tmp_path).state


def test_a_restore_with_our_note_is_a_state(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1))
    hand.commit(note(2), operation="RESTORE")
    assert log(tmp_path).state.sequence == 2


def test_a_restore_before_our_newest_commit_is_history(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(None, operation="RESTORE")
    hand.commit(note(3))
    assert log(tmp_path).state.sequence == 3


def test_a_missing_version_stops_and_is_named(tmp_path: Path, hand: HandLog) -> None:
    for sequence in range(4):
        hand.commit(note(sequence))
    hand.file(2).unlink()
    with pytest.raises(LogError, match="version 2 is missing"):
        _ = log(tmp_path).versions


def test_a_log_whose_oldest_commits_were_cleaned_up_is_whole(tmp_path: Path, hand: HandLog) -> None:
    for sequence in range(4):
        hand.commit(note(sequence))
    hand.file(0).unlink()
    hand.file(1).unlink()
    assert list(log(tmp_path).versions) == [2, 3]
    assert log(tmp_path).state.sequence == 3


@pytest.mark.parametrize("keep", [0, 1, 40])
def test_an_empty_or_torn_commit_stops(tmp_path: Path, hand: HandLog, keep: int) -> None:
    hand.commit(note(1))
    hand.commit(note(2))
    hand.file(1).write_bytes(hand.file(1).read_bytes()[:keep])
    with pytest.raises(LogError, match=r"silver\.visit: commit 1 .* is empty or torn"):
        _ = log(tmp_path).state


def test_blank_lines_alone_are_an_empty_commit(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1))
    hand.file(0).write_text("\n \n")
    with pytest.raises(LogError, match="empty or torn"):
        log(tmp_path).commit(0)


def test_other_files_of_the_log_folder_are_no_commits(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1))
    for name in ("_last_checkpoint", f"{0:020d}.crc", f"{7:020d}.json.tmp", f"{9:020d}.checkpoint.parquet", ".x.json"):
        (hand.folder / name).write_text("")
    assert list(log(tmp_path).versions) == [0]


def test_a_note_of_a_newer_format_stops(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1).to_json().replace('"lakehouse":1', '"lakehouse":2'))
    with pytest.raises(LogError, match="format 2 found, this version reads 1"):
        _ = log(tmp_path).state


def test_only_rows_added_or_removed_count_as_change(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1))
    hand.commit(note(2), data=None)
    hand.commit(None, operation="OPTIMIZE", data=False)
    hand.commit(note(3))
    found = log(tmp_path).changed_since(0)
    assert found is not None
    assert [c.version for c in found] == [3]
    everything = log(tmp_path).changed_since(-1)
    assert everything is not None
    assert [c.version for c in everything] == [0, 3]
    assert log(tmp_path).changed_since(3) == []


def test_a_change_feed_that_was_cleaned_up_is_unknown(tmp_path: Path, hand: HandLog) -> None:
    for sequence in range(4):
        hand.commit(note(sequence))
    hand.file(0).unlink()
    hand.file(1).unlink()
    assert log(tmp_path).changed_since(0) is None
    whole = log(tmp_path).changed_since(1)
    assert whole is not None
    assert [c.version for c in whole] == [2, 3]


def test_deliveries_come_with_the_version_that_landed_them(tmp_path: Path, hand: HandLog) -> None:
    first, second = delivery("a.csv", "2026-01-01"), delivery("b.csv", "2026-01-02", repeats=True)
    hand.land(first)
    hand.commit(None)
    hand.land(second)
    assert log(tmp_path).deliveries() == [(0, first), (2, second)]


def test_a_commit_says_when_and_by_which_operation_it_was_made(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1), operation="MERGE")
    found = log(tmp_path).commit(0)
    assert (found.operation, found.metrics["numOutputRows"], found.note) == ("MERGE", "1", note(1))
    assert found.committed_at == WRITTEN_AT


def test_the_last_build_passes_over_markers(tmp_path: Path, hand: HandLog) -> None:
    hand.commit(note(1))
    hand.commit(note(2), data=None)
    last = log(tmp_path).last_build()
    assert last is not None
    assert last.version == 0


def test_a_log_is_looked_at_once_until_it_is_forgotten(tmp_path: Path, hand: HandLog) -> None:
    logs = Logs(Store(str(tmp_path)))
    hand.commit(note(1))
    assert logs[NAME].version == 0
    hand.commit(note(2))
    assert logs[NAME].version == 0
    assert logs.forget(NAME).version == 1
    assert logs[NAME].state.sequence == 2


@given(
    st.builds(
        CommitNote,
        run_id=TEXTS,
        kind=TEXTS,
        state=st.builds(
            TableState,
            epoch=st.integers(0, 9),
            sequence=st.integers(0, 2**40),
            fingerprint=TEXTS,
            consumed=st.dictionaries(TEXTS, st.integers() | TEXTS, max_size=3),
            unstamped=st.lists(TEXTS, max_size=3).map(tuple),
            next_change_date=st.none() | st.dates().map(str),
        ),
        deliveries=st.lists(st.builds(delivery, TEXTS, st.just("2026-01-01"), repeats=st.booleans()), max_size=3).map(
            tuple
        ),
        counts=st.dictionaries(TEXTS, st.integers(0, 2**50), max_size=3),
        runs=st.lists(TEXTS, max_size=3).map(tuple),
    )
)
def test_a_note_reads_back_as_it_was_written(written: CommitNote) -> None:
    text = written.to_json()
    assert "\n" not in text
    assert CommitNote.from_json(text) == written


@pytest.mark.parametrize("text", [None, "", "null", "plain words", "{", "[1]", '{"a": 1}', "1"])
def test_text_of_others_is_no_note(text: str | None) -> None:
    assert CommitNote.from_json(text) is None
