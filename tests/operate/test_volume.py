"""Volumes of feeds out of hand-written Bronze logs; the clock is an argument."""

import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.logs import HandLog, delivery
from engine.world import ADAPTERS, BRONZE, GOLD, SILVER, TABLES
from lakehouse.operate.volume import FeedVolume, Unusual, lake_volumes
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.notes import Delivery
from lakehouse.storage.store import Store
from lakehouse.storage.window import Window

MONDAY = date(2026, 3, 2)
DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
NOTHING, FEWER, MORE = Unusual.NOTHING, Unusual.FEWER, Unusual.MORE


def sent(day: date, rows: int, *, came: datetime | None = None, **other: object) -> Delivery:
    """A dated file that came at 05:00 UTC of its day."""
    at = came or datetime.combine(day, time(5), UTC)
    values: dict[str, object] = {"rows": rows, "modified_at": at.isoformat(), **other}
    return delivery(f"visits/visits-{day}.csv", str(day), str(day), **values)


def read(day: date, hour: int, rows: int, kind: str = "rows") -> Delivery:
    """A window of a database read at this hour."""
    at = datetime.combine(day, time(hour), UTC).isoformat()
    window = Window("rowversion", str(hour), str(hour + 1), takes_unstamped=True)
    return delivery("dbo.Visits", str(day), rows=rows, modified_at=at, delivered_at=at, window=window, kind=kind)


def volume(
    root: Path, deliveries: Sequence[Delivery], now: datetime, names: Sequence[str] = (GOLD,), **settings: object
) -> FeedVolume | None:
    """What is said of the only feed."""
    networks = {"north": NetworkSettings.model_validate({"adapter": "plain", **settings})}
    log = HandLog(root, BRONZE)
    for each in deliveries:
        log.land(each)
    registry = Registry.of(TABLES, networks, ADAPTERS)
    found = lake_volumes(registry, names, Logs(Store(str(root))), networks, now)
    return found[0] if found else None


def on(day: date, hour: int = 12) -> datetime:
    return datetime.combine(day, time(hour), UTC)


def mondays(*rows: int) -> list[Delivery]:
    """Files of consecutive Mondays, the last of them on `MONDAY`."""
    return [sent(MONDAY - (len(rows) - 1 - n) * WEEK, count) for n, count in enumerate(rows)]


def told(found: FeedVolume | None) -> tuple[date, int, float | None, Unusual | None]:
    assert found is not None
    return found.day, found.rows, found.usual, found.unusual


@pytest.mark.parametrize(
    ("rows", "usual", "unusual"),
    [
        ((100, 100, 100, 100), None, None),  # only three known
        ((100, 100, 100, 100, 0), 100, FEWER),
        ((100, 100, 100, 100, 49), 100, FEWER),
        ((100, 100, 100, 100, 50), 100, None),
        ((100, 100, 100, 100, 200), 100, None),
        ((100, 100, 100, 100, 201), 100, MORE),
        ((100, 101, 102, 103, 51), 101.5, None),
        ((100, 101, 102, 103, 50), 101.5, FEWER),
        ((1, 1, 1_000_000, 100, 100, 100, 100), 100, None),  # one outlier does not move a median
        ((9000, 9000, 9000, 9000, 100, 100, 100, 100, 100, 100, 100, 100, 100), 100, None),  # eight are looked at
        ((3, 3, 3, 3, 19), 3, None),  # too small to tell
        ((3, 3, 3, 3, 20), 3, MORE),
        ((0, 0, 0, 0, 0), 0, None),
        ((0, 0, 0, 0, 20), 0, MORE),
        ((20, 20, 20, 20, 0), 20, FEWER),
        ((19, 19, 19, 19, 0), 19, None),
    ],
)
def test_a_day_is_unusual_below_half_and_above_double_of_the_median_of_its_weekday(
    tmp_path: Path, rows: tuple[int, ...], usual: float | None, unusual: Unusual | None
) -> None:
    assert told(volume(tmp_path, mondays(*rows), on(MONDAY))) == (MONDAY, rows[-1], usual, unusual)


