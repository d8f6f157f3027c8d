"""Which row of a key wins, and what that means for the stored one.

One row per key by the total order (`sequence_by`, then content hash): nothing in it depends on arrival, so batching,
order and replay cannot change the winner. Every row read is put into exactly one class; the merge ledger counts them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.engine.check import breaks
from lakehouse.spec.columns import row_hash
from lakehouse.spec.expectations import DROP, QUARANTINE, Expectation
from lakehouse.spec.field import PERIOD
from lakehouse.spec.scopes import Merge, Period
from lakehouse.spec.table import Table

CLASS = "_class"
INSERTED, UPDATED, UNCHANGED, DUPLICATE = "inserted", "updated", "unchanged", "duplicate"
STALE, QUARANTINED, DROPPED = "stale", "quarantined", "dropped"
DELETED, RESOLVED = "deleted", "resolved"
"""No class of a row read: stored rows that no row makes any more, and rows set aside before that are so no more."""


@dataclass(frozen=True)
class MergeTable:
    """A table with write mode Merge, and the partition it is stored in.

    Attributes:
        table: its declaration.
        write: its write mode.
        period: `year`, `month` or None.
    """

    table: Table
    write: Merge
    period: str | None

    @property
    def hashed(self) -> list[str]:
        """Columns in the content hash: all but the fill-in `modified_at`, whose sent value stands in `_stamp`."""
        return [n for n in self.table.field_names if n != "modified_at"]


def period_value(period: Period | str | None, unit: str | None) -> Column:
    """Value of `_period` for a row: YYYY or YYYYMM of the period's date."""
    if unit is None or not isinstance(period, Period):
        return F.lit(None).cast("int")
    day = F.col(period.of)
    return F.year(day) if unit == "year" else F.year(day) * 100 + F.month(day)


def with_identity(rows: DataFrame, target: MergeTable) -> DataFrame:
    """`rows` with `_row_hash` and `_period`.

    The stamp is part of the hash where the sender gives one: a row sent again with a later stamp is a change;
        without a stamp the delivery's
    date is not content.
    """
    return (
        rows.withColumn("_stamp", F.col("_lineage.stamp"))
        .withColumn("_row_hash", row_hash([*target.hashed, "_stamp"]))
        .withColumn(PERIOD.name, period_value(target.table.partition_by, target.period))
        .drop("_stamp")
    )


def rank_versions(rows: DataFrame, target: MergeTable, rules: Sequence[Expectation]) -> DataFrame:
    """Each row with its `_class` within the batch: set aside, dropped, duplicate, stale, or null for the winner of
    its key.

    Adds `_is_tie` on the rows of a key that share the greatest order and differ in content, the winner among them, and
    `_other_at`, when the newest other content of the key was modified. The winner's `modified_at`, where the sender
    gives no stamp, becomes the delivery in which its present content first arrived.
    """
    bad = breaks(rules, QUARANTINE, DROP)
    sequence = order_columns(target.write.sequence_by)
    newest = [c.desc_nulls_last() for c in (*sequence, F.col("_row_hash"))]
    place = [F.col("_lineage.source"), F.col("_lineage.row_number"), F.col("_lineage.batch_id")]
    descending = Window.partitionBy(*target.write.keys, "_is_bad").orderBy(*newest, *place)
    whole = descending.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    older = descending.rowsBetween(Window.currentRow, Window.unboundedFollowing)
    order = F.struct(*sequence)
    ranked = (
        rows.withColumn("_is_bad", bad)
        .withColumn("_rank", F.row_number().over(descending.rowsBetween(Window.unboundedPreceding, Window.currentRow)))
        .withColumn("_best_hash", F.first("_row_hash").over(whole))
        .withColumn("_best_order", F.first(order).over(whole))
        .withColumn("_other_below", F.lead("_row_hash").over(descending))
    )
    starts = F.col("_other_below").isNull() | (F.col("_other_below") != F.col("_row_hash"))
    first_seen = F.max(F.when(starts, F.col("modified_at"))).over(older)
    same_content = F.col("_row_hash") == F.col("_best_hash")
    same_order = order.eqNullSafe(F.col("_best_order"))
    other_at = F.max(F.when(~same_content, F.col("modified_at"))).over(whole)
    is_contested = F.min(F.when(same_order, F.col("_row_hash"))).over(whole) != F.col("_best_hash")
    loser = F.when(same_content, F.lit(DUPLICATE)).otherwise(F.lit(STALE))
    settled = F.when(F.col("_lineage.stamped"), F.col("modified_at")).otherwise(first_seen)
    return (
        ranked.withColumn("_first_seen", settled)
        .withColumn("_other_at", other_at)
        .withColumn("_is_tie", ~F.col("_is_bad") & same_order & is_contested)
        .withColumn(
            CLASS,
            F.when(breaks(rules, QUARANTINE), F.lit(QUARANTINED))
            .when(F.col("_is_bad"), F.lit(DROPPED))
            .when(F.col("_rank") > 1, loser),
        )
        .withColumn("modified_at", F.when(F.col(CLASS).isNull(), F.col("_first_seen")).otherwise(F.col("modified_at")))
        .drop("_rank", "_best_hash", "_best_order", "_other_below", "_first_seen", "_is_bad")
    )


