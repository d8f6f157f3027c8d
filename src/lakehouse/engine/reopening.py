"""Rows set aside that are read again: what stewards decided of them, which of them are kept, and how they end.

A release waives the rules that a row broke, and a discard keeps it out, whenever the row is read again: also in a
rebuild, which would else take a released row out of Silver without a word. A decision is of one row as it was read
then; what is read otherwise later, since a mapping changed, is judged anew.
"""

from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.engine.check import FAILED, row_rules
from lakehouse.engine.context import BuildContext
from lakehouse.engine.layout import QUARANTINE, QUARANTINE_KEYS, QUARANTINE_RECORD, quarantine_layout
from lakehouse.engine.quarantine import BROKEN, DISCARDED_ROWS, WAIVED, WAIVED_ROWS, is_chosen, part_of, update
from lakehouse.engine.resolve import CLASS, DROPPED, DUPLICATE, INSERTED, STALE, UNCHANGED, UPDATED
from lakehouse.engine.work import Reading, Reopening, TablePlan
from lakehouse.spec.expectations import QUARANTINE as SETS_ASIDE
from lakehouse.spec.expectations import Expectation, row
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Lake
from lakehouse.storage.store import Standing, quarantine_of

NOT_REOPENED = "not_reopened"
"""Why a row of a batch that is read for the rows set aside in it is left out."""
NOT_DISCARDED = "not_discarded"
RETRIED, RELEASED, SUPERSEDED, UNUSED = "retried", "released", "superseded", "dropped"
_ACCEPTED, _OLDER, _UNUSED, _FAILS = 1, 2, 3, 4
_KEYS, _RECORD = list(QUARANTINE_KEYS), list(QUARANTINE_RECORD)


@dataclass(frozen=True)
class Decided:
    """What the quarantine says before a merge.

    Attributes:
        version: of the quarantine; -1 when there is none.
        decisions: per row the rules waived (`_granted`) and whether it was discarded; None without any.
        records: source, batch and number of the records to merge after all; None when none are asked for.
    """

    version: int = -1
    decisions: DataFrame | None = None
    records: DataFrame | None = None

    def rules(self, rules: list[Expectation]) -> list[Expectation]:
        """The rules that rows are judged by, and the one that discarded rows break."""
        kept_out = row(NOT_DISCARDED, lambda: F.lit(True), on_failure=SETS_ASIDE)
        return rules if self.decisions is None else [*rules, kept_out]


def never_released(table: Table) -> list[str]:
    """Rules that no release can waive: text that is no value, and parts that a key or a column must have."""
    declared = {rule.name for rule in table.expectations}
    return [rule.name for rule in row_rules(table) if rule.name not in declared]


def decided(session: SparkSession, lake: Lake, plan: TablePlan, reopen: Reopening | None) -> Decided:
    """Look at the table's quarantine, as it is now, once for the whole merge."""
    table, name = plan.table, quarantine_of(plan.table.name)
    if not lake.exists(name):
        return Decided()
    totals = lake.logs[name].state.accounted
    asked = reopen if reopen is not None and reopen.table == table.name else None
    if not asked and not (plan.reads_again and (totals.get(WAIVED_ROWS) or totals.get(DISCARDED_ROWS))):
        return Decided(lake.logs[name].version)
    lake.ensure(session, quarantine_layout(table))
    version = lake.logs[name].version
    rows = lake.read(session, name, version=version)
    granted = F.coalesce(F.col(WAIVED), F.array().cast("array<string>"))
    if asked and asked.releases:
        never = F.array(*[F.lit(n) for n in never_released(table)])
        can_be = is_chosen(asked.chosen) & ~F.arrays_overlap("_failed_expectations", never)
        granted = F.when(can_be, F.col("_failed_expectations")).otherwise(granted)
    decisions = rows.select(
        *_KEYS, granted.alias("_granted"), (F.col("_status") == Standing.DISCARDED).alias("_is_discarded")
    ).where((F.size("_granted") > 0) | F.col("_is_discarded"))
    records = rows.where(is_chosen(asked.chosen)).select(*_RECORD).distinct() if asked else None
    return Decided(version, decisions, records)


def only_reopened(rows: DataFrame, records: DataFrame) -> DataFrame:
    """Conformed rows of batches that are read again; those of other records than `records` get a reason to be left
    out."""
    wanted = records.withColumn("_is_wanted", F.lit(True))
    reason = F.coalesce("_drop_reason", F.when(F.col("_is_wanted").isNull(), F.lit(NOT_REOPENED)))
    joined = rows.withColumns(_record_columns()).join(wanted, on=_RECORD, how="left")
    return joined.withColumn("_drop_reason", reason).select(*rows.columns)


def _record_columns() -> dict[str, Column]:
    return {c: F.col(f"_lineage.{c[1:]}") for c in _RECORD}


def with_decisions(rows: DataFrame, decisions: DataFrame | None) -> DataFrame:
    """`rows` with all rules each breaks (`_broken`), those of them that were waived, and without these in `_failed`."""
    if decisions is None:
        return rows.withColumn(BROKEN, F.col(FAILED)).withColumn(WAIVED, F.array().cast("array<string>"))
    placed = rows.withColumns({**_record_columns(), "_part": part_of(rows)}).join(decisions, on=_KEYS, how="left")
    granted = F.coalesce("_granted", F.array().cast("array<string>"))
    kept_out = F.when(F.col("_is_discarded"), F.array(F.lit(NOT_DISCARDED))).otherwise(F.array().cast("array<string>"))
    return placed.select(
        *[c for c in rows.columns if c != FAILED],
        F.col(FAILED).alias(BROKEN),
        F.array_intersect(FAILED, granted).alias(WAIVED),
        F.concat(F.array_except(FAILED, granted), kept_out).alias(FAILED),
    )


