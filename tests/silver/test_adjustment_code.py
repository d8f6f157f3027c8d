from pyspark.sql import SparkSession

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.silver.adjustment import adjustment
from lakehouse.silver.adjustment_code import adjustment_code
from lakehouse.silver.denial_code import denial_code
from silver import rows
from silver.rows import Row

USED: Row = {"network": "north", "group_code": "CO", "reason_code": "45", "modified_at": "2026-01-20T06:00:00"}
ODD: Row = {"network": "south", "group_code": "-", "reason_code": "ODD"}


def test_every_code_in_use_is_counted_once_with_its_class(spark: SparkSession) -> None:
    adjustments = rows.frame(
        spark,
        adjustment.fields,
        {**USED, "amount": "10.50"},
        {**USED, "amount": "-0.50", "modified_at": "2026-01-21T06:00:00"},
        {**USED, "amount": None, "modified_at": None},
        {**USED, "network": "south", "amount": "1.00"},
        {**USED, "group_code": "PR", "amount": "2.00"},
        {**ODD},
    )
    reason = {"group_code": "-", "reason_code": "45", "is_denial": False, "category": "contractual"}
    own: Row = {
        "network": "north", "group_code": "PR", "denial_code": "45", "carc": "45", "is_denial": True,
        "category": "balance_billing", "classified_by": "network",
    }  # fmt: skip
    result = adjustment_code(
        adjustments=adjustments,
        codes=rows.frame(spark, denial_code.fields, own),
        reasons=rows.frame(spark, adjustment_reason.fields, {**reason, "is_preventable": False}),
    )
    known: Row = {
        "carc": "45", "is_denial_code": False, "category": "contractual", "is_preventable": False,
        "classified_by": "reference",
    }  # fmt: skip
    by_network: Row = {
        "carc": "45", "is_denial_code": True, "category": "balance_billing", "classified_by": "network",
    }  # fmt: skip
    expected = rows.frame(
        spark,
        adjustment_code.fields,
        {**USED, **known, "adjustment_count": 3, "amount": "10.00", "modified_at": "2026-01-21T06:00:00"},
        {**USED, **known, "network": "south", "adjustment_count": 1, "amount": "1.00"},
        {**USED, **by_network, "group_code": "PR", "adjustment_count": 1, "amount": "2.00"},
        {**ODD, "adjustment_count": 1, "category": "UNKNOWN", "classified_by": "unknown"},
    )
    rows.assert_same_rows(result, expected, ignore_row_order=True)
    assert rows.failing_count(result, adjustment_code, "code_is_classified") == 1
    assert rows.failing_count(result, adjustment_code, "network_group_code_reason_code_unique") == 0
