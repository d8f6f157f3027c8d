"""Provider roster in the contract's columns. Key: provider and location, `MAIN` where none is sent. Holds no money."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.standard.contract_files import contract_columns, contract_feed
from lakehouse.spec.columns import blank_to_null
from lakehouse.spec.contracts import PROVIDERS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

DEFAULT_LOCATION = "MAIN"

providers = contract_feed(
    PROVIDERS,
    "provider roster in the contract's columns",
    folder="providers",
    key=("provider_id", "location_id"),
    may_lack=("location_id",),
)


@conforms(PROVIDERS, reads={"providers": changes(providers)})
def conform_providers(providers: DataFrame) -> DataFrame:
    """One row per provider and practice location, as sent; a blank location becomes `MAIN`."""
    location = F.coalesce(blank_to_null(F.col("location_id")), F.lit(DEFAULT_LOCATION))
    return contract_columns(providers, PROVIDERS, filled={"location_id": location})
