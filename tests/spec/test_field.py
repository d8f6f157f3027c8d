"""A column says what it holds, or it is refused."""

import pytest
from pyspark.sql import types as T

from lakehouse.errors import DeclarationError
from lakehouse.spec.field import ACCOUNT, LONG, MONEY, STRING, TOTAL, Field, field, schema_of


@pytest.mark.parametrize("name", ["Paid", "paid amount", "paid-amount", "1st", "", "paid__amount", "paid_", "paid\n"])
def test_name_that_is_not_snake_case_is_refused(name: str) -> None:
    with pytest.raises(DeclarationError, match="lower snake_case") as refusal:
        field(name, STRING, "what was paid")
    assert repr(name) in str(refusal.value)


@pytest.mark.parametrize("name", ["paid_amount", "_row_hash", "npi", "drg_2", "a1_b2"])
def test_snake_case_and_technical_names_are_taken(name: str) -> None:
    assert field(name, STRING, "as sent").name == name


@pytest.mark.parametrize("meaning", ["", "  "])
def test_field_without_meaning_is_refused(meaning: str) -> None:
    with pytest.raises(DeclarationError, match="field paid_amount: the meaning is empty"):
        field("paid_amount", MONEY, meaning)


def test_ledger_money_must_be_exact() -> None:
    with pytest.raises(DeclarationError, match="field paid_amount: ledger money must be a decimal, found double"):
        field("paid_amount", T.DoubleType(), "paid", ledger=True)


def test_amounts_are_dollars_unless_another_unit_is_given() -> None:
    assert field("paid_amount", MONEY, "paid").unit == "USD"
    assert field("paid_amount", TOTAL, "paid").unit == "USD"
    assert field("paid_amount", MONEY, "paid", unit="EUR").unit == "EUR"
    assert field("line_count", LONG, "lines").unit is None


def test_comment_shows_the_unit_where_there_is_one() -> None:
    assert field("paid_amount", MONEY, "paid by the plan").comment == "paid by the plan [USD]"
    assert field("claim_id", STRING, "as sent").comment == "as sent"


def test_schema_keeps_order_and_comments_and_is_nullable_throughout() -> None:
    fields = (field("claim_id", STRING, "as sent", required=True, phi=ACCOUNT), field("paid_amount", MONEY, "paid"))
    assert schema_of(fields) == T.StructType(
        [
            T.StructField("claim_id", STRING, True, {"comment": "as sent"}),
            T.StructField("paid_amount", T.DecimalType(14, 2), True, {"comment": "paid [USD]"}),
        ]
    )
    assert [column.metadata["comment"] for column in schema_of(fields)] == ["as sent", "paid [USD]"]


def test_fields_with_equal_words_are_equal() -> None:
    assert field("claim_id", STRING, "as sent") == Field("claim_id", T.StringType(), "as sent")
