"""Which story each claim of a day tells, and the rows of a delivery that come out of it."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from lakehouse.demo import stories_claims as claims
from lakehouse.demo import stories_coverage as coverage
from lakehouse.demo import stories_denials as denials
from lakehouse.demo import stories_money as money
from lakehouse.demo import stories_versions as versions
from lakehouse.demo.case import Case
from lakehouse.demo.codes import denial_code_rows
from lakehouse.demo.deliveries import FEEDS
from lakehouse.demo.directory import Directory, build_directory
from lakehouse.demo.dirty import dirty_rows
from lakehouse.demo.enrolment import eligibility_rows, provider_rows
from lakehouse.demo.opening import INSTITUTIONAL, PROFESSIONAL, open_case
from lakehouse.demo.row import Row
from lakehouse.errors import SettingsError

# A case that starts on one day sends its last row this many days later.
LAST_OFFSET: Final = 2
CLAIMS_PER_DIRTY_COPY: Final = 500


@dataclass(frozen=True)
class DemoSpec:
    """What to generate.

    Attributes:
        seed: everything invented is drawn from it.
        claims_per_day: claims that start on each day; from `len(SCRIPT)` on, every story is told every day.
        days: number of daily deliveries.
        first_day: date of delivery 0.

    Raises:
        SettingsError: when a number is below 1.
    """

    seed: int = 7
    claims_per_day: int = 400
    days: int = 3
    first_day: date = date(2026, 1, 5)

    def __post_init__(self) -> None:
        if self.claims_per_day < 1 or self.days < 1:
            raise SettingsError(
                "demo network: expected at least 1 claim per day and 1 day, "
                f"found {self.claims_per_day} and {self.days}; raise the one below 1."
            )

    def day_date(self, day: int) -> date:
        """Date of the delivery with this index."""
        return self.first_day + timedelta(days=day)

    def check_day(self, day: int) -> None:
        """Raise SettingsError unless the index is one of this network's deliveries."""
        if not 0 <= day < self.days:
            raise SettingsError(
                f"demo network: expected a day from 0 to {self.days - 1}, found {day}; "
                "ask for one of these or raise the number of days."
            )


@dataclass(frozen=True)
class Story:
    """One kind of claim and what happens to it."""

    tell: Callable[[Case], None]
    claim_type: str = PROFESSIONAL
    states_allowed: bool = True
    allow_header_copy: bool = True


ORDINARY: Final = (
    *(Story(money.pay_by_line),) * 15,
    *(Story(money.pay_by_claim, INSTITUTIONAL),) * 5,
    *(Story(money.leave_unadjudicated, states_allowed=False),) * 3,
    Story(money.leave_unadjudicated, INSTITUTIONAL, states_allowed=False),
)
SPECIAL: Final = (
    Story(claims.correct_amounts),
    Story(claims.correct_amounts),
    Story(claims.correct_month),
    Story(claims.correct_year),
    Story(claims.correct_payer),
    Story(claims.delete_with_lines),
    Story(claims.delete_then_stale),
    Story(claims.delete_line, allow_header_copy=False),
    Story(claims.delete_payment),
    Story(claims.arrive_late),
    Story(claims.arrive_late),
    Story(claims.send_lines_first),
    Story(claims.send_payment_first, INSTITUTIONAL),
    Story(claims.send_payment_only, INSTITUTIONAL),
    Story(claims.send_stale, allow_header_copy=False),
    Story(claims.send_twice_in_file),
    Story(claims.send_again_next_day),
    Story(claims.send_tie),
    Story(claims.send_same_second),
    Story(claims.send_formatted_amounts, INSTITUTIONAL),
    Story(claims.send_untidy_text),
    Story(money.leave_for_months, states_allowed=False),
    Story(money.settle_with_provider),
    Story(money.pay_without_allowed, states_allowed=False),
    Story(money.repeat_header_money, INSTITUTIONAL),
    Story(money.reverse_and_correct),
    Story(money.reverse_in_parentheses, INSTITUTIONAL),
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
    Story(versions.replace_twice, INSTITUTIONAL),
    Story(versions.void_before_original),
    Story(versions.void_paid),
    Story(versions.charge_late),
    Story(versions.bill_in_parts, INSTITUTIONAL),
    Story(denials.deny_in_full, states_allowed=False),
    Story(denials.deny_and_close, states_allowed=False),
    Story(denials.deny_without_status, states_allowed=False),
    Story(denials.deny_line, states_allowed=False),
    Story(denials.deny_line_and_close, states_allowed=False),
    Story(denials.deny_part_of_line, states_allowed=False),
    Story(denials.deny_part_of_claim, states_allowed=False),
    Story(denials.overturn, states_allowed=False),
    Story(denials.deny_as_duplicate),
    Story(denials.send_answer_twice),
    Story(denials.adjust_by_unknown_code),
    Story(denials.deny_by_unknown_code, states_allowed=False),
    Story(denials.hold_back),
    Story(denials.reverse_what_never_came),
    Story(coverage.serve_in_gap),
    Story(coverage.serve_before_coverage),
    Story(coverage.serve_after_coverage),
    Story(coverage.serve_stranger),
    Story(coverage.lose_coverage),
)
SCRIPT: Final = SPECIAL + ORDINARY


