"""Groups that another table names, and rows whose group only the rows themselves tell."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from engine.world import SILVER, TABLES, VISITS, World, sent, visit
from lakehouse.spec.field import ACCOUNT, LONG, STRING, field
from lakehouse.spec.scopes import ReplaceGroups, groups, linked
from lakehouse.spec.table import table

pytestmark = pytest.mark.spark
KEY = ("network", "visit_id")
STAY, BILL = "silver.stay_visit", "silver.stay_bill"


def hubs() -> Column:
    """Visits of one payer or one episode may be of one stay."""
    return F.array(F.concat(F.lit("payer:"), F.col("payer_name")), F.concat(F.lit("episode:"), F.col("episode_id")))


def stays(visits: DataFrame) -> DataFrame:
    """Stay of each visit: the smallest visit of those that share hubs, directly or over three others."""
    named = visits.select(*KEY, F.col("visit_id").alias("stay_id"), F.array_compact(hubs()).alias("hubs"))
    for _ in range(4):
        every = named.select("*", F.explode("hubs").alias("hub"))
        least = every.withColumn("stay_id", F.min("stay_id").over(Window.partitionBy("hub")))
        named = least.groupBy(*KEY).agg(F.min("stay_id").alias("stay_id"), F.first("hubs").alias("hubs"))
    return named.select("network", "visit_id", "stay_id")


@table(
    STAY,
    reads={"visits": groups(visit, by=KEY, linked=linked(hubs, kept_in="stay_id"))},
    fields=[
        *VISITS.pick(*KEY),
        field("stay_id", STRING, "smallest visit of the stay", required=True, phi=ACCOUNT),
    ],
    write=ReplaceGroups(by=KEY),
)
def stay_visit(visits: DataFrame) -> DataFrame:
    """One row per visit that has a payer or an episode."""
    return stays(visits)


@table(
    BILL,
    reads={"visits": groups(visit, by=("network", "stay_id"), through=stay_visit, on=KEY, lineage=("_batch_id",))},
    fields=[
        *VISITS.pick("network"),
        field("stay_id", STRING, "stay", required=True, phi=ACCOUNT),
        field("visit_count", LONG, "visits"),
        field("batch_count", LONG, "deliveries they came with"),
    ],
    write=ReplaceGroups(by=("network", "stay_id")),
)
def stay(visits: DataFrame) -> DataFrame:
    """One row per stay."""
    counted = visits.groupBy("network", "stay_id").agg(
        F.count(F.lit(1)).alias("visit_count"), F.countDistinct("_batch_id").alias("batch_count")
    )
    return counted.select("network", "stay_id", "visit_count", "batch_count")


def of(visit_id: str, payer: str, episode: str, hour: int = 0, **other: str) -> dict[str, str]:
    """A visit with its two hubs, last changed at this hour."""
    stamp = f"2026-01-01T{hour:02}:00:00Z"
    return sent(visit_id, payer_name=payer, episode_id=episode, modified_at=stamp, **other)


@pytest.fixture
def world(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(spark, tmp_path_factory.mktemp("stays"), tables=(TABLES[0], stay_visit, stay))


def stored(world: World) -> dict[object, object]:
    """Visit -> stay."""
    return dict(world.rows(STAY, "visit_id", "stay_id"))  # type: ignore[arg-type]  # pairs


def test_stays_are_joined_and_parted_and_only_theirs_are_computed(world: World) -> None:
    first = [of("V1", "A", "E1"), of("V2", "B", "E1"), of("V3", "C", "E3"), of("V4", "D", "E4"), of("V5", "D", "E5")]
    world.deliver("visits-2026-01-01.csv", first)
    assert world.run().counts(STAY) == {"inserted": 5}
    assert stored(world) == {"V1": "V1", "V2": "V1", "V3": "V3", "V4": "V4", "V5": "V4"}

    # One row that came later makes two stays one; the third is neither read nor written.
    world.deliver("visits-2026-01-02.csv", [of("V6", "C", "E1", 1)])
    joined = world.run()
    assert joined.counts(STAY) == {"inserted": 1, "unchanged": 2, "updated": 1}
    assert joined.counts(BILL) == {"deleted": 1, "updated": 1}
    assert world.rows(BILL, "stay_id", "visit_count", "batch_count") == [("V1", 4, 2), ("V4", 2, 1)]

    # Deleted, it leaves them apart again; a visit that changed both hubs leaves its stay.
    world.deliver("visits-2026-01-03.csv", [of("V6", "", "", 2, is_deleted="true"), of("V5", "E", "E9", 2)])
    parted = world.run()
    assert parted.counts(STAY) == {"unchanged": 3, "updated": 2, "deleted": 1}
    assert stored(world) == {"V1": "V1", "V2": "V1", "V3": "V3", "V4": "V4", "V5": "V5"}
    assert world.rows(BILL, "stay_id", "visit_count") == [("V1", 2), ("V3", 1), ("V4", 1), ("V5", 1)]


def test_row_without_a_named_group_is_given_when_its_group_is_named(world: World) -> None:
    world.deliver("visits-2026-01-01.csv", [of("V1", "", ""), of("V2", "B", "")])
    world.run()
    assert world.rows(BILL, "stay_id", "visit_count") == [("V2", 1)]
    world.deliver("visits-2026-01-02.csv", [of("V1", "B", "", 1)])
    assert world.run().counts(BILL) == {"inserted": 1, "deleted": 1}
    assert world.rows(BILL, "stay_id", "visit_count") == [("V1", 2)]
    assert world.run().outcomes[BILL] == "current"


def test_table_that_names_the_groups_is_an_input(world: World) -> None:
    registry = world.registry
    assert registry.inputs(BILL) == {SILVER, STAY}
    assert BILL in registry.downstream([STAY])
    assert list(registry.tables).index(STAY) < list(registry.tables).index(BILL)


@pytest.mark.parametrize("scope", [lambda: replace(stay.reads["visits"], lineage=())])
def test_scope_is_a_value(scope: Callable[[], object]) -> None:
    assert scope() == scope() != stay.reads["visits"]
