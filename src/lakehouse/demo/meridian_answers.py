"""The answer key of the made-up claims database: what was committed, kept in plain dictionaries."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lakehouse.demo.answers import STATED_FEEDS, TABLES
from lakehouse.demo.meridian_script import Day, Transaction, day_of
from lakehouse.demo.revenue import RevenueKey, RevenueRow, Tally, network_key
from lakehouse.demo.row import Row
from lakehouse.demo.script import DemoSpec

NETWORK: Final = "meridian"
Key = tuple[object, ...]


@dataclass(frozen=True)
class DatabaseKey:
    """Expected state after the run of every day.

    Attributes:
        as_of_date: date of the last run.
        live_rows: Silver table -> rows that are in the source.
        deleted_rows: Silver table -> keys that a run found in the source and that are no longer there.
        never_seen: feed -> keys that were committed and deleted with no run in between.
        happened: what went on around the runs -> how often.
        story: story -> how often it was committed; only stories that happened.
        revenue_by_payer: (service_month, network, payer_code) -> expected row.
        tallies: what is counted of Silver, network, value -> how many.
    """

    as_of_date: date
    live_rows: Mapping[str, int]
    deleted_rows: Mapping[str, int]
    never_seen: Mapping[str, int]
    happened: Mapping[str, int]
    story: Mapping[str, int]
    revenue_by_payer: Mapping[RevenueKey, RevenueRow]
    tallies: Mapping[Tally, int]


class Committed:
    """What a database holds: the newest committed row of each key, whatever its stamp says."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, Key], Row] = {}
        self.story: Counter[str] = Counter()
        self.ever: set[tuple[str, Key]] = set()
        self.said: dict[str, list[Row]] = {feed: [] for feed in STATED_FEEDS}

    def take(self, transactions: Iterable[Transaction]) -> None:
        """Apply transactions in their order; those rolled back leave nothing."""
        for transaction in transactions:
            for row in () if transaction.is_undone else transaction.rows:
                place = (row.feed, row.key)
                if row.flag("is_deleted"):
                    self.rows.pop(place, None)
                else:
                    self.rows[place] = row
                self.ever.add(place)
                self.story[row.story] += 1
                if row.feed in self.said:
                    self.said[row.feed].append(row)

    def of(self, feed: str) -> list[Row]:
        """The rows of one feed."""
        return [row for (where, _), row in self.rows.items() if where == feed]


def database_key(spec: DemoSpec) -> DatabaseKey:
    """What must be true after the last day's run; a transaction still open then is not in it."""
    days = [day_of(spec, day) for day in range(spec.days)]
    held, seen = _played(spec, days)
    gone = Counter(feed for feed, _ in seen - set(held.rows))
    unseen = Counter(feed for feed, _ in held.ever - seen - set(held.rows))
    as_of_date = spec.day_date(spec.days - 1)
    live = {feed: held.of(feed) for feed in TABLES}
    # What was read of a database is known from the reading on, which is after every date in it.
    key = network_key(NETWORK, live, held.said, as_of_date, lambda _: date.max)
    return DatabaseKey(
        as_of_date=as_of_date,
        live_rows={table: len(held.of(feed)) for feed, table in TABLES.items()},
        deleted_rows={table: gone[feed] for feed, table in TABLES.items()},
        never_seen=dict(unseen),
        happened=_happened(days, held.story, sum(gone.values())),
        story={story: times for story, times in sorted(held.story.items()) if story},
        revenue_by_payer=key.revenue,
        tallies=key.tallies,
    )


def committed(spec: DemoSpec) -> Committed:
    """What the database holds when the last day's run reads it."""
    return _played(spec, [day_of(spec, day) for day in range(spec.days)])[0]


def _played(spec: DemoSpec, days: Sequence[Day]) -> tuple[Committed, set[tuple[str, Key]]]:
    """What is held in the end, and the keys that a run saw."""
    held = Committed()
    seen: set[tuple[str, Key]] = set()
    for day, written in enumerate(days):
        held.take(written.before)
        seen |= set(held.rows)
        if day < spec.days - 1:
            held.take([*written.during, written.held])
    return held, seen


def _happened(days: Sequence[Day], story: Mapping[str, int], gone: int) -> dict[str, int]:
    before = [transaction for day in days for transaction in day.before]
    return {
        "transactions committed before a run": sum(not t.is_undone for t in before),
        "transactions committed while a run read": sum(len(day.during) for day in days),
        "transactions open during a whole run": sum(bool(day.held.rows) for day in days),
        "transactions rolled back": sum(t.is_undone for t in before),
        "rows deleted that a run had found": gone,
        "rows inserted again under an old key": story["inserted_again"] + story["inserted_again_at_once"],
        "changes stamped before the change they follow": story["back_dated_update"] + story["inserted_again"],
        "changes without a stamp": story["no_stamp"],
    }
