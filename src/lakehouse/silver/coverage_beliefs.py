"""From statements about coverage to what was believed when: pure functions over frames. Source: domain.md 1.10, B33.

A product is a member's payer, plan and coverage type. `known_from` and `known_to` are half-open instants; a null
`known_to` means still believed.
"""

from datetime import date

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import mapping_key
from lakehouse.silver.full_delivery import last_day_before, with_next_full
from lakehouse.silver.statement import ORDER

PRODUCT = ("network", "member_token", "member_token_key_version", "payer_name", "plan_name", "coverage_type")
STATED_SPAN = (*PRODUCT, "span_start_date")
BELIEF = (*STATED_SPAN, "span_end_date", "line_of_business")
NO_COVERAGE = ("NO INSURANCE", "SELF PAY")  # as the payer mapping spells payers that stand for being uninsured
_NO_END = date(9999, 12, 31)


def believed_spans(statements: DataFrame, deliveries: DataFrame) -> DataFrame:
    """One row per merged span of a product and time it was believed: `BELIEF`, known_from, known_to.

    Args:
        statements: rows of silver.eligibility, every one of their members.
        deliveries: rows of silver.full_eligibility.
    """
    is_coverage = ~mapping_key(F.col("payer_name")).isin(*NO_COVERAGE)
    stated = statements.where(is_coverage).withColumnRenamed("coverage_start_date", "span_start_date")
    return unbroken(merged_spans(single_beliefs(stated, deliveries)))


def single_beliefs(statements: DataFrame, deliveries: DataFrame) -> DataFrame:
    """What was believed of each stated span by itself, before spans are merged: `BELIEF`, known_from, known_to.

    At any instant the greatest statement by `ORDER` among those delivered holds. A
    withdrawn one leaves nothing. An applied full delivery that does not name the span ends it on the day before; a span
    that ended earlier stays, one that starts later goes, and a delivery that names the span again brings it back.
    """
    newest = F.struct(*ORDER, "is_withdrawn", "span_end_date", "line_of_business")
    in_order = Window.partitionBy(*STATED_SPAN).orderBy("delivered_at")
    so_far = in_order.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    followed = statements.withColumnRenamed("coverage_end_date", "span_end_date").select(
        *STATED_SPAN,
        "delivered_at",
        F.max(newest).over(so_far).alias("holds"),
        F.lead("delivered_at").over(in_order).alias("next_at"),
    )
    placed = with_next_full(followed, deliveries, after="delivered_at")
    is_missed = F.col("next_full_at").isNotNull() & (
        F.col("next_at").isNull() | (F.col("next_full_at") < F.col("next_at"))
    )
    missed_at = F.when(is_missed, F.col("next_full_at"))
    return _phases(placed.withColumn("missed_at", missed_at))


def _phases(followed: DataFrame) -> DataFrame:
    """Each statement's time, until the next one about its span, parted by the full delivery that misses the span."""
    no_day = F.lit(None).cast("date")
    as_stated = _phase(F.col("delivered_at"), F.coalesce("missed_at", "next_at"), no_day)
    after_miss = _phase(F.col("missed_at"), F.col("next_at"), last_day_before(F.col("missed_at")))
    phases = F.filter(F.array(as_stated, after_miss), lambda phase: phase["known_from"].isNotNull())
    believed = followed.where(~F.col("holds.is_withdrawn")).select("*", F.inline(phases))
    cut = believed.select(
        *STATED_SPAN,
        F.least("holds.span_end_date", "last_day").alias("span_end_date"),
        F.col("holds.line_of_business").alias("line_of_business"),
        "known_from",
        "known_to",
    )
    has_days = F.col("span_end_date").isNull() | (F.col("span_end_date") >= F.col("span_start_date"))
    return unbroken(cut.where(has_days))


def _phase(known_from: Column, known_to: Column, last_day: Column) -> Column:
    return F.struct(known_from.alias("known_from"), known_to.alias("known_to"), last_day.alias("last_day"))


def merged_spans(beliefs: DataFrame) -> DataFrame:
    """One row per span and known state of a product; spans that overlap or touch (no day between) are one.

    A state lasts from one instant at which anything of the product changed to the next. A merged span has the line of
    business of its part that starts last.
    """
    states = _by_state(beliefs)
    state = Window.partitionBy(*PRODUCT, "known_from", "known_to").orderBy("span_start_date")
    earlier = state.rowsBetween(Window.unboundedPreceding, -1)
    reach = F.max(F.coalesce(F.col("span_end_date"), F.lit(_NO_END))).over(earlier)
    is_apart = F.coalesce(reach < F.date_sub("span_start_date", 1), F.lit(True))
    ranked = states.withColumn("is_apart", is_apart.cast("int"))
    up_to_here = state.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    numbered = ranked.withColumn("island", F.sum("is_apart").over(up_to_here))
    last_part = F.max(F.struct("span_start_date", "line_of_business"))
    merged = numbered.groupBy(*PRODUCT, "known_from", "known_to", "island").agg(
        F.min("span_start_date").alias("first_day"),
        _latest("span_end_date").alias("span_end_date"),
        last_part["line_of_business"].alias("line_of_business"),
    )
    named = merged.withColumnRenamed("first_day", "span_start_date")
    return named.select(*BELIEF, "known_from", "known_to")


def _by_state(beliefs: DataFrame) -> DataFrame:
    """Each belief once per state of its product that lies within its own time."""
    product = Window.partitionBy(*PRODUCT).rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    begun, over = F.collect_set("known_from").over(product), F.collect_set("known_to").over(product)
    instants = beliefs.withColumn("instants", F.array_sort(F.array_union(begun, over)))
    states = F.transform(
        "instants",
        lambda instant, place: F.struct(
            instant.alias("state_from"), F.get("instants", place + F.lit(1)).alias("state_to")
        ),
    )

    def is_within(state: Column) -> Column:
        is_over = F.coalesce(state["state_from"] >= F.col("known_to"), F.lit(False))
        return (state["state_from"] >= F.col("known_from")) & ~is_over

    lived = instants.select(*BELIEF, F.inline(F.filter(states, is_within)))
    return lived.withColumnsRenamed({"state_from": "known_from", "state_to": "known_to"})


def unbroken(beliefs: DataFrame) -> DataFrame:
    """One row per belief and unbroken time: rows that say the same, of which one ends as the next begins, are one."""
    same = Window.partitionBy(*BELIEF).orderBy("known_from")
    begins = ~F.lag("known_to").over(same).eqNullSafe(F.col("known_from"))
    marked = beliefs.withColumn("begins", begins.cast("int"))
    so_far = same.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    numbered = marked.withColumn("stretch", F.sum("begins").over(so_far))
    stretches = numbered.groupBy(*BELIEF, "stretch")
    whole = stretches.agg(F.min("known_from").alias("known_from"), _latest("known_to").alias("known_to"))
    return whole.drop("stretch")


def _latest(column: str) -> Column:
    """The greatest value of a group; null, which stands for no end, is greater than all."""
    is_ended = F.count(column) == F.count(F.lit(1))
    return F.when(is_ended, F.max(column))
