"""Every error this package raises on purpose.

A message names the thing, says what was expected and what was found, and what to do next. It never holds a value of
a row: rows may be PHI, and logs are read more widely than tables.
"""

from pathlib import Path
from traceback import extract_tb


class LakehouseError(Exception):
    """Base of all errors raised on purpose; the command line prints its text without a trace. Exit code 3."""

    exit_code = 3


class DeclarationError(LakehouseError):
    """A table, feed or contract is declared in a way that cannot work. Raised at import."""

    exit_code = 2


class SettingsError(LakehouseError):
    """Settings or command line are wrong: unknown key, unknown environment, unknown table. Exit code 2."""

    exit_code = 2


class SourceError(LakehouseError):
    """A source could not be read as declared: folder missing, required column missing, unreadable file. Exit code 1."""

    exit_code = 1


class SchemaError(LakehouseError):
    """A transform returned other columns than its table declares. Exit code 1."""

    exit_code = 1


class ExpectationError(LakehouseError):
    """An expectation with the consequence `fail` did not hold. Exit code 1."""

    exit_code = 1


class BalanceError(LakehouseError):
    """Rows or money do not tie out. Exit code 1."""

    exit_code = 1


class LogError(LakehouseError):
    """A Delta log is damaged or was changed by someone else in a way that must not be guessed about. Exit code 3."""


class CommitError(LakehouseError):
    """A write did not end in the commit it should have made: skipped, or answered unclearly. Exit code 3."""


class AlertError(LakehouseError):
    """A target of alerts could not be told."""


class LeaseError(LakehouseError):
    """Another run holds a lease this one needs, or took over one it had. Exit code 3."""


def describe(error: Exception) -> str:
    """An error that is none of ours, by class, condition and place alone: its own text may quote a row's values."""
    condition = getattr(error, "getCondition", lambda: None)()
    ours = [f for f in extract_tb(error.__traceback__) if "lakehouse" in Path(f.filename).parts]
    place = f" in {Path(ours[-1].filename).name}, line {ours[-1].lineno}" if ours else ""
    return (
        f"stopped by {type(error).__name__}{f' [{condition}]' if condition else ''}{place}. Its own text is not shown, "
        "since it may quote a row's values."
    )
