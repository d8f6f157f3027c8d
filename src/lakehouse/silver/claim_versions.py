"""The versions of a claim in their order, and which of them count: pure functions over frames of linked claims.

Frequency codes (X12 837 CLM05-3, NUBC): 7 and Q replace, 8 voids, 2-5 add to the claim; all others, letters too, are
versions of the claim itself. The claim itself and each of its additive members is a slot: of a slot the last version
counts.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from lakehouse.silver.claim_links import ADDITIVE, REPLACING, ROUNDS, VOID

BASE_SLOT = "-"
LIVE, SUPERSEDED, VOIDED, IS_VOID = "live", "superseded", "voided", "void"
VERSION_STATES = (LIVE, SUPERSEDED, VOIDED, IS_VOID)
SUMMING_MODES = ("delta", "reverse_and_rebill")
_SET = ("network", "label")
_UNDATED = "1900-01-01"  # when no version of the family is dated, the links alone order it


def version_date() -> Column:
    """When the version was made: submitted, else received; null where neither is known."""
    return F.coalesce("submitted_date", "received_date")


def with_versions(labelled: DataFrame) -> DataFrame:
    """`labelled` (see `claim_links.with_label`), one row each, with family, slot, place and state of each version.

    Needs its network's `version_mode`. Added: family_id, slot, version_number, version_count, version_state, is_live,
    is_base (one per family), counts (its money is the family's), is_void_family, is_pending, is_in_cycle,
    is_older_than_replaced, live_claim_count.
    """
    return _with_states(_with_place(_with_chain(labelled)))


def _with_chain(claims: DataFrame) -> DataFrame:
    """Each claim with its family and what lies below it: `depth` and `anchor`, the first additive claim of its chain.

    A family is named by its first claim, though that has not come; of a cycle by the smallest id.
    """
    member = F.struct("claim_id", "parent_id", "frequency", version_date().alias("dated"))
    known = claims.withColumn("frequency", F.coalesce("frequency_code", F.lit("1")))
    known = known.withColumn("members", F.collect_list(member).over(Window.partitionBy(*_SET)))
    known = known.withColumn("by_id", F.map_from_entries(F.transform("members", lambda m: F.struct(m["claim_id"], m))))
    walked = known.withColumn("walked", _walked())
    parent, end = _member(F.col("parent_id")), _member(F.col("walked.at"))
    newest = F.array_max(F.transform("members", lambda m: m["dated"]))
    acts_on_another = F.col("frequency").isin(*REPLACING)
    return walked.withColumns(
        {
            "family_id": F.coalesce(_first_claim(), F.col("label")),
            "depth": F.col("walked.depth"),
            "slot": F.coalesce("walked.anchor", F.lit(BASE_SLOT)),
            "dated": F.coalesce(version_date(), newest, F.lit(_UNDATED).cast("date")),
            "is_pending": acts_on_another & parent.isNull(),
            "is_in_cycle": F.coalesce(end["parent_id"].isNotNull(), F.lit(False)),
            "is_older_than_replaced": F.coalesce(version_date() < parent["dated"], F.lit(False)),
        }
    ).drop("members", "by_id", "walked")


def _member(claim_id: Column) -> Column:
    """The family's member of that id; null when it has not come."""
    return F.try_element_at("by_id", claim_id)


def _walked() -> Column:
    """Where the links lead: last claim reached (`at`), steps taken (`depth`), first additive claim met (`anchor`)."""

    def if_additive(claim_id: Column) -> Column:
        return F.when(_member(claim_id)["frequency"].isin(*ADDITIVE), claim_id)

    def step(walked: Column, _: Column) -> Column:
        below = _member(walked["at"])["parent_id"]
        further = F.struct(
            below.alias("at"),
            (walked["depth"] + 1).alias("depth"),
            F.coalesce(walked["anchor"], if_additive(below)).alias("anchor"),
        )
        return F.when(below.isNotNull(), further).otherwise(walked)

    start = F.struct(
        F.col("claim_id").alias("at"), F.lit(0).alias("depth"), if_additive(F.col("claim_id")).alias("anchor")
    )
    steps = F.sequence(F.lit(1), F.least(F.size("members"), F.lit(2 ** (ROUNDS - 1))))
    return F.aggregate(steps, start, step)


def _first_claim() -> Column:
    """The earliest claim that acts on none that came, by the id of what it acts on where there is such; null if every
    claim acts on one that came."""
    is_first = F.filter("members", lambda m: m["parent_id"].isNull() | _member(m["parent_id"]).isNull())
    named = F.transform(
        is_first,
        lambda m: F.struct(
            m["dated"].isNull(), m["dated"], F.coalesce(m["parent_id"], m["claim_id"]).alias("family_id")
        ),
    )
    return F.array_min(named)["family_id"]


def _with_place(claims: DataFrame) -> DataFrame:
    """`version_number` within the slot and `is_last`, and what the last version of slot and claim itself is.

    By date of the version, never by its modification stamp, which late files and backfills falsify.
    """
    slot = Window.partitionBy(*_SET, "slot")
    rank = F.when(F.col("frequency") == VOID, 2).when(F.col("frequency").isin(*REPLACING), 1).otherwise(0)
    by_age: list[Column | str] = [
        "dated",
        "depth",
        rank,
        "adjudicated_date",
        "modified_at",
        "source_sequence",
        "claim_id",
    ]
    placed = claims.withColumns(
        {
            "version_number": F.row_number().over(slot.orderBy(*by_age)),
            "slot_count": F.count(F.lit(1)).over(slot),
        }
    )
    is_last = F.col("version_number") == F.col("slot_count")
    return placed.withColumns({"is_last": is_last, "ends_void": is_last & (F.col("frequency") == VOID)})


def _with_states(claims: DataFrame) -> DataFrame:
    """A slot whose last version is a void is voided; so is every slot when the claim itself is."""
    every, slot = Window.partitionBy(*_SET), Window.partitionBy(*_SET, "slot")
    is_base_slot = F.col("slot") == BASE_SLOT
    judged = claims.withColumn(
        "is_voided",
        F.max("ends_void").over(slot) | F.coalesce(F.max(F.col("ends_void") & is_base_slot).over(every), F.lit(False)),
    )
    state = (
        F.when(F.col("frequency") == VOID, IS_VOID)
        .when(F.col("is_voided"), VOIDED)
        .when(F.col("is_last"), LIVE)
        .otherwise(SUPERSEDED)
    )
    stated = judged.withColumn("version_state", state).withColumn("is_live", F.col("version_state") == LIVE)
    base_first = every.orderBy(is_base_slot.desc(), F.desc("is_last"), F.desc("is_live"), "dated", "claim_id")
    counted = stated.withColumns(
        {
            "is_base": F.row_number().over(base_first) == 1,
            "version_count": F.count(F.lit(1)).over(every),
            "live_claim_count": F.count_if("is_live").over(every),
        }
    )
    sums_all = F.coalesce(F.col("version_mode").isin(*SUMMING_MODES), F.lit(False))
    return counted.withColumns(
        {
            "is_void_family": F.col("live_claim_count") == 0,
            "counts": F.when(sums_all, F.col("live_claim_count") > 0).otherwise(F.col("is_live")),
        }
    )
