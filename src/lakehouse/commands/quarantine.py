"""`lakehouse quarantine list` and `show`: what was set aside, why, for how long, and where it stands in its source."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    ExcludeOption,
    Output,
    OutputOption,
    SelectOption,
    guarded,
    open_lake,
    print_json,
)

if TYPE_CHECKING:
    from lakehouse.storage.small_reads import RuleCount, SetAsideRow
    from lakehouse.storage.store import Standing

FORMAT = "lakehouse-quarantine/1"
PHI_WARNING = (
    "warning: these are values as sent. They may be protected health information: do not copy, send or log them."
)


class Shown(StrEnum):
    """Rows to show: of one status, or all."""

    OPEN = "open"
    RESOLVED = "resolved"
    DISCARDED = "discarded"
    ALL = "all"


app = typer.Typer(
    help="Rows that were set aside: how many, why, where they came from, and what becomes of them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


def list_rules(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Count open rows per table, network, rule and owner. A row that breaks two rules is counted under both."""
    from lakehouse.storage.small_reads import open_rows, rule_counts
    from lakehouse.storage.store import quarantine_of

    opened = open_lake(context, env, config, select, exclude)
    logs = opened.logs()
    names = [name for name in opened.names if logs[quarantine_of(name)].exists]
    found = {name: rule_counts(logs.store, quarantine_of(name)) for name in names}
    totals = {name: open_rows(logs.store, quarantine_of(name)) for name in names}
    if output is Output.JSON:
        rules = {n: [{**asdict(c), "age_days": _age(c.first_seen_at)} for c in found[n]] for n in names}
        listed = [{"table": n, "rows": totals[n], "rules": rules[n]} for n in names]
        print_json({"format": FORMAT, "tables": listed})
    else:
        _print_counts(found, totals)
    return 0


def show(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="Table whose rows were set aside.")],
    limit: Annotated[int, typer.Option(min=1, help="Greatest number of rows shown, newest first.")] = 50,
    status: Annotated[Shown, typer.Option(help="Rows that stand so.")] = Shown.OPEN,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show the rows as sent. They may be protected health information.")
    ] = False,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Show rows of one table: rules, source, record number, standing, owner. Values only with --show-values."""
    from lakehouse.storage.small_reads import set_aside_rows, status_counts
    from lakehouse.storage.store import Standing, quarantine_of

    opened = open_lake(context, env, config)
    logs = opened.logs()
    name = quarantine_of(opened.registry[table].name)
    exists = logs[name].exists
    wanted = None if status is Shown.ALL else Standing(status)
    counts = status_counts(logs.store, name) if exists else {}
    total = sum(rows for found, rows in counts.items() if wanted in (None, found))
    rows = set_aside_rows(logs.store, name, limit, status=wanted, with_values=show_values) if exists else []
    if show_values and rows:
        typer.echo(PHI_WARNING, err=True)
    if output is Output.JSON:
        print_json({"format": FORMAT, "table": table, "total": total, "rows": [_row_document(r) for r in rows]})
    else:
        _print_rows(table, wanted, total, rows)
    return 0


def _row_document(row: "SetAsideRow") -> dict[str, object]:
    document = asdict(row)
    if row.values is None:
        del document["values"]
    return document


def _print_counts(found: "dict[str, list[RuleCount]]", totals: dict[str, int]) -> None:
    from lakehouse.commands.screen import console, grid

    out = console()
    lines = [
        (name, c.network, c.rule, f"{c.rows:,}", f"{_age(c.first_seen_at):,}", c.owner or "-")
        for name, counts in found.items()
        for c in counts
    ]
    if not lines:
        out.print("no row is set aside")
        return
    columns = ("table", "network", "rule", "rows", "oldest, days", "owner")
    out.print(grid(None, columns, lines, right=("rows", "oldest, days")))
    out.print("; ".join(f"{name}: {total:,} rows" for name, total in totals.items()))
    out.print("which ones: lakehouse quarantine show TABLE")


def _age(first_seen_at: datetime) -> int:
    """Whole days since."""
    return (datetime.now(UTC) - first_seen_at).days


def _print_rows(table: str, status: "Standing | None", total: int, rows: "Sequence[SetAsideRow]") -> None:
    from lakehouse.commands.screen import console, grid, instant

    out = console()
    if not rows:
        out.print(f"{table}: no row is {'set aside' if status in (None, 'open') else status}")
        return
    lines = [
        (
            r.source,
            f"{r.row_number:,}",
            ", ".join(r.rules),
            instant(r.first_seen_at),
            ": ".join(word for word in (r.status, r.resolution) if word),
            r.owner or "-",
            r.reason or "-",
        )
        for r in rows
    ]
    columns = ("source", "record", "rules broken", "first seen", "stands", "owner", "reason")
    title = f"{table}: {len(rows):,} of {total:,} {f'{status} ' if status else ''}rows"
    out.print(grid(title, columns, lines, right=("record",)))
    for row in rows:
        if row.values is not None:
            out.print(f"{row.source} record {row.row_number}: {row.values}")


app.command("list")(guarded(list_rules))
app.command("show")(guarded(show))
