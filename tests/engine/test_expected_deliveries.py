"""What should have come by now: missing, unfinished, empty, come, landed."""

import os
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.bronze.standard.claims import claims
from lakehouse.engine.expected_deliveries import (
    Arrival,
    DueDelivery,
    Standing,
    arrivals_of,
    due_deliveries,
    expected_of,
    missing_deliveries,
)
from lakehouse.settings_files import ExpectedDelivery, FileSettings
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.log import DeltaLog
from lakehouse.storage.notes import Delivery
from lakehouse.storage.store import Store

MONDAY = date(2026, 1, 5)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """An instant of January 2026, UTC."""
    return datetime(2026, 1, day, hour, minute, tzinfo=UTC)


def schedule(**more: object) -> ExpectedDelivery:
    return ExpectedDelivery.model_validate({"feed": "claims", "by": "06:00", "first_day": MONDAY} | more)


def came(day: int | None, moment: datetime, standing: Standing = Standing.LANDED) -> Arrival:
    return Arrival("x.csv", None if day is None else date(2026, 1, day), moment, standing)


def standings(expected: ExpectedDelivery, arrivals: Sequence[Arrival], now: datetime) -> dict[int, Standing]:
    return {d.day.day: d.standing for d in due_deliveries("north", expected, arrivals, now)}


def test_nothing_is_due_before_its_time() -> None:
    assert standings(schedule(), [], at(5, 5, 59)) == {}
    assert standings(schedule(), [], at(5, 6)) == {5: Standing.MISSING}
    assert standings(schedule(grace_minutes=30), [], at(5, 6, 29)) == {}
    assert standings(schedule(grace_minutes=30), [], at(5, 6, 30)) == {5: Standing.MISSING}


def test_a_missing_file_and_an_empty_one_differ() -> None:
    arrivals = [came(5, at(5, 5)), came(6, at(6, 5), Standing.EMPTY), came(8, at(8, 5), Standing.UNFINISHED)]
    found = standings(schedule(), [*arrivals, came(9, at(9, 5), Standing.UNREAD)], at(9, 7))
    assert found == {
        5: Standing.LANDED,
        6: Standing.EMPTY,
        7: Standing.MISSING,
        8: Standing.UNFINISHED,
        9: Standing.UNREAD,
    }


def test_a_late_file_closes_the_day_in_its_name_and_no_other() -> None:
    late = came(5, at(7, 12))
    assert standings(schedule(), [late, came(7, at(7, 5))], at(7, 13)) == {
        5: Standing.LANDED,
        6: Standing.MISSING,
        7: Standing.LANDED,
    }


def test_one_full_file_of_a_day_makes_it_landed() -> None:
    arrivals = [came(5, at(5, 4), Standing.EMPTY), came(5, at(5, 5)), came(5, at(5, 5), Standing.UNFINISHED)]
    assert standings(schedule(), arrivals, at(5, 7)) == {5: Standing.LANDED}


def test_only_scheduled_days_count() -> None:
    weekdays = schedule(weekdays=["mon", "wed", "fri"], not_on=["2026-01-07"])
    assert list(standings(weekdays, [], at(12, 7))) == [5, 9, 12]
    monthly = schedule(month_day=31, first_day="2026-01-01")
    days = [d.day for d in due_deliveries("north", monthly, [], datetime(2026, 3, 1, 7, tzinfo=UTC))]
    assert days == [date(2026, 1, 31), date(2026, 2, 28)]


def test_a_file_named_for_a_day_without_delivery_is_of_the_next_one() -> None:
    weekdays = schedule(weekdays=["mon", "tue"])
    assert standings(weekdays, [came(9, at(9, 5))], at(12, 7)) == {
        5: Standing.MISSING,
        6: Standing.MISSING,
        12: Standing.LANDED,
    }


def test_a_file_may_be_named_for_the_day_before() -> None:
    assert standings(schedule(date_lag_days=1), [came(4, at(5, 5))], at(5, 7)) == {5: Standing.LANDED}
    assert standings(schedule(), [came(4, at(5, 5))], at(5, 7)) == {5: Standing.MISSING}


def test_an_old_file_stands_for_no_day_that_is_looked_at() -> None:
    old = [came(5, at(5, 5)), came(None, at(5, 5))]
    now = datetime(2026, 6, 1, 7, tzinfo=UTC)
    assert set(standings(schedule(), old, now).values()) == {Standing.MISSING}
    assert len(due_deliveries("north", schedule(), old, now)) == 32


def test_without_a_first_day_the_oldest_file_is_the_first() -> None:
    expected = schedule(first_day=None)
    assert standings(expected, [], at(12, 7)) == {12: Standing.MISSING}
    assert list(standings(expected, [came(10, at(10, 5))], at(12, 7))) == [10, 11, 12]
    assert list(standings(expected, [came(None, at(10, 7))], at(12, 7))) == [11, 12]


def test_files_without_a_date_stand_for_the_day_they_came_in_time_for() -> None:
    arrivals = [came(None, at(5, 5)), came(None, at(6, 6)), came(None, at(8, 5), Standing.EMPTY)]
    assert standings(schedule(), arrivals, at(8, 7)) == {
        5: Standing.LANDED,
        6: Standing.LANDED,
        7: Standing.MISSING,
        8: Standing.EMPTY,
    }


def test_a_late_file_without_a_date_makes_up_for_the_day_it_missed() -> None:
    late, next_day = came(None, at(5, 10)), came(None, at(6, 5))
    assert standings(schedule(), [late], at(5, 11)) == {5: Standing.LANDED}
    assert standings(schedule(), [late, next_day], at(6, 7)) == {5: Standing.LANDED, 6: Standing.LANDED}
    assert Counter(standings(schedule(), [late], at(6, 7)).values()) == {Standing.LANDED: 1, Standing.MISSING: 1}


