"""Payments of a claims database, table `Payments`. Key: the sender's payment id. Amounts keep their names and signs."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import amounts_as_sent
from lakehouse.bronze.sqlserver.contract_tables import table_columns, table_feed
from lakehouse.spec.contracts import PAYMENTS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

payments = table_feed(PAYMENTS, "payments of a claims database", table="Payments")


@conforms(PAYMENTS, reads={"payments": changes(payments)}, money=amounts_as_sent(PAYMENTS), sequenced=True)
def conform_payments(payments: DataFrame) -> DataFrame:
    """One row per payment, as read; a tombstone has only its payment id."""
    return table_columns(payments, PAYMENTS)
