"""Named rules with a consequence.

A row rule is a function that makes a boolean Column, true when the row is fine. A batch rule is a function from the
frame to its failing rows. Both answer `failing_rows(df)`. A row rule that gives null counts as a failure unless it
says `nulls="pass"`.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.errors import DeclarationError
from lakehouse.spec.freshness import duration

if TYPE_CHECKING:
    from lakehouse.spec.table import Table

Nulls = Literal["fail", "pass"]


class Consequence(StrEnum):
    """What happens to a build or row when a rule does not hold."""

    WARN = "warn"  # kept and reported
    DROP = "drop"  # left out and counted
    QUARANTINE = "quarantine"  # set aside with its reasons
    FAIL = "fail"  # nothing is written


WARN, DROP, QUARANTINE, FAIL = Consequence.WARN, Consequence.DROP, Consequence.QUARANTINE, Consequence.FAIL


@dataclass(frozen=True)
class Tolerance:
    """How many failing rows are accepted before the rule counts as broken.

    Attributes:
        rows: absolute number, or None.
        share: of the rows looked at, or None.
    """

    rows: int | None = None
    share: Decimal | None = None

    @classmethod
    def parse(cls, text: str | int) -> "Tolerance":
        """`5` rows or `"1%"` of the rows.

        Raises:
            DeclarationError: neither a count nor a percentage from 0 to 100.
        """
        if isinstance(text, int) and text >= 0:
            return cls(rows=text)
        text = str(text)
        if text.isdecimal():
            return cls(rows=int(text))
        match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", text)
        if not match or Decimal(match[1]) > 100:
            raise DeclarationError(f"at_most={text!r}: expected a number of rows or a share such as '1%'.")
        return cls(share=Decimal(match[1]) / 100)

    def accepts(self, failed: int, total: int) -> bool:
        """Whether `failed` of `total` rows is within the tolerance."""
        return failed <= (self.rows if self.rows is not None else (self.share or Decimal(0)) * total)


@dataclass(frozen=True)
class CheckContext:
    """What a batch rule may look at besides the rows: the logical date and whole tables, by the names of `needs`."""

    as_of: date
    frames: Mapping[str, DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Expectation:
    """A named rule; exactly one of `condition` (row rule) and `failing` (batch rule) is set.

    Attributes:
        name: says what is true when it holds, e.g. `service_dates_in_order`.
        on_failure: consequence. Failing rows of `quarantine` and `drop` are always set aside; `at_most` says how
            many of them a build tolerates before it fails. For `warn` and `fail`, up to `at_most` failing rows count
            as holding.
        nulls: what a row rule that gives null means.
        needs: tables a batch rule compares with, by frame name.
    """

    name: str
    on_failure: Consequence
    nulls: Nulls = "fail"
    at_most: str | int | None = None
    condition: Callable[[], Column] | None = None
    failing: Callable[[DataFrame, CheckContext], DataFrame] | None = None
    needs: "Mapping[str, Table]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        if (self.condition is None) == (self.failing is None):
            raise DeclarationError(f"expectation {self.name}: give either a condition or a failing-rows function.")
        if self.failing is not None and self.on_failure in (DROP, QUARANTINE):
            raise DeclarationError(
                f"expectation {self.name}: a batch rule can only warn or fail, found {self.on_failure}."
            )
        if self.at_most is not None:
            Tolerance.parse(self.at_most)

    @property
    def is_row_rule(self) -> bool:
        """Decides row by row."""
        return self.condition is not None

    @property
    def tolerance(self) -> Tolerance | None:
        """Parsed `at_most`; None when nothing was said."""
        return None if self.at_most is None else Tolerance.parse(self.at_most)

    def holds(self) -> Column:
        """The row rule as a Column that is never null.

        Raises:
            TypeError: this is a batch rule.
        """
        if self.condition is None:
            raise TypeError(f"expectation {self.name} is a batch rule; use failing_rows")
        return F.coalesce(self.condition(), F.lit(self.nulls == "pass"))

    def failing_rows(self, df: DataFrame, context: CheckContext | None = None) -> DataFrame:
        """The rows (or, for batch rules, groups) that break the rule; empty when it holds."""
        if self.failing is not None:
            return self.failing(df, context or CheckContext(date.max))
        return df.where(~self.holds())


def row(
    name: str,
    condition: Callable[[], Column],
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    at_most: str | int | None = None,
) -> Expectation:
    """A row rule from a function that makes its condition."""
    return Expectation(name, on_failure, nulls, at_most, condition)


def not_null(column: str, *, on_failure: Consequence, at_most: str | int | None = None) -> Expectation:
    """The column has a value."""
    return row(f"{column}_not_null", lambda: F.col(column).isNotNull(), on_failure=on_failure, at_most=at_most)


def accepted_values(
    column: str,
    values: Sequence[str],
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    at_most: str | int | None = None,
) -> Expectation:
    """The column is one of `values`, as written."""
    return row(
        f"{column}_accepted_values",
        lambda: F.col(column).isin(*values),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
    )


def matches(
    column: str, pattern: str, *, on_failure: Consequence, nulls: Nulls = "fail", at_most: str | int | None = None
) -> Expectation:
    r"""The whole text fits the Java regular expression; anchors are added (`\A...\z`, which refuse a trailing
    newline)."""
    return row(
        f"{column}_matches",
        lambda: F.col(column).rlike(rf"\A(?:{pattern})\z"),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
    )


def between(
    column: str,
    low: int | Decimal | date,
    high: int | Decimal | date,
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    at_most: str | int | None = None,
) -> Expectation:
    """`low <= column <= high`, both ends included."""
    return row(
        f"{column}_between",
        lambda: F.col(column).between(F.lit(low), F.lit(high)),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
    )


def not_after(
    column: str, other: str, *, on_failure: Consequence, nulls: Nulls = "pass", at_most: str | int | None = None
) -> Expectation:
    """`column <= other`; by default a missing side passes."""
    return row(
        f"{column}_not_after_{other}",
        lambda: F.col(column) <= F.col(other),
        on_failure=on_failure,
        nulls=nulls,
        at_most=at_most,
    )


def unique(*columns: str, on_failure: Consequence, at_most: str | int | None = None) -> Expectation:
    """No two rows of the batch share the columns' values (null equals null); failing rows are the repeated values with
    `row_count`.

    Raises:
        DeclarationError: no column is named.
    """
    if not columns:
        raise DeclarationError("unique(): no column is named; say which columns make a row one row.")

    def failing(df: DataFrame, context: CheckContext) -> DataFrame:
        return df.groupBy(*columns).agg(F.count(F.lit(1)).alias("row_count")).where(F.col("row_count") > 1)

    return Expectation(f"{'_'.join(columns)}_unique", on_failure, "fail", at_most, failing=failing)


def relationships(
    column: str, to: "Table", *, field: str | None = None, on_failure: Consequence, at_most: str | int | None = None
) -> Expectation:
    """Every value of `column` stands in `to`.`field`; null refers to nothing and passes."""
    target = field or column

    def failing(df: DataFrame, context: CheckContext) -> DataFrame:
        known = context.frames["to"].select(F.col(target).alias(column)).distinct()
        return df.where(F.col(column).isNotNull()).join(known, column, how="left_anti")

    return Expectation(f"{column}_in_{to.short_name}", on_failure, "fail", at_most, failing=failing, needs={"to": to})


def recency(column: str, *, within: str, on_failure: Consequence) -> Expectation:
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

    return Expectation(f"{column}_recent", on_failure, failing=failing)


def row_count_at_least(count: int, *, on_failure: Consequence) -> Expectation:
    """The batch has at least `count` rows. The failing row holds the `row_count` found."""

    def failing(df: DataFrame, context: CheckContext) -> DataFrame:
        return df.agg(F.count(F.lit(1)).alias("row_count")).where(F.col("row_count") < count)

    return Expectation(f"row_count_at_least_{count}", on_failure, failing=failing)


def totals_match(total: str, *parts: str, on_failure: Consequence, nulls: Nulls = "fail") -> Expectation:
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

    return row(f"{total}_totals_match", condition, on_failure=on_failure, nulls=nulls)
