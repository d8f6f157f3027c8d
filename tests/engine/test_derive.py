"""Derived tables: only what was touched is computed, and it ends as a computation of everything."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from engine.world import EPISODE, GOLD, SILVER, TABLES, World, episode, of
from lakehouse.engine.run import Outcome
from lakehouse.spec.expectations import FAIL, WARN, CheckContext, batch
from lakehouse.spec.rule import WHOLE
from lakehouse.spec.table import Table

pytestmark = pytest.mark.spark
JANUARY, FEBRUARY, MARCH, APRIL = (date(2026, month, 1) for month in range(1, 5))


def gold(world: World) -> dict[object, tuple[object, ...]]:
    """Month -> episodes, amount, due amount."""
    return {m: tuple(rest) for m, *rest in world.rows(GOLD, "service_month", "episode_count", "amount", "due_amount")}


def test_only_touched_groups_are_computed_and_vanished_ones_go(world: World) -> None:
    first_rows = [
        of("V1", "E1", "2026-01-10"),
        of("V2", "E1", "2026-01-20"),
        of("V3", "E2", "2026-02-10"),
        of("V4", "E3", "2026-03-10"),
        of("V5", "E4", "2026-03-11"),
        of("V6", "", "2026-03-12"),
        of("V7", "E5", "2026-04-12"),
    ]
    world.deliver("visits-2026-01-01.csv", first_rows)
    day, zero = date(2026, 1, 15), Decimal("0.00")
    first = world.run(day=day)
    assert first.counts(EPISODE) == {"inserted": 5}
    assert first.counts(GOLD) == {"rows": 4}
    assert gold(world) == {
        JANUARY: (1, Decimal(200), zero),
        FEBRUARY: (1, Decimal(100), zero),
        MARCH: (2, Decimal(200), zero),
        APRIL: (1, Decimal(100), zero),
    }

    # E1 moves from January to February, E2 vanishes, E4 loses its visit to E3; V6 belongs to no episode.
    changed_rows = [
        of("V1", "E1", "2026-02-01", hour=1),
        of("V2", "E1", "2026-02-02", hour=1),
        of("V3", "E2", "2026-02-10", hour=1, is_deleted="true"),
        of("V5", "E3", "2026-03-11", hour=1),
        of("V6", "", "2026-03-12", "7.00", hour=1),
    ]
    world.deliver("visits-2026-01-02.csv", changed_rows)
    moved = world.run(day=day)
    assert moved.counts(EPISODE) == {"updated": 2, "deleted": 2}
    assert moved.counts(GOLD) == {"rows": 2, "partitions": 3}
    assert moved[GOLD].reasons == (f"{EPISODE} changed in version 2",)
    assert gold(world) == {
        FEBRUARY: (1, Decimal(200), zero),
        MARCH: (1, Decimal(200), zero),
        APRIL: (1, Decimal(100), zero),
    }
    assert world.rows(GOLD, "service_month", "_run_id") == [(FEBRUARY, "run-2"), (MARCH, "run-2"), (APRIL, "run-1")]
    assert world.rows(EPISODE, "episode_id", "visit_count") == [("E1", 2), ("E3", 2), ("E5", 1)]

    incremental = world.content()
    whole = world.run(EPISODE, GOLD, day=day, full_refresh=True)
    assert whole.counts(EPISODE) == {"unchanged": 3}
    assert whole[EPISODE].outcome is Outcome.MARKED
    assert whole.counts(GOLD) == {"rows": 3}
    assert world.content() == incremental


def test_a_change_that_touches_no_figure_ends_at_the_first_table_it_does_not_change(world: World) -> None:
    world.deliver("visits-2026-01-01.csv", [of("V1", "E1", "2026-01-10")])
    world.run()
    world.deliver("visits-2026-01-02.csv", [of("V1", "E1", "2026-01-10", hour=1, payer_name="Cigna")])
    ran = world.run()
    assert ran.outcomes[SILVER] is Outcome.BUILT
    assert ran.outcomes[EPISODE] is Outcome.MARKED
    assert ran.outcomes[GOLD] is Outcome.CURRENT
    assert world.run().report.nothing_due


def test_a_month_whose_figure_changes_by_the_calendar_is_due_on_that_day(world: World) -> None:
    world.deliver("visits-2026-01-01.csv", [
        of("V1", "E1", "2026-01-10", "10.00"),
        of("V2", "E2", "2026-01-20", "20.00"),
        of("V3", "E3", "2026-02-20", "30.00"),
    ])  # fmt: skip
    world.run(day=date(2026, 2, 1))
    zero = Decimal("0.00")
    shown = ("service_month", "due_amount", "_next_change_date", "_as_of_date")
    assert world.rows(GOLD, *shown) == [
        (JANUARY, zero, date(2026, 2, 9), date(2026, 2, 1)),
        (FEBRUARY, zero, date(2026, 3, 22), date(2026, 2, 1)),
    ]
    assert world.run(day=date(2026, 2, 8)).report.nothing_due

    matured = world.run(day=date(2026, 2, 9))
    assert matured.outcomes[GOLD] is Outcome.BUILT
    assert matured[GOLD].reasons == ("the calendar changes a figure",)
    assert matured.counts(GOLD) == {"rows": 1, "partitions": 1}
    assert world.rows(GOLD, *shown) == [
        (JANUARY, Decimal("10.00"), date(2026, 2, 19), date(2026, 2, 9)),
        (FEBRUARY, zero, date(2026, 3, 22), date(2026, 2, 1)),
    ]
    assert world.run(day=date(2026, 2, 9)).report.nothing_due

    world.run(day=date(2026, 4, 1))
    assert world.rows(GOLD, "due_amount", "_next_change_date") == [(Decimal("30.00"), None), (Decimal("30.00"), None)]
    assert world.run(day=date(2026, 12, 31)).report.nothing_due


def not_double(months: DataFrame, context: CheckContext) -> DataFrame:
    """No month has more than double the charges of the one before."""
    whole = context.frames[WHOLE]
    before = whole.select(F.add_months("service_month", 1).alias("service_month"), F.col("amount").alias("before"))
    return whole.join(before, on="service_month").where("amount > 2 * before")


def with_rule(**words: object) -> list[Table]:
    """The world's tables, the last with a rule that looks at months side by side."""
    rule = batch("not_double", not_double, on_failure=WARN, **words)  # type: ignore[arg-type]  # keywords under test
    return [*TABLES[:2], replace(TABLES[2], expectations=(rule,))]


