"""Provider roster in the contract's columns. Key: provider and location, `MAIN` where none is sent. Holds no money."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import contract_columns, location_or_default
from lakehouse.bronze.standard.contract_files import contract_feed
from lakehouse.spec.contracts import PROVIDERS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

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
    return contract_columns(providers, PROVIDERS, filled={"location_id": location_or_default()})
