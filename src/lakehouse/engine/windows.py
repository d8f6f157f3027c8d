"""Which span of a database's changes is read next: nothing lost, nothing twice, the same span on a retry.

The position is the end of the newest window that Bronze committed. The next window begins there and ends at a bound
that the server gave before anything was read: every row below the bound is visible by then, and a row changed meanwhile
leaves the window for the next one. So a window may be read in pieces, in parallel, and again.

Where rows carry only a stamp that their sender wrote, the bound cannot promise that: transactions that were open
become visible below it later. Such a window begins a lag below the position, and what was landed before is dropped.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from lakehouse.errors import SourceError
from lakehouse.storage.notes import TableState
from lakehouse.storage.window import MODIFIED_DATE, STAMP_FORMAT, Bound, Window


class WindowSource(Protocol):
    """A table that is read window by window.

    Attributes:
        name: as people know it.
    """

    @property
    def name(self) -> str: ...

    def bound(self) -> Bound:
        """The upper bound of a window that begins now."""

    def oldest_kept(self) -> str | None:
        """The smallest `lo` that is still answered in full; None when every one is."""

    def count(self, window: Window) -> int:
        """Rows in the window now."""

    def cut(self, window: Window, most_rows: int) -> Sequence[Window]:
        """The window in pieces that follow on each other, each of at most `most_rows` rows where the signal allows."""


@dataclass(frozen=True)
class Due:
    """What is to be read of one table.

    Attributes:
        windows: in order; each is one commit.
        rows: rows in them now.
        read_at: the server's clock when the bound was fixed, UTC.
        why_whole: why everything is read again; empty when only changes are.
    """

    windows: tuple[Window, ...]
    rows: int
    read_at: datetime
    why_whole: str = ""


def next_window(position: Window | None, bound: Bound, lag: timedelta) -> Window:
    """The window after `position`; the whole table when there is none, or when it was of another signal."""
    begins: str | None = None
    if position is not None and position.signal == bound.signal:
        begins = _earlier(position.hi, lag) if bound.signal == MODIFIED_DATE else position.hi
    return Window(bound.signal, begins, bound.hi, takes_unstamped=True)


def position_after(before: Window | None, piece: Window) -> Window:
    """The position once `piece` is committed. It never goes back: the first pieces of a window may lie in its lag."""
    if before is None or before.signal != piece.signal or _is_before(before, piece):
        return piece
    return replace(piece, hi=before.hi)


def _is_before(one: Window, other: Window) -> bool:
    return one.hi < other.hi if one.signal == MODIFIED_DATE else int(one.hi) < int(other.hi)


def due_windows(
    source: WindowSource, state: TableState, lag: timedelta, most_rows: int, *, accepts_restored: bool = False
) -> Due:
    """What is to be read now. No window when nothing changed since the position.

    Args:
        source: the table.
        state: of its Bronze table.
        lag: how far below the position stamped rows are read again.
        most_rows: of one commit.
        accepts_restored: a source whose numbers went back is read whole.

    Raises:
        SourceError: its numbers went back.
    """
    bound = source.bound()
    window = next_window(state.position, bound, lag)
    why = ""
    if state.position is not None and _went_back(state.position, bound):
        if not accepts_restored:
            raise SourceError(
                f"{source.name}: changes up to number {state.position.hi} landed, but the server is at {bound.hi} now. "
                "It was restored from a backup, or is another server, so what comes next cannot be told. If that was "
                "meant, set sql.accepts_restored = true for the network and run once: the whole table is read."
            )
        window, why = replace(window, lo=None), "the server's numbers went back"
    if not why and state.position is not None and window.lo is None:
        why = f"read by {state.position.signal} before, by {bound.signal} now"
    oldest = source.oldest_kept()
    if window.lo is not None and oldest is not None and int(window.lo) < int(oldest):
        why = "the server no longer keeps the changes since the last run"
        window = replace(window, lo=None)
    rows = source.count(window)
    pieces = tuple(source.cut(window, most_rows)) if rows > most_rows else (window,) if rows else ()
    return Due(pieces, rows, bound.read_at, why)


def _went_back(position: Window, bound: Bound) -> bool:
    is_number = bound.signal != MODIFIED_DATE and position.signal == bound.signal
    return is_number and not bound.may_go_back and int(bound.hi) < int(position.hi)


def _earlier(stamp: str, lag: timedelta) -> str:
    return (datetime.strptime(stamp, STAMP_FORMAT) - lag).strftime(STAMP_FORMAT)
