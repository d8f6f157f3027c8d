"""Classified rows counted: rows and money by class, rules broken, ties, and what the writer must know of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from lakehouse.engine.check import MOST_PLACES, CheckResult, rule_counts
from lakehouse.engine.ledger import ROWS
from lakehouse.engine.network_rules import Judged, judged_by_network
from lakehouse.engine.resolve import CLASS, DROPPED, INSERTED, QUARANTINED, UPDATED
from lakehouse.spec.expectations import Expectation
from lakehouse.spec.field import PERIOD, TOTAL

TIE_RULE = "no_ties"


@dataclass(frozen=True)
class Tally:
    """Counts and money of the classified rows, taken in one pass.

    Attributes:
        counts: class -> rows.
        money: class -> ledger column -> sum.
        judged: network -> what its rows were found to break.
        ties: rows equal in order but not in content.
        stamped, unstamped: Bronze inputs of accepted rows with, and without, a modification stamp.
        periods: old and new partitions of the rows to write.
    """

    counts: Mapping[str, int]
    money: Mapping[str, Mapping[str, Decimal]]
    judged: Mapping[str, Judged]
    ties: int
    stamped: frozenset[str]
    unstamped: frozenset[str]
    periods: frozenset[int | None]


def tally_of(classified: DataFrame, ledger_fields: Sequence[str], rules: Sequence[Expectation]) -> Tally:
    """Everything that is counted of the classified rows, in one pass."""
    written = F.col(CLASS).isin(INSERTED, UPDATED)
    accepted = ~F.col(CLASS).isin(QUARANTINED, DROPPED)
    sums = [F.sum(F.col(c)).cast(TOTAL).alias(f"money_{c}") for c in ledger_fields]
    periods = [F.collect_set(F.when(written, F.col(c))).alias(f"set{c}") for c in (PERIOD.name, "_old_period")] + [
        F.max(F.when(written, F.col(PERIOD.name).isNull())).alias("new_null"),
        F.max(F.when(F.col(CLASS) == UPDATED, F.col("_old_period").isNull())).alias("old_null"),
    ]
    others = [
        F.sum(F.col("_is_tie").cast("long")).alias("ties"),
        F.collect_set(F.when(accepted & F.col("_lineage.stamped"), F.col("_lineage.feed"))).alias("stamped"),
        F.collect_set(F.when(accepted & ~F.col("_lineage.stamped"), F.col("_lineage.feed"))).alias("unstamped"),
    ]
    found = (
        classified.groupBy(CLASS, "network")
        .agg(F.count(F.lit(1)).alias(ROWS), *sums, *rule_counts(rules), *periods, *others)
        .collect()
    )
    counts: Counter[str] = Counter()
    money: dict[str, dict[str, Decimal]] = {}
    for r in found:
        counts[r[CLASS]] += r[ROWS]
        sums_of = money.setdefault(r[CLASS], dict.fromkeys(ledger_fields, Decimal(0)))
        for c in ledger_fields:
            sums_of[c] += r[f"money_{c}"] or Decimal(0)
    return Tally(
        counts=counts,
        money=money,
        judged=judged_by_network(found, len(rules)),
        ties=sum(r["ties"] or 0 for r in found),
        stamped=frozenset(n for r in found for n in r["stamped"]),
        unstamped=frozenset(n for r in found for n in r["unstamped"]),
        periods=_periods(found),
    )


def _periods(found: Sequence[Row]) -> frozenset[int | None]:
    values: set[int | None] = {p for r in found for p in (*r[f"set{PERIOD.name}"], *r["set_old_period"])}
    if any(r["new_null"] or r["old_null"] for r in found):
        values.add(None)
    return frozenset(values)


def tie_check(table: str, classified: DataFrame, ties: int, total: int) -> CheckResult:
    """Rows that share key and order but differ in content: the greater content hash won; both are named by their
    place."""
    places: tuple[str, ...] = ()
    if ties:
        listed = (
            classified.where("_is_tie").select("_lineage.source", "_lineage.row_number").orderBy("source", "row_number")
        )
        places = tuple(f"{r['source']} record {r['row_number']}" for r in listed.limit(MOST_PLACES).collect())
    return CheckResult(table, TIE_RULE, "warn", ties, total, ties == 0, places)
