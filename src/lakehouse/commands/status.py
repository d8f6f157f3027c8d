"""`lakehouse status`: how each table stands, from its log and the records of runs, and which files should have come."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    ExcludeOption,
    Opened,
    Output,
    OutputOption,
    SelectOption,
    open_lake,
    print_json,
)
from lakehouse.errors import LakehouseError

if TYPE_CHECKING:
    from lakehouse.engine.expected_deliveries import DueDelivery
    from lakehouse.storage.log import DeltaLog, Logs

FORMAT = "lakehouse-status/1"


@dataclass(frozen=True)
class TableStatus:
    """How one table stands.

    Attributes:
        table: its name.
        version: newest version; None when it was never built.
        built_at: UTC time of the newest commit that changed rows.
        confirmed_at: UTC time of the newest build, also of one that found nothing to change.
        counts: rows by what happened to them, of that build.
        behind: inputs with rows it has not consumed -> (consumed version, current version).
        last_outcome: of the newest recorded run in which it had work.
        freshness: `fresh`, `stale`, or None when the table states no limit.
        within: greatest age, or the time it is due, as declared.
        error: why its log cannot be trusted; None when it can.
    """

    table: str
    version: int | None = None
    built_at: datetime | None = None
    confirmed_at: datetime | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    behind: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    last_outcome: str | None = None
    freshness: str | None = None
    within: str | None = None
    error: str | None = None


def status(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Show version, age, last rows, inputs to consume, last outcome, freshness and missing files. Starts no Spark.

    Exit code 3 when a log cannot be trusted.
    """
    from lakehouse.engine.record import latest_outcomes, read_records
    from lakehouse.operate.freshness import lake_freshness

    opened = open_lake(context, env, config, select, exclude)
    logs = opened.logs()
    records = read_records(logs.store)
    outcomes = latest_outcomes(opened.registry, records)
    now = datetime.now(UTC)
    fresh = lake_freshness(opened.registry, opened.names, logs, records, now)
    states = {t.table: "stale" if t.is_stale else "fresh" for t in fresh.tables}
    found = [table_status(opened, logs, name, outcomes.get(name), states.get(name)) for name in opened.names]
    deliveries, unlisted = _deliveries(opened, logs, now)
    if output is Output.JSON:
        last = {key: records[0][key] for key in ("run_id", "started_at", "exit_code")} if records else None
        tables = [asdict(t) for t in found]
        expected = [{**asdict(d), "standing": d.standing.name.lower()} for d in deliveries]
        document = {"format": FORMAT, "env": opened.settings.env, "last_run": last, "tables": tables}
        print_json({**document, "deliveries": expected, "unlisted": unlisted})
    else:
        _print_text(opened, found, records[0] if records else None, now)
        _print_deliveries(deliveries, unlisted)
    return 3 if any(t.error for t in found) else 0


def _deliveries(opened: Opened, logs: "Logs", now: datetime) -> "tuple[list[DueDelivery], list[str]]":
    """Every delivery that the selected feeds should have had by now, and what of it could not be looked at."""
    from lakehouse.engine.expected_deliveries import expected_of
    from lakehouse.storage.drops import Drop

    found: list[DueDelivery] = []
    unlisted: list[str] = []
    for name, network in opened.settings.networks.items():
        for expected in network.files.expect if network.enabled else ():
            table = f"bronze.{name}_{expected.feed}"
            if table not in opened.names:
                continue
            drop = Drop(network.root or "", opened.settings.lake.s3)
            try:
                found += expected_of(opened.registry[table], expected, network.files, drop, logs[table], now)
            except LakehouseError as error:
                unlisted.append(f"{table}: {error}")
    return found, unlisted


def _print_deliveries(deliveries: "list[DueDelivery]", unlisted: list[str]) -> None:
    from lakehouse.commands.screen import console
    from lakehouse.engine.expected_deliveries import missing_deliveries

    for said in (*unlisted, *(delivery.text for delivery in missing_deliveries(deliveries))):
        console().print(said)


def table_status(
    opened: Opened, logs: "Logs", name: str, last_outcome: str | None, freshness: str | None
) -> TableStatus:
    """How one table stands; `freshness` is what is known of it already."""
    log = logs[name]
    limit = opened.registry[name].freshness
    within = limit.text if limit else None
    try:
        if not log.exists:
            return TableStatus(name, last_outcome=last_outcome, freshness=freshness, within=within)
        built, newest = log.last_build(), next((c for c in log.newest_first() if c.note), None)
        return TableStatus(
            table=name,
            version=log.version,
            built_at=built.committed_at if built else None,
            confirmed_at=newest.committed_at if newest else None,
            counts=newest.note.counts if newest and newest.note else {},
            behind=_behind(opened, logs, log),
            last_outcome=last_outcome,
            freshness=freshness,
            within=within,
        )
    except LakehouseError as error:
        return TableStatus(name, last_outcome=last_outcome, within=within, error=str(error))


def _behind(opened: Opened, logs: "Logs", log: "DeltaLog") -> dict[str, tuple[int, int]]:
    """Inputs with commits that change rows after the version the table consumed."""
    consumed = log.state.consumed
    found: dict[str, tuple[int, int]] = {}
    for name in sorted(opened.registry.inputs(log.name)):
        seen = consumed.get(name, -1)
        if logs[name].exists and isinstance(seen, int) and logs[name].changed_since(seen) != []:
            found[name] = (seen, logs[name].version)
    return found


def _print_text(opened: Opened, found: list[TableStatus], last: Mapping[str, object] | None, now: datetime) -> None:
    from lakehouse.commands.screen import console, grid

    out = console()
    columns = ("table", "version", "rows changed", "age", "last build", "inputs", "last outcome", "freshness")
    out.print(grid(None, columns, [_row(t, now) for t in found], right=("version",)))
    for broken in found:
        if broken.error:
            out.print(f"{broken.table}: {broken.error}")
    said = f"last run {last['run_id']}, exit code {last['exit_code']}" if last else "no run is recorded"
    out.print(f"{opened.settings.env}: {opened.settings.lake.root}; {said}")


def _row(found: TableStatus, now: datetime) -> tuple[str, ...]:
    from lakehouse.commands.screen import counts_text, instant
    from lakehouse.engine.impact import Serving

    if found.error:
        return (found.table, "?", "-", "-", "log cannot be trusted", "-", found.last_outcome or "-", "-")
    behind = ", ".join(f"{name} {seen} -> {current}" for name, (seen, current) in found.behind.items())
    return (
        found.table,
        "-" if found.version is None else str(found.version),
        instant(found.built_at),
        Serving(found.table, found.version, found.built_at).age(now),
        counts_text(found.counts.items()),
        f"behind: {behind}" if behind else "-" if found.version is None else "consumed",
        found.last_outcome or "-",
        f"{found.freshness} ({found.within})" if found.freshness else "-",
    )
