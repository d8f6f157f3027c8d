"""A real PostgreSQL server of the tests' own: loopback only, a free port, its data in a temporary folder.

Nothing of it outlives the tests, and no other server of this machine is touched: it is stopped by the process id that
was started here. A password is asked for, so that a wrong one is refused. It never syncs to disk.
"""

import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyodbc
import pytest

DRIVER: Final = "PostgreSQL Unicode"
USER: Final = "claims_reader"
PASSWORD: Final = "loopback only"
FIRST_DATABASE: Final = "claims"
START_SECONDS: Final = 30
# Small, and it never syncs: the data outlives a killed server, not a lost machine. Deadlocks are noticed at once.
OPTIONS: Final = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "deadlock_timeout": "100ms",
    "log_destination": "stderr",
}


class Postgres:
    """One server. A context manager: it runs inside the block, and its folder is gone after it.

    Attributes:
        port: of 127.0.0.1; the same after a restart.
        folder: its data, its log beside it.
    """

    def __init__(self) -> None:
        self.port = _free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="lakehouse-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._account = _account()
        self._numbers = itertools.count(1)

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def start(self) -> None:
        """Start it, and return once it answers; the first start makes its data folder and the database `claims`."""
        is_new = not (self.folder / "data" / "PG_VERSION").exists()
        if is_new:
            self._make_data()
        with (self.folder / "server.log").open("ab") as log:
            options = [part for name, value in OPTIONS.items() for part in ("-c", f"{name}={value}")]
            self._process = self._popen(["postgres", "-D", str(self.folder / "data"), *options], log)
        self._wait()
        if is_new:
            self.execute(f"CREATE DATABASE {FIRST_DATABASE}", database="postgres")

    def stop(self) -> None:
        """Stop it as an administrator would: open transactions are rolled back, connections closed."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it without a good-bye: connections break, and the next start recovers from its log."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        """Stop and start it; the port stays."""
        self.stop()
        self.start()

    def connection_string(
        self, database: str = FIRST_DATABASE, *, password: str = PASSWORD, port: int | None = None
    ) -> str:
        """How a database of it is reached over ODBC."""
        return (
            f"DRIVER={{{DRIVER}}};SERVER=127.0.0.1;PORT={port or self.port};DATABASE={database};"
            f"UID={USER};PWD={{{password}}}"
        )

    def connect(self, database: str = FIRST_DATABASE, *, autocommit: bool = True) -> pyodbc.Connection:
        """A connection for the test's own statements."""
        return pyodbc.connect(self.connection_string(database), autocommit=autocommit, timeout=10)

    def execute(self, *statements: str, database: str = FIRST_DATABASE) -> None:
        """Run statements, each committed at once."""
        with closing(self.connect(database)) as connection:
            for statement in statements:
                connection.execute(statement)

    def fresh_database(self) -> str:
        """Name of a new, empty database; about 0.1 s."""
        name = f"test_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}", database="postgres")
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database and end every connection to it."""
        self.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)", database="postgres")

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def _remove(self) -> None:
        if self.pid is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_data(self) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        if self._account is not None:
            for path in (self.folder, secret):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        command = ["initdb", "-D", str(self.folder / "data"), "-U", USER, "--pwfile", str(secret), "--no-sync"]
        command += ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
        with (self.folder / "initdb.log").open("ab") as log:
            code = self._popen(command, log).wait(60)
        secret.unlink()
        if code != 0:
            raise RuntimeError(f"initdb ended with {code}: {(self.folder / 'initdb.log').read_text()}")

    def _popen(self, command: list[str], log: object) -> subprocess.Popen[bytes]:
        program = _program(command[0])
        assert program is not None
        # The server refuses to run as root, and needs a folder it may enter.
        account = {} if self._account is None else {"user": self._account.pw_uid, "group": self._account.pw_gid}
        more = ["-p", str(self.port)] if command[0] == "postgres" else []
        return subprocess.Popen(  # type: ignore[call-overload, no-any-return]  # the account is optional
            [str(program), *command[1:], *more],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.folder,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            start_new_session=True,
            **account,
            **({"extra_groups": []} if account else {}),
        )

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while time.monotonic() < until:
            if self.pid is None:
                break
            try:
                connection = pyodbc.connect(self.connection_string("postgres"), timeout=2)
            except pyodbc.Error:
                time.sleep(0.03)
                continue
            connection.close()
            return
        raise RuntimeError(f"PostgreSQL does not answer: {(self.folder / 'server.log').read_text()[-2000:]}")

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        self._process.wait(30)
        self._process = None


def missing() -> str | None:
    """Why no server can be started here; None when one can."""
    if _program("initdb") is None or _program("postgres") is None:
        return "PostgreSQL's server programs are not installed (Debian package postgresql)"
    if DRIVER not in pyodbc.drivers():
        return f"the ODBC driver {DRIVER} is not registered (Debian package odbc-postgresql)"
    if os.geteuid() == 0 and _account() is None:
        return "PostgreSQL does not run as root, and there is no account postgres to run it as"
    return None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests that ask for it. Import this name into a `conftest.py`."""
    if why := missing():
        pytest.skip(why)
    with Postgres() as server:
        yield server


def _program(name: str) -> Path | None:
    found = [path for path in Path("/usr/lib/postgresql").glob(f"*/bin/{name}") if path.is_file()]
    if found:
        return max(found, key=lambda path: int(path.parts[-3]) if path.parts[-3].isdigit() else 0)
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None


def _account() -> pwd.struct_passwd | None:
    """The account to change to; None when this one will do, or none is there."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
