"""Runs of the real command line in processes of their own, which a test may kill, stop or let run at the same time.

Every child is the leader of a process group: a kill takes its JVM along, so that nothing of it can clean up. Tables are
read without Spark. What is run again after a kill may run here.
"""

import os
import re
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
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from builders import QUICK_TOML
from independent_reader import delta_reader
from lakehouse.cli import app
from lakehouse.storage.store import Store

LIMIT_SECONDS = 900
TOKEN_KEY, KEY = "CHILD_TOKEN_KEY", "0f" * 32
COMMAND = [sys.executable, "-c", "from lakehouse.cli import main; main()"]
FAULTY_COMMAND = [sys.executable, str(Path(__file__).with_name("faulty_run.py"))]
# What tells which run made a row, and when; of a database's rows also the clock that its window was read at.
OF_THE_RUN = {"_run_id", "_ingested_at", "_first_seen_at", "_source_versions", "_delivered_at"}
# Rows of a database are numbered by the clock they were read at, and delivered then; a row without a stamp, and a
# tombstone from a comparison of keys, are stamped by it.
OF_THE_CLOCK = {"modified_at", "source_sequence", "_raw_hash", "_row_hash"} | {
    "delivered_at", "stated_at", "known_from", "known_to"
}  # fmt: skip
# So few claims a day hold a larger share of the demo's bad rows than a network may usually send.
HARBOR = '[networks.harbor]\nadapter = "standard"\nroot = "{root}"\nchecks = {{ most_quarantined_share = "0.5" }}\n'
# One table of each kind of build but Gold, and all they are made of: for tests that run many times.
ONE_OF_EACH_KIND = ("-s", "+silver.held_payment", "-s", "+silver.claim_line")
_NUMBER = re.compile(r"source_sequence=\d+")

Rows = Counter[str]


@dataclass(frozen=True)
class Place:
    """A lake of its own.

    Attributes:
        folder: of the lake, its settings and what its runs say.
        networks: TOML of the networks, which several places may share.
        lease_seconds: after so long a writer that says nothing has lost its leases.
        options: of all its runs.
    """

    folder: Path
    networks: str
    lease_seconds: int = 120
    options: tuple[str, ...] = ()

    @property
    def lake(self) -> Path:
        """Root of the lake."""
        return self.folder / "lake"

    @property
    def said(self) -> str:
        """What its runs printed."""
        return (self.folder / "output.txt").read_text()

    def config(self) -> Path:
        """Settings file of the lake."""
        file = self.folder / "place.toml"
        self.folder.mkdir(parents=True, exist_ok=True)
        file.write_text(
            f'[lake]\nroot = "{self.lake}"\n'
            f"[run]\nlease_seconds = {self.lease_seconds}\n"
            f"{QUICK_TOML}"
            '[privacy]\nmember_token_key = "env:' + TOKEN_KEY + '"\n'
            f"{self.networks}\n"
        )
        return file


def child_environment() -> dict[str, str]:
    """Variables of a child: it finds this checkout's code, and the key of member tokens."""
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), TOKEN_KEY: KEY}


def start(place: Place, logical_date: str, *options: str, fault: str | None = None) -> subprocess.Popen[bytes]:
    """Start a run in a process group of its own; what it says goes to a file beside the lake.

    Args:
        place: its lake.
        logical_date: of the run.
        options: of `lakehouse run`.
        fault: `<fault point>:<kill or stop>@<occurrence>`; None for none.
    """
    command = COMMAND if fault is None else [*FAULTY_COMMAND, fault]
    arguments = ["run", "--config", str(place.config()), "--logical-date", logical_date, *place.options, *options]
    with (place.folder / "output.txt").open("ab") as said:
        return subprocess.Popen(
            [*command, *arguments],
            stdout=said,
            stderr=said,
            env=child_environment(),
            start_new_session=True,
            cwd=place.folder,
        )


def finish(place: Place, logical_date: str, *options: str, fault: str | None = None) -> tuple[int, float]:
    """Exit code and seconds of a run that ends by itself, or at its fault point."""
    began = time.monotonic()
    child = start(place, logical_date, *options, fault=fault)
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


def run_until(place: Place, logical_date: str, seconds: float) -> bool:
    """Run and kill after `seconds`; whether there was still something to kill."""
    child = start(place, logical_date)
    try:
        child.wait(seconds)
    except subprocess.TimeoutExpired:
        return True
    finally:
        kill_group(child)
    return False


def run_here(spark: SparkSession, place: Place, logical_date: str, most: int = 1) -> None:
    """Run until a run succeeds, in this process, whose Spark is warm: for runs that nobody kills.

    Args:
        spark: the session that the command finds.
        place: its lake, not on S3.
        logical_date: of the runs.
        most: how many there may be.

    Raises:
        AssertionError: none succeeded.
    """
    call = ["run", "--config", str(place.config()), "--logical-date", logical_date, *place.options]
    with pytest.MonkeyPatch.context() as patch, (place.folder / "output.txt").open("a") as said:
        patch.setenv(TOKEN_KEY, KEY)
        for _ in range(most):
            answer = CliRunner().invoke(app, call)
            said.write(answer.output)
            if answer.exit_code == 0:
                return
    raise AssertionError(place.said)


def tables(place: Place, but: frozenset[str] = frozenset()) -> Mapping[str, Rows]:
    """Every table but the run records: row -> how often it is there, without what tells of the run and `but`."""
    connection = delta_reader()
    store, found = Store(str(place.lake)), {}
    for layer in ("bronze", "reference", "silver", "gold"):
        for folder in store.folders(layer):
            source = f"delta_scan('{store.uri(layer, folder)}')"
            kept = [c for c in connection.sql(f"SELECT * FROM {source}").columns if c not in OF_THE_RUN | but]
            # As text, so that an instant needs no time zone here.
            texts = ", ".join(f'CAST("{c}" AS VARCHAR)' for c in kept)
            picked = connection.sql(f"SELECT {texts} FROM {source}").fetchall()
            is_raw = layer == "bronze"
            found[f"{layer}.{folder}"] = Counter(_shown(dict(zip(kept, row, strict=True)), is_raw) for row in picked)
    return found


def _shown(row: dict[str, str | None], is_raw: bool) -> str:
    is_clocked = not is_raw or row.get("is_deleted") == "true"
    kept = {name: value for name, value in row.items() if not (is_clocked and name in OF_THE_CLOCK)}
    return _NUMBER.sub("source_sequence=", repr(kept))


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


def assert_same(found: Mapping[str, Rows], expected: Mapping[str, Rows], why: object) -> None:
    """Both lakes hold the same tables with the same rows, each as often; the message counts, and shows no row."""
    assert found.keys() == expected.keys(), why
    different = {n: (sum((found[n] - rows).values()), sum((rows - found[n]).values())) for n, rows in expected.items()}
    assert {n: d for n, d in different.items() if d != (0, 0)} == {}, why
