"""Federal holidays against the dates that the Office of Personnel Management published for each year."""

from datetime import date, timedelta

import pytest

from lakehouse.spec.calendar import US_FEDERAL, is_holiday

# Days off of Monday to Friday workers, in the order New Year, King, Washington, Memorial, Juneteenth, Independence,
# Labor, Columbus, Veterans, Thanksgiving, Christmas.
PUBLISHED = {
    2022: "2021-12-31 01-17 02-21 05-30 06-20 07-04 09-05 10-10 11-11 11-24 12-26",
    2023: "01-02 01-16 02-20 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
    2024: "01-01 01-15 02-19 05-27 06-19 07-04 09-02 10-14 11-11 11-28 12-25",
    2025: "01-01 01-20 02-17 05-26 06-19 07-04 09-01 10-13 11-11 11-27 12-25",
    2026: "01-01 01-19 02-16 05-25 06-19 07-03 09-07 10-12 11-11 11-26 12-25",
    2027: "01-01 01-18 02-15 05-31 06-18 07-05 09-06 10-11 11-11 11-25 12-24",
    2028: "2027-12-31 01-17 02-21 05-29 06-19 07-04 09-04 10-09 11-10 11-23 12-25",
}
OFF = sorted(
    date.fromisoformat(day if len(day) == 10 else f"{year}-{day}")
    for year, days in PUBLISHED.items()
    for day in days.split()
)


def days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def test_workdays_off_are_those_that_were_published() -> None:
    found = [d for d in days(date(2021, 12, 31), date(2028, 12, 30)) if is_holiday(d, US_FEDERAL) and d.weekday() < 5]
    assert found == OFF


@pytest.mark.parametrize("day", [date(2022, 1, 1), date(2026, 7, 4), date(2027, 12, 25), date(2022, 6, 19)])
def test_a_holiday_on_a_weekend_is_one_itself(day: date) -> None:
    assert is_holiday(day, US_FEDERAL)


@pytest.mark.parametrize("day", [date(2026, 7, 5), date(2026, 7, 6), date(2026, 11, 27), date(2026, 5, 31)])
def test_days_beside_a_holiday_are_none(day: date) -> None:
    assert not is_holiday(day, US_FEDERAL)


def test_listed_dates_are_holidays_and_no_others() -> None:
    listed = (date(2026, 12, 24), date(2026, 12, 31))
    assert [d for d in days(date(2026, 12, 1), date(2027, 12, 31)) if is_holiday(d, listed)] == list(listed)
    assert not is_holiday(date(2026, 7, 3), ())
