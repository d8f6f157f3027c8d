"""Claim lines, newest state of each. Conformed from every network's claim-line feed."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver import claim_line_rules as rules
from lakehouse.silver.amount_rules import allowed_within_billed, charge_not_zero, paid_within_allowed
from lakehouse.silver.date_rules import dates_not_far_ahead, dates_not_too_early
from lakehouse.spec.columns import clean_code
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.expectations import WARN, accepted_values, batch, matches, not_after, row
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed, period_of
from lakehouse.spec.table import table

PROCEDURE_CODE_SYSTEMS = ("cpt", "hcpcs", "icd10pcs", "cdt", "ndc", "snomed", "rxnorm", "cvx", "other")
DATES = ("service_from_date", "service_to_date")
CODES = ("procedure_code", "place_of_service_code", "rendering_npi", "denial_code")


def revenue_code() -> Column:
    """UB-04 revenue code with its leading zeros: `450` and `0450` are one code, and `1` is the total line `0001`."""
    code = clean_code(F.col("revenue_code"))
    return F.when(code.rlike(r"\A\d{1,3}\z"), F.lpad(code, 4, "0")).otherwise(code)


@table(
    "silver.claim_line",
    reads={"lines": changes(conformed(CLAIM_LINES))},
    fields=CLAIM_LINES.silver_fields(),
    write=Merge(keys=("network", "claim_id", "line_id")),
    partition_by=period_of("service_from_date"),
    expectations=[
        dates_not_too_early(*DATES),
        dates_not_far_ahead(*DATES),
        not_after("service_from_date", "service_to_date", on_failure=WARN, source="B12"),
        accepted_values("procedure_code_system", PROCEDURE_CODE_SYSTEMS, nulls="pass", on_failure=WARN, source="B21"),
        row(
            "procedure_code_formed",
            rules.procedure_code_formed,
            nulls="pass",
            on_failure=WARN,
            source="B21, 45 CFR 162.1002",
        ),
        row("modifiers_formed", rules.modifiers_formed, nulls="pass", on_failure=WARN, source="B21"),
        matches("revenue_code", r"\d{4}", nulls="pass", on_failure=WARN, source="B22, NUBC UB-04"),
        matches("place_of_service_code", r"\d{2}", nulls="pass", on_failure=WARN, source="B22, CMS place of service"),
        row(
            "revenue_code_or_place_of_service",
            rules.revenue_code_or_place_of_service,
            nulls="pass",
            on_failure=WARN,
            source="B23",
        ),
        row(
            "rendering_npi_valid",
            rules.rendering_npi_valid,
            nulls="pass",
            on_failure=WARN,
            source="B18, 45 CFR 162.406",
        ),
        row("charge_not_negative", rules.charge_not_negative, nulls="pass", on_failure=WARN, source="B15"),
        row("charge_not_zero", charge_not_zero, nulls="pass", on_failure=WARN, source="B16"),
        row("paid_within_allowed", paid_within_allowed, nulls="pass", on_failure=WARN, source="C03"),
        row("allowed_within_billed", allowed_within_billed, nulls="pass", on_failure=WARN, source="C04"),
        row("units_positive", rules.units_positive, nulls="pass", on_failure=WARN, source="B17"),
        row("units_within_reason", rules.units_within_reason, nulls="pass", on_failure=WARN, source="B17"),
        row("denied_line_is_unpaid", rules.denied_line_is_unpaid, nulls="pass", on_failure=WARN, source="C09, C10"),
        row("line_number_present", rules.line_number_present, on_failure=WARN, source="C06"),
        row("line_number_from_one", rules.line_number_from_one, nulls="pass", on_failure=WARN, source="C06"),
        batch("line_numbers_differ", rules.repeated_line_numbers, on_failure=WARN, source="C06"),
        batch("lines_differ", rules.repeated_lines, on_failure=WARN, source="C08"),
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
