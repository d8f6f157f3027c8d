"""Cuts the rows of a window by their key, so that several connections can read it at the same time."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lakehouse.storage.odbc.dialects import Dialect, ServerColumn, Statement
from lakehouse.storage.odbc.signals import Scope


@dataclass(frozen=True)
class KeyRange:
    """One of several ranges of the first key column that together hold every row once, in the server's own order.

    Attributes:
        index: its number, from 0.
        lo: the first key in it, as text; None for the first range, which holds the rows without a key as well.
        hi: the first key no longer in it, as text; None for the last range.
    """

    index: int = 0
    lo: str | None = None
    hi: str | None = None

    def __repr__(self) -> str:
        # Keys may be PHI.
        return f"KeyRange(index={self.index})"


WHOLE_TABLE = (KeyRange(),)


def boundaries(scope: Scope, dialect: Dialect, column: ServerColumn, parts: int) -> Statement:
    """Statement for the first key of every part but the first, of parts with the same number of rows."""
    name = f"t.{dialect.quote(column.name)}"
    keyed = scope.and_where(f"{name} IS NOT NULL")
    alias = dialect.quote("k")
    numbered = (
        f"SELECT {name} AS {alias}, ROW_NUMBER() OVER (ORDER BY {name}) - 1 AS ahead, "
        f"{dialect.count_all} OVER () AS total {keyed.sql}"
    )
    shown = dialect.render(replace(column, name="k"), "r")
    begins = f"ahead > 0 AND (ahead * {parts:d}) / total <> ((ahead - 1) * {parts:d}) / total"
    text = f"SELECT {shown.expression} FROM ({numbered}) AS r WHERE {begins} ORDER BY ahead"
    return Statement(text, keyed.parameters)


def ranges(first_keys: Sequence[str | None]) -> tuple[KeyRange, ...]:
    """Ranges between boundaries, ends open; a boundary that comes twice makes none."""
    keys = list(dict.fromkeys(key for key in first_keys if key is not None))
    begins, ends = [None, *keys], [*keys, None]
    return tuple(KeyRange(n, *pair) for n, pair in enumerate(zip(begins, ends, strict=True)))


def within(scope: Scope, dialect: Dialect, column: ServerColumn, key_range: KeyRange) -> Scope:
    """The rows of `scope` whose key lies in a range."""
    name, parameter = f"t.{dialect.quote(column.name)}", dialect.parameter(column)
    if key_range.lo is None and key_range.hi is None:
        return scope
    if key_range.lo is None:
        assert key_range.hi is not None
        return scope.and_where(f"{name} < {parameter} OR {name} IS NULL", key_range.hi)
    bounded = scope.and_where(f"{name} >= {parameter}", key_range.lo)
    return bounded if key_range.hi is None else bounded.and_where(f"{name} < {parameter}", key_range.hi)
