"""What was believed of coverage, against stories worked out by hand and against a plain model that counts days."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.coverage_beliefs import believed_spans
from lakehouse.silver.eligibility import eligibility
from lakehouse.silver.full_delivery import FULL_DELIVERY_FIELDS, full_deliveries
from silver import rows
from silver.rows import Row

YEAR = 2026
Span = tuple[str, str | None, int, int | None]
"""First day, last day, day of January from which it was believed and from which it was not."""


def at(day: int) -> str:
    return f"{YEAR}-01-{day:02d}T06:00:00"


def said(day: int, start: str, end: str | None = None, **more: object) -> Row:
    """A statement of the delivery of a day in January."""
    return {"coverage_start_date": start, "coverage_end_date": end, "delivered_at": at(day), **more}


@dataclass(frozen=True)
class Story:
    """Statements about one member, days of applied full deliveries, and the spans."""

    statements: Sequence[Row]
    expected: Sequence[Span]
    full: Sequence[int] = ()


STORIES: Mapping[str, Story] = {
    "one open span": Story([said(2, "2026-01-01")], [("2026-01-01", None, 2, None)]),
    "said again and again": Story(
        [said(day, "2025-06-01", "2025-12-31") for day in (2, 3, 4)], [("2025-06-01", "2025-12-31", 2, None)]
    ),
    "ended in the past by a later delivery": Story(
        [said(2, "2025-06-01"), said(9, "2025-06-01", "2025-10-31")],
        [("2025-06-01", None, 2, 9), ("2025-06-01", "2025-10-31", 9, None)],
    ),
    "added to the past": Story(
        [said(2, "2025-06-01"), said(9, "2025-01-01", "2025-03-31")],
        [("2025-06-01", None, 2, None), ("2025-01-01", "2025-03-31", 9, None)],
    ),
    "a correction of an older stamp does not hold": Story(
        [said(2, "2025-06-01", stated_at=at(2)), said(9, "2025-06-01", "2025-10-31", stated_at=at(1))],
        [("2025-06-01", None, 2, None)],
    ),
    "of equal stamps the greater number holds": Story(
        [
            said(2, "2025-06-01", stated_at=at(1), source_sequence=5),
            said(9, "2025-06-01", "2025-10-31", stated_at=at(1), source_sequence=4),
        ],
        [("2025-06-01", None, 2, None)],
    ),
    "of equal stamps the later delivery holds": Story(
        [said(2, "2025-06-01", stated_at=at(1)), said(9, "2025-06-01", "2025-10-31", stated_at=at(1))],
        [("2025-06-01", None, 2, 9), ("2025-06-01", "2025-10-31", 9, None)],
    ),
    "withdrawn": Story([said(2, "2025-06-01"), said(9, "2025-06-01", is_withdrawn=True)], [("2025-06-01", None, 2, 9)]),
    "withdrawn and said again": Story(
        [said(2, "2025-06-01"), said(9, "2025-06-01", is_withdrawn=True), said(12, "2025-06-01")],
        [("2025-06-01", None, 2, 9), ("2025-06-01", None, 12, None)],
    ),
    "touching spans are one": Story(
        [said(2, "2025-01-01", "2025-06-30"), said(2, "2025-07-01", "2025-12-31")],
        [("2025-01-01", "2025-12-31", 2, None)],
    ),
    "a day between spans parts them": Story(
        [said(2, "2025-01-01", "2025-06-29"), said(2, "2025-07-01", "2025-12-31")],
        [("2025-01-01", "2025-06-29", 2, None), ("2025-07-01", "2025-12-31", 2, None)],
    ),
    "a span within an open one": Story(
        [said(2, "2025-01-01"), said(2, "2025-03-01", "2025-03-31"), said(2, "2025-05-01", "2025-05-31")],
        [("2025-01-01", None, 2, None)],
    ),
    "a later span joins two": Story(
        [
            said(2, "2025-01-01", "2025-03-31"),
            said(2, "2025-05-01", "2025-06-30"),
            said(9, "2025-04-01", "2025-04-30"),
        ],
        [
            ("2025-01-01", "2025-03-31", 2, 9),
            ("2025-05-01", "2025-06-30", 2, 9),
            ("2025-01-01", "2025-06-30", 9, None),
        ],
    ),
    "other plans, types and payers stay apart": Story(
        [said(2, "2025-01-01", plan_name="P"), said(2, "2025-01-01"), said(2, "2025-01-01", coverage_type="dental")],
        [("2025-01-01", None, 2, None)] * 3,
    ),
    "no insurance is no coverage": Story(
        [said(2, "2025-01-01", payer_name="NO_INSURANCE"), said(2, "2025-01-01", payer_name="Self-pay")], []
    ),
    "missing from a full delivery: cut on the day before": Story(
        [said(2, "2025-06-01")], [("2025-06-01", None, 2, 9), ("2025-06-01", "2026-01-08", 9, None)], full=(2, 9)
    ),
    "missing: a later end is cut too": Story(
        [said(2, "2025-06-01", "2026-05-31")],
        [("2025-06-01", "2026-05-31", 2, 9), ("2025-06-01", "2026-01-08", 9, None)],
        full=(9,),
    ),
    "missing: what ended before stays": Story(
        [said(2, "2025-06-01", "2026-01-08")], [("2025-06-01", "2026-01-08", 2, None)], full=(9,)
    ),
    "missing: what starts on that day or later goes": Story(
        [said(2, "2026-01-09"), said(2, "2026-03-01", coverage_type="dental"), said(2, "2026-01-08", plan_name="P")],
        [
            ("2026-01-09", None, 2, 9),
            ("2026-03-01", None, 2, 9),
            ("2026-01-08", None, 2, 9),
            ("2026-01-08", "2026-01-08", 9, None),
        ],
        full=(9,),
    ),
    "missing twice: the first cut counts": Story(
        [said(2, "2025-06-01")], [("2025-06-01", None, 2, 9), ("2025-06-01", "2026-01-08", 9, None)], full=(9, 12)
    ),
    "missing and then named again": Story(
        [said(2, "2025-06-01"), said(12, "2025-06-01")],
        [("2025-06-01", None, 2, 9), ("2025-06-01", "2026-01-08", 9, 12), ("2025-06-01", None, 12, None)],
        full=(9,),
    ),
    "named by the full delivery itself": Story(
        [said(2, "2025-06-01"), said(9, "2025-06-01")], [("2025-06-01", None, 2, None)], full=(2, 9)
    ),
    "full deliveries from before it was first named": Story(
        [said(9, "2025-06-01")], [("2025-06-01", None, 9, None)], full=(2, 8)
    ),
}
STATEMENT: Row = {
    "member_token": "token",
    "member_token_key_version": "1",
    "payer_name": "Aetna",
    "plan_name": "-",
    "coverage_type": "medical",
    "is_withdrawn": False,
}


@pytest.fixture(scope="module")
def told(spark: SparkSession) -> Mapping[str, list[Span]]:
    """The spans of every story, each a network of its own."""
    statements = [
        {**STATEMENT, "network": name, "stated_at": row["delivered_at"], **row}
        for name, story in STORIES.items()
        for row in story.statements
    ]
    fulls = [
        {"network": name, "delivered_at": at(day), "row_count": 1, "is_applied": is_applied}
        for name, story in STORIES.items()
        for day, is_applied in [*((day, True) for day in story.full), (7, False)]
    ]
    result = believed_spans(
        rows.frame(spark, eligibility.fields, *statements), rows.frame(spark, FULL_DELIVERY_FIELDS, *fulls)
    )
    days = [F.col(c).cast("string") for c in ("span_start_date", "span_end_date")]
    known = [F.dayofmonth(c) for c in ("known_from", "known_to")]
    found = result.select("network", *days, *known).collect()
    return {name: [(r[1], r[2], r[3], r[4]) for r in found if r[0] == name] for name in STORIES}


@pytest.mark.parametrize("name", STORIES)
def test_story_of_a_member(told: Mapping[str, list[Span]], name: str) -> None:
    assert sorted(told[name], key=str) == sorted(STORIES[name].expected, key=str)


FIRST = date(YEAR, 1, 1)
HORIZON = 90
"""Days looked at; an open span reaches the last of them, and no stated end does."""
DELIVERY_DAYS = (5, 12, 20, 21, 33, 45, 46, 60)
LINES = ("commercial", "medicare", None)


@dataclass(frozen=True)
class Statement:
    """A row of silver.eligibility; days count from `FIRST`."""

    network: str
    member: str
    plan: str
    start: int
    end: int | None
    line: str | None
    delivered: int
    stated: int
    number: int | None
    is_withdrawn: bool
    is_full: bool

    @property
    def row(self) -> Row:
        return {
            **STATEMENT,
            "network": self.network,
            "member_token": self.member,
            "plan_name": self.plan,
            "coverage_start_date": FIRST + timedelta(days=self.start),
            "coverage_end_date": None if self.end is None else FIRST + timedelta(days=self.end),
            "line_of_business": self.line,
            "delivered_at": instant(self.delivered),
            "stated_at": instant(self.stated),
            "source_sequence": self.number,
            "is_withdrawn": self.is_withdrawn,
            "is_full_file": self.is_full,
        }


def instant(day: int) -> datetime:
    return datetime.combine(FIRST + timedelta(days=day), datetime.min.time(), UTC) + timedelta(hours=6)


def invented(rng: random.Random, members: int) -> Iterator[Statement]:
    """Statements about `members` members of two networks, over eight deliveries of which some are full."""
    for network in ("north", "south"):
        kinds = {day: rng.choice(("full", "full", "truncated", "change", "change")) for day in DELIVERY_DAYS}
        shares = {"full": 0.7, "truncated": 0.1, "change": 0.3}
        for number in range(members // 2):
            starts = rng.sample(range(0, 75), rng.randint(1, 4))
            for start in starts:
                plan = rng.choice("AB")
                for day, kind in kinds.items():
                    if rng.random() < shares[kind]:
                        yield Statement(
                            network, f"{network}{number}", plan, start,
                            rng.choice((None, start + rng.randint(0, 12))), rng.choice(LINES), day,
                            rng.choice((day, day, rng.randint(0, day))), rng.choice((None, 1, 2)),
                            rng.random() < 0.15, kind != "change",
                        )  # fmt: skip


def applied_days(statements: Sequence[Statement], network: str) -> list[int]:
    counts = {
        day: sum(s.is_full for s in statements if (s.network, s.delivered) == (network, day)) for day in DELIVERY_DAYS
    }
    last, applied = 0, []
    for day in DELIVERY_DAYS:
        if counts[day] and counts[day] >= last / 2:
            last = counts[day]
            applied.append(day)
    return applied


def believed(
    statements: Sequence[Statement], applied: Sequence[int], day: int
) -> set[tuple[str, int, int | None, str | None]]:
    """Plan, first day, last day and line of business of every span believed after the delivery of `day`."""
    heard = [s for s in statements if s.delivered <= day]
    covered: dict[str, dict[int, list[int]]] = {}
    lines: dict[tuple[str, int], str | None] = {}
    for plan, start in {(s.plan, s.start) for s in heard}:
        about = [s for s in heard if (s.plan, s.start) == (plan, start)]
        holds = max(about, key=lambda s: (s.stated, -1 if s.number is None else s.number, s.delivered))
        missed = [full for full in applied if max(s.delivered for s in about) < full <= day]
        last = HORIZON if holds.end is None else holds.end
        last = min([last, *(full - 1 for full in missed)])
        if not holds.is_withdrawn and last >= start:
            lines[plan, start] = holds.line
            for served in range(start, last + 1):
                covered.setdefault(plan, {}).setdefault(served, []).append(start)
    return {span for plan, days in covered.items() for span in runs(plan, days, lines)}


def runs(
    plan: str, days: Mapping[int, Sequence[int]], lines: Mapping[tuple[str, int], str | None]
) -> Iterator[tuple[str, int, int | None, str | None]]:
    """Runs of days without a gap; the line of business is of the part that starts last."""
    for first in (d for d in days if d - 1 not in days):
        last = first
        while last + 1 in days:
            last += 1
        newest = max(start for d in range(first, last + 1) for start in days[d])
        yield plan, first, None if last == HORIZON else last, lines[plan, newest]


@settings(max_examples=2, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_spans_as_known_at_any_instant_are_those_of_a_plain_model(spark: SparkSession, seed: int) -> None:
    rng = random.Random(seed)
    statements = list(invented(rng, members=60))
    rng.shuffle(statements)  # the order of rows, and so of arrival, says nothing
    stated = rows.frame(spark, eligibility.fields, *[s.row for s in statements])
    result = believed_spans(stated, full_deliveries(stated, "is_full_file"))
    days = [F.date_diff(F.col(c), F.lit(FIRST)) for c in ("span_start_date", "span_end_date")]
    known = [F.date_diff(F.to_date(c), F.lit(FIRST)) for c in ("known_from", "known_to")]
    found = result.select("network", "member_token", "plan_name", *days, "line_of_business", *known).collect()
    for network, member in {(s.network, s.member) for s in statements}:
        own = [s for s in statements if (s.network, s.member) == (network, member)]
        spans = [tuple(r)[2:] for r in found if (r[0], r[1]) == (network, member)]
        applied = applied_days(statements, network)
        for day in (0, *DELIVERY_DAYS):
            now = [s[:4] for s in spans if s[4] <= day and (s[5] is None or s[5] > day)]
            assert len(now) == len(set(now))
            assert set(now) == believed(own, applied, day), (seed, network, member, day)
        assert {s[4] for s in spans} <= set(DELIVERY_DAYS)
        ends = {(*s[:4], s[5]) for s in spans}
        assert not ends & {s[:5] for s in spans}, "a span believed without a break has two rows"
