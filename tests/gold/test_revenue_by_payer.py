from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.gold.revenue_by_payer import CONSERVED, revenue_by_payer
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from silver import rows
from silver.rows import Row, money

AS_OF = date(2026, 3, 1)
SETTLED: Row = {
    "network": "north",
    "family_id": "C1",
    "payer_code": "AETNA",
    "service_month": "2026-01-01",
    "is_adjudicated": True,
    "line_count": 1,
    "billed_amount": "100.00",
    "allowed_amount": "80.00",
    "paid_amount": "60.00",
    "patient_responsibility_amount": "20.00",
    "patient_paid_amount": "5.00",
    "contractual_amount": "20.00",
    "denied_amount": "0.00",
    "other_adjustment_amount": "0.00",
    "encounter_amount": "0.00",
    "remainder_amount": "0.00",
    "elig_status": "unknown_member",
    "is_void_family": False,
}
REVENUE: Row = {
    "service_month": "2026-01-01",
    "network": "north",
    "payer_code": "AETNA",
    "claim_count": 1,
    "line_count": 1,
    "billed_amount": "100.00",
    "allowed_amount": "80.00",
    "claims_without_allowed": 0,
    "paid_amount": "60.00",
    "patient_responsibility_amount": "20.00",
    "patient_paid_amount": "5.00",
    "contractual_amount": "20.00",
    "denied_amount": "0.00",
    "other_adjustment_amount": "0.00",
    "encounter_amount": "0.00",
    "outstanding_amount": "0.00",
    "outstanding_unadjudicated_amount": "0.00",
    "outstanding_in_denial_amount": "0.00",
    "outstanding_unexplained_amount": "0.00",
    "residual_amount": "0.00",
    "credit_amount": "0.00",
}


def left(amount: str, **changes: object) -> Row:
    """A claim of 100.00 without allowed, patient's part or contractual amount, of which `amount` is left."""
    paid = str(100 - money(amount)) if money(amount) is not None else None
    bare = {"allowed_amount": None, "contractual_amount": "0.00", "patient_responsibility_amount": "0.00"}
    return {**bare, "remainder_amount": amount, "paid_amount": paid, **changes}


def claims(spark: SparkSession, *changes: Row) -> DataFrame:
    """Settled claims, one per argument."""
    made = [{"family_id": f"C{number}", **change} for number, change in enumerate(changes, start=1)]
    return rows.frame(spark, claim_final.fields, *made, defaults=SETTLED)


def revenue(spark: SparkSession, *expected: Row) -> DataFrame:
    """Published rows, one per argument."""
    return rows.frame(spark, revenue_by_payer.fields, *expected, defaults=REVENUE)


def revenue_of(settled: DataFrame, *copies: Row, as_of: date) -> DataFrame:
    """Revenue of settled claims, of which these stand in other networks too."""
    return revenue_by_payer(claims=settled, copies=told_copies(settled.sparkSession, *copies), as_of=as_of)


def told_copies(spark: SparkSession, *copies: Row) -> DataFrame:
    """Rows of silver.claim_copy."""
    return rows.frame(spark, claim_copy.fields, *copies, defaults={"network": "north"})


def test_an_ordinary_claim_is_one_row(spark: SparkSession) -> None:
    result = revenue_of(claims(spark, {}), as_of=AS_OF)
    rows.assert_same_rows(result, revenue(spark, {}))


def test_months_networks_and_payers_are_apart(spark: SparkSession) -> None:
    other: tuple[Row, ...] = ({"service_month": "2026-02-01"}, {"network": "south"}, {"payer_code": "OTHER"})
    result = revenue_of(claims(spark, {}, {}, *other), as_of=AS_OF)
    twice = {c: str(2 * money(str(REVENUE[c]))) for c in CONSERVED if c.endswith("_amount")}
    both = {**twice, "claim_count": 2, "line_count": 2}
    rows.assert_same_rows(result, revenue(spark, both, *other), ignore_row_order=True)


CLOSED_BY = {
    "the day it closes it is residual": (AS_OF, "residual_amount", None),
    "long closed it is residual": (date(2020, 1, 1), "residual_amount", None),
    "closing tomorrow it is outstanding today": (
        AS_OF + timedelta(days=1),
        "outstanding_amount",
        AS_OF + timedelta(days=1),
    ),
    "never closing it is outstanding": (None, "outstanding_amount", None),
}


@pytest.mark.parametrize("name", CLOSED_BY)
def test_what_is_left_goes_by_the_closing_date(spark: SparkSession, name: str) -> None:
    closes_on, column, next_change = CLOSED_BY[name]
    found = rows.only_row(revenue_of(claims(spark, left("15.00", closes_on=closes_on)), as_of=AS_OF))
    amounts = {c: found[c] for c in ("outstanding_amount", "residual_amount", "credit_amount")}
    assert amounts == {c: money("15.00" if c == column else "0.00") for c in amounts}
    assert found["_next_change_date"] == next_change


