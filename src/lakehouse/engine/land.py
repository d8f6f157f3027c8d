"""Bronze: land deliveries exactly as sent, each once.

A file is read once, into the lake's staging folder, where its rows become Parquet text and its checksum and counts
are taken; then all files of the feed are appended in one commit that lists them. A kill before the commit leaves
nothing but staged files, which the next landing removes.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.engine.check import set_aside
from lakehouse.engine.context import BuildContext, BuildResult
from lakehouse.engine.layout import layout_of
from lakehouse.engine.ledger import IN, OUT, ROWS, lines_of, prove
from lakehouse.engine.plan import stamp
from lakehouse.engine.work import TablePlan
from lakehouse.spec.columns import row_hash
from lakehouse.spec.field import STRING
from lakehouse.spec.sources import FileSource
from lakehouse.storage.files import FoundFile, RawColumn, Staged, stage
from lakehouse.storage.frames import frame_of, schema_by_name
from lakehouse.storage.notes import Delivery

STAGING = "_staging"
_DATE_IN_PATH = re.compile(r"(?<!\d)(20\d\d|19\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")


@dataclass(frozen=True)
class Landed:
    """A staged file and what the commit will say of it.

    Attributes:
        staged: where its rows are.
        delivery: its entry in the commit.
        is_changed: other content came under this path before.
    """

    staged: Staged
    delivery: Delivery
    is_changed: bool


def delivered_at(file: FoundFile) -> datetime:
    """UTC instant a delivery counts from: the last date in its path (`claims-2026-01-05.csv`), else its modification
    time."""
    dates = _DATE_IN_PATH.findall(file.path)
    for year, month, day in reversed(dates):
        try:
            return datetime(int(year), int(month), int(day), tzinfo=UTC)
        except ValueError:
            continue
    return file.modified_at


def batch_id(table: str, file: FoundFile, checksum: str, sequence: int) -> str:
    """Id of a delivery's rows: the same for every retry of one landing, another when the file is read again on
    purpose."""
    text = "\n".join((table, file.path, str(file.size), checksum, str(sequence)))
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def land(context: BuildContext, plan: TablePlan) -> BuildResult:
    """Land the plan's files in one commit."""
    table = plan.table
    place = (STAGING, *table.name.split("."))
    context.lake.store.remove_folder(*place)
    try:
        landed = _stage_all(context, plan, context.lake.store.uri(*place))
        return _commit(context, plan, landed)
    finally:
        context.lake.store.remove_folder(*place)


def _stage_all(context: BuildContext, plan: TablePlan, folder: str) -> list[Landed]:
    table = plan.table
    assert table.network is not None
    assert table.feed is not None
    source = table.reads["rows"]
    assert isinstance(source, FileSource)
    root = context.settings.networks[table.network].root or ""
    raw_columns = [RawColumn(f.name, f.aliases, f.required) for f in table.feed.fields]
    last = {d.path: d.checksum for _, d in context.lake.logs[table.name].deliveries()}
    made: list[Landed] = []
    for number, file in enumerate(plan.files):
        staged = stage(root, file, source, raw_columns, f"{folder}/{number:06d}")
        is_known = last.get(file.path) == staged.checksum and not context.request.reload_source
        is_changed = last.get(file.path, staged.checksum) != staged.checksum
        made.append(Landed(staged, _delivery(context, plan, staged, is_known), is_changed))
    return made


def _delivery(context: BuildContext, plan: TablePlan, staged: Staged, is_known: bool) -> Delivery:
    return Delivery(
        path=staged.file.path,
        size=staged.file.size,
        modified_at=stamp(staged.file.modified_at),
        checksum=staged.checksum,
        batch_id=batch_id(plan.table.name, staged.file, staged.checksum, plan.state.sequence + 1),
        delivered_at=stamp(delivered_at(staged.file)),
        ingest_date=context.request.logical_date.isoformat(),
        rows=staged.rows,
        rejected=staged.rejected,
        repeats=is_known,
    )


def _commit(context: BuildContext, plan: TablePlan, landed: list[Landed]) -> BuildResult:
    name, session, lake = plan.table.name, context.session, context.lake
    lake.ensure(session, layout_of(plan.table, lake.settings))
    fresh = [item for item in landed if not item.delivery.repeats]
    counts = {
        "files": len(fresh),
        "rows": sum(item.delivery.rows for item in fresh),
        "rejected": sum(item.delivery.rejected for item in fresh),
        "repeated_files": len(landed) - len(fresh),
    }
    if counts["rejected"]:
        set_aside(session, lake, plan.table, _rejected(context, plan, fresh), context.request.run_id)
    state = context.next_state(plan)
    deliveries = tuple(item.delivery for item in landed)
    note = context.note("land" if fresh else "marker", state, counts, deliveries)
    if not fresh:
        version = lake.mark(session, name, note)
        return BuildResult(name, "marker", version, counts, warnings=_warnings(landed))
    rows = _rows(context, plan, fresh).persist()
    try:
        ledger = lines_of(name, "conform", plan.table.network or "", IN, "decoded", {ROWS: counts["rows"]})
        ledger += lines_of(name, "conform", plan.table.network or "", OUT, "landed", {ROWS: rows.count()})
        prove(ledger)
        version = lake.append(session, name, rows, note)
    finally:
        rows.unpersist()
    return BuildResult(name, "land", version, counts, ledger=tuple(ledger), warnings=_warnings(landed))


def _rows(context: BuildContext, plan: TablePlan, fresh: list[Landed]) -> DataFrame:
    """Staged rows with their lineage, in stored order."""
    table, request = plan.table, context.request
    assert table.feed is not None
    staged = context.session.read.parquet(*[item.staged.rows_path for item in fresh])
    listed = [(i.delivery.path, i.delivery.batch_id, i.delivery.delivered_at) for i in fresh]
    batches = frame_of(context.session, listed, schema_by_name(_source=STRING, _batch_id=STRING, _delivered=STRING))
    business = [f.name for f in table.feed.fields]
    rescued = F.array_sort(F.map_entries("_rescued"))
    lineage = {
        "_network": F.lit(table.network),
        "_raw_hash": row_hash([*business, "_rescued_entries"]),
        "_delivered_at": F.to_timestamp("_delivered"),
        "_ingested_at": F.lit(request.started_at),
        "_ingest_date": F.lit(request.logical_date),
    }
    joined = staged.join(F.broadcast(batches), on="_source", how="left").withColumn("_rescued_entries", rescued)
    return joined.withColumns(lineage).select(*table.field_names)


def _rejected(context: BuildContext, plan: TablePlan, fresh: list[Landed]) -> DataFrame:
    """Records that could not be decoded, in the quarantine's shape."""
    paths = [item.staged.rejected_path for item in fresh if item.staged.rejected_path]
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


def _warnings(landed: list[Landed]) -> tuple[str, ...]:
    """Extra columns, changed files, records set aside: by file, without values."""
    said: list[str] = []
    for item in landed:
        path = item.delivery.path
        if item.staged.extra_columns:
            said.append(f"{path}: undeclared columns kept in _rescued: {', '.join(item.staged.extra_columns)}")
        if item.delivery.rejected:
            said.append(f"{path}: {item.delivery.rejected} records could not be decoded and were set aside")
        if item.is_changed:
            said.append(f"{path}: other content under a known name; landed as a new delivery")
        if item.delivery.repeats:
            said.append(f"{path}: same content as before under a new modification time; not landed again")
    return tuple(said)
