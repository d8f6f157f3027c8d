"""Rows set aside: brought into a table's quarantine, given an owner, discarded, and resolved.

A row keeps its place in the quarantine for good; what changes is where it stands. Every write is one commit.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.engine.layout import QUARANTINE, QUARANTINE_KEYS, QUARANTINE_RECORD, quarantine_layout
from lakehouse.engine.ledger import prove_merge
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Lake, MergeShape
from lakehouse.storage.notes import CommitNote
from lakehouse.storage.small_reads import Chosen
from lakehouse.storage.store import Standing, quarantine_of

BROKEN = "_broken"
WAIVED = "_waived"
SET_ASIDE, WAIVED_ROWS, DISCARDED_ROWS = "set_aside", "waived", "discarded"
"""Totals that a quarantine's state keeps."""
_KEYS = list(QUARANTINE_KEYS)
_COLUMNS = [f.name for f in QUARANTINE]
_KEPT = ("_first_seen_at", "_run_id", "_owner", "_reason", "_waived")


def part_of(rows: DataFrame) -> Column:
    """Tells apart the rows made of one record: a hash of the text of each."""
    return F.xxhash64(F.map_entries(_as_sent(rows)))


def _as_sent(rows: DataFrame) -> Column:
    text = rows.select("_lineage.text.*").columns
    pairs = [part for name in text for part in (F.lit(name), F.col(f"_lineage.text.`{name}`"))]
    return F.map_filter(F.create_map(*pairs), lambda _, value: value.isNotNull())


def quarantined_rows(rows: DataFrame, run_id: str, seen_at: datetime) -> DataFrame:
    """Failing rows in the quarantine's shape: the text as sent, and the names of all broken rules."""
    return rows.select(
        F.col("network").alias("_network"),
        F.col("_lineage.source").alias("_source"),
        F.col("_lineage.batch_id").alias("_batch_id"),
        F.col("_lineage.row_number").alias("_row_number"),
        part_of(rows).alias("_part"),
        F.col(BROKEN).alias("_failed_expectations"),
        F.col("_lineage.unparsed").alias("_unparsed"),
        _as_sent(rows).alias("row"),
        F.lit(seen_at).alias("_first_seen_at"),
        F.lit(run_id).alias("_run_id"),
        F.lit(str(Standing.OPEN)).alias("_status"),
    )


def set_aside(session: SparkSession, lake: Lake, table: Table, rows: DataFrame, run_id: str) -> None:
    """Bring failing rows into the table's quarantine, so that a rerun changes nothing.

    A row that is not there is added; a record that stands there under another text lends it its age and owner. One
    that was resolved is open again; of an open one the broken rules are brought up to date; a discarded one stays so.
    """
    layout = quarantine_layout(table)
    lake.ensure(session, layout)
    known = lake.read(session, layout.name)
    changed = _changed(_in_layout(rows).dropDuplicates(_KEYS), known).persist()
    try:
        found = {r["_is_new"]: r["count"] for r in changed.groupBy("_is_new").count().collect()}
        fresh, again = found.get(True, 0), found.get(False, 0)
        if not found:
            return
        state = lake.logs[layout.name].state
        total = state.accounted.get(SET_ASIDE)
        if total is None:
            total = known.count()
        state = replace(state, sequence=state.sequence + 1, accounted={**state.accounted, SET_ASIDE: total + fresh})
        counts = {"quarantined": fresh, "inserted": fresh, "updated": again}
        if again:
            _merge(
                session, lake, layout.name, changed.drop("_is_new"), CommitNote(run_id, "merge", state, counts=counts)
            )
        else:
            note = CommitNote(run_id, "append", state, counts=counts)
            lake.append(session, layout.name, changed.drop("_is_new"), note)
    finally:
        changed.unpersist()


def _in_layout(rows: DataFrame) -> DataFrame:
    """All columns of a quarantine; what nobody said yet is null."""
    said = {*rows.columns}
    return rows.select(
        *[F.col(f.name) if f.name in said else F.lit(None).cast(f.type).alias(f.name) for f in QUARANTINE]
    )


