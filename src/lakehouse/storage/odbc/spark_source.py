"""Reads a window on Spark's executors: a Python data source whose partitions are the key ranges of the window.

What stands in its options is seen in plans and in Spark's own pages, so they name the secret and hold no value of a
row: connection string and key ranges are fetched where they are used. A task that runs again reads again, which is safe
because the window is closed.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from lakehouse.settings_networks import ChangeSignal, SqlSettings
from lakehouse.spec.sources import SqlSource
from lakehouse.storage import secrets
from lakehouse.storage.odbc.database import Database
from lakehouse.storage.odbc.key_ranges import KeyRange
from lakehouse.storage.odbc.source_table import SourceTable
from lakehouse.storage.raw_rows import RawColumn, staging_schema
from lakehouse.storage.window import Window

FORMAT: Final = "lakehouse_odbc"
_OPTION: Final = "reading"


@dataclass(frozen=True)
class Reading:
    """What is read, without a secret and without a value of a row."""

    network: str
    connection_reference: str
    settings: SqlSettings
    source: SqlSource
    columns: tuple[RawColumn, ...]
    key: tuple[str, ...]
    window: Window

    def to_json(self) -> str:
        """The text that is the data source's option."""
        settings = self.settings.model_dump(mode="json")
        parts = {name: asdict(getattr(self, name)) for name in ("source", "window")}
        columns = [asdict(column) for column in self.columns]
        named = {"network": self.network, "connection_reference": self.connection_reference, "key": self.key}
        return json.dumps({**named, **parts, "settings": settings, "columns": columns})

    @classmethod
    def from_json(cls, text: str) -> "Reading":
        """The reading an option describes."""
        read: dict[str, Any] = json.loads(text)
        return cls(
            read["network"],
            read["connection_reference"],
            SqlSettings(**read["settings"]),
            SqlSource(**read["source"]),
            tuple(RawColumn(c["name"], tuple(c["aliases"]), c["required"]) for c in read["columns"]),
            tuple(read["key"]),
            Window(**read["window"]),
        )

    def database(self) -> Database:
        """The network's database; the secret is fetched when it connects."""
        return Database(self.network, lambda: secrets.resolve(self.connection_reference), self.settings)

    def table(self, database: Database) -> SourceTable:
        """The table, by the signal the window is of."""
        return database.table(self.source, self.columns, self.key, cast(ChangeSignal, self.window.signal))


def window_frame(
    session: SparkSession,
    network: str,
    connection_reference: str,
    settings: SqlSettings,
    source: SqlSource,
    columns: Sequence[RawColumn],
    key: Sequence[str],
    window: Window,
) -> DataFrame:
    """A window's rows in the staging schema, read by one task for each key range whenever an action asks for them.

    Args:
        session: to read in.
        network: name, for messages.
        connection_reference: name of the secret that holds the connection string; executors resolve it themselves.
        settings: how the database is read.
        source: its declared table.
        columns: the declared raw columns.
        key: raw columns that tell its rows apart.
        window: closed before, by `SourceTable.bound`.
    """
    reading = Reading(network, connection_reference, settings, source, tuple(columns), tuple(key), window)
    session.dataSource.register(OdbcWindow)
    return session.read.format(FORMAT).option(_OPTION, reading.to_json()).load()


@dataclass
class RangePartition(InputPartition):
    """One key range; pickled, never shown."""

    key_range: KeyRange


class OdbcWindow(DataSource):
    """The data source of one window."""

    @classmethod
    def name(cls) -> str:
        """Name of its format."""
        return FORMAT

    def schema(self) -> StructType:
        """The staging schema."""
        return from_arrow_schema(staging_schema(Reading.from_json(self.options[_OPTION]).columns))

    def reader(self, schema: StructType) -> DataSourceReader:
        """Its reader."""
        return OdbcWindowReader(Reading.from_json(self.options[_OPTION]))


class OdbcWindowReader(DataSourceReader):
    """Reads one window."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def partitions(self) -> Sequence[InputPartition]:
        """One for each key range; their bounds come from the server and stay in the partitions."""
        with self._reading.database() as database:
            table = self._reading.table(database)
            return [RangePartition(key_range) for key_range in table.key_ranges(self._reading.window)]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """The rows of one key range. May run twice: for a task tried again, and for each action."""
        assert isinstance(partition, RangePartition)
        with self._reading.database() as database:
            yield from self._reading.table(database).batches(self._reading.window, partition.key_range)
