"""How lines were decided, on hand-made families, all of them in one Spark job."""

from collections.abc import Mapping
from datetime import date

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.line_outcome import line_outcome
from silver import family, rows
from silver.family import BY_LINE, FIRST, REPLACED, TWO, VOIDED, Case, of_claim, of_line, own
from silver.rows import Row, money

SILENT: Row = {"network": "silent", "denial_evidence": "none"}
CO29, CO45, CO18 = ("CO", "29", "100.00"), ("CO", "45", "20.00"), ("CO", "18", "100.00")


# line -> outcome and denied amount, of the first decision and of the last; "-": that decision is not of its version
Outcomes = Mapping[str, tuple[str | None, str | None, str | None, str | None]]
NONE = ("-", None)
CASES: Mapping[str, tuple[Case, Outcomes]] = {
    "a paid claim is clean": (
        Case(lines=TWO, payments=(of_claim("80.00", CO45),)),
        {"0": ("clean", None, "clean", None), "1": ("clean", None, "clean", None)},
    ),
    "a claim denied in full gives every line its share by charge": (
        Case(
            lines=({"billed_amount": "33.33"}, {"billed_amount": "33.33"}, {"billed_amount": "33.34"}),
            payments=(of_claim("0.00", ("CO", "29", "50.00"), ("CO", "45", "50.00")),),
        ),
        {
            "0": ("full", "16.67", "full", "16.67"),
            "1": ("full", "16.66", "full", "16.66"),
            "2": ("full", "16.67", "full", "16.67"),
        },
    ),
    "under a claim denied in part nothing is known of a line": (
        Case(lines=TWO, payments=(of_claim("60.00", ("CO", "29", "40.00")),)),
        {"0": (None, None, None, None), "1": (None, None, None, None)},
    ),
    "rows of lines say it": (
        Case(
            lines=TWO,
            payments=(of_line("0", "60.00"), of_line("1", "0.00", ("CO", "29", "40.00"))),
        ),
        {"0": ("clean", None, "clean", None), "1": ("full", "40.00", "full", "40.00")},
    ),
    "a line is denied in part, and one without a row is unknown": (
        Case(lines=TWO, payments=(of_line("0", "50.00", ("CO", "97", "10.00")),)),
        {"0": ("partial", "10.00", "partial", "10.00"), "1": (None, None, None, None)},
    ),
    "a line that repeats another service is denied, though a remittance of nothing else decides nothing": (
        Case(lines=TWO, payments=(of_line("0", "60.00"), of_line("1", "0.00", ("CO", "18", "40.00")))),
        {"0": ("clean", None, "clean", None), "1": ("full", "40.00", "full", "40.00")},
    ),
    "rows of one line add": (
        Case(lines=TWO[:1], payments=(of_line("0", "0.00", ("CO", "29", "60.00")), of_line("0", "5.00"))),
        {"0": ("partial", "60.00", "partial", "60.00")},
    ),
    "no more is denied of a line than its charge": (
        Case(lines=TWO[:1], payments=(of_line("0", "0.00", ("CO", "29", "75.00")),)),
        {"0": ("full", "60.00", "full", "60.00")},
    ),
    "what was denied and then paid": (
        Case(
            lines=TWO[:1],
            payments=(of_line("0", "0.00", ("CO", "29", "60.00")), of_line("0", "60.00", day="2026-02-20")),
        ),
        {"0": ("full", "60.00", "clean", None)},
    ),
    "an answer that was taken back is not the last": (
        Case(
            lines=TWO[:1],
            payments=(
                of_line("0", "0.00", ("CO", "29", "60.00")),
                of_line("0", "60.00", day="2026-02-20"),
                of_line("0", "-60.00", day="2026-03-01", remit_status_code="22", reverses_remittance_id="R2026-02-20"),
                of_line("0", "0.00", ("CO", "50", "60.00"), day="2026-03-02"),
            ),
        ),
        {"0": ("full", "60.00", "full", "60.00")},
    ),
    "a reversal without a successor leaves no last decision": (
        Case(
            lines=TWO[:1],
            payments=(
                of_line("0", "60.00"),
                of_line("0", "-60.00", day="2026-03-01", remit_status_code="22", reverses_remittance_id="R2026-01-20"),
            ),
        ),
        {"0": ("clean", None, *NONE)},
    ),
    "the first version was decided first, the one that replaces it counts": (
        Case(
            claim=FIRST, versions=(REPLACED,),
            lines=(TWO[0], {"billed_amount": "70.00", "claim_id": "B"}),
            payments=(
                of_claim("0.00", ("CO", "29", "60.00")),
                of_claim("70.00", day="2026-02-20", claim_id="B"),
            ),
        ),
        {"0": ("full", "60.00", *NONE), "1": (*NONE, "clean", None)},
    ),
    "a voided family has no lines here": (
        Case(claim=FIRST, versions=(VOIDED,), lines=TWO, payments=(of_claim("0.00", CO29),)),
        {},
    ),
    "zero charges and totals are left out": (
        Case(
            lines=(*TWO[:1], {"billed_amount": "0.00"}, {"billed_amount": "60.00", "revenue_code": "0001"}),
            payments=(of_claim("0.00", ("CO", "29", "60.00")),),
        ),
        {"0": ("full", "60.00", "full", "60.00")},
    ),
    "a charge that nobody states is no zero charge": (
        Case(claim={"billed_amount": "60.00"}, lines=({},), payments=(of_claim("0.00", ("CO", "29", "60.00")),)),
        {"0": ("full", None, "full", None)},
    ),
    "an exact duplicate is no decision": (
        Case(lines=TWO[:1], payments=(of_claim("0.00", CO18),)),
        {},
    ),
    "without remittances the codes of lines say it": (
        Case(
            claim={"network": "by_line", "adjudicated_date": "2026-01-20"},
            lines=(own("by_line", "29", "0.00"), own("by_line", "97", "20.00"), own("by_line", None, "60.00")),
        ),
        {
            "0": ("full", "60.00", "full", "60.00"),
            "1": ("partial", "40.00", "partial", "40.00"),
            "2": ("clean", None, "clean", None),
        },
    ),
    "without evidence of denials lines are decided and their outcome unknown": (
        Case(
            claim={"network": "silent", "adjudicated_date": "2026-01-20"},
            lines=(own("silent", "29", "0.00"),),
        ),
        {"0": (None, None, None, None)},
    ),
    "nobody decided": (Case(lines=TWO), {}),
}  # fmt: skip


