"""`lakehouse check`: rules and proofs over whole stored tables."""

from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    ExcludeOption,
    LogicalDateOption,
    Opened,
    Output,
    OutputOption,
    SelectOption,
    SparkOnDemand,
    make_request,
    open_lake,
    print_json,
)

if TYPE_CHECKING:
    from lakehouse.engine.audit import Audit
    from lakehouse.engine.context import BuildContext
    from lakehouse.engine.work import Request

FORMAT = "lakehouse-check/1"


def check(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    full: Annotated[
        bool, typer.Option("--full", help="Also prove rows against the logs and balances over whole tables.")
    ] = False,
    source: Annotated[
        list[str] | None,
        typer.Option(
            "--source",
            metavar="TERM",
            help="Read these tables' databases again and hold every row against Bronze, e.g. network:meridian.",
        ),
    ] = None,
    logical_date: LogicalDateOption = None,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Evaluate the rules and keys of built tables over all their rows. Writes nothing.

    With --source instead: is every row that the source holds below the position in Bronze? Per month counts, sums and
    hash totals, the keys of what is missing in a restricted table, and how late rows come after their stamp.

    Exit code 1 when a rule does not hold that is more than a warning.
    """
    from lakehouse.engine.audit import audit_table

    opened = open_lake(context, env, config, source or select, exclude)
    if source:
        from lakehouse.commands.check_source import check_source

        return check_source(opened, reading_context(opened, make_request(logical_date)), output)
    logs = opened.logs()
    built = [name for name in opened.names if logs[name].exists]
    audits = []
    if built:
        work = reading_context(opened, make_request(logical_date))
        audits = [audit_table(work, name, full=full) for name in built]
    if output is Output.JSON:
        print_json({"format": FORMAT, "full": full, "tables": [_document(a) for a in audits]})
    else:
        _print_text(opened, audits)
    return int(any(a.broken for a in audits))


def reading_context(opened: Opened, request: "Request", name: str = "lakehouse check") -> "BuildContext":
    """What reads stored tables and writes none."""
    from lakehouse.engine.context import BuildContext
    from lakehouse.engine.databases import Databases
    from lakehouse.engine.tokens import token_key
    from lakehouse.storage.lake import Lake

    settings = opened.settings
    return BuildContext(
        SparkOnDemand(settings, name)().newSession(),
        Lake(settings.lake),
        opened.registry,
        settings,
        request,
        lambda: token_key(settings),
        Databases(settings),
    )


def _document(audit: "Audit") -> dict[str, object]:
    from dataclasses import asdict

    return {
        "table": audit.table,
        "version": audit.version,
        "rows": audit.rows,
        "holds": not audit.broken,
        "checks": [asdict(c) for c in audit.checks],
        "ledger": [asdict(line) for line in audit.ledger],
    }


def _print_text(opened: Opened, audits: "list[Audit]") -> None:
    from lakehouse.commands.screen import console, grid

    out = console()
    rows = [
        (a.table, c.name, c.network, c.on_failure, f"{c.failed:,}", f"{c.total:,}", "holds" if c.holds else "BROKEN")
        for a in audits
        for c in a.checks
    ]
    columns = ("table", "rule", "network", "consequence", "failed", "of", "result")
    out.print(grid(None, columns, rows, right=("failed", "of")))
    broken = [f"{a.table}.{c.name}" for a in audits for c in a.broken]
    warned = sum(not c.holds and c.on_failure == "warn" for a in audits for c in a.checks)
    missing = len(opened.names) - len(audits)
    out.print(
        f"{len(audits)} tables, {sum(a.rows for a in audits):,} live rows, {len(rows)} rules: "
        f"{len(broken)} broken, {warned} warnings" + (f"; {missing} tables are not built yet" if missing else "")
    )
    for name in broken:
        out.print(f"broken: {name}")
