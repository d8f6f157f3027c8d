"""Tombstones for rows that were deleted at their source.

A deleted row leaves no change behind (but in Change Tracking). So now and then the keys of all rows are read, after the
windows landed: a key that Bronze holds and the source does not was deleted in between, because what Bronze holds was
in the source when it landed. Its tombstone lands after the row it ends, and before the same key inserted again.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pyspark.sql import Column, DataFrame
from pyspark.sql import Window as Over
from pyspark.sql import functions as F

from lakehouse.engine.conform import newest
from lakehouse.engine.context import BuildContext
from lakehouse.engine.live import live_rows, same_values
from lakehouse.engine.source_plan import after_all
from lakehouse.errors import SourceError
from lakehouse.settings_networks import SqlSettings
from lakehouse.spec.sources import SqlSource
from lakehouse.spec.table import Table
from lakehouse.storage.window import STAMP_FORMAT, Window

if TYPE_CHECKING:
    from lakehouse.storage.odbc.source_table import SourceTable

KEYS = "keys"


@dataclass(frozen=True)
class Tombstones:
    """Staged tombstones.

    Attributes:
        path: folder of their Parquet files, in the shape of staged rows.
        rows: how many.
        after: the end of the last window, which they stand at.
        read_at: the source's clock before its keys were read, UTC.
    """

    path: str
    rows: int
    after: Window
    read_at: datetime


def stage_tombstones(context: BuildContext, table: Table, source: "SourceTable", folder: str) -> Tombstones:
    """Compare the keys of the source with those of Bronze's newest rows, and stage a tombstone for each that is gone.

    Raises:
        SourceError: more rows are gone than may be (setting `most_deleted_share`).
    """
    session, lake = context.session, context.lake
    assert table.feed is not None
    assert table.network is not None
    settings = context.settings.networks[table.network].sql
    position = lake.logs[table.name].state.position
    assert position is not None
    read_at = after_all(source.bound().read_at, lake.logs[table.name])
    staged = source.stage_keys(folder, "keys", s3=context.settings.lake.s3)
    if staged.rejected:
        raise SourceError(
            f"{source.name}: {staged.rejected:,} keys cannot be read as text, so it is unknown which rows are gone. "
            "Correct them at the source, or set sql.compare_keys_days = 0 for the network."
        )
    held = newest(live_rows(session, lake, table, lake.logs[table.name].version), table.feed.key)
    held = held.where(F.lower(F.coalesce("is_deleted", F.lit("false"))) != "true")
    there = session.read.parquet(*staged.paths).select(*table.feed.key)
    condition = same_values("held", "there", table.feed.key)
    gone = held.alias("held").join(there.alias("there"), condition, "left_anti").select("held.*")
    path = f"{folder}/tombstones"
    _as_staged(gone, table, _change_columns(table, read_at, settings), source.name).write.parquet(path)
    count, before = session.read.parquet(path).count(), held.count()
    if count > settings.most_deleted_share * before:
        raise SourceError(
            f"{source.name}: {count:,} of {before:,} keys that landed are gone from the source, more than "
            f"networks.{table.network}.sql.most_deleted_share allows. No tombstone was landed. Check the table and the "
            "login's rights; if they really were deleted, raise the setting for one run."
        )
    return Tombstones(path, count, replace(position, lo=position.hi, takes_unstamped=False), read_at)


def _change_columns(table: Table, read_at: datetime, settings: SqlSettings) -> dict[str, Column]:
    """What a tombstone carries besides its key: it is stamped by the source's clock."""
    declared = table.reads["rows"]
    assert isinstance(declared, SqlSource)
    clock = read_at.astimezone(ZoneInfo(settings.zone)).strftime(STAMP_FORMAT)
    return {"is_deleted": F.lit("true"), declared.stamp: F.lit(clock)}


def _as_staged(gone: DataFrame, table: Table, values: dict[str, Column], place: str) -> DataFrame:
    assert table.feed is not None
    kept = {key: F.col(key) for key in table.feed.key} | values
    nothing = F.lit(None).cast("string")
    return gone.select(
        *[kept.get(f.name, nothing).alias(f.name) for f in table.feed.fields],
        F.lit(None).cast("map<string,string>").alias("_rescued"),
        F.lit(place).alias("_source"),
        F.row_number().over(Over.orderBy(*table.feed.key)).cast("long").alias("_row_number"),
    )
