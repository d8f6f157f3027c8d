"""Asks one server: short questions over a shared connection, everything tried again while its failure may pass."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

from lakehouse.errors import SourceError
from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.attempts import persist
from lakehouse.storage.odbc.dialects import Dialect, Statement
from lakehouse.storage.odbc.driver import Driver
from lakehouse.storage.odbc.failures import DriverFailure, Kind, as_error
from lakehouse.storage.odbc.postgresql import PostgreSql
from lakehouse.storage.odbc.sqlite import Sqlite
from lakehouse.storage.odbc.sqlserver import SqlServer
from lakehouse.storage.window import STAMP_FORMAT

_DIALECTS: Final[dict[str, Callable[[], Dialect]]] = {
    "sqlserver": SqlServer,
    "postgresql": PostgreSql,
    "sqlite": Sqlite,
}

T = TypeVar("T")


class Server:
    """The server of one network. Several threads may use it: questions wait for each other.

    Attributes:
        network: name, for messages.
        settings: how it is read.
        dialect: its kind.
        driver: opens further connections.
    """

    def __init__(
        self,
        network: str,
        connection: Callable[[], str],
        settings: SqlSettings,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.network = network
        self.settings = settings
        self.dialect = _DIALECTS[settings.dbms]()
        self.driver = Driver(network, connection, self.dialect, settings)
        self._pause = pause
        self._lock = threading.Lock()
        self._open: Any = None

    def __repr__(self) -> str:
        return f"Server(network={self.network!r}, dbms={self.settings.dbms!r})"

    def ask(self, statement: Statement, place: str = "") -> list[tuple[str | None, ...]]:
        """The rows of a short answer.

        Args:
            statement: to run.
            place: table it is about, for messages.

        Raises:
            SourceError, SettingsError: after the last attempt.
        """

        def once() -> list[tuple[str | None, ...]]:
            with self._lock:
                # Given back only when it still works.
                connection, self._open = self._open or self.driver.connect(), None
                rows = self.driver.answer(connection, statement)
                self._open = connection
                return rows

        return self.attempt(once, place)

    def attempt(self, action: Callable[[], T], place: str = "", passed: frozenset[Kind] = frozenset()) -> T:
        """What `action` gives; it is run again while its failure may pass.

        Args:
            action: must be safe to run again from its beginning.
            place: table it is about, for messages.
            passed: kinds of failure that the caller knows how to go on from.

        Raises:
            SourceError, SettingsError: after the last attempt. DriverFailure: one of `passed`.
        """
        try:
            return persist(action, self.settings.attempts, self._pause)
        except DriverFailure as failure:
            failed = failure
        if failed.kind in passed:
            raise failed
        raise as_error(failed, self.network, self.driver.name, place)

    def close(self) -> None:
        """Close the connection for questions. The next question opens another."""
        with self._lock:
            self._open = None


def stamp_text(answer: str | None) -> str:
    """A server's time as a stamp, floored to the microsecond.

    Raises:
        SourceError: it gave none.
    """
    if not answer:
        raise SourceError("the server gave no time or bound; check the login's rights on its functions")
    whole, _, fraction = answer.replace(" ", "T").partition(".")
    return f"{whole}.{fraction[:6]:0<6}"


def instant(answer: str | None) -> datetime:
    """A server's UTC time as an instant."""
    return datetime.strptime(stamp_text(answer), STAMP_FORMAT).replace(tzinfo=UTC)
