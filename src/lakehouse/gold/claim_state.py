"""What settled claims count for and come to on a date: pure functions over rows of silver.claim_final."""

import datetime

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.silver.claim_copies import without_copies
from lakehouse.silver.remittances import FULL, PARTIAL
from lakehouse.spec.field import RATE

NO_EVIDENCE = "none"


def counted_claims(claims: DataFrame, copies: DataFrame) -> DataFrame:
    """`claims` without voided families and without copies of a claim that counts for another network."""
    return without_copies(claims.where(~F.col("is_void_family")), copies)


def with_sender(rows: DataFrame, networks: DataFrame) -> DataFrame:
    """`rows`, one each, with `has_evidence` (their network says what was denied) and `has_receivables`."""
    settings = networks.select(
        "network",
        (F.col("denial_evidence") != NO_EVIDENCE).alias("has_evidence"),
        (F.col("ledger") == "provider").alias("has_receivables"),
    )
    return rows.join(F.broadcast(settings), on="network", how="left")  # one row per network


def is_denied(outcome: str) -> Column:
    """The decision denied in full or in part; never null."""
    return F.coalesce(F.col(outcome).isin(FULL, PARTIAL), F.lit(False))


def has_come(day: Column | str, as_of: datetime.date) -> Column:
    """The day is `as_of` or before; never null."""
    return F.coalesce((F.col(day) if isinstance(day, str) else day) <= F.lit(as_of), F.lit(False))


def still_to_come(day: Column | str, as_of: datetime.date) -> Column:
    """The day, if it lies after `as_of`."""
    column = F.col(day) if isinstance(day, str) else day
    return F.when(column > F.lit(as_of), column)


def next_change(as_of: datetime.date, *days: Column | str) -> Column:
    """Of a group: the first of all `days` (two or more) that lies after `as_of`; null if none does."""
    return F.min(F.least(*[still_to_come(day, as_of) for day in days]))


def rate(part: Column | str, whole: Column | str, type: T.DecimalType = RATE) -> Column:
    """`part` / `whole` in six decimals, null unless `whole` is above 0; of sums, never of rates. A quotient that may be
    a thousand or more needs a wider `type`."""
    top, bottom = (F.col(c) if isinstance(c, str) else c for c in (part, whole))
    positive = F.when(bottom > 0, bottom.cast("decimal(20,2)"))
    return (top.cast("decimal(20,2)") / positive).cast(type)


def with_evidence(rows: DataFrame, names: tuple[str, ...]) -> DataFrame:
    """`rows` of groups with the columns `names` null where their network gives no evidence of denials."""
    return rows.withColumns({name: F.when(F.col("has_evidence"), F.col(name)) for name in names}).drop("has_evidence")


def split_remainder(claims: DataFrame, as_of: datetime.date) -> DataFrame:
    """`claims` with what is left of each as outstanding (by cause), residual or credit on the date `as_of`.

    A closing dated after `as_of` has not happened yet; it is the claim's next change. A denial that is not final is
    no loss yet: it will be appealed, so it is outstanding.
    """
    left, denied, zero = F.col("remainder_amount"), F.col("denied_amount"), F.lit(0)
    is_closed = F.coalesce(F.col("closes_on") <= F.lit(as_of), F.lit(False))
    is_final = F.coalesce(F.col("denial_final_on") <= F.lit(as_of), F.lit(False))
    open_left = F.when((left > 0) & ~is_closed, left).otherwise(zero)
    in_denial = F.when(is_final, zero).otherwise(denied)
    is_adjudicated = F.coalesce(F.col("is_adjudicated"), F.lit(False))
    return claims.withColumns(
        {
            "denied_amount": F.when(is_final, denied).otherwise(zero),
            "outstanding_amount": open_left + in_denial,
            "outstanding_unadjudicated_amount": F.when(is_adjudicated, zero).otherwise(open_left),
            "outstanding_in_denial_amount": in_denial,
            "outstanding_unexplained_amount": F.when(is_adjudicated, open_left).otherwise(zero),
            "residual_amount": F.when((left > 0) & is_closed, left).otherwise(zero),
            "credit_amount": F.least(left, zero),
            "changes_on": F.least(
                F.when((left > 0) & ~is_closed, F.col("closes_on")),
                F.when((denied > 0) & ~is_final, F.col("denial_final_on")),
            ),
        }
    )