def lineage_of_decisions(lake: Lake, table: Table) -> tuple[str, ...]:
    """Columns of a stored row by which the decisions on it are found; none when nothing was ever waived."""
    return QUARANTINE_RECORD if lake.logs[quarantine_of(table.name)].state.accounted.get(WAIVED_ROWS) else ()


def without_waived(session: SparkSession, lake: Lake, table: Table, rows: DataFrame) -> DataFrame:
    """Stored rows without the broken rules that were waived for their records; `rows` have `lineage_of_decisions`."""
    if not lineage_of_decisions(lake, table):
        return rows
    waived = lake.read(session, quarantine_of(table.name)).where(F.size(WAIVED) > 0)
    waived = waived.groupBy(*_RECORD).agg(F.flatten(F.collect_list(WAIVED)).alias("_granted"))
    granted = F.coalesce("_granted", F.array().cast("array<string>"))
    return rows.join(waived, on=_RECORD, how="left").withColumn(FAILED, F.array_except(FAILED, granted))


def settlement(context: BuildContext, plan: TablePlan, found: Decided, classified: DataFrame) -> DataFrame | None:
    """Open rows of the quarantine that the merge at hand read and that fail no more, as they stand after it.

    None when it read nothing that could have been set aside before.
    """
    lake, name = context.lake, quarantine_of(plan.table.name)
    if found.version < 0 or (not plan.reads_again and found.records is None):
        return None
    lake.ensure(context.session, quarantine_layout(plan.table))
    still_open = lake.read(context.session, name, version=lake.logs[name].version).where(
        F.col("_status") == Standing.OPEN
    )
    candidates = _candidates(plan, found, still_open)
    by_part, by_record = _verdicts(classified, candidates)
    known = {d.batch_id for w in plan.parts for _, d in lake.logs[w.part.main.name].deliveries()}
    unread = F.when(F.col("_batch_id").isin(*sorted(known)), F.lit(_UNUSED)).otherwise(F.lit(_OLDER))
    other = F.when(F.col("_of_record") == _FAILS, F.lit(_OLDER)).otherwise(F.col("_of_record"))
    verdict = F.coalesce("_of_part", other, unread)
    judged = candidates.join(by_part, on=_KEYS, how="left").join(by_record, on=_RECORD, how="left")
    return _resolved(context, judged.withColumn("_verdict", verdict).where(F.col("_verdict") < _FAILS))


def _candidates(plan: TablePlan, found: Decided, still_open: DataFrame) -> DataFrame:
    """Open rows of whatever was read."""
    whole = {w.part.network for w in plan.parts if w.batches is None}
    read = {d.batch_id for w in plan.parts if w.reading is not Reading.REOPENED for d in w.batches or ()}
    within = F.col("_network").isin(*sorted(whole)) | F.col("_batch_id").isin(*sorted(read))
    candidates = still_open.where(within)
    if found.records is None:
        return candidates
    return candidates.unionByName(still_open.where(~within).join(found.records, on=_RECORD, how="left_semi"))


def _verdicts(classified: DataFrame, candidates: DataFrame) -> tuple[DataFrame, DataFrame]:
    """What became of the candidates' rows by key (`_of_part`, `_used`), and of their records (`_of_record`)."""
    rank = (
        F.when(F.col(CLASS).isin(INSERTED, UPDATED, UNCHANGED), F.lit(_ACCEPTED))
        .when(F.col(CLASS).isin(STALE, DUPLICATE), F.lit(_OLDER))
        .when(F.col(CLASS) == DROPPED, F.lit(_UNUSED))
        .otherwise(F.lit(_FAILS))
    )
    placed = classified.withColumns({**_record_columns(), "_part": part_of(classified), "_rank": rank})
    placed = placed.join(candidates.select(*_RECORD).distinct(), on=_RECORD, how="left_semi")
    by_part = placed.groupBy(*_KEYS).agg(F.min("_rank").alias("_of_part"), F.max(WAIVED).alias("_used"))
    return by_part, by_part.groupBy(*_RECORD).agg(F.min("_of_part").alias("_of_record"))


def _resolved(context: BuildContext, judged: DataFrame) -> DataFrame:
    request = context.request
    reason = request.reopen.reason if request.reopen else None
    was_waived = F.coalesce(F.size("_used"), F.lit(0)) > 0
    resolution = (
        F.when(F.col("_verdict") == _OLDER, F.lit(SUPERSEDED))
        .when(F.col("_verdict") == _UNUSED, F.lit(UNUSED))
        .otherwise(F.when(was_waived, F.lit(RELEASED)).otherwise(F.lit(RETRIED)))
    )
    values = {
        "_status": F.lit(str(Standing.RESOLVED)),
        "_resolution": resolution,
        "_reason": F.when(was_waived, F.coalesce(F.lit(reason), F.col("_reason"))).otherwise(F.col("_reason")),
        WAIVED: F.when(was_waived, F.col("_used")).otherwise(F.col(WAIVED)),
        "_resolved_at": F.lit(request.started_at),
        "_resolved_run_id": F.lit(request.run_id),
    }
    return judged.select(*[values.get(f.name, F.col(f.name)).alias(f.name) for f in QUARANTINE])


def settle(context: BuildContext, table: Table, resolved: DataFrame) -> int:
    """Write how rows were resolved, after the merge that resolved them; returns their number."""
    totals = {WAIVED_ROWS: F.size(WAIVED) > 0}
    return update(context.session, context.lake, quarantine_of(table.name), resolved, context.request.run_id, totals)
