from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import DeclarationError
from lakehouse.spec.balance import Entry, amount_where, combined, entries, row_count, sums_to
from lakehouse.spec.field import LONG, MONEY, STRING, field
from silver import rows

CLAIMS = (field("payer", STRING, "payer"), field("paid_amount", MONEY, "paid"), field("line_count", LONG, "lines"))
TOTALS = (*CLAIMS, field("claim_count", LONG, "claims"))


def amounts(balance: DataFrame) -> dict[tuple[str, str, str], Decimal]:
    assert balance.columns == ["measure", "reason", "side", "amount"]
    assert balance.schema["amount"].dataType.simpleString() == "decimal(28,2)"
    return {(row["measure"], row["reason"], row["side"]): row["amount"] for row in balance.collect()}


def test_aggregate_that_loses_nothing_closes(spark: SparkSession) -> None:
    claims = rows.frame(
        spark,
        CLAIMS,
        {"payer": "A", "paid_amount": "10.00", "line_count": 2},
        {"payer": "A", "paid_amount": None, "line_count": 1},
        {"payer": "B", "paid_amount": "-0.01", "line_count": 0},
    )
    totals = rows.frame(
        spark,
        TOTALS,
        {"payer": "A", "paid_amount": "10.00", "line_count": 3, "claim_count": 2},
        {"payer": "B", "paid_amount": "-0.01", "line_count": 0, "claim_count": 1},
    )
    balance = sums_to("claims", columns=("paid_amount", "line_count"), count="claim_count")
    assert amounts(balance({"claims": claims}, totals)) == {
        ("paid_amount", "claims", "in"): Decimal("9.99"),
        ("paid_amount", "result", "out"): Decimal("9.99"),
        ("line_count", "claims", "in"): 3,
        ("line_count", "result", "out"): 3,
        ("claim_count", "claims", "in"): 3,
        ("claim_count", "result", "out"): 3,
    }


def test_a_lost_row_and_a_lost_cent_show(spark: SparkSession) -> None:
    claims = rows.frame(spark, CLAIMS, {"paid_amount": "10.00"}, {"paid_amount": "5.00"})
    totals = rows.frame(spark, TOTALS, {"paid_amount": "14.99", "claim_count": 1})
    found = amounts(sums_to("claims", columns=("paid_amount",), count="claim_count")({"claims": claims}, totals))
    assert found["paid_amount", "claims", "in"] - found["paid_amount", "result", "out"] == Decimal("0.01")
    assert found["claim_count", "claims", "in"] - found["claim_count", "result", "out"] == 1


def test_empty_frames_balance_at_zero(spark: SparkSession) -> None:
    found = amounts(
        sums_to("claims", count="claim_count")({"claims": rows.frame(spark, CLAIMS)}, rows.frame(spark, TOTALS))
    )
    assert found == {("claim_count", "claims", "in"): 0, ("claim_count", "result", "out"): 0}


def test_amounts_go_to_the_reason_whose_condition_holds_and_null_conditions_to_none(spark: SparkSession) -> None:
    claims = rows.frame(
        spark,
        CLAIMS,
        {"payer": "A", "paid_amount": "1.00"},
        {"payer": "B", "paid_amount": "2.00"},
        {"payer": None, "paid_amount": "4.00"},
    )
    found = entries(
        claims,
        Entry("paid", "all", "in", F.col("paid_amount")),
        Entry("paid", "of_a", "out", amount_where(F.col("payer") == "A", "paid_amount")),
        Entry("rows", "all", "in", row_count()),
    )
    assert amounts(combined(found)) == {("paid", "all", "in"): 7, ("paid", "of_a", "out"): 1, ("rows", "all", "in"): 3}


def test_a_balance_that_proves_nothing_is_refused() -> None:
    with pytest.raises(DeclarationError, match="proves nothing"):
        sums_to("claims")
    with pytest.raises(DeclarationError, match="at least one measure"):
        combined()
