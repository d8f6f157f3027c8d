"""A time of day at which something is needed, on certain days, where the people are who need it."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lakehouse.errors import DeclarationError
from lakehouse.spec.calendar import Calendar, Holidays, is_holiday

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
WORKDAYS = WEEKDAYS[:5]
NEW_YORK = "America/New_York"


@dataclass(frozen=True)
class DueTime:
    """When something is needed.

    A day that is a holiday is passed over: it is due on the next of its weekdays that is none. A time that the clock
    skips in spring is due as many minutes after midnight as on other days; of one that comes twice in autumn the first
    counts.

    Attributes:
        at: local time of day, `HH:MM`.
        zone: IANA time zone of `at`.
        weekdays: days on which it is needed, `mon` to `sun`.
        holidays: days on which it is not: a calendar or dates.
    """

    at: str
    zone: str = NEW_YORK
    weekdays: tuple[str, ...] = WEEKDAYS
    holidays: Holidays = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", self.at):
            raise DeclarationError(f"due {self.at!r} is no time of day. Write it as HH:MM.")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise DeclarationError(
                f"zone {self.zone!r} is unknown. Use an IANA name such as America/Chicago."
            ) from error
        unknown = [day for day in self.weekdays if day not in WEEKDAYS]
        if unknown or not self.weekdays:
            raise DeclarationError(f"weekdays {list(self.weekdays)} are not of {', '.join(WEEKDAYS)}. Name some.")
        listed = () if isinstance(self.holidays, Calendar) else self.holidays
        if not isinstance(listed, tuple) or not all(type(day) is date for day in listed):
            raise DeclarationError("holidays are neither a calendar such as US_FEDERAL nor a tuple of dates.")

    @property
    def text(self) -> str:
        """`07:00 America/New_York`."""
        return f"{self.at} {self.zone}"

    def after(self, now: datetime) -> datetime:
        """The first instant after `now`, UTC, at which it is needed."""
        return self._due(now, 1)

    def before(self, now: datetime) -> datetime:
        """The last instant at or before `now`, UTC, at which it was needed."""
        return self._due(now, -1)

    def _due(self, now: datetime, step: int) -> datetime:
        zone = ZoneInfo(self.zone)
        day, at = now.astimezone(zone).date(), time.fromisoformat(self.at)
        while True:
            due = datetime.combine(day, at, zone).astimezone(UTC)
            is_reached = due > now if step > 0 else due <= now
            if is_reached and WEEKDAYS[day.weekday()] in self.weekdays and not is_holiday(day, self.holidays):
                return due
            day += timedelta(days=step)
