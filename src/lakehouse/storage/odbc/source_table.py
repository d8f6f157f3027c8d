"""One table of a claims database: its windows, and their rows as text in the staging schema."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pyarrow as pa

from lakehouse.errors import SourceError
from lakehouse.settings import S3Settings
from lakehouse.storage.odbc import change_tracking, signals
from lakehouse.storage.odbc.dialects import Rendering, Statement
from lakehouse.storage.odbc.driver import TextQuery
from lakehouse.storage.odbc.key_ranges import WHOLE_TABLE, KeyRange, boundaries, ranges, within
from lakehouse.storage.odbc.row_reading import RowReader, StagedRows
from lakehouse.storage.odbc.server import Server, instant, stamp_text
from lakehouse.storage.odbc.signals import Scope
from lakehouse.storage.odbc.table_shape import TableShape
from lakehouse.storage.odbc.totals import MonthTotals, month_statement, month_totals
from lakehouse.storage.window import CHANGE_TRACKING, MODIFIED_DATE, Bound, Window

__all__ = ["KeyRange", "MonthTotals", "SourceTable", "StagedRows"]


class SourceTable:
    """A table of a claims database, read window by window.

    Attributes:
        name: as shown to people: `dbo.Claims`.
        signal: how its changed rows are found.
        extra_columns: its columns that nobody declared; read too, into `_rescued`.
        absent_columns: declared raw columns that it lacks; null in every row.
    """

    def __init__(self, server: Server, shape: TableShape) -> None:
        self.name = shape.table.shown
        self.signal = shape.rule.signal
        self.extra_columns = tuple(column.name for column in shape.extra)
        self.absent_columns = shape.absent
        self._server = server
        self._shape = shape
        self._reader = RowReader(server, self.name, shape.layout())

    def __repr__(self) -> str:
        return f"SourceTable(name={self.name!r}, signal={self.signal!r})"

    def bound(self) -> Bound:
        """The upper bound of a window that begins now; the server fixes it in a statement of its own."""
        hi, read_at = self._ask(self._shape.rule.bound)[0]
        if self.signal == MODIFIED_DATE:
            hi = stamp_text(hi)
        elif not (hi or "").isdigit():
            raise SourceError(
                f"network {self._server.network}, table {self.name}: the server gave no bound for {self.signal}. "
                "Check that it is on for the database, and the login's rights"
            )
        return Bound(self.signal, str(hi), instant(read_at), self._shape.rule.may_go_back)

    def oldest_kept(self) -> str | None:
        """The smallest `lo` that is still answered in full; None when every one is."""
        if self.signal != CHANGE_TRACKING:
            return None
        return self._ask(change_tracking.oldest_kept(self._server.dialect, self._shape.table))[0][0]

    def count(self, window: Window) -> int:
        """Rows in the window now, as the server counts them."""
        return self._count(self._scope(window))

    def cut(self, window: Window, most_rows: int) -> tuple[Window, ...]:
        """The window in pieces that follow on each other, each of at most `most_rows` rows where its signal allows.

        Rows with the same value of the signal stay together; rows without one are all in the last piece. The whole
        table under Change Tracking is one piece, for its rows have no versions of their own.
        """
        if self.signal == CHANGE_TRACKING and window.lo is None:
            return (window,)
        ordered = self._scope(replace(window, takes_unstamped=False))
        statement = signals.cells(self._server.dialect, ordered, self._shape.rule, most_rows)
        return signals.pieces(window, self._ask(statement), most_rows)

    def key_ranges(self, window: Window) -> tuple[KeyRange, ...]:
        """The window in ranges of the key that can be read at the same time; one where it is small."""
        return WHOLE_TABLE if self.signal == CHANGE_TRACKING else self._ranges(self._scope(window))

    def stage(self, window: Window, folder: str, stem: str, *, s3: S3Settings | None = None) -> StagedRows:
        """Read a window's rows into Parquet files `<folder>/<stem>-<range>.rows.parquet`.

        Key ranges are read in threads, each over a connection of its own. A range whose reading fails is read again
        from its beginning; when it fails for good, nothing is left in the folder. Row numbers are unique and begin with
        1; those of key range n with n * 10**10 + 1.

        Args:
            window: to read.
            folder: staging folder, a local path (created if missing) or a URI.
            stem: begins the files' names.
            s3: how an S3 folder is reached.

        Raises:
            SourceError, SettingsError: after the last attempt.
        """
        queries = {key_range: self._query(window, key_range) for key_range in self.key_ranges(window)}
        return self._reader.stage(queries, folder, stem, s3)

    def stage_keys(self, folder: str, stem: str, *, s3: S3Settings | None = None) -> StagedRows:
        """Read the key columns of every row there is now; all other columns are null. Else as `stage`."""
        scope = signals.table_scope(self._server.dialect, self._shape.table)
        picked = self._shape.select_key(self._server.dialect)
        queries = {key_range: _select(picked, self._within(scope, key_range)) for key_range in self._ranges(scope)}
        return RowReader(self._server, self.name, self._shape.key_layout()).stage(queries, folder, stem, s3)

    def batches(self, window: Window, key_range: KeyRange) -> Iterator[pa.RecordBatch]:
        """One key range of a window in the staging schema; none is given out before the last has arrived.

        So a reading that fails on its way is done again without anyone having seen half of it.

        Raises:
            SourceError, SettingsError: after the last attempt; also when a row is not Unicode.
        """
        return self._reader.spool(self._query(window, key_range), key_range)

    def totals(self, date_column: str, money: Sequence[str]) -> list[MonthTotals]:
        """Rows and money by month of a raw date column, added up by the server in one statement.

        Args:
            date_column: raw column; rows without a date in it count under None.
            money: raw columns to add up.

        Raises:
            SourceError: the table lacks one of the columns, or cannot be read.
        """
        statement = month_statement(self._server.dialect, self._shape, date_column, money)
        return month_totals(self._ask(statement), money)

    def _ask(self, statement: Statement) -> list[tuple[str | None, ...]]:
        return self._server.ask(statement, self.name)

    def _scope(self, window: Window) -> Scope:
        shape = self._shape
        return signals.window_scope(self._server.dialect, shape.table, shape.rule, shape.primary_key, window)

    def _count(self, scope: Scope) -> int:
        text = f"SELECT CAST({self._server.dialect.count_all} AS varchar(20)) {scope.sql}"
        return int(self._ask(Statement(text, scope.parameters))[0][0] or 0)

    def _ranges(self, scope: Scope) -> tuple[KeyRange, ...]:
        settings, column = self._server.settings, self._shape.first_key()
        if settings.parallel_reads == 1 or column is None or self._server.dialect.parameter(column) is None:
            return WHOLE_TABLE
        rows = self._count(scope)
        if rows <= settings.split_rows:
            return WHOLE_TABLE
        parts = min(settings.parallel_reads, -(-rows // settings.split_rows))
        found = self._ask(boundaries(scope, self._server.dialect, column, parts))
        return ranges([row[0] for row in found])

    def _within(self, scope: Scope, key_range: KeyRange) -> Scope:
        column = self._shape.first_key()
        return scope if column is None else within(scope, self._server.dialect, column, key_range)

    def _query(self, window: Window, key_range: KeyRange) -> TextQuery:
        picked = self._shape.select(self._server.dialect, window)
        scope = self._within(self._scope(window), key_range)
        if self.signal != CHANGE_TRACKING:
            return _select(picked, scope)
        if window.lo is None:
            return _select(picked, scope, change_tracking.OPENING)
        guard = change_tracking.oldest_kept(self._server.dialect, self._shape.table)
        return _select(picked, scope, change_tracking.OPENING, guard, int(window.lo))


def _select(
    picked: Sequence[Rendering],
    scope: Scope,
    opening: tuple[str, ...] = (),
    guard: Statement | None = None,
    guard_most: int = 0,
) -> TextQuery:
    """Names stand between quotes of the server's catalogue, values in parameters."""
    text = f"SELECT {', '.join(rendering.expression for rendering in picked)} {scope.sql}"
    finishes = tuple(rendering.finish for rendering in picked)
    return TextQuery(Statement(text, scope.parameters, len(picked)), finishes, opening, guard, guard_most)
