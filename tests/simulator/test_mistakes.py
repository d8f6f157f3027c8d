"""Every way to get windows, positions, landing or tombstones wrong is caught by the audit within some seeds."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from lakehouse.engine import windows
from lakehouse.errors import SourceError
from lakehouse.storage.notes import TableState
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION, Bound, Window
from simulator.bronze import Landing, Store
from simulator.other_ways import RULES, AtTheEnd
from simulator.poller import Poller, content_of
from simulator.schedule import schedule
from simulator.source import XID, Row, Source, text_of, tick_of
from simulator.world import Way, World

CAUGHT_WITHIN = 3_000
NextWindow = Callable[[Window | None, Bound, timedelta], Window]
next_window = windows.next_window


def caught(way: Way, *counts: str) -> bool:
    """Whether the audit sees something wrong within some seeds, or a run refuses to go on."""
    for seed in range(CAUGHT_WITHIN):
        try:
            verdict = World(schedule(seed), way).run()
        except SourceError:
            return True
        if any(getattr(verdict, name) for name in counts):
            return True
    return False


def begins_above(position: Window | None, bound: Bound, lag: timedelta) -> Window:
    window = next_window(position, bound, lag)
    return window if window.lo is None else replace(window, lo=_later(window.signal, window.lo))


def ends_above(position: Window | None, bound: Bound, lag: timedelta) -> Window:
    window = next_window(position, bound, lag)
    return replace(window, hi=_later(window.signal, window.hi))


def without_the_lag(position: Window | None, bound: Bound, lag: timedelta) -> Window:
    return next_window(position, bound, timedelta(0))


def with_a_lag_one_tick_short(position: Window | None, bound: Bound, lag: timedelta) -> Window:
    return next_window(position, bound, max(lag - timedelta(seconds=1), timedelta(0)))


def without_unstamped_rows(position: Window | None, bound: Bound, lag: timedelta) -> Window:
    return replace(next_window(position, bound, lag), takes_unstamped=False)


def always_everything(position: Window | None, bound: Bound, lag: timedelta) -> Window:
    return replace(next_window(position, bound, lag), lo=None)


def _later(signal: str, value: str) -> str:
    return text_of(tick_of(value) + 1) if signal == MODIFIED_DATE else str(int(value) + 1)


@pytest.mark.parametrize(
    ("broken", "kind", "count"),
    [
        (begins_above, ROWVERSION, "lost"),
        (begins_above, XID, "lost"),
        (begins_above, MODIFIED_DATE, "lost"),
        (ends_above, ROWVERSION, "lost"),
        (ends_above, XID, "lost"),
        (without_the_lag, MODIFIED_DATE, "lost"),
        (with_a_lag_one_tick_short, MODIFIED_DATE, "lost"),
        (without_unstamped_rows, MODIFIED_DATE, "lost"),
        (always_everything, ROWVERSION, "doubled"),
    ],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_a_wrong_next_window_is_caught(
    broken: NextWindow, kind: str, count: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(windows, "next_window", broken)
    assert caught(Way("broken", kind), count)


class AboveOpen(Source):
    """Its bound is above every number that was given, as `@@DBTS` is: open transactions lie below it."""

    def bound(self) -> Bound:
        return Bound(ROWVERSION, str(self.last + 1), super().bound().read_at)


class WholePosition(Poller):
    """The first piece says that all are landed."""

    def position(self, piece: Window, due: Sequence[Window], rows: Sequence[Row]) -> Window:
        return due[-1]


class GreatestSeen(Poller):
    """The position is the greatest number among the rows."""

    def position(self, piece: Window, due: Sequence[Window], rows: Sequence[Row]) -> Window:
        return replace(piece, hi=str(max([row.sequence for row in rows], default=int(piece.hi))))


class BlindRetry(Poller):
    """Commits again what it had no answer for, without a look whether it is there."""

    unanswered: tuple[Sequence[Row], Window | None] | None = None

    def run(self, compares_keys: bool) -> Generator[None, None, None]:
        if self.unanswered is not None:
            state = self.bronze.state()
            super().land(replace(state, sequence=state.sequence + 1), "rows", *self.unanswered, token=0)
        yield from super().run(compares_keys)
        self.unanswered = None

    def land(self, state: TableState, kind: str, rows: Sequence[Row], window: Window | None, token: int) -> bool:
        self.unanswered = rows, window
        return super().land(state, kind, rows, window, token)


class KnownEver(Poller):
    """Drops rows whose content was landed at any time, not only last."""

    def unknown(self, rows: Sequence[Row]) -> Sequence[Row]:
        known = {(row.key, *content_of(row)) for row in self.bronze.rows()}
        return [row for row in rows if (row.key, *content_of(row)) not in known]


class KeysBeforeRows(Poller):
    """Reads the keys before the bound of the window whose rows they are compared with."""

    early: frozenset[int] = frozenset()

    def run(self, compares_keys: bool) -> Generator[None, None, None]:
        self.early = frozenset(self.source.keys())
        yield
        yield from super().run(compares_keys)

    def keys(self) -> set[int]:
        return set(self.early)


class LastWriter(Store):
    """Takes a number again, as a plain PUT does."""

    def put_if_absent(self, number: int, landing: Landing) -> bool:
        self._objects[number] = landing
        return True


@pytest.mark.parametrize(
    ("way", "count"),
    [
        (Way("a bound above open transactions", ROWVERSION, source=AboveOpen), "lost"),
        (Way("a bound above open transactions", XID, source=AboveOpen), "lost"),
        (Way("the position of all pieces at once", ROWVERSION, WholePosition), "lost"),
        (Way("the position of all pieces at once", MODIFIED_DATE, WholePosition), "lost"),
        (Way("the greatest number seen", ROWVERSION, GreatestSeen), "doubled"),
        (Way("a blind retry", ROWVERSION, BlindRetry), "doubled"),
        (Way("content known from any time", MODIFIED_DATE, KnownEver), "lost"),
        (Way("a store without put-if-absent", ROWVERSION, store=LastWriter), "lost"),
        (Way("keys read before the rows", ROWVERSION, KeysBeforeRows), "wrong"),
        (Way("a tombstone at the window's end", ROWVERSION, AtTheEnd), "wrong"),
        *((way, "wrong") for way in RULES if "stamp, number" in way.name or ": stamp" in way.name),
    ],
    ids=lambda part: f"{part.kind}: {part.name}" if isinstance(part, Way) else part,
)
def test_a_wrong_landing_is_caught(way: Way, count: str) -> None:
    assert caught(way, count)
