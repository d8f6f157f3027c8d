"""Durations and due times are read at import, and nothing but a clear one is taken."""

from datetime import UTC, datetime, timedelta

import pytest

from lakehouse.errors import DeclarationError
from lakehouse.spec.calendar import US_FEDERAL
from lakehouse.spec.due_time import WORKDAYS
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


def test_a_report_tells_its_next_due_time() -> None:
    report = Report("Revenue", owner="finance", due="07:00", weekdays=WORKDAYS, holidays=US_FEDERAL)
    assert report.due_after(utc("2026-11-25T12:00")) == utc("2026-11-27T12:00")  # Thanksgiving between


@pytest.mark.parametrize("holidays", ["us_federal", [datetime(2026, 1, 1).date()], (utc("2026-01-01T00:00"),)])
def test_report_of_other_holidays_is_refused(holidays: object) -> None:
    with pytest.raises(DeclarationError, match="report Revenue: holidays are neither"):
        Report("Revenue", owner="finance", due="07:00", holidays=holidays)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "limits",
    [
        {},
        {"within": "26 hours", "due": "07:00"},
        {"within": "26 hours", "weekdays": WORKDAYS},
        {"within": "26 hours", "holidays": US_FEDERAL},
        {"within": "26 hours", "zone": "UTC"},
        {"due": "7 am"},
        {"due": "07:00", "zone": "Mars"},
        {"due": "07:00", "weekdays": ()},
        {"due": "07:00", "data_within": "soon"},
    ],
)
def test_freshness_is_an_age_or_a_due_time(limits: dict[str, object]) -> None:
    with pytest.raises(DeclarationError, match=r"freshness: |duration 'soon'"):
        Freshness(**limits)  # type: ignore[arg-type]


def test_a_limit_in_words() -> None:
    assert Freshness(within="26 hours").text == "26 hours"
    assert Freshness(due="07:00", zone="UTC").text == "by 07:00 UTC"


@pytest.mark.parametrize(("age", "is_missed"), [("26 hours", False), ("93601 seconds", True)])
def test_an_age_is_missed_when_it_is_passed(age: str, is_missed: bool) -> None:
    now = utc("2026-01-15T12:00")
    number, unit = age.split()
    assert Freshness(within="26 hours").is_missed(now - timedelta(**{unit: int(number)}), now) is is_missed


# now, newest look, missed; due at 07:00 in New York on workdays, 12:00 UTC in winter and 11:00 in summer
DUE = [
    ("2026-01-15T11:59", "2026-01-14T11:00", False),  # Thursday, not due yet; Wednesday's was met
    ("2026-01-15T12:00", "2026-01-14T11:00", True),  # due now, and nobody looked since Wednesday 07:00
    ("2026-01-15T12:00", "2026-01-14T12:00", True),  # a look at the very due time is one for it
    ("2026-01-15T12:00", "2026-01-14T12:00:01", False),  # right after it is one for the next
    ("2026-01-15T13:00", "2026-01-15T12:30", False),  # late, but repaired
    ("2026-01-18T20:00", "2026-01-15T13:00", False),  # Sunday: Friday's was met, the next is due after the weekend
    ("2026-01-19T13:00", "2026-01-15T13:00", False),  # Monday is Martin Luther King's
    ("2026-01-20T12:00", "2026-01-16T11:59", True),  # Tuesday: since Friday 07:00 nobody looked
    ("2026-01-20T12:00", "2026-01-16T12:01", False),
    ("2026-03-09T10:59", "2026-03-05T12:30", False),  # the clock went forward on Sunday: due at 11:00 UTC from now on
    ("2026-03-09T11:00", "2026-03-06T12:00", True),
    ("2026-03-10T11:00", "2026-03-09T11:30", False),
    ("2026-11-02T11:30", "2026-10-29T11:30", False),  # it went back on Sunday: due at 12:00 UTC again
    ("2026-11-02T12:00", "2026-10-30T11:00", True),
    ("2026-11-02T12:00", "2026-10-30T11:30", False),
]


@pytest.mark.parametrize(("now", "confirmed", "is_missed"), DUE)
def test_a_due_time_is_missed_when_nobody_looked_since_the_one_before(
    now: str, confirmed: str, is_missed: bool
) -> None:
    limit = Freshness(due="07:00", weekdays=WORKDAYS, holidays=US_FEDERAL)
    assert limit.is_missed(utc(confirmed), utc(now)) is is_missed
