"""Whether an adjustment is a denial, by its network, group and reason: a pure function over frames."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.adjustment_reason import NEVER_DENIALS
from lakehouse.silver.adjustment_codes import ANY_GROUP, carc_or_null

UNKNOWN_CATEGORY = "UNKNOWN"
NETWORK_DECIDES, REFERENCE_DECIDES, NOBODY_DECIDES = "network", "reference", "unknown"
CLASSIFICATION = ("carc", "is_denial_code", "category", "is_preventable", "classified_by")
_SENT = ("carc", "is_denial", "category", "is_preventable", "classified_by")
_REFERENCE = ("is_denial", "category", "is_preventable")


def with_denial_class(adjustments: DataFrame, codes: DataFrame, reasons: DataFrame) -> DataFrame:
    """`adjustments`, one row each, with the class of their code.

    The network's own row decides where it states a class, else the reference, by the reason the network maps to; in
    both, the row of the exact group goes before that for any group. What the contract calls no denial (CO-45, OA-23
    and the like) is none, whatever the network says.

    Adds: `carc` (null where the reason is no X12 code and not mapped to one), `is_denial_code` (null: unknown),
    `category` (`UNKNOWN` where nobody says), `is_preventable`, `classified_by` (network, reference, unknown).

    Args:
        adjustments: any rows with `network`, `group_code` (null means `-`) and `reason_code`, in Silver's spelling.
        codes: rows of `silver.denial_code`.
        reasons: rows of `reference.adjustment_reason`.
    """
    keyed = adjustments.withColumns(
        {"_group": F.coalesce("group_code", F.lit(ANY_GROUP)), "_reason": F.col("reason_code")}
    )
    sent = _sent_rows(codes)
    # Each right side has one row per join key, the key of its table or the key within the rows for any group.
    mapped = (
        keyed.join(_broadcast(sent, "_exact"), on=["network", "_group", "_reason"], how="left")
        .join(_broadcast(_for_any(sent), "_any"), on=["network", "_reason"], how="left")
        .withColumn("_sent", F.coalesce("_exact", "_any"))
        .withColumn("_carc", F.coalesce("_sent.carc", carc_or_null(F.col("_reason"))))
        .drop("_exact", "_any")
    )
    known = with_reference_class(mapped, reasons)
    return known.withColumns(_classification()).select(*adjustments.columns, *CLASSIFICATION)


def with_reference_class(rows: DataFrame, reasons: DataFrame) -> DataFrame:
    """`rows`, one each, with `_known`: what `reasons` say of `_group` and `_carc`, else of `_carc` in any group.

    `_known` is a struct of `is_denial`, `category` and `is_preventable`, null where they say nothing.
    """
    reference = reasons.select(
        F.col("group_code").alias("_group"),
        F.col("reason_code").alias("_carc"),
        F.struct(*_REFERENCE).alias("_row"),
    )
    # One row per group and reason, and per reason within one group, by the key of reference.adjustment_reason.
    return (
        rows.join(_broadcast(reference, "_exact"), on=["_group", "_carc"], how="left")
        .join(_broadcast(_for_any(reference), "_any"), on=["_carc"], how="left")
        .withColumn("_known", F.coalesce("_exact", "_any"))
        .drop("_exact", "_any")
    )


def is_never_a_denial(group: Column, carc: Column) -> Column:
    """The contract names group and reason as no denial; never null."""
    named = [(group == g) & (carc == c) for g, c in NEVER_DENIALS]
    return F.coalesce(F.greatest(*named), F.lit(False))


def _sent_rows(codes: DataFrame) -> DataFrame:
    """The networks' rows by group and code, all else in `_row`."""
    return codes.select(
        "network",
        F.col("group_code").alias("_group"),
        F.col("denial_code").alias("_reason"),
        F.struct(*_SENT).alias("_row"),
    )


def _for_any(rows: DataFrame) -> DataFrame:
    return rows.where(F.col("_group") == ANY_GROUP).drop("_group")


def _broadcast(rows: DataFrame, name: str) -> DataFrame:
    return F.broadcast(rows.withColumnRenamed("_row", name))


def _classification() -> dict[str, Column]:
    never = is_never_a_denial(F.col("_group"), F.col("_carc"))
    by_network = F.coalesce(F.col("_sent.classified_by") == NETWORK_DECIDES, F.lit(False)) & ~never
    by_reference = ~by_network & F.col("_known").isNotNull()
    decided = {
        name: F.when(by_network, F.col(f"_sent.{name}")).otherwise(F.col(f"_known.{name}")) for name in _REFERENCE
    }
    said = {name: F.coalesce(found, F.col(f"_sent.{name}")) for name, found in decided.items()}
    return {
        "carc": F.col("_carc"),
        "is_denial_code": F.when(by_network | by_reference, decided["is_denial"]),
        "category": F.coalesce(said["category"], F.lit(UNKNOWN_CATEGORY)),
        "is_preventable": said["is_preventable"],
        "classified_by": F.when(by_network, NETWORK_DECIDES)
        .when(by_reference, REFERENCE_DECIDES)
        .otherwise(NOBODY_DECIDES),
    }
