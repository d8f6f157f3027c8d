"""Claim lines in the contract's columns. Key: claim and line id; every line amount is kept under its own name."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import amounts_as_sent, contract_columns
from lakehouse.bronze.standard.contract_files import contract_feed
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

claim_lines = contract_feed(
    CLAIM_LINES, "claim lines in the contract's columns", folder="claim_lines", key=("claim_id", "line_id")
)


@conforms(CLAIM_LINES, reads={"claim_lines": changes(claim_lines)}, money=amounts_as_sent(CLAIM_LINES))
def conform_claim_lines(claim_lines: DataFrame) -> DataFrame:
    """One row per claim line, as sent; a row with a blank claim or line id is kept for quarantine."""
    return contract_columns(claim_lines, CLAIM_LINES)
