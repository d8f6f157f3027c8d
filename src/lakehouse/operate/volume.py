"""How much each feed delivered against what is usual on that day of the week: from Bronze logs, without a JVM.

A run is green whatever number of rows a sender sends. A delivery belongs to the UTC day of its `delivered_at`: the date
in its path, else when it came. A dated file that was sent again counts once, as it was sent last; repeats, reloads and
tombstones of key comparisons count nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from statistics import median, median_high

from lakehouse.errors import LogError
from lakehouse.settings_networks import CheckSettings, NetworkSettings
from lakehouse.spec.registry import Registry
from lakehouse.spec.table import Table
from lakehouse.storage.file_names import date_in
from lakehouse.storage.log import Logs
from lakehouse.storage.notes import Delivery

WEEKS = 8
"""How many of the same weekdays before a day say what is usual."""
LEAST_KNOWN = 4
"""With deliveries on fewer of them nothing is usual yet."""
SMALL = 20
"""Rows below which a feed is too small to tell, whatever its share."""
SILENT_DAYS = 14
"""Days after the newest delivery that are looked at: every weekday twice, since one of them may be a holiday."""
_DAY, _WEEK = timedelta(days=1), timedelta(weeks=1)


class Unusual(StrEnum):
    """What is unusual of a day."""

    NOTHING = "nothing came"
    FEWER = "fewer rows than usual"
    MORE = "more rows than usual"


@dataclass(frozen=True)
class FeedVolume:
    """What one feed delivered on the newest day that can be judged.

    Attributes:
        table: its Bronze table.
        owners: of the reports that are made of it.
        day: UTC.
        rows: delivered for the day.
        usual: median of the same weekdays before it; None while too few are known.
        unusual: what is unusual of it, if anything.
    """

    table: str
    owners: tuple[str, ...]
    day: date
    rows: int
    usual: float | None
    unusual: Unusual | None

    @property
    def text(self) -> str:
        """One line for people."""
        usual = "" if self.usual is None else f", usually {self.usual:,.0f} on a {self.day:%A}"
        return f"{self.table} of {self.day}: {self.rows:,} rows{usual}{f': {self.unusual}' if self.unusual else ''}"


@dataclass(frozen=True)
class DeliveredDay:
    """All deliveries of one day.

    Attributes:
        rows: landed from them.
        deliveries: number of files or windows.
        lag_days: from the day to the one on which the last of them came.
    """

    rows: int
    deliveries: int
    lag_days: int


def lake_volumes(
    registry: Registry, names: Iterable[str], logs: Logs, networks: Mapping[str, NetworkSettings], now: datetime
) -> tuple[FeedVolume, ...]:
    """What the feeds delivered that the named tables are made of; none of a feed that delivered nothing yet.

    Args:
        registry: what is declared.
        names: tables to look at.
        logs: of the lake. One that cannot be trusted says nothing here; `lakehouse status` tells of it.
        networks: their settings.
        now: UTC instant.
    """
    wanted = registry.upstream(names)
    found = []
    for table in registry.tables.values():
        if table.name in wanted and table.feed is not None and table.network is not None:
            days = _days_of(table, logs)
            if days:
                owners = {report.owner for report, _ in registry.reports(registry.downstream([table.name]))}
                found.append(_volume(table, tuple(sorted(owners)), days, networks[table.network], now))
    return tuple(found)


def _days_of(table: Table, logs: Logs) -> Mapping[date, DeliveredDay]:
    try:
        return delivered_days(d for _, d in logs[table.name].deliveries())
    except LogError:
        return {}


def delivered_days(deliveries: Iterable[Delivery]) -> Mapping[date, DeliveredDay]:
    """Deliveries, oldest first, by the day they are of."""
    parts: dict[tuple[date, str], dict[int, Delivery]] = {}
    for delivery in deliveries:
        if delivery.kind != "rows" or delivery.repeats:
            continue
        is_dated = delivery.window is None and date_in(delivery.path) is not None
        name = delivery.path if is_dated else f"{delivery.path} at {delivery.modified_at}"
        landed = parts.setdefault((_day(delivery.delivered_at), name), {})
        if delivery.part == 0:
            landed.clear()  # sent or read again
        landed[delivery.part] = delivery
    by_day: dict[date, list[dict[int, Delivery]]] = defaultdict(list)
    for (day, _), each in parts.items():
        by_day[day].append(each)
    return {day: _delivered(day, each) for day, each in by_day.items()}


def _delivered(day: date, files: Sequence[Mapping[int, Delivery]]) -> DeliveredDay:
    parts = [part for file in files for part in file.values()]
    came = max(_day(part.modified_at) for part in parts)
    return DeliveredDay(sum(part.rows for part in parts), len(files), max((came - day).days, 0))


def _day(instant: str) -> date:
    return datetime.fromisoformat(instant).astimezone(UTC).date()


def _volume(
    table: Table,
    owners: tuple[str, ...],
    days: Mapping[date, DeliveredDay],
    network: NetworkSettings,
    now: datetime,
) -> FeedVolume:
    assert table.feed is not None
    feed, today = table.feed.name, now.astimezone(UTC).date()
    off = {day - e.date_lag_days * _DAY for e in network.files.expect if e.feed == feed for day in e.not_on}
    for silent in _silent_days(days, today):
        usual = _usual_rows(days, silent)
        if usual is not None and silent not in off and judged(0, usual, network.checks):
            return FeedVolume(table.name, owners, silent, 0, usual, Unusual.NOTHING)
    day = _newest_complete(days, today)
    rows, usual = days[day].rows, _usual_rows(days, day)
    unusual = None if usual is None else judged(rows, usual, network.checks)
    return FeedVolume(table.name, owners, day, rows, usual, unusual)


def judged(rows: int, usual: float, checks: CheckSettings) -> Unusual | None:
    """Whether so many rows are unusual, by the network's settings."""
    if max(rows, usual) < SMALL:
        return None
    if rows < Fraction(checks.least_volume) * Fraction(usual):
        return Unusual.FEWER
    return Unusual.MORE if rows > Fraction(checks.most_volume) * Fraction(usual) else None


