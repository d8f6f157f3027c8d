"""How this adapter declares its feeds: a table of the server each, its columns the contract's in PascalCase.

`ddl/` holds the tables for Microsoft SQL Server, PostgreSQL and SQLite.
"""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.contract_columns import contract_columns, contract_fields
from lakehouse.spec.contracts import Contract
from lakehouse.spec.feed import Feed, feed
from lakehouse.spec.sources import SqlSource

CHANGE_COLUMNS = {"modified_at": ("modified_date",), "source_sequence": ("row_version",)}
"""What servers call the change columns: `ModifiedDate` and `RowVersion`."""


def table_feed(contract: Contract, description: str, *, table: str) -> Feed:
    """The feed of one table in the columns of `contract`, except `network`, which the configuration knows.

    Rows are named by the contract's key. `is_deleted` is a column of tables that mark deleted rows; where rows are
    really deleted, a tombstone with nothing but the key is landed.

    Args:
        contract: names the columns, their meaning and their sensitivity.
        description: one line.
        table: its name on the server.
    """
    fields = contract_fields(contract, aliases=CHANGE_COLUMNS)
    key = [name for name in contract.keys if name != "network"]
    return feed("sqlserver", contract.name, description, fields=fields, source=SqlSource(table=table), key=key)


def landing_number() -> Column:
    """When a row was read, in microseconds: of two states of a row the one that was read later is the newer.

    It stands in `source_sequence` in place of the server's number. Each delivery has an instant of its own, later than
    those before it. So neither a stamp that was set back nor another way of finding changes, whose numbers mean
    something else, can let an older state win; and a tombstone needs no number of the server.
    """
    return F.unix_micros(F.col("_delivered_at")).cast("string")


def table_columns(rows: DataFrame, contract: Contract, filled: Mapping[str, Column] | None = None) -> DataFrame:
    """As `contract_columns`; rows are ordered by when they were read."""
    return contract_columns(rows, contract, {"source_sequence": landing_number(), **(filled or {})})
