"""A made-up claims database, `meridian`: an SQLite file that is written while runs read it, and the answers it gives.

Nobody in it exists. Its claims are numbered like those of the network `harbor`, and are others.
"""

import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Self

from lakehouse.demo.meridian_answers import NETWORK, DatabaseKey, database_key
from lakehouse.demo.meridian_writer import DONE, tables_script
from lakehouse.demo.script import DemoSpec
from lakehouse.engine.databases import Databases
from lakehouse.errors import LakehouseError, SettingsError
from lakehouse.settings import Settings
from lakehouse.settings_networks import NetworkSettings, SqlSettings
from lakehouse.spec.registry import Registry

__all__ = ["NETWORK", "DatabaseKey", "LiveWriter", "database_key", "network_settings", "odbc_problem"]


def network_settings(file: Path) -> NetworkSettings:
    """Settings of the network whose database is `file`: stamps are UTC, and every run looks for deleted rows."""
    sql = SqlSettings(dbms="sqlite", database_schema="", stamp_clock="utc", compare_keys_days=1)
    return NetworkSettings(adapter="sqlserver", root=str(file), sql=sql)


def odbc_problem(settings: Settings) -> str | None:
    """What this machine lacks to read an SQLite file over ODBC; None when it can, as one is read to find out."""
    with TemporaryDirectory(prefix="lakehouse-demo-") as folder:
        file = Path(folder) / "empty.db"
        with closing(sqlite3.connect(file)) as connection:
            connection.executescript(tables_script())
        networks = {NETWORK: network_settings(file)}
        claims = Registry.discover(networks)[f"bronze.{NETWORK}_claims"]
        try:
            with Databases(settings.model_copy(update={"networks": networks})) as databases:
                databases.table(claims)
        except SettingsError as problem:
            return str(problem)
    return None


class LiveWriter:
    """The application that writes, in a process of its own. A context manager; safe to use from several threads.

    A process that opens one SQLite file through two copies of the library, as Python's own and the ODBC driver's may
    be, loses its locks on it.
    """

    def __init__(self, spec: DemoSpec, file: Path) -> None:
        numbers = [str(spec.seed), str(spec.claims_per_day), str(spec.days), spec.first_day.isoformat()]
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lakehouse.demo.meridian_writer", str(file), *numbers],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
        )

    def before_run(self, day: int) -> None:
        """Write the day's transactions up to its run; one may stay open."""
        self._tell(f"before {day}")

    def commit_next(self) -> None:
        """Commit one more transaction while the run reads, if one is waiting."""
        self._tell("commit")

    def after_run(self) -> None:
        """Commit the transaction that was open, and all that are waiting."""
        self._tell("after")

    def _tell(self, command: str) -> None:
        with self._lock:
            assert self._process.stdin is not None
            assert self._process.stdout is not None
            try:
                self._process.stdin.write(f"{command}\n")
                self._process.stdin.flush()
                answer = self._process.stdout.readline().strip()
            except BrokenPipeError:
                answer = ""
        if answer != DONE:
            raise LakehouseError("demo: the process that writes the claims database ended. Run the demo again.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.close()
            self._process.wait(10)
            self._process.stdout.close()
