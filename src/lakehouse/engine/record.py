"""What every run leaves behind: one JSON record, and later rows in the ops tables.

A record is written at the end of every run, also when nothing was due, so that "nothing new", "did not run" and "was
blocked" stay apart. Runs that start Spark fold all records not folded yet into `ops.run`, `ops.check_result`,
`ops.ledger`.
The records lead nothing: state is in the tables' logs.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from pyspark.sql import SparkSession
from pyspark.sql import types as T

from lakehouse.engine.delivery_index import index_deliveries
from lakehouse.engine.run import Outcome, RunReport, TableOutcome
from lakehouse.faults import fault_point
from lakehouse.spec.field import BOOLEAN, DATE, LONG, STRING, STRINGS, TIMESTAMP, field
from lakehouse.spec.registry import Registry
from lakehouse.storage.frames import frame_of
from lakehouse.storage.lake import Lake, Layout
from lakehouse.storage.notes import CommitNote
from lakehouse.storage.store import Store

RUNS = ("ops", "runs")
RECORDS_READ = 50
FORMAT = 1
_FOLD_BACK = timedelta(days=7)
_AMOUNT = T.DecimalType(38, 2)
_COUNTS = T.MapType(T.StringType(), T.LongType())

_RUN_FIELDS = (
    field("run_id", STRING, "invocation"),
    field("logical_date", DATE, "date the run was for"),
    field("started_at", TIMESTAMP, "UTC"),
    field("seconds", T.DoubleType(), "wall time of the table's build, or of a run in which nothing was due", unit="s"),
    field("table_name", STRING, "table; null for a run in which nothing was due"),
    field("outcome", STRING, "built, marked, current, failed, blocked, or nothing_due"),
    field("kind", STRING, "land, append, merge, replace or marker"),
    field("version", LONG, "Delta version of the commit"),
    field("counts", _COUNTS, "rows by what happened to them"),
    field("error", STRING, "what went wrong, without values"),
    field("blocked_by", STRINGS, "inputs that failed or were blocked"),
)
_CHECK_FIELDS = (
    field("run_id", STRING, "invocation"),
    field("checked_at", TIMESTAMP, "UTC start of the run that judged"),
    field("table_name", STRING, "table"),
    field("rule", STRING, "expectation, or a proof of the engine"),
    field("network", STRING, "whose rows were looked at; - for all of them together"),
    field("on_failure", STRING, "its consequence for the network"),
    field("failed", LONG, "rows or groups that broke it"),
    field("total", LONG, "rows looked at"),
    field("holds", BOOLEAN, "within its tolerance"),
    field("places", STRINGS, "source and record number of a few failing rows, or the columns a rule names them by"),
)
_LEDGER_FIELDS = (
    field("run_id", STRING, "invocation"),
    field("started_at", TIMESTAMP, "UTC start of the run"),
    field("table_name", STRING, "table"),
    field("ledger", STRING, "conform, merge or aggregate"),
    field("part", STRING, "network, or empty"),
    field("measure", STRING, "rows, or a money column"),
    field("side", STRING, "in or out"),
    field("reason", STRING, "what became of it"),
    field("amount", _AMOUNT, "rows, or US dollars"),
)

Record = Mapping[str, object]
Values = tuple[object, ...]


def record_run(report: RunReport, lake: Lake, session: SparkSession | None) -> None:
    """Write the run's record; with a session also bring the ops tables up to date, for which the run holds `core`."""
    fault_point("before_record")
    request = report.request
    text = json.dumps(to_json(report), default=_plain, sort_keys=True).encode()
    lake.store.write(text, *RUNS, f"{request.started_at:%Y-%m-%d}", f"{request.run_id}.json")
    if session is not None:
        own = session.newSession()
        fold(lake, own, request.run_id)
        index_deliveries(lake, own, request.run_id)
    fault_point("after_record")


def to_json(report: RunReport) -> dict[str, object]:
    """The run as a JSON document; format `lakehouse-run/1`."""
    request = report.request
    return {
        "format": f"lakehouse-run/{FORMAT}",
        "run_id": request.run_id,
        "env": report.env,
        "logical_date": request.logical_date,
        "started_at": request.started_at.astimezone(UTC),
        "seconds": round(report.seconds, 3),
        "exit_code": report.exit_code,
        "nothing_due": report.nothing_due,
        "current": [o.table for o in report.outcomes if o.outcome is Outcome.CURRENT],
        "tables": []
        if report.nothing_due
        else [_table(o) for o in report.outcomes if o.outcome is not Outcome.CURRENT],
    }


