"""What each delivery said of a provider at a location. Conformed from every network's provider roster.

The delivery's instant is part of the key: a later statement stands beside the earlier one, and silver.provider makes
history of them.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.statement import DELIVERED_AT, IS_WITHDRAWN, STATED_AT, lists_everything, stated_at
from lakehouse.spec.columns import clean_code, npi_is_valid
from lakehouse.spec.contracts import CHANGE_FIELDS, PROVIDERS
from lakehouse.spec.expectations import QUARANTINE, WARN, accepted_values, not_after, row
from lakehouse.spec.field import DATE, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed
from lakehouse.spec.table import table

ALWAYS = date(1900, 1, 1)
ENTITY_TYPES = ("individual", "organization")
LOCATION = ("network", "provider_id", "location_id")
ATTRIBUTES = ("npi", "entity_type", "provider_name", "tin", "taxonomy_code", "specialty", "state")


def npi_check_digit_holds() -> Column:
    """The NPI has ten digits, begins with 1 or 2, and its check digit is right (domain.md B18)."""
    return npi_is_valid(F.col("npi"))


@table(
    "silver.roster",
    reads={"providers": changes(conformed(PROVIDERS))},
    fields=[
        *PROVIDERS.pick(*LOCATION),
        field("effective_date", DATE, "first day the row holds; 1900-01-01 where none is sent", required=True),
        DELIVERED_AT,
        STATED_AT,
        *PROVIDERS.pick("termination_date", *ATTRIBUTES, "is_full_roster"),
        IS_WITHDRAWN,
        *CHANGE_FIELDS,
    ],
    write=Merge(keys=(*LOCATION, "effective_date", "delivered_at")),
    expectations=[
        not_after("effective_date", "termination_date", on_failure=QUARANTINE),
        row("npi_check_digit_holds", npi_check_digit_holds, nulls="pass", on_failure=WARN),
        accepted_values("entity_type", ENTITY_TYPES, nulls="pass", on_failure=WARN),
    ],
    freshness=Freshness(within="32 days"),
)
def roster(providers: DataFrame) -> DataFrame:
    """One row per provider, location, effective date and delivery that spoke of it; tombstones are rows too."""
    cleaned = {
        "effective_date": F.coalesce("effective_date", F.lit(ALWAYS)),
        "delivered_at": F.col("_lineage.delivered_at"),
        "stated_at": stated_at(),
        "npi": clean_code(F.col("npi")),
        "entity_type": F.lower("entity_type"),
        "taxonomy_code": clean_code(F.col("taxonomy_code")),
        "state": clean_code(F.col("state")),
        "is_full_roster": lists_everything("is_full_roster"),
        "is_withdrawn": F.col("is_deleted"),
        "is_deleted": F.lit(False),
    }
    return providers.withColumns(cleaned).select(*roster.field_names, "_lineage")
