"""Rows of a claims database conform as they were read; a tombstone conforms with nothing but its key."""

from datetime import UTC, datetime

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from builders import given
from lakehouse.bronze.sqlserver.claims import claims, conform_claims
from lakehouse.spec.columns import parse_date, parse_timestamp
from lakehouse.spec.contracts import CONTRACTS
from lakehouse.spec.feed import Conform
from lakehouse.spec.field import BRONZE_LINEAGE
from lakehouse.spec.registry import discover_adapters

CONFORMS = sorted(discover_adapters()["sqlserver"].conforms, key=lambda conform: conform.contract.name)
LINEAGE = [f.name for f in BRONZE_LINEAGE]
READ_AT = "1768469400000000"
"""Microseconds of the instant at which the rows of `given` were delivered, 2026-01-15T09:30Z."""


def test_every_contract_is_conformed_once_with_every_amount_accounted_for() -> None:
    assert [c.contract.name for c in CONFORMS] == sorted(c.name for c in CONTRACTS)
    for conform in CONFORMS:
        assert conform.money == {f.name: (f.name,) for f in conform.contract.fields if f.ledger}
        assert conform.main_input == conform.contract.name
        assert conform.sequenced


@pytest.mark.parametrize("conform", CONFORMS, ids=[c.contract.name for c in CONFORMS])
def test_row_passes_as_read_and_a_tombstone_with_its_key_alone(spark: SparkSession, conform: Conform) -> None:
    names = [f.name for f in conform.contract.all_fields]
    nothing = {f.name: None for f in conform.main.fields}
    key = {name: f"{name}-2" for name in conform.main.key}
    raw_rows = given(spark, conform.main, {}, {**nothing, **key, "is_deleted": "true"}, {})
    conformed = conform(**{conform.main_input: raw_rows})
    assert conformed.columns == [*names, *LINEAGE, "_drop_reason"]
    as_read = raw_rows.select(F.col("_network").alias("network"), *names[1:], *LINEAGE)
    as_read = as_read.withColumn("source_sequence", F.lit(READ_AT))
    assert_df_equality(conformed.drop("_drop_reason"), as_read, ignore_nullable=True, ignore_metadata=True)
    assert [row[0] for row in conformed.select("_drop_reason").collect()] == [None, None, None]


def test_rows_are_numbered_by_when_they_were_read_whatever_the_server_says(spark: SparkSession) -> None:
    at = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
    later = {"_delivered_at": at.replace(microsecond=1), "modified_at": "2020-01-01", "source_sequence": "1"}
    raw_rows = given(spark, claims, {"source_sequence": "7"}, later, {"source_sequence": None})
    numbers = [r.source_sequence for r in conform_claims(claims=raw_rows).collect()]
    assert numbers == ["1768469400000000", "1768469400000001", "1768469400000000"]


def test_blank_parts_of_a_key_are_filled(spark: SparkSession) -> None:
    by_name = {conform.contract.name: conform for conform in CONFORMS}
    for name, column, filled in (("providers", "location_id", "MAIN"), ("denial_codes", "group_code", "-")):
        raw_rows = given(spark, by_name[name].main, {column: "X"}, {column: " "}, {column: None, "is_deleted": "true"})
        found = by_name[name](**{name: raw_rows}).select(column, "is_deleted").collect()
        assert [tuple(row) for row in found] == [("X", "false"), (filled, "false"), (filled, "true")]


def test_row_without_a_deletion_mark_is_live(spark: SparkSession) -> None:
    raw_rows = given(spark, claims, {"is_deleted": None}, {"is_deleted": ""}, {"is_deleted": "1"})
    assert [r.is_deleted for r in conform_claims(claims=raw_rows).collect()] == ["false", "false", "1"]


def test_stamps_of_every_server_are_read_to_the_microsecond(spark: SparkSession) -> None:
    at = datetime(2026, 1, 5, 10, 0, 0, tzinfo=UTC)
    written = {
        "2026-01-05": at.replace(hour=0),
        "2026-01-05T10:00:00": at,
        "2026-01-05T10:00:00.1": at.replace(microsecond=100_000),
        "2026-01-05 10:00:00.123": at.replace(microsecond=123_000),
        "2026-01-05T10:00:00.123456": at.replace(microsecond=123_456),
        "2026-01-05T10:00:00.1234567": at.replace(microsecond=123_456),
        "2026-01-05 10:00:00.1234567 +02:00": None,
        "2026-01-05T10:00:00.1234567+02:00": at.replace(hour=8, microsecond=123_456),
        "2026-01-05T10:00:00.12345678901": None,
    }
    rows = spark.createDataFrame([(text,) for text in written], "text string")
    stamp = parse_timestamp(F.col("text"), conform_claims.timestamps)
    day = parse_date(F.col("text"), conform_claims.dates)
    found = rows.select("text", F.unix_micros(stamp), day).collect()
    micros = {t: None if at is None else round(at.timestamp() * 1_000_000) for t, at in written.items()}
    assert {row[0]: row[1] for row in found} == micros
    assert {row[2] for row in found} == {at.date(), None}
