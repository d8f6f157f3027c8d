"""Which roster row a claim belongs to: pure functions over frames. Source: domain.md 1.11, X10."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

MAIN_LOCATION = "MAIN"
IN_ROSTER, NOT_ON_DATE, NOT_IN_ROSTER = "in_roster", "not_on_date", "not_in_roster"
PROVIDER_STATUSES = (IN_ROSTER, NOT_ON_DATE, NOT_IN_ROSTER)
ATTRIBUTION = (
    "attributed_provider_id", "attributed_location_id", "attributed_valid_from", "attributed_specialty",
    "provider_status",
)  # fmt: skip


def with_provider(claims: DataFrame, providers: DataFrame) -> DataFrame:
    """`claims`, one row each, with the roster row that was valid on the first day of service.

    The rendering provider is looked up; where none is named, the billing provider. Of several locations `MAIN` goes
    first, then the smallest id. provider_status: in_roster; not_on_date (the roster knows the provider, but not for
    that day; a claim without a day too); not_in_roster (also where no provider is named, or the network sends no
    roster). The attributed columns are null unless in_roster.

    Args:
        claims: network, rendering_provider_id, billing_provider_id, service_from_date.
        providers: rows of silver.provider.
    """
    version = F.struct(
        (F.col("location_id") != MAIN_LOCATION).alias("is_elsewhere"),
        "location_id",
        "valid_from",
        "valid_to",
        "specialty",
    )
    rosters = providers.groupBy("network", F.col("provider_id").alias("_provider_id")).agg(
        F.collect_list(version).alias("_versions")
    )
    named = claims.withColumn("_provider_id", F.coalesce("rendering_provider_id", "billing_provider_id"))
    placed = named.join(rosters, on=["network", "_provider_id"], how="left")  # grouped by it: one row
    found = placed.withColumn("_found", F.array_min(F.filter("_versions", _is_valid_on_service)))
    is_found = F.col("_found").isNotNull()
    status = F.when(is_found, IN_ROSTER).when(F.col("_versions").isNotNull(), NOT_ON_DATE).otherwise(NOT_IN_ROSTER)
    return found.select(
        *claims.columns,
        F.when(is_found, F.col("_provider_id")).alias("attributed_provider_id"),
        F.col("_found.location_id").alias("attributed_location_id"),
        F.col("_found.valid_from").alias("attributed_valid_from"),
        F.col("_found.specialty").alias("attributed_specialty"),
        status.alias("provider_status"),
    )


def _is_valid_on_service(version: Column) -> Column:
    is_begun = version["valid_from"] <= F.col("service_from_date")
    return is_begun & (version["valid_to"].isNull() | (version["valid_to"] >= F.col("service_from_date")))
