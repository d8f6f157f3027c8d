"""Member tokens equal HMAC-SHA-256 as Python computes it."""

import hashlib
import hmac
import random

import pytest
from pyspark.sql import SparkSession

from lakehouse.engine.tokens import PLACEHOLDERS, TokenKey, with_member_token

KEY = "a" * 31 + "é"
COLUMNS = "row int, network string, member_id string"
TOKEN_COLUMNS = ["row", "network", "member_token", "member_token_key_version"]


def python_token(network: str, number: str) -> str:
    return hmac.new(KEY.encode(), f"member:{network}:{number}".encode(), hashlib.sha256).hexdigest()


def tokens(spark: SparkSession, pairs: list[tuple[str, str | None]], key: str = KEY) -> list[str | None]:
    numbered = [(i, network, number) for i, (network, number) in enumerate(pairs)]
    rows = with_member_token(spark.createDataFrame(numbered, COLUMNS), TokenKey(key, "7"))
    assert rows.columns == TOKEN_COLUMNS
    found = rows.orderBy("row").collect()
    assert [r.member_token_key_version for r in found] == [r.member_token and "7" for r in found]
    return [r.member_token for r in found]


@pytest.mark.spark
def test_tokens_equal_those_of_pythons_hmac(spark: SparkSession) -> None:
    alphabet = "AZ09/ÄßЖ漢€🙂'\"\\"
    draw = random.Random(11)
    numbers = ["".join(draw.choices(alphabet, k=draw.randint(1, 90))).upper() for _ in range(200)]
    numbers = [n for n in numbers if n not in PLACEHOLDERS]
    assert tokens(spark, [("north", n) for n in numbers]) == [python_token("north", n) for n in numbers]


@pytest.mark.spark
def test_one_number_of_two_networks_gives_two_tokens(spark: SparkSession) -> None:
    north, south, again = tokens(spark, [("north", "M1"), ("south", "M1"), ("north", "M1")])
    assert north == again
    assert north != south


@pytest.mark.spark
def test_spelling_of_a_number_does_not_change_its_token(spark: SparkSession) -> None:
    spelled = tokens(spark, [("north", n) for n in ("ab-12 3", "AB123", " ab\t12-3 ")])
    assert set(spelled) == {python_token("north", "AB123")}


@pytest.mark.spark
def test_blank_and_placeholder_numbers_have_no_token(spark: SparkSession) -> None:
    nothing = [None, "", "  ", "\t", "--", " unknown ", "n/a", *PLACEHOLDERS]
    assert tokens(spark, [("north", n) for n in nothing]) == [None] * len(nothing)
    assert tokens(spark, [("north", "0012")]) == [python_token("north", "0012")]


@pytest.mark.spark
def test_another_key_gives_another_token(spark: SparkSession) -> None:
    assert tokens(spark, [("north", "M1")]) != tokens(spark, [("north", "M1")], key="b" * 32)


@pytest.mark.spark
@pytest.mark.parametrize("length", [63, 64, 65, 200])
def test_a_key_of_any_length_gives_pythons_token(spark: SparkSession, length: int) -> None:
    key = "k" * length
    expected = hmac.new(key.encode(), b"member:north:M1", hashlib.sha256).hexdigest()
    assert tokens(spark, [("north", "M1")], key=key) == [expected]


def test_the_key_is_never_printed() -> None:
    assert "secret-key" not in repr(TokenKey("secret-key", "1"))


@pytest.mark.spark
def test_the_key_stands_in_no_plan(spark: SparkSession) -> None:
    key = "0123456789abcdef0123456789abcdef"
    rows = with_member_token(spark.createDataFrame([(1, "north", "M1")], COLUMNS), TokenKey(key, "1"))
    plan = rows._jdf.queryExecution().toString()
    padded = [bytes(b ^ pad for b in key.encode().ljust(64, b"\0")).hex().upper() for pad in (0x36, 0x5C)]
    assert not [text for text in (key, *padded) if text in plan]
