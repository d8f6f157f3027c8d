"""Tables made of other tables: only the groups in which something moved are read, computed and replaced, in one
commit."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.engine.check import (
    CheckResult,
    after_write,
    batch_results,
    batch_rules,
    judge_rows,
    refuse,
    with_failed,
)
from lakehouse.engine.context import BuildContext, BuildResult, check_schema
from lakehouse.engine.inputs import Value, group_names, settings_rows, transform_inputs
from lakehouse.engine.layout import stored_layout
from lakehouse.engine.ledger import ROWS, LedgerLine, balance_lines, prove, prove_merge
from lakehouse.engine.live import live_rows
from lakehouse.engine.merge import laid_out
from lakehouse.engine.network_rules import network_rules
from lakehouse.engine.resolve import CLASS, DELETED, INSERTED, UNCHANGED, UPDATED, period_value
from lakehouse.engine.work import TablePlan
from lakehouse.spec.columns import row_hash
from lakehouse.spec.expectations import CheckContext
from lakehouse.spec.field import PERIOD
from lakehouse.spec.scopes import Groups, Linked, NetworkSettings, ReplaceGroups, ReplacePartitions
from lakehouse.spec.table import Table
from lakehouse.storage.frames import no_rows, schema_by_name
from lakehouse.storage.lake import Layout, MergeShape, in_literals

NEXT_CHANGE = "_next_change_date"


@dataclass(frozen=True)
class Proofs:
    """What was proved before a write: rows computed, every rule that ran, every balance line."""

    rows: int
    checks: tuple[CheckResult, ...]
    ledger: tuple[LedgerLine, ...]


def replace_groups(context: BuildContext, plan: TablePlan) -> BuildResult:
    """Recompute the touched groups; upsert what changed and delete what vanished from them, in one commit."""
    table, lake, session = plan.table, context.lake, context.session
    assert isinstance(table.write, ReplaceGroups)
    layout = stored_layout(table, lake)
    lake.ensure(session, layout)
    touched = _touched(context, plan, list(table.write.by))
    try:
        inputs = transform_inputs(context, plan, touched)
        result = _computed(plan, inputs).persist()
        try:
            proofs = _proofs(context, plan, inputs, result)
            return _write_groups(context, plan, layout, result, touched, proofs)
        finally:
            result.unpersist()
    finally:
        if touched is not None:
            touched.unpersist()


def _touched(context: BuildContext, plan: TablePlan, names: Sequence[str]) -> DataFrame | None:
    """Groups in which a row changed, before or after, under the result's column names; None for all."""
    if plan.everything:
        return None
    found = [
        groups.select(*[F.col(c).alias(n) for c, n in zip(scope.by, names, strict=True)])
        for scope in plan.table.reads.values()
        if isinstance(scope, Groups)
        for groups in _touched_by(context, plan, scope)
    ]
    if not found:
        return None if not plan.matured else _no_groups(context, plan, names)
    return reduce(DataFrame.unionByName, found).dropna().distinct().persist()


def _touched_by(context: BuildContext, plan: TablePlan, scope: Groups) -> Iterator[DataFrame]:
    """The touched groups of one input, under their own column names: by its own changes, and by those of the table that
    knows its groups."""
    changed = _changed(context, plan, scope.of)
    if scope.through is not None:
        if changed is not None:
            moved = changed.select(*[ours for ours, _ in scope.on]).distinct()
            groups = group_names(context, scope, plan.consumed, None)
            yield groups.join(moved, on=moved.columns, how="left_semi").select(*scope.by)
        changed = _changed(context, plan, scope.through)
    if changed is not None:
        yield (
            changed.select(*scope.by) if scope.linked is None else _linked(context, plan, scope, scope.linked, changed)
        )


def _changed(context: BuildContext, plan: TablePlan, table: Table) -> DataFrame | None:
    """Rows before and after each change since the last build; None when nothing changed."""
    if table.name not in plan.since:
        return None
    return context.lake.changed_rows(context.session, table.name, *plan.since[table.name])


def _linked(context: BuildContext, plan: TablePlan, scope: Groups, link: Linked, changed: DataFrame) -> DataFrame:
    """Keys of the changed rows, of every row that shares a hub with one of them, and of the stored sets of all these.

    Two rows outside that are directly linked did not change, so they lie in one stored set: the keys are closed.
    """
    keys = list(scope.by)
    hubs = _of_senders(context, plan, changed).select(F.explode(link.hubs()).alias("_hub")).distinct()
    live = live_rows(context.session, context.lake, scope.of, plan.consumed.get(scope.of.name))
    rows = _of_senders(context, plan, live)
    near = rows.select(*keys, F.explode(link.hubs()).alias("_hub")).join(F.broadcast(hubs), on="_hub", how="left_semi")
    seeds = changed.select(*keys).unionByName(near.select(*keys)).distinct()
    stored = context.lake.read(context.session, plan.table.name).select(*{*keys, *link.kept_in})
    sets = stored.join(seeds, on=keys, how="left_semi").select(*link.kept_in).distinct()
    return seeds.unionByName(stored.join(sets, on=list(link.kept_in), how="left_semi").select(*keys))