def _known(days: Mapping[date, DeliveredDay], day: date) -> list[DeliveredDay]:
    """The same weekdays before `day` on which something was delivered."""
    return [days[past] for past in _past(days, day) if past in days]


def _usual_rows(days: Mapping[date, DeliveredDay], day: date) -> float | None:
    known = _known(days, day)
    return median(d.rows for d in known) if len(known) >= LEAST_KNOWN else None


def _past(days: Mapping[date, DeliveredDay], day: date) -> list[date]:
    first = min(days)
    return [past for weeks in range(1, WEEKS + 1) if (past := day - weeks * _WEEK) >= first]


def _is_over(day: date, known: Sequence[DeliveredDay], today: date) -> bool:
    """Nothing more is to come of the day, by how long after it deliveries usually came."""
    lag = median_high(d.lag_days for d in known) if known else 0
    return day + lag * _DAY < today


def _silent_days(days: Mapping[date, DeliveredDay], today: date) -> Iterator[date]:
    """Days after the newest delivery that are over, though most of the same weekdays before had a delivery."""
    newest = max(days)
    for day in (newest + n * _DAY for n in range(1, SILENT_DAYS + 1)):
        known = _known(days, day)
        if 2 * len(known) > len(_past(days, day)) and _is_over(day, known, today):
            yield day


def _newest_complete(days: Mapping[date, DeliveredDay], today: date) -> date:
    """The newest day that is over, or has as many deliveries as usual; the newest of all where there is none."""

    def is_complete(day: date) -> bool:
        known = _known(days, day)
        is_whole = not known or days[day].deliveries >= median(d.deliveries for d in known)
        return is_whole or _is_over(day, known, today)

    newest_first = sorted(days, reverse=True)
    return next((day for day in newest_first if is_complete(day)), newest_first[0])
