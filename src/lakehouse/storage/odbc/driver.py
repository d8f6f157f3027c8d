"""The only place where an ODBC driver is called: connections, statements, and batches of text.

Failures leave as `DriverFailure`, raised after the handler that saw the driver's own error has ended: neither its text
nor the error itself hangs on to what is raised.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import pyarrow as pa

from lakehouse.errors import SettingsError
from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.connection_text import ConnectionText
from lakehouse.storage.odbc.dialects import Dialect, Finish, Statement
from lakehouse.storage.odbc.failures import DriverFailure, Kind, by_state, codes

BUFFER_BYTES: Final = 32 << 20
"""Of one connection; filled by the driver while the batch before it, of that size at most, is taken apart."""
LONGEST_TEXT: Final = 64_000_000
"""Most characters of one value."""
_ANSWER_TEXT: Final = 8192
_SLOW_ROWS: Final = 64
_REPLACED = re.compile("\N{REPLACEMENT CHARACTER}".encode())

T = TypeVar("T")


@dataclass(frozen=True)
class TextQuery:
    """A statement that reads many rows, and what is left to do with its columns.

    Attributes:
        statement: all of whose columns are text.
        finishes: for each column; None leaves it as it comes.
        opening: said on the connection before, in the same transaction.
        guard: asked before and after; its answer, which only grows, must not be greater than `guard_most`.
        guard_most: see `guard`.
    """

    statement: Statement
    finishes: tuple[Finish | None, ...]
    opening: tuple[str, ...] = ()
    guard: Statement | None = None
    guard_most: int = 0


@dataclass(frozen=True)
class TextBatch:
    """Some rows: an array a column, the 1-based number of each row, and rows that are not Unicode with their number."""

    arrays: Sequence[pa.Array]
    numbers: Sequence[int]
    unreadable: Sequence[tuple[int, str]] = ()


class Driver:
    """Opens connections to one network's database and reads through them.

    Attributes:
        name: of the ODBC driver that was used last, for messages.
    """

    def __init__(self, network: str, connection: Callable[[], str], dialect: Dialect, settings: SqlSettings) -> None:
        self.name = "(none opened yet)"
        self._network = network
        self._connection = connection
        self._dialect = dialect
        self._settings = settings

    def __repr__(self) -> str:
        return f"Driver(network={self._network!r})"

    def connect(self, *, autocommit: bool = True) -> Any:
        """A connection for `answer` and `batches`. A login that is refused is tried once more where the secret has
        changed meanwhile."""
        connection = self._logged_in(lambda text: self._open(text, autocommit))
        for statement in self._dialect.session_statements(self._settings):
            self._guarded(partial(connection.execute, statement))
        return connection

    def answer(self, connection: Any, statement: Statement) -> list[tuple[str | None, ...]]:
        """All rows of a short answer."""
        rows: list[tuple[str | None, ...]] = []
        for batch in self._read(connection, statement, _ANSWER_TEXT, 1 << 20):
            rows += zip(*(column.to_pylist() for column in batch.columns), strict=True)
        return rows

    def batches(self, query: TextQuery, bound: int | None) -> Iterator[TextBatch]:
        """The rows of a query, over a connection of its own.

        Args:
            query: what to read.
            bound: most characters of a text without a limit of its own; None reads value by value, slowly, whatever
                their lengths, and tells rows apart that are not Unicode.

        Raises:
            DriverFailure: TOO_LONG for a longer text, BAD_TEXT for one that may not be Unicode; neither with None.
        """
        found = self._value_by_value(query) if bound is None else self._by_columns(query, bound)
        for batch in found:
            finished = [
                finish(array) if finish else array for finish, array in zip(query.finishes, batch.arrays, strict=True)
            ]
            yield TextBatch(finished, batch.numbers, batch.unreadable)

    def _by_columns(self, query: TextQuery, bound: int) -> Iterator[TextBatch]:
        connection = self.connect(autocommit=not query.opening)
        for statement in query.opening:
            self._guarded(partial(connection.execute, statement))
        self._check_guard(connection, query)
        read = 0
        for batch in self._read(connection, query.statement, bound, BUFFER_BYTES):
            # The wide form of a half surrogate is replaced without a word; only a slow reading can tell it from a
            # replacement character that is really there.
            if self._dialect.is_wide and any(map(_holds_replacement, batch.columns)):
                raise DriverFailure(Kind.BAD_TEXT)
            yield TextBatch(batch.columns, range(read + 1, read + batch.num_rows + 1))
            read += batch.num_rows
        self._check_guard(connection, query)

    def _check_guard(self, connection: Any | None, query: TextQuery) -> None:
        """Over this connection, or one of its own."""
        if query.guard is None:
            return
        answer = self.answer(connection or self.connect(), query.guard)[0][0]
        if answer is None or int(answer) > query.guard_most:
            raise DriverFailure(Kind.FORGOTTEN)

    def _read(self, connection: Any, statement: Statement, bound: int, buffer: int) -> Iterator[pa.RecordBatch]:
        arrow_odbc = _library("arrow_odbc")
        encoding = arrow_odbc.TextEncoding.UTF16 if self._dialect.is_wide else arrow_odbc.TextEncoding.UTF8
        reader = self._guarded(
            lambda: connection.read_arrow_batches(
                statement.text,
                parameters=list(statement.parameters) or None,
                schema=pa.schema([pa.field(f"c{number}", pa.string()) for number in range(statement.width)]),
                max_bytes_per_batch=buffer,
                max_text_size=bound,
                payload_text_encoding=encoding,
                falliable_allocations=True,
                fetch_concurrently=buffer == BUFFER_BYTES,
                query_timeout_sec=self._settings.query_timeout_seconds if self._dialect.takes_query_timeout else None,
            )
        )
        while (batch := self._guarded(lambda: next(reader, None))) is not None:
            yield batch

    def _value_by_value(self, query: TextQuery) -> Iterator[TextBatch]:
        connection = self._logged_in(lambda text: self._open_slow(text, autocommit=not query.opening))
        try:
            cursor = connection.cursor()
            for statement in (*self._dialect.session_statements(self._settings), *query.opening):
                self._guarded(partial(cursor.execute, statement))
            self._guarded(lambda: cursor.execute(query.statement.text, *query.statement.parameters))
            codec, read = "utf-16-le" if self._dialect.is_wide else "utf-8", 0
            while rows := self._guarded(lambda: cursor.fetchmany(_SLOW_ROWS)):
                yield _decoded(rows, read + 1, codec)
                read += len(rows)
        finally:
            connection.close()
        self._check_guard(None, query)

    def _logged_in(self, opened: Callable[[str], T]) -> T:
        text = self._completed()
        try:
            return self._guarded(lambda: opened(text), is_login=True)
        except DriverFailure as failure:
            refused = failure
        fresh = self._completed() if refused.kind is Kind.REFUSED else text
        if fresh == text:
            raise refused
        return self._guarded(lambda: opened(fresh), is_login=True)

    def _completed(self) -> str:
        text = ConnectionText(self._connection())
        self.name = text.driver
        if why := self._dialect.connection_refusal(text):
            raise SettingsError(
                f"network {self._network}: {why}. Correct the secret that networks.{self._network}.connection names"
            )
        return text.completed(self._dialect.connection_defaults(text))

    def _open(self, text: str, autocommit: bool) -> Any:
        return _library("arrow_odbc").connect(
            text, login_timeout_sec=self._settings.login_timeout_seconds, autocommit=autocommit
        )

    def _open_slow(self, text: str, autocommit: bool) -> Any:
        """A connection that hands text over as the bytes it came in, so that we decode it and can tell what fails."""
        pyodbc = _library("pyodbc")
        connection = pyodbc.connect(text, autocommit=autocommit, timeout=self._settings.login_timeout_seconds)
        as_bytes = pyodbc.SQL_WCHAR if self._dialect.is_wide else pyodbc.SQL_CHAR
        for sql_type in (pyodbc.SQL_CHAR, pyodbc.SQL_WCHAR):
            connection.setdecoding(sql_type, encoding="latin-1", ctype=as_bytes)
        return connection

    def _guarded(self, action: Callable[[], T], *, is_login: bool = False) -> T:
        """What `action` gives. Its failure is raised only after the handler: then nothing refers to the driver's."""
        arrow_odbc, pyodbc = _library("arrow_odbc"), _library("pyodbc")
        try:
            return action()
        except (arrow_odbc.Error, pyodbc.Error) as error:
            message = str(error)
        state, native = codes(message)
        kind = self._dialect.failure_kind(state, native, message) or by_state(state, message, is_login)
        raise DriverFailure(kind, state, native)