def _of_senders(context: BuildContext, plan: TablePlan, rows: DataFrame) -> DataFrame:
    """`rows` with what the settings say of their senders, if the table is given that too."""
    if not any(isinstance(scope, NetworkSettings) for scope in plan.table.reads.values()):
        return rows
    return rows.join(F.broadcast(settings_rows(context)), on="network", how="left")  # one row per network


def _no_groups(context: BuildContext, plan: TablePlan, names: Sequence[str]) -> DataFrame:
    return no_rows(context.session, schema_by_name(**{n: plan.table.field(n).type for n in names}))


def _computed(plan: TablePlan, inputs: Mapping[str, object]) -> DataFrame:
    result = plan.table(**{name: inputs[name] for name in plan.table.reads})
    check_schema(plan.table, result)
    return result


def _proofs(
    context: BuildContext,
    plan: TablePlan,
    inputs: Mapping[str, object],
    result: DataFrame,
    replaced: str | None = None,
) -> Proofs:
    """Row rules in one pass, batch rules, and the declared balance, all before the write."""
    table = plan.table
    rules = network_rules(table, context.settings.networks)
    checks, total = judge_rows(table, rules, with_failed(result, rules))
    day = CheckContext(context.request.logical_date)
    checks += batch_results(context.session, context.lake, table, result, day, total, replaced)
    refuse(table, [*rules, *batch_rules(table)], checks)
    ledger = balance_lines(plan.table, inputs, result)
    prove(ledger)
    return Proofs(total, tuple(checks), tuple(ledger))


def _write_groups(
    context: BuildContext,
    plan: TablePlan,
    layout: Layout,
    result: DataFrame,
    touched: DataFrame | None,
    proofs: Proofs,
) -> BuildResult:
    """Compare with the stored rows of the groups; one commit for the difference, a marker when there is none."""
    table, lake, session = plan.table, context.lake, context.session
    assert isinstance(table.write, ReplaceGroups)
    made = result.withColumn("_row_hash", row_hash(table.field_names))
    if layout.period:
        made = made.withColumn(PERIOD.name, period_value(table.partition_by, layout.period))
    stored = lake.read(session, table.name)
    if touched is not None:
        stored = stored.join(touched, on=list(table.write.by), how="left_semi")
    classified = _classified(made.select(*[f.name for f in layout.fields]), stored, table.keys, layout).persist()
    try:
        found = classified.groupBy(CLASS).agg(F.count(F.lit(1)).alias(ROWS), *_periods(layout)).collect()
        counts = {r[CLASS]: r[ROWS] for r in sorted(found, key=lambda r: str(r[CLASS]))}
        periods = {p for r in found if r[CLASS] != UNCHANGED for p in (*r["new"], *r["old"])}
        if any(r["has_null"] for r in found):
            periods.add(None)
        version, kind = _commit_groups(context, plan, layout, classified, counts, periods)
    finally:
        classified.unpersist()
    return BuildResult(table.name, kind, version, counts, proofs.checks, proofs.ledger)


def _classified(made: DataFrame, stored: DataFrame, keys: Sequence[str], layout: Layout) -> DataFrame:
    """Computed and stored rows side by side: the columns to write, `_class` and the stored partition."""
    period = F.col(PERIOD.name) if layout.period else F.lit(None).cast("int")
    old = stored.select(
        *keys, F.col("_row_hash").alias("_old_hash"), period.alias("_old_period"), F.lit(True).alias("_is_stored")
    )
    both = made.withColumn("_is_made", F.lit(True)).join(old, on=list(keys), how="full")
    verdict = (
        F.when(F.col("_is_stored").isNull(), F.lit(INSERTED))
        .when(F.col("_is_made").isNull(), F.lit(DELETED))
        .when(F.col("_old_hash") == F.col("_row_hash"), F.lit(UNCHANGED))
        .otherwise(F.lit(UPDATED))
    )
    return both.select(*made.columns, verdict.alias(CLASS), "_old_period")


