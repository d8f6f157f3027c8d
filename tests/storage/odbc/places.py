"""A real database of a test's own: one of the PostgreSQL server, or a SQLite file, both read over ODBC."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lakehouse.settings_networks import SqlSettings
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.database import Database
from lakehouse.storage.odbc.row_reading import StagedRows
from lakehouse.storage.odbc.source_table import SourceTable
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import Window
from servers.postgres import Postgres

CLAIM_COLUMNS = (
    RawColumn("claim_id", required=True),
    RawColumn("paid_amount"),
    RawColumn("note"),
    RawColumn("modified_at", ("modified_date",)),
    RawColumn("source_sequence", ("row_version",)),
)
CLAIMS = SqlSource("Claims")
POSTGRESQL_CLAIMS = (
    "CREATE SCHEMA dbo",
    'CREATE TABLE dbo."Claims" ("ClaimID" varchar(20), "PaidAmount" numeric(18, 4), "Note" text, '
    '"ModifiedDate" timestamp, "RowVersion" xid8 DEFAULT pg_current_xact_id())',
)
SQLITE_CLAIMS = (
    'CREATE TABLE "Claims" ("ClaimID" varchar(20), "PaidAmount" numeric(18, 4), "Note" text, '
    '"ModifiedDate" datetime, "RowVersion" integer)',
)


def no_pause(seconds: float) -> None:
    """Wait for nothing."""


@dataclass
class Place:
    """One database.

    Attributes:
        dbms: its kind.
        text: its connection string.
        settings: what every opened `Database` is told, beside its kind and schema.
    """

    dbms: str
    text: str
    settings: dict[str, int] = field(default_factory=dict)

    def run(self, *statements: str, values: Sequence[Sequence[object]] | None = None) -> None:
        """Run statements as the sender; `values` fills the `?` of the only one, row by row."""
        raise NotImplementedError

    def database(self, **settings: object) -> Database:
        """The database as the lakehouse opens it; nothing waits between attempts."""
        schema = "" if self.dbms == "sqlite" else "dbo"
        told = {"dbms": self.dbms, "database_schema": schema, **self.settings, **settings}
        return Database("north", lambda: self.text, SqlSettings.model_validate(told), pause=no_pause)

    def claims(self, **settings: object) -> SourceTable:
        """The table Claims as a feed of CLAIM_COLUMNS."""
        return self.database(**settings).table(CLAIMS, CLAIM_COLUMNS, ["claim_id"])

    def put(self, *rows: tuple[object, ...]) -> None:
        """Insert claims: ClaimID, PaidAmount, Note, ModifiedDate, RowVersion (left to PostgreSQL itself)."""
        raise NotImplementedError


@dataclass
class PostgresPlace(Place):
    """A database of the server."""

    server: Postgres | None = None
    name: str = ""

    def run(self, *statements: str, values: Sequence[Sequence[object]] | None = None) -> None:
        """See `Place.run`."""
        assert self.server is not None
        with closing(self.server.connect(self.name)) as connection:
            for statement in statements:
                if values is None:
                    connection.execute(statement)
                elif values:
                    connection.cursor().executemany(statement, values)

    def put(self, *rows: tuple[object, ...]) -> None:
        """See `Place.put`."""
        self.run('INSERT INTO dbo."Claims" VALUES (?, ?, ?, ?)', values=[row[:4] for row in rows])


@dataclass
class SqlitePlace(Place):
    """A file."""

    file: Path | None = None

    def run(self, *statements: str, values: Sequence[Sequence[object]] | None = None) -> None:
        """See `Place.run`."""
        assert self.file is not None
        with closing(sqlite3.connect(self.file, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            for statement in statements:
                if values is None:
                    connection.execute(statement)
                else:
                    connection.execute("BEGIN")
                    connection.executemany(statement, values)
                    connection.execute("COMMIT")

    def put(self, *rows: tuple[object, ...]) -> None:
        """See `Place.put`."""
        self.run('INSERT INTO "Claims" VALUES (?, ?, ?, ?, ?)', values=rows)


def sqlite_place(file: Path) -> SqlitePlace:
    """A new file."""
    return SqlitePlace("sqlite", f"DRIVER={{SQLite3}};Database={file}", file=file)


def whole(table: SourceTable) -> Window:
    """Everything there is now."""
    bound = table.bound()
    return Window(bound.signal, None, bound.hi, takes_unstamped=True)


def read(staged: StagedRows) -> pa.Table:
    """The staged rows in order of their number."""
    return pa.concat_tables([pq.read_table(path) for path in staged.paths]).sort_by("_row_number")
