"""The lake of a demo against what the answer keys of its networks say together."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Final

from lakehouse.demo.answers import NETWORK, AnswerKey
from lakehouse.demo.meridian import NETWORK as DATABASE_NETWORK
from lakehouse.demo.meridian import DatabaseKey
from lakehouse.demo.revenue import RevenueKey, RevenueRow, Tally, span_text, version_text

REVENUE: Final = "gold.revenue_by_payer"
REVENUE_KEY: Final = ("service_month", "network", "payer_code")
REVENUE_AMOUNTS: Final = tuple(f.name for f in fields(RevenueRow))
COUNTED: Final[Mapping[str, tuple[str, ...]]] = {
    "final_status": ("silver.claim_final", "final_status"),
    "initial_denial_outcome": ("silver.claim_final", "initial_denial_outcome"),
    "elig_status": ("silver.claim_final", "elig_status"),
    "version_state": ("silver.claim_family", "version_state"),
    "remittance": ("silver.remittance", "is_duplicate", "reversal_match"),
    "span": (
        "silver.eligibility_span", "payer_name", "plan_name", "span_start_date", "span_end_date", "known_to",
    ),
    "provider": ("silver.provider", "provider_id", "location_id", "valid_from", "valid_to", "specialty"),
}  # fmt: skip
"""What is counted -> its table and the columns, besides `network`, that say as what a row counts."""
Cells = Mapping[str, object]
RowCounts = Mapping[tuple[str, str], tuple[int, int]]
"""(table, network) -> live rows, tombstones."""


@dataclass(frozen=True)
class Found:
    """What the lake holds; see `Expected`.

    Attributes:
        revenue: rows of gold.revenue_by_payer.
    """

    rows: RowCounts
    set_aside: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]
    tallies: Mapping[Tally, int]
    revenue: Iterable[Cells]


@dataclass(frozen=True)
class Expected:
    """What must be true of the lake, all networks together.

    Attributes:
        rows: of the Silver tables.
        set_aside: table -> rows in its quarantine.
        reasons: (table, rule) -> rows in its quarantine that break it.
        tallies: what is counted of Silver, network, value -> how many.
        revenue: rows of gold.revenue_by_payer by their key.
    """

    rows: RowCounts
    set_aside: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]
    tallies: Mapping[Tally, int]
    revenue: Mapping[RevenueKey, RevenueRow]


def expected_of(files: AnswerKey, database: DatabaseKey | None) -> Expected:
    """The keys as one. Nothing of a database is set aside: its types let nothing unreadable in."""
    aside = Counter(row.table for row in files.quarantined)
    for (feed, _), count in files.undecodable_rows.items():
        aside[f"bronze.{NETWORK}_{feed}"] += count
    rows = {(table, NETWORK): (live, files.deleted_rows[table]) for table, live in files.live_rows.items()}
    revenue, tallies = dict(files.revenue_by_payer), dict(files.tallies)
    if database is not None:
        for table, live in database.live_rows.items():
            rows[table, DATABASE_NETWORK] = (live, database.deleted_rows[table])
        revenue |= database.revenue_by_payer
        tallies |= database.tallies
    return Expected(rows, dict(aside), files.reasons, tallies, revenue)


def differences(expected: Expected, tables: Iterable[str], found: Found) -> list[str]:
    """Each disagreement in words; made-up data, so amounts may be shown.

    Args:
        expected: what the keys say.
        tables: those that the lake has; of others nothing is expected.
        found: what the lake holds.
    """
    there = set(tables)
    told = []
    for (table, network), (live, deleted) in expected.rows.items():
        rows = found.rows.get((table, network), (0, 0))
        if table in there and rows != (live, deleted):
            told.append(
                f"{table} of {network}: {rows[0]} live rows, {rows[1]} tombstones; expected {live} and {deleted}"
            )
    for table in sorted(there & (found.set_aside.keys() | expected.set_aside.keys())):
        rows_aside, wanted = found.set_aside.get(table, 0), expected.set_aside.get(table, 0)
        if rows_aside != wanted:
            told.append(f"{table}: {rows_aside} rows set aside, expected {wanted}")
    told += _reason_differences(*({r: n for r, n in of.reasons.items() if r[0] in there} for of in (expected, found)))
    counted = {what for what, (table, *_) in COUNTED.items() if table in there}
    told += _tally_differences(*({t: n for t, n in of.tallies.items() if t[0] in counted} for of in (expected, found)))
    return told + _revenue_differences(expected.revenue, found.revenue)


def _reason_differences(wanted: Mapping[tuple[str, str], int], found: Mapping[tuple[str, str], int]) -> list[str]:
    """Of the rules that rows are spoiled for; a row set aside may also break rules that only warn."""
    rules = {rule for _, rule in wanted}
    asked = {reason for reason in found if reason[1] in rules} | wanted.keys()
    return [
        f"{table}: {found.get((table, rule), 0)} rows set aside for {rule}, expected {wanted.get((table, rule), 0)}"
        for table, rule in sorted(asked)
        if found.get((table, rule), 0) != wanted.get((table, rule), 0)
    ]


def _tally_differences(wanted: Mapping[Tally, int], found: Mapping[Tally, int]) -> list[str]:
    return [
        f"{COUNTED[tally[0]][0]} of {tally[1]}, {tally[0]} {tally[2]}: {found.get(tally, 0)} rows, "
        f"expected {wanted.get(tally, 0)}"
        for tally in sorted(wanted.keys() | found.keys())
        if found.get(tally, 0) != wanted.get(tally, 0)
    ]


def counted_value(what: str, row: Cells) -> str | None:
    """What a row is counted as; None when it is not counted. `row` has the columns that `COUNTED` names."""
    if what == "span":
        cells = [row[column] for column in ("payer_name", "plan_name", "span_start_date", "span_end_date")]
        return None if row["known_to"] else span_text(*cells)
    if what == "provider":
        return version_text(*(row[c] for c in ("provider_id", "location_id", "valid_from", "valid_to", "specialty")))
    if what == "remittance":
        match = row["reversal_match"]
        return "said again" if row["is_duplicate"] else f"reversal {match}" if match else None
    return str(row[what] or "none")


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
