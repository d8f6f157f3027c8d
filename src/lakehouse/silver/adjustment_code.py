"""The adjustment codes that networks use, how often, and what they count as: the list a steward works from."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.silver.adjustment import adjustment
from lakehouse.silver.denial_class import NOBODY_DECIDES, UNKNOWN_CATEGORY, with_denial_class
from lakehouse.silver.denial_code import denial_code
from lakehouse.spec.balance import sums_to
from lakehouse.spec.columns import sum_money
from lakehouse.spec.contracts import MODIFIED_AT, NETWORK
from lakehouse.spec.expectations import FAIL, WARN, row, unique
from lakehouse.spec.field import BOOLEAN, LONG, STRING, TOTAL, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, snapshot
from lakehouse.spec.table import table

CODE = ("network", "group_code", "reason_code")


def code_is_classified() -> Column:
    """A steward decided, or the network says, what the code means (domain.md B30, X12)."""
    return F.col("classified_by") != NOBODY_DECIDES


@table(
    "silver.adjustment_code",
    reads={
        "adjustments": groups(adjustment, by=CODE),
        "codes": snapshot(denial_code),
        "reasons": snapshot(adjustment_reason),
    },
    fields=[
        NETWORK,
        field("group_code", STRING, "835 CAS group; - where none is known", required=True),
        field("reason_code", STRING, "adjustment reason in Silver's spelling", required=True),
        field("adjustment_count", LONG, "adjustments with the code", required=True, unit="count"),
        field("amount", TOTAL, "sum of their amounts, reversals deducted; null where none states one"),
        field("carc", STRING, "claim adjustment reason code it stands for; null where nobody says"),
        field("is_denial_code", BOOLEAN, "counts as a denial; null where nobody says"),
        field("category", STRING, f"what the code is about; {UNKNOWN_CATEGORY} where nobody says", required=True),
        field("is_preventable", BOOLEAN, "could have been avoided before submission; null where nobody says"),
        field("classified_by", STRING, "who says so: network, reference or unknown", required=True),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=CODE),
    expectations=[
        unique(*CODE, on_failure=FAIL),
        row("code_is_classified", code_is_classified, on_failure=WARN),
    ],
    balance=sums_to("adjustments", columns=("amount",), count="adjustment_count"),
    freshness=Freshness(within="26 hours"),
)
def adjustment_code(adjustments: DataFrame, codes: DataFrame, reasons: DataFrame) -> DataFrame:
    """One row per code of a network and adjustment group that an adjustment carries, with its class.

    `modified_at` is the newest of its adjustments. Adjustments without a reason have no row.
    """
    used = adjustments.groupBy(*CODE).agg(
        F.count(F.lit(1)).alias("adjustment_count"),
        sum_money("amount").alias("amount"),
        F.max("modified_at").alias("modified_at"),
    )
    return with_denial_class(used, codes, reasons).select(
        *CODE,
        "adjustment_count",
        "amount",
        "carc",
        "is_denial_code",
        "category",
        "is_preventable",
        "classified_by",
        "modified_at",
    )
