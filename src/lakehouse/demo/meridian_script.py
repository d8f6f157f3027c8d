"""What is written to the made-up claims database, transaction by transaction, and when a run reads it."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from lakehouse.demo import stories_claims as claims
from lakehouse.demo import stories_coverage as coverage
from lakehouse.demo import stories_database as database
from lakehouse.demo import stories_denials as denials
from lakehouse.demo import stories_money as money
from lakehouse.demo import stories_versions as versions
from lakehouse.demo.case import Case
from lakehouse.demo.codes import denial_code_rows
from lakehouse.demo.directory import Directory, build_directory
from lakehouse.demo.enrolment import eligibility_rows, provider_rows
from lakehouse.demo.opening import INSTITUTIONAL, open_case
from lakehouse.demo.row import Row
from lakehouse.demo.script import LAST_OFFSET, DemoSpec, Story, claim_id_of

PLACE: Final = "Meridian"
ORDINARY: Final = (*(Story(money.pay_by_line),) * 5, Story(money.pay_by_claim, INSTITUTIONAL))
SPECIAL: Final = (
    Story(database.insert_again),
    Story(database.insert_again_at_once),
    Story(database.update_back_dated, allow_header_copy=False),
    Story(database.insert_back_dated),
    Story(database.insert_without_stamp),
    Story(database.replace_rows),
    Story(database.renumber_line, allow_header_copy=False),
    Story(claims.correct_amounts),
    Story(claims.correct_month),
    Story(claims.correct_year),
    Story(claims.correct_payer),
    Story(claims.delete_with_lines),
    Story(claims.delete_line, allow_header_copy=False),
    Story(claims.delete_with_lines),
    Story(claims.delete_payment),
    Story(claims.arrive_late),
    Story(claims.send_lines_first),
    Story(claims.send_payment_first, INSTITUTIONAL),
    Story(claims.send_payment_only, INSTITUTIONAL),
    Story(claims.send_again_next_day),
    Story(claims.send_same_second),
    Story(claims.send_untidy_text),
    Story(money.leave_unadjudicated, states_allowed=False),
    Story(money.pay_without_allowed, states_allowed=False),
    Story(money.repeat_header_money, INSTITUTIONAL),
    Story(money.reverse_and_correct),
    Story(money.settle_with_patient),
    Story(money.pay_secondary),
    Story(money.overpay_secondary, INSTITUTIONAL),
    Story(money.capitate, states_allowed=False),
    Story(money.capitate_with_copay, states_allowed=False),
    Story(money.state_own_figures),
    Story(money.state_own_figures, INSTITUTIONAL),
    Story(money.take_patient_part_from_claim),
    Story(money.take_patient_part_from_payments),
    Story(money.underpay_open),
    Story(money.underpay_closed),
    Story(money.close_tomorrow),
    Story(money.pay_self, states_allowed=False),
    Story(versions.replace_paid),
    Story(versions.void_paid),
    Story(denials.deny_in_full, states_allowed=False),
    Story(denials.deny_and_close, states_allowed=False),
    Story(denials.overturn, states_allowed=False),
    Story(coverage.serve_in_gap),
    Story(coverage.lose_coverage),
)
SCRIPT: Final = SPECIAL + ORDINARY
UNDONE_SERIES: Final = 8


@dataclass(frozen=True)
class Transaction:
    """Rows that become visible together: one with `is_deleted` deletes its key, any other inserts or replaces it.

    Attributes:
        rows: in the order they are written.
        is_undone: it is rolled back.
    """

    rows: tuple[Row, ...]
    is_undone: bool = False


@dataclass(frozen=True)
class Day:
    """What is written around one run.

    Attributes:
        before: over before the run starts.
        during: committed one by one while the run reads; none of them deletes a row.
        held: one transaction, open from before the run until after it; committed then, except on the last day.
    """

    before: tuple[Transaction, ...]
    during: tuple[Transaction, ...]
    held: Transaction


def day_of(spec: DemoSpec, day: int) -> Day:
    """The day's transactions; what began on earlier days comes first.

    On the last day nothing is committed while the run reads, so that what it must find is known.
    """
    directory = build_directory(_seed(spec), max(40, spec.claims_per_day // 2), PLACE)
    before: list[Transaction] = []
    late: list[tuple[Row, ...]] = []
    writes_while_read = day % 2 == 0 and day != spec.days - 1
    for start in range(max(0, day - LAST_OFFSET), day + 1):
        for number, case in enumerate(_cases(spec, directory, start)):
            rows = tuple(row for row in case.rows if row.day == day)
            deletes = any(row.flag("is_deleted") for row in case.rows)
            if start == day and number % 5 == 3 and not (writes_while_read and deletes):
                late.append(rows)
            elif rows:
                before += [*_undone_first(number, rows), Transaction(rows)]
    before += [Transaction(rows, is_undone=True) for rows in _never_committed(spec, directory, day)]
    before.append(Transaction(tuple(_directory_rows(spec, directory, day))))
    if writes_while_read:
        return Day(tuple(before), tuple(Transaction(rows) for rows in late), Transaction(()))
    return Day(tuple(before), (), Transaction(tuple(row for rows in late for row in rows)))


def _seed(spec: DemoSpec) -> int:
    return spec.seed + 100_000


def _cases(spec: DemoSpec, directory: Directory, day: int) -> Iterator[Case]:
    rng = random.Random(f"{_seed(spec)}/claims/{day}")
    for number in range(spec.claims_per_day):
        story = SCRIPT[number % len(SCRIPT)]
        # The numbers are those of the other network's claims, on purpose: they mean other claims here.
        case = open_case(
            directory, rng, spec.first_day, day, claim_id_of(0, day, number), claim_type=story.claim_type,
            states_allowed=story.states_allowed, allow_header_copy=story.allow_header_copy,
        )  # fmt: skip
        story.tell(case)
        yield case


def _undone_first(number: int, rows: tuple[Row, ...]) -> list[Transaction]:
    """Every seventh transaction was tried before with absurd amounts, and rolled back."""
    if number % 7 != 2:
        return []
    absurd = Decimal("999999.99")
    wrong = [replace(row, values={**row.values, "billed_amount": absurd, "paid_amount": absurd}) for row in rows]
    return [Transaction(tuple(row for row in wrong if row.feed != "adjustments"), is_undone=True)]


def _never_committed(spec: DemoSpec, directory: Directory, day: int) -> Iterator[tuple[Row, ...]]:
    rng = random.Random(f"{_seed(spec)}/undone/{day}")
    for number in range(2):
        case = open_case(directory, rng, spec.first_day, day, claim_id_of(UNDONE_SERIES, day, number))
        money.pay_by_line(case)
        yield tuple(row for row in case.rows if row.day == day)


def _directory_rows(spec: DemoSpec, directory: Directory, day: int) -> Iterator[Row]:
    yield from provider_rows(directory, _seed(spec), day, spec.day_date(day))
    yield from eligibility_rows(directory, _seed(spec), day, spec.day_date(day))
    if day <= 1:  # an update that changes nothing would be stamped by the clock
        yield from denial_code_rows(day, spec.day_date(day))
