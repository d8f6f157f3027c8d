"""What every test may use: one Spark session for the whole run, and an environment without settings of this machine."""

import os
from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from builders import QUICK_SPARK
from lakehouse.storage.session import start_session, stop_session


@pytest.fixture(scope="session", autouse=True)
def _no_settings_of_this_machine() -> Iterator[None]:
    saved = {name: value for name, value in os.environ.items() if name.startswith("LAKEHOUSE_")}
    for name in saved:
        del os.environ[name]
    yield
    os.environ.update(saved)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One session on two cores that starts fast. Ask for it only where rows must really pass through Spark."""
    yield start_session(QUICK_SPARK, "tests")
    stop_session()
