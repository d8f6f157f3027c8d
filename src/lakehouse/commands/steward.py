"""`lakehouse quarantine assign`, `discard`, `release` and `retry`: what a steward does with rows set aside."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    LogicalDateOption,
    Opened,
    Output,
    OutputOption,
    SparkOnDemand,
    complain,
    guarded,
    make_request,
    open_lake,
    print_json,
)
from lakehouse.commands.quarantine import FORMAT
from lakehouse.commands.run import WaitOption, run_and_show, tell
from lakehouse.errors import SettingsError

if TYPE_CHECKING:
    from lakehouse.engine.run import Run
    from lakehouse.storage.small_reads import Chosen

TableArgument = Annotated[str, typer.Argument(help="Table whose rows were set aside.")]
NetworkOption = Annotated[str | None, typer.Option("--network", help="Only rows of this network.")]
RuleOption = Annotated[str | None, typer.Option("--rule", help="Only rows that break this rule.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only rows of this file or source table.")]
RowOption = Annotated[int | None, typer.Option("--row", min=0, help="Only this record of the source.")]
ReasonOption = Annotated[
    str, typer.Option("--reason", metavar="TEXT", help="Why; without any value of the rows.", show_default=False)
]


def assign(
    context: typer.Context,
    table: TableArgument,
    owner: Annotated[str, typer.Option("--owner", help="Who sees to the rows.", show_default=False)],
    rule: RuleOption = None,
    network: NetworkOption = None,
    wait: WaitOption = 0,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Name the owner of open rows."""
    from lakehouse.engine import quarantine
    from lakehouse.storage.small_reads import Chosen

    opened, chosen = open_lake(context, env, config), Chosen(network, rule)

    def write(run: "Run") -> int:
        declared = opened.registry[table]
        return quarantine.assign(run.session, run.lake, declared, chosen, _said(owner, "--owner"), run.request.run_id)

    rows = _decide(opened, table, chosen, wait, write)
    return _answer(output, table, "assigned", rows, f"{table}: {rows:,} open rows belong to {owner}")


def discard(
    context: typer.Context,
    table: TableArgument,
    reason: ReasonOption,
    rule: RuleOption = None,
    network: NetworkOption = None,
    source: SourceOption = None,
    row: RowOption = None,
    wait: WaitOption = 0,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Keep open rows out for good, also when they are read again. They stay on record with the reason."""
    from lakehouse.engine import quarantine
    from lakehouse.storage.small_reads import Chosen

    why = _said(reason, "--reason")
    opened, chosen = open_lake(context, env, config), Chosen(network, rule, source, row)

    def write(run: "Run") -> int:
        request = run.request
        return quarantine.discard(
            run.session, run.lake, opened.registry[table], chosen, why, request.run_id, request.started_at
        )

    rows = _decide(opened, table, chosen, wait, write)
    return _answer(output, table, "discarded", rows, f"{table}: {rows:,} rows discarded; they stay on record")


def release(
    context: typer.Context,
    table: TableArgument,
    reason: ReasonOption,
    rule: RuleOption = None,
    network: NetworkOption = None,
    source: SourceOption = None,
    row: RowOption = None,
    logical_date: LogicalDateOption = None,
    wait: WaitOption = 0,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Merge open rows although they break rules, and build what is made of the table.

    All rules that a chosen row broke are waived for it. Text that is no value and a missing required column can never
    be: such rows stay open.
    """
    from lakehouse.storage.small_reads import Chosen

    why = _said(reason, "--reason")
    opened = open_lake(context, env, config)
    return _reopen(opened, table, Chosen(network, rule, source, row), why, logical_date, wait, output)


def retry(
    context: typer.Context,
    table: TableArgument,
    rule: RuleOption = None,
    network: NetworkOption = None,
    logical_date: LogicalDateOption = None,
    wait: WaitOption = 0,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Judge open rows again after a rule or a mapping was corrected, merge those that hold now, and build what is made
    of the table."""
    from lakehouse.storage.small_reads import Chosen

    opened = open_lake(context, env, config)
    return _reopen(opened, table, Chosen(network, rule), None, logical_date, wait, output)


def _said(text: str, option: str) -> str:
    if not text.strip():
        raise SettingsError(f"{option} is empty; say it in a few words.")
    return text.strip()


def _open_rows(opened: Opened, table: str, chosen: "Chosen") -> int:
    from lakehouse.storage.small_reads import open_rows
    from lakehouse.storage.store import quarantine_of

    logs, name = opened.logs(), quarantine_of(opened.registry[table].name)
    return open_rows(logs.store, name, chosen) if logs[name].exists else 0


def _decide(opened: Opened, table: str, chosen: "Chosen", wait: float, write: "Callable[[Run], int]") -> int:
    """Write what was decided, while no run writes the table; Spark starts only when a row is chosen."""
    from lakehouse.engine.run import Run

    if not _open_rows(opened, table, chosen):
        return 0
    spark = SparkOnDemand(opened.settings, "lakehouse quarantine")
    with Run(opened.settings, opened.registry, make_request(), spark, wait_seconds=wait, tell=tell) as run:
        run.hold([table])
        return write(run)


def _answer(output: Output, table: str, word: str, rows: int, text: str) -> int:
    if output is Output.JSON:
        print_json({"format": FORMAT, "table": table, word: rows})
    else:
        typer.echo(text if rows else f"{table}: no open row is chosen")
    return 0


def _reopen(
    opened: Opened,
    table: str,
    chosen: "Chosen",
    reason: str | None,
    logical_date: datetime | None,
    wait: float,
    output: Output,
) -> int:
    """Merge the chosen open rows, waiving rules when there is a `reason`, and build what is made of them."""
    from lakehouse.engine.reopening import never_released
    from lakehouse.engine.work import Reopening
    from lakehouse.spec.scopes import Merge

    declared = opened.registry[table]
    if not isinstance(declared.write, Merge):
        raise SettingsError(
            f"{table}: its rows were set aside because they could not be decoded. Correct the file and deliver it "
            "again, then discard them."
        )
    before = _open_rows(opened, table, chosen)
    never = never_released(declared)
    if reason is not None and chosen.rule in never:
        raise SettingsError(
            f"{table}: {chosen.rule} can never be released: there is no value to merge. Correct the source."
        )
    if not before:
        return _answer(output, table, "resolved", 0, "")
    names = [name for name in opened.registry.tables if name in {table, *opened.registry.downstream([table])}]
    reopening = Reopening(table, chosen, releases=reason is not None, reason=reason)
    request = replace(make_request(logical_date), reopen=reopening)
    code = run_and_show(replace(opened, names=names), request, output, wait)
    left = _open_rows(opened, table, chosen)
    said = f"{table}: {before - left:,} of {before:,} rows are resolved"
    if left:
        said += (
            f", {left:,} stay open. {', '.join(never)} can never be released." if reason else f", {left:,} stay open."
        )
    if output is Output.JSON:
        return complain(said, code)
    typer.echo(said)
    return code


def add_commands(app: typer.Typer) -> None:
    """Make them commands of `app`."""
    for command in (assign, discard, release, retry):
        app.command(command.__name__)(guarded(command))
