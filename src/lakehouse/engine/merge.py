"""Silver entities: newest state of a feed, by one merge (or one append, when every key is new)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.engine.check import CheckResult, batch_results, refuse, with_failed
from lakehouse.engine.conform import ConformedRows, conform_part, raw_totals
from lakehouse.engine.context import BuildContext, BuildResult, check_schema
from lakehouse.engine.inputs import plain_inputs
from lakehouse.engine.layout import stored_layout
from lakehouse.engine.ledger import IN, OUT, ROWS, LedgerLine, lines_of, prove, prove_merge
from lakehouse.engine.network_rules import judge_networks, network_rules, that_may_stop
from lakehouse.engine.quarantine import SET_ASIDE, quarantined_rows, set_aside
from lakehouse.engine.reopening import Decided, decided, only_reopened, settle, settlement, with_decisions
from lakehouse.engine.resolve import (
    CLASS,
    DELETED,
    DUPLICATE,
    INSERTED,
    QUARANTINED,
    RESOLVED,
    STALE,
    UNCHANGED,
    UPDATED,
    MergeTable,
    against_stored,
    expand_lineage,
    rank_versions,
    with_identity,
)
from lakehouse.engine.tally import Tally, tally_of, tie_check
from lakehouse.engine.work import PartWork, Reading, TablePlan
from lakehouse.spec.expectations import CheckContext
from lakehouse.spec.feed import elsewhere_column
from lakehouse.spec.field import TOTAL
from lakehouse.spec.scopes import Changes, Conformed, Merge, Period
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Layout, MergeShape
from lakehouse.storage.notes import TableState
from lakehouse.storage.store import quarantine_of

CONFORMED = "conformed"


def merge_table(context: BuildContext, plan: TablePlan) -> BuildResult:
    """Merge what is due into the table; see the module."""
    table, session, lake = plan.table, context.session, context.lake
    assert isinstance(table.write, Merge)
    layout = stored_layout(table, lake)
    lake.ensure(session, layout)
    if not plan.parts:
        version = lake.mark(session, table.name, context.note("marker", context.next_state(plan), {}))
        return BuildResult(table.name, "marker", version, {})
    found = decided(session, lake, plan, context.request.reopen)
    parts = [conform_work(context, plan, work, found) for work in plan.parts]
    try:
        ledgers = [_conform_ledger(table, part) for part in parts]
        prove(line for lines in ledgers for line in lines if line.ledger == "conform")
        return _merge(context, plan, layout, parts, ledgers, found)
    finally:
        for part in parts:
            part.rows.unpersist()


def conform_work(context: BuildContext, plan: TablePlan, work: PartWork, found: Decided) -> ConformedRows:
    """The rows of one piece of the plan's work in the contract's types."""
    network = context.settings.networks[work.part.network]
    part = conform_part(
        context.session, context.lake, work, plan.consumed, context.token_key, network.date_formats, network.sql.zone
    )
    if work.reading is Reading.REOPENED and found.records is not None:
        part = replace(part, rows=only_reopened(part.rows, found.records))
    part.rows.persist()
    return part


def _conform_ledger(table: Table, part: ConformedRows) -> list[LedgerLine]:
    """Bronze rows and money = conformed + dropped by reason + stated elsewhere, per raw money column; what is conformed
    enters the merge.

    Both ledgers' sums come from one pass over the raw and one over the conformed rows.
    """
    name, money, elsewhere = table.name, part.conform.money, part.conform.elsewhere
    counted = raw_totals(part).first()
    assert counted is not None
    lines = lines_of(name, "conform", part.network, IN, "read", {m: counted[m] for m in (ROWS, *money)})
    sums = [
        F.sum(reduce(Column.__add__, [F.coalesce(F.col(c), F.lit(0)) for c in into])).cast(TOTAL).alias(f"raw_{raw}")
        for raw, into in money.items()
    ]
    carried = [c for c in table.ledger_fields if c in part.rows.columns]
    sums += [F.sum(F.col(c)).cast(TOTAL).alias(c) for c in (*carried, *part.conform.elsewhere_columns)]
    reason = F.coalesce(F.col("_drop_reason"), F.lit(CONFORMED)).alias("_reason")
    for found in part.rows.groupBy(reason).agg(F.count(F.lit(1)).alias(ROWS), *sums).collect():
        amounts = {ROWS: found[ROWS], **{raw: found[f"raw_{raw}"] for raw in money}}
        lines += lines_of(name, "conform", part.network, OUT, found["_reason"], amounts)
        if found["_reason"] == CONFORMED:
            entered = {m: found[m] for m in (ROWS, *carried)}
            lines += lines_of(name, "merge", "", IN, f"{CONFORMED} from {part.network}", entered)
            if elsewhere:
                left_out = {raw: found[elsewhere_column(raw)] for raw in money}
                lines += lines_of(name, "conform", part.network, OUT, elsewhere, left_out)
    return lines


def _merge(
    context: BuildContext,
    plan: TablePlan,
    layout: Layout,
    parts: Sequence[ConformedRows],
    ledgers: Sequence[list[LedgerLine]],
    found: Decided,
) -> BuildResult:
    table, session, lake = plan.table, context.session, context.lake
    assert isinstance(table.write, Merge)
    target = MergeTable(table, table.write, layout.period)
    networks = context.settings.networks
    rules = found.rules(network_rules(table, networks))
    stored = lake.read(session, table.name) if plan.state.sequence else None
    ranked = ranked_rows(context, plan, target, parts, found)
    classified = against_stored(ranked, stored, target).persist()
    removed = _vanished(classified, stored, plan, target)
    try:
        tally = tally_of(classified, table.ledger_fields, rules)
        if mixed := _mixed(plan, tally):
            return merge_table(context, _rebuilding(context, plan, mixed))
        total = sum(tally.counts.values())
        checks = judge_networks(table, rules, networks, tally.judged, {part.network for part in parts})
        checks.append(tie_check(table.name, classified, tally.ties, total))
        if tally.counts.get(QUARANTINED):
            bad = classified.where(F.col(CLASS) == QUARANTINED)
            aside = quarantined_rows(bad, context.request.run_id, context.request.started_at)
            set_aside(session, lake, table, aside, context.request.run_id)
        refuse(table, rules, that_may_stop(checks, _only_reopened(plan)))
        winners = classified.where(F.col(CLASS).isin(INSERTED, UPDATED))
        checks += _batch_checks(context, plan, winners, tally, checks)
        ledger = [line for lines in ledgers for line in lines] + _merge_ledger(table.name, tally)
        prove(ledger)
        gone = removed.count() if removed is not None else 0
        resolving = settlement(context, plan, found, classified)
        state = _next_state(context, plan, tally, ledgers)
        version, kind = _write(context, layout, state, winners, removed if gone else None, tally, gone)
        resolved = settle(context, table, resolving) if resolving is not None else 0
    finally:
        classified.unpersist()
    counts = {**tally.counts, **{name: n for name, n in ((DELETED, gone), (RESOLVED, resolved)) if n}}
    return BuildResult(table.name, kind, version, counts, tuple(checks), tuple(ledger))


def ranked_rows(
    context: BuildContext, plan: TablePlan, target: MergeTable, parts: Sequence[ConformedRows], found: Decided
) -> DataFrame:
    """Rows of the table made of the conformed parts, each judged, and ranked among the versions of its key."""
    table, rules = plan.table, network_rules(plan.table, context.settings.networks)
    used = reduce(DataFrame.unionByName, [_used(part) for part in parts])
    incoming = [name for name, scope in table.reads.items() if isinstance(scope, Changes)]
    result = table(**{incoming[0]: used}, **plain_inputs(context, plan))
    check_schema(table, result, extra=("_lineage",))
    judged = with_decisions(with_failed(result, rules), found.decisions)
    return rank_versions(with_identity(judged, target), target, found.rules(rules))


def _used(part: ConformedRows) -> DataFrame:
    """The rows that enter the merge."""
    return part.rows.where(F.col("_drop_reason").isNull()).drop("_drop_reason", *part.conform.elsewhere_columns)


def _only_reopened(plan: TablePlan) -> set[str]:
    """Networks of which nothing is read but rows that were set aside before."""
    others = {work.part.network for work in plan.parts if work.reading is not Reading.REOPENED}
    return {work.part.network for work in plan.parts} - others


def _mixed(plan: TablePlan, tally: Tally) -> set[str]:
    """Networks with a feed that stamps some rows and not others, and of which only the new deliveries were read.

    Between a sender's stamp and a delivery's date only the whole feed can say which version of a key is the newest.
    """
    both = (tally.stamped | {*plan.state.stamped}) & (tally.unstamped | {*plan.state.unstamped})
    return {w.part.network for w in plan.parts if w.batches is not None and w.part.main.name in both}


def _rebuilding(context: BuildContext, plan: TablePlan, networks: set[str]) -> TablePlan:
    """The same work with every feed of `networks` read whole."""
    scope = next(s for s in plan.table.reads.values() if isinstance(s, Changes))
    assert isinstance(scope.of, Conformed)
    kept = [w for w in plan.parts if w.part.network not in networks]
    parts = [p for p in context.registry.conformed_inputs(scope.of.contract) if p.network in networks]
    whole = [PartWork(p, None) for p in parts if context.lake.exists(p.main.name)]
    return replace(plan, parts=(*kept, *whole))


def _vanished(classified: DataFrame, stored: DataFrame | None, plan: TablePlan, target: MergeTable) -> DataFrame | None:
    """Stored rows of rebuilt networks that no row makes any more: key and partition."""
    rebuilt = [work.part.network for work in plan.parts if work.batches is None]
    if stored is None or not rebuilt:
        return None
    keys = list(target.write.keys)
    made = classified.where(F.col(CLASS).isin(INSERTED, UPDATED, UNCHANGED, STALE, DUPLICATE)).select(*keys)
    return stored.where(F.col("network").isin(*rebuilt)).join(made, on=keys, how="left_anti")


def _batch_checks(
    context: BuildContext, plan: TablePlan, winners: DataFrame, tally: Tally, earlier: Sequence[CheckResult]
) -> list[CheckResult]:
    total = tally.counts.get(INSERTED, 0) + tally.counts.get(UPDATED, 0)
    checks = CheckContext(context.request.logical_date)
    results = batch_results(context.session, context.lake, plan.table, winners, checks, total)
    refuse(plan.table, plan.table.expectations, results, earlier)
    return results


def _merge_ledger(table: str, tally: Tally) -> list[LedgerLine]:
    """Conformed rows and money = inserted + updated + unchanged + duplicate + stale + quarantined + dropped."""
    return [
        line
        for name, count in sorted(tally.counts.items())
        for line in lines_of(table, "merge", "", OUT, name, {ROWS: count, **tally.money[name]})
    ]


def _next_state(
    context: BuildContext, plan: TablePlan, tally: Tally, ledgers: Sequence[list[LedgerLine]]
) -> TableState:
    """What the table is made of after the merge, and how many Bronze rows its ledgers accounted for by then."""
    stamped, unstamped = tally.stamped | {*plan.state.stamped}, tally.unstamped | {*plan.state.unstamped}
    accounted = dict(plan.state.accounted)
    logs, quarantine = context.lake.logs, quarantine_of(plan.table.name)
    for work, lines in zip(plan.parts, ledgers, strict=True):
        name = work.part.main.name
        read = sum(
            int(line.amount) for line in lines if (line.ledger, line.side, line.measure) == ("conform", IN, ROWS)
        )
        seen = plan.state.consumed.get(name, -1)
        is_first = not any(isinstance(seen, int) and v <= seen for v, _ in logs[name].deliveries())
        if work.batches is None:
            accounted[name] = read
        elif work.reading is Reading.FIRST and (is_first or name in accounted):
            accounted[name] = accounted.get(name, 0) + read
    if logs[quarantine].exists:
        accounted[quarantine] = logs[quarantine].state.accounted.get(SET_ASIDE, 0)
    return context.next_state(
        plan, stamped=tuple(sorted(stamped)), unstamped=tuple(sorted(unstamped)), accounted=accounted
    )


def _write(
    context: BuildContext,
    layout: Layout,
    state: TableState,
    winners: DataFrame,
    removed: DataFrame | None,
    tally: Tally,
    gone: int,
) -> tuple[int, str]:
    """One commit: nothing changed, a marker; only new keys, an append; else a merge."""
    session, lake, name = context.session, context.lake, layout.name
    table = context.registry[name]
    inserted, updated = tally.counts.get(INSERTED, 0), tally.counts.get(UPDATED, 0)
    counts = {**tally.counts, DELETED: gone}
    if not inserted and not updated and not gone:
        return lake.mark(session, table.name, context.note("marker", state, counts)), "marker"
    columns = [f.name for f in layout.fields]
    rows = expand_lineage(winners).select(*columns)
    if not updated and not gone:
        note = context.note("append", state, counts)
        return lake.append(session, table.name, laid_out(rows, layout, table.partition_by), note), "append"
    changes = rows.withColumn("_is_removal", F.lit(False))
    periods = set(tally.periods)
    if removed is not None:
        changes = changes.unionByName(removed.select(*columns).withColumn("_is_removal", F.lit(True)))
        if layout.partition_by:
            periods |= {r[0] for r in removed.select(layout.partition_by).distinct().collect()}
    note = context.note("merge", state, counts)
    shape = MergeShape(table.keys, layout.partition_by, tuple(sorted(periods, key=lambda p: (p is None, p))))
    version = lake.merge(session, table.name, changes, shape, note)
    prove_merge(table.name, lake.logs[table.name].commit(version))
    return version, "merge"


def laid_out(rows: DataFrame, layout: Layout, partition_by: object) -> DataFrame:
    """Rows of one partition together, sorted by its date, so that files hold date ranges."""
    if not isinstance(partition_by, Period):
        return rows
    placed = rows.hint("rebalance", layout.partition_by) if layout.partition_by else rows
    return placed.sortWithinPartitions(*([layout.partition_by] if layout.partition_by else []), partition_by.of)
