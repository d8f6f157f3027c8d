"""The rules of table files: `row` and `batch` for those with a function of their own, and a ready-made set.

What they are stands in `lakehouse.spec.rule`. Names are dbt's where dbt has them.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.errors import DeclarationError
from lakehouse.spec.consequence import Consequence, Sender, Tolerance
from lakehouse.spec.freshness import duration
from lakehouse.spec.rule import (
    DROP,
    FAIL,
    QUARANTINE,
    WARN,
    CheckContext,
    Expectation,
    Nulls,
    batch,
    row,
    row_of_sender,
)

if TYPE_CHECKING:
    from lakehouse.spec.table import Table

__all__ = [
    "DROP",
    "FAIL",
    "QUARANTINE",
    "WARN",
    "CheckContext",
    "Consequence",
    "Expectation",
    "Nulls",
    "Sender",
    "Tolerance",
    "accepted_values",
    "batch",
    "between",
    "matches",
    "not_after",
    "not_null",
    "recency",
    "relationships",
    "row",
    "row_count_at_least",
    "row_of_sender",
    "totals_match",
    "unique",
]


def not_null(
    column: str, *, on_failure: Consequence, at_most: str | int | None = None, source: str = ""
) -> Expectation:
    """The column has a value."""
    return row(
        f"{column}_not_null",
        lambda: F.col(column).isNotNull(),
        on_failure=on_failure,
        at_most=at_most,
        meaning=f"{column} has a value.",
        source=source,
    )


def accepted_values(
    column: str,
    values: Sequence[str],
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    at_most: str | int | None = None,
    source: str = "",
) -> Expectation:
    """The column is one of `values`, as written."""
    return row(
        f"{column}_accepted_values",
        lambda: F.col(column).isin(*values),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
        meaning=f"{column} is one of {', '.join(values)}{_or_absent(nulls)}.",
        source=source,
    )


def matches(
    column: str,
    pattern: str,
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    at_most: str | int | None = None,
    source: str = "",
) -> Expectation:
    r"""The whole text fits the Java regular expression; anchors are added (`\A...\z`, which refuse a trailing
    newline)."""
    return row(
        f"{column}_matches",
        lambda: F.col(column).rlike(rf"\A(?:{pattern})\z"),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
        meaning=f"{column} has the form `{pattern}`{_or_absent(nulls, 'is absent')}.",
        source=source,
    )


def between(
    column: str,
    low: int | Decimal | date,
    high: int | Decimal | date,
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    at_most: str | int | None = None,
    source: str = "",
) -> Expectation:
    """`low <= column <= high`, both ends included."""
    return row(
        f"{column}_between",
        lambda: F.col(column).between(F.lit(low), F.lit(high)),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
        meaning=f"{column} is from {low} to {high}{_or_absent(nulls)}.",
        source=source,
    )


def not_after(
    column: str,
    other: str,
    *,
    on_failure: Consequence,
    nulls: Nulls = "pass",
    at_most: str | int | None = None,
    source: str = "",
) -> Expectation:
    """`column <= other`; by default a missing side passes."""
    return row(
        f"{column}_not_after_{other}",
        lambda: F.col(column) <= F.col(other),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
        meaning=f"{column} is not after {other}{_or_absent(nulls, 'one of them is absent')}.",
        source=source,
    )


def _or_absent(nulls: Nulls, words: str = "absent") -> str:
    return f", or {words}" if nulls == "pass" else ""


def unique(*columns: str, on_failure: Consequence, at_most: str | int | None = None, source: str = "") -> Expectation:
    """No two rows of the batch share the columns' values (null equals null); failing rows are the repeated values with
    `row_count`.

    Raises:
        DeclarationError: no column is named.
    """
    if not columns:
        raise DeclarationError("unique(): no column is named; say which columns make a row one row.")

    def failing(df: DataFrame, context: CheckContext) -> DataFrame:
        return df.groupBy(*columns).agg(F.count(F.lit(1)).alias("row_count")).where(F.col("row_count") > 1)

    meaning = f"No two rows share {', '.join(columns)}."
    name = f"{'_'.join(columns)}_unique"
    return batch(name, failing, on_failure=on_failure, at_most=at_most, meaning=meaning, source=source)


def relationships(
    column: str,
    to: "Table",
    *,
    field: str | None = None,
    on_failure: Consequence,
    at_most: str | int | None = None,
    source: str = "",
) -> Expectation:
    """Every value of `column` stands in `to`.`field`; null refers to nothing and passes."""
    target = field or column

    def failing(df: DataFrame, context: CheckContext) -> DataFrame:
        known = context.frames["to"].select(F.col(target).alias(column)).distinct()
        return df.where(F.col(column).isNotNull()).join(known, column, how="left_anti")

    return batch(
        f"{column}_in_{to.short_name}",
        failing,
        on_failure=on_failure,
        at_most=at_most,
        needs={"to": to},
        meaning=f"{column} stands in {to.name}.{target}, or is absent.",
        source=source,
    )


def recency(column: str, *, within: str, on_failure: Consequence, source: str = "") -> Expectation:
    """The newest value is at most `within` (e.g. `2 days`) before the end of the logical date. An empty batch passes.

    The failing row is the newest value, when it is too old.
    """
    age = duration(within)

    def failing(df: DataFrame, context: CheckContext) -> DataFrame:
        end = datetime.combine(context.as_of, time.max, UTC)
        first = datetime.min.replace(tzinfo=UTC)
        oldest_allowed = end - age if end - first > age else first
        newest = df.agg(F.max(F.col(column)).alias(column))
        return newest.where(F.col(column) < F.lit(oldest_allowed))

    meaning = f"The newest {column} is at most {within} old on the logical date."
    return batch(f"{column}_recent", failing, on_failure=on_failure, meaning=meaning, source=source)


def row_count_at_least(count: int, *, on_failure: Consequence, source: str = "") -> Expectation:
    """The batch has at least `count` rows. The failing row holds the `row_count` found."""

    def failing(df: DataFrame, context: CheckContext) -> DataFrame:
        return df.agg(F.count(F.lit(1)).alias("row_count")).where(F.col("row_count") < count)

    meaning = f"There are {count:,} rows or more."
    return batch(f"row_count_at_least_{count}", failing, on_failure=on_failure, meaning=meaning, source=source)


def totals_match(
    total: str, *parts: str, on_failure: Consequence, nulls: Nulls = "fail", source: str = ""
) -> Expectation:
    """In every row `total` equals the exact sum of `parts`; absent parts count as zero.

    Raises:
        DeclarationError: no part is named.
    """
    if not parts:
        raise DeclarationError(f"totals_match({total}): no part is named; say which columns add up to it.")

    def condition() -> Column:
        added = F.coalesce(F.col(parts[0]), F.lit(0))
        for part in parts[1:]:
            added = added + F.coalesce(F.col(part), F.lit(0))
        return F.col(total) == added

    return row(
        f"{total}_totals_match",
        condition,
        on_failure=on_failure,
        nulls=nulls,
        meaning=f"{total} is the sum of {', '.join(parts)}.",
        source=source,
    )
