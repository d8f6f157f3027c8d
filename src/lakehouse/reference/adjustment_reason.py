"""What a claim adjustment reason means to us. Source: `adjustment_reason.csv`, kept by the claims-data stewards.

Reasons are numbers of X12 list 139, whose wording belongs to X12 and stands nowhere here: the words are our own.
Denials of eligibility, authorization, coding and the like could have been avoided before submission; denials of
medical necessity, non-covered services and used-up benefits could not. A reason without a row is unknown.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.columns import parse_boolean, parse_date
from lakehouse.spec.expectations import FAIL, accepted_values, matches, row, unique
from lakehouse.spec.field import BOOLEAN, DATE, STRING, field
from lakehouse.spec.scopes import ReplacePartitions, resource
from lakehouse.spec.table import table

GROUPS = ("-", "CO", "PR", "OA", "PI", "CR")
DENIAL_CATEGORIES = (
    "authorization", "benefit_limit", "bundling", "coding", "coordination_of_benefits", "documentation", "duplicate",
    "eligibility", "medical_necessity", "non_covered", "out_of_network", "prior_payer", "provider_enrolment",
    "timely_filing", "unspecified",
)  # fmt: skip
OTHER_CATEGORIES = (
    "capitation", "contractual", "interest", "paid_to_patient", "patient_responsibility", "pended", "predetermination",
    "prior_payer", "reporting_only", "withholding",
)  # fmt: skip
NEVER_DENIALS = (
    *((group, reason) for group in ("PR", "-") for reason in ("1", "2", "3")),
    ("OA", "23"),
    ("CO", "24"),
    ("CO", "45"),
    ("CO", "253"),
)
"""Groups and reasons that are normal pricing: deductible, coinsurance and copay, an earlier payer's part, capitation,
fee schedule, sequestration. domain.md 1.5."""


def normal_pricing_is_no_denial() -> Column:
    """`NEVER_DENIALS` are none."""
    named = [(F.col("group_code") == group) & (F.col("reason_code") == reason) for group, reason in NEVER_DENIALS]
    return ~F.greatest(*named) | ~F.col("is_denial")


def category_goes_with_the_answer() -> Column:
    """Denials have a category of denials, all else one of the others."""
    of_denials, of_others = F.col("category").isin(*DENIAL_CATEGORIES), F.col("category").isin(*OTHER_CATEGORIES)
    return F.when(F.col("is_denial"), of_denials).otherwise(of_others & ~F.col("is_preventable"))


@table(
    "reference.adjustment_reason",
    reads={"rows": resource("lakehouse.reference", "adjustment_reason.csv")},
    fields=[
        field(
            "group_code", STRING, "835 CAS group the answer is for; - for any without a row of its own", required=True
        ),
        field("reason_code", STRING, "claim adjustment reason code, X12 list 139", required=True),
        field("is_denial", BOOLEAN, "counts as a denial", required=True),
        field("category", STRING, "what the adjustment is about, in our own words", required=True),
        field("is_preventable", BOOLEAN, "could have been avoided before submission", required=True),
        field("effective_date", DATE, "day the decision took effect; a later decision replaces the row", required=True),
        field("source", STRING, "why the reason is classified so", required=True),
    ],
    write=ReplacePartitions(keys=("group_code", "reason_code")),
    expectations=[
        unique("group_code", "reason_code", on_failure=FAIL),
        accepted_values("group_code", GROUPS, on_failure=FAIL),
        matches("reason_code", r"[1-9]\d{0,2}|[A-Z](\d|[1-9]\d)", on_failure=FAIL),
        row("category_goes_with_the_answer", category_goes_with_the_answer, on_failure=FAIL),
        row("normal_pricing_is_no_denial", normal_pricing_is_no_denial, on_failure=FAIL),
    ],
    tags=("reference",),
)
def adjustment_reason(rows: DataFrame) -> DataFrame:
    """One row per adjustment group and reason that a steward decided on; group `-` answers for groups without a row."""
    return rows.select(
        "group_code",
        "reason_code",
        parse_boolean(F.col("is_denial")).alias("is_denial"),
        "category",
        parse_boolean(F.col("is_preventable")).alias("is_preventable"),
        parse_date(F.col("effective_date")).alias("effective_date"),
        "source",
    )
