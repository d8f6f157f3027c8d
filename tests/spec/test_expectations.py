"""Each ready-made rule on a row that holds, one that breaks it and a null; and what the declarations refuse."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import pytest
from chispa import assert_df_equality
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.errors import DeclarationError
from lakehouse.spec.expectations import (
    DROP,
    FAIL,
    QUARANTINE,
    WARN,
    CheckContext,
    Consequence,
    Expectation,
    Nulls,
    Tolerance,
    accepted_values,
    between,
    matches,
    not_after,
    not_null,
    recency,
    relationships,
    row,
    row_count_at_least,
    totals_match,
    unique,
)
from spec.declared import fresh, merged


def is_positive() -> Column:
    return F.col("paid") > 0


def test_null_fails_unless_the_rule_says_otherwise(spark: SparkSession) -> None:
    paid = spark.createDataFrame([(1,), (-1,), (None,)], "paid int")
    by_default = row("is_positive", is_positive, on_failure=WARN)
    lenient = row("is_positive", is_positive, on_failure=WARN, nulls="pass")
    assert_df_equality(by_default.failing_rows(paid), spark.createDataFrame([(-1,), (None,)], "paid int"))
    assert_df_equality(lenient.failing_rows(paid), spark.createDataFrame([(-1,)], "paid int"))
    assert [list(r) for r in paid.select(by_default.holds(), lenient.holds()).collect()] == [
        [True, True],
        [False, False],
        [False, True],
    ]


@pytest.mark.parametrize("words", [{"sees_whole": True}, {"named_by": ("v",)}])
def test_a_row_rule_sees_rows_alone(words: dict[str, object]) -> None:
    with pytest.raises(DeclarationError, match="is_positive: sees_whole and named_by are for batch rules"):
        Expectation("is_positive", WARN, condition=is_positive, **words)  # type: ignore[arg-type]


TEXT = "v string"
DATES = "v date, w date"
ROW_RULES: list[tuple[Expectation, str, list[tuple[object, ...]], list[tuple[object, ...]]]] = [
    (not_null("v", on_failure=FAIL), TEXT, [("a",), ("",), (None,)], [(None,)]),
    (accepted_values("v", ("A", "B"), on_failure=WARN), TEXT, [("A",), ("a",), (None,)], [("a",), (None,)]),
    (accepted_values("v", ("A",), on_failure=WARN, nulls="pass"), TEXT, [("A",), ("a",), (None,)], [("a",)]),
    (
        matches("v", r"\d{2}|X", on_failure=WARN),
        TEXT,
        [("12",), ("X",), ("12\n",), ("123",), ("a12",), ("12\nX",), ("",), (None,)],
        [("12\n",), ("123",), ("a12",), ("12\nX",), ("",), (None,)],
    ),
    (matches("v", r"\d{2}", on_failure=WARN, nulls="pass"), TEXT, [("12",), ("1",), (None,)], [("1",)]),
    (between("v", 0, 2, on_failure=WARN), "v int", [(-1,), (0,), (2,), (3,), (None,)], [(-1,), (3,), (None,)]),
    (between("v", 0, 2, on_failure=WARN, nulls="pass"), "v int", [(2,), (3,), (None,)], [(3,)]),
    (
        between("v", Decimal("0.00"), Decimal("1.50"), on_failure=WARN),
        "v decimal(14,2)",
        [(Decimal("1.50"),), (Decimal("1.51"),)],
        [(Decimal("1.51"),)],
    ),
    (
        between("v", date(2026, 1, 1), date(2026, 1, 31), on_failure=WARN),
        "v date",
        [(date(2026, 1, 31),), (date(2026, 2, 1),)],
        [(date(2026, 2, 1),)],
    ),
    (
        not_after("v", "w", on_failure=WARN),
        DATES,
        [
            (date(2026, 1, 1), date(2026, 1, 1)),
            (date(2026, 1, 2), date(2026, 1, 1)),
            (None, date(2026, 1, 1)),
            (date(2026, 1, 1), None),
        ],
        [(date(2026, 1, 2), date(2026, 1, 1))],
    ),
    (
        not_after("v", "w", on_failure=WARN, nulls="fail"),
        DATES,
        [(date(2026, 1, 1), date(2026, 1, 2)), (date(2026, 1, 1), None)],
        [(date(2026, 1, 1), None)],
    ),
    (
        totals_match("v", "a", "b", on_failure=FAIL),
        "v decimal(14,2), a decimal(14,2), b decimal(14,2)",
        [
            (Decimal("0.30"), Decimal("0.10"), Decimal("0.20")),
            (Decimal("0.10"), Decimal("0.10"), None),
            (Decimal("0.00"), None, None),
            (Decimal("0.31"), Decimal("0.10"), Decimal("0.20")),
            (None, Decimal("0.10"), None),
        ],
        [(Decimal("0.31"), Decimal("0.10"), Decimal("0.20")), (None, Decimal("0.10"), None)],
    ),
    (
        totals_match("v", "a", on_failure=FAIL, nulls="pass"),
        "v int, a int",
        [(1, 1), (2, 1), (None, 1)],
        [(2, 1)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "schema", "given", "failing"), ROW_RULES, ids=[f"{r.name}_nulls_{r.nulls}" for r, *_ in ROW_RULES]
)
def test_row_rule_fails_exactly_these_rows(
    spark: SparkSession,
    rule: Expectation,
    schema: str,
    given: list[tuple[object, ...]],
    failing: list[tuple[object, ...]],
) -> None:
    assert rule.is_row_rule
    assert_df_equality(
        rule.failing_rows(spark.createDataFrame(given, schema)),
        spark.createDataFrame(failing, schema),
        ignore_row_order=True,
    )


def test_unique_answers_the_repeated_values_and_counts_null_as_a_value(spark: SparkSession) -> None:
    given = [("a", 1), ("a", 1), ("a", 2), ("b", 1), (None, 1), (None, 1)]
    rule = unique("v", "n", on_failure=FAIL)
    assert rule.name == "v_n_unique"
    assert_df_equality(
        rule.failing_rows(spark.createDataFrame(given, "v string, n int")),
        spark.createDataFrame([("a", 1, 2), (None, 1, 2)], "v string, n int, row_count long"),
        ignore_row_order=True,
        ignore_nullable=True,  # a count is never null, which a hand-made frame does not say
    )


def test_relationships_answers_rows_whose_value_is_nowhere(spark: SparkSession) -> None:
    known = merged(fresh())
    rule = relationships("ward_id", known, field="visit_id", on_failure=WARN)
    assert (rule.name, dict(rule.needs)) == (f"ward_id_in_{known.short_name}", {"to": known})
    rows = spark.createDataFrame([(1, "a"), (2, "b"), (3, None), (4, "a")], "n int, ward_id string")
    others = spark.createDataFrame([("a",), ("a",), (None,)], "visit_id string")
    found = rule.failing_rows(rows, CheckContext(date(2026, 1, 15), {"to": others})).select("n", "ward_id")
    assert_df_equality(found, spark.createDataFrame([(2, "b")], "n int, ward_id string"))


RECENT = CheckContext(date(2026, 1, 15))


@pytest.mark.parametrize(
    ("newest", "holds"),
    [
        (datetime(2026, 1, 15, 12), True),
        (datetime(2026, 1, 14, 0), True),
        (datetime(2026, 1, 13, 23, 59, 59), False),
        (datetime(2026, 1, 16), True),
        (None, True),
    ],
)
def test_recency_looks_at_the_newest_value_alone(spark: SparkSession, newest: datetime | None, holds: bool) -> None:
    """Two days before the end of 15 January is the end of 13 January."""
    rule = recency("v", within="2 days", on_failure=WARN)
    texts = [("2025-01-01 00:00:00" if newest else None,), (newest and str(newest),)]
    rows = spark.createDataFrame(texts, "v string").select(F.col("v").cast("timestamp").alias("v"))
    assert (rule.failing_rows(rows, RECENT).count() == 0) is holds


def test_recency_of_dates_and_of_an_empty_batch(spark: SparkSession) -> None:
    rule = recency("v", within="2 days", on_failure=WARN)
    dates = spark.createDataFrame([(date(2026, 1, 14),)], "v date")
    assert rule.failing_rows(dates, RECENT).count() == 0
    assert rule.failing_rows(dates, CheckContext(date(2026, 1, 16))).collect() == [(date(2026, 1, 14),)]
    assert rule.failing_rows(dates.limit(0), RECENT).count() == 0


@pytest.mark.parametrize("as_of", [date.min, date.max])
def test_recency_reaches_the_ends_of_the_calendar(spark: SparkSession, as_of: date) -> None:
    rule = recency("v", within="999999 weeks", on_failure=WARN)
    rows = spark.createDataFrame([(date(2026, 1, 14),)], "v date")
    assert rule.failing_rows(rows, CheckContext(as_of)).count() == 0


@pytest.mark.parametrize(("rows", "failing"), [(0, [(0,)]), (1, [(1,)]), (2, []), (3, [])])
def test_batch_has_enough_rows(spark: SparkSession, rows: int, failing: Sequence[tuple[int]]) -> None:
    batch: DataFrame = spark.range(rows)
    found = row_count_at_least(2, on_failure=FAIL).failing_rows(batch)
    assert [tuple(r) for r in found.collect()] == list(failing)


@pytest.mark.parametrize("consequence", [DROP, QUARANTINE])
def test_batch_rule_sets_no_row_aside(consequence: Consequence) -> None:
    with pytest.raises(DeclarationError, match=f"v_unique: a batch rule can only warn or fail, found {consequence}"):
        unique("v", on_failure=consequence)


def test_rule_is_either_of_rows_or_of_a_batch() -> None:
    with pytest.raises(DeclarationError, match="expectation neither: give either a condition or a failing-rows"):
        Expectation("neither", WARN)
    with pytest.raises(DeclarationError, match="expectation both"):
        Expectation("both", WARN, condition=is_positive, failing=lambda df, context: df)


def test_batch_rule_has_no_condition() -> None:
    with pytest.raises(TypeError, match="v_unique is a batch rule; use failing_rows"):
        unique("v", on_failure=WARN).holds()


def test_rule_about_no_column_is_refused() -> None:
    with pytest.raises(DeclarationError, match=r"unique\(\): no column is named"):
        unique(on_failure=FAIL)
    with pytest.raises(DeclarationError, match=r"totals_match\(billed\): no part is named"):
        totals_match("billed", on_failure=FAIL)


def test_recency_reads_its_duration_at_import() -> None:
    with pytest.raises(DeclarationError, match="duration 'soon'"):
        recency("v", within="soon", on_failure=WARN)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (0, Tolerance(rows=0)),
        (5, Tolerance(rows=5)),
        ("5", Tolerance(rows=5)),
        ("0%", Tolerance(share=Decimal(0))),
        ("1%", Tolerance(share=Decimal("0.01"))),
        ("0.5%", Tolerance(share=Decimal("0.005"))),
        ("100%", Tolerance(share=Decimal(1))),
    ],
)
def test_tolerance_is_a_count_or_a_share(text: str | int, expected: Tolerance) -> None:
    assert Tolerance.parse(text) == expected


@pytest.mark.parametrize("text", ["", "-1", -1, "1.5", "101%", "100.01%", "-1%", "1 %", "%", "few", "1e2"])
def test_other_tolerances_are_refused_where_they_are_declared(text: str | int) -> None:
    with pytest.raises(DeclarationError, match="expected a number of rows or a share such as '1%'"):
        not_null("v", on_failure=WARN, at_most=text)


@pytest.mark.parametrize(
    ("at_most", "failed", "total", "accepted"),
    [
        ("1%", 1, 100, True),
        ("1%", 2, 100, False),
        ("1%", 1, 99, False),
        ("1%", 0, 0, True),
        ("0%", 1, 1000, False),
        ("100%", 7, 7, True),
        (0, 0, 10, True),
        (0, 1, 10, False),
        (3, 3, 3, True),
        (3, 4, 1000, False),
    ],
)
def test_tolerance_accepts_up_to_its_edge(at_most: str | int, failed: int, total: int, accepted: bool) -> None:
    assert Tolerance.parse(at_most).accepts(failed, total) is accepted


def test_rule_knows_its_tolerance_and_its_words() -> None:
    rule = not_null("v", on_failure=QUARANTINE, at_most="1%")
    assert (rule.name, rule.on_failure, rule.tolerance) == ("v_not_null", QUARANTINE, Tolerance(share=Decimal("0.01")))
    assert not_null("v", on_failure=WARN).tolerance is None


@pytest.mark.parametrize("nulls", ["fail", "pass"])
def test_ready_made_rules_pass_on_what_they_are_told(nulls: Nulls) -> None:
    rules = [
        accepted_values("v", ("a",), on_failure=DROP, nulls=nulls, at_most=1),
        matches("v", "a", on_failure=DROP, nulls=nulls, at_most=1),
        between("v", 0, 1, on_failure=DROP, nulls=nulls, at_most=1),
        not_after("v", "w", on_failure=DROP, nulls=nulls, at_most=1),
    ]
    assert {(r.on_failure, r.nulls, r.at_most) for r in rules} == {(DROP, nulls, 1)}
    assert [r.name for r in rules] == ["v_accepted_values", "v_matches", "v_between", "v_not_after_w"]
