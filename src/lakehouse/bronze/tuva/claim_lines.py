"""Claim lines of the Tuva input layer. Amounts that institutional lines only repeat are left to the claim."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import lineage_of, stated_columns
from lakehouse.bronze.tuva.claim_rows import with_claim
from lakehouse.bronze.tuva.claims import MONEY
from lakehouse.bronze.tuva.codes import procedure_code_system
from lakehouse.bronze.tuva.medical_claim import MODIFIERS, medical_claim
from lakehouse.spec.columns import blank_to_null
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.feed import conforms, elsewhere_column
from lakehouse.spec.scopes import changes


def line_amount(name: str) -> Column:
    """The amount as sent; null when it is the claim's."""
    return F.when(~F.col(f"{name}_is_of_claim"), F.col(name))


def amount_left_to_claim(name: str) -> Column:
    """What the line says of an amount that is the claim's."""
    return F.when(F.col(f"{name}_is_of_claim"), F.col(name)).alias(elsewhere_column(name))


def line_date(of_line: str, of_claim: str) -> Column:
    """The line's date; where blank, the claim's."""
    return F.coalesce(blank_to_null(F.col(of_line)), F.col(of_claim))


@conforms(CLAIM_LINES, reads={"lines": changes(medical_claim)}, money=MONEY, elsewhere="stated_by_the_claim")
def conform_claim_lines(lines: DataFrame) -> DataFrame:
    """One row per line, total rows (revenue code 0001) too. Inpatient procedures (ICD-10-PCS) belong to no line."""
    rows = with_claim(lines)
    stated = {
        "network": F.col("_network"),
        "claim_id": F.col("claim_id"),
        "line_id": F.col("claim_line_number"),
        "line_number": F.col("claim_line_number"),
        "service_from_date": line_date("claim_line_start_date", "claim_start_date"),
        "service_to_date": line_date("claim_line_end_date", "claim_end_date"),
        "procedure_code": F.col("hcpcs_code"),
        "procedure_code_system": procedure_code_system(F.col("hcpcs_code")),
        "modifiers": F.concat_ws("|", *[blank_to_null(F.col(name)) for name in MODIFIERS]),
        "revenue_code": F.col("revenue_center_code"),
        "place_of_service_code": F.col("place_of_service_code"),
        "units": F.col("service_unit_quantity"),
        "rendering_provider_id": F.col("rendering_npi"),
        "rendering_npi": F.col("rendering_npi"),
        **{into: line_amount(name) for name, (into,) in MONEY.items()},
        "patient_responsibility_amount": line_amount("patient_amount"),
    }
    return rows.select(
        *stated_columns(CLAIM_LINES, stated),
        *[amount_left_to_claim(name) for name in MONEY],
        *lineage_of(lines),
        F.lit(None).cast("string").alias("_drop_reason"),
    )
