"""Spans of a database's changes, as plain values."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

ROWVERSION: Final = "rowversion"
CHANGE_TRACKING: Final = "change_tracking"
MODIFIED_DATE: Final = "modified_date"

STAMP_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%f"
"""How a bound of `modified_date` is written: in the clock that stamps the rows, microseconds. Others are integers."""


@dataclass(frozen=True)
class Window:
    """A half-open span of a database's change signal, fixed before it is read.

    Attributes:
        signal: `rowversion`, `change_tracking` or `modified_date`.
        lo: the first value in it, as text; None for all from the beginning.
        hi: the first value no longer in it, as text.
        takes_unstamped: rows without a value of the signal are read too; they belong to every newest window.
    """

    signal: str
    lo: str | None
    hi: str
    takes_unstamped: bool = False


@dataclass(frozen=True)
class Bound:
    """What a server said before a window was read.

    Attributes:
        signal: what `hi` is a value of.
        hi: the first value that is not in the window, as text.
        read_at: the server's clock, UTC.
        may_go_back: it is lower once the row with the greatest number was deleted, so a lower one tells nothing.
    """

    signal: str
    hi: str
    read_at: datetime
    may_go_back: bool = False
