"""Payment adjustments in the contract's columns. Key: payment and adjustment id; the amount is kept as sent."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import amounts_as_sent, contract_columns
from lakehouse.bronze.standard.contract_files import contract_feed
from lakehouse.spec.contracts import ADJUSTMENTS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

adjustments = contract_feed(
    ADJUSTMENTS,
    "payment adjustments in the contract's columns",
    folder="adjustments",
    key=("payment_id", "adjustment_id"),
)


@conforms(ADJUSTMENTS, reads={"adjustments": changes(adjustments)}, money=amounts_as_sent(ADJUSTMENTS))
def conform_adjustments(adjustments: DataFrame) -> DataFrame:
    """One row per adjustment, as sent; a row with a blank key part is kept for quarantine."""
    return contract_columns(adjustments, ADJUSTMENTS)
