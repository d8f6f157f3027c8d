"""`lakehouse run`: build what is due."""

import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import (
    DAY,
    DAY_SHOWN,
    ConfigOption,
    EnvOption,
    ExcludeOption,
    LogicalDateOption,
    Opened,
    Output,
    OutputOption,
    SelectOption,
    SparkOnDemand,
    is_terminal,
    make_request,
    open_lake,
    print_json,
)
from lakehouse.commands.plan import show_plan

if TYPE_CHECKING:
    from lakehouse.commands.progress import Progress
    from lakehouse.engine.run import RunReport
    from lakehouse.engine.work import Request
    from lakehouse.storage.log import Logs

WaitOption = Annotated[
    float, typer.Option("--wait", metavar="SECONDS", min=0, help="Wait so long for a run that writes now.")
]


def run(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    start: Annotated[
        datetime | None,
        typer.Option(metavar=DAY_SHOWN, formats=DAY, help="Rebuild from Bronze of this ingest date on."),
    ] = None,
    end: Annotated[
        datetime | None,
        typer.Option(metavar=DAY_SHOWN, formats=DAY, help="... up to this date, which is not included."),
    ] = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Rebuild Silver and Gold from all of Bronze.")
    ] = False,
    reload_source: Annotated[
        bool, typer.Option("--reload-source", help="Read deliveries (of the days given) from the source again.")
    ] = False,
    logical_date: LogicalDateOption = None,
    wait: WaitOption = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what is due, as `lakehouse plan`.")] = False,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Build what is due, in order; what depends on a failure is blocked, the rest is built.

    Starts Spark only when something is due. Exit code 1 when data, a rule or a balance is wrong.
    """
    opened = open_lake(context, env, config, select, exclude)
    request = make_request(logical_date, start=start, end=end, full_refresh=full_refresh, reload_source=reload_source)
    return show_plan(opened, request, output) if dry_run else run_and_show(opened, request, output, wait)


def run_and_show(opened: Opened, request: "Request", output: Output, wait: float = 0) -> int:
    """Run, tell what happened, leave a record; returns the exit code."""
    from lakehouse.commands.summary import run_document, summary_lines, touched
    from lakehouse.engine.record import record_run
    from lakehouse.engine.run import Run

    spark = SparkOnDemand(opened.settings, "lakehouse run")
    with ExitStack() as until_recorded:
        with _progress(request.run_id, output) as progress:
            work = Run(opened.settings, opened.registry, request, spark, progress, wait, tell)
            until_recorded.enter_context(work)
            report = work.execute(opened.names)
        impact = touched(report, opened.registry, work.lake.logs)
        if output is Output.JSON:
            print_json(run_document(report, impact))
        else:
            from lakehouse.commands.screen import console

            out = console()
            for line in summary_lines(report, impact):
                out.print(line)
        # Last, so that what happened is told even where the record cannot be written.
        record_run(report, work.lake, spark.session if work.writes_core(opened.names) else None)
        _alert(opened, report, work.lake.logs)
    return report.exit_code


def _alert(opened: Opened, report: "RunReport", logs: "Logs") -> None:
    """Tell people of failures, and of their end; what cannot be told is said here and fails nothing."""
    from lakehouse.operate.alerts import tell_failures

    settings = opened.settings
    for problem in tell_failures(settings.alerts, settings.env, report, opened.registry, logs, datetime.now(UTC)):
        tell(problem)


def tell(text: str) -> None:
    """Say what is waited for."""
    sys.stderr.write(f"{text}\n")


def _progress(run_id: str, output: Output) -> "Progress":
    from lakehouse.commands.progress import LiveLine, LogLines

    if output is Output.JSON:
        return LogLines(run_id, to_errors=True)
    return LiveLine() if is_terminal() else LogLines(run_id)
