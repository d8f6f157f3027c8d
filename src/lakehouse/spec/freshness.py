"""How old a table may be, and who uses it until when."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from lakehouse.errors import DeclarationError

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
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
    """Greatest age of a table before it counts as stale.

    Attributes:
        within: of the newest build, or of the newest run that found nothing to do, such as `26 hours`.
        data_within: of the newest delivery that any of its sources sent; None where that tells nothing.
    """

    within: str
    data_within: str | None = None

    def __post_init__(self) -> None:
        duration(self.within)
        if self.data_within is not None:
            duration(self.data_within)


@dataclass(frozen=True)
class Report:
    """A named use of a Gold table that people wait for.

    Attributes:
        name: as people call it.
        owner: team or person to tell.
        due: local time of day it is needed, `HH:MM`.
        zone: IANA time zone of `due`.
        weekdays: days on which it is needed, `mon` to `sun`.
    """

    name: str
    owner: str
    due: str
    zone: str = "America/New_York"
    weekdays: tuple[str, ...] = WEEKDAYS

    def __post_init__(self) -> None:
        if not self.owner.strip():
            raise DeclarationError(f"report {self.name}: it has no owner. Name the team or person to tell.")
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", self.due):
            raise DeclarationError(f"report {self.name}: due {self.due!r} is no time of day. Write it as HH:MM.")
        try:
            ZoneInfo(self.zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise DeclarationError(
                f"report {self.name}: zone {self.zone!r} is unknown. Use an IANA name such as America/Chicago."
            ) from error
        unknown = [day for day in self.weekdays if day not in WEEKDAYS]
        if unknown or not self.weekdays:
            raise DeclarationError(
                f"report {self.name}: weekdays {list(self.weekdays)} are not of {', '.join(WEEKDAYS)}. Name some."
            )

    def due_after(self, now: datetime) -> datetime:
        """The first instant after `now`, UTC, at which it is needed.

        A time that the clock skips in spring is due as many minutes after midnight as on other days; of one that comes
        twice in autumn the first counts.
        """
        return self._due(now, 1)

    def due_before(self, now: datetime) -> datetime:
        """The last instant at or before `now`, UTC, at which it was needed."""
        return self._due(now, -1)

    def _due(self, now: datetime, step: int) -> datetime:
        zone = ZoneInfo(self.zone)
        day, at = now.astimezone(zone).date(), time.fromisoformat(self.due)
        while True:
            due = datetime.combine(day, at, zone).astimezone(UTC)
            is_reached = due > now if step > 0 else due <= now
            if is_reached and WEEKDAYS[day.weekday()] in self.weekdays:
                return due
            day += timedelta(days=step)
