from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.provider_scorecard import OF_EVIDENCE, RATES, provider_scorecard
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 5, 20)
PAID: Row = {
    "network": "north", "payer_code": "AETNA", "adjudication_month": "2026-02-01", "rendering_provider_id": "P1",
    "attributed_specialty": "cardiology", "service_from_date": "2026-01-05", "submitted_date": "2026-01-10",
    "first_adjudicated_date": "2026-02-01", "first_paid_date": "2026-02-01", "is_adjudicated": True,
    "initial_denial_outcome": "clean", "is_void_family": False, "version_count": 1, "live_claim_count": 1,
    "line_count": 2, "billed_amount": "100.00", "paid_amount": "80.00", "remainder_amount": "0.00",
    "denied_amount": "0.00",
}  # fmt: skip
DENIED: Row = {"initial_denial_outcome": "full", "paid_amount": "0.00", "first_paid_date": None}
SILENT: Row = {"network": "silent", "denial_evidence": "none"}
EXTRACT: Row = {"network": "extract", "ledger": "payer_extract"}


def scorecard(spark: SparkSession, *claims: Row, copies: tuple[Row, ...] = ()) -> DataFrame:
    """Published rows of these claims."""
    numbered = [{"family_id": f"C{n}", **claim} for n, claim in enumerate(claims)]
    return provider_scorecard(
        claims=rows.frame(spark, claim_final.fields, *numbered, defaults=PAID),
        copies=rows.frame(spark, claim_copy.fields, *copies, defaults={"network": "north", "is_kept": False}),
        networks=rows.networks(spark, {}, SILENT, EXTRACT),
        as_of=AS_OF,
    )


def by_provider(result: DataFrame) -> Mapping[str, Mapping[str, Any]]:
    return {row["rendering_provider_id"]: row.asDict() for row in result.collect()}


def test_counts_amounts_and_rates_of_one_provider(spark: SparkSession) -> None:
    replaced: Row = {"version_count": 2, "first_paid_date": "2026-01-30"}
    unknown: Row = {"initial_denial_outcome": None}
    result = scorecard(spark, {}, {"first_paid_date": "2026-01-14"}, replaced, DENIED, unknown)
    found = by_provider(result)["P1"]
    columns = (
        "claim_count", "line_count", "claims_with_outcome", "claims_initially_denied", "first_pass_count",
        "paid_claim_count",
    )  # fmt: skip
    assert [found[c] for c in columns] == [5, 10, 4, 1, 2, 4]
    assert (found["billed_amount"], found["paid_amount"]) == (money("500.00"), money("320.00"))
    assert (found["initial_denial_rate"], found["first_pass_rate"]) == (Decimal("0.25"), Decimal("0.5"))
    assert found["median_days_to_pay"] == Decimal("21")  # of 4, 20, 22 and 22
    assert (found["expected_denial_rate"], found["peer_percentile"]) == (None, None)
    assert (found["peer_group"], found["is_below_minimum_n"]) == ("cardiology", True)
    assert not rows.broken(result, provider_scorecard)


def test_peers_are_of_the_same_specialty_month_and_network_and_leave_oneself_out(spark: SparkSession) -> None:
    p2: Row = {"rendering_provider_id": "P2"}
    p3: Row = {"rendering_provider_id": "P3"}
    others: tuple[Row, ...] = (
        {**DENIED, "rendering_provider_id": "P4", "attributed_specialty": "oncology"},
        {**DENIED, "rendering_provider_id": "P5", "adjudication_month": "2026-01-01"},
        {**DENIED, "rendering_provider_id": "P6", "network": "extract"},
    )
    found = by_provider(
        scorecard(
            spark,
            {}, {}, {"payer_code": "UHC"},  # two with Aetna, one with UHC
            {**DENIED, **p2}, p2, {**p2, "payer_code": "CIGNA"},  # one of two denied by Aetna; Cigna has no peers
            {**DENIED, **p3, "payer_code": "UHC"}, {**p3, "payer_code": "UHC"}, p3,
            *others,
        )
    )  # fmt: skip
    rates = {name: (row["initial_denial_rate"], row["expected_denial_rate"]) for name, row in found.items()}
    third = Decimal("0.333333")
    assert rates == {
        # Aetna: one of three of P2 and P3 denied, twice; UHC: one of two of P3 denied, once.
        "P1": (Decimal(0), Decimal("0.388889")),
        "P2": (third, Decimal(0)),
        # UHC: none of one of P1 denied, twice; Aetna: one of four of P1 and P2, once.
        "P3": (third, Decimal("0.083333")),
        "P4": (Decimal(1), None), "P5": (Decimal(1), None), "P6": (Decimal(1), None),
    }  # fmt: skip
    assert {name: row["peer_percentile"] for name, row in found.items()} == {
        "P1": 0, "P2": Decimal("0.5"), "P3": Decimal("0.5"), "P4": None, "P5": None, "P6": None,
    }  # fmt: skip


