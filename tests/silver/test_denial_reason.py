"""Why families were denied and what became of it, on hand-made families, all of them in one Spark job."""

from collections.abc import Mapping

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.denial_reason import denial_reason
from lakehouse.silver.line_outcome import line_outcome
from silver import family, rows
from silver.family import BY_LINE, FIRST, REPLACED, TWO, VOIDED, Case, of_claim, of_line, own
from silver.rows import Row, money

LATE: Row = {**REPLACED, "frequency_code": "5"}
# (group, reason) -> lines, denied at first, still denied
Reasons = Mapping[tuple[str, str], tuple[int, str, str]]
CASES: Mapping[str, tuple[Case, Reasons]] = {
    "a clean claim has no reason": (Case(lines=TWO, payments=(of_claim("80.00", ("CO", "45", "20.00")),)), {}),
    "a denial that stands": (
        Case(lines=TWO, payments=(of_claim("0.00", ("CO", "29", "80.00"), ("CO", "45", "20.00")),)),
        {("CO", "29"): (0, "80.00", "80.00")},
    ),
    "lines that name the reason are counted once": (
        Case(
            lines=TWO,
            payments=(
                of_line("0", "0.00", ("CO", "29", "50.00"), ("CO", "97", "10.00")),
                of_line("1", "0.00", ("CO", "29", "40.00")),
            ),
        ),
        {("CO", "29"): (2, "90.00", "90.00"), ("CO", "97"): (1, "10.00", "10.00")},
    ),
    "what was denied and then paid is overturned": (
        Case(lines=TWO, payments=(of_claim("0.00", ("CO", "29", "100.00")), of_claim("100.00", day="2026-02-20"))),
        {("CO", "29"): (0, "100.00", "0.00")},
    ),
    "the reason that is still given keeps its money": (
        Case(
            lines=TWO,
            payments=(
                of_claim("0.00", ("CO", "29", "60.00"), ("CO", "97", "40.00")),
                of_claim("60.00", ("CO", "97", "40.00"), day="2026-02-20"),
            ),
        ),
        {("CO", "29"): (0, "60.00", "0.00"), ("CO", "97"): (0, "40.00", "40.00")},
    ),
    "what is denied now for another reason stays with the first, one after the other": (
        Case(
            lines=TWO,
            payments=(
                of_claim("0.00", ("CO", "29", "60.00"), ("CO", "97", "40.00")),
                of_claim("30.00", ("CO", "50", "70.00"), day="2026-02-20"),
            ),
        ),
        {("CO", "29"): (0, "60.00", "60.00"), ("CO", "97"): (0, "40.00", "10.00")},
    ),
    "what is denied only later is no first reason": (
        Case(
            lines=TWO,
            payments=(of_claim("100.00"), of_claim("-50.00", ("CO", "29", "50.00"), day="2026-02-20")),
        ),
        {},
    ),
    "denied in word only": (
        Case(lines=TWO, payments=(of_claim("0.00", remit_status_code="4"),)),
        {("-", "-"): (0, "100.00", "100.00")},
    ),
    "an unknown code denies where nothing else came of the claim": (
        Case(lines=TWO, payments=(of_claim("0.00", ("CO", "X9", "100.00")),)),
        {("CO", "X9"): (0, "100.00", "100.00")},
    ),
    "an unknown code beside a payment denies nothing": (
        Case(lines=TWO, payments=(of_claim("90.00", ("CO", "X9", "10.00")),)),
        {},
    ),
    "a reversal without a successor leaves the denial open": (
        Case(
            lines=TWO,
            payments=(
                of_claim("0.00", ("CO", "29", "100.00")),
                of_claim("0.00", day="2026-02-20", remit_status_code="22", reverses_remittance_id="R2026-01-20"),
            ),
        ),
        {("CO", "29"): (0, "100.00", "100.00")},
    ),
    "a denied version that was replaced and paid": (
        Case(
            claim=FIRST, versions=(REPLACED,),
            lines=(*TWO, {"billed_amount": "70.00", "claim_id": "B"}),
            payments=(
                of_claim("0.00", ("CO", "29", "100.00")), of_claim("70.00", day="2026-02-20", claim_id="B"),
            ),
        ),
        {("CO", "29"): (0, "100.00", "0.00")},
    ),
    "additive members have their own reasons": (
        Case(
            claim=FIRST, versions=(LATE,),
            lines=(*TWO, {"billed_amount": "70.00", "claim_id": "B"}),
            payments=(
                of_claim("0.00", ("CO", "29", "100.00")),
                of_claim("0.00", ("CO", "50", "70.00"), day="2026-02-20", claim_id="B", billed_amount="70.00"),
            ),
        ),
        {("CO", "29"): (0, "100.00", "100.00"), ("CO", "50"): (0, "70.00", "70.00")},
    ),
    "a voided family has none": (
        Case(claim=FIRST, versions=(VOIDED,), lines=TWO, payments=(of_claim("0.00", ("CO", "29", "100.00")),)),
        {},
    ),
    "without remittances by the codes of lines": (
        Case(
            claim={"network": "by_line", "adjudicated_date": "2026-01-20"},
            lines=(own("by_line", "29", "0.00"), own("by_line", "CO-97", "20.00"), own("by_line", None, "60.00")),
        ),
        {("-", "29"): (1, "60.00", "60.00"), ("CO", "97"): (1, "40.00", "40.00")},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def given(spark: SparkSession) -> Mapping[str, DataFrame]:
    """The inputs of denial_reason."""
    made = family.settlement_inputs(spark, {name: case for name, (case, _) in CASES.items()}, {}, BY_LINE)
    shared = {
        "families": made["families"],
        "remittances": made["remittances"],
        "finals": family.settled(made),
        "copies": rows.frame(spark, claim_copy.fields),
    }
    lines = line_outcome(**shared, **{name: made[name] for name in ("lines", "codes", "reasons")})
    return {**shared, "lines": lines.localCheckpoint()}


@pytest.fixture(scope="module")
def result(given: Mapping[str, DataFrame]) -> DataFrame:
    return denial_reason(**given).localCheckpoint()


@pytest.fixture(scope="module")
def found(result: DataFrame) -> Mapping[str, Mapping[tuple[str, str], tuple[object, ...]]]:
    told: dict[str, dict[tuple[str, str], tuple[object, ...]]] = {name: {} for name in CASES}
    for row in result.collect():
        amounts = (row["line_count"], row["denied_amount"], row["still_denied_amount"])
        told[row["family_id"]][row["group_code"], row["carc"]] = amounts
    return told


@pytest.mark.parametrize("name", CASES)
def test_reasons_and_what_became_of_them(
    found: Mapping[str, Mapping[tuple[str, str], tuple[object, ...]]], name: str
) -> None:
    expected = {reason: (n, money(a), money(b)) for reason, (n, a, b) in CASES[name][1].items()}
    assert found[name] == expected


def test_every_dollar_denied_at_first_has_a_reason(given: Mapping[str, DataFrame], result: DataFrame) -> None:
    assert rows.unbalanced(denial_reason, given, result) == {"initially_denied": 0}
    assert not rows.broken(result, denial_reason)


def test_classification_goes_with_the_reason(result: DataFrame) -> None:
    categories = {(row["carc"], row["category"]) for row in result.collect()}
    assert {category for code, category in categories if code in ("X9", "-")} == {"UNKNOWN"}
    assert {category for code, category in categories if code in ("29", "97", "50")} == {"some"}
