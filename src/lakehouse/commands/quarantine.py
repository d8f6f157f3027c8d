"""`lakehouse quarantine`: what was set aside, by rule and batch, and where each row stands in its source."""

from collections.abc import Sequence
from dataclasses import asdict
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

FORMAT = "lakehouse-quarantine/1"
PHI_WARNING = (
    "warning: these are values as sent. They may be protected health information: do not copy, send or log them."
)
app = typer.Typer(
    help="Rows that were set aside: how many, why, and where they came from.",
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
    """Count open rows per table, rule and batch. A row that breaks two rules is counted under both."""
    from lakehouse.storage.small_reads import open_rows, rule_counts
    from lakehouse.storage.store import quarantine_of

    opened = open_lake(context, env, config, select, exclude)
    logs = opened.logs()
    names = [name for name in opened.names if logs[quarantine_of(name)].exists]
    found = {name: rule_counts(logs.store, quarantine_of(name)) for name in names}
    totals = {name: open_rows(logs.store, quarantine_of(name)) for name in names}
    if output is Output.JSON:
        listed = [{"table": n, "rows": totals[n], "rules": [asdict(c) for c in found[n]]} for n in names]
        print_json({"format": FORMAT, "tables": listed})
    else:
        _print_counts(found, totals)
    return 0


def show(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="Table whose rows were set aside.")],
    limit: Annotated[int, typer.Option(min=1, help="Greatest number of rows shown, newest first.")] = 50,
    show_values: Annotated[
        bool, typer.Option("--show-values", help="Show the rows as sent. They may be protected health information.")
    ] = False,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Show open rows of one table: rules, source, record number, first seen. Values only with --show-values."""
    from lakehouse.storage.small_reads import open_rows, set_aside_rows
    from lakehouse.storage.store import quarantine_of

    opened = open_lake(context, env, config)
    logs = opened.logs()
    name = quarantine_of(opened.registry[table].name)
    exists = logs[name].exists
    total = open_rows(logs.store, name) if exists else 0
    rows = set_aside_rows(logs.store, name, limit, with_values=show_values) if exists else []
    if show_values and rows:
        typer.echo(PHI_WARNING, err=True)
    if output is Output.JSON:
        print_json({"format": FORMAT, "table": table, "total": total, "rows": [_row_document(r) for r in rows]})
    else:
        _print_rows(table, total, rows)
    return 0


def _row_document(row: "SetAsideRow") -> dict[str, object]:
    document = asdict(row)
    if row.values is None:
        del document["values"]
    return document


def _print_counts(found: "dict[str, list[RuleCount]]", totals: dict[str, int]) -> None:
    from lakehouse.commands.screen import console, grid, instant

    out = console()
    lines = [
        (name, c.rule, f"{c.rows:,}", c.source, c.batch_id, instant(c.first_seen_at))
        for name, counts in found.items()
        for c in counts
    ]
    if not lines:
        out.print("no row is set aside")
        return
    out.print(grid(None, ("table", "rule", "rows", "source", "batch", "first seen"), lines, right=("rows",)))
    out.print("; ".join(f"{name}: {total:,} rows" for name, total in totals.items()))
    out.print("which ones: lakehouse quarantine show TABLE")


def _print_rows(table: str, total: int, rows: "Sequence[SetAsideRow]") -> None:
    from lakehouse.commands.screen import console, grid, instant

    out = console()
    if not rows:
        out.print(f"{table}: no row is set aside")
        return
    lines = [(r.source, f"{r.row_number:,}", ", ".join(r.rules), instant(r.first_seen_at), r.run_id) for r in rows]
    columns = ("source", "record", "rules broken", "first seen", "run")
    out.print(grid(f"{table}: {len(rows):,} of {total:,} open rows", columns, lines, right=("record",)))
    for row in rows:
        if row.values is not None:
            out.print(f"{row.source} record {row.row_number}: {row.values}")


app.command("list")(guarded(list_rules))
app.command("show")(guarded(show))
