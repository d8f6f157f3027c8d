"""What went wrong at a server or driver, by its codes alone: a driver's own text quotes values, users and hosts."""

import re
from enum import Enum
from typing import Final

from lakehouse.errors import LakehouseError, SettingsError, SourceError


class Kind(Enum):
    """What a failure means for the one who reads: the sentence, and whether trying again can help."""

    UNREACHABLE = "the server did not answer. Check that it runs and can be reached from here, and {connection}"
    LOST = "the connection was lost while reading, again and again. Run again; if it stays, look at the server's log"
    CONTENDED = "the read lost to other transactions (deadlock, lock or snapshot conflict), again and again. Run again"
    REFUSED = "the login was refused. Check user and password in the secret that {connection} names"
    NO_DATABASE = "there is no such database. Check the database's name in the secret that {connection} names"
    DRIVER = "the ODBC driver is not installed. Install it, or correct its name in the secret that {connection} names"
    NO_ODBC = "unixODBC is not installed (libodbc.so.2). Install it, and the server's ODBC driver"
    TLS = (
        "the server's certificate or encryption was refused. Install the authority that signed it, and check the "
        "encryption words in the secret that {connection} names"
    )
    TIMEOUT = "a statement took longer than {sql}.query_timeout_seconds. Raise it, or lower {sql}.window_rows"
    RIGHTS = "the login may not read this table. Grant it SELECT (and VIEW CHANGE TRACKING where that is used)"
    SECONDARY = (
        "Change Tracking is not answered by a secondary replica. Say ApplicationIntent=ReadWrite in the secret that "
        "{connection} names, or set {sql}.signals to another signal"
    )
    SNAPSHOT = (
        "Change Tracking is read under snapshot isolation. Let the database allow it (ALLOW_SNAPSHOT_ISOLATION ON)"
    )
    FORGOTTEN = "the server forgot changes of this window before it was read. Run again: the table is then read whole"
    TOO_LONG = "a value has more than 64 million characters. Shorten it in the source"
    BAD_TEXT = "a text is not Unicode. Correct it in the source"
    OTHER = "the server refused a statement. Check {sql}.dbms, the table and the login's rights"


TRANSIENT: Final = frozenset({Kind.UNREACHABLE, Kind.LOST, Kind.CONTENDED})
"""Trying again can help."""
_OF_SETTINGS: Final = frozenset({Kind.DRIVER, Kind.NO_ODBC, Kind.REFUSED, Kind.NO_DATABASE, Kind.TLS})
_BY_STATE: Final = {
    "28000": Kind.REFUSED,
    "28P01": Kind.REFUSED,
    "3D000": Kind.NO_DATABASE,
    "IM002": Kind.DRIVER,
    "IM003": Kind.DRIVER,
    "IM004": Kind.DRIVER,
    "HYT00": Kind.TIMEOUT,
    "HYT01": Kind.LOST,
    "S1T00": Kind.TIMEOUT,
    "57014": Kind.TIMEOUT,
    "57P01": Kind.LOST,
    "57P02": Kind.LOST,
    "57P03": Kind.UNREACHABLE,
    "57P05": Kind.LOST,
    "25P03": Kind.LOST,
    "53300": Kind.UNREACHABLE,
    "40001": Kind.CONTENDED,
    "40P01": Kind.CONTENDED,
    "55P03": Kind.CONTENDED,
    "42501": Kind.RIGHTS,
}
_CODES = re.compile(r"State: (\w{5}), Native error: (-?\d+)")
_OF_PYODBC = re.compile(r"\((-?\d+)\) \(SQL\w+\)")


class DriverFailure(Exception):
    """A failure by its codes. It never holds the driver's text, and is raised outside the handler that saw it.

    Attributes:
        kind: what it means.
        state: SQLSTATE; empty when there was none.
        native: the server's own number; 0 when there was none.
    """

    def __init__(self, kind: Kind, state: str = "", native: int = 0) -> None:
        super().__init__(f"{kind.name} {state} {native}")
        self.kind = kind
        self.state = state
        self.native = native

    @property
    def is_transient(self) -> bool:
        """Whether trying again can help."""
        return self.kind in TRANSIENT


def codes(message: str) -> tuple[str, int]:
    """SQLSTATE and native number in a driver's message; empty and 0 when it has none."""
    if found := _CODES.search(message):
        return found[1], int(found[2])
    state = re.match(r"\('?(\w{5})'|\[(\w{5})\]", message)
    native = _OF_PYODBC.search(message)
    return (state[1] or state[2]) if state else "", int(native[1]) if native else 0


def by_state(state: str, message: str, is_login: bool) -> Kind:
    """What a failure means by what all servers share.

    Args:
        state: SQLSTATE.
        message: the driver's text, only searched for a few fixed phrases.
        is_login: it came up while connecting.
    """
    if "too large to be written into the allocated buffer" in message or "does require up to" in message:
        return Kind.TOO_LONG
    if "invalid UTF-8" in message or "invalid UTF-16" in message:
        return Kind.BAD_TEXT
    if "Can't open lib" in message:
        return Kind.DRIVER
    if is_login and state in ("HYT00", "HYT01", "S1T00"):
        return Kind.UNREACHABLE
    if state.startswith("08"):
        return Kind.UNREACHABLE if is_login else Kind.LOST
    return _BY_STATE.get(state, Kind.OTHER)


def as_error(failure: DriverFailure, network: str, driver: str, place: str) -> LakehouseError:
    """The sentence for people.

    Args:
        failure: what happened, after the last attempt.
        network: whose database.
        driver: name of the ODBC driver.
        place: table that was read; empty when none was yet.
    """
    setting = f"networks.{network}"
    said = failure.kind.value.format(connection=f"{setting}.connection", sql=f"{setting}.sql")
    found = f" (SQLSTATE {failure.state}, native error {failure.native})" if failure.state else ""
    kind = SettingsError if failure.kind in _OF_SETTINGS else SourceError
    return kind(f"network {network}{place and f', table {place}'}, ODBC driver {driver}: {said}{found}")
