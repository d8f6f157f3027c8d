"""Providers by location through time (SCD type 2, in the source's time). Made of silver.roster."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.full_roster import full_roster
from lakehouse.silver.provider_versions import provider_versions
from lakehouse.silver.roster import ATTRIBUTES, LOCATION, roster
from lakehouse.spec.columns import npi_is_valid
from lakehouse.spec.contracts import PROVIDERS
from lakehouse.spec.expectations import FAIL, not_after, unique
from lakehouse.spec.field import BOOLEAN, DATE, field
from lakehouse.spec.scopes import ReplaceGroups, groups, snapshot
from lakehouse.spec.table import table


@table(
    "silver.provider",
    reads={"statements": groups(roster, by=LOCATION), "deliveries": snapshot(full_roster)},
    fields=[
        *PROVIDERS.pick(*LOCATION),
        field("valid_from", DATE, "first day the row holds; 1900-01-01 for ever since", required=True),
        field("valid_to", DATE, "last day it holds; null while it holds"),
        *PROVIDERS.pick(*ATTRIBUTES),
        field("npi_is_valid", BOOLEAN, "the NPI's form and check digit are right; null without an NPI"),
    ],
    write=ReplaceGroups(by=LOCATION, keys=(*LOCATION, "valid_from")),
    expectations=[
        unique(*LOCATION, "valid_from", on_failure=FAIL),
        not_after("valid_from", "valid_to", on_failure=FAIL),
    ],
)
def provider(statements: DataFrame, deliveries: DataFrame) -> DataFrame:
    """One row per provider, location and first day of validity; the rows of a location never overlap.

    A provider that a full roster misses, or that was deleted, ends on the day before that delivery.
    """
    versions = provider_versions(statements, deliveries)
    return versions.withColumn("npi_is_valid", npi_is_valid(F.col("npi"))).select(*provider.field_names)
