"""Members whose coverage is in question. One function, one story. domain.md X08, X09."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from lakehouse.demo.case import Case
from lakehouse.demo.remit import send_remittance
from lakehouse.demo.row import Row, Value

SERVED: Final = 50
"""Their claims were served so many days before the first delivery."""
GAP, LATE_JOINER, LEAVER, STRANGER = "70000001", "70000002", "70000003", "79000001"
Days = tuple[int, int | None]
SPANS: Final[dict[str, tuple[Days, ...]]] = {
    GAP: ((900, 100), (10, None)),
    LATE_JOINER: ((20, None),),
    LEAVER: ((900, 100),),
}
"""Member -> spans as first and last day, in days before the first delivery; None while open."""


def retro_member(day: int) -> str:
    """The member whose coverage is taken away, by the delivery after `day`, from before the day of service."""
    return f"7100{day:04d}"


def serve_in_gap(case: Case) -> None:
    """Served between two spans of coverage."""
    _serve(case, GAP, "served_in_gap")


def serve_before_coverage(case: Case) -> None:
    """Served before coverage began."""
    _serve(case, LATE_JOINER, "served_before_coverage")


def serve_after_coverage(case: Case) -> None:
    """Served after coverage ended."""
    _serve(case, LEAVER, "served_after_coverage")


def serve_stranger(case: Case) -> None:
    """No eligibility file ever named the member."""
    _serve(case, STRANGER, "unknown_member")


def lose_coverage(case: Case) -> None:
    """Paid while the member was covered; the next eligibility file ends coverage before the service."""
    _serve(case, retro_member(case.day), "coverage_lost_after_payment")


def _serve(case: Case, number: str, story: str) -> None:
    served = case.first_day - timedelta(days=SERVED)
    case.claim |= {"member_id": f"{str(case.claim['member_id'])[:2]}{number}", "payer_name": "Cigna"}
    case.claim |= {"line_of_business": "commercial", "service_from_date": served, "service_to_date": served}
    case.claim |= {"submitted_date": served + timedelta(days=3), "received_date": served + timedelta(days=4)}
    case.lines = [{**line, "service_from_date": served, "service_to_date": served} for line in case.lines]
    case.send(0, story)
    send_remittance(case)


def coverage_rows(prefix: str, day: int, day_date: date, coverage: Callable[..., dict[str, Value]]) -> Iterator[Row]:
    """Coverage of these members in one delivery.

    Args:
        prefix: how the network's member numbers begin.
        day: index of the delivery.
        day_date: its date.
        coverage: makes the values of a row from member id, first and last day, stamp and `is_full`.
    """
    first_day, stamp = day_date - timedelta(days=day), datetime.combine(day_date, time(5), UTC)

    def ago(days: int | None) -> date | None:
        return None if days is None else first_day - timedelta(days=days)

    def row(number: str, begun: int, ended: int | None, story: str = "") -> Row:
        values = coverage(f"{prefix}{number}", ago(begun), ago(ended), stamp, is_full=day == 0)
        return Row("eligibility", day, values, story=story)

    if day == 0:
        for number, spans in SPANS.items():
            for begun, ended in spans:
                yield row(number, begun, ended)
    else:
        yield row(retro_member(day - 1), 900, SERVED + 20, "coverage_lost")
    yield row(retro_member(day), 900, None)
