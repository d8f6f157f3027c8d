"""Roster history, against stories worked out by hand and against a plain model that asks for each day."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.full_delivery import FULL_DELIVERY_FIELDS, full_deliveries
from lakehouse.silver.provider import provider
from lakehouse.silver.provider_versions import provider_versions
from lakehouse.silver.roster import roster
from silver import rows
from silver.rows import Row

Version = tuple[str, str | None, str]
"""First day, last day and specialty."""


def at(day: int) -> str:
    return f"2026-01-{day:02d}T06:00:00"


def said(day: int, specialty: str, since: str = "2020-01-01", until: str | None = None, **more: object) -> Row:
    """A statement of the delivery of a day in January."""
    dates = {"effective_date": since, "termination_date": until}
    return {"delivered_at": at(day), "stated_at": at(day), "specialty": specialty, **dates, **more}


def gone(day: int, **more: object) -> Row:
    """A tombstone: it has only its key, and the first day of those that name none."""
    return said(day, "", "1900-01-01", is_withdrawn=True, **more) | {"specialty": None}


# name: (statements, days of full rosters, versions)
STORIES: Mapping[str, tuple[Sequence[Row], Sequence[int], Sequence[Version]]] = {
    "one row": ([said(2, "A")], (), [("2020-01-01", None, "A")]),
    "said again": ([said(2, "A"), said(3, "A")], (), [("2020-01-01", None, "A")]),
    "changed without a new date": ([said(2, "A"), said(3, "B")], (), [("2020-01-01", None, "B")]),
    "a later effective date closes the day before": (
        [said(2, "A"), said(3, "B", "2026-01-01")],
        (),
        [("2020-01-01", "2025-12-31", "A"), ("2026-01-01", None, "B")],
    ),
    "a late correction splits history": (
        [said(2, "A"), said(3, "C", "2026-01-01"), said(9, "B", "2024-07-01")],
        (),
        [("2020-01-01", "2024-06-30", "A"), ("2024-07-01", "2025-12-31", "B"), ("2026-01-01", None, "C")],
    ),
    "a correction of a past row replaces it": (
        [said(2, "A"), said(3, "C", "2026-01-01"), said(9, "B", "2020-01-01")],
        (),
        [("2020-01-01", "2025-12-31", "B"), ("2026-01-01", None, "C")],
    ),
    "an older stamp does not": (
        [said(2, "A"), said(3, "B", stated_at=at(1))],
        (),
        [("2020-01-01", None, "A")],
    ),
    "terminated": ([said(2, "A"), said(3, "A", until="2026-01-31")], (), [("2020-01-01", "2026-01-31", "A")]),
    "ended before its successor begins": (
        [said(2, "A", until="2025-06-30"), said(3, "B", "2026-01-01")],
        (),
        [("2020-01-01", "2025-06-30", "A"), ("2026-01-01", None, "B")],
    ),
    "an end after its successor begins is cut": (
        [said(2, "A", until="2026-06-30"), said(3, "B", "2026-01-01", until="2026-01-01")],
        (),
        [("2020-01-01", "2025-12-31", "A"), ("2026-01-01", "2026-01-01", "B")],
    ),
    "missing from a full roster": ([said(2, "A")], (2, 9, 12), [("2020-01-01", "2026-01-08", "A")]),
    "missing: what would start later goes": (
        [said(2, "A"), said(2, "B", "2026-01-09")],
        (9,),
        [("2020-01-01", "2026-01-08", "A")],
    ),
    "missing: another row of the place was named": (
        [said(2, "A"), said(9, "B", "2026-01-05")],
        (9,),
        [("2020-01-01", "2026-01-04", "A"), ("2026-01-05", None, "B")],
    ),
    "missing and named again": ([said(2, "A"), said(12, "A")], (9,), [("2020-01-01", None, "A")]),
    "deleted": ([said(2, "A"), gone(9)], (), [("2020-01-01", "2026-01-08", "A")]),
    "deleted twice: the first counts": ([said(2, "A"), gone(9), gone(12)], (), [("2020-01-01", "2026-01-08", "A")]),
    "deleted and named again": ([said(2, "A"), gone(9), said(12, "A")], (), [("2020-01-01", None, "A")]),
    "a tombstone older than what is known": (
        [said(2, "A"), gone(9, stated_at=at(1))],
        (),
        [("2020-01-01", None, "A")],
    ),
    "only a tombstone": ([gone(9)], (), []),
}
STATEMENT: Row = {"provider_id": "P1", "location_id": "MAIN", "is_withdrawn": False, "npi": "1234567893"}


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> Mapping[str, list[Version]]:
    """The versions of every story, each a network of its own, through the table's own transform."""
    statements = [{**STATEMENT, "network": name, **row} for name, (sent, _, _) in STORIES.items() for row in sent]
    fulls = [
        {"network": name, "delivered_at": at(day), "row_count": 1, "is_applied": is_applied}
        for name, (_, full, _) in STORIES.items()
        for day, is_applied in [*((day, True) for day in full), (7, False)]
    ]
    result = provider(
        statements=rows.frame(spark, roster.fields, *statements),
        deliveries=rows.frame(spark, FULL_DELIVERY_FIELDS, *fulls),
    )
    assert result.columns == list(provider.field_names)
    found = result.collect()
    assert all(row["npi_is_valid"] for row in found)
    return {
        name: [
            (str(r["valid_from"]), None if r["valid_to"] is None else str(r["valid_to"]), r["specialty"])
            for r in found
            if r["network"] == name
        ]
        for name in STORIES
    }


