"""`lakehouse freshness`: which tables and reports are older than they may be and why, and which feeds sent unusually
much or little."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    ExcludeOption,
    Output,
    OutputOption,
    SelectOption,
    open_lake,
    print_json,
)
from lakehouse.errors import SettingsError

if TYPE_CHECKING:
    from lakehouse.operate.freshness import LakeFreshness, ReportFreshness, TableFreshness
    from lakehouse.operate.volume import FeedVolume

FORMAT = "lakehouse-freshness/1"


def freshness(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    alert: Annotated[
        bool, typer.Option("--alert", help="Tell the alert targets what began, changed or is over.")
    ] = False,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Show what is older than it may be, which reports that touches, and feeds of unusual volume. Starts no Spark.

    Exit code 1 when anything is stale, though every run succeeded. Unusual volume is a warning: a sender may have
    good reasons, and nobody can make it right by a run.
    """
    from lakehouse.engine.record import read_records
    from lakehouse.operate.alerts import tell_freshness
    from lakehouse.operate.freshness import lake_freshness
    from lakehouse.operate.volume import lake_volumes

    if alert and (select or exclude):
        raise SettingsError("--alert looks at every table, or what it leaves out would be told as over; leave out -s.")
    opened = open_lake(context, env, config, select, exclude)
    logs = opened.logs()
    records = read_records(logs.store)
    settings, now = opened.settings, datetime.now(UTC)
    found = lake_freshness(opened.registry, opened.names, logs, records, now)
    volumes = lake_volumes(opened.registry, opened.names, logs, settings.networks, now)
    if alert:
        for problem in tell_freshness(settings.alerts, settings.env, logs.store, found, volumes):
            typer.echo(problem, err=True)
    if output is Output.JSON:
        print_json({"format": FORMAT, **freshness_document(found), "volumes": [asdict(v) for v in volumes]})
    else:
        _print_text(found, volumes)
    return 1 if found.stale else 0


def freshness_document(found: "LakeFreshness") -> dict[str, object]:
    """The answer as JSON."""
    return {
        "at": found.at,
        "tables": [_table(t) for t in found.tables],
        "reports": [_report(r) for r in found.reports],
    }


def _table(found: "TableFreshness") -> dict[str, object]:
    return {**asdict(found), "is_stale": found.is_stale}


def _report(found: "ReportFreshness") -> dict[str, object]:
    stale = [t.table for t in found.stale]
    return {**asdict(found.report), "table": found.table, "due_at": found.due_at, "stale": stale}


def _print_text(found: "LakeFreshness", volumes: "Sequence[FeedVolume]") -> None:
    from lakehouse.commands.screen import console, grid, instant
    from lakehouse.operate.freshness import age_text

    out = console()
    rows = [
        (
            t.table,
            t.owner,
            instant(t.confirmed_at),
            age_text(t.confirmed_at, found.at),
            t.limit.text if t.limit else "-",
            age_text(t.delivered_at, found.at),
            "fresh" if t.cause is None else f"stale: {t.cause}{f' ({t.detail})' if t.detail else ''}",
        )
        for t in found.tables
        if t.is_stale
    ]
    if rows:
        columns = ("table", "owner", "looked at", "age", "allowed", "newest delivery", "freshness")
        out.print(grid(None, columns, rows))
    for report in found.reports:
        state = f"stale by {', '.join(t.table for t in report.stale)}" if report.stale else "fresh"
        owner = f"owner {report.report.owner}, due {report.due_at:%Y-%m-%d %H:%M} UTC"
        out.print(f"report {report.report.name!r} ({owner}): {state}")
    for volume in volumes:
        if volume.unusual:
            out.print(f"unusual volume: {volume.text}")
    fresh = len(found.tables) - len(rows)
    out.print(f"{fresh} tables are fresh, {len(rows)} are stale")
