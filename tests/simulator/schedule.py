"""What happens to one table of a claims database and to its pollers, in order: one seed, one schedule.

A statement takes its stamp and its number when it runs and is seen when its transaction commits. Clocks go back,
senders stamp into the past and the future or not at all, several statements share a tick, transactions stay open over
polls, keys are changed several times, deleted and inserted again. Pollers advance step by step, stop at any step, and
two of them may be under way at once. Time is counted in ticks of one second.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

CLOCK_STEPS = (0, 0, 0, 1, 1, 2, 5)
CLOCK_JUMPS = (-4, -2, -1, 2)
SKEWS = (-5, -3, -1, 1, 2, 15)
ADVANCES = (0, 1, 1, 2, 3, 6, 12)
MEANWHILE = (0, 0, 0, 1, 2)
WINDOW_ROWS = (1, 2, 3, 100)
MOST_OPEN = 3
FIRST_CLOCK = 100


class Write(NamedTuple):
    """One statement that changes one row, in an open transaction.

    Attributes:
        clock: the server's clock, ticks.
        transaction: it belongs to.
        key: of the row.
        write: number of the statement in the schedule, from 1.
        number: the server's change number, as `rowversion` gives it to each row; None for a delete.
        xid: number of its transaction, given at its first write.
        stamp: when the sender says it was changed, ticks; None when it does not say.
        content: business columns; None for a delete.
    """

    clock: int
    transaction: int
    key: int
    write: int
    number: int | None
    xid: int
    stamp: int | None
    content: int | None


class End(NamedTuple):
    """A transaction becomes visible, or never was."""

    clock: int
    transaction: int
    commits: bool


class Start(NamedTuple):
    """A poller starts, unless it is under way."""

    clock: int
    poller: int
    compares_keys: bool


class Advance(NamedTuple):
    """A poller that is under way does its next steps."""

    clock: int
    poller: int
    steps: int


class Crash(NamedTuple):
    """A poller that is under way is gone, whatever it was doing."""

    clock: int
    poller: int


Event = Write | End | Start | Advance | Crash


@dataclass(frozen=True)
class Schedule:
    """One seed's world.

    Attributes:
        seed: it was made of.
        events: in order; every transaction has ended by the end.
        lag: greatest span by which a committed stamp was below a clock that was read before its commit, ticks: the
            longest transaction, the skew of stamps and the steps of the clock together.
        end: a clock later than every stamp.
        window_rows: most rows of one piece.
        lease_events: how many events a lease lasts; None when the pollers take none.
        meanwhile: how many events of the database pass inside the steps of a plan, in turn.
        compares_keys: the last poll compares all keys.
        notes_as_text: commit notes pass through their JSON form.
    """

    seed: int
    events: tuple[Event, ...]
    lag: int
    end: int
    window_rows: int
    lease_events: int | None
    meanwhile: tuple[int, ...]
    compares_keys: bool
    notes_as_text: bool


def schedule(seed: int) -> Schedule:
    """The world of a seed."""
    random = Random(seed)
    workload = _Workload(random)
    for _ in range(random.randrange(6, 32)):
        workload.pass_time()
        workload.do_something()
        workload.poll()
    workload.end_all()
    return Schedule(
        seed,
        tuple(workload.events),
        workload.lag,
        max(workload.highest_clock, workload.highest_stamp) + 1000,
        random.choice(WINDOW_ROWS),
        random.choice((None, 4, 12)),
        tuple(random.choices(MEANWHILE, k=5)),
        random.random() < 0.7,
        seed % 16 == 0,
    )


class _Workload:
    """Writes the events of one schedule."""

    def __init__(self, random: Random) -> None:
        self.random: Callable[[], float] = random.random
        self.choice = random.choice
        self.keys = range(random.randrange(1, 8))
        self.long_share = random.choice((0.1, 0.3, 0.6))
        self.skew_share = random.choice((0.0, 0.1, 0.3))
        self.unstamped_share = random.choice((0.0, 0.0, 0.1))
        self.poll_share = random.choice((0.15, 0.3))
        self.crash_share = random.choice((0.0, 0.05, 0.2))
        self.events: list[Event] = []
        self.clock = self.highest_clock = self.highest_stamp = FIRST_CLOCK
        self.lag = self.writes = self.number = self.xid = self.transactions = 0
        self.stored: set[int] = set()
        self.open: dict[int, dict[int, Write]] = {}

    def pass_time(self) -> None:
        """The clock goes on; now and then it is set."""
        self.clock += self.choice(CLOCK_JUMPS if self.random() < 0.05 else CLOCK_STEPS)
        self.highest_clock = max(self.highest_clock, self.clock)

    def do_something(self) -> None:
        """A statement of its own, a statement of a longer transaction, or the end of one."""
        chance = self.random()
        if self.open and chance < 0.35:
            self.end(self.choice(tuple(self.open)))
        elif self.open and chance < 0.55:
            self.write(self.choice(tuple(self.open)))
        elif chance < 1 - self.long_share or len(self.open) >= MOST_OPEN:
            self.end(self.begin())
        else:
            self.begin()

    def begin(self) -> int:
        """A transaction with its first statement."""
        self.transactions += 1
        self.open[self.transactions] = {}
        self.write(self.transactions)
        return self.transactions

    def write(self, transaction: int) -> None:
        """A statement of an open transaction, on a key that no other one holds."""
        key = self.choice(self.keys)
        if any(key in held for other, held in self.open.items() if other != transaction):
            return
        mine = self.open[transaction]
        exists = mine[key].content is not None if key in mine else key in self.stored
        deletes = exists and self.random() < 0.2
        self.writes += 1
        if not mine:
            self.xid += 1 + (self.random() < 0.2)
        xid = next(iter(mine.values())).xid if mine else self.xid
        if deletes:
            made = Write(self.clock, transaction, key, self.writes, None, xid, None, None)
        else:
            self.number += 1 + (self.random() < 0.2)
            content = self.writes % 3
            made = Write(self.clock, transaction, key, self.writes, self.number, xid, self.stamp(), content)
        mine[key] = made
        self.events.append(made)

    def stamp(self) -> int | None:
        """What the sender says."""
        if self.random() < self.unstamped_share:
            return None
        stamp = self.clock + (self.choice(SKEWS) if self.random() < self.skew_share else 0)
        self.highest_stamp = max(self.highest_stamp, stamp)
        return stamp

    def end(self, transaction: int) -> None:
        """Commit, or now and then roll back."""
        mine = self.open.pop(transaction)
        commits = self.random() < 0.85
        self.events.append(End(self.clock, transaction, commits))
        if not commits:
            return
        for key, made in mine.items():
            if made.content is None:
                self.stored.discard(key)
                continue
            self.stored.add(key)
            if made.stamp is not None:
                self.lag = max(self.lag, self.highest_clock - made.stamp)

    def end_all(self) -> None:
        """No transaction stays open."""
        for transaction in tuple(self.open):
            self.pass_time()
            self.end(transaction)
            self.poll()

    def poll(self) -> None:
        """What the pollers do until the database's next event."""
        if self.random() < self.poll_share:
            self.events.append(Start(self.clock, self.choice((0, 0, 1)), self.random() < 0.5))
        for poller in (0, 1):
            if steps := self.choice(ADVANCES):
                self.events.append(Advance(self.clock, poller, steps))
            if self.random() < self.crash_share:
                self.events.append(Crash(self.clock, poller))