def test_other_weekdays_say_nothing_of_a_monday(tmp_path: Path) -> None:
    week = [sent(MONDAY - n * DAY, 1000 if n % 7 else 100) for n in range(35, -1, -1)]
    assert told(volume(tmp_path, week, on(MONDAY))) == (MONDAY, 100, 100, None)


def test_the_bounds_are_the_networks(tmp_path: Path) -> None:
    checks = {"least_volume": Decimal("0.9"), "most_volume": Decimal("1.1")}
    for rows, unusual in ((89, FEWER), (90, None), (110, None), (111, MORE)):
        root = tmp_path / str(rows)
        assert told(volume(root, mondays(100, 100, 100, 100, rows), on(MONDAY), checks=checks))[3] is unusual


def test_an_expected_weekday_without_a_delivery_is_told_once_it_is_over(tmp_path: Path) -> None:
    known = mondays(100, 100, 100, 100)
    missed = MONDAY + WEEK
    assert told(volume(tmp_path, known, on(missed, 23)))[3] is None
    assert told(volume(tmp_path, [], on(missed + DAY, 0))) == (missed, 0, 100, NOTHING)
    assert told(volume(tmp_path, [], on(missed + 300 * DAY))) == (missed, 0, 100, NOTHING)  # as long as it lasts
    assert told(volume(tmp_path, [sent(missed, 100)], on(missed + DAY, 6))) == (missed, 100, 100, None)


def test_a_day_on_which_less_than_half_of_its_weekdays_brought_something_is_not_expected(tmp_path: Path) -> None:
    every_other = [sent(MONDAY - n * 2 * WEEK, 100) for n in range(5, -1, -1)]
    assert told(volume(tmp_path, every_other, on(MONDAY + 2 * WEEK)))[0] == MONDAY


def test_a_day_that_the_schedule_leaves_out_is_not_expected(tmp_path: Path) -> None:
    expect = [{"feed": "visits", "by": "06:00", "date_lag_days": 1, "not_on": [str(MONDAY + WEEK + DAY)]}]
    found = volume(tmp_path, mondays(100, 100, 100, 100), on(MONDAY + WEEK + DAY), files={"expect": expect})
    assert told(found)[0] == MONDAY
    later = volume(tmp_path, [], on(MONDAY + 2 * WEEK + DAY), files={"expect": expect})
    assert told(later) == (MONDAY + 2 * WEEK, 0, 100, NOTHING)


def test_files_that_come_the_day_after_their_date_are_waited_for(tmp_path: Path) -> None:
    known = [sent(MONDAY - n * WEEK, 100, came=on(MONDAY - n * WEEK + DAY, 4)) for n in range(3, -1, -1)]
    missed = MONDAY + WEEK
    assert told(volume(tmp_path, known, on(missed + DAY, 23)))[0] == MONDAY
    assert told(volume(tmp_path, [], on(missed + 2 * DAY, 0))) == (missed, 0, 100, NOTHING)


def test_a_day_that_is_not_over_is_judged_once_as_many_deliveries_came_as_usual(tmp_path: Path) -> None:
    known = [read(MONDAY - n * WEEK, hour, 50) for n in range(4, 0, -1) for hour in (6, 18)]
    today = [read(MONDAY, 6, 10)]
    assert told(volume(tmp_path, [*known, *today], on(MONDAY)))[0] == MONDAY - WEEK
    assert told(volume(tmp_path, [], on(MONDAY + DAY, 0))) == (MONDAY, 10, 100, FEWER)
    assert told(volume(tmp_path, [read(MONDAY, 18, 60)], on(MONDAY, 19))) == (MONDAY, 70, 100, None)


