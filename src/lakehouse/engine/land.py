"""Bronze: land deliveries exactly as sent, each once.

A file, or a window of a database, is read once, into the lake's staging folder, where its rows become Parquet text and
its counts are taken; then what belongs together is appended in one commit that lists it and carries the source's
position. A kill before the commit leaves nothing but staged files, which the next landing removes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.engine.batch import Batch, Step
from lakehouse.engine.conform import newest
from lakehouse.engine.context import BuildContext, BuildResult
from lakehouse.engine.land_files import file_steps
from lakehouse.engine.land_windows import window_steps
from lakehouse.engine.layout import layout_of
from lakehouse.engine.ledger import IN, OUT, ROWS, LedgerLine, lines_of
from lakehouse.engine.live import same_values
from lakehouse.engine.quarantine import set_aside
from lakehouse.engine.windows import position_after
from lakehouse.engine.work import TablePlan
from lakehouse.errors import BalanceError
from lakehouse.faults import fault_point
from lakehouse.spec.columns import row_hash
from lakehouse.spec.field import STRING
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.frames import frame_of, schema_by_name
from lakehouse.storage.notes import TableState

STAGING = "_staging"
MISSING_COLUMN_ROWS = 20
"""From so many rows on a column without any value is worth a word."""


def land(context: BuildContext, plan: TablePlan) -> BuildResult:
    """Land what the plan lists: all its files in one commit, each window of a database in its own."""
    table, lake = plan.table, context.lake
    place = (STAGING, *table.name.split("."))
    lake.store.remove_folder(*place)
    is_database = isinstance(table.reads["rows"], SqlSource)
    steps: Iterator[Step] = (window_steps if is_database else file_steps)(context, plan, lake.store.uri(*place))
    # All rows of a landing lie in one partition, so none need be sorted by it before they are written.
    context.session.conf.set("spark.sql.maxConcurrentOutputFileWriters", "2")
    results: list[BuildResult] = []
    state = plan.state
    try:
        fault_point("before_stage")
        for step in steps:
            fault_point("after_stage")
            if not results:
                lake.ensure(context.session, layout_of(table, lake.settings))
            state = _next_state(context, plan, state, step)
            results.append(_commit(context, plan, step, state))
    finally:
        lake.store.remove_folder(*place)
    return _together(results)


def _next_state(context: BuildContext, plan: TablePlan, before: TableState, step: Step) -> TableState:
    filled = set(before.filled).union(*[batch.filled for batch in step.batches])
    return context.next_state(
        plan,
        sequence=before.sequence + 1,
        position=position_after(before.position, step.position) if step.position else before.position,
        keys_compared_on=step.keys_compared_on or before.keys_compared_on,
        filled=tuple(sorted(filled)),
    )


def _together(results: Sequence[BuildResult]) -> BuildResult:
    """The commits of one landing as one result."""
    last = results[-1]
    counts = {key: sum(r.counts.get(key, 0) for r in results) for key in last.counts}
    amounts: dict[LedgerLine, LedgerLine] = {}
    for line in (line for r in results for line in r.ledger):
        place = replace(line, amount=line.amount * 0)
        amounts[place] = replace(line, amount=line.amount + amounts[place].amount) if place in amounts else line
    kind = "land" if any(r.kind == "land" for r in results) else "marker"
    warnings = dict.fromkeys(w for r in results for w in r.warnings)
    return BuildResult(last.table, kind, last.version, counts, ledger=tuple(amounts.values()), warnings=tuple(warnings))


def _commit(context: BuildContext, plan: TablePlan, step: Step, state: TableState) -> BuildResult:
    name, session, lake = plan.table.name, context.session, context.lake
    fresh = [b for b in step.batches if not b.delivery.repeats]
    staged = sum(b.delivery.rows for b in fresh)
    counts = {
        "deliveries": len(fresh),
        "rows": staged,
        "known_rows": 0,
        "rejected": sum(b.delivery.rejected for b in fresh),
        "repeated_files": len(step.batches) - len(fresh),
    }
    if counts["rejected"]:
        set_aside(session, lake, plan.table, _rejected(context, plan, fresh), context.request.run_id)
    warnings = _warnings(step.batches, plan)
    deliveries = tuple(b.delivery for b in step.batches)
    kind = "land" if fresh else "marker"
    if not staged:
        version = lake.mark(session, name, context.note(kind, state, counts, deliveries))
        return BuildResult(name, kind, version, counts, warnings=warnings)
    rows = _rows(context, plan, fresh)
    if step.drops_known:
        return _land_unknown(context, plan, step, state, counts, rows)
    version = lake.append(session, name, rows, context.note("land", state, counts, deliveries))
    ledger = _proved(context, plan, version, staged)
    return BuildResult(name, "land", version, counts, ledger=tuple(ledger), warnings=warnings)


def _proved(context: BuildContext, plan: TablePlan, version: int, staged: int) -> list[LedgerLine]:
    """What Delta says it wrote is what was staged.

    Raises:
        BalanceError: it is not.
    """
    name = plan.table.name
    written = context.lake.logs[name].commit(version).metrics.get("numOutputRows", "unknown")
    if written != str(staged):
        raise BalanceError(
            f"{name} version {version}: {staged} rows were staged, {written} written. Remove its folder and land "
            "it again."
        )
    part = plan.table.network or ""
    both = ((IN, "decoded"), (OUT, "landed"))
    return [line for side, why in both for line in lines_of(name, "conform", part, side, why, {ROWS: staged})]


def _land_unknown(
    context: BuildContext,
    plan: TablePlan,
    step: Step,
    state: TableState,
    counts: dict[str, int],
    rows: DataFrame,
) -> BuildResult:
    """Land the rows that did not land before, whose number the commit must say, so they are counted first."""
    name, session, lake = plan.table.name, context.session, context.lake
    staged, part = counts["rows"], plan.table.network or ""
    unknown = _unknown(context, plan, rows, step.known_since).persist()
    try:
        fresh = unknown.count()
        counts |= {"rows": fresh, "known_rows": staged - fresh}
        ledger = lines_of(name, "conform", part, IN, "decoded", {ROWS: staged})
        ledger += lines_of(name, "conform", part, OUT, "landed", {ROWS: fresh})
        ledger += lines_of(name, "conform", part, OUT, "landed before", {ROWS: staged - fresh})
        deliveries = tuple(replace(batch.delivery, rows=fresh) for batch in step.batches)
        note = context.note("land" if fresh else "marker", state, counts, deliveries)
        version = lake.append(session, name, unknown, note) if fresh else lake.mark(session, name, note)
    finally:
        unknown.unpersist()
    warnings = _warnings(step.batches, plan)
    return BuildResult(name, note.kind, version, counts, ledger=tuple(ledger), warnings=warnings)


def _unknown(context: BuildContext, plan: TablePlan, rows: DataFrame, since: str | None) -> DataFrame:
    """Rows whose key did not land last with the very same content: an overlap of windows is read again, landed once."""
    table = plan.table
    assert table.feed is not None
    source = table.reads["rows"]
    assert isinstance(source, SqlSource)
    landed = context.lake.read(context.session, table.name)
    if since is not None:
        landed = landed.where((F.col("_ingest_date") >= F.to_date(F.lit(since))) | F.col(source.stamp).isNull())
    keys = table.feed.key
    last = newest(landed.join(F.broadcast(rows.select(*keys).distinct()), on=list(keys), how="left_semi"), keys)
    condition = same_values("new", "old", (*keys, "_raw_hash"))
    return rows.alias("new").join(last.alias("old"), condition, "left_anti").select("new.*")


def _rows(context: BuildContext, plan: TablePlan, fresh: Sequence[Batch]) -> DataFrame:
    """Staged rows with their lineage, in stored order."""
    table, request = plan.table, context.request
    assert table.feed is not None
    staged = context.session.read.parquet(*[path for batch in fresh for path in batch.rows_paths])
    business = [f.name for f in table.feed.fields]
    rescued = F.array_sort(F.map_entries("_rescued"))
    lineage = {
        "_network": F.lit(table.network),
        "_raw_hash": row_hash([*business, "_rescued_entries"]),
        "_delivered_at": F.to_timestamp("_delivered"),
        "_ingested_at": F.lit(request.started_at),
        "_ingest_date": F.lit(request.logical_date),
    }
    rows = _with_batch(context, staged, fresh).withColumn("_rescued_entries", rescued)
    return rows.withColumns(lineage).select(*table.field_names)


def _with_batch(context: BuildContext, staged: DataFrame, fresh: Sequence[Batch]) -> DataFrame:
    """`_batch_id` and `_delivered` of each row, by the file or table it came from."""
    listed = [(b.delivery.path, b.delivery.batch_id, b.delivery.delivered_at) for b in fresh]
    if len(listed) == 1:
        [(_, batch, delivered)] = listed
        return staged.withColumns({"_batch_id": F.lit(batch), "_delivered": F.lit(delivered)})
    batches = frame_of(context.session, listed, schema_by_name(_source=STRING, _batch_id=STRING, _delivered=STRING))
    return staged.join(F.broadcast(batches), on="_source", how="left")


def _rejected(context: BuildContext, plan: TablePlan, fresh: Sequence[Batch]) -> DataFrame:
    """Records that could not be decoded, in the quarantine's shape."""
    paths = [path for batch in fresh for path in batch.rejected_paths]
    listed = [(item.delivery.path, item.delivery.batch_id) for item in fresh]
    batches = frame_of(context.session, listed, schema_by_name(_source=STRING, _batch_id=STRING))
    text = F.create_map(F.lit("_text"), F.col("_text"), F.lit("_line"), F.col("_line").cast("string"))
    return (
        context.session.read.parquet(*paths)
        .join(F.broadcast(batches), on="_source", how="left")
        .select(
            F.lit(plan.table.network).alias("_network"),
            "_source",
            "_batch_id",
            "_row_number",
            F.lit(0).cast("long").alias("_part"),
            F.array("_reason").alias("_failed_expectations"),
            F.array().cast("array<string>").alias("_unparsed"),
            F.map_filter(text, lambda _, value: value.isNotNull()).alias("row"),
            F.lit(context.request.started_at).alias("_first_seen_at"),
            F.lit(context.request.run_id).alias("_run_id"),
            F.lit("open").alias("_status"),
        )
    )


def _warnings(batches: Sequence[Batch], plan: TablePlan) -> tuple[str, ...]:
    """Extra columns, columns that lost their values, changed files, records set aside: without values."""
    said: list[str] = []
    for batch in batches:
        path, before = batch.delivery.path, {*plan.state.filled} - {*batch.absent}
        emptied = sorted(before - batch.filled) if batch.delivery.rows >= MISSING_COLUMN_ROWS else []
        if batch.extra:
            said.append(f"{path}: undeclared columns kept in _rescued: {', '.join(batch.extra)}")
        if emptied and batch.delivery.kind == "rows":
            said.append(f"{path}: columns that held values before are empty in every row: {', '.join(emptied)}")
        if batch.delivery.rejected:
            said.append(f"{path}: {batch.delivery.rejected} records could not be decoded and were set aside")
        if batch.told:
            said.append(batch.told)
    return tuple(said)