def directory_of(spec: DemoSpec) -> Directory:
    """Providers and members of the network."""
    return build_directory(spec.seed, max(40, spec.claims_per_day // 2))


def rows_by_delivery(spec: DemoSpec, days: range) -> dict[tuple[int, str], list[Row]]:
    """Rows of the deliveries with these indexes, by (day, feed), in file order.

    A delivery is the same whatever other days are asked for: each starting day draws from a generator of its own, and a
    delivery takes what the cases of its own and the two days before have for it.
    """
    directory = directory_of(spec)
    delivered: dict[tuple[int, str], list[Row]] = {(day, feed): [] for day in days for feed in FEEDS}
    for start in range(max(0, days.start - LAST_OFFSET), days.stop):
        for row in _rows_of_start(spec, directory, start):
            if row.day in days:
                delivered[row.day, row.feed].append(row)
    for (day, feed), rows in delivered.items():
        random.Random(f"{spec.seed}/order/{day}/{feed}").shuffle(rows)
    return delivered


def _rows_of_start(spec: DemoSpec, directory: Directory, day: int) -> Iterator[Row]:
    rng = random.Random(f"{spec.seed}/claims/{day}")
    for number in range(spec.claims_per_day):
        story = SCRIPT[number % len(SCRIPT)]
        case = open_case(
            directory, rng, spec.first_day, day, claim_id_of(0, day, number), claim_type=story.claim_type,
            states_allowed=story.states_allowed, allow_header_copy=story.allow_header_copy,
        )  # fmt: skip
        story.tell(case)
        yield from case.rows
    dirty_rng = random.Random(f"{spec.seed}/dirty/{day}")

    def open_dirty(number: int, claim_type: str) -> Case:
        claim_id = claim_id_of(9, day, number)
        return open_case(
            directory, dirty_rng, spec.first_day, day, claim_id, claim_type=claim_type, allow_header_copy=False
        )

    yield from dirty_rows(open_dirty, max(1, spec.claims_per_day // CLAIMS_PER_DIRTY_COPY))
    yield from provider_rows(directory, spec.seed, day, spec.day_date(day))
    yield from eligibility_rows(directory, spec.seed, day, spec.day_date(day))
    yield from denial_code_rows(day, spec.day_date(day))


def claim_id_of(series: int, day: int, number: int) -> str:
    """Identifier of a day's claim."""
    # Digits with a leading zero: an identifier read as a number would lose it and no longer join.
    return f"0{series}{day + 41:03d}{number + 1:06d}"
