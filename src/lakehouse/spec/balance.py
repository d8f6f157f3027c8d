"""Ready-made pieces of a table's balance: how rows and money of the inputs reappear in the result.

A balance is a frame of (measure string, reason string, side `in` or `out`, amount decimal(28,2)). Per measure the `in`
amounts must equal the `out` amounts to the cent; every part that does not reach the result is an `out` row whose reason
says why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.errors import DeclarationError
from lakehouse.spec.table import Balance

AMOUNT = T.DecimalType(28, 2)
Side = Literal["in", "out"]


@dataclass(frozen=True, eq=False)
class Entry:
    """One row of a balance.

    Attributes:
        measure: what is conserved, e.g. `billed`.
        reason: where the amount comes from or went, e.g. `claim_lines`, `payment_without_claim`.
        side: `in` for the inputs, `out` for the result and for what does not reach it.
        amount: value of one row of the frame it is summed over; null counts as zero.
    """

    measure: str
    reason: str
    side: Side
    amount: Column


def entries(rows: DataFrame, *wanted: Entry) -> DataFrame:
    """Balance rows, one per entry of `wanted`, each summed over `rows` in one pass; 0.00 when `rows` is empty."""
    totals = rows.agg(
        *[F.coalesce(F.sum(e.amount), F.lit(0)).cast(AMOUNT).alias(f"e{i}") for i, e in enumerate(wanted)]
    )
    stacked = [
        F.struct(
            F.lit(e.measure).alias("measure"),
            F.lit(e.reason).alias("reason"),
            F.lit(e.side).alias("side"),
            F.col(f"e{i}").alias("amount"),
        )
        for i, e in enumerate(wanted)
    ]
    return totals.select(F.inline(F.array(*stacked)))


def row_count() -> Column:
    """Amount that counts rows."""
    return F.lit(1)


def amount_where(condition: Column, amount: Column | str) -> Column:
    """The amount of rows that meet `condition`; null, so nothing, elsewhere."""
    return F.when(condition, F.col(amount) if isinstance(amount, str) else amount)


def combined(*parts: DataFrame) -> DataFrame:
    """All rows of several balance frames.

    Raises:
        DeclarationError: no part is given.
    """
    if not parts:
        raise DeclarationError("combined(): no balance frame was given; a balance states at least one measure.")
    return reduce(DataFrame.unionByName, parts)


def sums_to(input_name: str, *, columns: Sequence[str] = (), count: str | None = None) -> Balance:
    """Balance of an aggregate that loses nothing of one input.

    The sum of each of `columns` over the input equals the sum of the column of the same name over the result; the
    number of input rows equals the sum of the result's column `count`.

    Raises:
        DeclarationError: neither a column nor a count is named, so nothing would be proved.
    """
    if not columns and count is None:
        raise DeclarationError(
            f"sums_to({input_name}): name columns, a count or both; an empty balance proves nothing."
        )

    def balance(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
        taken = [Entry(c, input_name, "in", F.col(c)) for c in columns]
        given = [Entry(c, "result", "out", F.col(c)) for c in columns]
        if count is not None:
            taken.append(Entry(count, input_name, "in", row_count()))
            given.append(Entry(count, "result", "out", F.col(count)))
        return combined(entries(inputs[input_name], *taken), entries(result, *given))

    return balance
