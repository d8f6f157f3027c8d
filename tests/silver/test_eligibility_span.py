"""Coverage in a real lake: from files to spans, with a delivery that comes late."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.world import Sent, World
from lakehouse.silver.eligibility import eligibility
from lakehouse.silver.eligibility_span import eligibility_span
from lakehouse.silver.full_eligibility import full_eligibility
from lakehouse.spec.registry import Registry, discover_adapters

pytestmark = pytest.mark.spark
TABLES = (eligibility, full_eligibility, eligibility_span)
NAMES = ("bronze.north_eligibility", *(table.name for table in TABLES))


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


ONE, TWO, THREE = "2025-06-01", "2025-01-01", "2025-03-01"
SPANS: dict[str, Sequence[Sent]] = {
    "2026-01-05": [span(m, start, is_full=True) for m, start in (("M-1", ONE), ("M-2", TWO), ("M-3", THREE))],
    "2026-01-12": [span("M-1", ONE, "2025-10-31", is_full=False)],
    "2026-01-20": [span("M-1", ONE, "2025-10-31", is_full=True), span("M-3", THREE, "9999-12-31", is_full=True)],
}


class CoverageWorld(World):
    """A lake of coverage tables; the network sends files in the contract's columns."""

    @property
    def registry(self) -> Registry:
        return Registry.of(self.tables, self.settings.networks, discover_adapters())

    def deliver_days(self, *days: str) -> None:
        """Put the files of some days into the drop."""
        for day in days:
            self.deliver(f"{day}.csv", SPANS[day], feed="eligibility")


def test_a_late_delivery_ends_in_the_tables_that_the_order_of_delivery_tells(
    spark: SparkSession, tmp_path: Path
) -> None:
    world = CoverageWorld(spark, tmp_path, {"north": "standard"}, TABLES)
    world.deliver_days("2026-01-20", "2026-01-12")
    world.run(*NAMES)
    shown = ["string(span_start_date)", "string(span_end_date)", "day(known_from)", "day(known_to)"]
    assert {*world.rows(eligibility_span.name, *shown)} == {(THREE, None, 20, None), (ONE, "2025-10-31", 12, None)}

    world.deliver_days("2026-01-05")
    world.run(*NAMES)
    found = world.rows(eligibility_span.name, *shown)
    assert len(found) == 5
    assert {*found} == {
        (ONE, None, 5, 12),
        (ONE, "2025-10-31", 12, None),
        (TWO, None, 5, 20),
        (TWO, "2026-01-19", 20, None),
        (THREE, None, 5, None),
    }
    believed = "known_from <= timestamp'2026-01-10' and (known_to is null or known_to > timestamp'2026-01-10')"
    assert world.rows(eligibility_span.name, "string(span_end_date)", where=believed) == [(None,)] * 3
