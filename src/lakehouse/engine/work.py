"""What a run is asked for, and the work of one table: plain values between planning and building."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from lakehouse.spec.registry import ConformedInput
from lakehouse.spec.table import Table
from lakehouse.storage.files import FoundFile
from lakehouse.storage.notes import Delivery, TableState
from lakehouse.storage.small_reads import Chosen
from lakehouse.storage.window import Window


class Status(StrEnum):
    """Whether a table has work."""

    DUE = "due"
    WAITING = "waiting"  # an input is due, so this may become due
    CURRENT = "current"
    FAILED = "failed"  # its source or log cannot be trusted; `reasons` says why


@dataclass(frozen=True)
class Reopening:
    """Rows set aside that are to be merged after all.

    Attributes:
        table: whose.
        chosen: which of its open rows.
        releases: the rules they broke are waived for them.
        reason: why, in a steward's words.
    """

    table: str
    chosen: Chosen
    releases: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Request:
    """What the caller asked for.

    Attributes:
        run_id: of the run.
        logical_date: the date the run is for.
        started_at: UTC instant the run started; the only "now" there is.
        full_refresh: rebuild from all live Bronze rows.
        start, end: rebuild Silver and Gold from the Bronze of these ingest dates, `start` included, `end` not.
        reload_source: read deliveries of those days (all, without days) again from the source.
        reopen: rows set aside to merge after all.
    """

    run_id: str
    logical_date: date
    started_at: datetime
    full_refresh: bool = False
    start: date | None = None
    end: date | None = None
    reload_source: bool = False
    reopen: Reopening | None = None

    def covers(self, day: date) -> bool:
        """The day lies in the range asked for; everything does when none was given."""
        return (self.start is None or day >= self.start) and (self.end is None or day < self.end)

    @property
    def has_range(self) -> bool:
        """A range of days was asked for."""
        return self.start is not None or self.end is not None


class Reading(StrEnum):
    """Why deliveries are read."""

    FIRST = "first"  # they were not merged yet
    AGAIN = "again"  # of the days asked for
    REOPENED = "reopened"  # for the records among them that were set aside; the others are left out


@dataclass(frozen=True)
class PartWork:
    """What a merge consumes of one network.

    Attributes:
        part: the network's conform function and tables.
        batches: deliveries to read; None for all of them, compared by content instead of by order.
        reading: why.
    """

    part: ConformedInput
    batches: tuple[Delivery, ...] | None
    reading: Reading = Reading.FIRST


@dataclass(frozen=True)
class TablePlan:
    """One table's work.

    Attributes:
        table: which.
        status: see `Status`.
        reasons: why it is due, in words.
        notes: what the reader should know besides, e.g. that the definition changed.
        state: the table's state now.
        consumed: inputs and their versions after this build.
        files: files to land (Bronze).
        windows: spans of a database to land, in order, each in a commit of its own (Bronze).
        read_at: the database's clock when the windows were fixed, UTC.
        compares_keys: keys of the source are compared, and tombstones landed for those that are gone (Bronze).
        parts: what a merge consumes.
        everything: derived tables: all groups are due.
        since: derived tables: input -> first and last version whose changes name the touched groups.
        matured: a figure changes by the calendar alone.
        exit_code: of the error, when it could not be planned.
    """

    table: Table
    status: Status
    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    state: TableState = field(default_factory=TableState)
    consumed: Mapping[str, int | str] = field(default_factory=dict)
    files: tuple[FoundFile, ...] = ()
    windows: tuple[Window, ...] = ()
    read_at: datetime | None = None
    compares_keys: bool = False
    parts: tuple[PartWork, ...] = ()
    everything: bool = False
    since: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    matured: bool = False
    exit_code: int = 0

    @property
    def reads_again(self) -> bool:
        """Rows are read that may have been set aside before."""
        return not self.state.sequence or any(w.batches is None or w.reading is not Reading.FIRST for w in self.parts)

    @property
    def is_due(self) -> bool:
        """There is work now."""
        return self.status is Status.DUE
