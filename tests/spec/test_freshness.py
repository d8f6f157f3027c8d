"""Durations and due times are read at import, and nothing but a clear one is taken."""

from datetime import timedelta

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
