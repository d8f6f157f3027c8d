"""How one table answers a feed: which of its columns become which raw column, and as what text."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from lakehouse.errors import SourceError
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc import change_tracking
from lakehouse.storage.odbc.catalogue import Matched
from lakehouse.storage.odbc.dialects import Dialect, Rendering, ServerColumn, ServerTable, SignalRule
from lakehouse.storage.raw_rows import Layout, RawColumn
from lakehouse.storage.window import CHANGE_TRACKING, Window


@dataclass(frozen=True)
class TableShape:
    """A table, its declared columns, and the signal by which it is read.

    Attributes:
        table: as the catalogue has it.
        columns: the declared raw columns.
        key: raw columns that tell its rows apart.
        source: which raw columns hold stamp and sequence.
        matched: which of its columns answer which declared one.
        rule: of its change signal.
        primary_key: names of the columns that Change Tracking tells rows by; empty for other signals.
    """

    table: ServerTable
    columns: tuple[RawColumn, ...]
    key: tuple[str, ...]
    source: SqlSource
    matched: Matched
    rule: SignalRule
    primary_key: tuple[str, ...] = ()

    def checked(self) -> "TableShape":
        """Itself, if what it must have is there.

        Raises:
            SourceError: a required column is missing, or Change Tracking does not tell rows by the key.
        """
        missing = [column.name for column in self.columns if column.required and column.name in self.absent]
        if missing:
            raise SourceError(
                f"table {self.table.shown}: required columns missing: {', '.join(missing)}; the signal "
                f"{self.rule.signal} does not make them either. Declare the table's own names as aliases"
            )
        if self.rule.signal == CHANGE_TRACKING:
            told = {name for name, column in self.matched.declared.items() if column.name in self.primary_key}
            if untold := [name for name in self.key if name not in told]:
                raise SourceError(
                    f"table {self.table.shown}: signal change_tracking: expected the key {', '.join(self.key)} to be "
                    f"the table's primary key, found {', '.join(untold)} outside of it. Set another signal"
                )
        return self

    def with_primary_key(self, names: tuple[str, ...]) -> "TableShape":
        """The same with the primary key's columns."""
        return replace(self, primary_key=names)

    @cached_property
    def columns_by_name(self) -> Mapping[str, ServerColumn]:
        """Raw column -> column of the table; the row version answers the declared sequence if no other column does."""
        found = dict(self.matched.declared)
        declares_sequence = any(column.name == self.source.sequence for column in self.columns)
        if self.rule.signal == "rowversion" and declares_sequence:
            found.setdefault(self.source.sequence, self.table.column(self.rule.column))
        return found

    @cached_property
    def extra(self) -> tuple[ServerColumn, ...]:
        """Columns of the table that answer no declared one."""
        used = {column.name for column in self.columns_by_name.values()}
        return tuple(column for column in self.matched.extra if column.name not in used)

    @cached_property
    def absent(self) -> tuple[str, ...]:
        """Declared columns that nothing answers, in declared order."""
        made = {self.source.sequence, change_tracking.DELETED} if self.rule.signal == CHANGE_TRACKING else set()
        return tuple(c.name for c in self.columns if c.name not in self.columns_by_name and c.name not in made)

    def layout(self) -> Layout:
        """Where each declared and each extra column stands in what `select` reads."""
        read = [column.name for column in self.columns if column.name not in self.absent]
        slots = tuple(read.index(c.name) if c.name in read else None for c in self.columns)
        extras = tuple((column.name, len(read) + number) for number, column in enumerate(self.extra))
        return Layout(self.columns, slots, extras, len(read) + len(extras))

    def select(self, dialect: Dialect, window: Window) -> tuple[Rendering, ...]:
        """Everything that is read of a row: the declared columns that are there, then the extra ones."""
        made = self._made(dialect, window)
        declared = [
            made.get(column.name) or self._rendered(dialect, self.columns_by_name[column.name], window)
            for column in self.columns
            if column.name not in self.absent
        ]
        return (*declared, *(self._rendered(dialect, column, window) for column in self.extra))

    def key_layout(self) -> Layout:
        """Where the key columns stand in what `select_key` reads; all others are absent."""
        slots = tuple(self.key.index(c.name) if c.name in self.key else None for c in self.columns)
        return Layout(self.columns, slots, (), len(self.key))

    def select_key(self, dialect: Dialect) -> tuple[Rendering, ...]:
        """The key columns.

        Raises:
            SourceError: the table lacks one.
        """
        if missing := [name for name in self.key if name not in self.columns_by_name]:
            raise SourceError(
                f"table {self.table.shown}: expected the key {', '.join(self.key)}, found no {', '.join(missing)}. "
                "Declare the table's own names as aliases"
            )
        return tuple(dialect.render(self.columns_by_name[name]) for name in self.key)

    def first_key(self) -> ServerColumn | None:
        """The column that the table is cut by into ranges; None where it is absent."""
        return self.columns_by_name.get(self.key[0]) if self.key else None

    def _rendered(self, dialect: Dialect, column: ServerColumn, window: Window) -> Rendering:
        """Of a deleted row only the key is left, beside its change."""
        from_changes = window.lo is not None and column.name in self.primary_key
        return dialect.render(column, "c" if from_changes else "t")

    def _made(self, dialect: Dialect, window: Window) -> dict[str, Rendering]:
        """What the signal itself says of a row, by raw column."""
        if self.rule.signal != CHANGE_TRACKING:
            return {}
        own = self.columns_by_name.get(change_tracking.DELETED)
        return {
            self.source.sequence: change_tracking.version(window),
            change_tracking.DELETED: change_tracking.deletion(window, dialect.render(own) if own else None),
        }