@pytest.mark.parametrize("name", STORIES)
def test_story_of_a_provider(told: Mapping[str, list[Version]], name: str) -> None:
    assert sorted(told[name]) == sorted(STORIES[name][2])


FIRST = date(2026, 1, 1)
HORIZON = 60
DELIVERY_DAYS = (3, 10, 17, 30, 44)


@dataclass(frozen=True)
class Statement:
    """A row of silver.roster; days count from `FIRST`."""

    place: str
    since: int
    until: int | None
    delivered: int
    stated: int
    is_withdrawn: bool
    is_full: bool

    @property
    def specialty(self) -> str:
        """Tells the statement from every other of its place."""
        return f"{self.since} {self.delivered}"

    @property
    def row(self) -> Row:
        return {
            "network": "north",
            "provider_id": self.place,
            "location_id": "MAIN",
            "effective_date": FIRST + timedelta(days=self.since),
            "termination_date": None if self.until is None else FIRST + timedelta(days=self.until),
            "delivered_at": instant(self.delivered),
            "stated_at": instant(self.stated),
            "specialty": self.specialty,
            "is_withdrawn": self.is_withdrawn,
            "is_full_roster": self.is_full,
        }


def instant(day: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC) + timedelta(hours=6)


def invented(rng: random.Random, places: int) -> Iterator[Statement]:
    """Statements about `places` places over five deliveries, the second and fourth of them full."""
    for number in range(places):
        starts = rng.sample(range(0, 50), 3)
        for day in DELIVERY_DAYS:
            for since in rng.sample(starts, rng.choice((0, 1, 1, 2))):
                until = rng.choice((None, None, since + rng.randint(0, 20)))
                stated = rng.choice((day, day, rng.randint(0, day)))
                yield Statement(
                    f"P{number}", since, until, day, stated, rng.random() < 0.15, day in DELIVERY_DAYS[1::2]
                )


def roster_on(statements: Sequence[Statement], day: int) -> str | None:
    """Specialty of the row that holds on a day, asked of all statements about one place."""
    live = [s for s in statements if not s.is_withdrawn]
    if not live:
        return None
    named = max(s.delivered for s in live)
    newest = max((s.stated, s.delivered) for s in live)
    ends = [s.delivered for s in statements if s.is_withdrawn and (s.stated, s.delivered) > newest]
    ends += [full for full in DELIVERY_DAYS[1::2] if full > named]
    if ends and day >= min(ends):
        return None
    begun = [s for s in live if s.since <= day]
    if not begun:
        return None
    since = max(s.since for s in begun)
    holds = max((s for s in begun if s.since == since), key=lambda s: (s.stated, s.delivered))
    return holds.specialty if holds.until is None or holds.until >= day else None


@settings(max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_on_every_day_at_most_one_row_holds_and_it_is_that_of_a_plain_model(spark: SparkSession, seed: int) -> None:
    rng = random.Random(seed)
    statements = list(invented(rng, places=60))
    rng.shuffle(statements)
    stated = rows.frame(spark, roster.fields, *[s.row for s in statements])
    result = provider_versions(stated, full_deliveries(stated, "is_full_roster"))
    days = [F.date_diff(F.col(c), F.lit(FIRST)) for c in ("valid_from", "valid_to")]
    found = result.select("provider_id", *days, "specialty").collect()
    for place in {s.place for s in statements}:
        own = [s for s in statements if s.place == place]
        versions = [tuple(r)[1:] for r in found if r[0] == place]
        for day in range(HORIZON):
            valid = [v[2] for v in versions if v[0] <= day and (v[1] is None or v[1] >= day)]
            expected = roster_on(own, day)
            assert valid == ([] if expected is None else [expected]), (seed, place, day)
