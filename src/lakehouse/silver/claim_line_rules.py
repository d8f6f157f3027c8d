"""Conditions of the rules of `silver.claim_line`. The actions stand in its table file."""

from functools import reduce

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import npi_is_valid
from lakehouse.spec.expectations import CheckContext

CODE_FORMS = {
    "cpt": r"\d{4}[0-9A-Z]",
    "hcpcs": r"[A-V]\d{4}",
    "icd10pcs": r"[0-9A-HJ-NP-Z]{7}",
    "cdt": r"D\d{4}",
    "ndc": r"\d{11}|[\d-]{12,13}",
    "snomed": r"\d{6,18}",
    "rxnorm": r"\d{1,8}",
    "cvx": r"\d{1,3}",
}
MOST_UNITS = 99_999
REPEATS = ("50", "59", "76", "77", "91", "XE", "XP", "XS", "XU")
"""Modifiers that say the same service was given again."""


def charge_not_negative() -> Column:
    """The line charges nothing or more; lines of voids and senders of signed differences do break this."""
    return F.col("billed_amount") >= 0


def units_positive() -> Column:
    """At least a part of a unit was served."""
    return F.col("units") > 0


def units_within_reason() -> Column:
    """No more units than any code allows on a line: 99,999."""
    return F.col("units") <= MOST_UNITS


def rendering_npi_valid() -> Column:
    """The line's rendering NPI has ten digits, begins with 1 or 2 and its check digit is right, or is absent."""
    return npi_is_valid(F.col("rendering_npi"))


def procedure_code_formed() -> Column:
    """The procedure code has the form of its code system; systems without a form, and codes without a system, pass."""
    system, code = F.col("procedure_code_system"), F.col("procedure_code")
    forms = [(system != name) | code.rlike(rf"\A(?:{form})\z") for name, form in CODE_FORMS.items()]
    return reduce(Column.__and__, forms)


def modifiers_formed() -> Column:
    """Every modifier is two letters or digits."""
    return F.forall("modifiers", lambda modifier: modifier.rlike(r"\A[0-9A-Z]{2}\z"))


def revenue_code_or_place_of_service() -> Column:
    """A line has the revenue code of an institutional claim or the place of service of a professional one."""
    return F.col("revenue_code").isNull() | F.col("place_of_service_code").isNull()


def line_number_present() -> Column:
    """The line has a number."""
    return F.col("is_deleted") | F.col("line_number").isNotNull()


def line_number_from_one() -> Column:
    """Lines are numbered from 1."""
    return F.col("line_number") >= 1


def denied_line_is_unpaid() -> Column:
    """A line with a denial code was paid nothing; partial denials do break this."""
    return F.col("denial_code").isNull() | (F.col("paid_amount") <= 0)


def repeated_line_numbers(lines: DataFrame, context: CheckContext) -> DataFrame:
    """No two lines of a claim have one number; judged among the lines of the build."""
    numbered = lines.where(~F.col("is_deleted") & F.col("line_number").isNotNull())
    return _repeated(numbered, "network", "claim_id", "line_number")


def repeated_lines(lines: DataFrame, context: CheckContext) -> DataFrame:
    """No two lines of a claim agree in code, modifiers, units, dates and charge, unless a modifier says so."""
    excused = F.coalesce(F.arrays_overlap("modifiers", F.array(*[F.lit(m) for m in REPEATS])), F.lit(False))
    served = lines.where(~F.col("is_deleted") & F.col("procedure_code").isNotNull() & ~excused)
    same = ("procedure_code", "modifiers", "units", "service_from_date", "service_to_date", "billed_amount")
    return _repeated(served, "network", "claim_id", *same)


def _repeated(lines: DataFrame, *columns: str) -> DataFrame:
    return lines.groupBy(*columns).agg(F.count(F.lit(1)).alias("row_count")).where(F.col("row_count") > 1)
