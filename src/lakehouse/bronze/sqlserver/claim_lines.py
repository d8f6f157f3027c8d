"""Claim lines of a claims database, table `ClaimLines`. Key: claim and line id; every line amount keeps its name."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import amounts_as_sent
from lakehouse.bronze.sqlserver.contract_tables import table_columns, table_feed
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

claim_lines = table_feed(CLAIM_LINES, "claim lines of a claims database", table="ClaimLines")


@conforms(
    CLAIM_LINES,
    reads={"claim_lines": changes(claim_lines)},
    money=amounts_as_sent(CLAIM_LINES),
    sequenced=True,
)
def conform_claim_lines(claim_lines: DataFrame) -> DataFrame:
    """One row per claim line, as read; a tombstone has only its claim and line id."""
    return table_columns(claim_lines, CLAIM_LINES)
