"""SQL Server's Change Tracking: net changes with their version, deletions included, read under one snapshot.

Version numbers stand in the text of a statement, for CHANGETABLE takes no expression; they are digits we made.
"""

from collections.abc import Sequence
from typing import Final

from lakehouse.storage.odbc.dialects import Dialect, Rendering, ServerTable, SignalRule, Statement
from lakehouse.storage.window import CHANGE_TRACKING, Window

OPENING: Final = ("SET TRANSACTION ISOLATION LEVEL SNAPSHOT",)
"""Said before a window is read: its rows and their changes are then of one moment."""
DELETED: Final = "is_deleted"
"""Raw column that says whether a row is gone."""
_VERSION: Final = "c.SYS_CHANGE_VERSION"
_TRACKED: Final = """
SELECT CASE WHEN EXISTS (SELECT 1 FROM sys.change_tracking_tables WHERE object_id = OBJECT_ID(CAST(? AS nvarchar(600))))
    THEN 'true' ELSE 'false' END"""
_PRIMARY_KEY: Final = """
SELECT c.name FROM sys.indexes AS i
JOIN sys.index_columns AS k ON k.object_id = i.object_id AND k.index_id = i.index_id
JOIN sys.columns AS c ON c.object_id = k.object_id AND c.column_id = k.column_id
WHERE i.is_primary_key = 1 AND i.object_id = OBJECT_ID(CAST(? AS nvarchar(600)))
ORDER BY k.key_ordinal"""
_OLDEST: Final = """
SELECT CONVERT(varchar(20), CHANGE_TRACKING_MIN_VALID_VERSION(OBJECT_ID(CAST(? AS nvarchar(600)))) + 1)"""
_BOUND: Final = """
SELECT CONVERT(varchar(20), CHANGE_TRACKING_CURRENT_VERSION() + 1), CONVERT(varchar(33), SYSUTCDATETIME(), 126)"""


def place_of(dialect: Dialect, table: ServerTable) -> str:
    """The table's quoted name with its schema."""
    parts = (table.schema, table.name) if table.schema else (table.name,)
    return ".".join(dialect.quote(part) for part in parts)


def is_tracked(dialect: Dialect, table: ServerTable) -> Statement:
    """Whether Change Tracking is on for a table: `true` or `false`."""
    return Statement(_TRACKED, (place_of(dialect, table),))


def primary_key(dialect: Dialect, table: ServerTable) -> Statement:
    """The names of the primary key's columns, by which changes are told."""
    return Statement(_PRIMARY_KEY, (place_of(dialect, table),))


def oldest_kept(dialect: Dialect, table: ServerTable) -> Statement:
    """The smallest `lo` that is still answered in full."""
    return Statement(_OLDEST, (place_of(dialect, table),))


def rule() -> SignalRule:
    """How windows of versions are asked for. Every change has one."""
    return SignalRule(
        signal=CHANGE_TRACKING,
        bound=Statement(_BOUND, width=2),
        value=_VERSION,
        parameter="CAST(? AS bigint)",
        least="CONVERT(varchar(20), MIN(s))",
        unstamped=None,
        column="",
    )


def changes(dialect: Dialect, table: ServerTable, key: Sequence[str], window: Window) -> str:
    """FROM of a window: the changes after `lo - 1`, and the rows as they are now beside them."""
    place = place_of(dialect, table)
    if window.lo is None:
        return f"{place} AS t"
    pairs = [f"t.{dialect.quote(name)} = c.{dialect.quote(name)}" for name in key]
    return f"CHANGETABLE(CHANGES {place}, {int(window.lo) - 1:d}) AS c LEFT JOIN {place} AS t ON {' AND '.join(pairs)}"


def version(window: Window) -> Rendering:
    """The number of a row's change; of a whole reading the version it was read at."""
    if window.lo is None:
        return Rendering(f"'{int(window.hi) - 1:d}'")
    return Rendering(f"CONVERT(varchar(20), {_VERSION})")


def deletion(window: Window, own: Rendering | None) -> Rendering:
    """`true` for a row that is gone; otherwise what the table's own column says, if it has one."""
    kept = own.expression if own else "'false'"
    if window.lo is None:
        return Rendering(kept)
    return Rendering(f"CASE WHEN c.SYS_CHANGE_OPERATION = 'D' THEN 'true' ELSE {kept} END")
