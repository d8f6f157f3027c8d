"""What is due of a Bronze table: files not landed yet, or changes of a database since the last window."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from lakehouse.engine.databases import Databases
from lakehouse.engine.file_deliveries import by_path, due_files
from lakehouse.engine.windows import Due, due_windows
from lakehouse.engine.work import Request, Status, TablePlan
from lakehouse.errors import SourceError
from lakehouse.settings import Settings
from lakehouse.spec.sources import FileSource, SqlSource
from lakehouse.spec.table import Table
from lakehouse.storage.drop_listing import list_drop
from lakehouse.storage.drops import Drop
from lakehouse.storage.log import DeltaLog
from lakehouse.storage.notes import Delivery, TableState
from lakehouse.storage.window import CHANGE_TRACKING, Window

if TYPE_CHECKING:
    from lakehouse.storage.odbc.source_table import SourceTable


class SourcePlans:
    """Plans landings. Reads listings and asks databases; moves no rows."""

    def __init__(self, settings: Settings, request: Request) -> None:
        self.settings = settings
        self.request = request
        self.databases = Databases(settings)

    def landing(self, table: Table, log: DeltaLog) -> TablePlan:
        """The landing that is due.

        Raises:
            SourceError: the source cannot be listed, does not answer or lacks what the feed needs.
        """
        if isinstance(table.reads["rows"], SqlSource):
            return self._windows(table, log)
        return self._files(table, log)

    def _files(self, table: Table, log: DeltaLog) -> TablePlan:
        source = table.reads["rows"]
        assert isinstance(source, FileSource)
        assert table.network is not None
        root = self.settings.networks[table.network].root
        if root is None:
            raise SourceError(
                f"networks.{table.network}.root is not set, but {table.name} reads files. Set it in conf/."
            )
        network, again = self.settings.networks[table.network], self.request.reload_source
        drop = Drop(root, self.settings.lake.s3)
        listing = list_drop(drop, source, network.files, self.request.started_at)
        due = due_files(listing.ready, by_path(log.deliveries()), lambda d: again and self._is_asked(d))
        why = f"{len(due)} of {len(listing.ready)} files {'to read again' if again else 'not landed yet'}"
        notes = tuple(f"{w.file.path} waits: {w.why}" for w in listing.waiting)
        status = Status.DUE if due else Status.CURRENT
        return TablePlan(table, status, (why,) if due else (), notes, log.state, files=tuple(due))

    def _is_asked(self, delivery: Delivery) -> bool:
        return self.request.covers(date.fromisoformat(delivery.ingest_date))

    def _windows(self, table: Table, log: DeltaLog) -> TablePlan:
        assert table.network is not None
        sql, state = self.settings.networks[table.network].sql, log.state
        source = self.databases.table(table)
        refuse_lost_columns(self.settings, source.name, table, source.absent_columns, source.extra_columns, state)
        if self.request.reload_source:
            again = self._read_again(log)
            why = (f"{source.name}: {len(again)} windows to read again",) if again else ()
            status = Status.DUE if again else Status.CURRENT
            return TablePlan(
                table, status, why, (), state, windows=again, read_at=after_all(source.bound().read_at, log)
            )
        due = due_windows(source, state, sql.lag, sql.window_rows, accepts_restored=sql.accepts_restored)
        compare = self._compares_keys(table, source, state)
        reasons = _why(source, due, state, compare)
        return TablePlan(
            table,
            Status.DUE if reasons else Status.CURRENT,
            reasons,
            self._notes(table, source),
            state,
            windows=due.windows,
            read_at=after_all(due.read_at, log),
            compares_keys=compare,
        )

    def _notes(self, table: Table, source: "SourceTable") -> tuple[str, ...]:
        assert table.feed is not None
        return tuple(
            f"{source.name} has the column {column}, which nobody declared; it is kept in _rescued. To keep it as a "
            f'column add raw("{column.lower()}", "<meaning>") to the feed {table.feed.adapter}/{table.feed.name}'
            for column in source.extra_columns
        )

    def _read_again(self, log: DeltaLog) -> tuple[Window, ...]:
        """Windows of the days asked for, as they were read; a lag's overlap is read once with its neighbour."""
        asked = [d.window for _, d in log.deliveries() if d.window and d.kind == "rows" and self._is_asked(d)]
        return tuple(dict.fromkeys(w for w in asked if w is not None))

    def _compares_keys(self, table: Table, source: "SourceTable", state: TableState) -> bool:
        """Deleted rows leave no change behind, but in Change Tracking: so every so many days keys are compared."""
        assert table.network is not None
        days = self.settings.networks[table.network].sql.compare_keys_days
        if days == 0 or source.signal == CHANGE_TRACKING or state.keys_compared_on is None:
            return False
        return date.fromisoformat(state.keys_compared_on) + timedelta(days=days) <= self.request.logical_date


def _why(source: "SourceTable", due: Due, state: TableState, compares_keys: bool) -> tuple[str, ...]:
    reasons: list[str] = []
    if due.windows and state.position is None:
        reasons.append(f"{source.name}: first load of {due.rows:,} rows")
    elif due.windows and due.why_whole:
        reasons.append(f"{source.name}: whole table of {due.rows:,} rows, since {due.why_whole}")
    elif due.windows:
        reasons.append(f"{source.name}: {due.rows:,} rows by {source.signal} since the last window")
    if compares_keys:
        reasons.append(f"{source.name}: keys are compared for deleted rows")
    return tuple(reasons)


def refuse_lost_columns(
    settings: Settings, place: str, table: Table, absent: Sequence[str], extra: Sequence[str], state: TableState
) -> None:
    """Refuse a source that lost a column which held values before: renamed or dropped, its rows would come as nulls.

    Args:
        settings: may name columns that were dropped for good.
        place: table or file, for the message.
        table: the Bronze table.
        absent: declared columns the source lacks.
        extra: columns it has that nobody declared.
        state: which columns held values before.

    Raises:
        SourceError: naming the columns, and the undeclared ones they may have become.
    """
    assert table.feed is not None
    assert table.network is not None
    gone = settings.networks[table.network].dropped_columns
    lost = [c for c in absent if c in state.filled and f"{table.feed.name}.{c}" not in gone]
    if lost:
        candidates = f" Undeclared columns found: {', '.join(extra)}." if extra else ""
        raise SourceError(
            f"{place}: expected the columns {', '.join(lost)}, which held values before, found none of their names."
            f"{candidates} Nothing was landed. If one was renamed, declare the new name as an alias in the feed "
            f"{table.feed.adapter}/{table.feed.name}; if it is gone for good, list it in "
            f'networks.{table.network}.dropped_columns as "{table.feed.name}.{lost[0]}".'
        )


def after_all(read_at: datetime, log: DeltaLog) -> datetime:
    """The source's clock, or just after all earlier deliveries where it went back: what is read later is newer."""
    earlier = [datetime.fromisoformat(d.delivered_at) for _, d in log.deliveries()]
    return max([read_at, *[e + timedelta(microseconds=1) for e in earlier]])


def stamp(moment: datetime) -> str:
    """An instant as commits keep it: ISO, UTC, microseconds."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")
