"""Claim lines, newest state of each. Conformed from every network's claim-line feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import clean_code
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.expectations import WARN, accepted_values, matches, not_after, row
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed, period_of
from lakehouse.spec.table import table

PROCEDURE_CODE_SYSTEMS = ("cpt", "hcpcs", "icd10pcs", "cdt", "ndc", "snomed", "rxnorm", "cvx", "other")
NPI = r"[12]\d{9}"
CODES = ("procedure_code", "place_of_service_code", "rendering_npi", "denial_code")


def revenue_code() -> Column:
    """UB-04 revenue code with its leading zeros: `450` and `0450` are one code, and `1` is the total line `0001`."""
    code = clean_code(F.col("revenue_code"))
    return F.when(code.rlike(r"\A\d{1,3}\z"), F.lpad(code, 4, "0")).otherwise(code)


def charge_not_negative() -> Column:
    """The line charges nothing or more; senders of signed differences do break this."""
    return F.col("billed_amount") >= 0


def units_positive() -> Column:
    """At least a part of a unit was served."""
    return F.col("units") > 0


@table(
    "silver.claim_line",
    reads={"lines": changes(conformed(CLAIM_LINES))},
    fields=CLAIM_LINES.silver_fields(),
    write=Merge(keys=("network", "claim_id", "line_id")),
    partition_by=period_of("service_from_date"),
    expectations=[
        accepted_values("procedure_code_system", PROCEDURE_CODE_SYSTEMS, nulls="pass", on_failure=WARN),
        matches("revenue_code", r"\d{4}", nulls="pass", on_failure=WARN),
        matches("place_of_service_code", r"\d{2}", nulls="pass", on_failure=WARN),
        matches("rendering_npi", NPI, nulls="pass", on_failure=WARN),
        row("charge_not_negative", charge_not_negative, nulls="pass", on_failure=WARN),
        row("units_positive", units_positive, nulls="pass", on_failure=WARN),
        not_after("service_from_date", "service_to_date", on_failure=WARN),
    ],
    freshness=Freshness(within="26 hours"),
)
def claim_line(lines: DataFrame) -> DataFrame:
    """One row per claim line, newest state; codes in upper case, revenue codes in four digits, the rest as sent."""
    cleaned = {
        **{code: clean_code(F.col(code)) for code in CODES},
        "procedure_code_system": F.lower("procedure_code_system"),
        "modifiers": F.transform("modifiers", clean_code),
        "revenue_code": revenue_code(),
    }
    return lines.withColumns(cleaned).select(*[f.name for f in CLAIM_LINES.silver_fields()], "_lineage")
