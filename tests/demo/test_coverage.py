"""Coverage as the answer key sees it, worked out by hand."""

from datetime import date, timedelta

import pytest

from lakehouse.demo.coverage import NEVER, beliefs_of, elig_status, spans_now
from lakehouse.demo.row import Row


def day_of(day: int) -> date:
    return date(2026, 1, 5) + timedelta(days=day)


def span(start: date, end: date | None = None, *, day: int = 0) -> Row:
    product = {"member_id": "M", "payer_name": "Cigna", "plan_name": "Standard", "coverage_type": "medical"}
    return Row("eligibility", day, {**product, "coverage_start_date": start, "coverage_end_date": end})


def served(on: date, until: date | None = None, member: str = "M") -> Row:
    kind = "institutional" if until else "professional"
    values = {"member_id": member, "claim_type": kind, "service_from_date": on, "service_to_date": until}
    return Row("claims", 0, values)


TWO_SPANS = (span(date(2025, 1, 1), date(2025, 6, 30)), span(date(2025, 9, 1)))
ENDED_NEXT_DAY = (span(date(2025, 1, 1)), span(date(2025, 1, 1), date(2025, 6, 30), day=1))


@pytest.mark.parametrize(
    ("statements", "claim", "adjudicated_on", "status"),
    [
        (TWO_SPANS, served(date(2025, 6, 30)), None, "covered"),
        (TWO_SPANS, served(date(2025, 7, 1)), None, "gap"),
        (TWO_SPANS, served(date(2025, 8, 30), date(2025, 9, 1)), None, "covered"),
        (TWO_SPANS, served(date(2024, 12, 31)), None, "before_first"),
        (TWO_SPANS, served(date(2025, 7, 1), member="N"), None, "unknown_member"),
        (ENDED_NEXT_DAY, served(date(2025, 7, 1)), date(2026, 1, 5), "lost_retroactively"),
        (ENDED_NEXT_DAY, served(date(2025, 7, 1)), date(2026, 1, 6), "after_last"),
        (ENDED_NEXT_DAY, served(date(2025, 7, 1)), None, "lost_retroactively"),
        (ENDED_NEXT_DAY, served(date(2025, 6, 30)), None, "covered"),
    ],
)
def test_status_of_coverage(statements: tuple[Row, ...], claim: Row, adjudicated_on: date | None, status: str) -> None:
    assert elig_status(claim, adjudicated_on, beliefs_of(statements, day_of)) == status


def test_spans_that_touch_are_one_and_a_day_between_parts_them() -> None:
    touching = [span(date(2025, 1, 1), date(2025, 6, 30)), span(date(2025, 7, 1))]
    (whole,) = spans_now(beliefs_of(touching, day_of))
    assert (whole.start, whole.end) == (date(2025, 1, 1), NEVER)
    apart = [touching[0], span(date(2025, 7, 2))]
    assert [(s.start, s.end) for s in spans_now(beliefs_of(apart, day_of))] == [
        (date(2025, 1, 1), date(2025, 6, 30)),
        (date(2025, 7, 2), NEVER),
    ]
