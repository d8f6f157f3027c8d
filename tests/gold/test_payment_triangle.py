from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.payment_triangle import payment_triangle
from lakehouse.silver.posting import posting
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 4, 10)
POSTED: Row = {
    "network": "north", "payer_code": "AETNA", "service_month": "2026-01-01", "remit_date": "2026-03-02",
    "remit_month": "2026-03-01", "paid_amount": "60.00",
}  # fmt: skip


def postings(spark: SparkSession, *sent: Row) -> DataFrame:
    """Rows of silver.posting."""
    return rows.frame(spark, posting.fields, *sent, defaults=POSTED)


def test_payments_stand_at_their_lag_reversals_deducted(spark: SparkSession) -> None:
    same: Row = {"remit_date": "2026-01-31", "remit_month": "2026-01-01", "paid_amount": "5.00"}
    before: Row = {"remit_date": "2025-12-31", "remit_month": "2025-12-01", "paid_amount": "1.00"}
    given = postings(spark, {}, {"paid_amount": "-20.00"}, {"paid_amount": None}, same, before)
    result = payment_triangle(postings=given, as_of=AS_OF)
    assert {r["lag_month"]: r["paid_amount"] for r in result.collect()} == {0: money("6.00"), 2: money("40.00")}
    assert not rows.broken(result, payment_triangle)
    assert rows.unbalanced(payment_triangle, {"postings": given, "as_of": AS_OF}, result) == {"paid": 0}
    assert rows.unbalanced(payment_triangle, {"postings": given.union(given), "as_of": AS_OF}, result) == {
        "paid": money("46.00")
    }


def test_what_is_posted_after_the_day_waits_for_its_day(spark: SparkSession) -> None:
    ahead: Row = {"remit_date": "2026-04-11", "remit_month": "2026-04-01"}
    today: Row = {"remit_date": "2026-04-10", "remit_month": "2026-04-01", "paid_amount": "2.00"}
    given = postings(spark, ahead, today)
    result = payment_triangle(postings=given, as_of=AS_OF)
    (found,) = result.collect()
    assert (found["paid_amount"], found["_next_change_date"]) == (money("2.00"), date(2026, 4, 11))
    assert rows.unbalanced(payment_triangle, {"postings": given, "as_of": AS_OF}, result) == {"paid": 0}


def test_months_networks_and_payers_are_apart(spark: SparkSession) -> None:
    others: tuple[Row, ...] = ({"network": "south"}, {"payer_code": "UHC"}, {"service_month": "2026-02-01"})
    assert payment_triangle(postings=postings(spark, {}, *others), as_of=AS_OF).count() == 4


def test_rules_tell_good_from_bad(spark: SparkSession) -> None:
    tried: dict[str, tuple[Row, ...]] = {"payer_code_accepted_values": ({"payer_code": "ACME"}, {"payer_code": None})}
    assert set(tried) == rows.row_rules(payment_triangle)
    assert rows.judged(spark, payment_triangle, {"payer_code": "AETNA"}, tried) == {
        "payer_code_accepted_values": [True, False, False]
    }
