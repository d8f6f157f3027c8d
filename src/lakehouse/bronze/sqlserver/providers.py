"""Provider roster of a claims database, table `Providers`. Key: provider and location, `MAIN` where it is blank."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import location_or_default
from lakehouse.bronze.sqlserver.contract_tables import table_columns, table_feed
from lakehouse.spec.contracts import PROVIDERS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

providers = table_feed(PROVIDERS, "provider roster of a claims database", table="Providers")


@conforms(PROVIDERS, reads={"providers": changes(providers)}, sequenced=True)
def conform_providers(providers: DataFrame) -> DataFrame:
    """One row per provider and practice location, as read; a blank location becomes `MAIN`, in a tombstone too."""
    return table_columns(providers, PROVIDERS, filled={"location_id": location_or_default()})
