"""Rows for tests: one valid default per column, so that a test writes only what it is about."""

import json
import os
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from lakehouse.settings import SparkSettings
from lakehouse.spec.contracts import Contract
from lakehouse.spec.feed import Feed, RawField
from lakehouse.spec.field import BRONZE_LINEAGE, RESCUED, STRING, Field, schema_of
from lakehouse.spec.table import Table
from lakehouse.storage.session import JAVA_OPTIONS, MANY_MINUTES

# Beside another process of tests each has one core: the optimising compiler would take half of it.
_ALONE = "PYTEST_XDIST_WORKER" not in os.environ
# Nearly all that a test makes dies young.
_COLLECT_LESS = {JAVA_OPTIONS: "-XX:NewRatio=1 -XX:MetaspaceSize=256m"}
# Two cores and little data.
QUICK_SPARK = SparkSettings(
    master="local[2]",
    driver_memory="3g",
    class_archive=True,
    quick_compile=True,
    shuffle_partitions=2,
    snapshot_partitions=1,
    conf=MANY_MINUTES if _ALONE else _COLLECT_LESS,
)
# The same for the settings file of a process of its own, which lives for a minute.
_OF_A_CHILD = QUICK_SPARK.model_copy(update={"driver_memory": "1g", "conf": {}}).model_dump(exclude_defaults=True)
QUICK_TOML = "[spark]\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in _OF_A_CHILD.items())
DAY = date(2026, 1, 15)
INSTANT = datetime(2026, 1, 15, 9, 30, tzinfo=UTC)
AMOUNT_WORDS = {"amount", "amounts", "payments", "adjustments", "transfers", "outstanding", "cost", "paid", "charge"}

Row = Mapping[str, object]


def given(spark: SparkSession, of: Feed | Table | Contract | Sequence[Field], *rows: Row) -> DataFrame:
    """A frame of `rows`, each column that a row leaves out filled with a valid default.

    Of a `Feed` it is the raw frame as Bronze holds it: text columns, `_rescued` and the lineage columns, with
    `_row_number` counting from 1. Of a table, a contract or fields it has their types. No rows give an empty frame.

    Raises:
        ValueError: a row names a column that does not exist.
    """
    if isinstance(of, Feed):
        return _raw_frame(spark, of, rows)
    fields = of.all_fields if isinstance(of, Contract) else tuple(of.fields if isinstance(of, Table) else of)
    defaults = {f.name: typed_default(f) for f in fields}
    return _frame(spark, fields, [_filled(defaults, row) for row in rows])


def _raw_frame(spark: SparkSession, feed: Feed, rows: Sequence[Row]) -> DataFrame:
    business = [Field(f.name, STRING, f.meaning) for f in feed.fields]
    defaults: dict[str, object] = {f.name: raw_default(f) for f in feed.fields}
    filled = [_filled({**defaults, **_lineage(number)}, row) for number, row in enumerate(rows, start=1)]
    for row in filled:
        if row["_raw_hash"] is None:
            row["_raw_hash"] = zlib.crc32(repr([row[f.name] for f in feed.fields]).encode())
    return _frame(spark, [*business, RESCUED, *BRONZE_LINEAGE], filled)


def _lineage(row_number: int) -> dict[str, object]:
    return {
        "_network": "north",
        "_batch_id": "batch-1",
        "_source": "file-1.csv",
        "_row_number": row_number,
        "_raw_hash": None,
        "_delivered_at": INSTANT,
        "_ingested_at": INSTANT,
        "_ingest_date": DAY,
        "_rescued": None,
    }


def _filled(defaults: Mapping[str, object], row: Row) -> dict[str, object]:
    unknown = sorted(set(row) - set(defaults))
    if unknown:
        raise ValueError(f"no column is named {', '.join(unknown)}; there are {', '.join(defaults)}.")
    return {**defaults, **row}


def _frame(spark: SparkSession, fields: Sequence[Field], rows: Sequence[Row]) -> DataFrame:
    return spark.createDataFrame([tuple(row[f.name] for f in fields) for row in rows], schema_of(list(fields)))


def raw_default(column: RawField) -> str:
    """Valid text for a raw column, told by its name: a date, an amount, a flag, a count, else the name with `-1`."""
    words = set(column.name.split("_"))
    if "date" in column.name or words & {"start", "stop"}:
        return "2026-01-15"
    if column.name.endswith("_at"):
        return "2026-01-15T09:30:00Z"
    if words & AMOUNT_WORDS:
        return "100.00"
    if column.name.startswith("is_"):
        return "false"
    if words & {"units", "quantity", "number", "sequence", "chargeid"} and not words & {"control", "trace"}:
        return "1"
    return f"{column.name}-1"


def typed_default(column: Field) -> object:
    """A valid value of the field's type."""
    by_type: dict[type[T.DataType], object] = {
        T.StringType: f"{column.name}-1",
        T.DateType: DAY,
        T.TimestampType: INSTANT,
        T.DecimalType: Decimal("100.00"),
        T.BooleanType: False,
        T.IntegerType: 1,
        T.LongType: 1,
        T.ArrayType: [f"{column.name}-1"],
        T.MapType: None,
    }
    if isinstance(column.type, T.ArrayType) and isinstance(column.type.elementType, T.StructType):
        return []
    return by_type[type(column.type)]
