"""Stored tables held against what they promise: rules over all live rows, keys, and with `full` the whole-table proofs.

A build proves what it touched; this proves what is there. Nothing is written. `full` adds: a Bronze table holds the
rows of every delivery its log lists; a Silver table holds the rows that its commits inserted less those they deleted;
merges read every Bronze row of what they consumed, and every row ever set aside is open, resolved or discarded; a
derived table's balance closes over the whole of the inputs it consumed (so Gold's sums are Silver's sums).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.engine.check import CheckResult, batch_results, judge_rows, with_failed
from lakehouse.engine.context import BuildContext
from lakehouse.engine.inputs import transform_inputs
from lakehouse.engine.ledger import IN, ROWS, LedgerLine, balance_lines, differences
from lakehouse.engine.live import live_rows
from lakehouse.engine.network_rules import network_rules
from lakehouse.engine.quarantine import SET_ASIDE
from lakehouse.engine.reopening import lineage_of_decisions, without_waived
from lakehouse.engine.resolve import DELETED, INSERTED
from lakehouse.engine.work import Status, TablePlan
from lakehouse.spec.expectations import FAIL, WARN, CheckContext
from lakehouse.spec.scopes import Append, Merge, ReplaceGroups
from lakehouse.spec.table import Table
from lakehouse.storage.store import Standing, quarantine_of

# Judged while text becomes values; a stored row has only the values, and not when it was delivered.
AT_CONFORM_ONLY = frozenset({"parseable", "modified_at_not_ahead"})


@dataclass(frozen=True)
class Audit:
    """How one stored table did.

    Attributes:
        table: its name.
        version: the version looked at.
        rows: live rows.
        checks: every rule and proof, also those that hold.
        ledger: lines of its balance; empty without `full` or where none is declared.
    """

    table: str
    version: int
    rows: int
    checks: tuple[CheckResult, ...]
    ledger: tuple[LedgerLine, ...] = ()

    @property
    def broken(self) -> tuple[CheckResult, ...]:
        """Rules and proofs that do not hold and are more than a warning."""
        return tuple(c for c in self.checks if not c.holds and c.on_failure != WARN)


def audit_table(context: BuildContext, name: str, *, full: bool) -> Audit:
    """Check one built table as it is now.

    Raises:
        LogError: its log cannot be trusted.
    """
    table = context.registry[name]
    version = context.lake.logs[name].version
    stored = context.lake.read(context.session, name, version=version)
    if isinstance(table.write, Append):
        rows = stored.count()
        checks = (_deliveries_check(context, table, stored),) if full else ()
        return Audit(name, version, rows, checks)
    is_merged = isinstance(table.write, Merge)
    live = live_rows(context.session, context.lake, table, version, lineage_of_decisions(context.lake, table))
    rules = [r for r in network_rules(table, context.settings.networks) if r.name not in AT_CONFORM_ONLY]
    judged = without_waived(context.session, context.lake, table, with_failed(live, rules))
    found, rows = judge_rows(table, rules, judged)
    found += batch_results(context.session, context.lake, table, live, CheckContext(context.request.logical_date), rows)
    found.append(_key_check(table, stored))
    ledger = _ledger(context, table, live) if full else []
    if full:
        found += _history_check(context, table, stored) + _balance_check(table, ledger)
        found += [_bronze_check(context, table), _quarantine_check(context, table)] if is_merged else []
    return Audit(name, version, rows, tuple(found), tuple(ledger))


def _proof(table: Table, name: str, failed: int, total: int) -> CheckResult:
    return CheckResult(table.name, name, str(FAIL), failed, total, failed == 0)


def _key_check(table: Table, stored: DataFrame) -> CheckResult:
    """Rows, tombstones included, whose key has a null part or stands more than once."""
    keys = list(table.keys)
    has_null = F.lit(False)
    for key in keys:
        has_null = has_null | F.col(key).isNull()
    groups = stored.groupBy(*keys).agg(F.count(F.lit(1)).alias(ROWS))
    wrong = F.when(has_null, F.col(ROWS)).otherwise(F.col(ROWS) - 1)
    found = groups.agg(F.sum(wrong).alias("wrong"), F.sum(ROWS).alias(ROWS)).collect()[0]
    return _proof(table, "key_unique", found["wrong"] or 0, found[ROWS] or 0)


def _deliveries_check(context: BuildContext, table: Table, stored: DataFrame) -> CheckResult:
    """Deliveries whose rows in Bronze are not as many as the log says, and batches that no commit lists."""
    listed = {d.batch_id: d.rows for _, d in context.lake.logs[table.name].deliveries() if not d.repeats}
    found = {r["_batch_id"]: r["count"] for r in stored.groupBy("_batch_id").count().collect()}
    wrong = [batch for batch in {*listed, *found} if listed.get(batch, 0) != found.get(batch, 0)]
    return _proof(table, "deliveries_complete", len(wrong), len(listed))


def _history_check(context: BuildContext, table: Table, stored: DataFrame) -> list[CheckResult]:
    """Stored rows against rows inserted less rows deleted, where the log reaches back to the table's creation."""
    log = context.lake.logs[table.name]
    if not isinstance(table.write, (Merge, ReplaceGroups)) or log.versions[0] != 0:
        return []
    notes = [commit.note for commit in log.newest_first() if commit.note]
    expected = sum(note.counts.get(INSERTED, 0) - note.counts.get(DELETED, 0) for note in notes)
    rows = stored.count()
    return [_proof(table, "rows_as_committed", abs(rows - expected), rows)]