def test_what_is_not_the_senders_usual_business_does_not_count(tmp_path: Path) -> None:
    known = mondays(100, 100, 100, 100, 100)
    copies = [sent(MONDAY, 5000, came=on(MONDAY, 9), repeats=True)]
    copies += [read(MONDAY, hour, 5000, kind) for hour, kind in ((1, "keys"), (2, "reload"))]
    assert told(volume(tmp_path, [*known, *copies], on(MONDAY))) == (MONDAY, 100, 100, None)


def test_a_dated_file_that_is_sent_again_counts_as_it_was_sent_last(tmp_path: Path) -> None:
    wrong = [sent(MONDAY, 30, came=on(MONDAY, 5)), sent(MONDAY, 30, came=on(MONDAY, 5), part=1)]
    right = [sent(MONDAY, 70, came=on(MONDAY, 9)), sent(MONDAY, 50, came=on(MONDAY, 9), part=1)]
    known = mondays(100, 100, 100, 100, 100)[:-1]
    assert told(volume(tmp_path, [*known, *wrong, *right], on(MONDAY)))[1] == 120


def test_files_without_a_date_are_of_the_day_they_came_and_all_count(tmp_path: Path) -> None:
    files = [
        delivery("visits/visits.csv", str(MONDAY), rows=rows, modified_at=on(MONDAY, hour).isoformat())
        for hour, rows in ((5, 40), (9, 60))
    ]
    assert told(volume(tmp_path, files, on(MONDAY))) == (MONDAY, 100, None, None)


def test_only_feeds_are_judged_that_the_named_tables_are_made_of(tmp_path: Path) -> None:
    found = volume(tmp_path, mondays(100), on(MONDAY), names=[SILVER])
    assert found is not None
    assert (found.table, found.owners) == (BRONZE, ("finance",))
    assert volume(tmp_path, [], on(MONDAY), names=[]) is None


def test_a_feed_that_delivered_nothing_yet_and_a_broken_log_say_nothing(tmp_path: Path) -> None:
    assert volume(tmp_path, [], on(MONDAY)) is None
    volume(tmp_path, mondays(100), on(MONDAY))
    HandLog(tmp_path, BRONZE).file(0).write_text("")
    assert volume(tmp_path, [], on(MONDAY)) is None


def test_a_finding_in_words(tmp_path: Path) -> None:
    found = volume(tmp_path, mondays(1200, 1200, 1200, 1200, 31), on(MONDAY))
    assert found is not None
    assert found.text == f"{BRONZE} of 2026-03-02: 31 rows, usually 1,200 on a Monday: fewer rows than usual"


def plainly(rows: Mapping[int, int], today: int) -> Unusual | None:
    """Of files that come on their day (numbered, one a day at most) what is unusual on the first or newest of note."""

    def usual(day: int, enough: int) -> tuple[float | None, bool]:
        before = [past for past in range(day - 7, day - 57, -7) if past >= min(rows)]
        known = sorted(rows[past] for past in before if past in rows)
        middle = (known[len(known) // 2] + known[(len(known) - 1) // 2]) / 2 if len(known) >= enough else None
        return middle, len(known) / len(before) > 0.5 if before else False

    newest = max(rows)
    for day in range(newest + 1, min(newest + 15, today)):
        middle, is_usual = usual(day, 4)
        if middle is not None and is_usual and middle >= 20:
            return NOTHING
    middle, _ = usual(newest, 4)
    if middle is None or max(middle, rows[newest]) < 20:
        return None
    return FEWER if rows[newest] * 2 < middle else MORE if rows[newest] > 2 * middle else None


@given(
    st.dictionaries(st.integers(0, 70), st.integers(0, 60), min_size=1, max_size=70),
    st.sampled_from([0, 1, 2, 5, 8, 20]),
)
def test_any_history_is_judged_as_a_plain_computation_does(rows: dict[int, int], later: int) -> None:
    today = max(rows) + later
    with tempfile.TemporaryDirectory() as folder:
        files = [sent(MONDAY + n * DAY, count) for n, count in sorted(rows.items())]
        found = volume(Path(folder), files, on(MONDAY + today * DAY))
    assert told(found)[3] is plainly(rows, today)
