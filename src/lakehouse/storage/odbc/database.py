"""One network's claims database: opened when it is needed, and its tables."""

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self

from lakehouse.settings_networks import ChangeSignal, SqlSettings
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc import change_tracking
from lakehouse.storage.odbc.catalogue import find_table, match_columns
from lakehouse.storage.odbc.server import Server, instant
from lakehouse.storage.odbc.signals import resolve_signal
from lakehouse.storage.odbc.source_table import SourceTable
from lakehouse.storage.odbc.table_shape import TableShape
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import CHANGE_TRACKING

__all__ = ["Database", "SourceTable"]


class Database:
    """One network's claims database. Opens connections at first use; a context manager that closes them.

    Several threads may use it: questions share one connection and wait for each other, readings have their own.
    """

    def __init__(
        self,
        network: str,
        connection: Callable[[], str],
        settings: SqlSettings,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Open nothing yet.

        Args:
            network: name, for messages.
            connection: fetches the connection string; called for every connection, so that a rotated secret is used.
            settings: how the database is read.
            pause: waits for so many seconds between attempts.
        """
        self._server = Server(network, connection, settings, pause)

    def __repr__(self) -> str:
        return f"Database(network={self._server.network!r}, dbms={self._server.settings.dbms!r})"

    def table(
        self, source: SqlSource, columns: Sequence[RawColumn], key: Sequence[str], signal: ChangeSignal = "auto"
    ) -> SourceTable:
        """A table of the network's schema, its columns matched and its change signal chosen; no row is read.

        Args:
            source: its declared name, and which raw columns hold stamp and sequence.
            columns: the declared raw columns.
            key: raw columns that tell its rows apart.
            signal: how changed rows are found; `auto` takes the best it has.

        Raises:
            SourceError: no such table, a required column or the signal is missing, or the server cannot be read.
            SettingsError: the connection cannot be made as set.
            DeclarationError: two declared columns accept the same name.
        """
        server = self._server
        table = find_table(server.ask, server.dialect, server.network, server.settings.database_schema, source.table)
        matched = match_columns(table, columns, (source.sequence, change_tracking.DELETED))
        rule = resolve_signal(server.ask, server.dialect, table, matched, columns, source, signal, server.settings)
        shape = TableShape(table, tuple(columns), tuple(key), source, matched, rule)
        if rule.signal == CHANGE_TRACKING:
            names = tuple(row[0] or "" for row in server.ask(change_tracking.primary_key(server.dialect, table)))
            shape = shape.with_primary_key(names)
        return SourceTable(server, shape.checked())

    def clock(self) -> datetime:
        """The server's clock, UTC."""
        return instant(self._server.ask(self._server.dialect.clock())[0][0])

    def close(self) -> None:
        """Close what is open. The next question opens a connection again."""
        self._server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
