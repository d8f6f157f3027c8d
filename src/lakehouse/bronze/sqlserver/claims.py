"""Claim headers of a claims database, table `Claims`. Key: the sender's claim id. Header amounts keep their names."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import amounts_as_sent
from lakehouse.bronze.sqlserver.contract_tables import table_columns, table_feed
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

claims = table_feed(CLAIMS, "claim headers of a claims database, one row per claim version", table="Claims")


@conforms(CLAIMS, reads={"claims": changes(claims)}, money=amounts_as_sent(CLAIMS), sequenced=True)
def conform_claims(claims: DataFrame) -> DataFrame:
    """One row per claim version, as read; a tombstone has only its claim id."""
    return table_columns(claims, CLAIMS)
