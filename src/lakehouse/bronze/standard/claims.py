"""Claim headers in the contract's columns. Key: the sender's claim id. Header amounts keep their names."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import amounts_as_sent, contract_columns
from lakehouse.bronze.standard.contract_files import contract_feed
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

claims = contract_feed(
    CLAIMS, "claim headers in the contract's columns, one row per claim version", folder="claims", key=("claim_id",)
)


@conforms(CLAIMS, reads={"claims": changes(claims)}, money=amounts_as_sent(CLAIMS))
def conform_claims(claims: DataFrame) -> DataFrame:
    """One row per claim version, as sent; a row with a blank claim id is kept for quarantine."""
    return contract_columns(claims, CLAIMS)
