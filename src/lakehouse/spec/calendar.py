"""Days on which nobody waits for a report: the holidays of a country by their rules, or dates that are listed."""

from datetime import date, timedelta
from enum import StrEnum
from functools import cache

_MONDAY, _THURSDAY, _SATURDAY, _SUNDAY = 0, 3, 5, 6
_DAY = timedelta(days=1)

# 5 U.S.C. 6103, as it stands since Juneteenth was added in 2021.
_ON_DATES = ((1, 1), (6, 19), (7, 4), (11, 11), (12, 25))
"""New Year, Juneteenth, Independence, Veterans, Christmas."""
_ON_WEEKDAYS = (
    (1, 15, _MONDAY),
    (2, 15, _MONDAY),
    (5, 25, _MONDAY),
    (9, 1, _MONDAY),
    (10, 8, _MONDAY),
    (11, 22, _THURSDAY),
)
"""King, Washington, Memorial, Labor, Columbus, Thanksgiving: the first such weekday from the date on."""


class Calendar(StrEnum):
    """Holidays that follow rules."""

    US_FEDERAL = "us_federal"


US_FEDERAL = Calendar.US_FEDERAL
"""Legal holidays of the United States. One on a Saturday is observed on the Friday before, on a Sunday on the Monday
after; the day itself is one too."""

Holidays = Calendar | tuple[date, ...]
"""A calendar, or the dates themselves."""


def is_holiday(day: date, holidays: Holidays) -> bool:
    """The day is one of the holidays, or one of them is observed on it."""
    if not isinstance(holidays, Calendar):
        return day in holidays
    # New Year on a Saturday is observed in the year before.
    return any(day in _us_federal(year) for year in (day.year, day.year + 1))


@cache
def _us_federal(year: int) -> frozenset[date]:
    named = [date(year, month, day) for month, day in _ON_DATES]
    named += [_from_on(date(year, month, day), weekday) for month, day, weekday in _ON_WEEKDAYS]
    return frozenset((*named, *map(_observed, named)))


def _from_on(day: date, weekday: int) -> date:
    return day + (weekday - day.weekday()) % 7 * _DAY


def _observed(day: date) -> date:
    return day + {_SATURDAY: -_DAY, _SUNDAY: _DAY}.get(day.weekday(), 0 * _DAY)