def test_outstanding_is_split_by_whether_an_answer_stands(spark: SparkSession) -> None:
    open_claims = (
        left("15.00", is_adjudicated=True),
        left("7.00", is_adjudicated=False),
        left("1.00", is_adjudicated=None),
    )
    found = rows.only_row(revenue_of(claims(spark, *open_claims), as_of=AS_OF))
    assert found["outstanding_amount"] == money("23.00")
    assert found["outstanding_unexplained_amount"] == money("15.00")
    assert found["outstanding_unadjudicated_amount"] == money("8.00")
    assert found["outstanding_in_denial_amount"] == money("0.00")


def test_a_denial_is_a_loss_once_it_is_final_and_outstanding_before(spark: SparkSession) -> None:
    tomorrow = AS_OF + timedelta(days=1)
    denied = {"denied_amount": "15.00", "paid_amount": "45.00"}
    cases = ({"denial_final_on": AS_OF}, {"denial_final_on": tomorrow}, {"denial_final_on": None})
    made = [{**denied, **case, "payer_code": code} for case, code in zip(cases, ("AETNA", "CIGNA", "UHC"), strict=True)]
    result = revenue_of(claims(spark, *made), as_of=AS_OF)
    columns = ("denied_amount", "outstanding_in_denial_amount", "outstanding_amount", "_next_change_date")
    found = {row["payer_code"]: tuple(row[c] for c in columns) for row in result.collect()}
    zero, all_of_it = money("0.00"), money("15.00")
    assert found == {
        "AETNA": (all_of_it, zero, zero, None),
        "CIGNA": (zero, all_of_it, all_of_it, tomorrow),
        "UHC": (zero, all_of_it, all_of_it, None),
    }
    assert rows.holds(result, revenue_by_payer, "billed_amount_totals_match") == [True, True, True]


def test_a_void_family_is_no_claim_and_its_payment_a_credit(spark: SparkSession) -> None:
    void = {
        "is_void_family": True, "billed_amount": "0.00", "allowed_amount": None, "contractual_amount": "0.00",
        "patient_responsibility_amount": "0.00", "remainder_amount": "-60.00", "line_count": 0,
    }  # fmt: skip
    found = rows.only_row(revenue_of(claims(spark, {}, void), as_of=AS_OF))
    assert (found["claim_count"], found["claims_without_allowed"], found["line_count"]) == (1, 0, 1)
    assert (found["paid_amount"], found["credit_amount"]) == (money("120.00"), money("-60.00"))


def test_a_credit_is_negative_and_never_netted(spark: SparkSession) -> None:
    tomorrow = AS_OF + timedelta(days=1)
    result = revenue_of(claims(spark, left("-20.00", closes_on=tomorrow), left("20.00", closes_on=AS_OF)), as_of=AS_OF)
    found = rows.only_row(result)
    assert (found["credit_amount"], found["residual_amount"]) == (money("-20.00"), money("20.00"))
    assert found["outstanding_amount"] == money("0.00")
    assert found["_next_change_date"] is None
    assert rows.holds(result, revenue_by_payer, "billed_amount_totals_match") == [True]


def test_next_change_is_the_earliest_closing_of_a_claim_with_something_left(spark: SparkSession) -> None:
    coming = [
        left("5.00", closes_on=date(2026, 4, 1)),
        left("5.00", closes_on=date(2026, 3, 15)),
        left("0.00", closes_on=date(2026, 3, 2)),
        left("5.00", closes_on=date(2026, 2, 1)),
    ]
    found = rows.only_row(revenue_of(claims(spark, *coming), as_of=AS_OF))
    assert found["_next_change_date"] == date(2026, 3, 15)


def test_allowed_that_nobody_states_is_null_and_counted(spark: SparkSession) -> None:
    some = rows.only_row(revenue_of(claims(spark, {}, left("0.00")), as_of=AS_OF))
    none = rows.only_row(revenue_of(claims(spark, left("0.00")), as_of=AS_OF))
    assert (some["allowed_amount"], some["claims_without_allowed"]) == (money("80.00"), 1)
    assert (none["allowed_amount"], none["claims_without_allowed"]) == (None, 1)


def test_coverage_is_null_until_it_is_known_of_some_claim(spark: SparkSession) -> None:
    unknown = rows.only_row(revenue_of(claims(spark, {}, {"elig_status": None}), as_of=AS_OF))
    statuses = ({}, {"elig_status": "covered"}, {"elig_status": "gap"}, {"elig_status": "lost_retroactively"})
    void = {"elig_status": "gap", "is_void_family": True, "billed_amount": "0.00", "contractual_amount": "0.00"}
    known = rows.only_row(revenue_of(claims(spark, *statuses, void), as_of=AS_OF))
    inside = rows.only_row(revenue_of(claims(spark, {"elig_status": "covered"}), as_of=AS_OF))
    columns = ("claims_outside_coverage", "paid_outside_coverage_amount")
    assert [unknown[c] for c in columns] == [None, None]
    assert [known[c] for c in columns] == [2, money("120.00")]
    assert [inside[c] for c in columns] == [0, money("0.00")]