def against_stored(ranked: DataFrame, stored: DataFrame | None, target: MergeTable) -> DataFrame:
    """Winners classified against the stored rows of their keys, `_old_period` added; other rows keep their class.

    Unchanged: equal content. Updated: greater order with other content, or the same sent row with other content (the
        code changed), or other
    content while the whole feed is rebuilt. Stale: smaller order.
    """
    keys, sequence = target.write.keys, target.write.sequence_by
    if stored is None:
        return (
            ranked.withColumn("_old_period", F.lit(None).cast("int"))
            .withColumn(CLASS, F.coalesce(F.col(CLASS), F.lit(INSERTED)))
            .drop("_other_at")
        )
    kept = [*sequence, "_row_hash", "_raw_hash"]
    period = F.col(PERIOD.name) if target.period else F.lit(None).cast("int")
    old = stored.select(*keys, *[F.col(c).alias(f"_old_{c.lstrip('_')}") for c in kept], period.alias("_old_period"))
    changed_keys = ranked.where(F.col(CLASS).isNull()).select(*keys)
    old = old.join(changed_keys, on=list(keys), how="left_semi").withColumn("_is_stored", F.lit(True))
    joined = ranked.join(old, on=list(keys), how="left")
    verdict = (
        F.when(F.col("_is_stored").isNull(), F.lit(INSERTED))
        .when(_same_content() & ~_came_back(), F.lit(UNCHANGED))
        .when(F.col("_lineage.rebuild") | (F.col("_old_raw_hash") == F.col("_lineage.raw_hash")), F.lit(UPDATED))
        .when(_is_newer(sequence), F.lit(UPDATED))
        .otherwise(F.lit(STALE))
    )
    tied = ~F.col("_lineage.rebuild") & _ties(sequence) & (F.col("_old_raw_hash") != F.col("_lineage.raw_hash"))
    return (
        joined.withColumn(
            "_is_tie", F.col("_is_tie") | (F.col(CLASS).isNull() & F.coalesce(tied, F.lit(False)) & ~_same_content())
        )
        .withColumn(CLASS, F.coalesce(F.col(CLASS), verdict))
        .drop(*[f"_old_{c.lstrip('_')}" for c in kept], "_is_stored", "_other_at")
    )


def order_columns(sequence_by: Sequence[str], prefix: str = "") -> list[Column]:
    """What orders the versions of a key, most significant first: `sequence_by`, but where the source numbers its
    changes (`_lineage.sequenced`) its first column, the stamp, comes last."""
    first, *others = [F.col(f"{prefix}{name}") for name in sequence_by]
    return [F.when(~F.col("_lineage.sequenced"), first), *others, first]


def _same_content() -> Column:
    """Equal hash; while a feed is rebuilt also the same first arrival."""
    same = F.col("_old_row_hash") == F.col("_row_hash")
    return same & (~F.col("_lineage.rebuild") | F.col("_old_modified_at").eqNullSafe(F.col("modified_at")))


def _came_back() -> Column:
    """Without a stamp: other content arrived after the stored row, and then the stored content again."""
    return ~F.col("_lineage.stamped") & F.coalesce(F.col("_other_at") > F.col("_old_modified_at"), F.lit(False))


def _ties(sequence: Sequence[str]) -> Column:
    found = F.lit(True)
    for name in sequence:
        found = found & F.col(f"_old_{name}").eqNullSafe(F.col(name))
    return found


def _is_newer(sequence: Sequence[str]) -> Column:
    """The row's order is greater than the stored one's; null is smaller than every value."""
    greater, equal = F.lit(False), F.lit(True)
    hashes = (F.col("_row_hash"), F.col("_old_row_hash"))
    for new, old in (*zip(order_columns(sequence), order_columns(sequence, "_old_"), strict=True), hashes):
        above = F.coalesce(new > old, new.isNotNull() & old.isNull())
        greater = greater | (equal & above)
        equal = equal & new.eqNullSafe(old)
    return greater


def expand_lineage(rows: DataFrame) -> DataFrame:
    """`_lineage` as the stored lineage columns."""
    return rows.select(
        "*",
        F.col("_lineage.source").alias("_source"),
        F.col("_lineage.batch_id").alias("_batch_id"),
        F.col("_lineage.row_number").alias("_row_number"),
        F.col("_lineage.raw_hash").alias("_raw_hash"),
    )
