"""The rows of one claim within a delivery: which of them stands for the claim, and which amounts are the claim's.

Institutional extracts often repeat the claim's amounts on every line (domain.md 1.3). A claim that a very large file
spreads over two parts is looked at part by part.
"""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lakehouse.bronze.tuva.medical_claim import PATIENT_SHARES
from lakehouse.spec.columns import blank_to_null, money_or_zero, parse_long, parse_money
from lakehouse.spec.field import MONEY

AMOUNTS = ("charge_amount", "allowed_amount", "paid_amount", "patient_amount")
ANOTHER_LINE = "another_line_of_the_claim"


def rows_of_claim() -> WindowSpec:
    """All rows of a claim in a delivery, by line number, then content; a row without a claim id is one by itself."""
    place = F.concat_ws("#", F.col("_source"), F.col("_row_number"))
    claim = F.coalesce(blank_to_null(F.col("claim_id")), place)
    in_line_order = Window.partitionBy("_batch_id", blank_to_null(F.col("claim_id")).isNull(), claim).orderBy(
        parse_long(F.col("claim_line_number")).asc_nulls_last(), "_raw_hash", "_source", "_row_number"
    )
    return in_line_order.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)


def of_claim(column: str) -> Column:
    """What the claim says: the first text that any of its lines has, in line order."""
    return F.first(blank_to_null(F.col(column)), ignorenulls=True).over(rows_of_claim())


def patient_amount() -> Column:
    """Coinsurance, copayment and deductible in all, as text; null when none is stated."""
    shares = [parse_money(F.col(name)) for name in PATIENT_SHARES]
    total = money_or_zero(shares[0]) + money_or_zero(shares[1]) + money_or_zero(shares[2])
    return F.when(F.coalesce(*shares).isNotNull(), total.cast(MONEY).cast("string"))


def with_claim(lines: DataFrame) -> DataFrame:
    """`lines`, one row each, with what the other rows of the claim tell.

    Adds `patient_amount`; `stands_for_claim`, true on the first line of each claim; and `x_is_of_claim` per amount of
    `AMOUNTS`: the claim is institutional and every line of it states the same amount, so that it is the claim's.
    """
    claim = rows_of_claim()
    shared = lines.withColumn("patient_amount", patient_amount())
    is_institutional = F.lower(of_claim("claim_type")).eqNullSafe("institutional")
    is_first = F.struct("_source", "_row_number") == F.first(F.struct("_source", "_row_number")).over(claim)
    added = {"stands_for_claim": is_first}
    for name in AMOUNTS:
        amount = parse_money(F.col(name))
        is_same = F.min(amount).over(claim) == F.max(amount).over(claim)
        on_every_line = F.count(amount).over(claim) == F.count(F.lit(1)).over(claim)
        added[f"{name}_is_of_claim"] = is_institutional & F.coalesce(is_same, F.lit(False)) & on_every_line
    return shared.withColumns(added)
