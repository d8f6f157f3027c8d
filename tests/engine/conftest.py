"""Lakes for tests of the engine: an empty one, and one whose story is told once and looked at by many tests."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.story import BASE, CHANGED, REVIVED, Story
from engine.world import TO_SILVER, World, touch


@pytest.fixture(scope="session")
def story(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Story:
    """Four deliveries: the first, the same rows again, changes of every kind, and a deleted visit that comes back."""
    share = {"most_quarantined_share": "0.2"}  # of all it delivers; one delivery of it has too few rows to be refused
    told = Story(World(spark, tmp_path_factory.mktemp("story"), checks={"north": share}))
    world = told.world
    first = world.deliver("visits-2026-01-05.csv", BASE)
    told.step("base")
    told.step("again")
    world.deliver("visits-2026-01-06.csv", BASE)
    told.step("resent")
    touch(first)
    told.step("touched")
    world.deliver("visits-2026-01-07.csv", CHANGED)
    told.step("changed", *TO_SILVER)
    world.deliver("visits-2026-01-08.csv", REVIVED)
    told.step("revived")
    return told


@pytest.fixture
def world(spark: SparkSession, tmp_path: Path) -> World:
    """An empty lake with one network of the `plain` adapter."""
    return World(spark, tmp_path)
