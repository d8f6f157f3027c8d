"""Versions, adjustments and denials of a family on hand-computed cases, all settled in one Spark job."""

from collections.abc import Mapping

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.claim_final import IDENTITY, claim_final
from lakehouse.silver.family_settlement import SUMMED
from silver import family
from silver.family import BY_LINE, FIRST, REPLACED, VOIDED, Case
from silver.rows import Row, money

SUMMING: Row = {"network": "delta", "version_mode": "delta"}
SILENT: Row = {"network": "silent", "denial_evidence": "none"}
AGING: Row = {"network": "aging", "closes_claims": False, "days_to_close": 120}
LATE: Row = {"claim_id": "B", "replaces_claim_id": "-", "frequency_code": "5", "submitted_date": "2026-02-01"}
BILLED_100: Row = {"billed_amount": "100.00"}
BILLED_150: Row = {"billed_amount": "150.00", "claim_id": "B"}


def paid(amount: str, day: str = "2026-01-20", **other: object) -> Row:
    """A payer's remittance of the charge of 100 with the adjustments named."""
    return {"remittance_id": f"R-{day}", "remit_date": day, "paid_amount": amount, "billed_amount": "100.00", **other}


def back(amount: str, day: str, of: str, **other: object) -> Row:
    """The reversal of the remittance of day `of`."""
    taken: Row = {"remit_status_code": "22", "reverses_remittance_id": f"R-{of}"}
    return {**paid(amount, day), **taken, **other}


