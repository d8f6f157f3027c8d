"""The sender's denial codes, table `DenialCodes`. Key: group and code; group `-` stands for any group."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import group_or_any
from lakehouse.bronze.sqlserver.contract_tables import table_columns, table_feed
from lakehouse.spec.contracts import DENIAL_CODES
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

denial_codes = table_feed(DENIAL_CODES, "the sender's denial codes, of a claims database", table="DenialCodes")


@conforms(DENIAL_CODES, reads={"denial_codes": changes(denial_codes)}, sequenced=True)
def conform_denial_codes(denial_codes: DataFrame) -> DataFrame:
    """One row per code and group, as read; a blank group becomes `-`, in a tombstone too."""
    return table_columns(denial_codes, DENIAL_CODES, filled={"group_code": group_or_any()})
