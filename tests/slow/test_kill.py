"""A run that is killed at any moment, and then run again, ends as a run that was left alone."""

import random
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from lakehouse.demo.harbor import DemoSpec, write_deliveries
from slow.children import (
    HARBOR,
    ONE_OF_EACH_KIND,
    Place,
    assert_same,
    bronze_places,
    finish,
    recorded_outcomes,
    run_here,
    run_until,
    tables,
)

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(3600)]

SPEC = DemoSpec(claims_per_day=20, days=2)
LOGICAL_DATE = "2026-01-07"
LAKES, KILLS_PER_LAKE = 2, 2


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The demo network's files, as settings."""
    folder = tmp_path_factory.mktemp("drop")
    write_deliveries(SPEC, folder)
    return HARBOR.format(root=folder)


def test_a_killed_run_that_is_run_again_ends_as_one_left_alone(
    spark: SparkSession, networks: str, tmp_path: Path
) -> None:
    left_alone = Place(tmp_path / "left_alone", networks, options=ONE_OF_EACH_KIND)
    code, seconds = finish(left_alone, LOGICAL_DATE)
    assert code == 0, left_alone.said
    expected = tables(left_alone)
    assert sum(expected["silver.claim_line"].values()) > 0
    assert any(name.endswith("__quarantine") and rows for name, rows in expected.items())

    draw, killed = random.Random(20260107), 0
    for number in range(LAKES):
        place = Place(tmp_path / f"lake_{number}", networks, options=ONE_OF_EACH_KIND)
        first = seconds * (number + draw.random()) / LAKES
        moments = [first, *[draw.uniform(0.1, 0.9) * seconds for _ in range(KILLS_PER_LAKE - 1)]]
        killed += sum(run_until(place, LOGICAL_DATE, moment) for moment in moments)
        run_here(spark, place, LOGICAL_DATE, most=3)
        assert_same(tables(place), expected, moments)
        assert max(bronze_places(place).values()) == 1, moments
        # None at all where the kill came after the last build: the record waits for the next run that starts Spark.
        assert max(recorded_outcomes(place).values(), default=1) == 1, moments
    assert killed >= LAKES
