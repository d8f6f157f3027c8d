"""Due instants: across clock changes, weekends and holidays; the instants are written out in UTC."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lakehouse.spec.calendar import US_FEDERAL
from lakehouse.spec.due_time import WEEKDAYS, WORKDAYS, DueTime


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


# due time in New York, now, next due, last due; the clock goes forward on 2026-03-08 and back on 2026-11-01 at 2:00
DUES = [
    ("07:00", "2026-01-15T11:59:59", "2026-01-15T12:00", "2026-01-14T12:00"),
    ("07:00", "2026-01-15T12:00", "2026-01-16T12:00", "2026-01-15T12:00"),
    ("07:00", "2026-03-07T13:00", "2026-03-08T11:00", "2026-03-07T12:00"),
    ("07:00", "2026-10-31T12:00", "2026-11-01T12:00", "2026-10-31T11:00"),
    ("02:30", "2026-03-08T05:00", "2026-03-08T07:30", "2026-03-07T07:30"),  # 2:30 does not come
    ("01:30", "2026-11-01T04:00", "2026-11-01T05:30", "2026-10-31T05:30"),  # 1:30 comes twice
    ("01:30", "2026-11-01T05:45", "2026-11-02T06:30", "2026-11-01T05:30"),
    ("23:30", "2026-01-16T01:00", "2026-01-16T04:30", "2026-01-15T04:30"),  # another day in UTC
]


@pytest.mark.parametrize(("due", "now", "following", "before"), DUES)
def test_due_instants_on_ordinary_days_and_when_the_clock_changes(
    due: str, now: str, following: str, before: str
) -> None:
    at = DueTime(due)
    assert (at.after(utc(now)), at.before(utc(now))) == (utc(following), utc(before))


def test_it_is_due_on_its_weekdays_only() -> None:
    at, friday = DueTime("07:00", "UTC", ("mon", "thu")), utc("2026-11-27T12:00")
    assert (at.before(friday), at.after(friday)) == (utc("2026-11-26T07:00"), utc("2026-11-30T07:00"))


def test_every_day_of_a_year_has_one_due_instant_at_the_same_local_time() -> None:
    due, at = DueTime("07:00"), utc("2025-12-31T23:00")
    seen: list[datetime] = []
    while len(seen) < 365:
        at = due.after(at)
        seen.append(at.astimezone(ZoneInfo("America/New_York")))
    assert [d.date() for d in seen] == [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert {(d.hour, d.minute) for d in seen} == {(7, 0)}


@pytest.mark.parametrize(
    ("weekdays", "now", "following", "before"),
    [
        (WORKDAYS, "2026-07-03T12:00", "2026-07-06T07:00", "2026-07-02T07:00"),  # Friday for Saturday the Fourth
        (WEEKDAYS, "2026-07-03T12:00", "2026-07-05T07:00", "2026-07-02T07:00"),  # Saturday is a holiday, Sunday not
        (("mon",), "2026-01-13T00:00", "2026-01-26T07:00", "2026-01-12T07:00"),  # its next Monday that is none
        (WORKDAYS, "2021-12-30T12:00", "2022-01-03T07:00", "2021-12-30T07:00"),  # observed in the year before
    ],
)
def test_a_holiday_is_passed_over(weekdays: tuple[str, ...], now: str, following: str, before: str) -> None:
    at = DueTime("07:00", "UTC", weekdays, US_FEDERAL)
    assert (at.after(utc(now)), at.before(utc(now))) == (utc(following), utc(before))


def test_listed_dates_are_passed_over_as_days_of_the_zone() -> None:
    at = DueTime("23:30", holidays=(date(2026, 12, 24),))
    assert at.after(utc("2026-12-24T12:00")) == utc("2026-12-26T04:30")
    assert at.before(utc("2026-12-25T12:00")) == utc("2026-12-24T04:30")
