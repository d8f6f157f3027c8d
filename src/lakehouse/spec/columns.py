"""Shared column functions: Column in, Column out. Untrusted text never raises: what cannot be read becomes null."""

from collections.abc import Iterable, Sequence

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

_ZONE = "[XXX][XX][X]"  # none means UTC
_INSTANTS = (f"yyyy-MM-dd'T'HH:mm:ss[.SSSSSSSSS]{_ZONE}", f"yyyy-MM-dd HH:mm:ss[.SSSSSSSSS]{_ZONE}")
ISO_DATES = ("yyyy-MM-dd", "yyyyMMdd", *_INSTANTS)
ISO_TIMESTAMPS = (*_INSTANTS, "yyyy-MM-dd")
_BLANKS = " \t\n\x0b\f\r\u00a0"
SSN_MASK = "***-**-****"
_TRUE = ("true", "t", "yes", "y", "1")
_NPI_ISSUER = "80840"  # health applications, United States: ISO 7812
_FALSE = ("false", "f", "no", "n", "0")


def blank_to_null(column: Column) -> Column:
    """Text without surrounding blanks (tabs, line ends and no-break spaces too); empty becomes null."""
    return F.nullif(F.btrim(column, F.lit(_BLANKS)), F.lit(""))


def clean_code(column: Column) -> Column:
    """A code in upper case without surrounding blanks; empty becomes null. Leading zeros stay."""
    return F.upper(blank_to_null(column))


def parse_timestamp(column: Column, formats: Sequence[str] = ISO_TIMESTAMPS) -> Column:
    """UTC instant of a text in the first of `formats` (Spark patterns) that fits, else null."""
    return parse_clean(blank_to_null(column), T.TimestampType(), (), formats)


def parse_date(column: Column, formats: Sequence[str] = ISO_DATES) -> Column:
    """Date of a text in the first of `formats` that fits, else null; an instant gives its UTC date."""
    return parse_clean(blank_to_null(column), T.DateType(), formats, ())


def parse_decimal(column: Column, type: T.DecimalType) -> Column:
    """Exact decimal of a text, else null.

    Accepts a currency sign, thousands separators in their places, a leading or trailing minus and accounting
    parentheses for a negative. More decimals than the type holds (zeros aside) are not rounded: they give null.
    """
    return parse_clean(blank_to_null(column), type, (), ())


def parse_money(column: Column) -> Column:
    """US dollars as decimal(14,2); see `parse_decimal`."""
    return parse_decimal(column, T.DecimalType(14, 2))


def parse_long(column: Column) -> Column:
    """64-bit whole number of a text of digits, else null."""
    return parse_clean(blank_to_null(column), T.LongType(), (), ())


def parse_boolean(column: Column) -> Column:
    """true for true, t, yes, y, 1; false for false, f, no, n, 0; else null. Any case."""
    return parse_clean(blank_to_null(column), T.BooleanType(), (), ())


def split_list(column: Column) -> Column:
    """Array of the parts of `a|b`, blanks removed; a blank text gives null."""
    return parse_clean(blank_to_null(column), T.ArrayType(T.StringType()), (), ())


def parse_clean(text: Column, type: T.DataType, dates: Sequence[str], timestamps: Sequence[str]) -> Column:
    """Text that `blank_to_null` has cleaned, as `type`; null where it cannot be read as it.

    Cleaning is apart so that a wide row is cleaned once, in a projection of its own, and not once per use.

    Raises:
        TypeError: no parser exists for the type.
    """
    if isinstance(type, T.StringType):
        return text
    if isinstance(type, T.DecimalType):
        return _decimal(text, type)
    if isinstance(type, T.DateType):
        return F.to_date(_first_instant(text, dates))
    if isinstance(type, T.TimestampType):
        return _first_instant(text, timestamps)
    if isinstance(type, T.BooleanType):
        lower = F.lower(text)
        return F.when(lower.isin(*_TRUE), True).when(lower.isin(*_FALSE), False)
    if isinstance(type, (T.LongType, T.IntegerType)):
        return F.when(text.rlike(r"^[+-]?\d+$"), text).try_cast(type)
    if isinstance(type, T.ArrayType) and isinstance(type.elementType, T.StringType):
        parts = F.transform(F.split(text, r"\|"), lambda part: F.trim(part))
        return F.filter(parts, lambda part: part != "")
    raise TypeError(f"no parser for {type.simpleString()}; use one of the types of lakehouse.spec.field")


