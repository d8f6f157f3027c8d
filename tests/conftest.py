"""What every test may use: one Spark session for the whole run, and an environment without settings of this machine."""

import os
import threading
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


@pytest.fixture(autouse=True)
def _no_lease_is_renewed_after_its_test() -> Iterator[None]:
    """Heartbeats that outlive their server ask it for ever, and pyarrow lets nobody make a client for S3 meanwhile."""
    yield
    left = [thread.name for thread in threading.enumerate() if thread.name == "leases"]
    assert left == [], "leases that were taken in this test were not given back"


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """One session on two cores that starts fast. Ask for it only where rows must really pass through Spark."""
    yield start_session(QUICK_SPARK, "tests")
    stop_session()
