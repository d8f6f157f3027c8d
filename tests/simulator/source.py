"""A table of the schedule's database as a poller sees it: what is committed, and what open transactions hold."""

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION, STAMP_FORMAT, Bound, Window
from simulator.schedule import FIRST_CLOCK, End, Write

ZERO = datetime(2026, 1, 1)
ENDLESS = "9999-12-31T00:00:00.000000"
XID = "xid"


@cache
def text_of(tick: int) -> str:
    """A tick as a bound of `modified_date`."""
    return (ZERO + timedelta(seconds=tick)).strftime(STAMP_FORMAT)


@cache
def tick_of(text: str) -> int:
    """The tick of a bound."""
    return int((datetime.strptime(text, STAMP_FORMAT) - ZERO).total_seconds())


@cache
def _instant(tick: int) -> datetime:
    return ZERO.replace(tzinfo=UTC) + timedelta(seconds=tick)


class Row(NamedTuple):
    """A row as it was read, or a tombstone.

    Attributes:
        key: of the row.
        write: the statement that made it; 0 for a tombstone.
        sequence: the server's number of the change; where there is none, the number of the commit that landed it.
        stamp: as sent, ticks; None when the sender did not say.
        content: business columns; None for a tombstone.
        read_at: the server's clock when it was read.
    """

    key: int
    write: int
    sequence: int
    stamp: float | None
    content: int | None
    read_at: int

    @property
    def is_deleted(self) -> bool:
        """A tombstone."""
        return self.content is None


class Source:
    """Implements `WindowSource` over the database of a schedule.

    Attributes:
        kind: `rowversion` (a number for each changed row), `xid` (one for each transaction) or `modified_date`.
        meanwhile: called between the statements of a plan, while the database goes on.
        rows_read: by every read of a window so far.
    """

    name = "Claims"

    def __init__(self, kind: str, meanwhile: Callable[[], None]) -> None:
        self.kind = kind
        self.signal = MODIFIED_DATE if kind == MODIFIED_DATE else ROWVERSION
        self.meanwhile = meanwhile
        self.clock = FIRST_CLOCK
        self.rows: dict[int, Write] = {}
        self.open: dict[int, list[Write]] = {}
        self.last = 0
        self.rows_read = 0

    def apply(self, event: Write | End) -> None:
        """One event of the database."""
        self.clock = event.clock
        if isinstance(event, Write):
            self.open.setdefault(event.transaction, []).append(event)
            self.last = max(self.last, self.value(event) or 0) if self.signal == ROWVERSION else 0
            return
        for made in self.open.pop(event.transaction, ()):
            if not event.commits:
                break
            if made.content is None:
                del self.rows[made.key]
            else:
                self.rows[made.key] = made

    def value(self, made: Write) -> int | None:
        """A row's value of the signal."""
        if self.kind == ROWVERSION:
            return made.number
        return made.xid if self.kind == XID else made.stamp

    def bound(self) -> Bound:
        """Below every number of an open transaction, or the server's clock."""
        read_at = _instant(self.clock)
        if self.signal == MODIFIED_DATE:
            return Bound(MODIFIED_DATE, text_of(self.clock), read_at)
        return Bound(ROWVERSION, str(min(self._active(), default=self.last + 1)), read_at)

    def oldest_kept(self) -> str | None:
        """Every row that is there is answered."""
        return None

    def count(self, window: Window) -> int:
        """Rows in the window now."""
        self.meanwhile()
        return len(self._within(window))

    def cut(self, window: Window, most_rows: int) -> Sequence[Window]:
        """Pieces of at most `most_rows` rows, more where rows share a value; the last one takes what has none."""
        self.meanwhile()
        inside = replace(window, takes_unstamped=False)
        values = sorted(v for made in self._within(inside) if (v := self.value(made)) is not None)
        points = sorted({v for v in values[most_rows::most_rows] if v > values[0]})
        return pieces(window, [self._text(point) for point in points])

    def read(self, window: Window) -> list[Row]:
        """Rows in the window now."""
        found = self._within(window)
        self.rows_read += len(found)
        return [Row(m.key, m.write, self.value(m) or 0, m.stamp, m.content, self.clock) for m in found]

    def keys(self) -> set[int]:
        """Every key that is there now."""
        return set(self.rows)

    def oldest_open(self) -> int | None:
        """Clock at the first statement of the transaction that is open longest."""
        return min((made[0].clock for made in self.open.values()), default=None)

    def _active(self) -> Iterable[int]:
        return [value for made in self.open.values() for m in made if (value := self.value(m)) is not None]

    def _text(self, value: int) -> str:
        return text_of(value) if self.signal == MODIFIED_DATE else str(value)

    def _within(self, window: Window) -> list[Write]:
        parse = tick_of if self.signal == MODIFIED_DATE else int
        lo, hi = None if window.lo is None else parse(window.lo), parse(window.hi)
        found = []
        for made in self.rows.values():
            value = self.value(made)
            if value is None:
                if window.takes_unstamped:
                    found.append(made)
            elif value < hi:
                if lo is None or value >= lo:
                    found.append(made)
            elif window.takes_unstamped and self.signal == MODIFIED_DATE:  # stamped beyond the clock
                found.append(made)
        return found


def pieces(window: Window, points: Sequence[str]) -> list[Window]:
    """The window cut at `points`, which ascend within it."""
    edges = [window.lo, *points, window.hi]
    last = len(points)
    return [
        Window(window.signal, lo, hi or window.hi, window.takes_unstamped and n == last)
        for n, (lo, hi) in enumerate(itertools.pairwise(edges))
    ]
