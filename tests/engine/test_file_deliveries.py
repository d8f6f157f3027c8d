"""Which files are due, what a file is to those before it, and what goes into one commit."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.engine.batch import Batch
from lakehouse.engine.file_deliveries import (
    Begun,
    Verdict,
    begun,
    by_path,
    due_files,
    grouped,
    judge,
    stage_file,
    told_of,
)
from lakehouse.engine.source_plan import stamp
from lakehouse.storage.drops import FoundFile
from lakehouse.storage.files import Staged
from lakehouse.storage.notes import Delivery

AT = datetime(2026, 1, 5, 6, tzinfo=UTC)
FILE = FoundFile("claims.csv", 100, AT)


def delivery(
    checksum: str = "a", part: int = 0, is_last: bool = True, file: FoundFile = FILE, **more: object
) -> Delivery:
    plain = Delivery(file.path, file.size, stamp(file.modified_at), checksum, "b", stamp(AT), "2026-01-05", 4, 1)
    return replace(plain, part=part, is_last=is_last, **more)  # type: ignore[arg-type]  # the dataclass checks the names


def never(_: Delivery) -> bool:
    return False


def always(_: Delivery) -> bool:
    return True


def due(found: Sequence[FoundFile], landed: Sequence[Delivery]) -> list[FoundFile]:
    return due_files(found, by_path(enumerate(landed)), never)


def test_a_file_is_due_until_it_landed_as_it_is_now() -> None:
    assert due([FILE], []) == [FILE]
    assert due([FILE], [delivery()]) == []
    for other in (replace(FILE, path="x.csv"), replace(FILE, size=101), replace(FILE, modified_at=AT + timedelta(1))):
        assert due([other], [delivery()]) == [other]


def test_a_file_is_due_until_its_last_part_landed() -> None:
    first, second, last = delivery(part=0, is_last=False), delivery(part=1, is_last=False), delivery(part=2)
    assert due([FILE], [first]) == [FILE]
    assert due([FILE], [first, second]) == [FILE]
    assert due([FILE], [first, second, last]) == []


def test_a_file_read_again_that_stopped_half_way_is_due() -> None:
    assert due([FILE], [delivery(), delivery(part=0, is_last=False)]) == [FILE]


def test_a_noted_repeat_is_landed() -> None:
    touched = replace(FILE, modified_at=AT + timedelta(hours=1))
    assert due([touched], [delivery(), delivery(file=touched, repeats=True)]) == []


def test_a_landed_file_is_due_when_it_is_asked_for() -> None:
    assert due_files([FILE], by_path([(1, delivery())]), always) == [FILE]


def test_late_and_out_of_order_files_are_due_like_any_other() -> None:
    late = FoundFile("claims-2025-12-01.csv", 10, AT - timedelta(days=40))
    newest = FoundFile("claims-2026-01-09.csv", 10, AT)
    assert due([late, newest], [delivery(file=newest)]) == [late]


def test_what_was_begun_is_counted_with_its_rejects() -> None:
    first, second = delivery(part=0, is_last=False), delivery(part=1, is_last=False)
    assert begun([]) is None
    assert begun([delivery()]) is None
    assert begun([first, second]) == Begun("a", 2, 10)
    assert begun([first, second, delivery(part=2)]) is None


def test_what_was_begun_before_another_start_does_not_count() -> None:
    first, second = delivery(part=0, is_last=False), delivery(part=1, is_last=False)
    other = [replace(first, checksum="b"), replace(second, checksum="b")]
    assert begun([*other, first, second]) == Begun("a", 2, 10)
    assert begun([first, second, first]) == Begun("a", 1, 5)
    assert begun([delivery(), first]) == Begun("a", 1, 5)


@pytest.mark.parametrize(
    ("history", "verdict", "verdict_asked"),
    [
        ([], Verdict.NEW, Verdict.NEW),
        ([delivery("a")], Verdict.REPEATED, Verdict.AGAIN),
        ([delivery("a"), delivery("a", repeats=True)], Verdict.REPEATED, Verdict.AGAIN),
        ([delivery("b")], Verdict.CHANGED, Verdict.CHANGED),
        ([delivery("a"), delivery("b")], Verdict.CHANGED, Verdict.CHANGED),
        ([delivery("a", 0, False)], Verdict.CONTINUED, Verdict.AGAIN),
        ([delivery("b", 0, False)], Verdict.REPLACED, Verdict.REPLACED),
    ],
)
def test_a_file_is_judged_by_the_newest_delivery_of_its_path(
    history: list[Delivery], verdict: Verdict, verdict_asked: Verdict
) -> None:
    assert judge(history, "a", is_asked=False) is verdict
    assert judge(history, "a", is_asked=True) is verdict_asked


class Stage:
    """A file of so many records, staged in parts of three."""

    def __init__(self, checksum: str, records: int) -> None:
        self.checksum = checksum
        self.records = records
        self.asked: list[tuple[int, int]] = []

    def __call__(self, skip: int, first: int) -> tuple[Staged, ...]:
        self.asked.append((skip, first))
        sizes = [min(3, self.records - at) for at in range(skip, self.records, 3)] or [0]
        last = first + len(sizes) - 1
        return tuple(
            Staged(FILE, self.checksum, rows, 0, (), (), f"{n}", None, part=n, is_last=n == last)
            for n, rows in enumerate(sizes, first)
        )


def rows_of(parts: Sequence[Staged]) -> list[int]:
    return [part.rows for part in parts]


def test_a_begun_file_goes_on_behind_what_landed() -> None:
    stage = Stage("a", 12)
    found = stage_file(stage, [delivery("a", 0, False), delivery("a", 1, False)], is_asked=False)
    assert stage.asked == [(10, 2)]
    assert (found.verdict, rows_of(found.parts)) == (Verdict.CONTINUED, [2])


@pytest.mark.parametrize("records", [0, 4, 12])
def test_a_file_replaced_since_its_first_parts_landed_begins_anew(records: int) -> None:
    stage = Stage("b", records)
    found = stage_file(stage, [delivery("a", 0, False)], is_asked=False)
    assert stage.asked == [(5, 1), (0, 0)]
    assert found.verdict is Verdict.REPLACED
    assert (sum(rows_of(found.parts)), found.parts[0].part) == (records, 0)


def test_a_file_read_again_begins_at_its_first_record() -> None:
    stage = Stage("a", 4)
    assert stage_file(stage, [delivery("a", 0, False)], is_asked=True).verdict is Verdict.AGAIN
    assert stage.asked == [(0, 0)]


@given(
    records=st.integers(0, 20),
    contents=st.lists(st.sampled_from("ab"), min_size=1, max_size=6),
    commits=st.lists(st.integers(0, 4), min_size=1, max_size=6),
)
def test_any_crashes_and_replacements_end_with_one_whole_delivery_of_the_last_content(
    records: int, contents: list[str], commits: list[int]
) -> None:
    """Each run commits some parts and stops; the last one is left alone."""
    history: list[Delivery] = []
    runs = [*zip(contents, commits, strict=False), (contents[-1], 1000)]
    for content, most in runs:
        found = stage_file(Stage(content, records), history, is_asked=False)
        if found.verdict is Verdict.REPEATED:
            continue
        history += [replace(delivery(content, p.part, p.is_last), rows=p.rows, rejected=0) for p in found.parts[:most]]
    assert history[-1].is_last
    assert history[-1].checksum == contents[-1]
    begins = max(n for n, d in enumerate(history) if d.part == 0)
    whole = history[begins:]
    assert [d.part for d in whole] == list(range(len(whole)))
    assert sum(d.rows for d in whole) == records


def batch(path: str, rows: int, part: int = 0, repeats: bool = False) -> Batch:
    file = replace(FILE, path=path)
    return Batch(replace(delivery(file=file), rows=rows, rejected=0, part=part, repeats=repeats), ())


def groups(batches: Sequence[Batch], most: int) -> list[list[str]]:
    return [[f"{b.delivery.path}{b.delivery.part}" for b in group] for group in grouped(batches, most)]


def test_small_files_share_a_commit_and_parts_of_one_file_never_do() -> None:
    small = [batch("a", 2), batch("b", 2), batch("c", 2)]
    assert groups(small, 100) == [["a0", "b0", "c0"]]
    assert groups(small, 4) == [["a0", "b0"], ["c0"]]
    large = [batch("a", 1), batch("b", 3, 0), batch("b", 1, 1), batch("c", 1)]
    assert groups(large, 100) == [["a0", "b0"], ["b1", "c0"]]
    assert groups([], 4) == []


def test_a_file_larger_than_a_commit_stands_alone_and_a_repeat_takes_no_room() -> None:
    assert groups([batch("a", 1), batch("b", 9), batch("c", 1)], 4) == [["a0"], ["b0"], ["c0"]]
    assert groups([batch("a", 4), batch("b", 9, repeats=True)], 4) == [["a0", "b0"]]


def test_groups_come_as_they_are_full() -> None:
    taken: list[str] = []

    def batches() -> Iterator[Batch]:
        for name in "abc":
            taken.append(name)
            yield batch(name, 3)

    assert next(grouped(batches(), 4))[0].delivery.path == "a"
    assert taken == ["a", "b"]


def test_people_are_told_what_is_out_of_the_ordinary() -> None:
    silent = {Verdict.NEW, Verdict.AGAIN}
    for verdict in Verdict:
        assert bool(told_of("x.csv", verdict, 5)) is (verdict not in silent)
    assert "1,234,567 of its records" in told_of("x.csv", Verdict.CONTINUED, 1234567)
