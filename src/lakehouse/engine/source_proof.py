"""Is every row that the source holds below the position in Bronze? And how late do rows come after their stamp?

The rows are read from the source again and held against all of Bronze by key and content. A row below the position
either landed as it is now, or it was changed since and is above the position now; so whatever is read and not found was
lost, however busy the source is meanwhile. Logs cannot tell this: they know nothing of rows that were never offered.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.engine.context import BuildContext
from lakehouse.engine.live import same_values
from lakehouse.errors import SourceError
from lakehouse.spec.columns import blank_to_null, parse_clean, row_hash
from lakehouse.spec.field import LONG, MONEY, STRING, TIMESTAMP, TOTAL, field
from lakehouse.spec.scopes import Append
from lakehouse.spec.sources import SqlSource
from lakehouse.spec.table import Table
from lakehouse.storage.frames import frame_of, schema_by_name
from lakehouse.storage.lake import Layout
from lakehouse.storage.notes import CommitNote, Delivery, TableState
from lakehouse.storage.store import MISSING_SUFFIX
from lakehouse.storage.window import Window

STAGING = "_staging"
SUGGESTED_TIMES = 2
"""A lag is suggested as so many times the greatest lateness that was seen."""
NO_MONTH = "none"


@dataclass(frozen=True)
class MonthProof:
    """One month of a table, source against Bronze.

    Attributes:
        month: YYYY-MM of the feed's first service or stamp column, `none` where there is no date.
        source_rows, landed_rows: rows read again, and those of them that Bronze holds.
        source_hash, landed_hash: sums of the rows' hashes modulo 2^64.
        source_sums, landed_sums: US dollars by raw money column.
    """

    month: str
    source_rows: int
    landed_rows: int
    source_hash: int
    landed_hash: int
    source_sums: dict[str, Decimal]
    landed_sums: dict[str, Decimal]


@dataclass(frozen=True)
class SourceProof:
    """What came out for one table.

    Attributes:
        table: Bronze table.
        position: end of what should have landed.
        months: ascending.
        missing: rows of the source that Bronze does not hold; their keys stand in `missing_table`.
        missing_table: restricted table, None when nothing is missing.
        late_rows: rows that landed in a later window than their stamp belongs to.
        greatest_lateness: from a row's stamp to the end of the last window that should have held it.
        suggested_lag: for a table that is read by its stamp alone.
    """

    table: str
    position: str
    months: tuple[MonthProof, ...]
    missing: int
    missing_table: str | None
    late_rows: int
    greatest_lateness: timedelta
    suggested_lag: timedelta


def prove_source(context: BuildContext, table: Table, money: Sequence[str], month_of: str | None) -> SourceProof:
    """Hold one table of a database against its Bronze table.

    Args:
        context: of a session; its lake may write Bronze tables of the network.
        table: a Bronze table that reads a database.
        money: raw columns to sum.
        month_of: raw date column that tells the month; None takes the stamp.

    Raises:
        SourceError: nothing landed yet, or the source does not answer.
    """
    lake, session = context.lake, context.session
    position = lake.logs[table.name].state.position
    if position is None:
        raise SourceError(f"{table.name}: nothing landed yet, so there is nothing to prove. Run it first.")
    source = context.databases.table(table)
    place = (STAGING, "proof", *table.name.split("."))
    lake.store.remove_folder(*place)
    try:
        staged = source.stage(
            Window(position.signal, None, position.hi, takes_unstamped=True),
            lake.store.uri(*place),
            "proof",
            s3=context.settings.lake.s3,
        )
        held = lake.read(session, table.name)
        found = _with_found(session.read.parquet(*staged.paths), held, table).persist()
        try:
            months = _months(found, table, money, month_of)
            missing = sum(m.source_rows - m.landed_rows for m in months)
            name = _keep_missing(context, table, found) if missing else None
        finally:
            found.unpersist()
    finally:
        lake.store.remove_folder(*place)
    late, lateness = _lateness(context, table, held)
    suggested = timedelta(minutes=-(-SUGGESTED_TIMES * lateness // timedelta(minutes=1)))
    return SourceProof(table.name, position.hi, months, missing, name, late, lateness, suggested)


def _with_found(read: DataFrame, held: DataFrame, table: Table) -> DataFrame:
    """Rows read again with their hash, and whether Bronze holds their key with that content."""
    assert table.feed is not None
    keys = table.feed.key
    entries = F.array_sort(F.map_entries("_rescued"))
    hashed = row_hash([*[f.name for f in table.feed.fields], "_rescued_entries"])
    rows = read.withColumn("_rescued_entries", entries).withColumn("_raw_hash", hashed).drop("_rescued_entries")
    known = held.select(*[F.col(c) for c in (*keys, "_raw_hash")]).distinct().withColumn("_is_found", F.lit(True))
    condition = same_values("read", "known", (*keys, "_raw_hash"))
    joined = rows.alias("read").join(known.alias("known"), condition, "left")
    return joined.select("read.*", F.coalesce(F.col("known._is_found"), F.lit(False)).alias("_is_found"))


def _months(found: DataFrame, table: Table, money: Sequence[str], month_of: str | None) -> tuple[MonthProof, ...]:
    source = table.reads["rows"]
    assert isinstance(source, SqlSource)
    month = F.coalesce(F.substring(blank_to_null(F.col(month_of or source.stamp)), 1, 7), F.lit(NO_MONTH))
    hashes = F.sum(F.col("_raw_hash").cast("decimal(20,0)"))
    sums = [F.sum(parse_clean(blank_to_null(F.col(c)), MONEY, (), ())).cast(TOTAL).alias(f"sum_{c}") for c in money]
    grouped = found.groupBy(month.alias("month"), "_is_found").agg(
        F.count(F.lit(1)).alias("rows"), hashes.alias("hash"), *sums
    )
    per_month: dict[str, dict[bool, dict[str, Decimal]]] = {}
    for row in grouped.collect():
        values = {c: Decimal(row[c] or 0) for c in ("rows", "hash", *[f"sum_{m}" for m in money])}
        per_month.setdefault(row["month"], {})[row["_is_found"]] = values
    return tuple(_month(name, per_month[name], money) for name in sorted(per_month))


def _month(name: str, sides: dict[bool, dict[str, Decimal]], money: Sequence[str]) -> MonthProof:
    def landed(column: str) -> Decimal:
        return sides.get(True, {}).get(column, Decimal(0))

    def sent(column: str) -> Decimal:
        return landed(column) + sides.get(False, {}).get(column, Decimal(0))

    return MonthProof(
        name,
        int(sent("rows")),
        int(landed("rows")),
        int(sent("hash")) % 2**64,
        int(landed("hash")) % 2**64,
        {c: sent(f"sum_{c}") for c in money},
        {c: landed(f"sum_{c}") for c in money},
    )


def _keep_missing(context: BuildContext, table: Table, found: DataFrame) -> str:
    """Write the keys of the missing rows to a table beside the Bronze one; the newest proof's stand there alone."""
    assert table.feed is not None
    name, lake = table.name + MISSING_SUFFIX, context.lake
    keys = {f.name: f for f in table.feed.fields if f.name in table.feed.key}
    fields = [field(n, STRING, keys[n].meaning, phi=keys[n].phi) for n in table.feed.key]
    fields += [
        field("_raw_hash", LONG, "hash of the row as the source holds it"),
        field("_found_at", TIMESTAMP, "when the proof was made, UTC"),
        field("_run_id", STRING, "the proof"),
    ]
    layout = Layout(name, tuple(fields))
    lake.ensure(context.session, layout)
    rows = found.where(~F.col("_is_found")).select(
        *table.feed.key,
        "_raw_hash",
        F.lit(context.request.started_at).alias("_found_at"),
        F.lit(context.request.run_id).alias("_run_id"),
    )
    state = TableState(sequence=lake.logs[name].state.sequence + 1)
    lake.replace(context.session, name, rows, None, CommitNote(context.request.run_id, "replace", state))
    return name


