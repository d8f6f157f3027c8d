"""Builds that stop before they write: broken rules, open ledgers, other columns than declared.

All of them look at the same four landed rows; none of them may leave a commit.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from engine import world as declared
from engine.world import ADAPTERS, BRONZE, BUSINESS, EPISODE, SILVER, Ran, World, conform_plain, episode, sent, visit
from lakehouse.engine.context import check_schema
from lakehouse.engine.run import Run
from lakehouse.engine.work import Request
from lakehouse.errors import SchemaError
from lakehouse.spec.balance import sums_to
from lakehouse.spec.expectations import (
    FAIL,
    QUARANTINE,
    WARN,
    Consequence,
    Expectation,
    between,
    not_null,
    row_count_at_least,
    unique,
)
from lakehouse.spec.field import schema_of
from lakehouse.spec.registry import Adapter, Registry
from lakehouse.spec.table import Table
from lakehouse.storage.store import quarantine_of

pytestmark = pytest.mark.spark
ROWS = [
    sent("V1", episode_id="E1", payer_name="Aetna"),
    sent("V2", episode_id="E1", payer_name=""),
    sent("V3", episode_id="E2", amount="-3.00"),
    sent("V4", episode_id="E2", service_date="no date"),
]


@pytest.fixture(scope="module")
def landed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A lake with four rows in Bronze."""
    world = World(spark, tmp_path_factory.mktemp("refusals"))
    world.deliver("visits-2026-01-01.csv", ROWS)
    world.run(BRONZE)
    return world


@pytest.fixture
def lake(landed: World, tmp_path: Path) -> World:
    """The same lake without anything built from Bronze."""
    for layer in ("silver", "gold"):
        landed.lake.store.remove_folder(layer)
    landed.tables = declared.TABLES
    return landed


def declare(world: World, changed: Table) -> None:
    world.tables = tuple(changed if t.name == changed.name else t for t in declared.TABLES)


def refused(world: World, *names: str) -> tuple[Ran, str]:
    """The run, and the error of the last table, which must have left no commit but its creation."""
    ran = world.run(*names, must=1)
    error = ran[names[-1]].error
    assert error is not None
    log = world.lake.logs[names[-1]]
    assert not [c.version for c in log.newest_first() if c.note is not None or c.changes_data]
    assert "Traceback" not in error
    return ran, error


def test_a_batch_rule_that_fails_stops_before_the_write(lake: World) -> None:
    rules = (
        unique("visit_id", on_failure=FAIL),
        unique("service_date", on_failure=FAIL),
        row_count_at_least(3, on_failure=FAIL),
        row_count_at_least(4, on_failure=FAIL),
        row_count_at_least(5, on_failure=WARN),
    )
    declare(lake, replace(visit, expectations=rules))
    _, error = refused(lake, SILVER)
    assert "these rules do not hold: service_date_unique: 1 of 3 rows; row_count_at_least_4: 1 of 3 rows." in error


def test_row_rules_that_fail_stop_before_the_write_and_the_tolerated_ones_do_not(lake: World) -> None:
    def payer_rule(name: str, consequence: Consequence, at_most: str | int | None) -> Expectation:
        return replace(not_null("payer_name", on_failure=consequence, at_most=at_most), name=name)

    rules = (
        payer_rule("none_tolerated", FAIL, None),
        payer_rule("a_quarter_tolerated", FAIL, "25%"),
        payer_rule("less_than_a_quarter_tolerated", FAIL, "24%"),
        payer_rule("one_tolerated", QUARANTINE, 1),
        payer_rule("none_set_aside", QUARANTINE, 0),
        payer_rule("warned", WARN, 0),
    )
    declare(lake, replace(visit, expectations=rules))
    _, error = refused(lake, SILVER)
    assert (
        "do not hold: none_tolerated: 1 of 4 rows of north; less_than_a_quarter_tolerated: 1 of 4 rows of north; "
        "none_set_aside: 1 of 4 rows of north." in error
    )


def test_rows_set_aside_before_a_stop_are_not_set_aside_twice(lake: World) -> None:
    declare(lake, replace(visit, expectations=(row_count_at_least(4, on_failure=FAIL),)))
    for _ in range(2):
        refused(lake, SILVER)
    assert lake.rows(quarantine_of(SILVER), "row['visit_id']") == [("V4",)]
    declare(lake, visit)
    lake.run(SILVER)
    assert lake.rows(quarantine_of(SILVER), "row['visit_id']") == [("V4",)]


def loses_rows(visits: DataFrame) -> DataFrame:
    return visits.where(F.col("amount") > 0).select(*BUSINESS, "_lineage")


