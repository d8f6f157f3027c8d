"""Windows of a database's changes into the staging folder, one commit each."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from lakehouse.engine.batch import Batch, Step, id_of
from lakehouse.engine.context import BuildContext
from lakehouse.engine.databases import connection_reference
from lakehouse.engine.deleted_keys import KEYS, stage_tombstones
from lakehouse.engine.source_plan import stamp
from lakehouse.engine.work import TablePlan
from lakehouse.spec.sources import SqlSource
from lakehouse.spec.table import Table
from lakehouse.storage.notes import Delivery
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import MODIFIED_DATE, Window

if TYPE_CHECKING:
    from lakehouse.storage.odbc.source_table import SourceTable, StagedRows

ROWS, RELOAD = "rows", "reload"


def window_steps(context: BuildContext, plan: TablePlan, folder: str) -> Iterator[Step]:
    """One step for each window, so that what was committed is not read again after a failure; then the keys."""
    source = context.databases.table(plan.table)
    kind = RELOAD if context.request.reload_source else ROWS
    for number, window in enumerate(plan.windows):
        staged = _stage(context, plan, source, window, f"{folder}/{number:06d}")
        delivery = replace(
            _delivery(context, plan, source, window, staged.rows, kind, number), rejected=staged.rejected
        )
        batch = Batch(
            delivery, staged.paths, staged.rejected_paths, staged.filled, source.absent_columns, source.extra_columns
        )
        overlaps = kind == RELOAD or window.signal == MODIFIED_DATE or _has_unnumbered(source, window)
        position, since = (None, None) if kind == RELOAD else (window, _overlap(context, plan, window))
        yield Step((batch,), position, _first_day(context, plan), overlaps, since)
    if plan.compares_keys:
        gone = stage_tombstones(context, plan.table, source, f"{folder}/keys")
        later = replace(plan, read_at=gone.read_at)
        delivery = _delivery(context, later, source, gone.after, gone.rows, KEYS, 0)
        yield Step((Batch(delivery, (gone.path,)),), None, context.request.logical_date.isoformat())


def _has_unnumbered(source: "SourceTable", window: Window) -> bool:
    """Rows without a number are read with every newest window."""
    return window.takes_unstamped and source.count(replace(window, lo=window.hi)) > 0


def _overlap(context: BuildContext, plan: TablePlan, window: Window) -> str | None:
    """First ingest date of the deliveries that hold rows of this window's span."""
    if window.signal != MODIFIED_DATE or window.lo is None:
        return None
    landed = [d for _, d in context.lake.logs[plan.table.name].deliveries() if d.window is not None]
    days = [d.ingest_date for d in landed if d.window is not None and d.window.hi > window.lo]
    return min(days, default=context.request.logical_date.isoformat())


def _first_day(context: BuildContext, plan: TablePlan) -> str | None:
    """A first load holds what the source holds, so it counts as compared."""
    return None if plan.state.keys_compared_on else context.request.logical_date.isoformat()


def _stage(context: BuildContext, plan: TablePlan, source: "SourceTable", window: Window, folder: str) -> "StagedRows":
    """Read one window: in this process, or, where the network says so, on Spark's executors."""
    table = plan.table
    assert table.network is not None
    settings = context.settings.networks[table.network].sql
    reference = connection_reference(context.settings, table.network) if settings.executors else None
    if reference is None:
        return source.stage(window, folder, "window", s3=context.settings.lake.s3)
    source.count(window)  # a server that does not answer says so here, in a sentence of its own
    return _stage_on_executors(context, table, reference, window, f"{folder}/window")


def _stage_on_executors(context: BuildContext, table: Table, reference: str, window: Window, path: str) -> "StagedRows":
    from lakehouse.storage.odbc.source_table import StagedRows
    from lakehouse.storage.odbc.spark_source import window_frame

    declared, network = table.reads["rows"], table.network
    assert isinstance(declared, SqlSource)
    assert network is not None
    assert table.feed is not None
    settings = context.settings.networks[network].sql
    columns = [RawColumn(f.name, f.aliases, f.required) for f in table.feed.fields]
    read = window_frame(context.session, network, reference, settings, declared, columns, table.feed.key, window)
    read.write.mode("overwrite").parquet(path)  # once: what comes after works from these files
    counted = context.session.read.parquet(path).agg(
        F.count(F.lit(1)).alias("rows"), *[F.count(F.col(c.name)).alias(c.name) for c in columns]
    )
    found = counted.collect()[0]
    return StagedRows((path,), found["rows"], frozenset(c.name for c in columns if found[c.name]))


def _delivery(
    context: BuildContext, plan: TablePlan, source: "SourceTable", window: Window, rows: int, kind: str, number: int
) -> Delivery:
    assert plan.read_at is not None
    # Pieces read one after the other: what a later one holds of a key is newer.
    read_at = stamp(plan.read_at + timedelta(microseconds=number))
    parts = (source.name, window.signal, window.lo or "", window.hi, kind, str(number))
    return Delivery(
        path=source.name,
        size=0,
        modified_at=read_at,
        checksum="",
        batch_id=id_of(plan.table.name, plan.state.sequence + 1, *parts),
        delivered_at=read_at,
        ingest_date=context.request.logical_date.isoformat(),
        rows=rows,
        rejected=0,
        window=window,
        kind=kind,
    )
