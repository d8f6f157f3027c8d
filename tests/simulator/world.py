"""Runs a schedule with a way of polling, and counts afterwards what is missing, doubled or wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lakehouse.storage.window import MODIFIED_DATE
from simulator.bronze import Bronze, Lease, Store
from simulator.poller import Poller, content_of
from simulator.schedule import Advance, Crash, End, Event, Schedule, Start, Write
from simulator.source import Row, Source


@dataclass(frozen=True)
class Way:
    """A way of finding what changed.

    Attributes:
        name: in tables and messages.
        kind: what the source offers: `rowversion`, `xid` or `modified_date`.
        poller: does it.
        store: takes its commits.
        source: answers it.
    """

    name: str
    kind: str
    poller: type[Poller] = Poller
    store: type[Store] = Store
    source: type[Source] = Source


@dataclass(frozen=True)
class Verdict:
    """What the audit of one world found.

    Attributes:
        lost: keys whose row in the source is not what was landed last for them.
        doubled: rows that were landed more than once.
        wrong: keys that Silver shows otherwise than the source; deleted ones only after a comparison of all keys.
        restless: rows that a second quiet run landed.
        reread: rows landed again, or read again and dropped.
    """

    lost: int
    doubled: int
    wrong: int
    restless: int
    reread: int


class World:
    """One schedule under one way of polling."""

    def __init__(self, schedule: Schedule, way: Way, tell: Callable[[str], None] | None = None) -> None:
        self.schedule = schedule
        self.way = way
        self._tell = tell
        self._at = self._plans = 0
        self.source = way.source(way.kind, self._meanwhile)
        self.bronze = Bronze(way.store(), schedule.notes_as_text)
        self.lease = Lease(schedule.lease_events)
        self._pollers = [self._poller(), self._poller()]
        self._running: list[Iterator[None] | None] = [None, None]

    def run(self) -> Verdict:
        """Everything that the schedule says, then quiet runs, then the audit."""
        events = self.schedule.events
        while self._at < len(events):
            event = events[self._at]
            self._at += 1
            self.lease.now = self._at
            self._do(event)
        for number in range(len(self._running)):
            self._advance(number, None)
        if self.source.signal == MODIFIED_DATE:  # a stamp in the future is read once the clock has passed it
            self.source.clock = self.schedule.end
        self._quiet_run(self.schedule.compares_keys)
        landed = len(self.bronze.rows())
        self._quiet_run(False)
        return self._audit(len(self.bronze.rows()) - landed)

    def _poller(self) -> Poller:
        of = self.schedule
        return self.way.poller(self.source, self.bronze, self.lease, of.lag, of.window_rows)

    def _do(self, event: Event) -> None:
        if isinstance(event, Write | End):
            self._say(event)
            self.source.apply(event)
        elif isinstance(event, Advance):
            self._advance(event.poller, event.steps)
        elif isinstance(event, Start) and self._running[event.poller] is None:
            self._say(event)
            self._running[event.poller] = self._pollers[event.poller].run(event.compares_keys)
        elif isinstance(event, Crash) and self._running[event.poller] is not None:
            self._say(event)
            self._running[event.poller] = None

    def _advance(self, number: int, steps: int | None) -> None:
        running = self._running[number]
        if running is None:
            return
        done = 0
        while steps is None or done < steps:
            done += 1
            landed = self._landed()
            try:
                next(running)
            except StopIteration:
                self._running[number] = None
                self._say(f"poller {number} is done", landed)
                return
            self._say(f"poller {number} did a step", landed)

    def _meanwhile(self) -> None:
        """The database goes on inside a plan."""
        pauses, events = self.schedule.meanwhile, self.schedule.events
        self._plans += 1
        for _ in range(pauses[self._plans % len(pauses)]):
            event = events[self._at] if self._at < len(events) else None
            if not isinstance(event, Write | End):
                return
            self._say(event)
            self.source.apply(event)
            self._at += 1

    def _quiet_run(self, compares_keys: bool) -> None:
        self.lease.now += self.lease.events or 0
        landed = self._landed()
        for _ in self._poller().run(compares_keys):
            pass
        self._say("a quiet run", landed)

    def _landed(self) -> int:
        return len(self.bronze.landings()) if self._tell else 0

    def _say(self, event: object, landed: int | None = None) -> None:
        if self._tell:
            self._tell(f"{self._at:4d}  {event}")
            for landing in self.bronze.landings()[self._landed() if landed is None else landed :]:
                self._tell(f"      landed {landing.rows}, position {landing.said.state.position}")

    def _audit(self, restless: int) -> Verdict:
        final = committed_rows(self.schedule)
        rows = [row for row in self.bronze.rows() if not row.is_deleted]
        newest = {row.key: row for row in rows}
        shown = {key: row for key, row in self.bronze.winners(self.way.poller.order).items() if not row.is_deleted}
        lost = [key for key, made in final.items() if key not in newest or not _same(newest[key], made)]
        wrong = [key for key, made in final.items() if key not in shown or not _same(shown[key], made)]
        if self.schedule.compares_keys:
            wrong += [key for key in shown if key not in final]
        distinct = len({row.write for row in rows})
        return Verdict(len(lost), len(rows) - distinct, len(wrong), restless, self.source.rows_read - distinct)


def committed_rows(schedule: Schedule) -> dict[int, Write]:
    """What the table holds in the end, from the schedule alone."""
    rows: dict[int, Write] = {}
    written: dict[int, list[Write]] = {}
    for event in schedule.events:
        if isinstance(event, Write):
            written.setdefault(event.transaction, []).append(event)
        elif isinstance(event, End) and event.commits:
            rows |= {made.key: made for made in written.pop(event.transaction, ())}
    return {key: made for key, made in rows.items() if made.content is not None}


def _same(row: Row, made: Write) -> bool:
    return content_of(row) == (made.stamp, made.content)