def _periods(layout: Layout) -> list[Column]:
    """Aggregates that collect the old and new partitions of one class."""
    period = F.col(PERIOD.name) if layout.period else F.lit(None).cast("int")
    new_null = (F.col(CLASS) != DELETED) & period.isNull()
    old_null = (F.col(CLASS) != INSERTED) & F.col("_old_period").isNull()
    return [
        F.collect_set(period).alias("new"),
        F.collect_set("_old_period").alias("old"),
        F.max((F.col(CLASS) != UNCHANGED) & (new_null | old_null)).alias("has_null"),
    ]


def _commit_groups(
    context: BuildContext,
    plan: TablePlan,
    layout: Layout,
    classified: DataFrame,
    counts: Mapping[str, int],
    periods: set[int | None],
) -> tuple[int, str]:
    table, lake, session = plan.table, context.lake, context.session
    state = context.next_state(plan)
    inserted, updated, deleted = (counts.get(c, 0) for c in (INSERTED, UPDATED, DELETED))
    if not inserted + updated + deleted:
        return lake.mark(session, table.name, context.note("marker", state, counts)), "marker"
    columns = [f.name for f in layout.fields]
    if not updated + deleted:
        rows = laid_out(classified.where(F.col(CLASS) == INSERTED).select(*columns), layout, table.partition_by)
        return lake.append(session, table.name, rows, context.note("append", state, counts)), "append"
    changes = classified.where(F.col(CLASS) != UNCHANGED)
    changes = changes.select(*columns, (F.col(CLASS) == DELETED).alias("_is_removal"))
    shape = MergeShape(table.keys, layout.partition_by, tuple(sorted(periods, key=lambda p: (p is None, p))))
    version = lake.merge(session, table.name, changes, shape, context.note("merge", state, counts))
    prove_merge(table.name, lake.logs[table.name].commit(version))
    return version, "merge"


def replace_partitions(context: BuildContext, plan: TablePlan) -> BuildResult:
    """Recompute the touched values of the partition column (or the whole table) and replace them in one commit."""
    table, lake, session = plan.table, context.lake, context.session
    assert isinstance(table.write, ReplacePartitions)
    lake.ensure(session, stored_layout(table, lake))
    on = table.write.on
    touched = _touched(context, plan, [on]) if on and not table.is_photograph else None
    read: list[Value] | None = None
    if touched is not None and on is not None:
        matured = _matured(context, plan, on)
        read = sorted({r[0] for r in touched.union(matured).collect()})
        touched.unpersist()
        if not read:  # only rows without a partition moved, and those are in no figure
            version = lake.mark(session, table.name, context.note("marker", context.next_state(plan), {}))
            return BuildResult(table.name, "marker", version, {})
    values = [context.request.logical_date] if table.is_photograph else read
    inputs = transform_inputs(context, plan, read)
    result = _computed(plan, inputs).persist()
    try:
        where = in_literals(on, values) if on is not None and values is not None else None
        proofs = _proofs(context, plan, inputs, result, where)
        counts = {"rows": proofs.rows, **({"partitions": len(values)} if values is not None else {})}
        state = context.next_state(plan, next_change_date=_next_change(context, plan, result, where))
        note = context.note("replace", state, counts)
        version = lake.replace(session, table.name, _with_provenance(context, plan, result), where, note)
    finally:
        result.unpersist()
    return BuildResult(table.name, "replace", version, counts, proofs.checks, proofs.ledger)


def _matured(context: BuildContext, plan: TablePlan, on: str) -> DataFrame:
    """Partitions whose figures change by the calendar alone, as of the logical date."""
    stored = context.lake.read(context.session, plan.table.name)
    if not plan.matured:
        return stored.select(on).limit(0)
    return stored.where(F.col(NEXT_CHANGE) <= F.lit(context.request.logical_date)).select(on).distinct()


def _next_change(context: BuildContext, plan: TablePlan, result: DataFrame, where: str | None) -> str | None:
    """The first day on which a stored figure changes without a new row, over the whole table after the write."""
    if plan.table.is_photograph:
        return (context.request.logical_date + timedelta(days=1)).isoformat()
    if NEXT_CHANGE not in plan.table.field_names:
        return None
    whole = after_write(context.session, context.lake, plan.table, result, where)
    soonest: date | None = whole.agg(F.min(NEXT_CHANGE)).collect()[0][0]
    return soonest.isoformat() if soonest else None


def _with_provenance(context: BuildContext, plan: TablePlan, result: DataFrame) -> DataFrame:
    return result.withColumns(
        {
            "_run_id": F.lit(context.request.run_id),
            "_as_of_date": F.lit(context.request.logical_date),
            "_source_versions": F.lit(json.dumps(dict(plan.consumed), sort_keys=True)),
        }
    )
