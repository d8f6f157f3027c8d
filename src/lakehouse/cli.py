"""`lakehouse`: one console script over the functions that jobs and notebooks use."""

import signal
from collections.abc import Sequence

import typer

from lakehouse import __version__
from lakehouse.commands import (
    audit,
    check,
    codes,
    demo,
    freshness,
    lineage,
    plan,
    quarantine,
    rules,
    run,
    status,
    steward,
)
from lakehouse.commands.edge import ConfigOption, EnvOption, Place, guarded, stop_at_once

app = typer.Typer(
    help="Claims in, reconciled Delta tables out.",
    epilog="Exit codes: 0 good, 1 data or check failure, 2 usage or settings, 3 everything else.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    env: EnvOption = None,
    config: ConfigOption = None,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),
) -> None:
    """Claims in, reconciled Delta tables out."""
    context.obj = Place(env, config)


app.command("plan")(guarded(plan.plan))
app.command("run")(guarded(run.run))
app.command("status")(guarded(status.status))
app.command("freshness")(guarded(freshness.freshness))
app.command("lineage")(guarded(lineage.lineage))
steward.add_commands(quarantine.app)
app.add_typer(quarantine.app, name="quarantine")
app.command("codes")(guarded(codes.codes))
app.add_typer(audit.app, name="audit")
app.command("check")(guarded(check.check))
app.command("rules")(guarded(rules.rules))
app.command("demo")(guarded(demo.demo))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and end the process with its exit code.

    Args:
        arguments: what follows `lakehouse` on the command line; None takes those of this process.
    """
    before = signal.signal(signal.SIGINT, stop_at_once)
    try:
        app(args=None if arguments is None else list(arguments), prog_name="lakehouse")
    finally:
        signal.signal(signal.SIGINT, before)