CASES = {
    # versions
    "the replacement counts and payments of both versions do": Case(
        claim=FIRST, versions=(REPLACED,), lines=(BILLED_100, BILLED_150),
        payments=(
            paid("60.00"), back("-60.00", "2026-02-09", of="2026-01-20"),
            paid("90.00", "2026-02-10", claim_id="B", billed_amount="150.00", adjustments=(("CO", "45", "60.00"),)),
        ),
        expected={
            "claim_id": "B", "version_count": 2, "live_claim_count": 1, "billed_amount": "150.00",
            "paid_amount": "90.00", "contractual_amount": "60.00", "remainder_amount": "0.00", "final_status": "paid",
        },
    ),
    "a void leaves no revenue": Case(
        claim=FIRST, versions=(VOIDED,), lines=(BILLED_100, {**BILLED_150, "billed_amount": "100.00"}),
        payments=(paid("60.00"), back("-60.00", "2026-02-09", of="2026-01-20")),
        expected={
            "final_status": "void", "is_void_family": True, "live_claim_count": 0, "billed_amount": "0.00",
            "paid_amount": "0.00", "remainder_amount": "0.00", "patient_responsibility_amount": "0.00",
        },
    ),
    "what was paid on a voided claim and not taken back is a credit": Case(
        claim=FIRST, versions=(VOIDED,), lines=(BILLED_100,),
        payments=(paid("60.00", adjustments=(("PR", "3", "15.00"), ("CO", "45", "25.00"))),),
        expected={
            "final_status": "void", "billed_amount": "0.00", "paid_amount": "60.00", "remainder_amount": "-60.00",
            "contractual_amount": "0.00",
        },
    ),
    "a void whose original never came is worth nothing": Case(
        claim=None, versions=({**VOIDED, "claim_id": "B"},), lines=(BILLED_150,),
        expected={"final_status": "void", "billed_amount": "0.00", "paid_amount": "0.00", "version_count": 1},
    ),
    "a late charge adds to its claim, each settled by its own payments": Case(
        claim=FIRST, versions=(LATE,), lines=(BILLED_100, {**BILLED_150, "billed_amount": "30.00"}),
        payments=(
            paid("70.00", adjustments=(("CO", "45", "30.00"),)),
            paid("0.00", "2026-02-20", claim_id="B", billed_amount="30.00", adjustments=(("CO", "29", "30.00"),)),
        ),
        expected={
            "live_claim_count": 2, "billed_amount": "130.00", "paid_amount": "70.00", "contractual_amount": "30.00",
            "denied_amount": "30.00", "remainder_amount": "0.00", "final_denial_outcome": "partial",
            "initial_denial_outcome": "partial", "initially_denied_amount": "30.00", "claim_id": "-",
            "final_status": "partially_denied",
        },
    ),
    "differences are summed": Case(
        claim={**FIRST, "network": "delta"}, versions=({**REPLACED, "network": "delta"},),
        lines=(
            {"billed_amount": "100.00", "paid_amount": "60.00", "network": "delta"},
            {"billed_amount": "-20.00", "paid_amount": "-10.00", "network": "delta", "claim_id": "B"},
        ),
        expected={"billed_amount": "80.00", "paid_amount": "50.00", "money_source": "claim"},
    ),
    "full versions are not summed": Case(
        claim=FIRST, versions=(REPLACED,),
        lines=(
            {"billed_amount": "100.00", "paid_amount": "60.00"},
            {"billed_amount": "80.00", "paid_amount": "50.00", "claim_id": "B"},
        ),
        expected={"billed_amount": "80.00", "paid_amount": "50.00"},
    ),
    # adjustments
    "every adjustment has one class": Case(
        lines=(BILLED_100,),
        payments=(
            paid(
                "40.00",
                adjustments=(
                    ("PR", "1", "10.00"), ("CO", "45", "20.00"), ("CO", "97", "15.00"), ("PI", "94", "5.00"),
                    ("OA", "94", "10.00"),
                ),
            ),
        ),
        expected={
            "patient_responsibility_amount": "10.00", "contractual_amount": "25.00", "denied_amount": "15.00",
            "other_adjustment_amount": "10.00", "remainder_amount": "0.00", "initial_denial_outcome": "partial",
            "final_denial_outcome": "partial", "final_status": "partially_denied", "has_adjustments": True,
        },
    ),
    "adjustments of both levels add": Case(
        lines=(BILLED_100,),
        payments=(
            paid("50.00", adjustments=(("CO", "45", "30.00"),)),
            paid(
                "50.00", payment_level="line", line_id="1", remittance_id="R-2026-01-20",
                adjustments=(("PR", "2", "20.00"),),
            ),
        ),
        expected={
            "paid_amount": "50.00", "contractual_amount": "30.00", "patient_responsibility_amount": "20.00",
            "remainder_amount": "0.00",
        },
    ),
    "what earlier payers' adjustment says beyond their payments is contractual": Case(
        lines=(BILLED_100,),
        payments=(
            paid("60.00", adjustments=(("CO", "45", "30.00"), ("PR", "2", "10.00"))),
            paid("10.00", "2026-02-01", payer_sequence=2, adjustments=(("OA", "23", "90.00"),)),
        ),
        expected={
            "paid_amount": "70.00", "contractual_amount": "30.00", "remainder_amount": "0.00",
            "patient_responsibility_amount": "0.00", "final_status": "paid",
        },
    ),
    "earlier payers' adjustment stands for billed less allowed": Case(
        lines=({"billed_amount": "100.00", "allowed_amount": "70.00"},),
        payments=(
            paid("60.00", adjustments=(("CO", "45", "30.00"), ("PR", "2", "10.00"))),
            paid("10.00", "2026-02-01", payer_sequence=2, adjustments=(("OA", "23", "90.00"),)),
        ),
        expected={"paid_amount": "70.00", "contractual_amount": "30.00", "remainder_amount": "0.00"},
    ),
    "a voided claim has no allowed amount, whatever the payer allowed": Case(
        claim=FIRST, versions=(VOIDED,), lines=(BILLED_100,), payments=(paid("60.00", allowed_amount="70.00"),),
        expected={"final_status": "void", "allowed_amount": None, "remainder_amount": "-60.00"},
    ),
    "without contractual adjustments it is billed less allowed": Case(
        lines=({"billed_amount": "100.00", "allowed_amount": "80.00"},),
        payments=(paid("60.00", adjustments=(("PR", "3", "20.00"),)),),
        expected={"contractual_amount": "20.00", "remainder_amount": "0.00"},
    ),
    # denials
    "nothing paid and a denial code: denied in full": Case(
        claim={"closed_date": "2026-03-01"}, lines=(BILLED_100,),
        payments=(paid("0.00", adjustments=(("CO", "29", "100.00"),)),),
        expected={
            "initial_denial_outcome": "full", "initially_denied_date": "2026-01-20", "final_denial_outcome": "full",
            "initially_denied_amount": "100.00", "denied_amount": "100.00", "denial_final_on": "2026-03-01",
            "final_status": "denied", "remainder_amount": "0.00",
        },
    ),
    "normal pricing is no denial": Case(
        lines=(BILLED_100,), payments=(paid("0.00", adjustments=(("CO", "45", "60.00"), ("PR", "1", "40.00"))),),
        expected={"initial_denial_outcome": "clean", "denied_amount": "0.00", "final_status": "paid"},
    ),
    "a cost share beside the denial makes it partial": Case(
        lines=(BILLED_100,), payments=(paid("0.00", adjustments=(("CO", "50", "60.00"), ("PR", "1", "40.00"))),),
        expected={"initial_denial_outcome": "partial", "denied_amount": "60.00"},
    ),
    "an unknown code denies where nothing was paid": Case(
        lines=(BILLED_100,), payments=(paid("0.00", adjustments=(("CO", "X9", "100.00"),)),),
        expected={"final_denial_outcome": "full", "denied_amount": "100.00", "contractual_amount": "0.00"},
    ),
    "an unknown code beside a payment is no denial": Case(
        lines=(BILLED_100,), payments=(paid("40.00", adjustments=(("CO", "X9", "60.00"),)),),
        expected={"final_denial_outcome": "clean", "denied_amount": "0.00", "contractual_amount": "60.00"},
    ),
    "an unknown code beside the patient's part is no denial": Case(
        lines=(BILLED_100,), payments=(paid("0.00", adjustments=(("OA", "X9", "60.00"), ("PR", "3", "40.00"))),),
        expected={"final_denial_outcome": "clean", "denied_amount": "0.00", "other_adjustment_amount": "60.00"},
    ),
    "status 4 denies without a code": Case(
        lines=(BILLED_100,), payments=(paid("0.00", remit_status_code="4"),),
        expected={"final_denial_outcome": "full", "denied_amount": "100.00", "final_status": "denied"},
    ),
    "status text denies nothing": Case(
        claim={"claim_status": "DENIED"}, lines=(BILLED_100,), payments=(paid("0.00"),),
        expected={"final_denial_outcome": "clean", "denied_amount": "0.00", "remainder_amount": "100.00"},
    ),
    "denied only as a duplicate is no adjudication": Case(
        lines=(BILLED_100,),
        payments=(
            paid("0.00", "2026-01-15", adjustments=(("OA", "18", "100.00"),)),
            paid("80.00", "2026-02-15", adjustments=(("CO", "45", "20.00"),)),
        ),
        expected={
            "initial_denial_outcome": "clean", "first_adjudicated_date": "2026-02-15", "paid_amount": "80.00",
            "denied_amount": "0.00", "remainder_amount": "0.00",
        },
    ),
    "denied, then paid: initially denied and overturned": Case(
        lines=(BILLED_100,),
        payments=(
            paid("0.00", "2026-01-15", adjustments=(("CO", "29", "100.00"),)),
            paid("80.00", "2026-02-15", adjustments=(("CO", "45", "20.00"),)),
        ),
        expected={
            "initial_denial_outcome": "full", "initially_denied_amount": "100.00", "final_denial_outcome": "clean",
            "denied_amount": "0.00", "contractual_amount": "20.00", "remainder_amount": "0.00", "final_status": "paid",
        },
    ),
    "reversal and correction": Case(
        lines=(BILLED_100,),
        payments=(
            paid("80.00", "2026-01-15", adjustments=(("CO", "45", "20.00"),)),
            back("-80.00", "2026-02-01", of="2026-01-15", adjustments=(("CO", "45", "-20.00"),)),
            paid("70.00", "2026-02-02", adjustments=(("CO", "45", "30.00"),)),
        ),
        expected={"paid_amount": "70.00", "contractual_amount": "30.00", "remainder_amount": "0.00"},
    ),
    "a denial reversed without a successor is unadjudicated": Case(
        lines=(BILLED_100,),
        payments=(
            paid("0.00", "2026-01-15", adjustments=(("CO", "29", "100.00"),)),
            back("0.00", "2026-02-01", of="2026-01-15", adjustments=(("CO", "29", "-100.00"),)),
        ),
        expected={
            "is_adjudicated": False, "final_status": "unadjudicated", "final_denial_outcome": None,
            "initial_denial_outcome": "full", "denied_amount": "0.00", "remainder_amount": "100.00",
        },
    ),
    "a denial that was paid later does not stand again once the payment is taken back": Case(
        lines=(BILLED_100,),
        payments=(
            paid("0.00", "2026-01-15", adjustments=(("CO", "29", "100.00"),)),
            paid("80.00", "2026-02-15", adjustments=(("CO", "45", "20.00"),)),
            back("-80.00", "2026-03-01", of="2026-02-15", adjustments=(("CO", "45", "-20.00"),)),
        ),
        expected={
            "is_adjudicated": False, "final_status": "unadjudicated", "final_denial_outcome": None,
            "initial_denial_outcome": "full", "paid_amount": "0.00", "remainder_amount": "100.00",
        },
    ),
    "a payment stands though a reversal of what never came went before it": Case(
        lines=(BILLED_100,),
        payments=(
            back("-60.00", "2026-01-10", of="2026-01-01"),
            paid("80.00", "2026-01-20", adjustments=(("CO", "45", "20.00"),)),
        ),
        expected={
            "is_adjudicated": True, "paid_amount": "20.00", "contractual_amount": "20.00", "remainder_amount": "60.00",
        },
    ),
    "the secondary payer's answer settles, the primary's denial stays the initial one": Case(
        lines=(BILLED_100,),
        payments=(
            paid("0.00", "2026-01-15", adjustments=(("CO", "29", "100.00"),)),
            paid("75.00", "2026-02-15", payer_sequence=2, adjustments=(("CO", "45", "25.00"),)),
        ),
        expected={
            "initial_denial_outcome": "full", "final_denial_outcome": "clean", "denied_amount": "0.00",
            "remainder_amount": "0.00",
        },
    ),
    "a denial is at most what is left": Case(
        lines=(BILLED_100,),
        payments=(paid("80.00", adjustments=(("CO", "97", "30.00"),)),),
        expected={"denied_amount": "20.00", "initially_denied_amount": "30.00", "remainder_amount": "0.00"},
    ),
    "capitated claims are never denied": Case(
        claim={"payment_arrangement": "capitated"}, lines=(BILLED_100,),
        payments=(paid("0.00", adjustments=(("CO", "29", "100.00"),)),),
        expected={
            "denied_amount": "0.00", "encounter_amount": "100.00", "final_denial_outcome": None,
            "initial_denial_outcome": None, "remainder_amount": "0.00",
        },
    ),
    "a denial becomes final by age": Case(
        claim={"network": "aging"}, lines=({**BILLED_100, "network": "aging"},),
        payments=(paid("0.00", network="aging", adjustments=(("CO", "29", "100.00"),)),),
        expected={"denial_final_on": "2026-05-20", "denied_amount": "100.00"},
    ),
    "a sender without evidence has no denials, not none": Case(
        claim={"network": "silent"}, lines=({**BILLED_100, "network": "silent"},),
        payments=(paid("0.00", network="silent", adjustments=(("CO", "29", "100.00"),)),),
        expected={"initial_denial_outcome": None, "final_denial_outcome": None, "denied_amount": "0.00"},
    ),
    # denials by the claim's own lines
    "a denied line of two": Case(
        claim={"network": "by_line", "adjudicated_date": "2026-02-01"},
        lines=(
            {"network": "by_line", "billed_amount": "60.00", "paid_amount": "50.00"},
            {"network": "by_line", "billed_amount": "40.00", "denial_code": "co-50"},
        ),
        expected={
            "initial_denial_outcome": "partial", "initially_denied_date": "2026-02-01", "denied_amount": "40.00",
            "final_denial_outcome": "partial", "remainder_amount": "10.00",
        },
    ),
    "the first version was denied by its lines, the last was not": Case(
        claim={**FIRST, "network": "by_line", "adjudicated_date": "2026-01-20"},
        versions=({**REPLACED, "network": "by_line", "adjudicated_date": "2026-03-01"},),
        lines=(
            {"network": "by_line", "billed_amount": "100.00", "denial_code": "D29"},
            {"network": "by_line", "billed_amount": "100.00", "paid_amount": "100.00", "claim_id": "B"},
        ),
        expected={
            "initial_denial_outcome": "full", "initially_denied_amount": "100.00", "final_denial_outcome": "clean",
            "denied_amount": "0.00", "paid_amount": "100.00",
        },
    ),
    # payments that are held
    "a remittance that another delivery said before counts once": Case(
        lines=(BILLED_100,),
        payments=(
            paid("60.00", trace_number="T1", payer_name="Aetna"),
            paid("60.00", trace_number="T1", payer_name="Aetna", remittance_id="R9", batch="b2",
                 modified_at="2026-02-20T06:00:00"),
        ),
        expected={"paid_amount": "60.00"},
    ),
    "equal remittances of one delivery are both real": Case(
        lines=(BILLED_100,),
        payments=(
            paid("30.00", trace_number="T1", payer_name="Aetna"),
            paid("30.00", trace_number="T1", payer_name="Aetna", remittance_id="R9"),
        ),
        expected={"paid_amount": "60.00"},
    ),
    "without a trace nothing tells a duplicate": Case(
        lines=(BILLED_100,),
        payments=(paid("30.00"), paid("30.00", remittance_id="R9", batch="b2")),
        expected={"paid_amount": "60.00"},
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Mapping[str, Mapping[str, object]]:
    """Every case settled, by its name; balance and rules are looked at on the way."""
    inputs = family.settlement_inputs(spark, CASES, {}, SUMMING, BY_LINE, SILENT, AGING)
    result = family.settled(inputs)
    assert claim_final.balance is not None
    signed = F.when(F.col("side") == "in", F.col("amount")).otherwise(-F.col("amount"))
    open_ends = claim_final.balance(inputs, result).groupBy("measure").agg(F.sum(signed).alias("d")).collect()
    assert {row["measure"]: row["d"] for row in open_ends if row["d"]} == {}
    parts = sum((F.col(part) for part in IDENTITY), start=F.lit(0))
    assert result.where(F.col("billed_amount") != parts).count() == 0
    return {row["family_id"].split("-")[0]: row.asDict() for row in result.collect()}


@pytest.mark.parametrize("name", CASES)
def test_family_is_settled_as_computed_by_hand(found: Mapping[str, Mapping[str, object]], name: str) -> None:
    expected = dict(CASES[name].expected or {})
    if "claim_id" in expected:
        expected["claim_id"] = name if expected["claim_id"] == "-" else f"{name}-{expected['claim_id']}"
    amounts = (*SUMMED, "initially_denied_amount")
    typed = {c: money(v) if isinstance(v, str) and c in amounts else v for c, v in expected.items()}
    row = {c: v.isoformat() if hasattr(v, "isoformat") else v for c, v in found[name].items()}
    assert {column: row[column] for column in typed} == typed
