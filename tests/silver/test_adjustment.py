from pyspark.sql import SparkSession

from lakehouse.silver.adjustment import adjustment
from lakehouse.spec.contracts import ADJUSTMENTS
from silver import rows
from silver.rows import Row

SENT: Row = {
    "network": "north",
    "payment_id": "P1",
    "adjustment_id": "1",
    "group_code": None,
    "reason_code": "co-045",
    "remark_code": " n130",
    "amount": "-12.50",
    "quantity": "2",
    "modified_at": "2026-01-20T06:00:00",
    "is_deleted": False,
}
TOMBSTONE: Row = {"network": "north", "payment_id": "P1", "adjustment_id": "2", "is_deleted": True}
FINE: Row = {"group_code": "CO", "reason_code": "45", "amount": "0.00", "is_deleted": False}
RULES: dict[str, tuple[Row, ...]] = {
    "group_is_current": ({"group_code": "CR"}, {"group_code": "-"}, {"group_code": None}),
    "reason_is_stated": ({"reason_code": None},),
    "amount_is_stated": ({"amount": None},),
}


def test_codes_are_in_one_spelling_and_the_amount_keeps_its_sign(spark: SparkSession) -> None:
    sent = rows.with_lineage(rows.frame(spark, ADJUSTMENTS.silver_fields(), SENT, TOMBSTONE))
    cleaned = {**SENT, "group_code": "CO", "reason_code": "45", "remark_code": "N130"}
    result = adjustment(adjustments=sent)
    expected = rows.frame(spark, adjustment.fields, cleaned, {**TOMBSTONE, "group_code": "-"})
    rows.assert_same_rows(result, rows.with_lineage(expected))
    assert rows.broken(result, adjustment) == set()


def test_rules_tell_good_from_bad_and_unknown(spark: SparkSession) -> None:
    assert set(RULES) == rows.row_rules(adjustment)
    bad = [(name, {**FINE, **change}) for name, changes in RULES.items() for change in changes]
    sample = rows.frame(spark, adjustment.fields, FINE, *[row for _, row in bad])
    found = sample.select(*[e.holds().alias(e.name) for e in adjustment.expectations]).collect()
    assert [[rule for rule in RULES if not row[rule]] for row in found] == [[], *[[name] for name, _ in bad]]
