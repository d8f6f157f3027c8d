"""Networks' own denial codes, newest state of each, with what the reference knows where a network does not say."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.adjustment_reason import adjustment_reason as reasons_table
from lakehouse.silver.adjustment_codes import (
    ANY_GROUP,
    CURRENT_GROUPS,
    RETIRED_GROUP,
    adjustment_group,
    adjustment_reason,
    carc_or_null,
)
from lakehouse.silver.denial_class import (
    NETWORK_DECIDES,
    NOBODY_DECIDES,
    REFERENCE_DECIDES,
    is_never_a_denial,
    with_reference_class,
)
from lakehouse.spec.columns import blank_to_null
from lakehouse.spec.contracts import DENIAL_CODES
from lakehouse.spec.expectations import WARN, accepted_values, row
from lakehouse.spec.field import STRING, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed, snapshot
from lakehouse.spec.table import table

GROUPS = (ANY_GROUP, *CURRENT_GROUPS, RETIRED_GROUP)


def code_is_classified() -> Column:
    """The network or the reference says whether the code is a denial (domain.md B30). Tombstones pass."""
    return F.col("is_deleted") | (F.col("classified_by") != NOBODY_DECIDES)


def normal_pricing_is_no_denial() -> Column:
    """The network does not call a denial what the contract calls none; the contract is followed. Tombstones pass."""
    return F.col("is_deleted") | ~is_never_a_denial(F.col("group_code"), F.col("carc")) | ~F.col("is_denial")


def category_word() -> Column:
    """The network's category as one lower-case word, like those of the reference; null where it is blank."""
    return F.regexp_replace(F.lower(blank_to_null(F.col("category"))), r"[^a-z0-9]+", "_")


def classified_by() -> Column:
    """Who says whether the code is a denial; never null."""
    stated, known = F.col("is_denial").isNotNull(), F.col("_known").isNotNull()
    return F.when(stated, NETWORK_DECIDES).when(known, REFERENCE_DECIDES).otherwise(NOBODY_DECIDES)


@table(
    "silver.denial_code",
    reads={"codes": changes(conformed(DENIAL_CODES)), "reasons": snapshot(reasons_table)},
    fields=[
        *DENIAL_CODES.pick(*DENIAL_CODES.keys),
        field("carc", STRING, "claim adjustment reason code it maps to; a code of that form maps to itself"),
        *DENIAL_CODES.pick("description", "category", "is_denial", "is_preventable"),
        field("classified_by", STRING, "source of is_denial: network, reference or unknown", required=True),
        *DENIAL_CODES.pick("modified_at", "source_sequence", "is_deleted"),
    ],
    write=Merge(keys=DENIAL_CODES.keys),
    expectations=[
        accepted_values("group_code", GROUPS, on_failure=WARN),
        row("code_is_classified", code_is_classified, on_failure=WARN),
        row("normal_pricing_is_no_denial", normal_pricing_is_no_denial, nulls="pass", on_failure=WARN),
    ],
    freshness=Freshness(within="26 hours"),
)
def denial_code(codes: DataFrame, reasons: DataFrame) -> DataFrame:
    """One row per code of a network and adjustment group, newest state, spelled as silver.adjustment spells reasons.

    What the network leaves open is the reference's: the row of the exact group, else the one for any group.
    """
    reason = adjustment_reason(F.col("denial_code"))
    cleaned = {
        "group_code": adjustment_group(F.col("group_code"), F.col("denial_code")),
        "denial_code": reason,
        "carc": F.coalesce(adjustment_reason(F.col("carc")), carc_or_null(reason)),
        "category": category_word(),
    }
    keyed = codes.withColumns(cleaned).withColumns({"_group": F.col("group_code"), "_carc": F.col("carc")})
    filled = ("category", "is_denial", "is_preventable")
    return with_reference_class(keyed, reasons).select(
        "network",
        "group_code",
        "denial_code",
        "carc",
        "description",
        *[F.coalesce(F.col(name), F.col(f"_known.{name}")).alias(name) for name in filled],
        classified_by().alias("classified_by"),
        "modified_at",
        "source_sequence",
        "is_deleted",
        "_lineage",
    )
