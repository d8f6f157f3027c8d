"""How old a table may be, and who uses it until when."""

import re
from dataclasses import dataclass
from datetime import timedelta

from lakehouse.errors import DeclarationError

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


@dataclass(frozen=True)
class Freshness:
    """Greatest age of a table's newest build before it counts as stale.

    Attributes:
        within: such as `26 hours`.
    """

    within: str

    def __post_init__(self) -> None:
        duration(self.within)


@dataclass(frozen=True)
class Report:
    """A named use of Gold tables that people wait for.

    Attributes:
        name: as people call it.
        owner: team or person to tell.
        due: local time of day it is needed, `HH:MM`.
        zone: IANA time zone of `due`.
    """

    name: str
    owner: str
    due: str
    zone: str = "America/New_York"

    def __post_init__(self) -> None:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", self.due):
            raise DeclarationError(f"report {self.name}: due {self.due!r} is no time of day. Write it as HH:MM.")
