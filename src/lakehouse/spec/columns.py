"""Shared column functions: Column in, Column out. Untrusted text never raises: what cannot be read becomes null."""

from collections.abc import Iterable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

ISO_DATES = ("yyyy-MM-dd", "yyyyMMdd", "yyyy-MM-dd'T'HH:mm:ss[.SSSSSS][.SSS]X")
ISO_TIMESTAMPS = ("yyyy-MM-dd'T'HH:mm:ss[.SSSSSS][.SSS]X", "yyyy-MM-dd HH:mm:ss[.SSSSSS][.SSS]", "yyyy-MM-dd")
_AMOUNT = r"^-?(\d+|\d{1,3}(,\d{3})+)?(\.\d*)?$"


def blank_to_null(column: Column) -> Column:
    """Text without surrounding blanks; empty becomes null."""
    trimmed = F.trim(F.regexp_replace(column, r"[\s ]+$|^[\s ]+", ""))
    return F.when(trimmed != "", trimmed)


def clean_code(column: Column) -> Column:
    """A code in upper case without surrounding blanks; empty becomes null. Leading zeros stay."""
    return F.upper(blank_to_null(column))


def parse_timestamp(column: Column, formats: Sequence[str] = ISO_TIMESTAMPS) -> Column:
    """UTC instant of a text in the first of `formats` (Spark patterns) that fits, else null."""
    text = blank_to_null(column)
    return F.coalesce(*[F.try_to_timestamp(text, F.lit(pattern)) for pattern in formats])


def parse_date(column: Column, formats: Sequence[str] = ISO_DATES) -> Column:
    """Date of a text in the first of `formats` that fits, else null; an instant gives its UTC date."""
    return F.to_date(parse_timestamp(column, formats))


def parse_decimal(column: Column, type: T.DecimalType) -> Column:
    """Exact decimal of a text, else null.

    Accepts a currency sign, thousands separators in their places, a leading or trailing minus and accounting
    parentheses for a negative. More decimals than the type holds (zeros aside) are not rounded: they give null.
    """
    text = F.regexp_replace(blank_to_null(column), r"[$\s]", "")
    is_negative = text.rlike(r"^\(.*\)$") | text.rlike(r"-$")
    bare = F.regexp_replace(text, r"^\(|\)$|-$", "")
    is_number = bare.rlike(_AMOUNT) & bare.rlike(r"\d") & ~(is_negative & bare.startswith("-"))
    fits = ~bare.rlike(r"\.\d{" + str(type.scale) + r"}\d*[1-9]")
    value = F.when(is_number & fits, F.regexp_replace(bare, ",", "")).try_cast(type)
    return F.when(is_negative, (-value).cast(type)).otherwise(value)


def parse_money(column: Column) -> Column:
    """US dollars as decimal(14,2); see `parse_decimal`."""
    return parse_decimal(column, T.DecimalType(14, 2))


def parse_long(column: Column) -> Column:
    """64-bit whole number of a text of digits, else null."""
    text = blank_to_null(column)
    return F.when(text.rlike(r"^[+-]?\d+$"), text).try_cast("bigint")


def parse_boolean(column: Column) -> Column:
    """true for true, t, yes, y, 1; false for false, f, no, n, 0; else null. Any case."""
    text = F.lower(blank_to_null(column))
    return F.when(text.isin("true", "t", "yes", "y", "1"), True).when(text.isin("false", "f", "no", "n", "0"), False)


def split_list(column: Column) -> Column:
    """Array of the parts of `a|b`, blanks removed; a blank text gives null."""
    parts = F.split(blank_to_null(column), r"\|")
    return F.filter(F.transform(parts, lambda part: F.trim(part)), lambda part: part != "")


def parse(column: Column, type: T.DataType, dates: Sequence[str], timestamps: Sequence[str]) -> Column:
    """Text as `type`, null where it cannot be read as it.

    Raises:
        TypeError: no parser exists for the type.
    """
    if isinstance(type, T.StringType):
        return blank_to_null(column)
    if isinstance(type, T.DecimalType):
        return parse_decimal(column, type)
    if isinstance(type, T.DateType):
        return parse_date(column, dates)
    if isinstance(type, T.TimestampType):
        return parse_timestamp(column, timestamps)
    if isinstance(type, T.BooleanType):
        return parse_boolean(column)
    if isinstance(type, (T.LongType, T.IntegerType)):
        return parse_long(column).try_cast(type)
    if isinstance(type, T.ArrayType) and isinstance(type.elementType, T.StringType):
        return split_list(column)
    raise TypeError(f"no parser for {type.simpleString()}; use one of the types of lakehouse.spec.field")


def row_hash(columns: Iterable[str]) -> Column:
    """64-bit hash over `columns`, in their order, in which a null differs from every value and every other position."""
    return F.xxhash64(*[F.struct(F.col(c).isNull(), F.col(c)) for c in columns])


def month_of(column: Column) -> Column:
    """First day of the month of a date."""
    return F.trunc(column, "month")


def sum_money(column: Column | str) -> Column:
    """Exact sum as decimal(18,2); null when no value is present."""
    return F.sum(column).cast(T.DecimalType(18, 2))


def money_or_zero(column: Column | str) -> Column:
    """The amount, 0.00 where there is none: for adding amounts of which any may be absent."""
    value = F.col(column) if isinstance(column, str) else column
    return F.coalesce(value, F.lit("0.00").cast(T.DecimalType(14, 2)))
