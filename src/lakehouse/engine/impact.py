"""What a failure touches: tables, partitions, reports and their owners, rows and dollars that wait, what still serves
and how old it is, the shortest rerun."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from lakehouse.engine.ledger import ROWS
from lakehouse.engine.resolve import DELETED, INSERTED, UPDATED
from lakehouse.errors import LogError
from lakehouse.spec.contracts import Contract
from lakehouse.spec.freshness import Report, in_words
from lakehouse.spec.registry import ConformedInput, Registry
from lakehouse.spec.scopes import Changes, Conformed
from lakehouse.spec.table import Table
from lakehouse.storage.log import Logs
from lakehouse.storage.small_reads import sums_of_batches

PARTITIONS_SHOWN = 3
CHANGED_ROWS = (INSERTED, UPDATED, DELETED, ROWS)
"""What notes of commits call rows that a reader has to look at; a commit counts by one or by the other."""


@dataclass(frozen=True)
class Serving:
    """The last good state of a touched table.

    Attributes:
        table: its name.
        version: newest commit that changed rows; None when it was never built.
        built_at: UTC time of it.
        is_known: its log could be read.
    """

    table: str
    version: int | None
    built_at: datetime | None
    is_known: bool = True

    def age(self, now: datetime) -> str:
        """How old it is, in words."""
        if not self.is_known:
            return "of unknown age: its log cannot be read"
        return "never built" if self.built_at is None else f"{in_words(now - self.built_at)} old"


@dataclass(frozen=True)
class TouchedReport:
    """A report that a failure keeps from being renewed.

    Attributes:
        report: its declaration.
        serving: what it shows meanwhile.
    """

    report: Report
    serving: Serving


@dataclass(frozen=True)
class Waiting:
    """What an input holds that a table has not used yet.

    Attributes:
        table: that is to use it.
        source: the input.
        changes: deliveries of a Bronze table, commits of any other.
        rows: landed, or changed.
        partitions: of the input in which they are, as `column=value`.
        amounts: raw money column -> sum over landed rows, US dollars; texts that are no amount count nothing.
    """

    table: str
    source: str
    changes: int
    rows: int
    partitions: tuple[str, ...] = ()
    amounts: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Impact:
    """What depends on the tables that failed.

    Attributes:
        origins: tables that failed.
        tables: their readers, near and far, with what each still serves.
        reports: named uses among them.
        waiting: rows landed and not merged by tables that failed or read them; of the former also changes not followed.
        rerun: the shortest command that repairs all of it.
    """

    origins: tuple[str, ...]
    tables: tuple[Serving, ...]
    reports: tuple[TouchedReport, ...]
    waiting: tuple[Waiting, ...]
    rerun: str


def impact_of(origins: Iterable[str], registry: Registry, logs: Logs) -> Impact:
    """What depends on `origins`, from the graph and the logs; only the money of landed rows is read from a table."""
    failed = tuple(name for name in registry.tables if name in set(origins))
    readers = registry.downstream(failed)
    touched = [name for name in registry.tables if name in readers and name not in failed]
    serving = {name: _serving(name, logs) for name in (*failed, *touched)}
    reports = tuple(TouchedReport(report, serving[t.name]) for report, t in registry.reports([*failed, *touched]))
    landed = [w for name in (*failed, *touched) for w in deliveries_waiting(registry[name], registry, logs)]
    followed = [w for name in failed for w in commits_waiting(registry[name], registry, logs)]
    command = rerun_command(failed, registry)
    return Impact(failed, tuple(serving[n] for n in touched), reports, (*landed, *followed), command)


def deliveries_waiting(table: Table, registry: Registry, logs: Logs) -> list[Waiting]:
    """What each sender landed and `table` has not merged; nothing where it merges no feed."""
    consumed = _consumed(table, logs)
    parts = [part for contract in _feeds(table) for part in registry.conformed_inputs(contract)]
    found = [_deliveries_waiting(table, part, consumed.get(part.main.name), logs) for part in parts]
    return [w for w in found if w is not None]


def commits_waiting(table: Table, registry: Registry, logs: Logs) -> list[Waiting]:
    """What changed in the inputs of `table` since its last build; nothing where it merges feeds."""
    if _feeds(table):
        return []
    consumed = _consumed(table, logs)
    inputs = sorted(registry.inputs(table.name))
    return [w for name in inputs if (w := _commits_waiting(table, name, consumed.get(name), logs)) is not None]


def _feeds(table: Table) -> list[Contract]:
    return [s.of.contract for s in table.reads.values() if isinstance(s, Changes) and isinstance(s.of, Conformed)]


def _consumed(table: Table, logs: Logs) -> Mapping[str, int | str]:
    try:
        return logs[table.name].state.consumed if logs[table.name].exists else {}
    except LogError:
        return {}


def _deliveries_waiting(table: Table, part: ConformedInput, consumed: object, logs: Logs) -> Waiting | None:
    source = part.main.name
    seen = consumed if isinstance(consumed, int) else -1
    try:
        landed = logs[source].deliveries() if logs[source].exists else []
    except LogError:
        return None
    fresh = [d for version, d in landed if not d.repeats and version > seen]
    if not fresh:
        return None
    days = sorted({d.ingest_date for d in fresh})
    amounts = sums_of_batches(logs.store, source, tuple(part.conform.money), days, [d.batch_id for d in fresh])
    where = tuple(f"{part.main.partition_by}={day}" for day in days)
    return Waiting(table.name, source, len(fresh), sum(d.rows for d in fresh), where, amounts)


def _commits_waiting(table: Table, source: str, consumed: object, logs: Logs) -> Waiting | None:
    try:
        changed = logs[source].changed_since(consumed if isinstance(consumed, int) else -1)
    except LogError:
        return None
    if not changed:  # None: the log no longer reaches back, so how much it is cannot be told
        return None
    rows = sum(c.note.counts.get(word, 0) for c in changed if c.note for word in CHANGED_ROWS)
    partitions = sorted({p for c in changed for p in c.partitions})
    return Waiting(table.name, source, len(changed), rows, tuple(partitions))


def rerun_command(failed: Sequence[str], registry: Registry) -> str:
    """One `lakehouse run` that builds the failed tables and what depends on them, and nothing else.

    A failed table that another failed one already leads to needs no naming.
    """
    led_to = {n for name in failed for n in registry.downstream([name]) - {name}}
    return "lakehouse run " + " ".join(f"-s {name}+" for name in failed if name not in led_to)


def _serving(name: str, logs: Logs) -> Serving:
    try:
        last = logs[name].last_build() if logs[name].exists else None
    except LogError:
        return Serving(name, None, None, is_known=False)
    return Serving(name, last.version if last else None, last.committed_at if last else None)


def message(impact: Impact, now: datetime) -> list[str]:
    """The impact in lines that can be forwarded: no values, only names, times, counts and sums."""
    lines = [f"failed: {', '.join(impact.origins)}"]
    if impact.tables:
        lines.append("waiting: " + ", ".join(s.table for s in impact.tables))
    return [*lines, *waiting_lines(impact), *report_lines(impact, now), f"rerun: {impact.rerun}"]


def waiting_lines(impact: Impact) -> list[str]:
    """What waits, a line for each table and input."""
    return [_waiting_line(w) for w in impact.waiting]


def _waiting_line(waiting: Waiting) -> str:
    is_landed = waiting.source.startswith("bronze.")
    noun, verb = ("deliveries", "rows") if is_landed else ("commits", "changed rows")
    shown = ", ".join(waiting.partitions[:PARTITIONS_SHOWN])
    if len(waiting.partitions) > PARTITIONS_SHOWN:
        shown += f" and {len(waiting.partitions) - PARTITIONS_SHOWN} more partitions"
    where = f" ({shown})" if shown else ""
    dollars = ", ".join(f"{name} {amount:,.2f} USD" for name, amount in waiting.amounts.items())
    said = f"{waiting.table} waits for {waiting.rows:,} {verb} of {waiting.changes:,} {noun} in {waiting.source}{where}"
    return f"{said}: {dollars}" if dollars else said


def report_lines(impact: Impact, now: datetime) -> list[str]:
    """Touched reports, a line each: owner, when it is due, what it still serves."""
    lines = []
    for touched in impact.reports:
        report, serving = touched.report, touched.serving
        state = "has nothing to serve yet" if serving.is_known else f"serves a version {serving.age(now)}"
        if serving.version is not None:
            state = f"still serves version {serving.version}, {serving.age(now)}"
        due = f"due {report.due} {report.zone}, in {in_words(report.due_after(now) - now)}"
        lines.append(f"report {report.name!r} (owner {report.owner}, {due}): {serving.table} {state}")
    return lines
