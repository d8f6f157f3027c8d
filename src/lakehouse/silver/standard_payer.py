"""Payer names as sent -> standard payers. Never by payer id: networks number payers as they like."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import ANY, mapping_key, sent_name_key

UNMAPPED = "OTHER"


def with_standard_payer(claims: DataFrame, payers: DataFrame) -> DataFrame:
    """`claims` with `payer_code` and `payer_is_mapped`, from `payer_name`, `line_of_business` and the mapping `payers`.

    The row of that name and line of business decides, else the row of that name for any; without either the payer is
    OTHER, unmapped.
    """
    named = claims.withColumns(
        {
            "payer_name_key": mapping_key(F.col("payer_name")),
            "line_of_business_key": mapping_key(F.col("line_of_business")),
        }
    )
    keys = ["payer_name_key", "line_of_business_key"]
    exact = payers.select(*keys, F.col("payer_code").alias("exact_payer_code"))
    # Both look-ups have one row per join key: reference.payer_mapping is unique by name and line of business.
    found = named.join(exact, on=keys, how="left").join(_for_any(payers), on="payer_name_key", how="left")
    mapped = F.coalesce(F.col("exact_payer_code"), F.col("general_payer_code"))
    coded = found.withColumns(
        {"payer_code": F.coalesce(mapped, F.lit(UNMAPPED)), "payer_is_mapped": mapped.isNotNull()}
    )
    return coded.drop(*keys, "exact_payer_code", "general_payer_code")


def with_payer_by_name(rows: DataFrame, payers: DataFrame, name: str, code: str) -> DataFrame:
    """`rows`, one row each, with `code`: the standard payer of the name in column `name`, for any line of business."""
    keyed = rows.withColumn("payer_name_key", mapping_key(F.col(name)))
    found = keyed.join(_for_any(payers), on="payer_name_key", how="left")  # one row per name on the right
    mapped = F.coalesce("general_payer_code", F.lit(UNMAPPED))
    return found.withColumn(code, mapped).drop("payer_name_key", "general_payer_code")


def with_payer_of(claims: DataFrame, payers: DataFrame, name: str, code: str) -> DataFrame:
    """`claims`, one row each, with `code`: the standard payer of the name in column `name`.

    Where that is the claim's own payer, or nobody is named, the claim's `payer_code`, which its line of business may
    have decided; else the payer of the name alone.
    """
    said = sent_name_key(F.col(name))
    is_own = F.coalesce(said == sent_name_key(F.col("payer_name")), said.isNull())
    named = with_payer_by_name(claims, payers, name, "named_payer_code")
    own = F.when(is_own, F.col("payer_code"))
    return named.withColumn(code, F.coalesce(own, "named_payer_code")).drop("named_payer_code")


def _for_any(payers: DataFrame) -> DataFrame:
    """The mapping of names for any line of business."""
    return payers.where(F.col("line_of_business_key") == ANY).select(
        "payer_name_key", F.col("payer_code").alias("general_payer_code")
    )
