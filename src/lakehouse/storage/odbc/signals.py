"""Which rows of a table a window holds: the signal that tells, and the SQL that asks for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lakehouse.errors import SourceError
from lakehouse.settings_networks import ChangeSignal, SqlSettings
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc import change_tracking
from lakehouse.storage.odbc.catalogue import Ask, Matched
from lakehouse.storage.odbc.dialects import Dialect, ServerTable, SignalRule, Statement
from lakehouse.storage.odbc.sqlserver import SqlServer
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import CHANGE_TRACKING, MODIFIED_DATE, ROWVERSION, Window

_CELLS: Final = 16
"""A piece is put together from so many parts, so that it comes near its limit without a statement for each row."""


@dataclass(frozen=True)
class Scope:
    """FROM and WHERE of some rows of a table, whose alias is `t`; the condition may be empty."""

    source: str
    condition: str = ""
    parameters: tuple[str, ...] = ()

    def and_where(self, condition: str, *parameters: str) -> "Scope":
        """Those of the rows that a further condition holds for."""
        if not condition:
            return self
        joined = f"({self.condition}) AND ({condition})" if self.condition else condition
        return replace(self, condition=joined, parameters=(*self.parameters, *parameters))

    @property
    def sql(self) -> str:
        """`FROM ... WHERE ...`."""
        return f"FROM {self.source}" + (f" WHERE {self.condition}" if self.condition else "")


def table_scope(dialect: Dialect, table: ServerTable) -> Scope:
    """All rows."""
    return Scope(f"{change_tracking.place_of(dialect, table)} AS t")


def window_scope(dialect: Dialect, table: ServerTable, rule: SignalRule, key: Sequence[str], window: Window) -> Scope:
    """The rows of a window.

    Args:
        dialect: of the server.
        table: to read.
        rule: of the window's signal.
        key: columns of the primary key, for Change Tracking.
        window: to read.
    """
    if rule.signal == CHANGE_TRACKING:
        scope = Scope(change_tracking.changes(dialect, table, key, window))
        return scope if window.lo is None else scope.and_where(f"{rule.value} < {rule.parameter}", window.hi)
    ends = [] if window.lo is None else [f"{rule.value} >= {rule.parameter}"]
    inside = " AND ".join([*ends, f"{rule.value} < {rule.parameter}"])
    ends_at = [*([] if window.lo is None else [window.lo]), window.hi]
    if window.takes_unstamped and rule.unstamped:
        inside = f"{inside} OR {rule.unstamped}"
    if window.takes_unstamped and rule.signal == MODIFIED_DATE:
        # Stamped beyond the clock: no window would hold such a row before its time comes, which may be never.
        inside = f"{inside} OR {rule.value} >= {rule.parameter}"
        ends_at.append(window.hi)
    return table_scope(dialect, table).and_where(inside, *ends_at)


def cells(dialect: Dialect, scope: Scope, rule: SignalRule, most_rows: int) -> Statement:
    """Statement for parts of a window in order of the signal: the least value of each, and its rows.

    A part is either one value with all its rows, or several with fewer rows than a piece may have: values are never
    split, and any run of parts is a piece.
    """
    size = -(-most_rows // _CELLS)
    values = (
        f"SELECT {rule.value} AS s, RANK() OVER (ORDER BY {rule.value}) - 1 AS ahead, "
        f"{dialect.count_all} OVER (PARTITION BY {rule.value}) AS alike {scope.sql}"
    )
    part = f"ahead / {size:d}, CASE WHEN alike > {size:d} THEN 1 ELSE 0 END"
    picked = f"{rule.least}, CAST({dialect.count_all} AS varchar(20))"
    text = f"SELECT {picked} FROM ({values}) AS r GROUP BY {part} ORDER BY MIN(ahead)"
    return Statement(text, scope.parameters, 2)


def pieces(window: Window, parts: Sequence[tuple[str | None, ...]], most_rows: int) -> tuple[Window, ...]:
    """A window cut between parts (least value and rows), each piece with as many as its limit allows."""
    cuts: list[str] = []
    held = 0
    for least, rows in parts:
        count = int(rows or 0)
        if held and held + count > most_rows and least is not None:
            cuts.append(least)
            held = 0
        held += count
    ends = [*cuts, window.hi]
    begins = [window.lo, *cuts]
    last = len(ends) - 1
    return tuple(
        Window(window.signal, begins[n], end, window.takes_unstamped and n == last) for n, end in enumerate(ends)
    )


def resolve_signal(
    ask: Ask,
    dialect: Dialect,
    table: ServerTable,
    matched: Matched,
    columns: Sequence[RawColumn],
    source: SqlSource,
    wanted: ChangeSignal,
    settings: SqlSettings,
) -> SignalRule:
    """The change signal of a table: the one the settings name, or the best it has.

    Raises:
        SourceError: the table does not have it.
    """
    if wanted in ("auto", ROWVERSION):
        version = dialect.row_version(table, matched.declared.get(source.sequence))
        if version is not None:
            return dialect.row_version_rule(table, version)
    if wanted in ("auto", CHANGE_TRACKING):
        lacking = _why_not_tracked(ask, dialect, table, columns, source)
        if not lacking:
            return change_tracking.rule()
        if wanted == CHANGE_TRACKING:
            raise SourceError(f"table {table.shown}: signal change_tracking: {lacking}")
    if wanted in ("auto", MODIFIED_DATE):
        stamp = matched.declared.get(source.stamp)
        if stamp is not None and (rule := dialect.stamp_rule(stamp, settings)) is not None:
            return rule
        found = f"{stamp.name} of type {stamp.type}" if stamp else "none"
        if wanted == MODIFIED_DATE:
            raise SourceError(
                f"table {table.shown}: signal modified_date: expected a date-time column for {source.stamp}, found "
                f"{found}. Declare its name as an alias, or set the feed's signal to another"
            )
    expected = (
        "a row version column" if wanted == ROWVERSION else "a row version, Change Tracking or a date-time column"
    )
    raise SourceError(
        f"table {table.shown}: signal {wanted}: expected {expected} (declared: {source.sequence}, {source.stamp}), "
        "found none. Add one to the table, or declare its name as an alias"
    )


def _why_not_tracked(
    ask: Ask, dialect: Dialect, table: ServerTable, columns: Sequence[RawColumn], source: SqlSource
) -> str:
    if not isinstance(dialect, SqlServer):
        return "only SQL Server has it. Set the feed's signal to rowversion or modified_date"
    lacking = {change_tracking.DELETED, source.sequence} - {column.name for column in columns}
    if lacking:
        return f"expected the feed to declare {', '.join(sorted(lacking))}. Declare them, or set another signal"
    if ask(change_tracking.is_tracked(dialect, table))[0][0] != "true":
        return "it is not on for this table. Enable it, or set the feed's signal to another"
    return ""