def test_nothing_gives_nothing_and_the_balance_closes_at_zero(spark: SparkSession) -> None:
    empty, no_copies = claims(spark), told_copies(spark)
    result = revenue_of(empty, as_of=AS_OF)
    assert result.count() == 0
    assert revenue_by_payer.balance is not None
    stated = revenue_by_payer.balance({"claims": empty, "copies": no_copies}, result).collect()
    assert {row["amount"] for row in stated} == {money("0.00")}


def test_balance_closes_over_mixed_claims_and_opens_when_one_is_doubled(spark: SparkSession) -> None:
    void = {"is_void_family": True, "billed_amount": "0.00", "paid_amount": "0.00", "contractual_amount": "0.00"}
    given = claims(
        spark, {}, left("15.00"), left("-3.00"), {"payer_code": "UHC", "allowed_amount": None}, void,
        left("7.00", denied_amount="1.00"), void,
    )  # fmt: skip
    copies = told_copies(spark, *[{"family_id": c, "outcome": "exact", "is_kept": False} for c in ("C6", "C7")])
    result = revenue_by_payer(claims=given, copies=copies, as_of=AS_OF)
    for frame, closes in ((given, True), (given.union(given), False)):
        sums = rows.unbalanced(revenue_by_payer, {"claims": frame, "copies": copies}, result)
        assert set(sums) == {*CONSERVED, "claims", "denied", "remainder"}
        assert (set(sums.values()) == {0}) is closes


def test_what_several_networks_sent_counts_once_if_its_identity_is_proved(spark: SparkSession) -> None:
    """Five claims of 60.00 paid: E in three networks alike, X in two with other money, L looks alike, A alone twice."""
    sent: tuple[Row, ...] = (
        {"family_id": "E1", "network": "north"},
        {"family_id": "E2", "network": "south"},
        {"family_id": "E3", "network": "west"},
        {"family_id": "X1", "network": "north", "last_adjudicated_date": "2026-02-01"},
        {"family_id": "X2", "network": "south", "last_adjudicated_date": "2026-02-02", "paid_amount": "50.00"},
        {"family_id": "L1", "network": "north", "member_token": "t"},
        {"family_id": "L2", "network": "south", "member_token": "t"},
        {"family_id": "A1", "network": "north"},
        {"family_id": "A1", "network": "south"},
    )
    numbered = [
        {
            "service_from_date": "2026-01-10",
            "final_status": "paid",
            "billing_npi": "1",
            **({"payer_control_number": str(row["family_id"])[0]} if str(row["family_id"])[0] in "EX" else {}),
            **row,
        }
        for row in sent
    ]
    settled = claims(spark, *numbered)
    ranks = rows.networks(spark, {"network": "north"}, {"network": "south"}, {"network": "west", "source_rank": 1})
    copies = claim_copy(families=settled, networks=ranks).localCheckpoint()
    told = {r["family_id"]: (r["outcome"], r["is_kept"], r["senders"]) for r in copies.collect()}
    two, three = ["north", "south"], ["north", "south", "west"]
    assert told == {
        "E1": ("exact", False, three), "E2": ("exact", False, three), "E3": ("exact", True, three),
        "X1": ("conflict", False, two), "X2": ("conflict", True, two),
        "L1": ("possible", True, two), "L2": ("possible", True, two),
    }  # fmt: skip
    result = revenue_by_payer(claims=settled, copies=copies, as_of=AS_OF)
    found = {r["network"]: (r["claim_count"], r["paid_amount"]) for r in result.collect()}
    assert found == {"north": (2, money("120.00")), "south": (3, money("170.00")), "west": (1, money("60.00"))}
    assert set(rows.unbalanced(revenue_by_payer, {"claims": settled, "copies": copies}, result).values()) == {0}


def test_rules_tell_good_from_bad_and_unknown(spark: SparkSession) -> None:
    tried: dict[str, tuple[Row, Row]] = {
        "billed_amount_totals_match": ({"billed_amount": "100.01"}, {"billed_amount": None}),
        "outstanding_amount_totals_match": ({"outstanding_amount": "0.01"}, {"outstanding_amount": None}),
        "payer_code_accepted_values": ({"payer_code": "Aetna"}, {"payer_code": None}),
        "credit_not_positive": ({"credit_amount": "0.01"}, {"credit_amount": None}),
        "owed_not_negative": ({"residual_amount": "-0.01"}, {"outstanding_amount": None}),
    }
    assert set(tried) == rows.row_rules(revenue_by_payer)
    told = rows.judged(spark, revenue_by_payer, REVENUE, tried)
    assert told == {rule: [True, False, False] for rule in tried}


def test_a_key_that_stands_twice_is_found(spark: SparkSession) -> None:
    rule = "service_month_network_payer_code_unique"
    assert rows.failing_count(revenue(spark, {}, {"payer_code": None}), revenue_by_payer, rule) == 0
    assert rows.failing_count(revenue(spark, {}, {}), revenue_by_payer, rule) == 1
