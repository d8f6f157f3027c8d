"""What a failure touches: tables, reports and their owners, what still serves and how old it is, the shortest rerun."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lakehouse.spec.freshness import Report, in_words
from lakehouse.spec.registry import Registry
from lakehouse.spec.scopes import Changes, Conformed
from lakehouse.spec.table import Table
from lakehouse.storage.log import Logs


@dataclass(frozen=True)
class Serving:
    """The last good state of a touched table.

    Attributes:
        table: its name.
        version: newest commit that changed rows; None when it was never built.
        built_at: UTC time of it.
    """

    table: str
    version: int | None
    built_at: datetime | None

    def age(self, now: datetime) -> str:
        """How old it is, in words."""
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
    """Landed rows that a table has not merged yet.

    Attributes:
        table: that merges them.
        source: Bronze table that holds them.
        deliveries: how many.
        rows: of these.
    """

    table: str
    source: str
    deliveries: int
    rows: int


@dataclass(frozen=True)
class Impact:
    """What depends on the tables that failed.

    Attributes:
        origins: tables that failed.
        tables: their readers, near and far, with what each still serves.
        reports: named uses among them.
        waiting: rows landed and not merged, of the tables that failed and of their readers.
        rerun: the shortest command that repairs all of it.
    """

    origins: tuple[str, ...]
    tables: tuple[Serving, ...]
    reports: tuple[TouchedReport, ...]
    waiting: tuple[Waiting, ...]
    rerun: str


def impact_of(origins: Iterable[str], registry: Registry, logs: Logs) -> Impact:
    """What depends on `origins`, from the graph and the logs alone."""
    failed = tuple(name for name in registry.tables if name in set(origins))
    touched = [name for name in registry.tables if name in registry.downstream(failed) and name not in failed]
    serving = {name: _serving(name, logs) for name in (*failed, *touched)}
    reports = tuple(TouchedReport(report, serving[t.name]) for report, t in registry.reports([*failed, *touched]))
    waiting = tuple(w for name in (*failed, *touched) for w in waiting_rows(registry[name], registry, logs))
    return Impact(failed, tuple(serving[n] for n in touched), reports, waiting, rerun_command(failed, registry))


def waiting_rows(table: Table, registry: Registry, logs: Logs) -> list[Waiting]:
    """What each sender landed and `table` has not merged, from the logs; nothing where `table` merges no feed."""
    feeds = [s.of.contract for s in table.reads.values() if isinstance(s, Changes) and isinstance(s.of, Conformed)]
    consumed = logs[table.name].state.consumed if logs[table.name].exists else {}
    found = []
    for part in (p for contract in feeds for p in registry.conformed_inputs(contract)):
        seen = consumed.get(part.main.name, -1)
        landed = logs[part.main.name].deliveries() if logs[part.main.name].exists else []
        fresh = [d for v, d in landed if not d.repeats and (not isinstance(seen, int) or v > seen)]
        if fresh:
            found.append(Waiting(table.name, part.main.name, len(fresh), sum(d.rows for d in fresh)))
    return found


def rerun_command(failed: Sequence[str], registry: Registry) -> str:
    """One `lakehouse run` that builds the failed tables and what depends on them, and nothing else.

    A failed table that another failed one already leads to needs no naming.
    """
    led_to = {n for name in failed for n in registry.downstream([name]) - {name}}
    return "lakehouse run " + " ".join(f"-s {name}+" for name in failed if name not in led_to)


def _serving(name: str, logs: Logs) -> Serving:
    last = logs[name].last_build() if logs[name].exists else None
    return Serving(name, last.version if last else None, last.committed_at if last else None)


def until(at: datetime, now: datetime) -> str:
    """How long it is until then, in words."""
    minutes = round((at - now).total_seconds() / 60)
    return f"in {minutes} minutes" if minutes < 60 else f"in {minutes / 60:.0f} hours"


def message(impact: Impact, now: datetime) -> list[str]:
    """The impact in lines that can be forwarded: no values, only names, times and counts."""
    lines = [f"failed: {', '.join(impact.origins)}"]
    if impact.tables:
        lines.append("waiting: " + ", ".join(s.table for s in impact.tables))
    return [*lines, *waiting_lines(impact), *report_lines(impact, now), f"rerun: {impact.rerun}"]


def waiting_lines(impact: Impact) -> list[str]:
    """Landed rows that wait, a line for each table and sender."""
    return [f"{w.table} waits for {w.rows:,} rows of {w.deliveries:,} deliveries in {w.source}" for w in impact.waiting]


def report_lines(impact: Impact, now: datetime) -> list[str]:
    """Touched reports, a line each: owner, when it is due, what it still serves."""
    lines = []
    for touched in impact.reports:
        report, serving = touched.report, touched.serving
        state = "has nothing to serve yet"
        if serving.version is not None:
            state = f"still serves version {serving.version}, {serving.age(now)}"
        due = f"due {report.due} {report.zone}, {until(report.due_after(now), now)}"
        lines.append(f"report {report.name!r} (owner {report.owner}, {due}): {serving.table} {state}")
    return lines
