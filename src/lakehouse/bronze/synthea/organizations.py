"""Facilities of Synthea. They enter the provider roster too, because claims name them as the facility."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import absent, change_columns, lineage_of
from lakehouse.bronze.postal import full_zip, state_code
from lakehouse.spec.contracts import PROVIDERS
from lakehouse.spec.feed import conforms, feed, raw
from lakehouse.spec.scopes import changes
from lakehouse.spec.sources import FileSource

organizations = feed(
    "synthea",
    "organizations",
    "facilities of a Synthea export",
    source=FileSource(stem="organizations"),
    key=("id",),
    fields=[
        raw("id", "facility", required=True),
        raw("name", "facility's name"),
        raw("address", "street"),
        raw("city", "city"),
        raw("state", "two-letter state"),
        raw("zip", "ZIP"),
        raw("lat", "latitude"),
        raw("lon", "longitude"),
        raw("phone", "telephone"),
        raw("revenue", "USD over the whole simulation"),
        raw("utilization", "visits over the whole simulation"),
        raw("npi", "National Provider Identifier; newer exports only"),
    ],
)


@conforms(PROVIDERS, reads={"organizations": changes(organizations)})
def conform_organizations(organizations: DataFrame) -> DataFrame:
    """One row per facility, at its one location."""
    return organizations.select(
        F.col("_network").alias("network"),
        F.col("id").alias("provider_id"),
        F.lit("MAIN").alias("location_id"),
        F.col("npi").alias("npi"),
        F.lit("organization").alias("entity_type"),
        F.col("name").alias("provider_name"),
        absent("tin"),
        absent("taxonomy_code"),
        absent("specialty"),
        state_code(F.col("state")).alias("state"),
        full_zip(F.col("zip")).alias("zip_code"),
        absent("effective_date"),
        absent("termination_date"),
        absent("is_full_roster"),
        *change_columns(),
        *lineage_of(organizations),
        absent("_drop_reason"),
    )
