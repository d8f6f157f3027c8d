"""Codes of the Tuva input layer in the form of the contracts: procedure systems, types of bill, groups, diagnoses."""

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.spec.columns import blank_to_null, clean_code

CPT = r"^\d{4}[0-9A-Z]\z"  # domain.md 1.7; F category II, T category III, U laboratory
HCPCS = r"^[A-V]\d{4}\z"


def procedure_code_system(code: Column) -> Column:
    """cpt, hcpcs or other by the shape of the code; null without one."""
    text = clean_code(code)
    return F.when(text.rlike(CPT), "cpt").when(text.rlike(HCPCS), "hcpcs").when(text.isNotNull(), "other")


def bill_type(code: Column) -> Column:
    """UB-04 type of bill in three characters: `0111` and `111` are one. Others stay as sent."""
    text = clean_code(code)
    return F.when(text.rlike(r"^0[0-9A-Z]{3}\z"), F.substring(text, 2, 3)).otherwise(text)


def frequency(code: Column) -> Column:
    """Last character of a type of bill of three; null for anything else. Letters are payers' own and stay."""
    text = bill_type(code)
    return F.when(text.rlike(r"^[0-9A-Z]{3}\z"), F.substring(text, 3, 1))


def ms_drg(code: Column, code_type: Column) -> Column:
    """MS-DRG in three digits, zeros at the front put back; null when the sender says that it is another grouping."""
    text = clean_code(code)
    is_other = F.lower(blank_to_null(code_type)) != "ms-drg"
    digits = F.when(text.rlike(r"^\d{1,2}\z"), F.lpad(text, 3, "0")).otherwise(text)
    return F.when(~F.coalesce(is_other, F.lit(False)), digits)


def without_dot(code: Column) -> Column:
    """A diagnosis without its dot; null when blank."""
    return F.replace(blank_to_null(code), F.lit("."), F.lit(""))
