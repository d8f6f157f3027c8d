"""Which months of service were paid too little or too much for their age; run-out alone alarms nobody."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from random import Random
from statistics import median

import pytest
from pyspark.sql import SparkSession

from lakehouse.gold.payment_completeness import paid_as_usual_at_its_age
from lakehouse.gold.payment_lag import payment_lag
from lakehouse.spec.expectations import CheckContext
from silver import rows
from silver.rows import Row

pytestmark = pytest.mark.spark

AS_OF = date(2026, 4, 10)
DECLARED = next(e for e in payment_lag.expectations if e.name == "paid_as_usual_at_its_age")
RUN_OUT = (10, 60, 90, 100)
"""What an ordinary month has been paid up to lag 0, 1, 2, and 3 or more."""


def month(age: int) -> date:
    """First day of the month of service so many months before that of the as-of date."""
    number = 2026 * 12 + 3 - age
    return date(number // 12, number % 12 + 1, 1)


def paid(age: int, factor: str = "1", payer: str = "AETNA", network: str = "north") -> list[Row]:
    """All lags of a month that ran out as usual, times a factor."""
    return [
        {
            "service_month": month(age), "network": network, "payer_code": payer, "lag_month": lag,
            "cumulative_paid_amount": Decimal(factor) * RUN_OUT[min(lag, 3)],
        }
        for lag in range(age + 1)
    ]  # fmt: skip


def usual(first: int, last: int = 1) -> list[Row]:
    """Ordinary months, from the oldest to the newest age."""
    return [row for age in range(first, last - 1, -1) for row in paid(age)]


def told(spark: SparkSession, *lags: Row, as_of: date = AS_OF) -> list[tuple[date, str, str]]:
    frame = rows.frame(spark, payment_lag.fields, *lags)
    found = DECLARED.failing_rows(frame, CheckContext(as_of)).collect()
    return sorted((r["service_month"], r["network"], r["payer_code"]) for r in found)


def test_young_months_that_have_what_months_of_their_age_have_alarm_nobody(spark: SparkSession) -> None:
    assert told(spark, *usual(20, 0)) == []
    assert told(spark, *usual(20, 0), as_of=date(2026, 4, 30)) == []


def of(network: str, *lags: Row) -> list[Row]:
    """The rows under another network's name: its months are judged by themselves."""
    return [{**row, "network": network} for row in lags]


def networks(found: list[tuple[date, str, str]]) -> dict[str, date]:
    """Network -> its only month that is told."""
    assert len({network for _, network, _ in found}) == len(found)
    return {network: told_month for told_month, network, _ in found}


def test_a_month_that_lags_behind_its_age_is_told(spark: SparkSession) -> None:
    ages = (1, 2, 3, 7)
    lags = [
        row
        for late in ages
        for age in range(20, -1, -1)
        for row in of(f"late {late}", *paid(age, "0.4" if age == late else "1"))
    ]
    assert networks(told(spark, *lags)) == {f"late {age}": month(age) for age in ages}


def test_half_and_double_are_within(spark: SparkSession) -> None:
    factors = ("0.49", "0.5", "2", "2.01", "-1", "0")
    lags = [row for f in factors for row in of(f, *usual(20, 3), *paid(2, f), *paid(1))]
    assert networks(told(spark, *lags)) == dict.fromkeys(("0.49", "2.01", "-1", "0"), month(2))


def test_six_earlier_months_are_needed(spark: SparkSession) -> None:
    lags = [row for n in (5, 6) for row in of(f"{n} months", *usual(n + 2, 3), *paid(2, "0.1"), *paid(1))]
    assert networks(told(spark, *lags)) == {"6 months": month(2)}


def test_a_month_without_any_payment_counts_as_zero(spark: SparkSession) -> None:
    lags = [*of("newest", *usual(20, 2)), *of("within", *usual(20, 3), *paid(1))]
    assert networks(told(spark, *lags)) == {"newest": month(1), "within": month(2)}


def test_the_running_month_is_not_judged(spark: SparkSession) -> None:
    assert told(spark, *of("low", *usual(20), *paid(0, "0")), *of("high", *usual(20), *paid(0, "9"))) == []


def test_a_month_is_judged_until_it_is_mature(spark: SparkSession) -> None:
    lags = [
        row
        for low in (13, 14)
        for age in range(30, 0, -1)
        for row in of(str(low), *paid(age, "0.1" if age == low else "1"))
    ]
    assert networks(told(spark, *lags)) == {"13": month(13)}


def test_payers_and_networks_are_judged_apart(spark: SparkSession) -> None:
    large = [row for age in range(20, 0, -1) for row in paid(age, "50" if age > 1 else "10", "UHC", "south")]
    assert told(spark, *usual(20), *large) == [(month(1), "south", "UHC")]


def test_a_median_of_zero_or_less_and_unknown_amounts_before_tell_nothing(spark: SparkSession) -> None:
    lags = [row for f in ("0", "-1") for age in range(20, 2, -1) for row in of(f, *paid(age, f))]
    lags += [row for f in ("0", "-1") for row in of(f, *paid(2, "5"))]
    unknown = [{**row, "cumulative_paid_amount": None} for row in usual(8, 7)]
    assert told(spark, *lags, *unknown, *usual(6, 3), *paid(2, "0.1"), *paid(1)) == []


def test_an_unknown_amount_of_the_month_itself_is_told(spark: SparkSession) -> None:
    unknown = [{**row, "cumulative_paid_amount": None} for row in paid(1)]
    assert told(spark, *usual(20, 2), *unknown) == [(month(1), "north", "AETNA")]


def test_nothing_and_a_payer_that_began_this_month_are_fine(spark: SparkSession) -> None:
    assert told(spark) == []
    assert told(spark, *paid(0)) == []


def plainly(factors: Mapping[int, int], last_lag: int) -> list[date]:
    """Months (by age, with a factor of their payments; absent ones have none) that are told."""
    found = []
    for age in range(1, min(max(factors), last_lag + 1) + 1):
        earlier = [factors.get(other, 0) for other in range(age + 1, age + 13) if other <= max(factors)]
        middle = median(earlier) if len(earlier) >= 6 else 0
        if middle > 0 and not middle <= 2 * factors.get(age, 0) <= 4 * middle:
            found.append(month(age))
    return found


def test_any_history_is_judged_as_a_plain_computation_does(spark: SparkSession) -> None:
    chance = Random(7)
    histories = {
        f"history {n}": {age: chance.randint(0, 6) for age in range(1, chance.randint(6, 24)) if chance.random() < 0.9}
        for n in range(80)
    }
    lags = [row for name, h in histories.items() for age, f in h.items() for row in of(name, *paid(age, str(f)))]
    rule = paid_as_usual_at_its_age(last_lag=5)
    found = rule.failing_rows(rows.frame(spark, payment_lag.fields, *lags), CheckContext(AS_OF)).collect()
    expected = {(name, told_month) for name, h in histories.items() for told_month in plainly(h, 5)}
    assert {(r["network"], r["service_month"]) for r in found} == expected
    assert len(found) == len(expected) > 80
