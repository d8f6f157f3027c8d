"""Coverage and roster in a real lake: from files to spans, and the same tables whatever the order of arrival."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.world import Sent, World
from lakehouse.silver.eligibility import eligibility
from lakehouse.silver.eligibility_span import eligibility_span
from lakehouse.silver.full_eligibility import full_eligibility
from lakehouse.silver.full_roster import full_roster
from lakehouse.silver.member import member
from lakehouse.silver.provider import provider
from lakehouse.silver.roster import roster
from lakehouse.spec.registry import Registry, discover_adapters

pytestmark = pytest.mark.spark
TABLES = (eligibility, full_eligibility, eligibility_span, member, roster, full_roster, provider)
DERIVED = (eligibility_span, member, provider)
NAMES = ("bronze.north_eligibility", "bronze.north_providers", *(table.name for table in TABLES))


def span(member_id: str, start: str, end: str = "", *, is_full: bool) -> Sent:
    return {
        "member_id": member_id,
        "payer_name": "Aetna",
        "plan_name": "Choice",
        "coverage_start_date": start,
        "coverage_end_date": end,
        "birth_date": "1980-01-01",
        "sex": "F",
        "is_full_file": str(is_full),
    }


def place(provider_id: str, specialty: str, since: str = "", *, is_full: bool) -> Sent:
    return {
        "provider_id": provider_id,
        "npi": "1234567893",
        "specialty": specialty,
        "effective_date": since,
        "is_full_roster": str(is_full),
    }


ONE, TWO, THREE = "2025-06-01", "2025-01-01", "2025-03-01"
SPANS: dict[str, Sequence[Sent]] = {
    "2026-01-05": [span(m, start, is_full=True) for m, start in (("M-1", ONE), ("M-2", TWO), ("M-3", THREE))],
    "2026-01-12": [span("M-1", ONE, "2025-10-31", is_full=False)],
    "2026-01-20": [span("M-1", ONE, "2025-10-31", is_full=True), span("M-3", THREE, "9999-12-31", is_full=True)],
}
PLACES: dict[str, Sequence[Sent]] = {
    "2026-01-05": [place("P1", "A", "2020-01-01", is_full=True), place("P2", "C", is_full=True)],
    "2026-01-12": [place("P1", "B", "2026-01-01", is_full=False)],
    "2026-01-20": [place("P1", "B", "2026-01-01", is_full=True)],
}


class PeopleWorld(World):
    """A lake of coverage and roster tables; the network sends files in the contract's columns."""

    @property
    def registry(self) -> Registry:
        return Registry.of(self.tables, self.settings.networks, discover_adapters())

    def deliver_days(self, *days: str) -> None:
        """Put the files of some days into the drop."""
        for day in days:
            self.deliver(f"{day}.csv", SPANS[day], feed="eligibility")
            self.deliver(f"{day}.csv", PLACES[day], feed="providers")

    def derived(self) -> dict[str, list[tuple[object, ...]]]:
        """All rows of the derived tables."""
        return {table.name: self.rows(table.name, *table.field_names) for table in DERIVED}


@pytest.fixture
def world(spark: SparkSession, tmp_path: Path) -> Callable[[str], PeopleWorld]:
    return lambda name: PeopleWorld(spark, tmp_path / name, {"north": "standard"}, TABLES)


def test_late_deliveries_end_in_the_same_spans_and_roster(world: Callable[[str], PeopleWorld]) -> None:
    in_order, late = world("in_order"), world("late")
    in_order.deliver_days(*SPANS)
    in_order.run(*NAMES)
    known = ["day(known_from)", "day(known_to)"]
    shown = in_order.rows(eligibility_span.name, "string(span_start_date)", "string(span_end_date)", *known)
    assert shown == [
        (TWO, "2026-01-19", 20, None),
        (TWO, None, 5, 20),
        (THREE, None, 5, None),
        (ONE, "2025-10-31", 12, None),
        (ONE, None, 5, 12),
    ]
    believed = "known_from <= timestamp'2026-01-10' and (known_to is null or known_to > timestamp'2026-01-10')"
    as_known = in_order.rows(eligibility_span.name, "string(span_end_date)", where=believed)
    assert as_known == [(None,)] * 3
    dates = ["string(valid_from)", "string(valid_to)"]
    assert in_order.rows(provider.name, "provider_id", *dates, "specialty", "npi_is_valid") == [
        ("P1", "2020-01-01", "2025-12-31", "A", True),
        ("P1", "2026-01-01", None, "B", True),
        ("P2", "1900-01-01", "2026-01-19", "C", True),
    ]
    assert in_order.rows(member.name, "birth_year", "is_90_or_more", "sex") == [(1980, False, "F")] * 3

    late.deliver_days("2026-01-20", "2026-01-12")
    late.run(*NAMES)
    assert late.derived() != in_order.derived()
    late.deliver_days("2026-01-05")
    late.run(*NAMES)
    assert late.derived() == in_order.derived()
