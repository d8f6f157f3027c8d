"""Payer names as sent -> standard payers. Never by payer id: networks number payers as they like."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import ANY, mapping_key

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
    general = payers.where(F.col("line_of_business_key") == ANY).select(
        "payer_name_key", F.col("payer_code").alias("general_payer_code")
    )
    # Both look-ups have one row per join key: reference.payer_mapping is unique by name and line of business.
    found = named.join(exact, on=keys, how="left").join(general, on="payer_name_key", how="left")
    mapped = F.coalesce(F.col("exact_payer_code"), F.col("general_payer_code"))
    coded = found.withColumns(
        {"payer_code": F.coalesce(mapped, F.lit(UNMAPPED)), "payer_is_mapped": mapped.isNotNull()}
    )
    return coded.drop(*keys, "exact_payer_code", "general_payer_code")
