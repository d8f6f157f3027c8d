"""Payment adjustments (X12 835 CAS), newest state of each. Conformed from every network's adjustment feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.adjustment_codes import ANY_GROUP, CURRENT_GROUPS, adjustment_group, adjustment_reason
from lakehouse.spec.columns import clean_code
from lakehouse.spec.contracts import ADJUSTMENTS
from lakehouse.spec.expectations import WARN, row
from lakehouse.spec.field import STRING, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed
from lakehouse.spec.table import table


def group_is_current() -> Column:
    """CO, PR, OA or PI; no group, and CR, which ended with 5010, are none (domain.md B31). Tombstones pass."""
    return F.col("is_deleted") | F.col("group_code").isin(*CURRENT_GROUPS)


def reason_is_stated() -> Column:
    """An adjustment says why. Tombstones pass."""
    return F.col("is_deleted") | F.col("reason_code").isNotNull()


def amount_is_stated() -> Column:
    """An adjustment says how much. Tombstones pass."""
    return F.col("is_deleted") | F.col("amount").isNotNull()


@table(
    "silver.adjustment",
    reads={"adjustments": changes(conformed(ADJUSTMENTS))},
    fields=[
        *ADJUSTMENTS.pick(*ADJUSTMENTS.keys),
        field("group_code", STRING, f"835 CAS group: CO, PR, OA, PI, CR; {ANY_GROUP} where none is known"),
        field("reason_code", STRING, "adjustment reason without group and leading zeros; X12 list 139 or sender's own"),
        *ADJUSTMENTS.pick("remark_code", "amount", "quantity", "modified_at", "source_sequence", "is_deleted"),
    ],
    write=Merge(keys=ADJUSTMENTS.keys),
    expectations=[
        row("group_is_current", group_is_current, on_failure=WARN),
        row("reason_is_stated", reason_is_stated, on_failure=WARN),
        row("amount_is_stated", amount_is_stated, on_failure=WARN),
    ],
    freshness=Freshness(within="26 hours"),
)
def adjustment(adjustments: DataFrame) -> DataFrame:
    """One row per adjustment as sent, newest state; group and reason in one spelling, nothing else changed.

    Adjustments of a claim and of its lines add. Not partitioned: the feed has no date.
    """
    cleaned = {
        "group_code": adjustment_group(F.col("group_code"), F.col("reason_code")),
        "reason_code": adjustment_reason(F.col("reason_code")),
        "remark_code": clean_code(F.col("remark_code")),
    }
    return adjustments.withColumns(cleaned).select(
        "network",
        "payment_id",
        "adjustment_id",
        "group_code",
        "reason_code",
        "remark_code",
        "amount",
        "quantity",
        "modified_at",
        "source_sequence",
        "is_deleted",
        "_lineage",
    )
