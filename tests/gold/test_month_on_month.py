"""Which months differ too much from the month before, by a plain computation written out in the cases."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from lakehouse.gold.denial_rate_by_procedure import denial_rate_by_procedure
from lakehouse.gold.month_on_month import lines_like_the_month_before
from lakehouse.spec.expectations import CheckContext, Expectation
from lakehouse.spec.rule import WHOLE
from silver import rows
from silver.rows import Row

pytestmark = pytest.mark.spark

AS_OF = date(2026, 4, 10)
DECLARED = next(e for e in denial_rate_by_procedure.expectations if e.name == "lines_like_the_month_before")


def lines(month: str, count: int | None, denied: int | None = 0, **other: object) -> Row:
    """A row of the table: so many lines of a month, of which so many were denied in full."""
    return {
        "adjudication_month": f"2026-{month}-01", "network": "north", "lines_adjudicated": count,
        "lines_outcome_unknown": None if denied is None else 0, "lines_initially_denied_full": denied,
        "lines_initially_denied_partial": None if denied is None else 0, **other,
    }  # fmt: skip


def told(
    spark: SparkSession,
    stored: Sequence[Row],
    written: Sequence[Row],
    rule: Expectation = DECLARED,
    as_of: date = AS_OF,
) -> list[tuple[str, str]]:
    """(month, network) that fail, when `written` joins `stored`."""
    fields = denial_rate_by_procedure.fields
    whole = rows.frame(spark, fields, *stored, *written)
    context = CheckContext(as_of, {WHOLE: whole})
    found = rule.failing_rows(rows.frame(spark, fields, *written), context).collect()
    return sorted((r["adjudication_month"].isoformat()[5:7], r["network"]) for r in found)


# lines and denials of February, of March, and whether March is told
BANDS = [
    ((100, 10), (100, 10), False),
    ((100, 10), (130, 13), False),
    ((100, 10), (131, 13), True),
    ((100, 10), (70, 7), False),
    ((100, 10), (69, 7), True),
    ((100, 10), (100, 15), False),  # 5 points exactly
    ((100, 10), (100, 16), True),
    ((100, 10), (100, 5), False),
    ((100, 10), (100, 4), True),
    ((29, 0), (100, 50), False),  # no base
    ((30, 0), (40, 0), True),
    ((30, 0), (30, 2), True),
    ((40, 0), (29, 20), False),  # 29 lines have no rate, and their number is within 30 %
    ((100, 0), (3, 0), True),  # a month that breaks down is told however few lines are left
    ((100, None), (100, None), False),  # no evidence of denials
    ((100, None), (200, None), True),
    ((100, 10), (100, None), False),
    ((0, 0), (0, 0), False),
]


def test_a_month_is_told_outside_of_its_bands(spark: SparkSession) -> None:
    stored = [lines("02", *before, network=f"case {n:02}") for n, (before, _, _) in enumerate(BANDS)]
    written = [lines("03", *after, network=f"case {n:02}") for n, (_, after, _) in enumerate(BANDS)]
    expected = [("03", f"case {n:02}") for n, (_, _, is_told) in enumerate(BANDS) if is_told]
    assert told(spark, stored, written) == expected


def test_procedures_are_added_up_and_networks_are_not(spark: SparkSession) -> None:
    stored = [
        lines("02", 60, procedure_code="A"),
        lines("02", 40, procedure_code="B"),
        lines("02", 100, network="south"),
    ]
    written = [
        lines("03", 10, procedure_code="A"),
        lines("03", 90, procedure_code="B"),
        lines("03", 40, network="south"),
    ]
    assert told(spark, stored, written) == [("03", "south")]


def test_unknown_outcomes_are_in_the_number_and_not_in_the_rate(spark: SparkSession) -> None:
    stored = [lines("02", 100, 10, network=network) for network in ("few", "many", "partial")]
    written = [
        lines("03", 130, 5, lines_outcome_unknown=80, network="few"),  # 5 of 50
        lines("03", 130, 13, lines_outcome_unknown=80, network="many"),  # 13 of 50
        lines("03", 100, 8, lines_initially_denied_partial=8, network="partial"),  # 16 of 100
    ]
    assert told(spark, stored, written) == [("03", "many"), ("03", "partial")]


def test_only_months_that_ended_are_judged(spark: SparkSession) -> None:
    stored, written = [lines("03", 100)], [lines("04", 10)]
    assert told(spark, stored, written) == []
    assert told(spark, stored, written, as_of=date(2026, 4, 30)) == []
    assert told(spark, stored, written, as_of=date(2026, 5, 1)) == [("04", "north")]


def test_written_months_and_those_after_them_are_judged_and_of_others_the_newest(spark: SparkSession) -> None:
    later = date(2026, 6, 1)
    stored = [lines("02", 50), lines("03", 100)]
    assert told(spark, [lines("01", 100), *stored], [lines("06", 1)], as_of=later) == []
    assert told(spark, stored, [lines("01", 100)], as_of=later) == [("02", "north")]
    changed = told(spark, [lines("01", 100), lines("03", 100)], [lines("02", 50)], as_of=later)
    assert changed == [("02", "north"), ("03", "north")]
    assert told(spark, [lines("01", 100), *stored], [lines("06", 1)]) == [("03", "north")]  # nothing touched it since


def test_a_month_without_a_line_is_told_as_the_newest_or_after_one_that_is_written(spark: SparkSession) -> None:
    assert told(spark, [lines("01", 100), lines("02", 100)], [lines("04", 100)]) == [("03", "north")]
    assert told(spark, [], [lines("01", 100)]) == [("02", "north")]
    assert told(spark, [lines("01", 29)], [lines("02", 29)]) == []


def test_a_month_without_a_month_before_has_nothing_to_differ_from(spark: SparkSession) -> None:
    assert told(spark, [lines("01", 100)], [lines("03", 10)]) == []
    assert told(spark, [], [lines("03", 1000)]) == []


def test_december_comes_before_january(spark: SparkSession) -> None:
    december = lines("01", 100) | {"adjudication_month": "2025-12-01"}
    assert told(spark, [december], [lines("01", 50)], as_of=date(2026, 2, 1)) == [("01", "north")]


def test_the_bands_are_arguments(spark: SparkSession) -> None:
    narrow = lines_like_the_month_before(Decimal("0.1"), Decimal("0.01"), 5)
    assert told(spark, [lines("02", 10)], [lines("03", 12)], narrow) == [("03", "north")]
    assert told(spark, [lines("02", 100, 10)], [lines("03", 100, 12)], narrow) == [("03", "north")]
    assert "10%" in narrow.meaning
    assert "1 points" in narrow.meaning
