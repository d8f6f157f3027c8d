"""What rosters and eligibility files say, day by day: everybody on day 0, afterwards changes only."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from lakehouse.demo.directory import SPECIALTIES, Directory, Member, Provider, line_of_business
from lakehouse.demo.row import Row, Value
from lakehouse.demo.stories_coverage import coverage_rows

MAIN: Final = "MAIN"
NEW_LOCATION: Final = "NORTH"
RENEWED_EVERY: Final = 7
RENEWED_BEFORE: Final = timedelta(days=20)
"""Coverage of every seventh member was renewed so long before the first day: two spans that touch."""


def provider_rows(directory: Directory, seed: int, day: int, day_date: date) -> Iterator[Row]:
    """Roster rows of one delivery: everybody on day 0; afterwards one with a new specialty from that day on, one that
    moves to another location, and one that leaves."""
    stamp = datetime.combine(day_date, time(5), UTC)
    if day == 0:
        for provider in directory.providers:
            yield Row("providers", day, _provider_values(provider, stamp, is_full=True))
        return
    changed, leaving, moving = random.Random(f"{seed}/roster/{day}").sample(directory.individuals, 3)
    taxonomy_code, specialty = SPECIALTIES[(_specialty_index(changed) + 1) % len(SPECIALTIES)]
    retrained = replace(changed, taxonomy_code=taxonomy_code, specialty=specialty)
    from_today: dict[str, Value] = {"effective_date": day_date}
    left = {**_provider_values(leaving, stamp, is_full=False), "termination_date": day_date}
    old_place = {**_provider_values(moving, stamp, is_full=False), "termination_date": day_date - timedelta(days=1)}
    new_place = {**_provider_values(moving, stamp, is_full=False), **from_today, "location_id": NEW_LOCATION}
    yield Row(
        "providers", day, {**_provider_values(retrained, stamp, is_full=False), **from_today}, story="provider_changed"
    )
    yield Row("providers", day, left, story="provider_terminated")
    yield Row("providers", day, old_place, story="provider_moved")
    yield Row("providers", day, new_place)


def eligibility_rows(directory: Directory, seed: int, day: int, day_date: date) -> Iterator[Row]:
    """Coverage rows of one delivery: everybody on day 0, afterwards a retro-termination and a change of plan."""
    stamp = datetime.combine(day_date, time(5), UTC)
    prefix = directory.members[0].member_id[:2]
    yield from coverage_rows(prefix, day, day_date, _special_coverage)
    if day == 0:
        for number, member in enumerate(directory.members):
            yield from _spans(number, member, stamp)
        return
    steady = [member for number, member in enumerate(directory.members) if not _is_renewed(number)]
    ended, mover = random.Random(f"{seed}/coverage/{day}").sample(steady, 2)
    retro = {**_coverage(ended, stamp, is_full=False), "coverage_end_date": day_date - timedelta(days=60)}
    old = {**_coverage(mover, stamp, is_full=False), "coverage_end_date": day_date}
    next_day = day_date + timedelta(days=1)
    new = {**_coverage(mover, stamp, is_full=False), "plan_name": "Choice", "coverage_start_date": next_day}
    yield Row("eligibility", day, retro, story="coverage_retro_terminated")
    yield Row("eligibility", day, old, story="coverage_plan_changed")
    yield Row("eligibility", day, new)


def _is_renewed(number: int) -> bool:
    return number % RENEWED_EVERY == 3


def _spans(number: int, member: Member, stamp: datetime) -> Iterator[Row]:
    """A member's coverage in the full file."""
    whole = _coverage(member, stamp, is_full=True)
    if not _is_renewed(number):
        yield Row("eligibility", 0, whole)
        return
    renewed = stamp.date() - RENEWED_BEFORE
    yield Row("eligibility", 0, {**whole, "coverage_end_date": renewed - timedelta(days=1)}, story="coverage_renewed")
    yield Row("eligibility", 0, {**whole, "coverage_start_date": renewed})


def _special_coverage(
    member_id: str, start: date, end: date | None, stamp: datetime, *, is_full: bool
) -> dict[str, Value]:
    person = Member(member_id, "CIGNA", "Cigna", date(1980, 5, 17), "F", "MA", "02101", start)
    return {**_coverage(person, stamp, is_full=is_full), "coverage_end_date": end}


def _specialty_index(provider: Provider) -> int:
    return SPECIALTIES.index((provider.taxonomy_code, provider.specialty))


def _provider_values(provider: Provider, stamp: datetime, *, is_full: bool) -> dict[str, Value]:
    return {
        "provider_id": provider.provider_id,
        "location_id": MAIN,
        "npi": provider.npi,
        "entity_type": "organization" if provider.is_organization else "individual",
        "provider_name": provider.name,
        "taxonomy_code": provider.taxonomy_code,
        "specialty": provider.specialty,
        "state": provider.state,
        "effective_date": date(2020, 1, 1),
        "is_full_roster": is_full,
        "modified_at": stamp,
    }


def _coverage(member: Member, stamp: datetime, *, is_full: bool) -> dict[str, Value]:
    return {
        "member_id": member.member_id,
        "payer_name": member.payer_name,
        "plan_name": "Standard",
        "coverage_type": "medical",
        "coverage_start_date": member.covered_from,
        "line_of_business": line_of_business(member.payer_code),
        "birth_date": member.birth_date,
        "sex": member.sex,
        "state": member.state,
        "zip_code": member.zip_code,
        "is_full_file": is_full,
        "modified_at": stamp,
    }
