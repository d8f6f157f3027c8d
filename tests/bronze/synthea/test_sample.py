"""The conform functions over a whole Synthea export (27 patients) against its known totals."""

import csv
import os
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from builders import given
from lakehouse.bronze.synthea.claim_lines import conform_claim_lines
from lakehouse.bronze.synthea.claims import conform_claims
from lakehouse.bronze.synthea.organizations import conform_organizations
from lakehouse.bronze.synthea.payer_transitions import conform_eligibility
from lakehouse.bronze.synthea.payments import conform_payments
from lakehouse.bronze.synthea.providers import conform_providers
from lakehouse.spec.feed import Conform, Feed

BESIDE_REPOSITORY = Path(__file__).parents[3] / ".." / "shared" / "data"
SAMPLE = Path(os.environ.get("LAKEHOUSE_SHARED_DATA", BESIDE_REPOSITORY)) / "synthea"

pytestmark = pytest.mark.skipif(
    not SAMPLE.is_dir(),
    reason="no Synthea export in <shared data>/synthea; set LAKEHOUSE_SHARED_DATA to its parent folder",
)


def sample_rows(feed: Feed) -> list[dict[str, str | None]]:
    """The rows of the feed's file under its declared column names; blanks as null."""
    column_of = {h: f.name for f in feed.fields for h in (f.name, *f.aliases)}
    with (SAMPLE / f"{feed.name}.csv").open(encoding="utf-8", newline="") as file:
        sent = [{column_of[h.lower()]: value or None for h, value in row.items()} for row in csv.DictReader(file)]
    missing = dict.fromkeys(f.name for f in feed.fields)
    return [{**missing, **row} for row in sent]


def conformed(spark: SparkSession, conform: Conform) -> DataFrame:
    """The conform function over the sample."""
    return conform(**{name: given(spark, feed, *sample_rows(feed)) for name, feed in conform.feeds.items()}).cache()


def total(frame: DataFrame, column: str) -> Decimal:
    """Exact sum of a text column of amounts."""
    return frame.select(F.sum(F.col(column).cast("decimal(14,2)")).alias("total")).first().total or Decimal("0.00")


def test_claims_keep_every_row_and_name_every_known_payer(spark: SparkSession) -> None:
    claims = conformed(spark, conform_claims)
    payers = Counter(r.payer_name for r in claims.select("payer_name").collect())
    assert payers == {
        "Medicaid": 239,
        None: 216,
        "Anthem": 197,
        "Aetna": 144,
        "Cigna Health": 125,
        "Blue Cross Blue Shield": 119,
        "UnitedHealthcare": 103,
        "Humana": 100,
        "Medicare": 24,
    }
    assert claims.where("payer_id is null").count() == 216
    assert claims.where("secondary_payer_name is not null").count() == 19
    assert claims.where("is_closed = 'true' and closed_date is not null").count() == 1265
    assert claims.where("is_closed = 'false' and closed_date is null").count() == 2
    assert claims.where("facility_provider_id is null or service_to_date is null or member_id is null").isEmpty()


def test_charges_add_up_and_nothing_else_is_a_line(spark: SparkSession) -> None:
    rows = conformed(spark, conform_claim_lines)
    lines = rows.where("_drop_reason is null")
    assert lines.count() == 1545
    assert lines.select("claim_id", "line_id").distinct().count() == 1545
    assert total(lines, "billed_amount") == Decimal("1092402.73")
    reasons = Counter(r._drop_reason for r in rows.where("_drop_reason is not null").select("_drop_reason").collect())
    assert reasons == {
        "payment_is_not_a_charge": 1843,
        "transferin_is_not_a_charge": 920,
        "transferout_is_not_a_charge": 920,
    }
    sent = sum(Decimal(r["amount"] or "0") for r in sample_rows(conform_claim_lines.main))
    assert total(rows, "billed_amount") == sent == Decimal("1649528.25")
    systems = Counter(r.procedure_code_system for r in lines.select("procedure_code_system").collect())
    assert set(systems) == {"snomed", "rxnorm", "cvx"}
    assert systems["cvx"] == 29
    drugs = lines.where("procedure_code_system = 'rxnorm'").select("procedure_code").distinct()
    assert drugs.count() == 32
    assert lines.where("service_to_date is null").count() == 75


def test_payments_add_up_by_who_paid(spark: SparkSession) -> None:
    rows = conformed(spark, conform_payments)
    payments = rows.where("_drop_reason is null")
    payer, patient = payments.where("payment_kind = 'payer'"), payments.where("payment_kind = 'patient'")
    assert (payments.count(), payer.count(), patient.count()) == (1843, 184, 1659)
    assert total(payer, "paid_amount") == Decimal("15473.58")
    assert total(payer.where("payer_sequence = '1'"), "paid_amount") == Decimal("14950.30")
    assert total(payer.where("payer_sequence = '2'"), "paid_amount") == Decimal("523.28")
    assert total(patient, "patient_paid_amount") == Decimal("1088030.37")
    assert payments.where("line_id is null").isEmpty()
    sent = sum(Decimal(r["payments"] or "0") for r in sample_rows(conform_payments.main))
    assert total(rows, "paid_amount") + total(rows, "patient_paid_amount") == sent == Decimal("1103503.95")


def test_no_line_of_the_sample_is_paid_short(spark: SparkSession) -> None:
    # Holds per line only if every payment found its own charge: no claim of the sample is paid less than charged.
    lines = conformed(spark, conform_claim_lines).where("_drop_reason is null").select("line_id", "billed_amount")
    paid = (
        conformed(spark, conform_payments)
        .where("_drop_reason is null")
        .groupBy("line_id")
        .agg(F.sum(F.coalesce("paid_amount", "patient_paid_amount").cast("decimal(14,2)")).alias("paid"))
    )
    assert (
        lines.join(paid, "line_id", "left").where("coalesce(paid, 0) < cast(billed_amount as decimal(14,2))").isEmpty()
    )


def test_uninsured_spans_are_no_coverage(spark: SparkSession) -> None:
    spans = conformed(spark, conform_eligibility)
    reasons = Counter(r._drop_reason for r in spans.select("_drop_reason").collect())
    assert reasons == {None: 792, "no_insurance_is_not_coverage": 258, "zero_length_span": 1}
    used = spans.where("_drop_reason is null")
    assert used.where(
        "payer_name is null or birth_date is null or state <> 'MA' or coverage_end_date < coverage_start_date"
    ).isEmpty()
    assert used.select("member_id", "payer_name", F.substring("coverage_start_date", 1, 10)).distinct().count() == 792


def test_rosters_hold_every_provider_that_claims_name(spark: SparkSession) -> None:
    roster = conformed(spark, conform_providers).unionByName(conformed(spark, conform_organizations))
    assert roster.select("provider_id", "location_id").distinct().count() == 166 + 63
    claims = conformed(spark, conform_claims)
    named = claims.select(F.explode(F.array("rendering_provider_id", "facility_provider_id")).alias("provider_id"))
    assert named.join(roster, "provider_id", "left_anti").isEmpty()
    assert roster.where(~F.col("zip_code").rlike(r"^\d{5}(-?\d{4})?\z")).isEmpty()
