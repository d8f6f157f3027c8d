"""Who was covered when, and what was believed about it when, for the answer key: plain Python over what was sent.

Source: domain.md 1.10, X08, X09. A delivery that lists everybody comes once, on day 0, so absence ends nothing here.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from lakehouse.demo.row import Row

PRODUCT: Final = ("member_id", "payer_name", "plan_name", "coverage_type")
NEVER: Final = date.max
DayOf = Callable[[int], date]


@dataclass(frozen=True)
class Belief:
    """A span of coverage and how long it was believed.

    Attributes:
        product: member, payer, plan and coverage type.
        start: first day covered.
        end: last day covered, `NEVER` while open.
        until: day whose delivery said otherwise; None while it is believed.
    """

    product: tuple[str, ...]
    start: date
    end: date
    until: date | None

    def covers(self, first: date, last: date) -> bool:
        """It holds a day from `first` to `last`."""
        return self.start <= last and self.end >= first


def beliefs_of(statements: Sequence[Row], day_of: DayOf) -> dict[str, list[Belief]]:
    """Member id -> everything that was ever believed of their coverage.

    Args:
        statements: all rows ever sent of the eligibility feed.
        day_of: day from which a delivery of this index counts as known.
    """
    spans: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in sorted(statements, key=lambda row: row.day):
        spans[(*(row.text(c) for c in PRODUCT), str(row.date("coverage_start_date")))].append(row)
    beliefs: dict[str, list[Belief]] = defaultdict(list)
    for (*product, _), rows in spans.items():
        changes = [row for number, row in enumerate(rows) if number == 0 or _end(row) != _end(rows[number - 1])]
        for row, later in zip(changes, [*changes[1:], None], strict=True):
            start = row.date("coverage_start_date") or date.min
            until = None if later is None else day_of(later.day)
            beliefs[product[0]].append(Belief(tuple(product), start, _end(row), until))
    return beliefs


def _end(row: Row) -> date:
    return row.date("coverage_end_date") or NEVER


def spans_now(beliefs: Mapping[str, Sequence[Belief]]) -> list[Belief]:
    """The spans believed now; those of one product that overlap or touch are one."""
    by_product: dict[tuple[str, ...], list[Belief]] = defaultdict(list)
    for mine in beliefs.values():
        for belief in mine:
            if belief.until is None:
                by_product[belief.product].append(belief)
    merged: list[Belief] = []
    for product, parts in by_product.items():
        whole: list[Belief] = []
        for part in sorted(parts, key=lambda part: part.start):
            span = part
            if whole and (whole[-1].end == NEVER or part.start <= whole[-1].end + timedelta(days=1)):
                before = whole.pop()
                span = Belief(product, before.start, max(before.end, part.end), None)
            whole.append(span)
        merged += whole
    return merged


def elig_status(claim: Row, adjudicated_on: date | None, beliefs: Mapping[str, Sequence[Belief]]) -> str:
    """Whether the member of a claim was covered when served.

    Of an institutional claim any day of the stay counts. Coverage that was taken away after the claim was adjudicated
    is lost retroactively; what was taken away before could not be relied on.
    """
    known = beliefs.get(claim.text("member_id"))
    if not known:
        return "unknown_member"
    first, last = _days_served(claim)
    now = [belief for belief in known if belief.until is None]
    if any(belief.covers(first, last) for belief in now):
        return "covered"
    relied_on = [b for b in known if b.until and (adjudicated_on is None or b.until > adjudicated_on)]
    if any(belief.covers(first, last) for belief in relied_on):
        return "lost_retroactively"
    looked_at = now or known
    begins_later = any(belief.start > last for belief in looked_at)
    if any(belief.end < first for belief in looked_at) and begins_later:
        return "gap"
    return "before_first" if begins_later else "after_last"


def _days_served(claim: Row) -> tuple[date, date]:
    first = claim.date("service_from_date") or date.min
    if claim.text("claim_type") != "institutional":
        return first, first
    return first, max(first, *(claim.date(c) or first for c in ("service_to_date", "discharge_date")))
