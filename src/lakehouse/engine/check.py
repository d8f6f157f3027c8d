"""All row rules of a table in one pass; batch rules before the write."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.engine.live import live_rows
from lakehouse.errors import ExpectationError
from lakehouse.spec.expectations import FAIL, WARN, CheckContext, Consequence, Expectation, row, unique
from lakehouse.spec.expectations import QUARANTINE as SET_ASIDE
from lakehouse.spec.scopes import Merge
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Lake
from lakehouse.storage.store import quarantine_of

FAILED = "_failed"


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
        places: for a few failing rows, source and record number; never a value.
    """

    table: str
    name: str
    on_failure: str
    failed: int
    total: int
    holds: bool
    places: tuple[str, ...] = ()


def row_rules(table: Table) -> list[Expectation]:
    """The table's row rules, those that its declaration implies first."""
    sets_aside = isinstance(table.write, Merge)
    consequence = SET_ASIDE if sets_aside else FAIL
    implied: list[Expectation] = []
    if sets_aside:
        implied.append(row("parseable", lambda: F.size("_lineage.unparsed") == 0, on_failure=SET_ASIDE))
    implied += [_required(key, consequence, None) for key in table.keys]
    deletes = table.write.apply_as_deletes if isinstance(table.write, Merge) else None
    others = [f.name for f in table.fields if f.required and f.name not in table.keys]
    implied += [_required(name, consequence, deletes) for name in others]
    return implied + [e for e in table.expectations if e.is_row_rule]


def _required(column: str, consequence: Consequence, deletes: str | None) -> Expectation:
    def condition() -> Column:
        present = F.col(column).isNotNull()
        return F.col(deletes) | present if deletes else present

    return row(f"{column}_required", condition, on_failure=consequence)


def with_failed(rows: DataFrame, rules: Sequence[Expectation]) -> DataFrame:
    """`rows` with `_failed`, the names of the row rules each breaks."""
    broken = [F.when(~rule.holds(), F.lit(rule.name)) for rule in rules]
    names = F.filter(F.array(*broken), lambda name: name.isNotNull()) if broken else F.array().cast("array<string>")
    return rows.withColumn(FAILED, names)


def breaks(rules: Sequence[Expectation], *consequences: Consequence) -> Column:
    """A row breaks a rule with one of the consequences."""
    names = [rule.name for rule in rules if rule.on_failure in consequences]
    return F.arrays_overlap(F.col(FAILED), F.array(*[F.lit(n) for n in names])) if names else F.lit(False)


def rule_counts(rules: Sequence[Expectation]) -> list[Column]:
    """One sum per rule, to be taken in the same pass as everything else."""
    return [F.sum(F.array_contains(FAILED, rule.name).cast("long")).alias(f"rule_{i}") for i, rule in enumerate(rules)]


def judge(table: Table, rules: Sequence[Expectation], failed: Sequence[int], total: int) -> list[CheckResult]:
    """Results of the row rules from their counts."""
    results = []
    for rule, count in zip(rules, failed, strict=True):
        tolerance = rule.tolerance
        holds = tolerance.accepts(count, total) if tolerance else count == 0
        results.append(CheckResult(table.name, rule.name, str(rule.on_failure), count, total, holds))
    return results


def refuse(table: Table, rules: Sequence[Expectation], results: Sequence[CheckResult]) -> None:
    """Stop the build when a rule with consequence `fail` is broken, or more rows are set aside than tolerated.

    Raises:
        ExpectationError: naming rules and counts.
    """
    by_name = {rule.name: rule for rule in rules}
    fatal = [
        r
        for r in results
        if not r.holds and (r.on_failure == FAIL or (r.on_failure != WARN and by_name[r.name].tolerance is not None))
    ]
    if fatal:
        said = "; ".join(f"{r.name}: {r.failed} of {r.total} rows" for r in fatal)
        raise ExpectationError(
            f"{table.name}: nothing was written, since these rules do not hold: {said}. Rows set aside are in "
            f"{quarantine_of(table.name)}; correct the source or the rule and run again."
        )


def batch_rules(table: Table) -> list[Expectation]:
    """The table's batch rules. A derived table's keys are unique though nobody says so; a merge sees to it itself."""
    declared = [e for e in table.expectations if not e.is_row_rule]
    implied = unique(*table.keys, on_failure=FAIL) if table.keys and not isinstance(table.write, Merge) else None
    known = implied is None or any(e.name == implied.name for e in declared)
    return declared if known or implied is None else [implied, *declared]


def batch_results(
    session: SparkSession, lake: Lake, table: Table, rows: DataFrame, context: CheckContext, total: int
) -> list[CheckResult]:
    """Run the batch rules over the rows about to be written."""
    results = []
    for rule in batch_rules(table):
        frames = {
            name: live_rows(session, lake, other, lake.logs[other.name].version) for name, other in rule.needs.items()
        }
        failed = rule.failing_rows(rows, replace(context, frames=frames)).count()
        tolerance = rule.tolerance
        holds = tolerance.accepts(failed, total) if tolerance else failed == 0
        results.append(CheckResult(table.name, rule.name, str(rule.on_failure), failed, total, holds))
    return results
