"""Payments in the contract's columns. Key: the sender's payment id, else the row's place. Amounts keep their names."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.contract_columns import amounts_as_sent, contract_columns
from lakehouse.bronze.standard.contract_files import contract_feed
from lakehouse.spec.columns import blank_to_null
from lakehouse.spec.contracts import PAYMENTS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

payments = contract_feed(
    PAYMENTS,
    "payments in the contract's columns",
    folder="payments",
    key=("payment_id",),
    may_lack=("payment_id",),
)


def sent_id_or_place() -> Column:
    """The sender's payment id; where none is sent, the file and the record number within it."""
    place = F.concat(F.col("_source"), F.lit("#"), F.col("_row_number").cast("string"))
    return F.coalesce(blank_to_null(F.col("payment_id")), place)


@conforms(PAYMENTS, reads={"payments": changes(payments)}, money=amounts_as_sent(PAYMENTS))
def conform_payments(payments: DataFrame) -> DataFrame:
    """One row per payment, as sent. A row without an id is named by its place, so it cannot be corrected later."""
    return contract_columns(payments, PAYMENTS, filled={"payment_id": sent_id_or_place()})
