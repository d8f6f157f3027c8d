"""How fresh tables and reports are, apart from whether runs succeed: from Delta logs and run records, without a JVM.

A table is looked at by the clock, not by the run that should have built it: a schedule that stopped leaves every job
green. Why a table is stale is told apart: nobody ran, a run failed or was blocked, or the sources sent nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lakehouse.engine.record import Record, started_at, tables_of
from lakehouse.errors import LogError
from lakehouse.spec.freshness import Freshness, Report, duration, in_words
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs


class Cause(StrEnum):
    """Why a table is stale."""

    NEVER_BUILT = "never built"
    DID_NOT_RUN = "no run has looked at it"
    FAILED = "its build failed"
    BLOCKED = "blocked by a failed input"
    NOTHING_SENT = "its sources sent nothing new"
    UNREADABLE = "its log cannot be trusted"


@dataclass(frozen=True)
class TableFreshness:
    """How fresh one table is.

    Attributes:
        table: its name.
        owner: whom to tell.
        confirmed_at: UTC time of the newest build, or of the newest run that found nothing to do; None without either.
        delivered_at: UTC time of the newest delivery among its sources; None where none has one.
        limit: as declared; None where the table states none.
        cause: why it is stale; None while it is fresh.
        detail: names the failed input or the run.
    """

    table: str
    owner: str
    confirmed_at: datetime | None
    delivered_at: datetime | None
    limit: Freshness | None
    cause: Cause | None
    detail: str = ""

    @property
    def is_stale(self) -> bool:
        """It is older than it may be, or nobody looked at it in time."""
        return self.cause is not None


@dataclass(frozen=True)
class ReportFreshness:
    """How fresh a report is.

    Attributes:
        report: its declaration.
        table: the Gold table it is made of.
        stale: tables that make it stale: its own, and those it is made of, near and far.
        due_at: UTC, when it is needed next.
    """

    report: Report
    table: str
    stale: tuple[TableFreshness, ...]
    due_at: datetime


@dataclass(frozen=True)
class LakeFreshness:
    """Every table that states how fresh it has to be, and every report."""

    at: datetime
    tables: tuple[TableFreshness, ...]
    reports: tuple[ReportFreshness, ...]

    @property
    def stale(self) -> tuple[TableFreshness, ...]:
        """The tables that are stale."""
        return tuple(t for t in self.tables if t.is_stale)


def lake_freshness(
    registry: Registry, names: Iterable[str], logs: Logs, records: Sequence[Record], now: datetime
) -> LakeFreshness:
    """How fresh the named tables and their reports are at `now`, UTC.

    Args:
        registry: what is declared.
        names: tables to look at.
        logs: of the lake.
        records: of runs, newest first.
        now: the clock's time.
    """
    chosen = [name for name in registry.tables if name in set(names)]
    looked = _last_looks(records)
    sources = {name: registry.upstream([name]) for name in chosen}
    bronze = (name for name in registry.upstream(chosen) if registry[name].feed is not None)
    delivered = {name: _delivered_at(name, logs) for name in bronze}
    tables: dict[str, TableFreshness] = {}
    for name in chosen:
        newest = max((at for s in sources[name] if (at := delivered.get(s)) is not None), default=None)
        try:
            tables[name] = _of_table(registry, name, logs, records, looked.get(name), newest, now)
        except LogError as error:
            table = registry[name]
            tables[name] = TableFreshness(
                name, table.owner, None, newest, table.freshness, Cause.UNREADABLE, str(error)
            )
    reports = tuple(
        ReportFreshness(
            report,
            table.name,
            tuple(tables[n] for n in chosen if n in sources[table.name] and tables[n].is_stale),
            report.due_after(now),
        )
        for report, table in registry.reports(chosen)
    )
    return LakeFreshness(now, tuple(t for t in tables.values() if t.limit is not None), reports)


def _of_table(
    registry: Registry,
    name: str,
    logs: Logs,
    records: Sequence[Record],
    looked_at: datetime | None,
    delivered_at: datetime | None,
    now: datetime,
) -> TableFreshness:
    table, log = registry[name], logs[name]
    newest = next((c for c in log.newest_first() if c.note), None) if log.exists else None
    built_at = newest.committed_at if newest else None
    confirmed_at = max((t for t in (built_at, looked_at) if t is not None), default=None) if newest else None
    limit, cause, detail = table.freshness, None, ""
    if limit is not None:
        if confirmed_at is None or limit.is_missed(confirmed_at, now):
            cause, detail = _why_not_built(name, records, confirmed_at)
        elif _is_older(delivered_at, limit.data_within, now):
            cause = Cause.NOTHING_SENT
    return TableFreshness(name, table.owner, confirmed_at, delivered_at, limit, cause, detail)


def _is_older(at: datetime | None, within: str | None, now: datetime) -> bool:
    return within is not None and (at is None or now - at > duration(within))


def _why_not_built(name: str, records: Sequence[Record], since: datetime | None) -> tuple[Cause, str]:
    """Why there is no build after `since`: what the newest run after it says."""
    for record in records:
        if since is not None and started_at(record) <= since:
            break
        for told in tables_of(record):
            if told["table"] == name and told["outcome"] in ("failed", "blocked"):
                by = told["blocked_by"]
                if told["outcome"] == "blocked" and isinstance(by, list):
                    return Cause.BLOCKED, ", ".join(map(str, by))
                return Cause.FAILED, f"run {record['run_id']}"
    return (Cause.NEVER_BUILT if since is None else Cause.DID_NOT_RUN), ""


def _last_looks(records: Sequence[Record]) -> Mapping[str, datetime]:
    """Table -> start of the newest run that found nothing to do for it."""
    found: dict[str, datetime] = {}
    for record in records:
        current = record.get("current", ())
        for name in current if isinstance(current, list) else ():
            found.setdefault(str(name), started_at(record))
    return found


def _delivered_at(name: str, logs: Logs) -> datetime | None:
    """The newest delivery of a Bronze table that still stands in its log; UTC. None of a log that cannot be trusted."""
    try:
        sent = [d.delivered_at for _, d in logs[name].deliveries()] if logs[name].exists else []
    except LogError:
        return None
    return max(map(datetime.fromisoformat, sent), default=None)


def age_text(at: datetime | None, now: datetime) -> str:
    """An age in words."""
    return "never" if at is None else in_words(now - at)
