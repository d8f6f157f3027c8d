from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.aging import BUCKETS
from lakehouse.gold.ar_aging import ar_aging
from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 5, 20)
OWED: Row = {
    "network": "north", "payer_code": "AETNA", "payer_name": "Aetna", "owing_payer_name": "Aetna",
    "service_from_date": "2026-05-01", "submitted_date": "2026-05-10", "is_void_family": False,
    "is_adjudicated": False, "remainder_amount": "100.00", "denied_amount": "0.00",
    "patient_responsibility_amount": "0.00", "patient_paid_amount": "0.00",
}  # fmt: skip
EXTRACT: Row = {"network": "extract", "ledger": "payer_extract"}


def inputs(spark: SparkSession, *claims: Row, copies: tuple[Row, ...] = ()) -> dict[str, Any]:
    """What the transform is given."""
    numbered = [{"family_id": f"C{n}", **claim} for n, claim in enumerate(claims)]
    payers: list[Row] = [
        {"payer_name_key": name, "line_of_business_key": "-", "payer_code": name} for name in ("AETNA", "CIGNA")
    ]
    return {
        "claims": rows.frame(spark, claim_final.fields, *numbered, defaults=OWED),
        "copies": rows.frame(spark, claim_copy.fields, *copies, defaults={"network": "north", "is_kept": False}),
        "payers": rows.frame(spark, payer_mapping.fields, *payers),
        "networks": rows.networks(spark, {}, EXTRACT),
        "as_of": AS_OF,
    }


def aged(result: DataFrame, basis: str = "service") -> Mapping[tuple[str, str], tuple[Any, ...]]:
    """(payer, bucket) -> claims, open, patient's open, over 90."""
    columns = ("claim_count", "open_amount", "patient_open_amount", "over_90_amount")
    chosen = result.where(result["date_basis"] == basis).collect()
    return {(r["payer_code"], r["bucket"]): tuple(r[c] for c in columns) for r in chosen}


# age in days -> bucket: the edges of the field, upper ones included
AGES = {
    0: "0-30", 30: "0-30", 31: "31-60", 60: "31-60", 61: "61-90", 90: "61-90", 91: "91-120", 120: "91-120",
    121: "120+", 4000: "120+",
}  # fmt: skip


def test_edges_of_the_buckets(spark: SparkSession) -> None:
    claims: list[Row] = [
        {"service_from_date": AS_OF - timedelta(days=age), "submitted_date": None, "remainder_amount": f"{age + 1}.00"}
        for age in AGES
    ]
    given = inputs(spark, *claims)
    result = ar_aging(**given)
    found = aged(result)
    for name in BUCKETS[:5]:
        expected = sum(age + 1 for age, bucket in AGES.items() if bucket == name)
        old = expected if name in ("91-120", "120+") else 0
        assert found["AETNA", name] == (2, expected, 0, old), name
    assert aged(result, "submission") == {("AETNA", "unknown"): (10, sum(AGES) + 10, 0, 0)}
    assert set(rows.unbalanced(ar_aging, given, result).values()) == {0}
    assert not rows.broken(result, ar_aging)
    assert {row["as_of_date"] for row in result.collect()} == {AS_OF}


def test_service_ages_from_discharge_else_the_last_day(spark: SparkSession) -> None:
    stay: Row = {"service_from_date": "2026-01-01", "service_to_date": "2026-04-30", "discharge_date": "2026-05-19"}
    found = aged(ar_aging(**inputs(spark, stay, {**stay, "discharge_date": None}, {"service_from_date": "2026-01-01"})))
    assert {bucket: claims for (_, bucket), (claims, *_) in found.items()} == {"0-30": 2, "120+": 1}


def test_a_service_that_lies_ahead_is_not_aged_and_a_stay_that_goes_on_is_young(spark: SparkSession) -> None:
    ahead: Row = {"service_from_date": "2026-05-21"}
    goes_on: Row = {"service_from_date": "2026-05-20", "service_to_date": "2026-06-01"}
    given = inputs(spark, ahead, goes_on)
    result = ar_aging(**given)
    assert aged(result) == {("AETNA", "0-30"): (1, money("100.00"), money("0.00"), money("0.00"))}
    assert set(rows.unbalanced(ar_aging, given, result).values()) == {0}


