from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.denial_summary import OF_EVIDENCE, RATES, denial_summary
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 5, 20)
CLEAN: Row = {
    "network": "north", "payer_code": "AETNA", "submission_month": "2026-01-01", "submitted_date": "2026-01-10",
    "first_adjudicated_date": "2026-01-20", "is_adjudicated": True, "is_void_family": False,
    "initial_denial_outcome": "clean", "final_denial_outcome": "clean", "billed_amount": "100.00",
    "paid_amount": "80.00",
}  # fmt: skip
DENIED: Row = {
    "initial_denial_outcome": "full", "final_denial_outcome": "full", "initially_denied_amount": "90.00",
    "initially_paid_amount": "0.00", "paid_amount": "0.00", "denial_final_on": "2026-05-20",
}  # fmt: skip
OVERTURNED: Row = {**DENIED, "final_denial_outcome": "clean", "denial_final_on": None, "paid_amount": "80.00"}
UNDECIDED: Row = {
    "first_adjudicated_date": None, "is_adjudicated": False, "initial_denial_outcome": None,
    "final_denial_outcome": None, "paid_amount": "0.00",
}  # fmt: skip
SILENT: Row = {"network": "silent", "denial_evidence": "none"}


def summary(spark: SparkSession, *claims: Row, copies: tuple[Row, ...] = ()) -> DataFrame:
    """Published rows of these claims."""
    numbered = [{"family_id": f"C{n}", **claim} for n, claim in enumerate(claims)]
    return denial_summary(
        claims=rows.frame(spark, claim_final.fields, *numbered, defaults=CLEAN),
        copies=rows.frame(spark, claim_copy.fields, *copies, defaults={"network": "north", "is_kept": False}),
        networks=rows.networks(spark, {}, SILENT),
        as_of=AS_OF,
    )


def test_every_variant_of_the_rate_on_the_same_claims(spark: SparkSession) -> None:
    partial: Row = {
        **DENIED, "initial_denial_outcome": "partial", "final_denial_outcome": "partial",
        "initially_denied_amount": "10.00", "paid_amount": "70.00", "initially_paid_amount": "70.00",
    }  # fmt: skip
    appealed: Row = {**OVERTURNED, "appeal_date": "2026-02-01"}
    result = summary(spark, CLEAN, DENIED, partial, appealed, UNDECIDED)
    found = rows.only_row(result)
    assert {name: found[name] for name in found if name.startswith("claims_")} == {
        "claims_submitted": 5, "claims_adjudicated": 4, "claims_initially_denied": 3, "claims_finally_denied": 1,
        "claims_overturned": 1, "claims_appealed": 1,
    }  # fmt: skip
    assert {name: found[name] for name in found if name.endswith("_amount")} == {
        "billed_amount": money("500.00"), "initially_denied_amount": money("190.00"),
        "initially_denied_charge_amount": money("300.00"), "recovered_amount": money("80.00"),
    }  # fmt: skip
    assert {name: found[name] for name in RATES} == {
        "initial_denial_rate_submitted": Decimal("0.600000"),
        "initial_denial_rate_adjudicated": Decimal("0.750000"),
        "initial_denial_rate_dollars": Decimal("0.600000"),
        "final_denial_rate_adjudicated": Decimal("0.250000"),
    }
    assert not rows.broken(result, denial_summary)


def test_a_denial_becomes_final_on_its_day(spark: SparkSession) -> None:
    found = rows.only_row(
        summary(spark, {**DENIED, "denial_final_on": "2026-05-21"}, {**DENIED, "denial_final_on": None})
    )
    assert (found["claims_initially_denied"], found["claims_finally_denied"]) == (2, 0)
    assert found["_next_change_date"] == date(2026, 5, 21)


def test_no_more_is_recovered_than_was_denied_and_nothing_that_was_paid_at_once(spark: SparkSession) -> None:
    cases: tuple[tuple[str, str, str], ...] = (
        ("95.00", "0.00", "90.00"),
        ("30.00", "30.00", "0.00"),
        ("5.00", "9.00", "0.00"),
    )
    for paid, at_once, recovered in cases:
        claim: Row = {**OVERTURNED, "paid_amount": paid, "initially_paid_amount": at_once}
        assert rows.only_row(summary(spark, claim))["recovered_amount"] == money(recovered)


def test_voided_copied_and_later_claims_are_left_out(spark: SparkSession) -> None:
    later: Row = {"submitted_date": "2026-05-21"}
    copies: tuple[Row, ...] = ({"family_id": "C2", "outcome": "exact"}, {"family_id": "C3", "outcome": "possible"})
    found = rows.only_row(summary(spark, CLEAN, {"is_void_family": True}, {}, {}, later, copies=copies))
    assert (found["claims_submitted"], found["billed_amount"]) == (2, money("200.00"))
    assert found["_next_change_date"] == date(2026, 5, 21)


def test_received_claims_without_a_submission_count_from_their_month(spark: SparkSession) -> None:
    assert rows.only_row(summary(spark, {"submitted_date": None}))["claims_submitted"] == 1


def test_without_evidence_denials_are_null_and_not_zero(spark: SparkSession) -> None:
    unknown: Row = {"network": "silent", "initial_denial_outcome": None, "final_denial_outcome": None}
    found = rows.only_row(summary(spark, unknown))
    assert (found["claims_submitted"], found["claims_adjudicated"]) == (1, 1)
    assert {found[name] for name in (*OF_EVIDENCE, *RATES)} == {None}


def test_a_denominator_of_nothing_gives_null(spark: SparkSession) -> None:
    found = rows.only_row(summary(spark, {**UNDECIDED, "billed_amount": "0.00"}))
    assert found["initial_denial_rate_submitted"] == 0
    assert found["initial_denial_rate_adjudicated"] is None
    assert found["initial_denial_rate_dollars"] is None


def test_rules_tell_good_from_bad(spark: SparkSession) -> None:
    good: Row = {
        "payer_code": "AETNA", "claims_submitted": 2, "claims_adjudicated": 2, "claims_initially_denied": 1,
        "claims_overturned": 1, "claims_appealed": 1, **dict.fromkeys(RATES, "0.500000"),
    }  # fmt: skip
    tried: dict[str, tuple[Row, ...]] = {
        "payer_code_accepted_values": ({"payer_code": None},),
        "denials_within_adjudicated": (
            {"claims_adjudicated": 3}, {"claims_overturned": 2}, {"claims_appealed": 2}, {"claims_initially_denied": 3},
        ),
        **{f"{name}_between": ({name: "-0.000001"},) for name in RATES},
    }  # fmt: skip
    assert set(tried) == rows.row_rules(denial_summary)
    told = rows.judged(spark, denial_summary, good, tried)
    assert told == {rule: [True, *[False] * len(bad)] for rule, bad in tried.items()}