def test_a_touched_month_is_judged_against_a_stored_one_that_is_not_touched(world: World) -> None:
    world.tables = with_rule(sees_whole=True, named_by=("service_month",))
    world.deliver("visits-2026-01-01.csv", [
        of("V1", "E1", "2026-01-10"), of("V2", "E2", "2026-02-10"), of("V3", "E3", "2026-03-10"),
    ])  # fmt: skip
    first = world.run()
    assert first.check(GOLD, "not_double") == (0, 3, True)

    world.deliver("visits-2026-01-02.csv", [of("V2", "E2", "2026-02-10", "200.01", hour=1)])
    touched = world.run()
    assert touched.counts(GOLD) == {"rows": 1, "partitions": 1}
    (check,) = [c for c in touched.result(GOLD).checks if c.name == "not_double"]
    assert (check.failed, check.total, check.holds, check.places) == (1, 1, False, ("2026-02-01",))
    assert gold(world)[FEBRUARY] == (1, Decimal("200.01"), Decimal("0.00"))  # it warns

    world.deliver("visits-2026-01-03.csv", [of("V1", "E1", "2026-01-10", "150.00", hour=2)])
    assert world.run().check(GOLD, "not_double") == (0, 1, True)  # what is replaced is not seen any more


def test_a_rule_that_fails_for_the_whole_table_stops_the_build(world: World) -> None:
    tables = with_rule(sees_whole=True)
    rule = replace(tables[2].expectations[0], on_failure=FAIL)
    world.tables = [*tables[:2], replace(tables[2], expectations=(rule,))]
    world.deliver("visits-2026-01-01.csv", [of("V1", "E1", "2026-01-10"), of("V2", "E2", "2026-02-10")])
    world.run()
    world.deliver("visits-2026-01-02.csv", [of("V2", "E2", "2026-02-10", "300.00", hour=1)])
    assert "not_double: 1 of 1 rows" in str(world.run(must=1)[GOLD].error)
    assert gold(world)[FEBRUARY][1] == Decimal("100.00")


def test_a_key_returned_twice_is_refused_though_no_rule_is_declared(world: World) -> None:
    def twice(visits: DataFrame) -> DataFrame:
        rows = episode(visits=visits)
        return rows.unionByName(rows.where("episode_id = 'E1'"))

    world.tables = (TABLES[0], replace(episode, transform=twice, balance=None), *TABLES[2:])
    world.deliver("visits-2026-01-01.csv", [of("V1", "E1", "2026-01-10"), of("V2", "E2", "2026-01-11")])
    ran = world.run(must=1)
    assert ran.outcomes[EPISODE] is Outcome.FAILED
    assert ran.outcomes[GOLD] is Outcome.BLOCKED
    assert "episode_id_unique: 1 of 3 rows" in str(ran[EPISODE].error)
    assert "E1" not in str(ran[EPISODE].error)
    assert world.lake.logs[EPISODE].last_own is None
    assert world.rows(EPISODE, "episode_id") == []