def test_credits_stand_apart_and_closed_claims_are_not_open(spark: SparkSession) -> None:
    credit: Row = {"remainder_amount": "-7.00", "service_from_date": "2020-01-01"}
    closed: Row = {"closes_on": "2026-05-20", "is_adjudicated": True}
    tomorrow: Row = {"closes_on": "2026-05-21", "is_adjudicated": True}
    denied: Row = {"remainder_amount": "0.00", "denied_amount": "40.00", "denial_final_on": "2026-05-21"}
    lost: Row = {**denied, "denial_final_on": "2026-05-20"}
    given = inputs(spark, credit, closed, tomorrow, denied, lost)
    result = ar_aging(**given)
    assert aged(result) == {
        ("AETNA", "credit"): (1, money("-7.00"), money("0.00"), money("0.00")),
        ("AETNA", "0-30"): (2, money("140.00"), money("0.00"), money("0.00")),
    }
    assert set(rows.unbalanced(ar_aging, given, result).values()) == {0}


def test_what_patients_owe_stands_beside_and_overpaying_patients_are_not_netted(spark: SparkSession) -> None:
    owes: Row = {"remainder_amount": "0.00", "patient_responsibility_amount": "30.00", "patient_paid_amount": "10.00"}
    over: Row = {"remainder_amount": "0.00", "patient_responsibility_amount": "5.00", "patient_paid_amount": "10.00"}
    assert aged(ar_aging(**inputs(spark, owes, over))) == {
        ("AETNA", "0-30"): (1, money("0.00"), money("20.00"), money("0.00"))
    }


def test_the_payer_that_owes_now(spark: SparkSession) -> None:
    """The claim's own payer keeps the code its line of business gave it; a later one goes by name."""
    own: Row = {"payer_code": "MEDICARE", "owing_payer_name": "AETNA "}
    second: Row = {"owing_payer_name": "Cigna"}
    unmapped: Row = {"owing_payer_name": "Nobody Mutual"}
    nameless: Row = {"payer_name": None, "owing_payer_name": None, "payer_code": "OTHER"}
    found = aged(ar_aging(**inputs(spark, own, second, unmapped, nameless)))
    assert {payer: claims for (payer, _), (claims, *_) in found.items()} == {"MEDICARE": 1, "CIGNA": 1, "OTHER": 2}


def test_what_is_owed_back_on_a_voided_family_is_a_credit(spark: SparkSession) -> None:
    void: Row = {"is_void_family": True, "remainder_amount": "-60.00", "final_status": "void"}
    assert aged(ar_aging(**inputs(spark, void))) == {
        ("AETNA", "credit"): (1, money("-60.00"), money("0.00"), money("0.00"))
    }


def test_no_receivables_of_a_payers_extract_and_of_copies(spark: SparkSession) -> None:
    claims: tuple[Row, ...] = ({"network": "extract"}, {}, {"remainder_amount": "0.00"})
    given = inputs(spark, *claims, copies=({"family_id": "C1", "outcome": "exact"},))
    result = ar_aging(**given)
    assert result.count() == 0
    assert set(rows.unbalanced(ar_aging, given, result).values()) == {0}


def test_a_claim_that_stands_twice_shows_in_the_balance(spark: SparkSession) -> None:
    once = inputs(spark, {})
    twice = {**once, "claims": once["claims"].union(once["claims"])}
    assert set(rows.unbalanced(ar_aging, twice, ar_aging(**once)).values()) == {0, 100}


def test_rules_tell_good_from_bad(spark: SparkSession) -> None:
    good: Row = {
        "bucket": "120+", "date_basis": "service", "payer_code": "AETNA", "open_amount": "5.00",
        "over_90_amount": "5.00",
    }  # fmt: skip
    tried: dict[str, tuple[Row, ...]] = {
        "bucket_accepted_values": ({"bucket": "90+"},),
        "date_basis_accepted_values": ({"date_basis": "billing"},),
        "payer_code_accepted_values": ({"payer_code": None},),
        "only_credits_are_negative": ({"bucket": "credit"}, {"open_amount": "-5.00"}, {"open_amount": None}),
        "over_90_is_of_the_old": ({"bucket": "61-90"},),
    }
    assert set(tried) == rows.row_rules(ar_aging)
    told = rows.judged(spark, ar_aging, good, tried)
    assert told == {rule: [True, *[False] * len(bad)] for rule, bad in tried.items()}
