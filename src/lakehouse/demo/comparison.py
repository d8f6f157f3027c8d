"""The lake of a demo against what the answer keys of its networks say together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Final

from lakehouse.demo.answers import NETWORK, AnswerKey
from lakehouse.demo.meridian import NETWORK as DATABASE_NETWORK
from lakehouse.demo.meridian import DatabaseKey
from lakehouse.demo.revenue import RevenueKey, RevenueRow

REVENUE: Final = "gold.revenue_by_payer"
REVENUE_KEY: Final = ("service_month", "network", "payer_code")
REVENUE_AMOUNTS: Final = tuple(f.name for f in fields(RevenueRow))
Cells = Mapping[str, object]
RowCounts = Mapping[tuple[str, str], tuple[int, int]]
"""(table, network) -> live rows, tombstones."""


@dataclass(frozen=True)
class Expected:
    """What must be true of the lake, all networks together.

    Attributes:
        rows: of the Silver tables.
        set_aside: table -> rows in its quarantine.
        revenue: rows of gold.revenue_by_payer by their key.
    """

    rows: RowCounts
    set_aside: Mapping[str, int]
    revenue: Mapping[RevenueKey, RevenueRow]


def expected_of(files: AnswerKey, database: DatabaseKey | None) -> Expected:
    """The keys as one. Nothing of a database is set aside: its types let nothing unreadable in."""
    aside = Counter(row.table for row in files.quarantined)
    for (feed, _), count in files.undecodable_rows.items():
        aside[f"bronze.{NETWORK}_{feed}"] += count
    rows = {(table, NETWORK): (live, files.deleted_rows[table]) for table, live in files.live_rows.items()}
    revenue = dict(files.revenue_by_payer)
    if database is not None:
        for table, live in database.live_rows.items():
            rows[table, DATABASE_NETWORK] = (live, database.deleted_rows[table])
        revenue |= database.revenue_by_payer
    return Expected(rows, dict(aside), revenue)


def differences(
    expected: Expected, tables: Iterable[str], counts: RowCounts, aside: Mapping[str, int], revenue: Iterable[Cells]
) -> list[str]:
    """Each disagreement in words; made-up data, so amounts may be shown.

    Args:
        expected: what the keys say.
        tables: those that the lake has; of others nothing is expected.
        counts: rows found in the Silver tables.
        aside: table -> open rows found in its quarantine.
        revenue: rows found of gold.revenue_by_payer.
    """
    there = set(tables)
    found = []
    for (table, network), (live, deleted) in expected.rows.items():
        rows = counts.get((table, network), (0, 0))
        if table in there and rows != (live, deleted):
            found.append(
                f"{table} of {network}: {rows[0]} live rows, {rows[1]} tombstones; expected {live} and {deleted}"
            )
    for table in sorted(there & (aside.keys() | expected.set_aside.keys())):
        rows_aside, wanted = aside.get(table, 0), expected.set_aside.get(table, 0)
        if rows_aside != wanted:
            found.append(f"{table}: {rows_aside} rows set aside, expected {wanted}")
    return found + _revenue_differences(expected.revenue, revenue)


def _revenue_differences(expected: Mapping[RevenueKey, RevenueRow], revenue: Iterable[Cells]) -> list[str]:
    stored = {tuple(row[column] for column in REVENUE_KEY): row for row in revenue}
    found = [f"{REVENUE}: unexpected group {_name(group)}" for group in stored if group not in expected]
    for group, wanted in expected.items():
        row = stored.get(group)
        if row is None:
            found.append(f"{REVENUE}: group {_name(group)} is missing")
            continue
        for column in REVENUE_AMOUNTS:
            if (row[column] or Decimal(0)) != getattr(wanted, column):
                found.append(f"{REVENUE} {_name(group)}: {column} {row[column]}, expected {getattr(wanted, column)}")
    return found


def _name(group: tuple[object, ...]) -> str:
    return " ".join(str(part) for part in group)