def test_a_claim_that_was_paid_after_many_years_fits_its_column(spark: SparkSession) -> None:
    found = by_provider(scorecard(spark, {"submitted_date": "2020-01-10"}))
    assert found["P1"]["median_days_to_pay"] == Decimal(2214)


def test_what_is_expected_is_rounded_once(spark: SparkSession) -> None:
    """One of six Aetna claims denied, none of one of UHC: (1/6 + 0) / 2 is 0.0833333..., and 0.166667 / 2 is not."""
    uhc: Row = {"payer_code": "UHC"}
    of_peer = [{**row, "rendering_provider_id": "P2"} for row in (DENIED, *[{}] * 5, uhc)]
    found = by_provider(scorecard(spark, {}, uhc, *of_peer))
    assert found["P1"]["expected_denial_rate"] == Decimal("0.083333")


def test_the_specialty_of_most_claims_is_the_peer_group_the_first_by_name_of_several(spark: SparkSession) -> None:
    surgery: Row = {"attributed_specialty": "surgery"}
    assert by_provider(scorecard(spark, {}, surgery, surgery))["P1"]["peer_group"] == "surgery"
    assert by_provider(scorecard(spark, {}, surgery))["P1"]["peer_group"] == "cardiology"
    assert by_provider(scorecard(spark, {"attributed_specialty": None}))["P1"]["peer_group"] == "UNKNOWN"


def test_what_is_owed_is_old_on_its_ninety_first_day(spark: SparkSession) -> None:
    owed: Row = {"remainder_amount": "10.00"}
    on_91: Row = {**owed, "service_from_date": "2026-02-18"}
    on_90: Row = {**owed, "service_from_date": "2026-02-19"}
    closing: Row = {**owed, "service_from_date": "2026-05-01", "closes_on": "2026-06-01"}
    closed: Row = {**owed, "closes_on": "2026-05-20"}
    found = by_provider(scorecard(spark, on_91, on_90, closing, closed))["P1"]
    assert (found["over_90_amount"], found["_next_change_date"]) == (money("10.00"), date(2026, 5, 21))
    later = by_provider(scorecard(spark, closing))["P1"]
    assert later["_next_change_date"] == date(2026, 6, 1)
    assert by_provider(scorecard(spark, {**on_91, "network": "extract"}))["P1"]["over_90_amount"] == 0


def test_a_claim_without_a_rendering_provider_is_in_a_bucket_of_its_own(spark: SparkSession) -> None:
    found = by_provider(scorecard(spark, {}, {"rendering_provider_id": None}))
    assert {name: row["claim_count"] for name, row in found.items()} == {"P1": 1, "UNKNOWN": 1}


def test_enough_claims_are_enough(spark: SparkSession) -> None:
    found = by_provider(scorecard(spark, *[{}] * 11, *[{"rendering_provider_id": "P2"}] * 10))
    assert {name: row["is_below_minimum_n"] for name, row in found.items()} == {"P1": False, "P2": True}


def test_without_evidence_denials_are_null_and_payments_are_not(spark: SparkSession) -> None:
    found = by_provider(scorecard(spark, {"network": "silent", "initial_denial_outcome": None}))["P1"]
    assert {found[name] for name in OF_EVIDENCE} == {None}
    assert (found["claim_count"], found["paid_amount"], found["paid_claim_count"]) == (1, money("80.00"), 1)


def test_voids_copies_and_later_decisions_are_left_out(spark: SparkSession) -> None:
    later: Row = {"first_adjudicated_date": "2026-05-21"}
    copies: tuple[Row, ...] = ({"family_id": "C2", "outcome": "exact"},)
    found = by_provider(scorecard(spark, {}, {"is_void_family": True}, {}, later, copies=copies))
    assert (found["P1"]["claim_count"], found["P1"]["billed_amount"]) == (1, money("100.00"))
    assert found["P1"]["_next_change_date"] == date(2026, 5, 21)


def test_rules_tell_good_from_bad(spark: SparkSession) -> None:
    good: Row = dict.fromkeys(RATES, "0.000000")
    rules = {f"{name}_between": ({name: "1.000001"}, {name: None}) for name in RATES}
    assert set(rules) == rows.row_rules(provider_scorecard)
    told = rows.judged(spark, provider_scorecard, good, rules)
    assert told == {rule: [True, False, True] for rule in rules}