def _bronze_check(context: BuildContext, table: Table) -> CheckResult:
    """Bronze rows of the deliveries consumed, by the logs, against those that merges read; what a merge reads its
    ledgers account for, or it writes nothing."""
    logs, state = context.lake.logs, context.lake.logs[table.name].state
    wrong = total = 0
    for name, read in state.accounted.items():
        seen = state.consumed.get(name)
        if isinstance(seen, int) and seen <= logs[name].version:
            landed = sum(d.rows for v, d in logs[name].deliveries() if v <= seen and not d.repeats)
            wrong, total = wrong + abs(landed - read), total + landed
    return _proof(table, "bronze_rows_accounted_for", wrong, total)


def _quarantine_check(context: BuildContext, table: Table) -> CheckResult:
    """Rows ever set aside, by what the commits of the quarantine and of the table say, against those that stand in the
    quarantine as open, resolved or discarded."""
    lake, name = context.lake, quarantine_of(table.name)
    said = lake.logs[table.name].state.accounted.get(name, 0)
    found = 0
    if lake.exists(name):
        said = max(said, lake.logs[name].state.accounted.get(SET_ASIDE, 0))
        found = lake.read(context.session, name).where(F.col("_status").isin(*[str(s) for s in Standing])).count()
    return _proof(table, "quarantine_accounts_for_all", abs(said - found), said)


def _balance_check(table: Table, ledger: Sequence[LedgerLine]) -> list[CheckResult]:
    if table.balance is None:
        return []
    measures = {line.measure for line in ledger}
    return [_proof(table, "balance_closes", len(differences(ledger)), len(measures))]


def _ledger(context: BuildContext, table: Table, live: DataFrame) -> list[LedgerLine]:
    """The declared balance over all of the inputs as they were consumed, and all stored rows."""
    plan = TablePlan(table, Status.CURRENT, consumed=context.lake.logs[table.name].state.consumed)
    return balance_lines(table, transform_inputs(context, plan, None), live) if table.balance else []


def sums(ledger: Sequence[LedgerLine]) -> dict[tuple[str, str, str], tuple[Decimal, Decimal]]:
    """(table, ledger, measure) -> total in, total out, all parts together."""
    found: dict[tuple[str, str, str], tuple[Decimal, Decimal]] = {}
    for line in ledger:
        key = (line.table, line.ledger, line.measure)
        taken, given = found.get(key, (Decimal(0), Decimal(0)))
        found[key] = (taken + line.amount, given) if line.side == IN else (taken, given + line.amount)
    return found
