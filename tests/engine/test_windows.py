"""Which window comes next, for each signal."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from lakehouse.engine.windows import due_windows, next_window, position_after
from lakehouse.errors import SourceError
from lakehouse.storage.notes import TableState
from lakehouse.storage.window import CHANGE_TRACKING, MODIFIED_DATE, ROWVERSION, Bound, Window

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@dataclass
class Numbered:
    """A table whose rows carry the numbers given."""

    numbers: Sequence[int]
    hi: int
    signal: str = ROWVERSION
    oldest: str | None = None
    cuts: list[int] = field(default_factory=list)
    name: str = "dbo.Claims"

    def bound(self) -> Bound:
        return Bound(self.signal, str(self.hi), NOW)

    def oldest_kept(self) -> str | None:
        return self.oldest

    def count(self, window: Window) -> int:
        return sum(int(window.lo or 0) <= n < int(window.hi) for n in self.numbers)

    def cut(self, window: Window, most_rows: int) -> Sequence[Window]:
        self.cuts.append(most_rows)
        within = sorted(n for n in self.numbers if int(window.lo or 0) <= n < int(window.hi))
        edges = [window.lo, *[str(n) for n in within[most_rows::most_rows]], window.hi]
        return [Window(window.signal, lo, hi or "") for lo, hi in pairwise(edges)]


def at(hi: str, signal: str = ROWVERSION) -> TableState:
    return TableState(position=Window(signal, None, hi))


def test_the_first_window_has_no_beginning() -> None:
    assert next_window(None, Bound(ROWVERSION, "7", NOW), HOUR) == Window(ROWVERSION, None, "7", True)


def test_a_numbered_window_begins_where_the_last_one_ended() -> None:
    assert next_window(at("5").position, Bound(ROWVERSION, "7", NOW), HOUR).lo == "5"


def test_a_stamped_window_begins_a_lag_earlier() -> None:
    position = Window(MODIFIED_DATE, None, "2026-01-10T00:30:00.000000")
    bound = Bound(MODIFIED_DATE, "2026-01-10T12:00:00.000000", NOW)
    assert next_window(position, bound, HOUR).lo == "2026-01-09T23:30:00.000000"


def test_nothing_changed_is_no_window() -> None:
    assert due_windows(Numbered([1, 2, 3], 4), at("4"), HOUR, 10).windows == ()


def test_a_window_with_many_rows_is_cut() -> None:
    source = Numbered(range(1, 8), 8)
    due = due_windows(source, TableState(), HOUR, 3)
    assert [(w.lo, w.hi) for w in due.windows] == [(None, "4"), ("4", "7"), ("7", "8")]
    assert due.rows == 7
    assert source.cuts == [3]


def test_another_signal_than_before_reads_everything_and_says_why() -> None:
    due = due_windows(Numbered([1, 2], 3), at("2026-01-10T00:30:00.000000", MODIFIED_DATE), HOUR, 10)
    assert due.windows[0].lo is None
    assert "modified_date" in due.why_whole
    assert "rowversion" in due.why_whole


@pytest.mark.parametrize(("oldest", "lo"), [("5", "5"), ("6", None)])
def test_changes_that_the_server_keeps_no_longer_are_read_whole(oldest: str, lo: str | None) -> None:
    due = due_windows(Numbered([1, 9], 10, CHANGE_TRACKING, oldest), at("5", CHANGE_TRACKING), HOUR, 10)
    assert due.windows[0].lo == lo
    assert bool(due.why_whole) == (lo is None)


def test_numbers_that_went_back_stop_the_feed_until_that_was_meant() -> None:
    restored = Numbered([1, 2, 3], 4)
    with pytest.raises(SourceError, match=r"dbo\.Claims.*900.*is at 4 now.*accepts_restored"):
        due_windows(restored, at("900"), HOUR, 10)
    due = due_windows(restored, at("900"), HOUR, 10, accepts_restored=True)
    assert [(w.lo, w.hi) for w in due.windows] == [(None, "4")]
    assert "went back" in due.why_whole


def test_the_position_never_goes_back_where_a_window_begins_in_its_lag() -> None:
    before = Window(MODIFIED_DATE, None, "2026-01-10T12:00:00.000000")
    inside = Window(MODIFIED_DATE, "2026-01-10T10:00:00.000000", "2026-01-10T11:00:00.000000")
    beyond = Window(MODIFIED_DATE, "2026-01-10T11:00:00.000000", "2026-01-10T13:00:00.000000")
    assert position_after(before, inside).hi == before.hi
    assert position_after(before, beyond) == beyond
    assert position_after(Window(ROWVERSION, None, "99"), Window(ROWVERSION, "99", "100")).hi == "100"
    assert position_after(None, inside) == inside
