"""What the three kinds of server have in common, and the few questions they answer differently."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pyarrow as pa

from lakehouse.errors import SourceError
from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.connection_text import ConnectionText
from lakehouse.storage.odbc.failures import Kind

WHOLE: Final = -1
"""Length of a text column that has no limit."""


@dataclass(frozen=True)
class Statement:
    """SQL whose every value is a `?`, and the values as text.

    Attributes:
        text: SQL; names in it come from the server's catalogue and are quoted.
        parameters: one for each `?`, in order.
        width: columns of its answer, all text.
    """

    text: str
    parameters: tuple[str | None, ...] = ()
    width: int = 1


@dataclass(frozen=True)
class ServerColumn:
    """One column as the server's catalogue describes it.

    Attributes:
        name: its real spelling.
        type: base type in lower case, without length (`varchar`, `numeric`, `xid8`).
        length: most characters (text) or bytes (binary); `WHOLE` without limit, 0 where it has no meaning.
        precision, scale: of exact numbers; 0 where they have none.
        is_nullable: it may hold nulls.
    """

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    is_nullable: bool = True


@dataclass(frozen=True)
class ServerTable:
    """One table or view as the server's catalogue describes it; `schema` is empty where there are none."""

    schema: str
    name: str
    columns: tuple[ServerColumn, ...]

    @property
    def shown(self) -> str:
        """Its name for people: `dbo.Claims`."""
        return f"{self.schema}.{self.name}" if self.schema else self.name

    def column(self, name: str) -> ServerColumn:
        """The column of that very name."""
        return next(column for column in self.columns if column.name == name)


Finish = Callable[[pa.Array], pa.Array]
"""Turns what the driver handed over into the final text."""


@dataclass(frozen=True)
class Rendering:
    """A column as text: the SQL expression, and what is left to do once it has arrived."""

    expression: str
    finish: Finish | None = None


@dataclass(frozen=True)
class SignalRule:
    """How one change signal of one table is asked for. Expressions are over the table's alias `t`.

    Attributes:
        signal: its name.
        bound: a row of the bound and the server's clock (UTC), both text.
        value: what is compared with the ends of a window.
        parameter: a `?` of the same type.
        least: the least of many values as a bound's text, over the alias `s`.
        unstamped: condition of rows without a value; None where there can be none.
        column: the column it reads.
        may_go_back: its bound falls when rows are deleted.
    """

    signal: str
    bound: Statement
    value: str
    parameter: str
    least: str
    unstamped: str | None
    column: str
    may_go_back: bool = False


class Dialect(Protocol):
    """One kind of server."""

    @property
    def is_wide(self) -> bool:
        """Its driver hands text over as UTF-16; else as UTF-8."""

    @property
    def takes_query_timeout(self) -> bool:
        """Its driver can be told the limit of a statement through ODBC."""

    @property
    def longest_name(self) -> int:
        """Most characters of an identifier."""

    @property
    def count_all(self) -> str:
        """The aggregate that counts rows in 64 bits."""

    def quote(self, name: str) -> str:
        """A name of the catalogue as an identifier."""

    def connection_defaults(self, text: ConnectionText) -> Mapping[str, str]:
        """What is added to a connection string that does not say it."""

    def connection_refusal(self, text: ConnectionText) -> str | None:
        """Why this connection string is not used; None when it may be."""

    def session_statements(self, settings: SqlSettings) -> tuple[str, ...]:
        """What is said once on every new connection."""

    def failure_kind(self, state: str, native: int, message: str) -> Kind | None:
        """What a failure of this server's own means; None leaves it to the SQLSTATE."""

    def tables(self, schema: str) -> Statement:
        """The names of the schema's tables and views."""

    def columns(self, schema: str, table: str) -> Statement:
        """Schema, table, column, type, length, precision, scale and `true`/`false` nullable, of every spelling."""

    def from_catalogue(self, row: Sequence[str | None]) -> ServerColumn:
        """A column from a row of `columns`."""

    def render(self, column: ServerColumn, alias: str = "t") -> Rendering:
        """A column as text."""

    def parameter(self, column: ServerColumn) -> str | None:
        """A `?` of the column's type, to compare it with; None where its text is no good for that."""

    def clock(self) -> Statement:
        """The server's clock, UTC, as text of STAMP_FORMAT."""

    def row_version(self, table: ServerTable, sequence: ServerColumn | None) -> ServerColumn | None:
        """The column the server numbers changes in: its own kind of column, or the declared one if it will do."""

    def row_version_rule(self, table: ServerTable, column: ServerColumn) -> SignalRule:
        """How windows of the row version are asked for."""

    def stamp_rule(self, column: ServerColumn, settings: SqlSettings) -> SignalRule | None:
        """How windows of a stamp are asked for; None where the column holds no instants."""

    def month(self, column: ServerColumn) -> str:
        """`YYYY-MM` of a date column, null where it is no date."""

    def exact_sum(self, column: ServerColumn) -> str:
        """The exact sum of a money column as text; values that are no numbers are left out."""


def checked_name(name: str, longest: int) -> str:
    """A name that may be quoted. It came from the catalogue, so this fails only if something is badly wrong.

    Raises:
        SourceError: it is empty, too long, or holds a NUL.
    """
    if not name or len(name) > longest or "\0" in name:
        raise SourceError(f"a name of the server's catalogue has {len(name)} characters or a NUL; it cannot be quoted")
    return name


def quoted(name: str, longest: int) -> str:
    """An identifier in the standard's double quotes."""
    return '"' + checked_name(name, longest).replace('"', '""') + '"'


def shortest_double(texts: pa.Array) -> pa.Array:
    """Texts of double precision numbers as the shortest ones that read back the same."""
    return texts.cast(pa.float64()).cast(pa.string())


def shortest_single(texts: pa.Array) -> pa.Array:
    """Texts of single precision numbers as the shortest ones that read back the same."""
    return texts.cast(pa.float32()).cast(pa.string())


def squeezed(name: str) -> str:
    """A column's name for comparing: letters and digits, lower case. `claim_id` is `ClaimID`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())