def _table(outcome: TableOutcome) -> dict[str, object]:
    result = outcome.result
    return {
        "table": outcome.table,
        "outcome": str(outcome.outcome),
        "seconds": round(outcome.seconds, 3),
        "reasons": outcome.reasons,
        "error": outcome.error,
        "blocked_by": outcome.blocked_by,
        "kind": result.kind if result else None,
        "version": result.version if result else None,
        "counts": dict(result.counts) if result else {},
        "warnings": result.warnings if result else (),
        "checks": [asdict(c) for c in outcome.checks],
        "ledger": [asdict(line) for line in result.ledger] if result else [],
    }


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    raise TypeError(f"a run record cannot hold a {type(value).__name__}")


def read_records(store: Store, limit: int = RECORDS_READ) -> list[Record]:
    """The newest run records, newest first."""
    found: list[Record] = []
    for day in reversed(store.folders(*RUNS)):
        for name in reversed(store.names(*RUNS, day)):
            if name.endswith(".json"):
                found.append(json.loads(store.read(*RUNS, day, name)))
        if len(found) >= limit:
            break
    return sorted(found, key=lambda r: str(r["started_at"]), reverse=True)[:limit]


def fold(lake: Lake, session: SparkSession, run_id: str) -> None:
    """Append the rows of every record not folded yet, one commit for each ops table; the commit lists the records."""
    for name, fields, rows in (
        ("ops.run", _RUN_FIELDS, _run_rows),
        ("ops.check_result", _CHECK_FIELDS, _check_rows),
        ("ops.ledger", _LEDGER_FIELDS, _ledger_rows),
    ):
        _fold_into(lake, session, run_id, Layout(name=name, fields=fields), rows)


def _fold_into(
    lake: Lake, session: SparkSession, run_id: str, layout: Layout, rows: Callable[[Record], list[Values]]
) -> None:
    lake.ensure(session, layout)
    log = lake.logs[layout.name]
    folded = {run for commit in log.newest_first() if commit.note for run in commit.note.runs}
    records = _records_after(lake.store, folded)
    if not records:
        return
    made = [row for record in records for row in rows(record)]
    state = replace(log.state, sequence=log.state.sequence + 1)
    note = CommitNote(
        run_id, "append", state, counts={"rows": len(made)}, runs=tuple(str(r["run_id"]) for r in records)
    )
    frame = frame_of(session, made, layout.schema)
    lake.append(session, layout.name, frame, note)


def _records_after(store: Store, folded: set[str]) -> list[Record]:
    """Records that no commit lists.

    Days are looked through from the newest back; a week of days before one that holds a folded record, older days
    are complete.
    """
    fresh: list[tuple[str, str]] = []
    oldest = ""
    for day in reversed(store.folders(*RUNS)):
        if day < oldest:
            break
        names = [name.removesuffix(".json") for name in store.names(*RUNS, day) if name.endswith(".json")]
        if not oldest and any(name in folded for name in names):
            oldest = (date.fromisoformat(day) - _FOLD_BACK).isoformat()
        fresh += [(day, name) for name in names if name not in folded]
    return [json.loads(store.read(*RUNS, day, f"{name}.json")) for day, name in sorted(fresh)]


def started_at(record: Record) -> datetime:
    """When the run began, UTC."""
    return datetime.fromisoformat(str(record["started_at"]))


def tables_of(record: Record) -> list[dict[str, object]]:
    """What the record says of each table that had work."""
    tables = record["tables"]
    assert isinstance(tables, list)
    return tables


def _run_rows(record: Record) -> list[Values]:
    run_id, started = record["run_id"], started_at(record)
    day = date.fromisoformat(str(record["logical_date"]))
    if record["nothing_due"]:
        return [(run_id, day, started, record["seconds"], None, "nothing_due", None, None, {}, None, [])]
    return [
        (
            run_id,
            day,
            started,
            t["seconds"],
            t["table"],
            t["outcome"],
            t["kind"],
            t["version"],
            t["counts"],
            t["error"],
            t["blocked_by"],
        )
        for t in tables_of(record)
    ]


def _check_rows(record: Record) -> list[Values]:
    names = ("table", "name", "network", "on_failure", "failed", "total", "holds", "places")
    return [
        (record["run_id"], started_at(record), *[c[n] for n in names])
        for t in tables_of(record)
        for c in _listed(t, "checks")
    ]


def _ledger_rows(record: Record) -> list[Values]:
    names = ("table", "ledger", "part", "measure", "side", "reason")
    return [
        (record["run_id"], started_at(record), *[line[n] for n in names], Decimal(str(line["amount"])))
        for t in tables_of(record)
        for line in _listed(t, "ledger")
    ]


def _listed(table: Mapping[str, object], key: str) -> list[dict[str, object]]:
    found = table[key]
    assert isinstance(found, list)
    return found


def latest_outcomes(registry: Registry, records: Sequence[Record]) -> dict[str, str]:
    """The last recorded outcome of each table, from records newest first."""
    found: dict[str, str] = {}
    for record in records:
        for t in tables_of(record):
            if t["table"] in registry.tables:
                found.setdefault(str(t["table"]), str(t["outcome"]))
    return found
