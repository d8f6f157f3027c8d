"""What a finished run says: counts, failures and what they touch, rows set aside, warnings. Names and counts only."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime

from lakehouse.engine.check import of_network
from lakehouse.engine.impact import Impact, impact_of, message
from lakehouse.engine.record import to_json
from lakehouse.engine.run import Outcome, RunReport, TableOutcome
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.store import quarantine_of

PLACES_SHOWN = 5
SET_ASIDE = ("quarantined", "rejected")


def touched(report: RunReport, registry: Registry, logs: Logs) -> Impact | None:
    """What the failures of a run touch; None when nothing failed."""
    return impact_of([o.table for o in report.failed], registry, logs) if report.failed else None


def set_aside(report: RunReport) -> dict[str, int]:
    """Table -> rows that this run set aside."""
    found = {o.table: sum(o.result.counts.get(k, 0) for k in SET_ASIDE) for o in report.outcomes if o.result}
    return {table: rows for table, rows in found.items() if rows}


def summary_lines(report: RunReport, impact: Impact | None) -> list[str]:
    """The end of a run in lines of text."""
    lines = [_headline(report)]
    for failure in report.failed:
        lines += ["", f"{failure.table} failed:", f"  {failure.error}"]
    if impact is not None:
        lines += ["", *message(impact, datetime.now(UTC))]
    aside = set_aside(report)
    if aside:
        lines.append("")
        lines += [f"set aside from {table}: {rows:,} rows, in {quarantine_of(table)}" for table, rows in aside.items()]
        lines.append("why: lakehouse quarantine list")
    warned = [line for outcome in report.outcomes for line in _warnings(outcome)]
    return [*lines, *(["", *warned] if warned else [])]


def _headline(report: RunReport) -> str:
    counts = {word: sum(o.outcome is word for o in report.outcomes) for word in Outcome}
    said = ", ".join(f"{count} {word}" for word, count in counts.items() if count) or "no table selected"
    nothing = "nothing was due: " if report.nothing_due else ""
    return f"run {report.request.run_id} on {report.env}: {nothing}{said} in {report.seconds:.1f} s"


def _warnings(outcome: TableOutcome) -> Iterator[str]:
    if outcome.result is None:
        return
    for check in outcome.result.checks:
        if not check.holds and check.on_failure == "warn":
            shown = "; ".join(check.places[:PLACES_SHOWN])
            more = f" and {len(check.places) - PLACES_SHOWN} more" if len(check.places) > PLACES_SHOWN else ""
            where = f" ({shown}{more})" if shown else ""
            rows = f"{check.failed:,} of {check.total:,}{of_network(check)}"
            yield f"warning: {outcome.table}: {check.name} fails for {rows}{where}"
    for text in outcome.result.warnings:
        yield f"warning: {outcome.table}: {text}"


def run_document(report: RunReport, impact: Impact | None) -> dict[str, object]:
    """The run as JSON: its record (`lakehouse-run/1`), rows set aside and the impact."""
    return {
        **to_json(report),
        "set_aside": set_aside(report),
        "impact": None if impact is None else impact_document(impact),
    }


def impact_document(impact: Impact) -> dict[str, object]:
    """What depends on tables, as JSON."""
    now = datetime.now(UTC)
    return {
        "origins": list(impact.origins),
        "tables": [asdict(serving) for serving in impact.tables],
        "reports": [
            {**asdict(t.report), "due_at": t.report.due_after(now), "serving": asdict(t.serving)}
            for t in impact.reports
        ],
        "waiting": [asdict(w) for w in impact.waiting],
        "rerun": impact.rerun,
    }
