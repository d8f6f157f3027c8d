"""Synthea's ledger: which rows are charges, which are payments, who paid, and for which line."""

from decimal import Decimal

from chispa import assert_df_equality
from hypothesis import HealthCheck, settings
from hypothesis import given as for_all
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from builders import Row, given
from lakehouse.bronze.synthea.claim_lines import conform_claim_lines
from lakehouse.bronze.synthea.claims_transactions import claims_transactions
from lakehouse.bronze.synthea.payments import conform_payments
from lakehouse.spec.contracts import CLAIM_LINES, PAYMENTS
from lakehouse.spec.field import BRONZE_LINEAGE


def transaction(number: int, kind: str, **values: object) -> Row:
    """A transaction of claim C1, its id being `T` and the number; money only where the test gives it."""
    money = {"amount": None, "payments": None, "transfers": None, "method": None, "transfertype": None}
    return {"id": f"T{number}", "claimid": "C1", "chargeid": str(number), "type": kind, **money, **values}


TWO_LINES = (
    transaction(8, "CHARGE", amount="77.49", transfertype="1"),
    transaction(9, "PAYMENT", method="COPAY", payments="40.00"),
    transaction(10, "PAYMENT", method="ECHECK", payments="29.99"),
    transaction(11, "TRANSFEROUT", transfers="7.50"),
    transaction(12, "TRANSFERIN", amount="7.50", transfers="7.50", transfertype="2"),
    transaction(13, "PAYMENT", method="ECHECK", payments="6.00"),
    transaction(14, "TRANSFEROUT", transfers="1.50"),
    transaction(15, "TRANSFERIN", amount="1.50", transfers="1.50", transfertype="p"),
    transaction(16, "PAYMENT", method="CASH", payments="1.50"),
    transaction(17, "CHARGE", amount="10.00", transfertype="1"),
    transaction(18, "PAYMENT", method="ECHECK", payments="10.00"),
)


def lines(frame: DataFrame) -> DataFrame:
    """Lines that are used, by row number."""
    return conform_claim_lines(transactions=frame).where(F.col("_drop_reason").isNull()).orderBy("_row_number")


def payments(frame: DataFrame) -> DataFrame:
    """Payments that are used, by payment id."""
    return (
        conform_payments(transactions=frame).where(F.col("_drop_reason").isNull()).orderBy("payment_id", "_row_number")
    )


def test_a_charge_is_a_line(spark: SparkSession) -> None:
    row = transaction(1, "CHARGE", amount="77.49", procedurecode="185345009", modifier1="", modifier2="59")
    result = conform_claim_lines(
        transactions=given(spark, claims_transactions, {**row, "todate": "2026-01-16", "providerid": "D1"})
    )
    assert result.columns == [f.name for f in CLAIM_LINES.all_fields] + [f.name for f in BRONZE_LINEAGE] + [
        "_drop_reason"
    ]
    expected = {
        "network": "north",
        "claim_id": "C1",
        "line_id": "T1",
        "line_number": "1",
        "service_from_date": "2026-01-15",
        "service_to_date": "2026-01-16",
        "procedure_code": "185345009",
        "procedure_code_system": "snomed",
        "modifiers": "59",
        "units": "1",
        "rendering_provider_id": "D1",
        "billed_amount": "77.49",
        "is_deleted": "false",
    }
    assert {k: v for k, v in result.first().asDict().items() if v is not None and not k.startswith("_")} == expected


def test_every_other_type_is_dropped_with_its_amount(spark: SparkSession) -> None:
    kinds = ("PAYMENT", "ADJUSTMENT", "TRANSFERIN", " transferout ", "REFUND", "", None)
    rows = [transaction(n, "CHARGE", amount="1.00") | {"type": kind} for n, kind in enumerate(kinds)]
    found = conform_claim_lines(transactions=given(spark, claims_transactions, *rows))
    expected = [
        ("payment_is_not_a_charge", "1.00"),
        ("adjustment_is_not_a_charge", "1.00"),
        ("transferin_is_not_a_charge", "1.00"),
        ("transferout_is_not_a_charge", "1.00"),
        *[("unknown_type_is_not_a_charge", "1.00")] * 3,
    ]
    assert_df_equality(
        found.orderBy("_row_number").select("_drop_reason", "billed_amount"),
        spark.createDataFrame(expected, "_drop_reason string, billed_amount string"),
        ignore_metadata=True,  # column comments
    )


def test_lines_are_counted_within_their_claim(spark: SparkSession) -> None:
    rows = [
        transaction(9, "CHARGE"),
        transaction(10, "CHARGE"),
        transaction(10, "CHARGE"),
        transaction(11, "CHARGE"),
        transaction(12, "CHARGE", claimid="C2"),
        transaction(13, "CHARGE", chargeid=None),
    ]
    found = lines(given(spark, claims_transactions, *rows)).collect()
    assert [r.line_number for r in found] == ["1", "2", "2", "3", "1", None]


def test_the_epoch_is_an_unknown_end(spark: SparkSession) -> None:
    ends = ("1970-01-01T00:00:00Z", "1970-01-01T00:00:01Z", "", None)
    rows = [transaction(n, "CHARGE", todate=end) for n, end in enumerate(ends)]
    found = lines(given(spark, claims_transactions, *rows)).collect()
    assert [r.service_to_date for r in found] == [None, "1970-01-01T00:00:01Z", None, None]