def _lateness(context: BuildContext, table: Table, held: DataFrame) -> tuple[int, timedelta]:
    """Rows stamped before the end of the window before theirs, and how long before at most."""
    source, network = table.reads["rows"], table.network
    assert isinstance(source, SqlSource)
    assert network is not None
    landed = [d for _, d in context.lake.logs[table.name].deliveries() if d.kind == "rows" and d.window]
    earlier = [
        (d.batch_id, before.delivered_at) for before, d in _pairs(landed) if before.delivered_at != d.delivered_at
    ]
    if not earlier:
        return 0, timedelta(0)
    batches = frame_of(context.session, earlier, schema_by_name(_batch_id=STRING, _before=STRING))
    zone = context.settings.networks[network].sql.zone
    stamped = F.to_utc_timestamp(F.try_to_timestamp(F.col(source.stamp)), zone)
    seconds = F.unix_micros(F.to_timestamp("_before")) - F.unix_micros(stamped)
    found = (
        held.join(F.broadcast(batches), on="_batch_id")
        .select(seconds.cast(LONG).alias("late"))
        .where("late > 0")
        .agg(F.count(F.lit(1)).alias("rows"), F.max("late").alias("most"))
        .collect()[0]
    )
    return found["rows"], timedelta(microseconds=found["most"] or 0)


def _pairs(landed: Sequence[Delivery]) -> list[tuple[Delivery, Delivery]]:
    """Each delivery with the last one of an earlier reading."""
    pairs: list[tuple[Delivery, Delivery]] = []
    for number, delivery in enumerate(landed):
        earlier = [d for d in landed[:number] if d.delivered_at < delivery.delivered_at]
        if earlier:
            pairs.append((earlier[-1], delivery))
    return pairs


def is_provable(table: Table) -> bool:
    """The table lands a database."""
    return isinstance(table.write, Append) and isinstance(table.reads["rows"], SqlSource)
