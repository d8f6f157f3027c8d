"""Small frames for tests of Silver and Gold: a row names what it is about, all else is a valid default or null."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.spec.contracts import ADJUSTMENTS, CLAIM_LINES, CLAIMS, PAYMENTS
from lakehouse.spec.field import BOOLEAN, INT, STRING, Field, field, schema_of
from lakehouse.spec.table import Table

Row = Mapping[str, object]
Told = Mapping[str, Sequence[bool]]

CLAIM: Row = {
    "network": "north",
    "claim_id": "C1",
    "claim_type": "professional",
    "payer_name": "Aetna",
    "service_from_date": "2026-01-10",
    "money_level": "line",
    "modified_at": "2026-01-20T06:00:00",
    "is_deleted": False,
}
LINE: Row = {
    "network": "north",
    "claim_id": "C1",
    "line_id": "1",
    "modified_at": "2026-01-20T06:00:00",
    "is_deleted": False,
}
PAYMENT: Row = {
    "network": "north",
    "claim_id": "C1",
    "payment_id": "P1",
    "remittance_id": "R1",
    "payment_kind": "payer",
    "payment_level": "claim",
    "remit_date": "2026-01-15",
    "modified_at": "2026-01-20T06:00:00",
    "is_deleted": False,
}
ADJUSTMENT: Row = {
    "network": "north",
    "payment_id": "P1",
    "adjustment_id": "1",
    "group_code": "CO",
    "reason_code": "45",
    "modified_at": "2026-01-20T06:00:00",
    "is_deleted": False,
}
NETWORK: Row = {
    "network": "north",
    "ledger": "provider",
    "denial_evidence": "adjustments",
    "version_mode": "replace",
    "version_suffix": None,
    "closes_claims": True,
    "days_to_close": 120,
    "source_rank": 100,
}
NETWORK_FIELDS = (
    *(field(name, STRING, name) for name in ("network", "ledger", "denial_evidence", "version_mode", "version_suffix")),
    field("closes_claims", BOOLEAN, "as set"),
    field("days_to_close", INT, "as set"),
    field("source_rank", INT, "as set"),
)


def frame(spark: SparkSession, fields: Sequence[Field], *rows: Row, defaults: Row | None = None) -> DataFrame:
    """A typed frame of `rows`; dates, instants and amounts may be written as text, what is absent is null."""
    names = {f.name for f in fields}
    for row in rows:
        assert set(row) <= names, f"no field is named {sorted(set(row) - names)}"
    filled = [{**(defaults or {}), **row} for row in rows]
    values = [tuple(_typed(row.get(f.name), f.type) for f in fields) for row in filled]
    return spark.createDataFrame(values, schema_of(list(fields)))


def claims(spark: SparkSession, *rows: Row) -> DataFrame:
    """Claims as `changes(conformed(CLAIMS))` and `groups(claim)` give them."""
    return frame(spark, CLAIMS.silver_fields(), *rows, defaults=CLAIM)


def lines(spark: SparkSession, *rows: Row) -> DataFrame:
    """Claim lines, likewise."""
    return frame(spark, CLAIM_LINES.silver_fields(), *rows, defaults=LINE)


def payments(spark: SparkSession, *rows: Row) -> DataFrame:
    """Payment rows, likewise."""
    return frame(spark, PAYMENTS.silver_fields(), *rows, defaults=PAYMENT)


def adjustments(spark: SparkSession, *rows: Row) -> DataFrame:
    """Adjustments, likewise."""
    return frame(spark, ADJUSTMENTS.silver_fields(), *rows, defaults=ADJUSTMENT)


def networks(spark: SparkSession, *rows: Row) -> DataFrame:
    """Network settings as `network_settings()` gives them."""
    return frame(spark, NETWORK_FIELDS, *(rows or ({},)), defaults=NETWORK)


def with_lineage(rows: DataFrame) -> DataFrame:
    """`rows` with a `_lineage` struct, as the engine adds it to a `changes(...)` input."""
    return rows.withColumn("_lineage", F.struct(F.lit("file-1.csv").alias("source"), F.lit(1).alias("row_number")))


def holds(rows: DataFrame, table: Table, rule: str) -> list[bool]:
    """Whether the named row rule of `table` holds, for each of `rows`."""
    expectation = next(e for e in table.expectations if e.name == rule)
    return [bool(row[0]) for row in rows.select(expectation.holds()).collect()]


def tried(
    spark: SparkSession, table: Table, make: Callable[..., DataFrame], cases: Mapping[str, Sequence[Row]]
) -> Told:
    """Rule -> whether it holds for each of its rows, all of them in one frame."""
    rules = {e.name: e for e in table.expectations if e.is_row_rule}
    numbered = [(name, row) for name, rows_of in cases.items() for row in rows_of]
    frame = make(spark, *[row for _, row in numbered])
    found = frame.select(*[rules[name].holds().alias(name) for name in cases]).collect()
    told: dict[str, list[bool]] = {name: [] for name in cases}
    for (name, _), answers in zip(numbered, found, strict=True):
        told[name].append(answers[name])
    return told


def judged(spark: SparkSession, table: Table, good: Row, cases: Mapping[str, Sequence[Row]]) -> Told:
    """Rule -> whether it holds for the row `good`, then for `good` with each of the changes of its case."""

    def changed(spark: SparkSession, *changes: Row) -> DataFrame:
        return frame(spark, table.fields, *changes, defaults=good)

    return tried(spark, table, changed, {rule: ({}, *changes) for rule, changes in cases.items()})


def failing_count(rows: DataFrame, table: Table, rule: str) -> int:
    """Number of rows that the named rule of `table` reports."""
    return next(e for e in table.expectations if e.name == rule).failing_rows(rows).count()


def broken(rows: DataFrame, table: Table) -> set[str]:
    """Names of the row rules of `table` that any of `rows` breaks."""
    tried = [e for e in table.expectations if e.is_row_rule]
    found = rows.select(*[e.holds().alias(e.name) for e in tried]).collect()
    return {e.name for e in tried if not all(row[e.name] for row in found)}


def unbalanced(table: Table, inputs: Mapping[str, object], result: DataFrame) -> dict[str, Decimal]:
    """Measure of the table's balance -> what went in less what came out."""
    assert table.balance is not None
    sums: dict[str, Decimal] = {}
    for row in table.balance(inputs, result).collect():
        sums[row["measure"]] = sums.get(row["measure"], Decimal(0)) + (
            row["amount"] if row["side"] == "in" else -row["amount"]
        )
    return sums


def only_row(result: DataFrame) -> Mapping[str, object]:
    """The one row there is."""
    found = result.collect()
    assert len(found) == 1
    return found[0].asDict()


def assert_same_rows(found: DataFrame, expected: DataFrame, *, ignore_row_order: bool = False) -> None:
    """Same columns, types and rows. Column comments are the engine's to attach, and hand-made frames are nullable."""
    assert_df_equality(found, expected, ignore_nullable=True, ignore_metadata=True, ignore_row_order=ignore_row_order)


def row_rules(table: Table) -> set[str]:
    """Names of the row rules of `table`."""
    return {e.name for e in table.expectations if e.is_row_rule}


def money(text: str | None) -> Decimal | None:
    """An amount written as text."""
    return None if text is None else Decimal(text)


def _typed(value: object, type: T.DataType) -> object:
    if not isinstance(value, str):
        return value
    if isinstance(type, T.DecimalType):
        return Decimal(value)
    if isinstance(type, T.DateType):
        return date.fromisoformat(value)
    if isinstance(type, T.TimestampType):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value