def changes_money(visits: DataFrame) -> DataFrame:
    cents = (F.col("amount") + F.lit("0.01").cast("decimal(14,2)")).cast("decimal(14,2)")
    return visits.withColumn("amount", cents).select(*BUSINESS, "_lineage")


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (loses_rows, "silver.visit: merge ledger, rows: in - out = 1"),
        (changes_money, "silver.visit: merge ledger, amount: in - out = -0.04"),
    ],
)
def test_a_transform_that_loses_adds_or_changes_stops(
    lake: World, transform: Callable[..., DataFrame], said: str
) -> None:
    declare(lake, replace(visit, transform=transform))
    _, error = refused(lake, SILVER)
    assert said in error


def drops_without_reason(visits: DataFrame) -> DataFrame:
    return conform_plain.transform(visits.where("visit_id <> 'V1'"))


def halves_money(visits: DataFrame) -> DataFrame:
    return conform_plain.transform(visits).withColumn("amount", F.lit("50.00"))


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (drops_without_reason, ("conform ledger of north, rows: in - out = 1", "amount: in - out = 100")),
        (halves_money, ("conform ledger of north, amount: in - out = 97",)),
    ],
)
def test_a_conform_function_that_drops_without_a_reason_stops(
    lake: World, transform: Callable[..., DataFrame], said: tuple[str, ...]
) -> None:
    conform = replace(conform_plain, transform=transform)
    adapters = ADAPTERS | {"plain": Adapter("plain", ADAPTERS["plain"].feeds, (conform,))}
    ran = run_with(lake, adapters)
    error = ran[SILVER].error or ""
    assert not [s for s in said if s not in error]
    assert lake.lake.logs[SILVER].state.sequence == 0


def run_with(world: World, adapters: Mapping[str, Adapter]) -> Ran:
    settings = world.settings
    registry = Registry.of(world.tables, settings.networks, adapters)
    request = Request("run-x", date(2026, 2, 3), datetime(2026, 2, 3, tzinfo=UTC))
    with Run(settings, registry, request, lambda: world.spark) as run:
        return Ran(run.execute([SILVER]))


def without_amount(visits: DataFrame) -> DataFrame:
    return visits.select(*[c for c in BUSINESS if c != "amount"], F.lit("x").alias("paid"), "_lineage")


def out_of_order(visits: DataFrame) -> DataFrame:
    return visits.select(*reversed(BUSINESS), "_lineage")


@pytest.mark.parametrize(
    ("transform", "said"),
    [
        (without_amount, "missing amount decimal(14,2); unexpected paid string"),
        (out_of_order, "order is is_deleted, source_sequence"),
        (lambda visits: visits.select(*BUSINESS), "missing _lineage"),
        (
            lambda visits: visits.withColumn("amount", F.col("amount").cast("string")).select(*BUSINESS, "_lineage"),
            "amount is string, declared decimal(14,2)",
        ),
    ],
)
def test_other_columns_than_declared_are_refused_by_name(
    spark: SparkSession, transform: Callable[..., DataFrame], said: str
) -> None:
    visits = spark.createDataFrame([], schema_of(visit.fields)).withColumn("_lineage", F.lit("x"))
    check_schema(visit, visits, extra=("_lineage",))
    with pytest.raises(SchemaError) as caught:
        check_schema(visit, transform(visits), extra=("_lineage",))
    assert said in str(caught.value)


def test_a_transform_with_other_columns_than_declared_stops(lake: World) -> None:
    declare(lake, replace(visit, transform=without_amount))
    _, error = refused(lake, SILVER)
    assert "missing amount decimal(14,2); unexpected paid string" in error


def test_a_derived_table_whose_money_does_not_reappear_stops_and_leaves_the_old_one(lake: World) -> None:
    lake.run(SILVER)

    def only_first_visits(visits: DataFrame) -> DataFrame:
        assert episode.transform is not None
        return episode.transform(visits.where("visit_id <> 'V2'"))

    declare(lake, replace(episode, transform=only_first_visits))
    _, error = refused(lake, SILVER, EPISODE)
    assert "silver.episode: aggregate ledger, amount: in - out = 100.00" in error
    assert "visit_count: in - out = 1" in error


def test_a_derived_table_that_breaks_a_rule_stops(lake: World) -> None:
    lake.run(SILVER)
    rules = (between("visit_count", 2, 9, on_failure=FAIL), unique("service_month", on_failure=FAIL))
    declare(lake, replace(episode, expectations=rules, balance=sums_to("visits", count="visit_count")))
    _, error = refused(lake, SILVER, EPISODE)
    assert "visit_count_between: 1 of 2 rows; service_month_unique: 1 of 2 rows." in error
