"""Claims of the Tuva input layer: the first line of each stands for it, the other lines are dropped with a reason."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.bronze.conformed_columns import lineage_of, stated_columns
from lakehouse.bronze.tuva.claim_rows import ANOTHER_LINE, of_claim, with_claim
from lakehouse.bronze.tuva.codes import bill_type, frequency, ms_drg, without_dot
from lakehouse.bronze.tuva.coverage import coverage_on, spans_by_person
from lakehouse.bronze.tuva.eligibility import eligibility
from lakehouse.bronze.tuva.medical_claim import DIAGNOSES, medical_claim
from lakehouse.spec.columns import parse_date
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.feed import conforms, elsewhere_column
from lakehouse.spec.scopes import changes, snapshot

MONEY = {
    "charge_amount": ("billed_amount",),
    "allowed_amount": ("allowed_amount",),
    "paid_amount": ("paid_amount",),
}


def with_payer(lines: DataFrame, spans: DataFrame) -> DataFrame:
    """`lines`, one row each, with `payer_name`, `plan_name` and `line_of_business` of the claim.

    The claim's own payer and plan, where it names them; else those of its person's coverage on its first day.
    """
    claims = lines.withColumns({"person": of_claim("patient_id"), "claim_payer": of_claim("payer")})
    known = claims.join(spans_by_person(spans), on="person", how="left")  # one row per person on the right
    coverage = coverage_on(parse_date(of_claim("claim_start_date")), F.col("claim_payer"))
    found = known.withColumn("coverage", coverage)
    return found.withColumns(
        {
            "payer_name": F.coalesce("claim_payer", "coverage.payer"),
            "plan_name": F.coalesce(of_claim("plan"), F.col("coverage.plan")),
            "line_of_business": F.col("coverage.payer_type"),
        }
    )


def header_amount(name: str) -> Column:
    """The amount that is the claim's. A dropped line keeps what it says, so that the ledger shows what was dropped."""
    return F.when(~F.col("stands_for_claim") | F.col(f"{name}_is_of_claim"), F.col(name))


def amount_left_to_lines(name: str) -> Column:
    """What the first line says of an amount that is the lines'."""
    is_lines = F.col("stands_for_claim") & ~F.col(f"{name}_is_of_claim")
    return F.when(is_lines, F.col(name)).alias(elsewhere_column(name))


@conforms(
    CLAIMS,
    reads={"lines": changes(medical_claim), "spans": snapshot(eligibility)},
    money=MONEY,
    elsewhere="stated_by_the_lines",
)
def conform_claims(lines: DataFrame, spans: DataFrame) -> DataFrame:
    """One row per line, of which the first of each claim is used: for the claim, with what any of its lines states.

    An amount that every line of an institutional claim repeats is the claim's, taken once; all others are the lines'.
    Final bills refer to no original, so a replacement (7) or a void (8) names none.
    """
    claims = with_payer(with_claim(lines), spans)
    npis = {role: of_claim(f"{role}_npi") for role in ("billing", "rendering", "facility")}
    stated = {
        "network": F.col("_network"),
        "claim_id": F.col("claim_id"),
        "frequency_code": frequency(of_claim("bill_type_code")),
        "claim_type": of_claim("claim_type"),
        "member_id": F.col("person"),
        **{name: F.col(name) for name in ("payer_name", "plan_name", "line_of_business")},
        **{f"{role}_provider_id": npi for role, npi in npis.items()},
        **{f"{role}_npi": npi for role, npi in npis.items()},
        "service_from_date": of_claim("claim_start_date"),
        "service_to_date": of_claim("claim_end_date"),
        "admission_date": of_claim("admission_date"),
        "discharge_date": of_claim("discharge_date"),
        "adjudicated_date": of_claim("paid_date"),
        "bill_type_code": bill_type(of_claim("bill_type_code")),
        "drg_code": ms_drg(of_claim("drg_code"), of_claim("drg_code_type")),
        "diagnosis_codes": F.concat_ws("|", *[without_dot(of_claim(name)) for name in DIAGNOSES]),
        "money_level": F.when(F.col("charge_amount_is_of_claim"), "header").otherwise("line"),
        **{into: header_amount(name) for name, (into,) in MONEY.items()},
        "patient_responsibility_amount": header_amount("patient_amount"),
    }
    return claims.select(
        *stated_columns(CLAIMS, stated),
        *[amount_left_to_lines(name) for name in MONEY],
        *lineage_of(lines),
        F.when(~F.col("stands_for_claim"), ANOTHER_LINE).alias("_drop_reason"),
    )
