"""The index of landed files follows the Bronze logs, lists each file once, and can be made again from nothing."""

import shutil

import pytest
from pyspark.sql import SparkSession

from engine.world import World, sent
from lakehouse.engine.delivery_index import index_deliveries

pytestmark = pytest.mark.spark


def test_index_lists_each_landed_file_once_and_can_be_made_again(world: World, spark: SparkSession) -> None:
    world.deliver("visits-2026-01-05.csv", [sent("1"), sent("2")])
    world.run()
    index_deliveries(world.lake, spark.newSession(), "first")
    index_deliveries(world.lake, spark.newSession(), "nothing new")
    world.deliver("visits-2026-01-06.csv", [sent("3")])
    world.run()
    index_deliveries(world.lake, spark.newSession(), "second")
    expected = [("visits-2026-01-05.csv", 2, 0, False), ("visits-2026-01-06.csv", 1, 0, False)]
    columns = ("path", "row_count", "rejected_count", "is_repeat")
    assert sorted((r[0].rsplit("/", 1)[-1], *r[1:]) for r in world.rows("ops.delivery", *columns)) == expected
    assert world.lake.logs["ops.delivery"].version == 2

    shutil.rmtree(world.lake.store.table("ops.delivery"))
    index_deliveries(world.lake, spark.newSession(), "again")
    assert sorted((r[0].rsplit("/", 1)[-1], *r[1:]) for r in world.rows("ops.delivery", *columns)) == expected
