"""Rows and money of a table by month, added up by its server: what Bronze must hold if nothing was lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lakehouse.errors import SourceError
from lakehouse.storage.odbc.dialects import Dialect, Statement
from lakehouse.storage.odbc.signals import table_scope
from lakehouse.storage.odbc.table_shape import TableShape


@dataclass(frozen=True)
class MonthTotals:
    """One month of a table.

    Attributes:
        month: `YYYY-MM` of the date column; None for rows whose date is null or no date.
        rows: in it.
        sums: raw money column -> exact sum as decimal text; None where no row has an amount.
    """

    month: str | None
    rows: int
    sums: Mapping[str, str | None]


def month_statement(dialect: Dialect, shape: TableShape, date_column: str, money: Sequence[str]) -> Statement:
    """One statement for all months, in order.

    Raises:
        SourceError: the table lacks one of the columns.
    """
    if missing := [name for name in (date_column, *money) if name not in shape.columns_by_name]:
        raise SourceError(
            f"table {shape.table.shown}: expected the columns {', '.join(missing)} to compare, found none of them. "
            "Declare the table's own names as aliases"
        )
    month = dialect.month(shape.columns_by_name[date_column])
    sums = [dialect.exact_sum(shape.columns_by_name[name]) for name in money]
    picked = ", ".join([month, f"CAST({dialect.count_all} AS varchar(20))", *sums])
    text = f"SELECT {picked} {table_scope(dialect, shape.table).sql} GROUP BY {month} ORDER BY {month}"
    return Statement(text, width=2 + len(sums))


def month_totals(rows: Sequence[Sequence[str | None]], money: Sequence[str]) -> list[MonthTotals]:
    """The answer to `month_statement`."""
    return [MonthTotals(row[0], int(row[1] or 0), dict(zip(money, row[2:], strict=True))) for row in rows]
