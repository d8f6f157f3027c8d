"""The claims databases of a run: opened when first asked, one set of connections for each thread."""

import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.spec.sources import SqlSource
from lakehouse.spec.table import Table
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.secrets import resolve

if TYPE_CHECKING:  # these load the ODBC driver manager, which a lake of files does without
    from lakehouse.storage.odbc.database import Database
    from lakehouse.storage.odbc.source_table import SourceTable

SQLITE_DRIVER = "SQLite3"
SQLITE_BUSY_MILLISECONDS = 10_000


class Databases:
    """Gives the source of a Bronze table; a context manager that closes every connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: dict[tuple[str, int], Database] = {}

    def table(self, table: Table) -> "SourceTable":
        """The database table that `table` lands.

        Raises:
            SettingsError: the network says not where its database is.
            SourceError: it does not answer, or has no such table or lacks a required column.
        """
        source, feed, network = table.reads["rows"], table.feed, table.network
        assert isinstance(source, SqlSource)
        assert feed is not None
        assert network is not None
        columns = [RawColumn(f.name, f.aliases, f.required) for f in feed.fields]
        signal = self._settings.networks[network].sql.signals.get(feed.name, "auto")
        return self._database(network).table(source, columns, feed.key, signal)

    def _database(self, network: str) -> "Database":
        from lakehouse.storage.odbc.database import Database

        place = (network, threading.get_ident())
        if place not in self._opened:
            settings = self._settings.networks[network].sql
            self._opened[place] = Database(network, connection_of(self._settings, network), settings)
        return self._opened[place]

    def close(self) -> None:
        """End every connection."""
        while self._opened:
            self._opened.popitem()[1].close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def connection_reference(settings: Settings, network: str) -> str | None:
    """Name of the secret with the network's connection string; None for an SQLite file, which needs no secret.

    Raises:
        SettingsError: the setting that says where the database is, is missing.
    """
    found = settings.networks[network]
    if found.sql.dbms == "sqlite":
        if not found.root:
            raise SettingsError(f"networks.{network}.root is not set; expected the path of its SQLite file.")
        return None
    if not found.connection:
        raise SettingsError(
            f"networks.{network}.connection is not set; expected the name of the secret that holds its ODBC "
            "connection string: secretsmanager:<id> or env:<NAME>."
        )
    return found.connection


def connection_of(settings: Settings, network: str) -> Callable[[], str]:
    """What gives the network's ODBC connection string at the moment a connection is opened.

    Raises:
        SettingsError: see `connection_reference`.
    """
    reference = connection_reference(settings, network)
    if reference is not None:
        return lambda: resolve(reference, local_folder=settings.secrets_folder)
    file = Path(settings.networks[network].root or "").resolve()

    def of_file() -> str:
        if not file.is_file():  # the driver would make an empty one
            raise SettingsError(f"networks.{network}.root: no SQLite file there. Check the path.")
        return f"DRIVER={SQLITE_DRIVER};Database={file};Timeout={SQLITE_BUSY_MILLISECONDS}"

    return of_file