@pytest.fixture(scope="module")
def given(spark: SparkSession) -> Mapping[str, DataFrame]:
    """The inputs of line_outcome."""
    cases = {name: case for name, (case, _) in CASES.items()}
    made = family.settlement_inputs(spark, cases, {}, BY_LINE, SILENT)
    wanted = ("families", "lines", "remittances", "codes", "reasons")
    copies = rows.frame(spark, claim_copy.fields)
    return {**{name: made[name] for name in wanted}, "finals": family.settled(made), "copies": copies}


@pytest.fixture(scope="module")
def result(given: Mapping[str, DataFrame]) -> DataFrame:
    return line_outcome(**given).localCheckpoint()


@pytest.fixture(scope="module")
def found(result: DataFrame) -> Mapping[str, Outcomes]:
    told: dict[str, dict[str, tuple[object, ...]]] = {name: {} for name in CASES}
    for row in result.collect():
        first = (row["initial_outcome"], row["initially_denied_amount"]) if row["is_initial"] else NONE
        last = (row["final_outcome"], row["final_denied_amount"]) if row["is_final"] else NONE
        case, _, line = row["line_id"].rpartition("-")
        told[case][line] = (*first, *last)
    return told  # type: ignore[return-value]  # amounts are decimals here


@pytest.mark.parametrize("name", CASES)
def test_how_lines_were_decided(found: Mapping[str, Outcomes], name: str) -> None:
    expected = {line: (a, money(b), c, money(d)) for line, (a, b, c, d) in CASES[name][1].items()}
    assert found[name] == expected


def test_every_line_of_a_decided_version_is_there_or_has_a_reason(
    given: Mapping[str, DataFrame], result: DataFrame
) -> None:
    assert line_outcome.balance is not None
    told = line_outcome.balance(given, result).collect()
    assert {row["reason"]: int(row["amount"]) for row in told if row["side"] == "out"} == {
        "line_outcome": sum(len(outcomes) for _, outcomes in CASES.values()), "revenue_code_0001": 1, "zero_charge": 1,
    }  # fmt: skip
    taken = sum(row["amount"] for row in told if row["side"] == "in")
    assert taken == sum(row["amount"] for row in told if row["side"] == "out")
    assert not rows.broken(result, line_outcome)


def test_copies_of_another_networks_claim_are_left_out(given: Mapping[str, DataFrame]) -> None:
    name = "a paid claim is clean"
    copies = rows.frame(
        given["families"].sparkSession, claim_copy.fields,
        {"network": "north", "family_id": name, "outcome": "exact", "is_kept": False},
    )  # fmt: skip
    left = line_outcome(**{**given, "copies": copies})
    assert left.where(left["family_id"] == name).count() == 0


def test_lines_stand_in_the_month_of_the_familys_first_decision(result: DataFrame) -> None:
    months = {(row["family_id"], row["adjudication_month"]) for row in result.collect()}
    assert {month for _, month in months} == {date(2026, 1, 1)}
