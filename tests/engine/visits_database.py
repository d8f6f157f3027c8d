"""A sender's database of visits on SQLite: every write numbers and stamps its rows, as triggers would."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COLUMNS = ("VisitID", "EpisodeID", "MemberID", "ServiceDate", "Amount", "PayerName", "ModifiedDate")
FIRST_STAMP = "2026-01-10T08:00:00.000000"


class VisitsDatabase:
    """Table `Visits`, with the column `RowVersion` unless told otherwise."""

    def __init__(self, path: Path, *, numbered: bool = True) -> None:
        self.path = path
        self.numbered = numbered
        with self.open() as connection:
            number = ", RowVersion INTEGER NOT NULL" if numbered else ""
            connection.execute(
                "CREATE TABLE Visits (VisitID TEXT PRIMARY KEY, EpisodeID TEXT, MemberID TEXT, ServiceDate TEXT, "
                f"Amount TEXT, PayerName TEXT, ModifiedDate TEXT{number})"
            )
            connection.execute("CREATE TABLE Numbers (last INTEGER)")
            connection.execute("INSERT INTO Numbers VALUES (0)")

    @contextmanager
    def open(self) -> Iterator[sqlite3.Connection]:
        """One transaction, committed at the end."""
        connection = sqlite3.connect(self.path, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            yield connection
            connection.execute("COMMIT")
        finally:
            connection.close()

    def put(self, visit_id: str, amount: str = "100.00", stamp: str = FIRST_STAMP, **columns: str | None) -> None:
        """Insert a visit, or replace it whole."""
        with self.open() as connection:
            put(connection, visit_id, amount, stamp, numbered=self.numbered, **columns)

    def delete(self, visit_id: str) -> None:
        """Remove a visit; nothing tells of it."""
        self.execute("DELETE FROM Visits WHERE VisitID = ?", visit_id)

    def execute(self, statement: str, *values: str) -> None:
        """One statement in a transaction of its own."""
        with self.open() as connection:
            connection.execute(statement, values)

    def rows(self) -> dict[str, str]:
        """Visit -> amount, as they are now."""
        with self.open() as connection:
            return dict(connection.execute("SELECT VisitID, Amount FROM Visits").fetchall())


def put(
    connection: sqlite3.Connection,
    visit_id: str,
    amount: str = "100.00",
    stamp: str | None = FIRST_STAMP,
    *,
    numbered: bool = True,
    **columns: str | None,
) -> None:
    """As `VisitsDatabase.put`, within a transaction of the caller."""
    given = {
        "VisitID": visit_id,
        "EpisodeID": f"E-{visit_id}",
        "MemberID": f"M-{visit_id}",
        "ServiceDate": "2026-01-10",
        "Amount": amount,
        "PayerName": "Aetna",
        "ModifiedDate": stamp,
        **columns,
    }
    values: list[object] = [given[c] for c in COLUMNS]
    names = list(COLUMNS)
    if numbered:
        connection.execute("UPDATE Numbers SET last = last + 1")
        values.append(connection.execute("SELECT last FROM Numbers").fetchone()[0])
        names.append("RowVersion")
    marks = ", ".join("?" for _ in names)
    connection.execute(f"INSERT OR REPLACE INTO Visits ({', '.join(names)}) VALUES ({marks})", values)
