from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.cash_by_payer import cash_by_payer
from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.silver.held_payment import held_payment
from lakehouse.silver.payment import payment
from lakehouse.silver.posting import posting
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 2, 10)
POSTED: Row = {
    "network": "north", "claim_id": "C1", "remittance_id": "R1",
    "remit_date": "2026-02-10", "remit_month": "2026-02-01",
    "posting_payer_code": "AETNA", "is_reversal": False, "paid_amount": "60.00",
}  # fmt: skip
HELD: Row = {
    "network": "north", "payment_kind": "payer", "is_duplicate": False, "reason": "no_claim", "payer_name": "Cigna",
    "paid_amount": "7.00", "remit_date": "2026-02-01", "remit_month": "2026-02-01",
}  # fmt: skip
OUTSIDE: Row = {
    "payment_kind": "provider_level", "claim_id": None, "payer_name": "Aetna", "paid_amount": "-3.00",
    "remit_date": "2026-02-01", "remit_month": "2026-02-01",
}  # fmt: skip
PAYERS: list[Row] = [
    {"payer_name_key": name.upper(), "line_of_business_key": "-", "payer_code": name.upper()}
    for name in ("Aetna", "Cigna")
]


def inputs(
    spark: SparkSession, posted: list[Row], held: list[Row] | None = None, outside: list[Row] | None = None
) -> dict[str, Any]:
    """What the transform is given."""
    return {
        "postings": rows.frame(spark, posting.fields, *posted, defaults=POSTED),
        "held": rows.frame(spark, held_payment.fields, *(held or []), defaults=HELD),
        "payments": rows.frame(spark, payment.fields, *(outside or []), defaults={**rows.PAYMENT, **OUTSIDE}),
        "payers": rows.frame(spark, payer_mapping.fields, *PAYERS),
        "as_of": AS_OF,
    }


def by_key(result: DataFrame) -> Mapping[tuple[date, str], tuple[object, ...]]:
    """(month, payer) -> counts and amounts."""
    columns = (
        "payment_count", "reversal_count", "paid_amount", "reversed_amount", "net_paid_amount",
        "provider_level_amount", "unmatched_amount", "_next_change_date",
    )  # fmt: skip
    return {(r["remit_month"], r["payer_code"]): tuple(r[c] for c in columns) for r in result.collect()}


def test_cash_of_every_kind_stands_apart(spark: SparkSession) -> None:
    given = inputs(
        spark,
        [{}, {"paid_amount": "40.00"}, {"paid_amount": "-60.00", "is_reversal": True}, {"paid_amount": None}],
        [{}, {"reason": "duplicate_trace"}, {"is_duplicate": True}, {"payment_kind": "patient"}],
        [{}, {"payment_kind": "payer", "claim_id": "C1"}],
    )
    result = cash_by_payer(**given)
    assert by_key(result) == {
        (date(2026, 2, 1), "AETNA"): (
            3, 1, money("100.00"), money("-60.00"), money("40.00"), money("-3.00"), money("0.00"), None,
        ),
        (date(2026, 2, 1), "CIGNA"): (
            0, 0, money("0.00"), money("0.00"), money("0.00"), money("0.00"), money("7.00"), None,
        ),
    }  # fmt: skip
    assert set(rows.unbalanced(cash_by_payer, given, result).values()) == {0}
    assert not rows.broken(result, cash_by_payer)


def test_what_is_posted_after_the_day_waits_for_its_day(spark: SparkSession) -> None:
    given = inputs(spark, [{}, {"remit_date": "2026-02-11"}, {"remit_date": "2026-02-12"}])
    result = cash_by_payer(**given)
    found = by_key(result)[date(2026, 2, 1), "AETNA"]
    assert (found[0], found[4], found[-1]) == (1, money("60.00"), date(2026, 2, 11))
    assert set(rows.unbalanced(cash_by_payer, given, result).values()) == {0}


def test_months_networks_and_payers_are_apart_and_a_row_sent_twice_shows_in_the_balance(spark: SparkSession) -> None:
    posted: list[Row] = [
        {},
        {"network": "south"},
        {"posting_payer_code": "UHC"},
        {"remit_date": "2026-01-31", "remit_month": "2026-01-01"},
    ]
    result = cash_by_payer(**inputs(spark, posted))
    assert result.count() == 4
    assert set(rows.unbalanced(cash_by_payer, inputs(spark, [*posted, {}]), result).values()) == {0, 60}


def test_nothing_gives_nothing(spark: SparkSession) -> None:
    given = inputs(spark, [])
    result = cash_by_payer(**given)
    assert result.count() == 0
    assert set(rows.unbalanced(cash_by_payer, given, result).values()) == {0}


def test_rules_tell_good_from_bad_and_unknown(spark: SparkSession) -> None:
    good: Row = {
        "remit_month": "2026-02-01", "network": "north", "payer_code": "AETNA", "paid_amount": "5.00",
        "reversed_amount": "-2.00", "net_paid_amount": "3.00",
    }  # fmt: skip
    tried: dict[str, tuple[Row, Row]] = {
        "net_paid_amount_totals_match": ({"net_paid_amount": "3.01"}, {"net_paid_amount": None}),
        "payer_code_accepted_values": ({"payer_code": "Aetna"}, {"payer_code": None}),
        "reversed_not_positive": ({"reversed_amount": "0.01"}, {"reversed_amount": None}),
    }
    assert set(tried) == rows.row_rules(cash_by_payer)
    told = rows.judged(spark, cash_by_payer, good, tried)
    assert told == {rule: [True, False, False] for rule in tried}


def test_a_key_that_stands_twice_is_found(spark: SparkSession) -> None:
    once: Row = {"remit_month": "2026-02-01", "network": "north", "payer_code": "AETNA"}
    rule = "remit_month_network_payer_code_unique"
    for twice, count in ((({**once, "payer_code": "UHC"},), 0), ((once,), 1)):
        assert rows.failing_count(rows.frame(spark, cash_by_payer.fields, once, *twice), cash_by_payer, rule) == count
