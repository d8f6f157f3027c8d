"""Why one row of a key won over the others: the versions of each key in Bronze, ranked as a merge ranks them.

Nothing is written. A key is never told, only how many there are and where their rows stand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.engine.context import BuildContext
from lakehouse.engine.layout import stored_layout
from lakehouse.engine.merge import conform_work, ranked_rows
from lakehouse.engine.reopening import decided
from lakehouse.engine.resolve import CLASS, DROPPED, QUARANTINED, STALE, MergeTable, order_columns
from lakehouse.engine.work import PartWork, Status, TablePlan
from lakehouse.errors import SettingsError
from lakehouse.spec.scopes import Changes, Conformed, Merge
from lakehouse.spec.table import Table

WON = "won"
SAME_CONTENT = "same_content"
DELIVERY_ORDER = "delivery_order"
CONTENT_HASH = "content_hash"
"""A tie: equal in order, other in content."""
MOST_PLACES = 20


@dataclass(frozen=True)
class Place:
    """Where one row of a key stands, and what became of it.

    Attributes:
        source: file or source table.
        row_number: record number within it.
        became: `won`, `duplicate` or `stale`.
    """

    source: str
    row_number: int
    became: str


@dataclass(frozen=True)
class Contest:
    """One key with more than one row.

    Attributes:
        network: that sent it.
        rule: what the winner is ahead in.
        rows: how many there are.
        places: of the winner first, then of at most `MOST_PLACES` - 1 others.
    """

    network: str
    rule: str
    rows: int
    places: tuple[Place, ...]


@dataclass(frozen=True)
class Duplicates:
    """The contests of one table.

    Attributes:
        table: its name.
        keys: all keys that Bronze has an acceptable row of.
        rows: those rows.
        by_rule: winning rule -> keys with more than one row, and their rows. Rules are a column of the order, e.g.
            `modified_at`; `delivery_order` where a row has no stamp; `content_hash` for ties; `same_content` where all
            rows say the same.
        contests: some of the keys, ties first.
    """

    table: str
    keys: int
    rows: int
    by_rule: Mapping[str, tuple[int, int]]
    contests: tuple[Contest, ...]


def explain_duplicates(context: BuildContext, name: str, network: str | None, limit: int) -> Duplicates:
    """Rank what the table has consumed once more, of one network or of all.

    Args:
        context: of the reader.
        name: a merged table.
        network: only its rows.
        limit: greatest number of keys to list.

    Raises:
        SettingsError: the table is not merged.
    """
    table = context.registry[name]
    plan = _plan(context, table, network)
    if not plan.parts:
        return Duplicates(name, 0, 0, {}, ())
    keys = list(table.keys)
    rows = _acceptable(context, plan).persist()
    groups = _groups(rows, keys).persist()
    try:
        counted = groups.groupBy("rule").agg(F.count(F.lit(1)).alias("keys"), F.sum("rows").alias("rows")).collect()
        shown = groups.where(F.col("rule").isNotNull()).orderBy(
            F.col("rule") != CONTENT_HASH, "rule", "_won.source", "_won.row_number"
        )
        listed = _contests(rows, shown.limit(limit), keys)
    finally:
        groups.unpersist()
        rows.unpersist()
    by_rule = {r["rule"]: (r["keys"], r["rows"]) for r in counted if r["rule"]}
    return Duplicates(
        name, sum(r["keys"] for r in counted), sum(r["rows"] for r in counted), dict(sorted(by_rule.items())), listed
    )


def _plan(context: BuildContext, table: Table, network: str | None) -> TablePlan:
    """All that the table has consumed."""
    if not isinstance(table.write, Merge):
        raise SettingsError(f"{table.name} is not merged: only rows of merged tables have versions to choose from.")
    state = context.lake.logs[table.name].state
    contracts = [s.of.contract for s in table.reads.values() if isinstance(s, Changes) and isinstance(s.of, Conformed)]
    parts = [p for contract in contracts for p in context.registry.conformed_inputs(contract)]
    read = [p for p in parts if p.main.name in state.consumed and network in (None, p.network)]
    return TablePlan(
        table, Status.CURRENT, state=state, consumed=state.consumed, parts=tuple(PartWork(p, None) for p in read)
    )


def _acceptable(context: BuildContext, plan: TablePlan) -> DataFrame:
    """Ranked rows that no rule keeps out: key, class (null for the winner), place, and what the order is made of."""
    table = plan.table
    assert isinstance(table.write, Merge)
    found = decided(context.session, context.lake, plan, None)
    parts = [conform_work(context, plan, work, found) for work in plan.parts]
    target = MergeTable(table, table.write, stored_layout(table, context.lake).period)
    ranked = ranked_rows(context, plan, target, parts, found)
    sent_at = F.coalesce("_lineage.stamp", "_lineage.delivered_at")  # a winner's `modified_at` may be another's
    ranked = ranked.withColumn("modified_at", sent_at)
    order = [column.alias(f"_order{i}") for i, column in enumerate(order_columns(table.write.sequence_by))]
    return ranked.where(F.col(CLASS).isNull() | ~F.col(CLASS).isin(QUARANTINED, DROPPED)).select(
        *table.keys,
        CLASS,
        F.struct(
            *order,
            "_row_hash",
            F.col("_lineage.stamp").isNotNull().alias("stamped"),
            F.col("_lineage.source").alias("source"),
            F.col("_lineage.row_number").alias("row_number"),
        ).alias("_version"),
        F.array(*[F.lit(n) for n in _order_names(table.write)]).alias("_names"),
    )


def _order_names(write: Merge) -> list[str]:
    first, *others = write.sequence_by
    return [first, *others, first]


def _groups(rows: DataFrame, keys: list[str]) -> DataFrame:
    """One row per key: its rows, the winner, and the rule it won by; null where there is but one row."""
    version = F.col("_version")
    groups = rows.groupBy(*keys).agg(
        F.count(F.lit(1)).alias("rows"),
        F.max(F.when(F.col(CLASS).isNull(), version)).alias("_won"),
        F.max(F.when(F.col(CLASS) == STALE, version)).alias("_lost"),
        F.first("_names").alias("_names"),
    )
    count = sum(name.startswith("_order") for name in rows.select("_version.*").columns)
    rule: Column = F.lit(CONTENT_HASH)
    for i in reversed(range(count)):
        is_stamp = F.lit(i in (0, count - 1))
        unstamped = is_stamp & ~(F.col("_won.stamped") & F.col("_lost.stamped"))
        named = F.when(unstamped, F.lit(DELIVERY_ORDER)).otherwise(F.col("_names")[i])
        differs = ~F.col(f"_won._order{i}").eqNullSafe(F.col(f"_lost._order{i}"))
        rule = F.when(differs, named).otherwise(rule)
    contested = F.when(F.col("_lost").isNull(), F.lit(SAME_CONTENT)).otherwise(rule)
    return groups.withColumn("rule", F.when(F.col("rows") > 1, contested)).drop("_names")


def _contests(rows: DataFrame, shown: DataFrame, keys: list[str]) -> tuple[Contest, ...]:
    became = F.coalesce(CLASS, F.lit(WON))
    place = F.struct(
        (became != WON).alias("is_other"), "_version.source", "_version.row_number", became.alias("became")
    )
    found = (
        rows.join(shown.select(*keys, "rule", "_won"), on=keys)
        .groupBy(*keys, "rule")
        .agg(
            F.slice(F.array_sort(F.collect_list(place)), 1, MOST_PLACES).alias("places"), F.count(CLASS).alias("others")
        )
        .orderBy(F.col("rule") != CONTENT_HASH, "rule", "places")
        .select(F.col("network"), "rule", "places", "others")
        .collect()
    )
    return tuple(
        Contest(
            r["network"],
            r["rule"],
            r["others"] + 1,
            tuple(Place(p["source"], p["row_number"], p["became"]) for p in r["places"]),
        )
        for r in found
    )
