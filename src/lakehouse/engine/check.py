"""All row rules of a table in one pass; batch rules before the write."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.engine.live import live_rows
from lakehouse.errors import ExpectationError
from lakehouse.spec.consequence import Consequence
from lakehouse.spec.expectations import unique
from lakehouse.spec.rule import FAIL, WARN, WHOLE, CheckContext, Expectation, row
from lakehouse.spec.rule import QUARANTINE as SET_ASIDE
from lakehouse.spec.scopes import Merge
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Lake
from lakehouse.storage.store import quarantine_of

FAILED = "_failed"
ALL_NETWORKS = "-"
MOST_PLACES = 20
DAYS_AHEAD = 1
"""A sender's clock and zone may be ahead of ours by less than a day."""


@dataclass(frozen=True)
class CheckResult:
    """How one rule did; kept also when it held, so that a rule that never ran can be told from one that never failed.

    Attributes:
        table: whose rule.
        name: of the rule.
        on_failure: its consequence.
        failed: rows (or groups) that broke it.
        total: rows looked at.
        holds: within its tolerance.
        places: for a few failing rows, source and record number, or the columns the rule names them by; never a value
            of a PHI class.
        network: whose rows were looked at; `-` for all of them together.
    """

    table: str
    name: str
    on_failure: str
    failed: int
    total: int
    holds: bool
    places: tuple[str, ...] = ()
    network: str = ALL_NETWORKS


class BrokenRules(ExpectationError):
    """A build was refused by its rules.

    Attributes:
        checks: every rule that was judged, also those that hold.
    """

    def __init__(self, message: str, checks: Sequence[CheckResult]) -> None:
        super().__init__(message)
        self.checks = tuple(checks)


def row_rules(table: Table) -> list[Expectation]:
    """The table's row rules, those that its declaration implies first."""
    sets_aside = isinstance(table.write, Merge)
    consequence = SET_ASIDE if sets_aside else FAIL
    implied: list[Expectation] = []
    if sets_aside:
        implied.append(row("parseable", parseable, on_failure=SET_ASIDE, source="B05, B11, B14"))
        implied.append(row("modified_at_not_ahead", modified_at_not_ahead, on_failure=WARN, source="B10"))
    implied += [_required(key, consequence, None) for key in table.keys]
    deletes = table.write.apply_as_deletes if isinstance(table.write, Merge) else None
    others = [f.name for f in table.fields if f.required and f.name not in table.keys]
    implied += [_required(name, consequence, deletes) for name in others]
    return implied + [e for e in table.expectations if e.is_row_rule]


def parseable() -> Column:
    """Every text could be read as its column's type: dates, instants, amounts, numbers, flags."""
    return F.size("_lineage.unparsed") == 0


def modified_at_not_ahead() -> Column:
    """The sender's change stamp is not in the future of the delivery; a day is allowed for its clock."""
    return F.col("modified_at") <= F.col("_lineage.delivered_at") + F.make_interval(days=F.lit(DAYS_AHEAD))


def _required(column: str, consequence: Consequence, deletes: str | None) -> Expectation:
    def condition() -> Column:
        present = F.col(column).isNotNull()
        return F.col(deletes) | present if deletes else present

    meaning = f"{column} has a value{', unless the row is a tombstone' if deletes else ''}."
    return row(f"{column}_required", condition, on_failure=consequence, meaning=meaning, source="B06")


def with_failed(rows: DataFrame, rules: Sequence[Expectation]) -> DataFrame:
    """`rows` with `_failed`, the names of the row rules each breaks."""
    broken = [F.when(~rule.holds(), F.lit(rule.name)) for rule in rules]
    names = F.filter(F.array(*broken), lambda name: name.isNotNull()) if broken else F.array().cast("array<string>")
    return rows.withColumn(FAILED, names)


def breaks(rules: Sequence[Expectation], *consequences: Consequence) -> Column:
    """A row breaks a rule that has one of the consequences for its network."""
    found = _breaks(rules, consequences)
    for network in sorted({name for rule in rules for name in rule.networks}):
        own = [rule.for_network(network) for rule in rules]
        if any(mine.on_failure != usual.on_failure for mine, usual in zip(own, rules, strict=True)):
            found = F.when(F.col("network") == network, _breaks(own, consequences)).otherwise(found)
    return found


def _breaks(rules: Sequence[Expectation], consequences: Sequence[Consequence]) -> Column:
    names = [rule.name for rule in rules if rule.on_failure in consequences]
    return F.arrays_overlap(F.col(FAILED), F.array(*[F.lit(n) for n in names])) if names else F.lit(False)


def rule_counts(rules: Sequence[Expectation]) -> list[Column]:
    """One sum per rule, to be taken in the same pass as everything else."""
    return [F.sum(F.array_contains(FAILED, rule.name).cast("long")).alias(f"rule_{i}") for i, rule in enumerate(rules)]