@given(st.lists(st.integers(4 * 24, 14 * 24), max_size=12), st.integers(5 * 24, 14 * 24))
def test_so_many_files_without_a_date_close_so_many_days(hours: list[int], now: int) -> None:
    moments = [at(1, 0) + timedelta(hours=hour) for hour in hours if hour <= now]
    found = standings(schedule(), [came(None, moment) for moment in moments], at(1, 0) + timedelta(hours=now))
    closed = sum(standing is Standing.LANDED for standing in found.values())
    assert closed <= len(moments)
    assert set(found.values()) <= {Standing.MISSING, Standing.LANDED}


@pytest.mark.parametrize(
    ("by", "day", "due"),
    [
        ("06:00", date(2026, 3, 7), datetime(2026, 3, 7, 11, tzinfo=UTC)),
        ("06:00", date(2026, 3, 8), datetime(2026, 3, 8, 10, tzinfo=UTC)),
        ("02:30", date(2026, 3, 8), datetime(2026, 3, 8, 7, 30, tzinfo=UTC)),  # skipped: 03:30 of the new time
        ("01:30", date(2026, 11, 1), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),  # twice: the second
    ],
)
def test_clock_changes_move_the_instant_and_never_make_it_early(by: str, day: date, due: datetime) -> None:
    expected = schedule(by=by, zone="America/New_York", first_day=day)
    assert due_deliveries("north", expected, [], due - timedelta(seconds=1)) == []
    assert due_deliveries("north", expected, [], due) == [DueDelivery("north", "claims", day, due, Standing.MISSING)]


def test_the_day_is_the_zones_own() -> None:
    expected = schedule(by="23:00", zone="America/Los_Angeles", grace_minutes=180)
    assert list(standings(expected, [], at(6, 9, 59))) == []
    assert list(standings(expected, [], at(6, 10))) == [5]


class Log(DeltaLog):
    """A log that holds these deliveries."""

    def __init__(self, *landed: Delivery) -> None:
        super().__init__(Store("nowhere"), "bronze.north_claims")
        self._landed = list(enumerate(landed))

    def deliveries(self) -> list[tuple[int, Delivery]]:
        """Those it was made of."""
        return self._landed


def landed(path: str, rows: int, rejected: int = 0, part: int = 0, is_last: bool = True) -> Delivery:
    instant = "2026-01-05T05:00:00.000000+00:00"
    return Delivery(path, 1, instant, "", "", instant, "2026-01-05", rows, rejected, part=part, is_last=is_last)


def test_arrivals_are_made_of_what_landed_and_what_lies_there() -> None:
    deliveries = [landed("a-2026-01-05.csv", 0), landed("b.csv", 0, 1), landed("c.csv", 5), landed("c.csv", 0, part=1)]
    file = FoundFile("d-2026-01-06.csv", 1, at(6, 5))
    found = arrivals_of(deliveries, [file], [file])
    assert [(a.path, a.day, a.standing) for a in found] == [
        ("a-2026-01-05.csv", MONDAY, Standing.EMPTY),
        ("b.csv", None, Standing.LANDED),
        ("c.csv", None, Standing.LANDED),
        ("d-2026-01-06.csv", date(2026, 1, 6), Standing.UNREAD),
        ("d-2026-01-06.csv", date(2026, 1, 6), Standing.UNFINISHED),
    ]
    assert {a.came_at for a in found} == {at(5, 5), at(6, 5)}


def test_a_file_that_landed_in_part_is_one_file_and_still_to_be_read() -> None:
    begun = landed("c.csv", 5, is_last=False)
    [arrival] = arrivals_of([begun], [FoundFile("c.csv", 1, at(5, 5))])
    assert arrival.standing is Standing.UNREAD


def test_a_feed_is_looked_at_in_its_drop_and_its_log(tmp_path: Path) -> None:
    for day in (5, 6, 7):
        path = tmp_path / "claims" / f"claims-2026-01-0{day}.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        os.utime(path, (at(day, 5).timestamp(), at(day, 5).timestamp()))
    (tmp_path / "claims" / "claims-2026-01-07.csv.done").touch()
    log = Log(landed("claims/claims-2026-01-05.csv", 3), landed("claims/claims-2026-01-04.csv", 3))
    how, expected = FileSettings(done_marker=".done"), schedule(first_day="2026-01-04")
    found = expected_of(claims.for_network("north"), expected, how, Drop(str(tmp_path)), log, at(8, 7))
    assert [(d.network, d.day.day, d.standing) for d in found] == [
        ("north", 4, Standing.LANDED),
        ("north", 5, Standing.LANDED),
        ("north", 6, Standing.UNFINISHED),
        ("north", 7, Standing.UNREAD),
        ("north", 8, Standing.MISSING),
    ]


def test_people_are_told_of_what_is_missing_unfinished_or_empty() -> None:
    arrivals = [came(5, at(5, 5)), came(6, at(6, 5), Standing.EMPTY), came(8, at(8, 5), Standing.UNREAD)]
    told = [d.text for d in missing_deliveries(due_deliveries("north", schedule(), arrivals, at(8, 7)))]
    assert told == [
        "north/claims of 2026-01-06, due 2026-01-06 06:00 UTC: empty: a file has come and has no rows",
        "north/claims of 2026-01-07, due 2026-01-07 06:00 UTC: missing: no file has come",
    ]
