"""A password is nowhere but where it must be: not in what runs print, not in a lake's files, not on a command line.

A real PostgreSQL is read by the real command line, with the right password and with a wrong one; both are looked for in
every byte that came out.
"""

import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from servers.postgres import Postgres, postgres
from slow.children import COMMAND, Place, child_environment

__all__ = ["postgres"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WRONG = "wr0ng-canary-7f3a"
CONNECTION = "CANARY_CONNECTION"
CLAIM = """INSERT INTO dbo."Claims" ("ClaimID", "MemberID", "ServiceFromDate", "BilledAmount", "ModifiedDate")
VALUES ('C1', 'M1', DATE '2026-01-05', 12.50, TIMESTAMP '2026-01-05 08:00')"""


def arguments_of_all_processes() -> Iterator[bytes]:
    """What `ps` shows of every process."""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            yield process.read_bytes()
        except OSError:
            continue


def call(place: Place, connection: str, *arguments: str) -> tuple[int, str, bytes]:
    """Exit code, what was printed, and every command line seen while the process lived."""
    environment = child_environment() | {CONNECTION: connection}
    command = [*COMMAND, "--config", str(place.config()), *arguments]
    child = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True, cwd=place.folder
    )
    seen = b""
    while child.poll() is None:
        seen += b"".join(arguments_of_all_processes())
        time.sleep(0.5)
    assert child.stdout is not None
    return child.returncode, child.stdout.read(), seen


def test_no_password_leaves_the_process(postgres: Postgres, tmp_path: Path) -> None:
    database = postgres.fresh_database()
    tables = (files("lakehouse.bronze.sqlserver") / "ddl" / "postgresql.sql").read_text()
    postgres.execute(tables, database=database)
    postgres.execute(CLAIM, database=database)
    good = postgres.connection_string(database)
    password = next(part[4:] for part in good.split(";") if part.upper().startswith("PWD="))
    networks = (
        f'[networks.meridian]\nadapter = "sqlserver"\nconnection = "env:{CONNECTION}"\n'
        '[networks.meridian.sql]\ndbms = "postgresql"\nstamp_clock = "utc"\n'
    )
    place = Place(tmp_path / "lake", networks)
    bad = postgres.connection_string(database, password=WRONG)
    came_out: list[str] = []
    command_lines = b""
    for connection, arguments, expected in (
        (bad, ("plan",), 1),
        (bad, ("run", "-s", "bronze.meridian_claims"), (1, 2)),
        (good, ("run", "-s", "+silver.claim"), 0),
        (good, ("status",), 0),
        (good, ("check", "--source", "bronze.meridian_claims", "--output", "json"), 0),
    ):
        code, said, seen = call(place, connection, *arguments)
        assert code == expected or (isinstance(expected, tuple) and code in expected), said
        came_out.append(said)
        command_lines += seen
    assert "networks.meridian.connection" in came_out[0]
    kept = b"".join(f.read_bytes() for f in place.folder.rglob("*") if f.is_file())
    assert b"C1" in kept  # the lake was built, and its files were read
    for secret in (password, WRONG):
        assert secret not in "".join(came_out)
        assert secret.encode() not in kept
        assert secret.encode() not in command_lines
    assert sys.executable.encode() in command_lines