def judge(
    table: Table, rules: Sequence[Expectation], failed: Sequence[int], total: int, network: str = ALL_NETWORKS
) -> list[CheckResult]:
    """Results of the row rules for one network, from their counts; a rule that is not for it has none."""
    results = []
    for rule, count in zip((r.for_network(network) for r in rules), failed, strict=True):
        tolerance = rule.tolerance
        holds = tolerance.accepts(count, total) if tolerance else count == 0
        if rule.is_for_sender:
            results.append(
                CheckResult(table.name, rule.name, str(rule.on_failure), count, total, holds, network=network)
            )
    return results


def judge_rows(table: Table, rules: Sequence[Expectation], judged: DataFrame) -> tuple[list[CheckResult], int]:
    """Results of the row rules over rows `with_failed`, network by network where the table names one, and their
    number."""
    by = ["network"] if "network" in table.field_names else []
    found = judged.groupBy(*by).agg(F.count(F.lit(1)).alias("_rows"), *rule_counts(rules)).collect()
    counts = {(r["network"] if by else None) or ALL_NETWORKS: r for r in found}
    results = [
        result
        for network, r in sorted(counts.items())
        for result in judge(table, rules, [r[f"rule_{i}"] or 0 for i in range(len(rules))], r["_rows"], network)
    ]
    return results or judge(table, rules, [0] * len(rules), 0), sum(r["_rows"] for r in found)


def refuse(
    table: Table,
    rules: Sequence[Expectation],
    results: Sequence[CheckResult],
    earlier: Sequence[CheckResult] = (),
) -> None:
    """Stop the build when a rule with consequence `fail` is broken, or more rows are set aside than tolerated.

    Raises:
        BrokenRules: naming rules and counts, with the `earlier` results and these.
    """
    by_name = {rule.name: rule for rule in rules}

    def is_fatal(r: CheckResult) -> bool:
        if r.holds or r.on_failure == WARN:
            return False
        return r.on_failure == FAIL or by_name[r.name].for_network(r.network).tolerance is not None

    fatal = [r for r in results if is_fatal(r)]
    if fatal:
        said = "; ".join(f"{r.name}: {r.failed} of {r.total} rows{of_network(r)}" for r in fatal)
        raise BrokenRules(
            f"{table.name}: nothing was written, since these rules do not hold: {said}. Rows set aside are in "
            f"{quarantine_of(table.name)}; correct the source, the rule or the network's checks, and run again.",
            (*earlier, *results),
        )


def of_network(result: CheckResult) -> str:
    """` of north`, to follow a count; empty for all networks together."""
    return "" if result.network == ALL_NETWORKS else f" of {result.network}"


def batch_rules(table: Table) -> list[Expectation]:
    """The table's batch rules. A derived table's keys are unique though nobody says so; a merge sees to it itself."""
    declared = [e for e in table.expectations if not e.is_row_rule]
    implied = (
        unique(*table.keys, on_failure=FAIL, source="G01")
        if table.keys and not isinstance(table.write, Merge)
        else None
    )
    known = implied is None or any(e.name == implied.name for e in declared)
    return declared if known or implied is None else [implied, *declared]


def batch_results(
    session: SparkSession,
    lake: Lake,
    table: Table,
    rows: DataFrame,
    context: CheckContext,
    total: int,
    replaced: str | None = None,
) -> list[CheckResult]:
    """Run the batch rules over the rows about to be written.

    Args:
        session: of this build.
        lake: that the table is in.
        table: whose rules.
        rows: to be judged.
        context: with the logical date.
        total: number of rows.
        replaced: condition of the stored rows that they replace; all without one.
    """
    results = []
    for rule in batch_rules(table):
        frames = {
            name: live_rows(session, lake, other, lake.logs[other.name].version) for name, other in rule.needs.items()
        }
        if rule.sees_whole:
            frames[WHOLE] = after_write(session, lake, table, rows, replaced)
        failed, places = _counted(rule.failing_rows(rows, replace(context, frames=frames)), rule.named_by)
        tolerance = rule.tolerance
        holds = tolerance.accepts(failed, total) if tolerance else failed == 0
        results.append(CheckResult(table.name, rule.name, str(rule.on_failure), failed, total, holds, places))
    return results


def after_write(session: SparkSession, lake: Lake, table: Table, rows: DataFrame, replaced: str | None) -> DataFrame:
    """The table as it will be once `rows` replace what fulfils the condition; they are all of it without one."""
    if replaced is None:
        return rows
    others = lake.read(session, table.name).where(f"NOT ({replaced})")
    return others.select(*table.field_names).unionByName(rows)


def _counted(failing: DataFrame, named_by: Sequence[str]) -> tuple[int, tuple[str, ...]]:
    """Number of failing rows, and the names of a few."""
    if not named_by:
        return failing.count(), ()
    name = F.concat_ws(", ", *[F.coalesce(F.col(c).cast("string"), F.lit("none")) for c in named_by])
    names = F.slice(F.array_sort(F.collect_set(name)), 1, MOST_PLACES)
    found = failing.agg(F.count(F.lit(1)).alias("failed"), names.alias("names")).collect()[0]
    return found["failed"], tuple(found["names"])
