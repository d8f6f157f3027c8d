from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.denial_by_reason import denial_by_reason
from lakehouse.silver.denial_reason import denial_reason
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 5, 20)
REASON: Row = {
    "network": "north", "family_id": "C1", "group_code": "CO", "carc": "29", "category": "timely_filing",
    "is_preventable": True, "payer_code": "AETNA", "initially_denied_month": "2026-01-01",
    "initially_denied_date": "2026-01-20", "line_count": 2, "denied_amount": "90.00",
    "still_denied_amount": "60.00", "denial_final_on": "2026-05-20",
}  # fmt: skip
COLUMNS = ("claim_count", "line_count", "denied_amount", "overturned_amount", "open_amount", "finally_denied_amount")


def reasons(spark: SparkSession, *sent: Row) -> DataFrame:
    """Rows of silver.denial_reason."""
    numbered = [{"family_id": f"C{n}", **row} for n, row in enumerate(sent)]
    return rows.frame(spark, denial_reason.fields, *numbered, defaults=REASON)


def test_denied_money_is_overturned_open_or_final(spark: SparkSession) -> None:
    tomorrow: Row = {"denial_final_on": "2026-05-21", "still_denied_amount": "90.00", "line_count": 0}
    paid: Row = {"denial_final_on": None, "still_denied_amount": "0.00"}
    given = reasons(spark, {}, tomorrow, paid)
    result = denial_by_reason(reasons=given, as_of=AS_OF)
    (found,) = result.collect()
    assert [found[c] for c in COLUMNS] == [
        3, 4, money("270.00"), money("120.00"), money("90.00"), money("60.00")
    ]  # fmt: skip
    assert found["_next_change_date"] == date(2026, 5, 21)
    assert not rows.broken(result, denial_by_reason)
    assert denial_by_reason.balance is not None
    told = denial_by_reason.balance({"reasons": given, "as_of": AS_OF}, result).collect()
    sums = {(r["measure"], r["reason"]): r["amount"] for r in told}
    assert sums["denied", "reasons"] == sums["denied", "denial_by_reason"] == money("270.00")
    assert sums["lines", "reasons"] == sums["lines", "denial_by_reason"] == 4


def test_a_denial_dated_ahead_waits_for_its_day(spark: SparkSession) -> None:
    given = reasons(spark, {"initially_denied_date": "2026-05-21", "denial_final_on": None})
    result = denial_by_reason(reasons=given, as_of=AS_OF)
    (found,) = result.collect()
    assert [found[c] for c in COLUMNS] == [0] * len(COLUMNS)
    assert found["_next_change_date"] == date(2026, 5, 21)
    found = rows.unbalanced(denial_by_reason, {"reasons": given, "as_of": AS_OF}, result)
    assert found == {"denied": 0, "lines": 0}


def test_reasons_months_and_payers_are_apart_and_nobody_says_is_not_preventable(spark: SparkSession) -> None:
    others: tuple[Row, ...] = (
        {"carc": "97"}, {"group_code": "OA"}, {"payer_code": "UHC"}, {"initially_denied_month": "2026-02-01"},
        {"is_preventable": None}, {"is_preventable": False},
    )  # fmt: skip
    result = denial_by_reason(reasons=reasons(spark, {}, *others), as_of=AS_OF)
    assert result.count() == 6
    assert [r["claim_count"] for r in result.where("NOT is_preventable").collect()] == [2]


def test_nothing_gives_nothing(spark: SparkSession) -> None:
    assert denial_by_reason(reasons=reasons(spark), as_of=AS_OF).count() == 0


def test_rules_tell_good_from_bad(spark: SparkSession) -> None:
    good: Row = {
        "payer_code": "AETNA", "denied_amount": "6.00", "overturned_amount": "1.00", "open_amount": "2.00",
        "finally_denied_amount": "3.00",
    }  # fmt: skip
    tried: dict[str, tuple[Row]] = {
        "denied_amount_totals_match": ({"denied_amount": "6.01"},),
        "payer_code_accepted_values": ({"payer_code": "aetna"},),
        "parts_not_negative": ({"open_amount": "-0.01"},),
    }
    assert set(tried) == rows.row_rules(denial_by_reason)
    assert rows.judged(spark, denial_by_reason, good, tried) == {rule: [True, False] for rule in tried}
