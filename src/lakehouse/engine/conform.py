"""From Bronze text to a contract's types: read what is due, conform, cast, tokenise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import TimestampType

from lakehouse.engine.live import live_rows
from lakehouse.engine.tokens import TokenKey, with_member_token
from lakehouse.engine.work import PartWork
from lakehouse.errors import SchemaError
from lakehouse.spec.columns import blank_to_null, parse_clean
from lakehouse.spec.feed import Conform, Feed
from lakehouse.spec.field import MONEY, TOTAL, Phi
from lakehouse.spec.scopes import Changes
from lakehouse.storage.lake import Lake
from lakehouse.storage.notes import Delivery

_KEPT = ("_network", "_source", "_batch_id", "_row_number", "_raw_hash", "_delivered_at", "_drop_reason")


@dataclass(frozen=True)
class ConformedRows:
    """One network's rows in the contract's types.

    Attributes:
        network: whose.
        raw: the Bronze rows read.
        rows: one row per row the conform function returned, `_drop_reason` set on those it does not use, and the
            amounts that used rows leave out.
        conform: the function.
    """

    network: str
    raw: DataFrame
    rows: DataFrame
    conform: Conform


def conform_part(
    session: SparkSession,
    lake: Lake,
    work: PartWork,
    consumed: Mapping[str, int | str],
    key: Callable[[], TokenKey],
    dates: Sequence[str] = (),
    zone: str = "UTC",
) -> ConformedRows:
    """Conform one network's due rows.

    Args:
        session: of the build.
        lake: to read from.
        work: what is due.
        consumed: Bronze versions to read, so that every look at the data sees the same.
        key: gives the key of member tokens; asked for only when the contract carries member numbers.
        dates: the network's own date patterns; empty takes the adapter's.
        zone: of the sender's instants that name none.

    Raises:
        SchemaError: the function returned other columns than the contract's.
    """
    frames: dict[str, DataFrame] = {}
    for name, scope in work.part.conform.reads.items():
        assert isinstance(scope.of, Feed)
        bronze = work.part.tables.get(name) or scope.of.for_network(work.part.network)
        rows = live_rows(session, lake, bronze, consumed.get(bronze.name))
        frames[name] = _due(rows, work.batches) if isinstance(scope, Changes) else newest(rows, scope.of.key)
    conform = work.part.conform
    text = conform(**frames)
    _check_columns(text, conform, work.part.main.name)
    typed = cast_to_contract(text, work, dates or conform.dates, zone)
    if any(f.phi is Phi.MEMBER for f in conform.contract.fields):
        typed = with_member_token(typed, key())
    return ConformedRows(work.part.network, frames[conform.main_input], typed, conform)


def _due(rows: DataFrame, batches: tuple[Delivery, ...] | None) -> DataFrame:
    """Rows of the deliveries; the ingest dates prune folders, the batch ids select."""
    if batches is None:
        return rows
    days = sorted({d.ingest_date for d in batches})
    within = F.col("_ingest_date").isin(*[F.to_date(F.lit(day)) for day in days])
    return rows.where(within & F.col("_batch_id").isin(*sorted({d.batch_id for d in batches})))


def newest(rows: DataFrame, key: Sequence[str]) -> DataFrame:
    """The newest row of each key of an append-only feed: by delivery, then content, then place in the file."""
    order = [F.col(c).desc_nulls_last() for c in ("_delivered_at", "_raw_hash", "_source", "_row_number")]
    window = Window.partitionBy(*key).orderBy(*order).rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return rows.withColumn("_rank", F.row_number().over(window)).where(F.col("_rank") == 1).drop("_rank")


def _check_columns(text: DataFrame, conform: Conform, bronze: str) -> None:
    expected = {f.name for f in conform.contract.all_fields} | {"_drop_reason", *conform.elsewhere_columns}
    technical = {"_drop_reason", *conform.elsewhere_columns}
    business = {c for c in text.columns if not c.startswith("_")} | technical & set(text.columns)
    if business != expected:
        raise SchemaError(
            f"{bronze} -> {conform.contract.name}: the conform function returned other columns than the contract has; "
            f"missing {', '.join(sorted(expected - business)) or 'none'}, "
            f"unexpected {', '.join(sorted(business - expected)) or 'none'}. Change its final select."
        )


def cast_to_contract(text: DataFrame, work: PartWork, dates: Sequence[str], zone: str = "UTC") -> DataFrame:
    """Columns of the contract in its types, amounts left out, `_drop_reason`, and `_lineage`.

    `_lineage` holds where the row came from and when, the text of every column, the names of columns that held text and
    became null, whether the sender stamped the row, whether a number of its source orders it before any stamp, and
    whether the whole feed is rebuilt (stored rows are then compared by content, not by order).
    """
    conform = work.part.conform
    fields = [f for f in conform.contract.all_fields if f.name != "network"]
    sent = F.struct(*[F.col(f.name) for f in fields]).alias("_text")
    # Three projections: each text is cleaned once and parsed once, however often the result is looked at.
    left_out = conform.elsewhere_columns
    cleaned = text.select(
        *_KEPT, *left_out, sent, *[blank_to_null(F.col(f.name)).alias(f"_clean_{f.name}") for f in fields]
    )
    parsed = {f.name: parse_clean(F.col(f"_clean_{f.name}"), f.type, dates, conform.timestamps) for f in fields}
    if zone != "UTC":
        instants = [f.name for f in fields if isinstance(f.type, TimestampType)]
        parsed |= {name: F.to_utc_timestamp(parsed[name], zone) for name in instants}
    typed = cleaned.select("*", *[column.alias(name) for name, column in parsed.items()])
    lost = [F.when(F.col(f"_clean_{f.name}").isNotNull() & F.col(f.name).isNull(), F.lit(f.name)) for f in fields]
    is_numbered = F.lit(conform.sequenced) & F.col("source_sequence").isNotNull()
    lineage = F.struct(
        F.col("_source").alias("source"),
        F.col("_batch_id").alias("batch_id"),
        F.col("_row_number").alias("row_number"),
        F.col("_raw_hash").alias("raw_hash"),
        F.col("_delivered_at").alias("delivered_at"),
        (F.col("modified_at").isNotNull() | is_numbered).alias("stamped"),
        F.col("modified_at").alias("stamp"),
        F.lit(conform.sequenced).alias("sequenced"),
        F.lit(work.batches is None).alias("rebuild"),
        F.lit(work.part.main.name).alias("feed"),
        F.filter(F.array(*lost), lambda name: name.isNotNull()).alias("unparsed"),
        F.col("_text").alias("text"),
    )
    values = {f.name: F.col(f.name) for f in fields}
    values["network"] = F.col("_network")
    values["modified_at"] = F.coalesce("modified_at", "_delivered_at")
    values["is_deleted"] = F.coalesce("is_deleted", F.lit(False))
    columns = [values[f.name].alias(f.name) for f in conform.contract.all_fields]
    amounts = [parse_clean(blank_to_null(F.col(c)), MONEY, (), ()).alias(c) for c in left_out]
    return typed.select(*columns, *amounts, F.col("_drop_reason"), lineage.alias("_lineage"))


def raw_totals(part: ConformedRows) -> DataFrame:
    """One row: the number of Bronze rows read (`rows`) and the exact sum of each raw money column, for the ledger."""
    cleaned = part.raw.select(*[blank_to_null(F.col(c)).alias(c) for c in part.conform.money])
    sums = [F.sum(parse_clean(F.col(c), MONEY, (), ())).cast(TOTAL).alias(c) for c in part.conform.money]
    return cleaned.agg(F.count(F.lit(1)).alias("rows"), *sums)