def test_the_code_system_is_told_by_shape_and_check_digit(spark: SparkSession) -> None:
    systems = {
        "08": "cvx",
        "140": "cvx",
        "308136": "rxnorm",
        "2123111": "rxnorm",
        "5880005": "snomed",
        "1505002": "snomed",
        "185345009": "snomed",
        "454711000124102": "snomed",
        "857005": "rxnorm",
        "185345008": "other",
        "123456789": "other",
        "D0120": "other",
        "7": "other",
        "": None,
        None: None,
    }
    rows = [transaction(n, "CHARGE", procedurecode=code) for n, code in enumerate(systems)]
    found = lines(given(spark, claims_transactions, *rows)).collect()
    assert [r.procedure_code_system for r in found] == list(systems.values())


def test_payers_and_patients_payments_are_told_apart(spark: SparkSession) -> None:
    found = payments(given(spark, claims_transactions, *TWO_LINES))
    columns = ("payment_id", "payment_kind", "payer_sequence", "line_id", "paid_amount", "patient_paid_amount")
    expected = [
        ("T10", "payer", "1", "T8", "29.99", None),
        ("T13", "payer", "2", "T8", "6.00", None),
        ("T16", "patient", None, "T8", None, "1.50"),
        ("T18", "payer", "1", "T17", "10.00", None),
        ("T9", "patient", None, "T8", None, "40.00"),
    ]
    names = ", ".join(f"{c} string" for c in columns)
    assert_df_equality(found.select(*columns), spark.createDataFrame(expected, names), ignore_metadata=True)


def test_a_payment_is_a_remittance_of_its_own(spark: SparkSession) -> None:
    result = conform_payments(transactions=given(spark, claims_transactions, *TWO_LINES))
    assert result.columns == [f.name for f in PAYMENTS.all_fields] + [f.name for f in BRONZE_LINEAGE] + ["_drop_reason"]
    paid = payments(given(spark, claims_transactions, *TWO_LINES)).first()
    assert (paid.claim_id, paid.remittance_id, paid.payment_level, paid.remit_date) == (
        "C1",
        "T10",
        "line",
        "2026-01-15",
    )
    assert (paid.payer_name, paid.reverses_remittance_id, paid.modified_at, paid.is_deleted) == (
        None,
        None,
        None,
        "false",
    )


def test_a_payment_by_an_unknown_method_has_no_kind_and_keeps_its_money(spark: SparkSession) -> None:
    rows = [transaction(n, "PAYMENT", method=m, payments="-5.00") for n, m in enumerate((None, "", "SYSTEM"))]
    found = payments(given(spark, claims_transactions, *rows)).collect()
    assert [(r.payment_kind, r.paid_amount, r.patient_paid_amount) for r in found] == [(None, None, "-5.00")] * 3


def test_a_payment_without_its_charge_is_one_for_the_claim(spark: SparkSession) -> None:
    elsewhere = transaction(1, "CHARGE", claimid="C2")
    paid = transaction(2, "PAYMENT", method="ECHECK", payments="5.00")
    numberless = {**paid, "id": "T3", "chargeid": "x"}
    found = payments(given(spark, claims_transactions, elsewhere, paid, numberless)).collect()
    assert [(r.line_id, r.payment_level, r.payer_sequence) for r in found] == [(None, "claim", "1")] * 2


def test_a_row_of_nulls_comes_out_once_of_both(spark: SparkSession) -> None:
    frame = given(spark, claims_transactions, {f.name: None for f in claims_transactions.fields})
    reasons = [conform(transactions=frame).collect() for conform in (conform_claim_lines, conform_payments)]
    assert [[r._drop_reason for r in rows] for rows in reasons] == [
        ["unknown_type_is_not_a_charge"],
        ["unknown_type_is_not_a_payment"],
    ]


def test_earlier_deliveries_do_not_mix_with_later_ones(spark: SparkSession) -> None:
    moved = transaction(1, "TRANSFERIN", transfertype="2", _batch_id="batch-1")
    paid = transaction(2, "PAYMENT", method="ECHECK", payments="5.00", _batch_id="batch-2")
    assert payments(given(spark, claims_transactions, moved, paid)).first().payer_sequence == "1"


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@for_all(
    order=st.permutations(range(len(TWO_LINES))),
    sent_twice=st.lists(st.integers(0, len(TWO_LINES) - 1), max_size=4, unique=True),
)
def test_neither_order_nor_repetition_changes_who_paid_for_what(
    spark: SparkSession, order: list[int], sent_twice: list[int]
) -> None:
    rows = [TWO_LINES[n] for n in [*order, *sent_twice]]
    found = payments(given(spark, claims_transactions, *rows)).collect()
    assert {(r.payment_id, r.payer_sequence, r.line_id) for r in found} == {
        ("T10", "1", "T8"),
        ("T13", "2", "T8"),
        ("T16", None, "T8"),
        ("T18", "1", "T17"),
        ("T9", None, "T8"),
    }
    all_rows = conform_payments(transactions=given(spark, claims_transactions, *rows)).collect()
    sent = sum(Decimal(str(r["payments"] or 0)) for r in rows)
    assert sum(Decimal(r.paid_amount or 0) + Decimal(r.patient_paid_amount or 0) for r in all_rows) == sent
    assert sorted(r._row_number for r in all_rows) == list(range(1, len(rows) + 1))