def _changed(rows: DataFrame, known: DataFrame) -> DataFrame:
    """Rows to write, with `_is_new`."""
    old = known.select(*_KEYS, *[F.col(c).alias(f"_old{c}") for c in ("_status", "_failed_expectations", *_KEPT)])
    records = known.groupBy(*QUARANTINE_RECORD).agg(
        F.min("_first_seen_at").alias("_record_seen_at"), F.max("_owner").alias("_record_owner")
    )
    joined = rows.join(old, on=_KEYS, how="left").join(records, on=list(QUARANTINE_RECORD), how="left")
    is_new = F.col("_old_status").isNull()
    other_rules = F.sort_array("_failed_expectations") != F.sort_array("_old_failed_expectations")
    is_open_otherwise = (F.col("_old_status") == Standing.OPEN) & other_rules
    values = {c: F.coalesce(f"_old{c}", c) for c in _KEPT}
    values["_first_seen_at"] = F.coalesce("_old_first_seen_at", "_record_seen_at", "_first_seen_at")
    values["_owner"] = F.coalesce("_old_owner", "_record_owner", "_owner")
    due = joined.where(is_new | (F.col("_old_status") == Standing.RESOLVED) | is_open_otherwise)
    return due.select(*[values.get(c, F.col(c)).alias(c) for c in _COLUMNS], is_new.alias("_is_new"))


def _merge(session: SparkSession, lake: Lake, name: str, rows: DataFrame, note: CommitNote) -> None:
    changes = rows.select(*_COLUMNS, F.lit(False).alias("_is_removal"))
    version = lake.merge(session, name, changes, MergeShape(QUARANTINE_KEYS), note)
    prove_merge(name, lake.logs[name].commit(version))


def is_chosen(chosen: Chosen) -> Column:
    """`Chosen.condition` of an open row, as a Column."""
    terms = [F.col("_status") == Standing.OPEN]
    if chosen.network is not None:
        terms.append(F.col("_network") == chosen.network)
    if chosen.rule is not None:
        terms.append(F.array_contains("_failed_expectations", chosen.rule))
    if chosen.source is not None:
        terms.append(F.col("_source") == chosen.source)
    if chosen.row_number is not None:
        terms.append(F.col("_row_number") == chosen.row_number)
    return reduce(Column.__and__, terms)


def assign(session: SparkSession, lake: Lake, table: Table, chosen: Chosen, owner: str, run_id: str) -> int:
    """Name the owner of the chosen open rows of an existing quarantine; returns their number."""
    rows = _open_rows(session, lake, table, chosen).withColumn("_owner", F.lit(owner))
    return update(session, lake, quarantine_of(table.name), rows, run_id)


def discard(
    session: SparkSession, lake: Lake, table: Table, chosen: Chosen, reason: str, run_id: str, now: datetime
) -> int:
    """Keep the chosen open rows of an existing quarantine out for good; they stay on record. Returns their number."""
    rows = (
        _open_rows(session, lake, table, chosen)
        .withColumn("_status", F.lit(str(Standing.DISCARDED)))
        .withColumn("_reason", F.lit(reason))
        .withColumn("_resolved_at", F.lit(now))
        .withColumn("_resolved_run_id", F.lit(run_id))
    )
    return update(session, lake, quarantine_of(table.name), rows, run_id, totals={DISCARDED_ROWS: F.lit(True)})


def _open_rows(session: SparkSession, lake: Lake, table: Table, chosen: Chosen) -> DataFrame:
    lake.ensure(session, quarantine_layout(table))
    return lake.read(session, quarantine_of(table.name)).where(is_chosen(chosen))


def update(
    session: SparkSession,
    lake: Lake,
    name: str,
    rows: DataFrame,
    run_id: str,
    totals: Mapping[str, Column] | None = None,
) -> int:
    """Write new standings of rows of a quarantine in one commit; returns their number.

    Args:
        session: of this write alone.
        lake: to write to.
        name: the quarantine.
        rows: all its columns.
        run_id: of the run.
        totals: total of the quarantine's state -> which of the rows add to it.
    """
    rows = rows.persist()
    try:
        counted = rows.agg(
            F.count(F.lit(1)).alias("rows"), *[F.count_if(c).alias(n) for n, c in (totals or {}).items()]
        ).collect()[0]
        if counted["rows"]:
            state = lake.logs[name].state
            accounted = {n: state.accounted.get(n, 0) + counted[n] for n in totals or {}}
            state = replace(state, sequence=state.sequence + 1, accounted={**state.accounted, **accounted})
            note = CommitNote(run_id, "merge", state, counts={"inserted": 0, "updated": counted["rows"]})
            _merge(session, lake, name, rows, note)
        return int(counted["rows"])
    finally:
        rows.unpersist()
