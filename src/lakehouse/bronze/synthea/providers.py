"""Individual providers of Synthea. Older exports have no NPI: the id is the only key, and names repeat."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import absent, change_columns, lineage_of
from lakehouse.bronze.postal import full_zip, state_code
from lakehouse.spec.contracts import PROVIDERS
from lakehouse.spec.feed import conforms, feed, raw
from lakehouse.spec.scopes import changes
from lakehouse.spec.sources import FileSource

providers = feed(
    "synthea",
    "providers",
    "individual providers of a Synthea export",
    source=FileSource(stem="providers"),
    key=("id",),
    fields=[
        raw("id", "provider", required=True),
        raw("organization", "facility the provider works at"),
        raw("name", "provider's name"),
        raw("gender", "M or F"),
        raw("speciality", "specialty", aliases=("specialty",)),
        raw("address", "street"),
        raw("city", "city"),
        raw("state", "two-letter state"),
        raw("zip", "ZIP"),
        raw("lat", "latitude"),
        raw("lon", "longitude"),
        raw("encounters", "visits over the whole simulation", aliases=("utilization",)),
        raw("procedures", "procedures over the whole simulation; newer exports only"),
        raw("npi", "National Provider Identifier; newer exports only"),
    ],
)


@conforms(PROVIDERS, reads={"providers": changes(providers)})
def conform_providers(providers: DataFrame) -> DataFrame:
    """One row per individual provider, at its one location."""
    return providers.select(
        F.col("_network").alias("network"),
        F.col("id").alias("provider_id"),
        F.lit("MAIN").alias("location_id"),
        F.col("npi").alias("npi"),
        F.lit("individual").alias("entity_type"),
        F.col("name").alias("provider_name"),
        absent("tin"),
        absent("taxonomy_code"),
        F.col("speciality").alias("specialty"),
        state_code(F.col("state")).alias("state"),
        full_zip(F.col("zip")).alias("zip_code"),
        absent("effective_date"),
        absent("termination_date"),
        absent("is_full_roster"),
        *change_columns(),
        *lineage_of(providers),
        absent("_drop_reason"),
    )
