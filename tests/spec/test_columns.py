"""Parsers of untrusted text: what is read, and that everything else becomes null and never an error."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.spec.columns import (
    ISO_DATES,
    ISO_TIMESTAMPS,
    blank_to_null,
    clean_code,
    mask_ssn,
    money_or_zero,
    month_of,
    npi_is_valid,
    parse_boolean,
    parse_clean,
    parse_date,
    parse_decimal,
    parse_long,
    parse_money,
    parse_timestamp,
    row_hash,
    split_list,
    sum_money,
    sum_where,
)

NO_BREAK_SPACE = "\u00a0"


def texts(spark: SparkSession, values: Sequence[str | None]) -> DataFrame:
    numbered = [(number, value) for number, value in enumerate(values)]
    return spark.createDataFrame(numbered, "n long, text string")


def read(spark: SparkSession, parse: Callable[[Column], Column], values: Sequence[str | None]) -> list[object]:
    """Each text as `parse` reads it, in order."""
    return [row[0] for row in texts(spark, values).orderBy("n").select(parse(F.col("text"))).collect()]


def check(
    spark: SparkSession, parse: Callable[[Column], Column], expected: Sequence[tuple[str | None, object]]
) -> None:
    """Compare all cases at once, so that a failure shows every text that is read wrongly."""
    found = read(spark, parse, [text for text, _ in expected])
    assert list(zip([text for text, _ in expected], found, strict=True)) == list(expected)


def amounts(**read_as: str | None) -> list[tuple[str, Decimal | None]]:
    return [(text, None if value is None else Decimal(value)) for text, value in read_as.items()]


def test_money_is_read_in_every_spelling_that_senders_use(spark: SparkSession) -> None:
    spelled = {
        "$1,234.50": "1234.50", "1,234,567.89": "1234567.89", "1234": "1234.00", "5.": "5.00", ".5": "0.50",
        "0005": "5.00", "0": "0.00", "-0": "0.00", "(25.00)": "-25.00", "($25.00)": "-25.00", "25.00-": "-25.00",
        "-25.00": "-25.00", "-$25": "-25.00", "$-25": "-25.00", "$ 25": "25.00", "12.300": "12.30", "12.30000": "12.30",
        " 7.10\t\n": "7.10", f"{NO_BREAK_SPACE}7.10{NO_BREAK_SPACE}": "7.10",
        "999999999999.99": "999999999999.99", "-999999999999.99": "-999999999999.99",
    }  # fmt: skip
    check(spark, parse_money, amounts(**spelled))


def test_money_that_is_not_clear_becomes_null(spark: SparkSession) -> None:
    unclear = [
        "", " ", "\t\n", NO_BREAK_SPACE, "12.345", "0.001", "1,23", "12,34", "1,2345", ",123", "1.2.3", "1.234,50",
        "NaN", "Infinity", "1e5", "0x10", "--5", "-(5)", "(-5)", "(5", "5)", "(5)-", "-5-", "()", "-", "$", ".", "$.",
        "1 2", "2$5", "5$", "five", "\u0663", "\uff15", "5;", "USD 5",
    ]  # fmt: skip
    check(spark, parse_money, [(None, None), *[(text, None) for text in unclear]])


def test_money_that_does_not_fit_becomes_null_and_no_error(spark: SparkSession) -> None:
    too_large = ["1000000000000", "-1000000000000.00", "(1,000,000,000,000)", "9" * 40, "-" + "9" * 40]
    check(spark, parse_money, [(text, None) for text in too_large])


def test_decimals_that_the_type_holds_are_kept(spark: SparkSession) -> None:
    cases = [("1.234", Decimal("1.234")), ("1.2340", Decimal("1.234")), ("1.2345", None), ("-0.001", Decimal("-0.001"))]
    check(spark, lambda text: parse_decimal(text, T.DecimalType(12, 3)), cases)
    whole = [("12", Decimal(12)), ("12.0", Decimal(12)), ("12.", Decimal(12)), ("12.5", None), ("1234", None)]
    check(spark, lambda text: parse_decimal(text, T.DecimalType(3, 0)), whole)


@st.composite
def spelled_amounts(draw: st.DrawFn) -> tuple[str, Decimal]:
    """An amount of at most four decimals in one of the accepted spellings, and what Python reads it as."""
    places = draw(st.integers(0, 4))
    value = Decimal(draw(st.integers(-(10**15), 10**15))).scaleb(-places)
    digits = f"{abs(value):,.{places}f}" if draw(st.booleans()) else f"{abs(value):.{places}f}"
    forms = ["{}", "${}", "$ {}", " {} ", "{}\n"]
    negative = ["-{}", "({})", "{}-", "-${}", "$-{}", " ({}) "]
    return draw(st.sampled_from(negative if value < 0 else forms)).format(digits), value


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases=st.lists(spelled_amounts(), min_size=100, max_size=200))
def test_spelled_amounts_are_read_as_python_reads_them(spark: SparkSession, cases: list[tuple[str, Decimal]]) -> None:
    def fits(value: Decimal) -> bool:
        return value == value.quantize(Decimal("0.01")) and abs(value) < Decimal(10) ** 12

    expected = [(text, value if fits(value) else None) for text, value in cases]
    check(spark, parse_money, expected)


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.text(st.sampled_from("0123456789.,-()$ eE+x"), max_size=12), min_size=100, max_size=200))
def test_no_text_is_an_error_and_no_number_is_invented(spark: SparkSession, values: list[str]) -> None:
    for text, found in zip(values, read(spark, parse_money, values), strict=True):
        if found is not None:
            assert isinstance(found, Decimal)
            assert abs(found) == Decimal("".join(c for c in text if c in "0123456789."))
            assert (found < 0) <= ("-" in text or "(" in text)


def test_dates_of_the_iso_forms_are_read(spark: SparkSession) -> None:
    read_as = {
        "2026-01-05": date(2026, 1, 5), "20260105": date(2026, 1, 5), " 2026-01-05\n": date(2026, 1, 5),
        "2024-02-29": date(2024, 2, 29), "0001-01-01": date(1, 1, 1), "9999-12-31": date(9999, 12, 31),
        "00010101": date(1, 1, 1), "99991231": date(9999, 12, 31), "2026-01-05T10:00:00Z": date(2026, 1, 5),
        "2026-01-05T23:30:00-05": date(2026, 1, 6), "2026-01-05T10:00:00.123Z": date(2026, 1, 5),
    }  # fmt: skip
    check(spark, parse_date, list(read_as.items()))


def test_dates_that_do_not_exist_or_fit_no_form_become_null(spark: SparkSession) -> None:
    wrong = [
        "", "  ", "2026-02-30", "2023-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "20261301", "0000-00-00",
        "2026-1-5", "01/05/2026", "2026-01-05x", "120260105", "26-01-05", "today", "45000",
    ]  # fmt: skip
    check(spark, parse_date, [(None, None), *[(text, None) for text in wrong]])


def test_years_outside_1_to_9999_become_null_since_readers_break_on_them(spark: SparkSession) -> None:
    outside = ["0000-01-01", "00000101", "-2026-01-05", "+10000-01-01", "10000-01-01"]
    check(spark, parse_date, [(text, None) for text in outside])
    check(spark, parse_timestamp, [(text, None) for text in outside])


def test_first_pattern_that_fits_reads_the_date(spark: SparkSession) -> None:
    american = [("01/05/2026", date(2026, 1, 5)), ("2026-01-05", date(2026, 1, 5)), ("13/05/2026", None)]
    check(spark, lambda text: parse_date(text, ("MM/dd/yyyy", "yyyy-MM-dd")), american)
    ambiguous = [("01/05/2026", date(2026, 5, 1)), ("01/13/2026", date(2026, 1, 13))]
    check(spark, lambda text: parse_date(text, ("dd/MM/yyyy", "MM/dd/yyyy")), ambiguous)


def test_instants_are_utc(spark: SparkSession) -> None:
    read_as = {
        "2026-01-05T10:00:00Z": datetime(2026, 1, 5, 10, tzinfo=UTC),
        "2026-01-05T10:00:00-0500": datetime(2026, 1, 5, 15, tzinfo=UTC),
        "2026-01-05 10:00:00": datetime(2026, 1, 5, 10, tzinfo=UTC),
        "2026-01-05 10:00:00.123": datetime(2026, 1, 5, 10, 0, 0, 123000, tzinfo=UTC),
        "2026-01-05 10:00:00.123456": datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC),
        "2026-01-05": datetime(2026, 1, 5, tzinfo=UTC),
    }
    found = texts(spark, list(read_as)).orderBy("n").select(F.unix_micros(parse_timestamp(F.col("text")))).collect()
    assert [row[0] for row in found] == [int(moment.timestamp() * 1_000_000) for moment in read_as.values()]
    check(spark, parse_timestamp, [(text, None) for text in ("", "2026-01-05 25:00:00", "2026-02-30 10:00:00", "noon")])


def test_whole_numbers_are_read_to_the_limit_of_their_type(spark: SparkSession) -> None:
    largest = 2**63 - 1
    cases = [("5", 5), ("+5", 5), ("-5", -5), ("007", 7), (str(largest), largest), (str(largest + 1), None)]
    refused = ["", " ", "5.0", "5-", "1,000", "0x1", "1e3", "five", "\u0663"]
    check(spark, parse_long, [*cases, *[(text, None) for text in refused]])
    whole = [("2147483647", 2**31 - 1), ("2147483648", None), ("-2147483648", -(2**31))]
    check(spark, lambda text: parse_clean(text, T.IntegerType(), (), ()), whole)


def test_booleans_are_read_in_any_case_and_nothing_else_is_guessed(spark: SparkSession) -> None:
    yes = [(text, True) for text in ("true", "TRUE", "t", "Yes", "y", "1", " Y ")]
    no = [(text, False) for text in ("false", "F", "no", "N", "0")]
    check(spark, parse_boolean, [*yes, *no, *[(text, None) for text in (None, "", "2", "maybe", "10", "yes!")]])


def test_blanks_of_every_kind_are_no_text(spark: SparkSession) -> None:
    blank = ["", " ", "\t", "\n", "\r\n", "\t \n", NO_BREAK_SPACE, f" {NO_BREAK_SPACE}\t"]
    kept = [
        ("a b", "a b"),
        ("\ta b\n", "a b"),
        (f"{NO_BREAK_SPACE}x{NO_BREAK_SPACE}", "x"),
        ("x\n\ny", "x\n\ny"),
        ("-", "-"),
    ]
    check(spark, blank_to_null, [(None, None), *[(text, None) for text in blank], *kept])


def test_code_is_upper_case_and_keeps_its_leading_zeros(spark: SparkSession) -> None:
    check(spark, clean_code, [(" 0450 ", "0450"), ("a1c", "A1C"), ("", None), ("\t", None), (None, None)])


def test_list_is_split_at_bars_and_blank_parts_vanish(spark: SparkSession) -> None:
    cases = [("a|b", ["a", "b"]), ("a", ["a"]), (" a | b |", ["a", "b"]), ("a||b", ["a", "b"]), ("a,b", ["a,b"])]
    check(spark, split_list, [*cases, ("|", []), ("", None), (" ", None), (None, None)])


@pytest.mark.parametrize(
    ("type", "text", "expected"),
    [
        (T.StringType(), "a", "a"),
        (T.DecimalType(14, 2), "1.50", Decimal("1.50")),
        (T.DateType(), "2026-01-05", date(2026, 1, 5)),
        (T.BooleanType(), "y", True),
        (T.LongType(), "7", 7),
        (T.ArrayType(T.StringType()), "a|b", ["a", "b"]),
    ],
    ids=lambda value: value.simpleString() if isinstance(value, T.DataType) else None,
)
def test_every_type_of_a_contract_has_a_parser(
    spark: SparkSession, type: T.DataType, text: str, expected: object
) -> None:
    check(spark, lambda column: parse_clean(column, type, ISO_DATES, ISO_TIMESTAMPS), [(text, expected), (None, None)])


def test_type_without_a_parser_is_refused(spark: SparkSession) -> None:
    with pytest.raises(TypeError, match="no parser for map<string,string>"):
        parse_clean(F.col("text"), T.MapType(T.StringType(), T.StringType()), (), ())


def hashes(spark: SparkSession, rows: Sequence[tuple[object, ...]], schema: str, *columns: str) -> list[int]:
    return [row[0] for row in spark.createDataFrame(rows, schema).select(row_hash(columns)).collect()]


def test_row_hash_tells_apart_where_a_null_stands(spark: SparkSession) -> None:
    rows = [("a", None, "b"), ("a", "b", None), (None, "a", "b"), ("a", "b", ""), ("ab", None, ""), (None, None, None)]
    found = hashes(spark, [*rows, *rows], "x string, y string, z string", "x", "y", "z")
    assert len(set(found)) == len(rows)
    assert found[: len(rows)] == found[len(rows) :]


def test_row_hash_tells_null_from_zero_and_from_false(spark: SparkSession) -> None:
    assert (
        len(set(hashes(spark, [(None, None), (0, None), (None, False), (0, False)], "n long, b boolean", "n", "b")))
        == 4
    )


def test_row_hash_depends_on_the_columns_and_their_order(spark: SparkSession) -> None:
    rows = [("a", "b", ["p"])]
    schema = "x string, y string, list array<string>"
    listed = [("x", "y"), ("y", "x"), ("x",), ("x", "y", "list")]
    assert len({hashes(spark, rows, schema, *columns)[0] for columns in listed}) == len(listed)


def test_sums_keep_cents_and_tell_nothing_from_zero(spark: SparkSession) -> None:
    schema = "g string, paid decimal(14,2)"
    rows = [("a", Decimal("0.10")), ("a", Decimal("0.20")), ("a", None), ("b", None), ("c", Decimal("-0.01"))]
    paid = spark.createDataFrame(rows, schema).groupBy("g").agg(sum_money("paid").alias("paid")).orderBy("g")
    assert [row["paid"] for row in paid.collect()] == [Decimal("0.30"), None, Decimal("-0.01")]
    assert paid.schema["paid"].dataType == T.DecimalType(18, 2)


def test_absent_amount_counts_as_zero(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(Decimal("1.50"),), (None,)], "paid decimal(14,2)")
    found = frame.select(money_or_zero("paid").alias("by_name"), money_or_zero(F.col("paid")).alias("by_column"))
    assert [tuple(row) for row in found.collect()] == [
        (Decimal("1.50"), Decimal("1.50")),
        (Decimal("0.00"), Decimal("0.00")),
    ]
    assert found.schema["by_name"].dataType == T.DecimalType(14, 2)


def test_month_of_a_date_is_its_first_day(spark: SparkSession) -> None:
    days = [(date(2026, 1, 31),), (date(2024, 2, 29),), (date(2026, 3, 1),), (None,)]
    found = spark.createDataFrame(days, "day date").select(month_of(F.col("day"))).collect()
    assert [row[0] for row in found] == [date(2026, 1, 1), date(2024, 2, 1), date(2026, 3, 1), None]


def luhn(number: str) -> bool:
    """Luhn's check as ISO/IEC 7812-1 tells it: from the right, every second digit doubled, its digits added."""
    doubled = [int(d) * (1 + i % 2) for i, d in enumerate(reversed(number))]
    return sum(n // 10 + n % 10 for n in doubled) % 10 == 0


def test_an_npi_has_ten_digits_and_a_check_digit(spark: SparkSession) -> None:
    every_end = [f"123456789{d}" for d in range(10)] + [f"200000000{d}" for d in range(10)]
    expected: list[tuple[str | None, object]] = [(npi, luhn(f"80840{npi}")) for npi in every_end]
    expected += [("1234567893", True), ("1245319599", True), ("9999999999", False), ("0123456789", False)]
    expected += [(text, False) for text in ("123456789", "12345678930", "123456789A", "1234567893\n", "", " ")]
    check(spark, npi_is_valid, [*expected, ("\u0661234567893", False), (None, None)])


def test_social_security_numbers_are_masked_and_longer_numbers_are_not(spark: SparkSession) -> None:
    masked = "***-**-****"
    check(
        spark,
        mask_ssn,
        [
            ("078-05-1120", masked),
            ("SSN 078 05 1120.", f"SSN {masked}."),
            ("078-05 1120", "078-05 1120"),
            ("1078-05-1120", "1078-05-1120"),
            ("078-05-11200", "078-05-11200"),
            ("078051120", "078051120"),
            ("Aetna", "Aetna"),
            (None, None),
        ],
    )


def test_a_conditional_sum_is_zero_where_nothing_is_stated(spark: SparkSession) -> None:
    sent = [("a", True, "1.10"), ("a", True, None), ("a", False, "9.00"), ("b", False, "9.00"), ("c", True, None)]
    rows = [(group, counts, amount and Decimal(amount)) for group, counts, amount in sent]
    frame = spark.createDataFrame(rows, "g string, counts boolean, paid decimal(14,2)")
    summed = frame.groupBy("g").agg(sum_where(F.col("counts"), "paid").alias("paid"))
    assert summed.schema["paid"].dataType == T.DecimalType(18, 2)
    assert {r["g"]: r["paid"] for r in summed.collect()} == {
        "a": Decimal("1.10"), "b": Decimal("0.00"), "c": Decimal("0.00"),
    }  # fmt: skip