def _first_instant(text: Column, formats: Sequence[str]) -> Column:
    """Spark also reads years before 1 and after 9999, on which Python and other readers of the table break."""
    found = F.coalesce(*[F.try_to_timestamp(text, F.lit(pattern)) for pattern in formats])
    first, last = (F.lit(end).cast("timestamp") for end in ("0001-01-01", "9999-12-31 23:59:59.999999"))
    return F.when(found.between(first, last), found)


def _decimal(text: Column, type: T.DecimalType) -> Column:
    """A plain number is cast. Of other texts one expression decides whether the whole of it is an amount that fits."""
    plain = rf"^-?\d+(\.\d{{0,{type.scale}}})?$"
    places = r"(\.\d{0," + str(type.scale) + r"}0*)?"
    number = r"(?=[^\d]*\d)(\d+|\d{1,3}(,\d{3})+)?" + places
    forms = rf"^((-\s*\$?|\$?\s*-?)\s*{number}|\$?\s*{number}-|\(\s*\$?\s*{number}\s*\))$"
    digits = F.regexp_replace(text, r"[^\d.]", "").try_cast(type)
    amount = F.when(text.rlike(forms), digits)
    signed = F.when(text.rlike("[-(]"), (-amount).cast(type)).otherwise(amount)
    return F.when(text.rlike(plain), text.try_cast(type)).otherwise(signed)


def npi_is_valid(column: Column) -> Column:
    """Whether a text is a National Provider Identifier: ten digits, the first 1 or 2, and Luhn's check digit over
    80840 and all of them (45 CFR 162.406, domain.md B18); null for null."""
    checked = F.call_function("luhn_check", F.concat(F.lit(_NPI_ISSUER), column))
    return F.when(column.isNotNull(), F.coalesce(column.rlike(r"\A[12]\d{9}\z") & checked, F.lit(False)))


def mask_ssn(column: Column) -> Column:
    """The text with every social security number in it (three, two and four digits, dashes or blanks between) masked;
    domain.md B36."""
    return F.regexp_replace(column, r"(?<!\d)\d{3}([- ])\d{2}\1\d{4}(?!\d)", SSN_MASK)


def row_hash(columns: Iterable[str]) -> Column:
    """64-bit hash over `columns`, in their order, in which a null differs from every value and every other position."""
    # A null leaves the hash as it was, so which columns are null is hashed first; a struct for each would cost more.
    found = [F.col(c) for c in columns]
    return F.xxhash64(*[c.isNull() for c in found], *found)


def month_of(column: Column) -> Column:
    """First day of the month of a date."""
    return F.trunc(column, "month")


def sum_money(column: Column | str) -> Column:
    """Exact sum as decimal(18,2); null when no value is present."""
    return F.sum(column).cast(T.DecimalType(18, 2))


def sum_where(condition: Column, column: Column | str) -> Column:
    """Exact sum over the rows that meet `condition`, as decimal(18,2); 0.00 when none does or none states an amount."""
    found = sum_money(F.when(condition, F.col(column) if isinstance(column, str) else column))
    return F.coalesce(found, F.lit("0.00").cast(T.DecimalType(18, 2)))


def money_or_zero(column: Column | str) -> Column:
    """The amount, 0.00 where there is none: for adding amounts of which any may be absent."""
    value = F.col(column) if isinstance(column, str) else column
    return F.coalesce(value, F.lit("0.00").cast(T.DecimalType(14, 2)))
