from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from lakehouse.gold.denial_rate_by_procedure import OF_EVIDENCE, RATES, denial_rate_by_procedure
from lakehouse.silver.line_outcome import line_outcome
from silver import rows
from silver.rows import Row, money

pytestmark = pytest.mark.spark

AS_OF = date(2026, 5, 20)
LINE: Row = {
    "network": "north", "claim_id": "C1", "line_id": "1", "family_id": "C1", "payer_code": "AETNA",
    "adjudication_month": "2026-01-01", "first_adjudicated_date": "2026-01-20",
    "procedure_code_system": "cpt", "procedure_code": "99213",
    "billed_amount": "100.00", "is_initial": True, "initial_outcome": "clean", "is_final": True,
    "final_outcome": "clean", "closes_on": "2026-05-20",
}  # fmt: skip
FULL: Row = {
    "initial_outcome": "full", "initially_denied_amount": "90.00", "final_outcome": "full",
    "final_denied_amount": "90.00", "denial_final_on": "2026-05-20",
}  # fmt: skip
PARTIAL: Row = {**FULL, "initial_outcome": "partial", "final_outcome": "partial", "initially_denied_amount": "30.00",
                "final_denied_amount": "30.00"}  # fmt: skip
UNKNOWN: Row = {"initial_outcome": None, "final_outcome": None}
SILENT: Row = {"network": "silent", "denial_evidence": "none"}


def inputs(spark: SparkSession, *lines: Row) -> dict[str, Any]:
    """What the transform is given."""
    return {
        "lines": rows.frame(spark, line_outcome.fields, *lines, defaults=LINE),
        "networks": rows.networks(spark, {}, SILENT),
        "as_of": AS_OF,
    }


def test_variants_of_the_rate_stand_side_by_side(spark: SparkSession) -> None:
    given = inputs(spark, {}, {}, FULL, PARTIAL, UNKNOWN)
    result = denial_rate_by_procedure(**given)
    found = rows.only_row(result)
    counts = {name: found[name] for name in found if name.startswith("lines_")}
    assert counts == {
        "lines_adjudicated": 5, "lines_initially_denied_full": 1, "lines_initially_denied_partial": 1,
        "lines_outcome_unknown": 1, "lines_adjudicated_final": 4, "lines_finally_denied": 1,
    }  # fmt: skip
    amounts = {name: found[name] for name in found if name.endswith("_amount")}
    assert amounts == {
        "adjudicated_charge_amount": money("500.00"), "initially_denied_amount": money("120.00"),
        "finally_denied_amount": money("120.00"), "initially_denied_charge_amount": money("200.00"),
        "outcome_unknown_charge_amount": money("100.00"),
    }  # fmt: skip
    rates = {name: found[name] for name in RATES}
    assert rates == {
        "initial_line_denial_rate": Decimal("0.500000"),
        "final_line_denial_rate": Decimal("0.250000"),
        "initial_dollar_denial_rate": Decimal("0.300000"),
    }
    assert not rows.broken(result, denial_rate_by_procedure)


def test_a_denial_is_final_on_its_day_and_not_before(spark: SparkSession) -> None:
    tomorrow: Row = {**FULL, "denial_final_on": "2026-05-21", "closes_on": "2026-05-21"}
    never: Row = {**FULL, "denial_final_on": None, "closes_on": None}
    found = rows.only_row(denial_rate_by_procedure(**inputs(spark, FULL, tomorrow, never)))
    assert (found["lines_adjudicated_final"], found["lines_finally_denied"]) == (1, 1)
    assert (found["finally_denied_amount"], found["initially_denied_amount"]) == (money("90.00"), money("270.00"))
    assert found["_next_change_date"] == date(2026, 5, 21)


def test_the_first_and_the_last_version_count_for_what_they_are(spark: SparkSession) -> None:
    first: Row = {**FULL, "is_final": False, "final_outcome": None, "final_denied_amount": None}
    last: Row = {"is_initial": False, "initial_outcome": None, "line_id": "2"}
    found = rows.only_row(denial_rate_by_procedure(**inputs(spark, first, last)))
    assert (found["lines_adjudicated"], found["lines_adjudicated_final"]) == (1, 1)
    assert (found["initial_line_denial_rate"], found["final_line_denial_rate"]) == (Decimal(1), Decimal(0))


def test_where_no_line_was_denied_the_amounts_are_zero_and_not_null(spark: SparkSession) -> None:
    found = rows.only_row(denial_rate_by_procedure(**inputs(spark, {}, {})))
    amounts = ("initially_denied_amount", "finally_denied_amount", "initially_denied_charge_amount")
    assert {name: found[name] for name in (*amounts, *RATES)} == dict.fromkeys((*amounts, *RATES), Decimal(0))


def test_a_denominator_of_nothing_gives_null(spark: SparkSession) -> None:
    found = rows.only_row(denial_rate_by_procedure(**inputs(spark, {**UNKNOWN, "closes_on": None})))
    assert {found[name] for name in RATES} == {None}
    assert (found["lines_adjudicated"], found["adjudicated_charge_amount"]) == (1, money("100.00"))


def test_without_evidence_denials_are_null_and_not_zero(spark: SparkSession) -> None:
    found = rows.only_row(denial_rate_by_procedure(**inputs(spark, {**UNKNOWN, "network": "silent"})))
    assert found["lines_adjudicated"] == 1
    assert {found[name] for name in (*OF_EVIDENCE, *RATES)} == {None}


def test_lines_without_a_code_and_decisions_ahead(spark: SparkSession) -> None:
    bare: Row = {"procedure_code": None, "procedure_code_system": None}
    ahead: Row = {"first_adjudicated_date": "2026-05-21"}
    found = denial_rate_by_procedure(**inputs(spark, {}, bare, ahead)).collect()
    told = {(r["procedure_code_system"], r["procedure_code"]): r for r in found}
    assert {key: row["lines_adjudicated"] for key, row in told.items()} == {("NONE", "NONE"): 1, ("cpt", "99213"): 1}
    assert told["cpt", "99213"]["_next_change_date"] == date(2026, 5, 21)


def test_every_line_and_its_charge_reappear_once(spark: SparkSession) -> None:
    given = inputs(spark, {}, FULL, {"procedure_code": "99214"}, {"is_initial": False, "initial_outcome": None})
    result = denial_rate_by_procedure(**given)
    for frame, differences in ((given["lines"], {0}), (given["lines"].union(given["lines"]), {3, 300})):
        sums = rows.unbalanced(denial_rate_by_procedure, {**given, "lines": frame}, result)
        assert set(sums.values()) == differences


def test_rules_tell_good_from_bad_and_let_no_rate_pass(spark: SparkSession) -> None:
    good: Row = {"payer_code": "AETNA", **dict.fromkeys(RATES, "1.000000")}
    rules = {f"{name}_between": ({name: "1.000001"}, {name: None}) for name in RATES}
    assert {*rules, "payer_code_accepted_values"} == rows.row_rules(denial_rate_by_procedure)
    told = rows.judged(spark, denial_rate_by_procedure, good, rules)
    assert told == {rule: [True, False, True] for rule in rules}