def _library(name: str) -> Any:
    """A driver library, loaded at its first use: both need unixODBC, which a reader of files does not have."""
    try:
        if name == "pyodbc":
            import pyodbc

            return pyodbc
        import arrow_odbc

        return arrow_odbc
    except (ImportError, OSError):
        pass
    raise DriverFailure(Kind.NO_ODBC)


def _holds_replacement(column: pa.Array) -> bool:
    values = column.buffers()[2]
    return values is not None and _REPLACED.search(values) is not None


def _decoded(rows: Sequence[Sequence[str | None]], first: int, codec: str) -> TextBatch:
    """Rows whose every character stands for one byte, as text."""
    kept: list[list[str | None]] = []
    numbers: list[int] = []
    unreadable: list[tuple[int, str]] = []
    for number, row in enumerate(rows, first):
        stored = [None if value is None else value.encode("latin-1") for value in row]
        try:
            kept.append([None if value is None else value.decode(codec) for value in stored])
            numbers.append(number)
        except UnicodeDecodeError:
            shown = ["" if value is None else value.decode(codec, "backslashreplace") for value in stored]
            unreadable.append((number, "\x1f".join(shown)))
    if any(value is not None and len(value) > LONGEST_TEXT for row in kept for value in row):
        raise DriverFailure(Kind.TOO_LONG)
    columns = zip(*kept, strict=True) if kept else ([] for _ in rows[0])
    return TextBatch([pa.array(column, pa.string()) for column in columns], numbers, unreadable)
