"""What a run says while it works: a live line for people, `key=value` lines for logs."""

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from rich.console import Console
from rich.status import Status

from lakehouse.commands.screen import console, counts_text

if TYPE_CHECKING:
    from lakehouse.engine.run import TableOutcome

SIGNS = {"built": "+", "marked": "=", "failed": "x", "blocked": "-"}


class Progress(Protocol):
    """Told of each table of a run; a context manager around it."""

    def __call__(self, name: str, event: str, outcome: "TableOutcome | None") -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class LogLines:
    """One line per finished table, for logs."""

    def __init__(self, run_id: str, *, to_errors: bool = False) -> None:
        self._run_id = run_id
        self._out = console(to_errors=to_errors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to end."""

    def __call__(self, name: str, event: str, outcome: "TableOutcome | None") -> None:
        """Write the line of a finished table."""
        if outcome is not None:
            self._out.print(log_line(self._run_id, outcome))


class LiveLine:
    """What is being built right now and, unless `quiet`, a line for each table that had work."""

    def __init__(self, waiting: str = "looking at what is due", *, quiet: bool = False) -> None:
        self._quiet = quiet
        self._out: Console = console()
        self._status: Status = self._out.status(waiting)
        self._building: list[str] = []

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def __call__(self, name: str, event: str, outcome: "TableOutcome | None") -> None:
        """Show that a table started, or how it ended."""
        if outcome is None:
            self._building.append(name)
        elif name in self._building:
            self._building.remove(name)
        if outcome is not None and str(outcome.outcome) in SIGNS and not self._quiet:
            self._out.print(_line(outcome))
        self._status.update(f"building {', '.join(self._building)}" if self._building else "working")


def log_line(run_id: str, outcome: "TableOutcome") -> str:
    """A finished table as `key=value` pairs: run_id, table, outcome, seconds, rows by class, version."""
    pairs = {
        "run_id": run_id,
        "table": outcome.table,
        "outcome": str(outcome.outcome),
        "seconds": f"{outcome.seconds:.1f}",
    }
    if outcome.result is not None:
        pairs |= {name: str(count) for name, count in outcome.result.counts.items()}
        pairs["version"] = str(outcome.result.version)
    if outcome.blocked_by:
        pairs["blocked_by"] = ",".join(outcome.blocked_by)
    return " ".join(f"{key}={value}" for key, value in pairs.items())


def _line(outcome: "TableOutcome") -> str:
    said = counts_text(outcome.result.counts.items()) if outcome.result else ""
    if outcome.blocked_by:
        said = f"after {', '.join(outcome.blocked_by)}"
    word = str(outcome.outcome)
    return f"{SIGNS[word]} {outcome.table:<34} {word:<8} {outcome.seconds:6.1f} s  {said}".rstrip()
