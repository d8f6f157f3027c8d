"""Payment adjustments of a claims database, table `PaymentAdjustments`. Key: payment and adjustment id."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import amounts_as_sent
from lakehouse.bronze.sqlserver.contract_tables import table_columns, table_feed
from lakehouse.spec.contracts import ADJUSTMENTS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

adjustments = table_feed(ADJUSTMENTS, "payment adjustments of a claims database", table="PaymentAdjustments")


@conforms(
    ADJUSTMENTS,
    reads={"adjustments": changes(adjustments)},
    money=amounts_as_sent(ADJUSTMENTS),
    sequenced=True,
)
def conform_adjustments(adjustments: DataFrame) -> DataFrame:
    """One row per adjustment, as read; a tombstone has only its payment and adjustment id."""
    return table_columns(adjustments, ADJUSTMENTS)
