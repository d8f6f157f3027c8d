"""Durations and due times are read at import, and nothing but a clear one is taken."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from lakehouse.errors import DeclarationError
from lakehouse.spec.freshness import Freshness, Report, duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("26 hours", timedelta(hours=26)),
        ("1 hour", timedelta(hours=1)),
        ("0 minutes", timedelta(0)),
        ("90 minutes", timedelta(minutes=90)),
        (" 2 days ", timedelta(days=2)),
        ("3 weeks", timedelta(days=21)),
        ("999999 weeks", timedelta(weeks=999999)),
    ],
)
def test_duration_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "26", "hours", "1.5 hours", "-1 hours", "26hours", "2 months", "26 hours 5 minutes", "9999999 weeks"]
)
def test_other_durations_are_refused_by_their_text(text: str) -> None:
    with pytest.raises(DeclarationError, match="expected a number and a unit") as refusal:
        duration(text)
    assert repr(text) in str(refusal.value)


def test_freshness_is_checked_where_it_is_declared() -> None:
    assert Freshness(within="26 hours").within == "26 hours"
    with pytest.raises(DeclarationError, match="duration 'soon'"):
        Freshness(within="soon")


@pytest.mark.parametrize("due", ["00:00", "07:00", "19:30", "23:59"])
def test_report_is_due_at_a_time_of_day(due: str) -> None:
    assert Report("Revenue", owner="finance", due=due).due == due


@pytest.mark.parametrize("due", ["24:00", "7:00", "07:60", "07:00:00", "noon", "07:00\n"])
def test_other_due_times_are_refused(due: str) -> None:
    with pytest.raises(DeclarationError, match=r"report Revenue: due .* is no time of day"):
        Report("Revenue", owner="finance", due=due)


@pytest.mark.parametrize("owner", ["", "  "])
def test_report_without_an_owner_is_refused(owner: str) -> None:
    with pytest.raises(DeclarationError, match="report Revenue: it has no owner"):
        Report("Revenue", owner=owner, due="07:00")


@pytest.mark.parametrize("zone", ["America/Nowhere", "EST5 EDT", "", "../etc"])
def test_report_of_an_unknown_zone_is_refused(zone: str) -> None:
    with pytest.raises(DeclarationError, match=r"report Revenue: zone .* is unknown. Use an IANA name"):
        Report("Revenue", owner="finance", due="07:00", zone=zone)


@pytest.mark.parametrize("weekdays", [(), ("mon", "someday"), ("Monday",)])
def test_report_of_other_weekdays_is_refused(weekdays: tuple[str, ...]) -> None:
    with pytest.raises(DeclarationError, match="weekdays"):
        Report("Revenue", owner="finance", due="07:00", weekdays=weekdays)


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
    report = Report("Revenue", owner="finance", due=due)
    assert (report.due_after(utc(now)), report.due_before(utc(now))) == (utc(following), utc(before))


def test_a_report_is_due_on_its_weekdays_only() -> None:
    report = Report("Revenue", owner="finance", due="07:00", zone="UTC", weekdays=("mon", "thu"))
    friday = utc("2026-11-27T12:00")
    assert (report.due_before(friday), report.due_after(friday)) == (utc("2026-11-26T07:00"), utc("2026-11-30T07:00"))


def test_every_day_of_a_year_has_one_due_instant_at_the_same_local_time() -> None:
    report, at = Report("Revenue", owner="finance", due="07:00"), utc("2025-12-31T23:00")
    seen: list[datetime] = []
    while len(seen) < 365:
        at = report.due_after(at)
        seen.append(at.astimezone(ZoneInfo("America/New_York")))
    assert [d.date() for d in seen] == [date(2026, 1, 1) + timedelta(days=n) for n in range(365)]
    assert {(d.hour, d.minute) for d in seen} == {(7, 0)}
