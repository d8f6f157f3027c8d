"""The application behind the made-up claims database: it writes to one SQLite file while others read it.

`python -m lakehouse.demo.meridian_writer FILE SEED CLAIMS_PER_DAY DAYS FIRST_DAY` makes the file and obeys the lines of
its standard input: `before <day>`, `commit`, `after`. Each is answered by `done` once it is. When the input ends, what
is open is rolled back.
"""

import signal
import sqlite3
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Final

from lakehouse.demo.deliveries import COLUMNS
from lakehouse.demo.meridian_script import Transaction, day_of
from lakehouse.demo.row import KEYS, Row, Value, cell
from lakehouse.demo.script import DemoSpec

DONE: Final = "done"
SERVER_TABLES: Final = {
    "claims": "Claims",
    "claim_lines": "ClaimLines",
    "payments": "Payments",
    "adjustments": "PaymentAdjustments",
    "providers": "Providers",
    "eligibility": "Eligibility",
    "denial_codes": "DenialCodes",
}
WRITTEN: Final = {
    feed: tuple(c for c in COLUMNS[feed] if c not in ("source_sequence", "is_deleted")) for feed in COLUMNS
}
"""Feed -> the columns its rows have; a row that leaves one out empties it."""


def tables_script() -> str:
    """The statements that make the tables."""
    return (files("lakehouse.bronze.sqlserver") / "ddl" / "sqlite.sql").read_text(encoding="utf-8")


class Writer:
    """One connection that applies a specification's transactions.

    Attributes:
        spec: what is written.
        file: of the database; made with its tables when it is missing.
    """

    def __init__(self, spec: DemoSpec, file: Path) -> None:
        self.spec, self.file = spec, file
        self._waiting: deque[Transaction] = deque()
        is_new = not file.exists()
        file.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(file, isolation_level=None)
        if is_new:
            self._connection.executescript(tables_script())
        # The file is thrown away with the demo: nobody waits for the disk.
        self._connection.execute("PRAGMA synchronous = OFF")

    def before_run(self, day: int) -> None:
        """Write what is over before the day's run, and leave the transaction open that outlasts it."""
        written = day_of(self.spec, day)
        for transaction in written.before:
            self._apply(transaction)
        self._waiting = deque(written.during)
        if written.held.rows:
            self._begin(written.held.rows)

    def commit_next(self) -> None:
        """Commit the next of the transactions that fall into the run; nothing when there is none left."""
        if self._waiting:
            self._apply(self._waiting.popleft())

    def after_run(self) -> None:
        """Commit everything that the run was not to wait for."""
        if self._connection.in_transaction:
            self._connection.execute("COMMIT")
        while self._waiting:
            self.commit_next()

    def close(self) -> None:
        """End the connection; an open transaction is rolled back."""
        self._connection.close()

    def _apply(self, transaction: Transaction) -> None:
        self._begin(transaction.rows)
        self._connection.execute("ROLLBACK" if transaction.is_undone else "COMMIT")

    def _begin(self, rows: Iterable[Row]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for row in rows:
            statement, values = statement_of(row)
            self._connection.execute(statement, values)


def statement_of(row: Row) -> tuple[str, list[str | int | None]]:
    """The statement that writes a row, and its parameters."""
    table, key = SERVER_TABLES[row.feed], KEYS[row.feed]
    if row.flag("is_deleted"):
        condition = " AND ".join(f"{_column(name)} = ?" for name in key)
        return f"DELETE FROM {table} WHERE {condition}", [_stored(row, name) for name in key]
    columns = WRITTEN[row.feed]
    names, marks = ", ".join(map(_column, columns)), ", ".join("?" * len(columns))
    changes = ", ".join(f"{_column(c)} = excluded.{_column(c)}" for c in columns if c not in key)
    conflict = ", ".join(map(_column, key))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks}) ON CONFLICT ({conflict}) DO UPDATE SET {changes}"
    return statement, [_stored(row, name) for name in columns]


def _column(name: str) -> str:
    """A column on the server, whose names are compared without case: `claim_id` is ClaimID."""
    return "ModifiedDate" if name == "modified_at" else name.replace("_", "")


def _stored(row: Row, name: str) -> str | int | None:
    """A value as SQLite keeps it; text stands as untidily as the sender wrote it."""
    value: Value = row.values.get(name)
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%f")
    if isinstance(value, str):
        return row.as_sent.get(name, value)
    return cell(value) or None


def main(arguments: Sequence[str]) -> None:
    """Write on command until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started this process says when it ends
    file, seed, claims_per_day, days, first_day = arguments
    spec = DemoSpec(int(seed), int(claims_per_day), int(days), date.fromisoformat(first_day))
    writer = Writer(spec, Path(file))
    for line in sys.stdin:
        command, *day = line.split()
        if command == "before":
            writer.before_run(int(day[0]))
        elif command == "commit":
            writer.commit_next()
        else:
            writer.after_run()
        sys.stdout.write(f"{DONE}\n")
        sys.stdout.flush()
    writer.close()


if __name__ == "__main__":
    main(sys.argv[1:])
