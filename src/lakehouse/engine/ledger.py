"""Rows and money in = rows and money out, exactly, with a named reason for every difference.

*conform*: Bronze rows read = rows conformed + rows dropped by reason, and the feed's money with them. *merge*: rows
conformed = inserted + updated + unchanged + duplicate + stale + quarantined + dropped. *aggregate*: what a derived
table declares (`balance`), e.g. Gold's totals = Silver's.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import DataFrame

from lakehouse.errors import BalanceError
from lakehouse.spec.table import Table
from lakehouse.storage.log import Commit

IN, OUT = "in", "out"
_MERGE_METRICS = {
    "numTargetRowsInserted": "inserted",
    "numTargetRowsUpdated": "updated",
    "numTargetRowsDeleted": "deleted",
}
ROWS = "rows"


@dataclass(frozen=True)
class LedgerLine:
    """One amount on one side of a balance.

    Attributes:
        table: whose build.
        ledger: `conform`, `merge` or `aggregate`.
        part: network, or empty.
        measure: `rows`, or a money column.
        side: `in` or `out`.
        reason: what became of it, e.g. `inserted`.
        amount: rows, or US dollars.
    """

    table: str
    ledger: str
    part: str
    measure: str
    side: str
    reason: str
    amount: Decimal


def differences(lines: Iterable[LedgerLine]) -> dict[tuple[str, str, str, str], Decimal]:
    """In minus out per table, ledger, part and measure, where it is not zero."""
    sums: dict[tuple[str, str, str, str], Decimal] = defaultdict(Decimal)
    for line in lines:
        sums[line.table, line.ledger, line.part, line.measure] += line.amount if line.side == IN else -line.amount
    return {key: value for key, value in sums.items() if value != 0}


def prove(lines: Iterable[LedgerLine]) -> None:
    """Stop the build when a ledger does not close.

    Raises:
        BalanceError: naming table, ledger, measure and difference.
    """
    open_sums = differences(lines)
    if open_sums:
        said = "; ".join(
            f"{table}: {ledger} ledger{f' of {part}' if part else ''}, {measure}: in - out = {value}"
            for (table, ledger, part, measure), value in sorted(open_sums.items())
        )
        raise BalanceError(
            f"{said}. Nothing was written; every difference needs a named reason (a drop reason or a balance line)."
        )


def balance_lines(table: Table, inputs: Mapping[str, object], result: DataFrame) -> list[LedgerLine]:
    """What the table declares of how its inputs reappear in `result`; none when it declares nothing."""
    if table.balance is None:
        return []
    return [
        LedgerLine(table.name, "aggregate", "", r["measure"], r["side"], r["reason"], Decimal(r["amount"] or 0))
        for r in table.balance(inputs, result).collect()
    ]


def prove_merge(name: str, commit: Commit) -> None:
    """What Delta says a merge did is what was classified.

    Raises:
        BalanceError: it is not. The commit stands, so the table's plan fails until someone repaired it.
    """
    if commit.note is None or commit.note.kind != "merge":
        return
    counts, done = commit.note.counts, commit.metrics
    wrong = [
        f"{metric} {done.get(metric, 'unknown')}, classified {counts.get(name_of, 0)}"
        for metric, name_of in _MERGE_METRICS.items()
        if int(done.get(metric, -1)) != counts.get(name_of, 0)
    ]
    if wrong:
        raise BalanceError(
            f"{name} version {commit.version}: the merge did not do what was classified: {'; '.join(wrong)}. "
            "Look at the table's keys, then build it anew with --full-refresh."
        )


def lines_of(
    table: str, ledger: str, part: str, side: str, reason: str, amounts: Mapping[str, Decimal | int | None]
) -> list[LedgerLine]:
    """One line per measure; a missing amount is zero."""
    return [LedgerLine(table, ledger, part, m, side, reason, Decimal(a or 0)) for m, a in amounts.items()]
