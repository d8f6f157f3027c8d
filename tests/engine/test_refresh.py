"""Building again on purpose: everything, some days, or from the source."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from engine.story import BASE, Story
from engine.world import (
    BRONZE,
    BUSINESS,
    EPISODE,
    SILVER,
    TABLES,
    TO_SILVER,
    Sent,
    World,
    sent,
    visit,
)
from lakehouse.engine.run import Outcome
from lakehouse.spec.expectations import QUARANTINE, matches
from lakehouse.storage.store import quarantine_of

pytestmark = pytest.mark.spark
FIRST = [sent("V1", modified_at="2026-01-01T10:00:00Z"), sent("V2", payer_name="MEDICARE")]
SECOND = [sent("V1", modified_at="2026-01-02T10:00:00Z", amount="2.00"), sent("V3")]


def payer_in_capitals(visits: DataFrame) -> DataFrame:
    return visits.withColumn("payer_name", F.upper("payer_name")).select(*BUSINESS, "_lineage")


def two_days(world: World, first: list[Sent] = FIRST, second: list[Sent] = SECOND) -> None:
    """One delivery on the 2nd and one on the 3rd of February, each merged."""
    for day, rows in ((date(2026, 2, 2), first), (date(2026, 2, 3), second)):
        world.deliver(f"visits-{day}.csv", rows)
        world.run(*TO_SILVER, day=day)


def test_a_changed_definition_waits_for_a_full_refresh_and_is_not_a_silent_no_op(world: World) -> None:
    two_days(world)
    before = world.versions()
    # Only two-letter payers are left: what V2 says is now set aside, so its row goes.
    changed = replace(
        visit,
        transform=payer_in_capitals,
        expectations=(*visit.expectations, matches("payer_name", "AETNA", on_failure=QUARANTINE)),
    )
    world.tables = (changed, *TABLES[1:])
    assert world.run(*TO_SILVER).report.nothing_due
    assert world.versions() == before

    refreshed = world.run(SILVER, full_refresh=True)
    assert refreshed[SILVER].reasons == ("north: full refresh of 2 deliveries",)
    assert refreshed.counts(SILVER) == {"updated": 2, "stale": 1, "quarantined": 1, "deleted": 1}
    assert world.rows(SILVER, "visit_id", "payer_name", "amount") == [
        ("V1", "AETNA", Decimal("2.00")),
        ("V3", "AETNA", Decimal("100.00")),
    ]
    assert len(world.rows(quarantine_of(SILVER), "_source")) == 1

    again = world.run(SILVER, full_refresh=True)
    assert again[SILVER].outcome is Outcome.MARKED
    assert again.counts(SILVER) == {"unchanged": 2, "stale": 1, "quarantined": 1}
    assert len(world.rows(quarantine_of(SILVER), "_source")) == 1


def test_building_some_days_again_or_reading_them_again_loses_nothing(world: World) -> None:
    two_days(world)
    before = world.rows(SILVER, *BUSINESS)
    again = world.run(SILVER, start=date(2026, 2, 2), end=date(2026, 2, 3))
    assert again[SILVER].reasons == (f"north: {BRONZE} has rows without a stamp, so all its days are compared",)
    assert again.counts(SILVER) == {"stale": 1, "unchanged": 3}
    assert again[SILVER].outcome is Outcome.MARKED
    assert world.rows(SILVER, *BUSINESS) == before
    assert world.run(*TO_SILVER).report.nothing_due

    reread = world.run(*TO_SILVER, reload_source=True, start=date(2026, 2, 3))
    assert reread.counts(BRONZE) == {"deliveries": 1, "rows": 2}
    assert reread[SILVER].outcome is Outcome.MARKED
    assert world.rows(SILVER, *BUSINESS) == before
    batches = world.rows(BRONZE, "_batch_id", "visit_id")
    assert len(batches) == 6
    assert len({b for b, _ in batches}) == 3
    assert world.run(*TO_SILVER).report.nothing_due

    world.deliver("visits-2026-02-02.csv", [sent("V1", modified_at="2026-01-05T10:00:00Z", amount="5.00")])
    changed = world.run(*TO_SILVER)
    assert changed.result(BRONZE).warnings == (
        "visits/visits-2026-02-02.csv: other content under a known name; landed as a new delivery",
    )
    assert world.rows(SILVER, "visit_id", "amount", where="visit_id = 'V1'") == [("V1", Decimal("5.00"))]


def test_a_changed_look_up_changes_the_rows_it_explains_and_no_others(world: World) -> None:
    world.adapters = {"north": "coded"}

    def coded(visit_id: str, code: str) -> Sent:
        row = sent(visit_id, modified_at="2026-01-01T10:00:00Z", payer_code=code)
        del row["payer_name"]
        return row

    payers = "bronze.north_payers"
    world.deliver("visits-2026-01-01.csv", [coded("V1", "A"), coded("V2", "B"), coded("V3", "C")])
    world.deliver("payers-2026-01-01.csv", [{"payer_code": "A", "payer_name": "Aetna"},
                                            {"payer_code": "B", "payer_name": "Blue"}], feed="payers")  # fmt: skip
    world.run(BRONZE, payers, SILVER)
    shown = ("visit_id", "payer_name")
    assert world.rows(SILVER, *shown) == [("V1", "Aetna"), ("V2", "Blue"), ("V3", None)]
    world.deliver("payers-2026-01-02.csv", [{"payer_code": "B", "payer_name": "Blue Cross"},
                                            {"payer_code": "C", "payer_name": "Cigna"}], feed="payers")  # fmt: skip
    ran = world.run(BRONZE, payers, SILVER)
    assert ran[SILVER].reasons == (f"north: {payers} changed, so every row is conformed again",)
    assert ran.counts(SILVER) == {"unchanged": 1, "updated": 2}
    assert world.rows(SILVER, *shown) == [("V1", "Aetna"), ("V2", "Blue Cross"), ("V3", "Cigna")]


def test_a_full_refresh_of_a_whole_lake_changes_nothing(story: Story) -> None:
    world, before = story.world, story.world.content()
    day = story.ran["revived"].report.request.logical_date
    ran = world.run(SILVER, EPISODE, "gold.month", day=day, full_refresh=True)
    assert (ran[SILVER].outcome, ran[EPISODE].outcome) == (Outcome.MARKED, Outcome.MARKED)
    assert world.content() == before
    assert len(world.rows(quarantine_of(SILVER), "_source")) == 2 * sum(
        row["visit_id"].strip() == ""
        or "PHIMARK" in row["service_date"] + row["amount"]
        or row["amount"] == "1000000.00"
        for row in BASE
    )
    assert world.run(day=day).report.nothing_due
