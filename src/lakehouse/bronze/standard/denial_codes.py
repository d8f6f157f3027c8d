"""The sender's denial codes in the contract's columns. Key: group and code; group `-` stands for any group."""

from pyspark.sql import DataFrame

from lakehouse.bronze.contract_columns import contract_columns, group_or_any
from lakehouse.bronze.standard.contract_files import contract_feed
from lakehouse.spec.contracts import DENIAL_CODES
from lakehouse.spec.feed import conforms
from lakehouse.spec.scopes import changes

denial_codes = contract_feed(
    DENIAL_CODES,
    "the sender's denial codes in the contract's columns",
    folder="denial_codes",
    key=("group_code", "denial_code"),
    may_lack=("group_code",),
)


@conforms(DENIAL_CODES, reads={"denial_codes": changes(denial_codes)})
def conform_denial_codes(denial_codes: DataFrame) -> DataFrame:
    """One row per code and group, as sent; a blank group becomes `-`, which stands for any group."""
    return contract_columns(denial_codes, DENIAL_CODES, filled={"group_code": group_or_any()})
