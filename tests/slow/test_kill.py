"""A run that is killed at any moment, and then run again, ends as a run that was left alone.

The child is the real command line on the demo network; the whole process group dies by SIGKILL, so nothing of it can
clean up. Tables are read without Spark.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from independent_reader import delta_reader
from lakehouse.demo.harbor import DemoSpec, write_deliveries
from lakehouse.storage.store import Store

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

SPEC = DemoSpec(claims_per_day=40, days=2)
LOGICAL_DATE = "2026-01-07"
LAKES, KILLS_PER_LAKE = 5, 2
MOST_RERUNS = 3
LIMIT_SECONDS = 900
# What tells which run made a row, and when.
OF_THE_RUN = {"_run_id", "_ingested_at", "_first_seen_at", "_source_versions"}
COMMAND = [sys.executable, "-c", "from lakehouse.cli import main; main()"]

Rows = Counter[str]


@dataclass(frozen=True)
class Place:
    """A lake of its own over the common drop."""

    folder: Path
    drop: Path

    @property
    def lake(self) -> Path:
        """Root of the lake."""
        return self.folder / "lake"

    def config(self) -> Path:
        """Settings file of the lake; written once."""
        file = self.folder / "kill.toml"
        self.folder.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f'[lake]\nroot = "{self.lake}"\n'
            '[spark]\nmaster = "local[2]"\ndriver_memory = "1g"\nquick_compile = true\nclass_archive = true\n'
            '[privacy]\nmember_token_key = "env:KILL_TEST_TOKEN_KEY"\n'
            f'[networks.harbor]\nadapter = "standard"\nroot = "{self.drop}"\n'
        )
        return file


def start(place: Place) -> subprocess.Popen[bytes]:
    """Start a run in a process group of its own; what it says goes to a file beside the lake."""
    source = Path(__file__).parents[2] / "src"
    environment = os.environ | {"PYTHONPATH": str(source), "KILL_TEST_TOKEN_KEY": "0f" * 32}
    arguments = ["run", "--config", str(place.config()), "--logical-date", LOGICAL_DATE]
    with (place.folder / "output.txt").open("ab") as said:
        return subprocess.Popen(
            [*COMMAND, *arguments], stdout=said, stderr=said, env=environment, start_new_session=True, cwd=place.folder
        )


def finish(place: Place) -> tuple[int, float]:
    """Exit code and seconds of a run that is left alone."""
    began = time.monotonic()
    child = start(place)
    try:
        code = child.wait(LIMIT_SECONDS)
    finally:
        kill_group(child)
    return code, time.monotonic() - began


def kill_group(child: subprocess.Popen[bytes]) -> None:
    """SIGKILL to everything the child started; returns when none of it is left."""
    for _ in range(200):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        try:
            os.killpg(child.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    raise AssertionError(f"process group {child.pid} does not end")


def run_until(place: Place, seconds: float) -> bool:
    """Run and kill after `seconds`; whether there was still something to kill."""
    child = start(place)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    finally:
        kill_group(child)
    return False


def tables(place: Place) -> Mapping[str, Rows]:
    """Every table but the run records: row -> how often it is there, without what tells of the run."""
    connection = delta_reader()
    store, found = Store(str(place.lake)), {}
    for layer in ("bronze", "reference", "silver", "gold"):
        for folder in store.folders(layer):
            source = f"delta_scan('{store.uri(layer, folder)}')"
            kept = [c for c in connection.sql(f"SELECT * FROM {source}").columns if c not in OF_THE_RUN]
            # As text, so that an instant needs no time zone here.
            texts = ", ".join(f'CAST("{c}" AS VARCHAR)' for c in kept)
            picked = connection.sql(f"SELECT {texts} FROM {source}").fetchall()
            found[f"{layer}.{folder}"] = Counter(repr(dict(zip(kept, row, strict=True))) for row in picked)
    return found


def bronze_places(place: Place) -> Counter[tuple[str, str, int]]:
    """How often each record of each batch stands in each Bronze table."""
    connection = delta_reader()
    store, found = Store(str(place.lake)), Counter[tuple[str, str, int]]()
    for folder in store.folders("bronze"):
        if not folder.endswith("__quarantine"):
            query = f"SELECT _batch_id, _row_number FROM delta_scan('{store.uri('bronze', folder)}')"
            found.update((folder, batch, number) for batch, number in connection.sql(query).fetchall())
    return found


def recorded_outcomes(place: Place) -> Counter[tuple[str, str | None]]:
    """How often each table of each run stands in `ops.run`."""
    connection = delta_reader()
    query = f"SELECT run_id, table_name FROM delta_scan('{place.lake / 'ops' / 'run'}')"
    return Counter(connection.sql(query).fetchall())


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo network's files."""
    folder = tmp_path_factory.mktemp("drop")
    write_deliveries(SPEC, folder)
    return folder


def test_a_killed_run_that_is_run_again_ends_as_one_left_alone(drop: Path, tmp_path: Path) -> None:
    left_alone = Place(tmp_path / "left_alone", drop)
    code, _ = finish(left_alone)
    assert code == 0, (left_alone.folder / "output.txt").read_text()
    expected = tables(left_alone)
    assert sum(expected["gold.revenue_by_payer"].values()) > 0
    assert any(name.endswith("__quarantine") and rows for name, rows in expected.items())
    # Files and class archive are warm now, so this is how long a run takes.
    _, seconds = finish(Place(tmp_path / "measured", drop))

    draw, killed = random.Random(20260107), 0
    for number in range(LAKES):
        place = Place(tmp_path / f"lake_{number}", drop)
        first = seconds * (number + draw.random()) / LAKES
        moments = [first, *[draw.uniform(0.1, 0.9) * seconds for _ in range(KILLS_PER_LAKE - 1)]]
        killed += sum(run_until(place, moment) for moment in moments)
        for _ in range(MOST_RERUNS):
            code, _ = finish(place)
            if code == 0:
                break
        said = (place.folder / "output.txt").read_text()
        assert code == 0, (moments, said)
        found = tables(place)
        assert found.keys() == expected.keys(), moments
        different = {
            n: (sum((found[n] - rows).values()), sum((rows - found[n]).values())) for n, rows in expected.items()
        }
        assert {n: d for n, d in different.items() if d != (0, 0)} == {}, moments
        assert max(bronze_places(place).values()) == 1, moments
        # None at all where the kill came after the last build: the record waits for the next run that starts Spark.
        assert max(recorded_outcomes(place).values(), default=1) == 1, moments
    assert killed >= LAKES
