"""Provider deliveries that list the whole roster: absence from one of them ends a row, unless it is truncated."""

from pyspark.sql import DataFrame

from lakehouse.silver.full_delivery import FULL_DELIVERY_FIELDS, full_deliveries, full_deliveries_are_whole
from lakehouse.silver.roster import roster
from lakehouse.spec.scopes import ReplaceGroups, groups
from lakehouse.spec.table import table


@table(
    "silver.full_roster",
    reads={"statements": groups(roster, by="network")},
    fields=FULL_DELIVERY_FIELDS,
    write=ReplaceGroups(by=("network",), keys=("network", "delivered_at")),
    expectations=[full_deliveries_are_whole()],
)
def full_roster(statements: DataFrame) -> DataFrame:
    """One row per network and full roster delivery; with less than half the rows of the last it is not applied."""
    return full_deliveries(statements, "is_full_roster")
