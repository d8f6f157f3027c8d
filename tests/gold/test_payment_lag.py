"""Against a plain computation over small triangles."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.gold.payment_lag import MATURE_LAG, payment_lag
from lakehouse.gold.payment_triangle import payment_triangle
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 4, 10)
Triangle = Mapping[tuple[str, str], Mapping[int, str]]
"""(month of service, payer) -> lag -> paid."""


def month(text: str) -> int:
    return int(text[:4]) * 12 + int(text[5:7])


def plainly(triangle: Triangle) -> dict[tuple[str, str, int], tuple[Decimal, Decimal, Decimal | None]]:
    """(month, payer, lag) -> paid, paid until then, completeness."""
    cumulative: dict[tuple[str, str, int], Decimal] = {}
    ages = {key: month(AS_OF.isoformat()) - month(key[0]) for key in triangle}
    for (day, payer), paid in triangle.items():
        total = Decimal(0)
        for lag in range(max(ages[day, payer], *paid) + 1):
            total += Decimal(paid.get(lag, "0.00"))
            cumulative[day, payer, lag] = total
    reached: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    complete: dict[tuple[str, int], Decimal] = defaultdict(Decimal)
    for (day, payer, lag), total in cumulative.items():
        if ages[day, payer] >= max(MATURE_LAG, lag):
            reached[payer, lag] += total
            complete[payer, lag] += cumulative[day, payer, MATURE_LAG]
    found = {}
    for (day, payer, lag), total in cumulative.items():
        whole = complete[payer, lag]
        share = (reached[payer, lag] / whole).quantize(Decimal("0.000001"), ROUND_HALF_UP) if whole > 0 else None
        found[day, payer, lag] = (Decimal(triangle[day, payer].get(lag, "0.00")), total, share)
    return found


def lags(spark: SparkSession, triangle: Triangle) -> dict[tuple[str, str, int], tuple[Any, Any, Any]]:
    sent: list[Row] = [
        {"service_month": day, "network": "north", "payer_code": payer, "lag_month": lag, "paid_amount": paid}
        for (day, payer), by_lag in triangle.items()
        for lag, paid in by_lag.items()
    ]
    result = payment_lag(triangle=rows.frame(spark, payment_triangle.fields, *sent), as_of=AS_OF)
    assert not rows.broken(result, payment_lag)
    assert {row["_next_change_date"] for row in result.collect()} <= {date(2026, 5, 1)}
    return {
        (r["service_month"].isoformat(), r["payer_code"], r["lag_month"]): (
            r["paid_amount"], r["cumulative_paid_amount"], r["completeness"],
        )
        for r in result.collect()
    }  # fmt: skip


def test_completeness_is_pooled_over_mature_months_and_lags_are_dense(spark: SparkSession) -> None:
    triangle: Triangle = {
        ("2024-12-01", "AETNA"): {0: "10.00", 3: "60.00", 12: "30.00", 14: "5.00"},
        ("2025-04-01", "AETNA"): {1: "50.00", 5: "-10.00"},  # twelve months old: just mature
        ("2025-05-01", "AETNA"): {1: "1000.00"},  # eleven: not yet
        ("2026-04-01", "AETNA"): {0: "3.00"},  # this month
        ("2025-01-01", "UHC"): {2: "7.77"},
        ("2026-01-01", "CIGNA"): {0: "1.00"},
    }
    found = lags(spark, triangle)
    assert found == plainly(triangle)
    assert found["2026-04-01", "AETNA", 0] == (money("3.00"), money("3.00"), Decimal("0.071429"))
    assert found["2024-12-01", "AETNA", 14][2] == Decimal("1.050000")
    assert found["2026-01-01", "CIGNA", 3][2] is None


def test_months_that_came_to_nothing_give_no_share(spark: SparkSession) -> None:
    triangle: Triangle = {("2024-12-01", "AETNA"): {0: "10.00", 1: "-10.00"}}
    assert {share for _, _, share in lags(spark, triangle).values()} == {None}


def test_a_month_of_which_most_was_taken_back_fits(spark: SparkSession) -> None:
    triangle: Triangle = {("2025-01-01", "AETNA"): {0: "100000.00", 12: "-99999.99"}}
    found = lags(spark, triangle)
    assert found == plainly(triangle)
    assert found["2025-01-01", "AETNA", 0][2] == Decimal("10000000.000000")


def test_nothing_gives_nothing(spark: SparkSession) -> None:
    assert lags(spark, {}) == {}


def test_months_that_lie_ahead_are_left_out(spark: SparkSession) -> None:
    assert lags(spark, {("2026-05-01", "AETNA"): {0: "1.00"}}) == {}


def test_rules_tell_good_from_bad(spark: SparkSession) -> None:
    tried: dict[str, tuple[Row, ...]] = {"payer_code_accepted_values": ({"payer_code": "ACME"}, {"payer_code": None})}
    assert set(tried) == rows.row_rules(payment_lag)
    assert rows.judged(spark, payment_lag, {"payer_code": "AETNA"}, tried) == {
        "payer_code_accepted_values": [True, False, False]
    }
