"""Eligibility deliveries that list every span: absence from one of them ends coverage, unless it is truncated."""

from pyspark.sql import DataFrame

from lakehouse.silver.eligibility import eligibility
from lakehouse.silver.full_delivery import FULL_DELIVERY_FIELDS, full_deliveries, full_deliveries_are_whole
from lakehouse.spec.scopes import ReplaceGroups, groups
from lakehouse.spec.table import table


@table(
    "silver.full_eligibility",
    reads={"statements": groups(eligibility, by="network")},
    fields=FULL_DELIVERY_FIELDS,
    write=ReplaceGroups(by=("network",), keys=("network", "delivered_at")),
    expectations=[full_deliveries_are_whole()],
)
def full_eligibility(statements: DataFrame) -> DataFrame:
    """One row per network and full eligibility delivery; with less than half the rows of the last it is not applied."""
    return full_deliveries(statements, "is_full_file")
