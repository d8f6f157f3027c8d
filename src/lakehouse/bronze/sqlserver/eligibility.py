"""Coverage spans of a claims database, table `Eligibility`. Key: member, payer, plan, coverage type and first day."""

from pyspark.sql import DataFrame

from lakehouse.bronze.sqlserver.contract_tables import table_columns, table_feed
from lakehouse.spec.contracts import ELIGIBILITY
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

eligibility = table_feed(ELIGIBILITY, "coverage spans of a claims database", table="Eligibility")


@conforms(ELIGIBILITY, reads={"eligibility": changes(eligibility)}, sequenced=True)
def conform_eligibility(eligibility: DataFrame) -> DataFrame:
    """One row per coverage span, as read; a tombstone has only its key."""
    return table_columns(eligibility, ELIGIBILITY)
