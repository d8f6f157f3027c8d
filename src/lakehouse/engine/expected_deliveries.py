"""Which deliveries should have come by now, and how each stands: missing is not the same as empty.

A file belongs to the day its path says (`claims-2026-01-05.csv`), moved on by the sender's lag, to the next day a
delivery is expected on. A file without a date in its path belongs to the first day that was due when it came or later.
Of several such files for one day those to spare make up for days before it that nothing came for; so the number of
missing days is right, but which they are can be told for sure only where names carry dates.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from zoneinfo import ZoneInfo

from lakehouse.engine.file_deliveries import by_path, due_files
from lakehouse.settings_files import WEEKDAYS, ExpectedDelivery, FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.spec.table import Table
from lakehouse.storage.drop_listing import list_drop
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.file_names import date_in
from lakehouse.storage.log import DeltaLog
from lakehouse.storage.notes import Delivery

LOOK_BACK_DAYS = 31
_DAY = timedelta(days=1)


class Standing(IntEnum):
    """How a delivery stands; of several files of one day the highest counts."""

    MISSING = 0  # no file is there
    UNFINISHED = 1  # a file is there and not complete
    EMPTY = 2  # landed, and no file of the day has a record
    UNREAD = 3  # complete and not landed
    LANDED = 4  # landed with records


@dataclass(frozen=True)
class Arrival:
    """A file that came, in the drop now or landed before.

    Attributes:
        path: relative to the network's root.
        day: date in its path; None without one.
        came_at: its modification time, UTC.
        standing: any but `MISSING`.
    """

    path: str
    day: date | None
    came_at: datetime
    standing: Standing


@dataclass(frozen=True)
class DueDelivery:
    """A delivery that is due, and how it stands.

    Attributes:
        network: its sender.
        feed: of which feed.
        day: it is expected on.
        due_at: UTC instant it should be there, grace included.
        standing: how it stands.
    """

    network: str
    feed: str
    day: date
    due_at: datetime
    standing: Standing

    @property
    def text(self) -> str:
        """One line for people."""
        said = {
            Standing.MISSING: "missing: no file has come",
            Standing.UNFINISHED: "a file is there, but not complete",
            Standing.EMPTY: "empty: a file has come and has no rows",
            Standing.UNREAD: "come, not landed yet",
            Standing.LANDED: "landed",
        }[self.standing]
        return f"{self.network}/{self.feed} of {self.day.isoformat()}, due {self.due_at:%Y-%m-%d %H:%M} UTC: {said}"


def expected_of(
    table: Table, expected: ExpectedDelivery, how: FileSettings, drop: Drop, log: DeltaLog, now: datetime
) -> list[DueDelivery]:
    """Every delivery of a feed that is due at `now`, out of its drop and the log of its Bronze table; no Spark.

    Args:
        table: the Bronze table of the feed.
        expected: the schedule.
        how: how the network's files come.
        drop: where they lie.
        log: of the table.
        now: UTC instant.

    Raises:
        SourceError: the drop cannot be listed.
    """
    source = table.reads["rows"]
    assert isinstance(source, FileSource)
    assert table.network is not None
    listing, landed = list_drop(drop, source, how, now), log.deliveries()
    due = due_files(listing.ready, by_path(landed), lambda _: False)
    arrivals = arrivals_of((d for _, d in landed), due, (waiting.file for waiting in listing.waiting))
    return due_deliveries(table.network, expected, arrivals, now)


def arrivals_of(
    landed: Iterable[Delivery], due: Iterable[FoundFile] = (), waiting: Iterable[FoundFile] = ()
) -> list[Arrival]:
    """All files of a feed as arrivals.

    Args:
        landed: deliveries of its Bronze table. A file in parts is empty when all its parts are.
        due: complete files that are not landed as they are now, or not to their last part.
        waiting: files that are not complete.
    """
    due = list(due)
    unread = {(file.path, file.modified_at) for file in due}
    records: dict[tuple[str, str], int] = {}
    for delivery in landed:
        key = (delivery.path, delivery.modified_at)
        records[key] = records.get(key, 0) + delivery.rows + delivery.rejected
    found = [
        Arrival(path, date_in(path), datetime.fromisoformat(at), Standing.LANDED if count else Standing.EMPTY)
        for (path, at), count in records.items()
        if (path, datetime.fromisoformat(at)) not in unread
    ]
    for files, standing in ((due, Standing.UNREAD), (waiting, Standing.UNFINISHED)):
        found += [Arrival(file.path, date_in(file.path), file.modified_at, standing) for file in files]
    return found


def due_deliveries(
    network: str, expected: ExpectedDelivery, arrivals: Sequence[Arrival], now: datetime
) -> list[DueDelivery]:
    """Every delivery that is due at `now`, oldest first, back to the first one or `LOOK_BACK_DAYS`.

    Args:
        network: its name.
        expected: the schedule of one feed.
        arrivals: files of that feed, each once.
        now: UTC instant.
    """
    today = now.astimezone(ZoneInfo(expected.zone)).date()
    first = expected.first_day or min((_day_of(expected, a) for a in arrivals), default=None)
    slots = [day for day in _days(expected, today - LOOK_BACK_DAYS * _DAY, today) if _due_at(expected, day) <= now]
    slots = [day for day in slots if day >= first] if first else slots[-1:]
    standing = _standings(expected, arrivals, slots)
    return [DueDelivery(network, expected.feed, day, _due_at(expected, day), standing[day]) for day in slots]


def missing_deliveries(due: Iterable[DueDelivery]) -> list[DueDelivery]:
    """Those that people should be told of: missing, not complete, or empty."""
    return [d for d in due if d.standing < Standing.UNREAD]


def _day_of(expected: ExpectedDelivery, arrival: Arrival) -> date:
    """The day from which on a file can be what is expected."""
    if arrival.day is not None:
        return arrival.day + expected.date_lag_days * _DAY
    day = arrival.came_at.astimezone(ZoneInfo(expected.zone)).date()
    return day if arrival.came_at <= _due_at(expected, day) else day + _DAY


def _standings(expected: ExpectedDelivery, arrivals: Sequence[Arrival], slots: Sequence[date]) -> dict[date, Standing]:
    """How each day stands."""
    came: dict[date, list[Arrival]] = {day: [] for day in slots}
    spare: list[tuple[date | None, Arrival]] = []
    for arrival in sorted(arrivals, key=lambda a: a.came_at):
        earliest = _day_of(expected, arrival)
        own = next(_days(expected, earliest, earliest + 2 * LOOK_BACK_DAYS * _DAY), None)
        if own in came and (arrival.day is not None or not came[own]):
            came[own].append(arrival)
        elif arrival.day is None:
            spare.append((own, arrival))
    for day in (d for d in slots if not came[d]):
        late = next(((own, a) for own, a in spare if own is None or own > day), None)
        if late is not None:
            came[day].append(late[1])
            spare.remove(late)
    for own, arrival in spare:
        if own in came:
            came[own].append(arrival)
    return {day: max((a.standing for a in found), default=Standing.MISSING) for day, found in came.items()}


def _days(expected: ExpectedDelivery, first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        if _is_expected(expected, day) and day not in expected.not_on:
            yield day
        day += _DAY


def _is_expected(expected: ExpectedDelivery, day: date) -> bool:
    if expected.month_day is None:
        return WEEKDAYS[day.weekday()] in expected.weekdays
    return day.day == expected.month_day or ((day + _DAY).day == 1 and day.day < expected.month_day)


def _due_at(expected: ExpectedDelivery, day: date) -> datetime:
    """The instant with its grace. A local time that a clock change skips or repeats is taken at its later instant."""
    local = datetime.combine(day, time.fromisoformat(expected.by), ZoneInfo(expected.zone))
    return max(local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)) + expected.grace
