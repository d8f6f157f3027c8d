"""How old a table may be, and who uses it until when."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from lakehouse.errors import DeclarationError
from lakehouse.spec.calendar import Holidays
from lakehouse.spec.due_time import NEW_YORK, WEEKDAYS, DueTime

_INSTANT = timedelta(microseconds=1)
_UNITS = {"minute": 60, "hour": 3600, "day": 86400, "week": 604800}


def duration(text: str) -> timedelta:
    """`26 hours` as a timedelta.

    Raises:
        DeclarationError: the text is not a whole number and a unit (minutes, hours, days, weeks).
    """
    match = re.fullmatch(r"(\d{1,6}) (minute|hour|day|week)s?", text.strip())
    if not match:
        raise DeclarationError(f"duration {text!r}: expected a number and a unit, such as '26 hours' or '2 days'.")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def in_words(age: timedelta) -> str:
    """An age in its largest fitting unit: `59 minutes`, `47 hours`, `2 days`."""
    hours = age / timedelta(hours=1)
    return (
        f"{hours * 60:.0f} minutes" if hours < 1 else f"{hours:.0f} hours" if hours < 48 else f"{hours / 24:.0f} days"
    )


@dataclass(frozen=True)
class Freshness:
    """When a table counts as stale: above an age, or when nobody looked at it in time.

    Give either `within` or `due`. With `due` it is stale when neither a build nor a look happened between the due time
    before the last one and now: what happens after a due time counts for the next one, and repairs a missed one.

    Attributes:
        within: greatest age of the newest build, or of the newest run that found nothing to do, such as `26 hours`.
        data_within: of the newest delivery that any of its sources sent; None where that tells nothing.
        due: local time of day it is needed, `HH:MM`.
        zone: IANA time zone of `due`.
        weekdays: days on which it is needed, `mon` to `sun`.
        holidays: days on which it is not: a calendar or dates.
    """

    within: str | None = None
    data_within: str | None = None
    due: str | None = None
    zone: str = NEW_YORK
    weekdays: tuple[str, ...] = WEEKDAYS
    holidays: Holidays = ()

    def __post_init__(self) -> None:
        if (self.within is None) == (self.due is None):
            raise DeclarationError("freshness: give either within, such as '26 hours', or due, such as '07:00'.")
        if self.due is None and (self.zone, self.weekdays, self.holidays) != (NEW_YORK, WEEKDAYS, ()):
            raise DeclarationError("freshness: zone, weekdays and holidays belong to due, not to within.")
        for age in (self.within, self.data_within):
            if age is not None:
                duration(age)
        _ = self.due_time

    @property
    def due_time(self) -> DueTime | None:
        """When it is needed; None where an age was given."""
        return None if self.due is None else _due_time("freshness", self.due, self.zone, self.weekdays, self.holidays)

    @property
    def text(self) -> str:
        """`26 hours`, or `by 07:00 America/New_York`."""
        return f"by {self.due_time.text}" if self.due_time else str(self.within)

    def is_missed(self, confirmed_at: datetime, now: datetime) -> bool:
        """At `now` a table that was built or looked at last at `confirmed_at` is stale."""
        if self.due_time is None:
            return now - confirmed_at > duration(str(self.within))
        last = self.due_time.before(now)
        return confirmed_at <= self.due_time.before(last - _INSTANT)


@dataclass(frozen=True)
class Report:
    """A named use of a Gold table that people wait for.

    Attributes:
        name: as people call it.
        owner: team or person to tell.
        due: local time of day it is needed, `HH:MM`.
        zone: IANA time zone of `due`.
        weekdays: days on which it is needed, `mon` to `sun`.
        holidays: days on which it is not: a calendar or dates. It is due on the next of its weekdays then.
    """

    name: str
    owner: str
    due: str
    zone: str = NEW_YORK
    weekdays: tuple[str, ...] = WEEKDAYS
    holidays: Holidays = ()

    def __post_init__(self) -> None:
        if not self.owner.strip():
            raise DeclarationError(f"report {self.name}: it has no owner. Name the team or person to tell.")
        _ = self.due_time

    @property
    def due_time(self) -> DueTime:
        """When it is needed."""
        return _due_time(f"report {self.name}", self.due, self.zone, self.weekdays, self.holidays)

    def due_after(self, now: datetime) -> datetime:
        """The first instant after `now`, UTC, at which it is needed."""
        return self.due_time.after(now)


def _due_time(of: str, due: str, zone: str, weekdays: tuple[str, ...], holidays: Holidays) -> DueTime:
    try:
        return DueTime(due, zone, weekdays, holidays)
    except DeclarationError as error:
        raise DeclarationError(f"{of}: {error}") from error
