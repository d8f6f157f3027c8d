"""What every command shares: its common options, opening the lake, the clock, and how an error leaves the process.

Nothing here or in a command imports Spark's session at module level: a command that only reads state starts no JVM.
"""

import functools
import json
import os
import secrets
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, ParamSpec

import typer

from lakehouse.errors import LakehouseError, SettingsError, describe

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from lakehouse.engine.work import Request
    from lakehouse.settings import Settings
    from lakehouse.spec.registry import Registry
    from lakehouse.storage.log import Logs

P = ParamSpec("P")
INTERRUPTED = "stopped by Ctrl-C: every table is as its last commit left it. Give the same command again to go on."

SHOW_CURSOR = "\x1b[?25h"  # a live line hides it


class Output(StrEnum):
    """Form of a command's answer."""

    TEXT = "text"
    JSON = "json"


DAY, DAY_SHOWN = ["%Y-%m-%d"], "YYYY-MM-DD"

EnvOption = Annotated[
    str | None, typer.Option("--env", metavar="ENV", help="Environment: a file conf/ENV.toml.", show_default=False)
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="One TOML file in place of a named environment.")
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option(
        "--select",
        "-s",
        metavar="TERM",
        help="Tables: name, +name, name+, layer:gold, network:harbor, tag:claims; may be repeated.",
    ),
]
ExcludeOption = Annotated[
    list[str] | None, typer.Option("--exclude", metavar="TERM", help="Tables to leave out; may be repeated.")
]
OutputOption = Annotated[Output, typer.Option("--output", help="Form of the answer.")]
LogicalDateOption = Annotated[
    datetime | None,
    typer.Option("--logical-date", metavar=DAY_SHOWN, formats=DAY, help="Date the run is for; default: today in UTC."),
]


@dataclass(frozen=True)
class Place:
    """Where the settings are, as the options before the command say."""

    env: str | None = None
    config: Path | None = None


@dataclass(frozen=True)
class Opened:
    """A lake's settings and declared tables, and the tables that were selected.

    Attributes:
        settings: of the chosen environment.
        registry: everything declared for its networks.
        names: selected tables in build order.
    """

    settings: "Settings"
    registry: "Registry"
    names: Sequence[str]

    def logs(self) -> "Logs":
        """The logs of the lake, looked at anew."""
        from lakehouse.storage.log import Logs
        from lakehouse.storage.store import Store

        return Logs(Store(self.settings.lake.root, self.settings.lake.s3))


class SparkOnDemand:
    """Starts Spark when it is first asked for, and knows whether it was."""

    def __init__(self, settings: "Settings", app_name: str) -> None:
        self._settings = settings
        self._app_name = app_name
        self.session: SparkSession | None = None

    def __call__(self) -> "SparkSession":
        """The application's session."""
        if self.session is None:
            from lakehouse.storage.session import start_session

            # Spark's own answer to Ctrl-C cancels the jobs of the moment, and the builds go on with their next ones.
            on_interrupt = signal.getsignal(signal.SIGINT)
            self.session = start_session(self._settings.spark, self._app_name, self._settings.lake)
            signal.signal(signal.SIGINT, on_interrupt)
        return self.session


def open_lake(
    context: typer.Context,
    env: str | None,
    config: Path | None,
    select: Sequence[str] | None = None,
    exclude: Sequence[str] | None = None,
) -> Opened:
    """Load the settings that the options name, before or after the command, and select tables.

    Raises:
        SettingsError: wrong settings, both --env and --config, a changed rule that does not exist, or a term that
            selects nothing.
    """
    from lakehouse.engine.network_rules import check_rule_settings
    from lakehouse.settings import load_settings
    from lakehouse.spec.registry import Registry
    from lakehouse.spec.selection import select as selected

    place = context.obj if isinstance(context.obj, Place) else Place()
    env, config = env or place.env, config or place.config
    if env and config:
        raise SettingsError(f"both --env {env} and --config {config} were given; choose one of them.")
    settings = load_settings(env, config)
    registry = Registry.discover(settings.networks)
    check_rule_settings(registry, settings.networks)
    return Opened(settings, registry, selected(registry, tuple(select or ()), tuple(exclude or ())))


def make_request(
    logical_date: datetime | None = None,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    full_refresh: bool = False,
    reload_source: bool = False,
) -> "Request":
    """The request of this invocation; the clock is read here and nowhere below.

    Raises:
        SettingsError: the range of days holds no day.
    """
    from lakehouse.engine.work import Request

    if start and end and end <= start:
        raise SettingsError(f"--start {start:%Y-%m-%d} --end {end:%Y-%m-%d} holds no day; --end is not included.")
    now = datetime.now(UTC)
    return Request(
        run_id=f"{now:%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        logical_date=logical_date.date() if logical_date else now.date(),
        started_at=now,
        full_refresh=full_refresh,
        start=start.date() if start else None,
        end=end.date() if end else None,
        reload_source=reload_source,
    )


def guarded(command: Callable[P, int]) -> Callable[P, None]:
    """A command that returns its exit code, made into one that ends the process with it and prints no trace."""

    @functools.wraps(command)
    def guard(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except LakehouseError as error:
            code = complain(str(error), error.exit_code)
        except KeyboardInterrupt:
            code = complain(INTERRUPTED, 3)
        except Exception as error:  # the last door: whatever it is, its text may quote a row's values
            code = complain(unexpected(error), 3)
        raise typer.Exit(code)

    return guard


def unexpected(error: Exception) -> str:
    """An error that nobody foresaw, by class and place alone."""
    return f"unexpected error: {describe(error)}"


def stop_at_once(signal_number: int, frame: FrameType | None) -> None:
    """Answer to Ctrl-C: one sentence, exit code 3. A commit is whole or not there, so there is nothing to wait for."""
    if is_terminal():
        sys.stdout.write(SHOW_CURSOR)
    sys.stdout.flush()
    complain(INTERRUPTED, 3)
    os._exit(3)  # threads that build would keep the process alive until their tables are done


def complain(text: str, code: int) -> int:
    """Write to the error stream and give the exit code back."""
    typer.echo(text, err=True)
    return code


def is_terminal() -> bool:
    """Whether a person looks at the answer."""
    return sys.stdout.isatty()


def print_json(document: Mapping[str, object]) -> None:
    """One JSON document on the output stream."""
    typer.echo(json.dumps(document, default=_plain, indent=2))


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"an answer cannot hold a {type(value).__name__}")
