"""What a failure touches: tables, reports and their owners, what still serves and how old it is, the shortest rerun."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from lakehouse.spec.freshness import Report
from lakehouse.spec.registry import Registry
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
        if self.built_at is None:
            return "never built"
        hours = (now - self.built_at).total_seconds() / 3600
        return (
            f"{hours * 60:.0f} minutes old"
            if hours < 1
            else f"{hours:.0f} hours old"
            if hours < 48
            else f"{hours / 24:.0f} days old"
        )


@dataclass(frozen=True)
class TouchedReport:
    """A report that a failure keeps from being renewed."""

    report: Report
    serving: Serving


@dataclass(frozen=True)
class Impact:
    """What depends on the tables that failed.

    Attributes:
        origins: tables that failed.
        tables: their readers, near and far, with what each still serves.
        reports: named uses among them.
        rerun: the shortest command that repairs all of it.
    """

    origins: tuple[str, ...]
    tables: tuple[Serving, ...]
    reports: tuple[TouchedReport, ...]
    rerun: str


def impact_of(origins: Iterable[str], registry: Registry, logs: Logs) -> Impact:
    """What depends on `origins`, from the graph and the logs alone."""
    failed = tuple(name for name in registry.tables if name in set(origins))
    touched = [name for name in registry.tables if name in registry.downstream(failed) and name not in failed]
    serving = {name: _serving(name, logs) for name in (*failed, *touched)}
    reports = tuple(TouchedReport(report, serving[t.name]) for report, t in registry.reports([*failed, *touched]))
    return Impact(failed, tuple(serving[n] for n in touched), reports, rerun_command(failed, registry))


def rerun_command(failed: Sequence[str], registry: Registry) -> str:
    """One `lakehouse run` that builds the failed tables and what depends on them, and nothing else.

    A failed table that another failed one already leads to needs no naming.
    """
    led_to = {n for name in failed for n in registry.downstream([name]) - {name}}
    return "lakehouse run " + " ".join(f"-s {name}+" for name in failed if name not in led_to)


def _serving(name: str, logs: Logs) -> Serving:
    last = logs[name].last_build() if logs[name].exists else None
    return Serving(name, last.version if last else None, last.committed_at if last else None)


def message(impact: Impact, now: datetime) -> list[str]:
    """The impact in lines that can be forwarded: no values, only names, times and counts."""
    lines = [f"failed: {', '.join(impact.origins)}"]
    if impact.tables:
        lines.append("waiting: " + ", ".join(s.table for s in impact.tables))
    for touched in impact.reports:
        report, serving = touched.report, touched.serving
        state = "has nothing to serve yet"
        if serving.version is not None:
            state = f"still serves version {serving.version}, {serving.age(now)}"
        lines.append(
            f"report {report.name!r} (owner {report.owner}, due {report.due} {report.zone}): {serving.table} {state}"
        )
    lines.append(f"rerun: {impact.rerun}")
    return lines
