"""Delta tables through Spark: create, append, merge, replace, read, as of, history.

Every write carries a transaction mark and a note, and is checked afterwards: the log must hold a commit that is ours.
A write that Delta skipped is an error here. One that ended in an error is a success when its commit is there, since
only the answer was lost. Nothing is ever tried again on a guess.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime

from delta.tables import DeltaTable
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.errors import CommitError, SchemaError
from lakehouse.faults import fault_point
from lakehouse.settings import LakeSettings
from lakehouse.spec.field import Field, schema_of
from lakehouse.storage.frames import no_rows
from lakehouse.storage.log import Logs
from lakehouse.storage.notes import CommitNote
from lakehouse.storage.store import QUARANTINE_SUFFIX, Store

_CONF = "spark.databricks.delta."
_PERIOD_PROPERTY = "lakehouse.period"


@dataclass(frozen=True)
class Layout:
    """How a table is stored.

    Attributes:
        name: `<layer>.<table>`.
        fields: every column, technical ones included, in stored order.
        partition_by: partition column, or None.
        not_null: columns that Delta refuses null in.
        change_feed: readers find changed groups in it.
        merge_on_read: deletion vectors; raises the reader version to 3.
        period: `year` or `month` when the partition column is a period.
    """

    name: str
    fields: tuple[Field, ...]
    partition_by: str | None = None
    not_null: tuple[str, ...] = ()
    change_feed: bool = False
    merge_on_read: bool = False
    period: str | None = None

    @property
    def schema(self) -> T.StructType:
        """The stored schema, nullable."""
        return schema_of(self.fields)

    @property
    def statistics_columns(self) -> list[str]:
        """Columns whose minimum and maximum stand in the log in clear text: dates, instants and batch ids that
        identify no person."""
        useful = (T.DateType, T.TimestampType)
        return [
            f.name
            for f in self.fields
            if f.phi is None and f.name != self.partition_by and (isinstance(f.type, useful) or f.name == "_batch_id")
        ]


def no_lease(name: str) -> int:
    """The guard of a lake that no one else writes to."""
    return 0


class Lake:
    """The tables below one root.

    Attributes:
        settings: where it lies and how tables are kept.
        guard: gives the fencing token of the lease that covers a table, or raises LeaseError; asked before each commit.
    """

    def __init__(self, settings: LakeSettings, guard: Callable[[str], int] = no_lease) -> None:
        self.settings = settings
        self.guard = guard
        self.store = Store(settings.root, settings.s3)
        self.logs = Logs(self.store)

    def exists(self, name: str) -> bool:
        """The table has been created."""
        return self.logs[name].exists

    def read(
        self, session: SparkSession, name: str, *, version: int | None = None, timestamp: datetime | None = None
    ) -> DataFrame:
        """The table as it is, as of a version, or as of an instant."""
        reader = session.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        if timestamp is not None:
            reader = reader.option("timestampAsOf", timestamp.isoformat())
        return reader.load(self.store.table(name))

    def changed_rows(self, session: SparkSession, name: str, first: int, last: int) -> DataFrame:
        """Rows before and after each change of versions `first` to `last`, both included, with Delta's change
        columns."""
        reader = session.read.format("delta").option("readChangeFeed", "true")
        return reader.option("startingVersion", first).option("endingVersion", last).load(self.store.table(name))

    def history(self, session: SparkSession, name: str) -> DataFrame:
        """Delta's history of the table, newest first."""
        return DeltaTable.forPath(session, self.store.table(name)).history()

    def ensure(self, session: SparkSession, layout: Layout) -> None:
        """Create the table, or add columns its declaration gained.

        Raises:
            SchemaError: a stored column is gone from the declaration or has another type.
        """
        if not self.exists(layout.name):
            self._create(session, layout)
            return
        stored = {f.name: f.dataType for f in self.read(session, layout.name).schema.fields}
        declared = {f.name: f.type for f in layout.fields}
        gone = sorted(set(stored) - set(declared))
        retyped = sorted(n for n in stored if n in declared and stored[n] != declared[n])
        if gone or retyped:
            raise SchemaError(
                f"{layout.name}: the stored table has columns the declaration dropped ({', '.join(gone) or 'none'}) "
                f"or retyped ({', '.join(retyped) or 'none'}). A meaning never changes under its name: declare a new "
                "table, or add the columns back."
            )
        added = [f for f in layout.fields if f.name not in stored]
        if added:
            columns = ", ".join(f"`{f.name}` {f.type.simpleString()} COMMENT {_quoted(f.comment)}" for f in added)
            session.sql(f"ALTER TABLE delta.`{self.store.table(layout.name)}` ADD COLUMNS ({columns})")
            self.logs.forget(layout.name)

    def _create(self, session: SparkSession, layout: Layout) -> None:
        builder = DeltaTable.createIfNotExists(session).location(self.store.table(layout.name))
        for column in layout.fields:
            builder = builder.addColumn(
                column.name, column.type, nullable=column.name not in layout.not_null, comment=column.comment
            )
        if layout.partition_by:
            builder = builder.partitionedBy(layout.partition_by)
        for key, value in self._properties(layout).items():
            builder = builder.property(key, value)
        builder.execute()
        log = self.logs.forget(layout.name)
        reader, _ = log.protocol()
        if reader > (3 if layout.merge_on_read else 1):
            raise CommitError(
                f"{layout.name}: created with Delta reader version {reader}, which Athena cannot rely on. "
                "Find the session setting that turned a table feature on."
            )

    def _properties(self, layout: Layout) -> dict[str, str]:
        keep = self.settings.retention.for_layer(layout.name.split(".")[0])
        properties = {
            "delta.logRetentionDuration": f"interval {keep.log_retention_days} days",
            "delta.deletedFileRetentionDuration": f"interval {keep.deleted_file_retention_days} days",
            "delta.enableChangeDataFeed": str(layout.change_feed).lower(),
            "delta.enableDeletionVectors": str(layout.merge_on_read).lower(),
        }
        if layout.statistics_columns:
            properties["delta.dataSkippingStatsColumns"] = ",".join(layout.statistics_columns)
        else:
            properties["delta.dataSkippingNumIndexedCols"] = "0"
        if layout.period:
            properties[_PERIOD_PROPERTY] = layout.period
        return properties

    def period(self, name: str) -> str | None:
        """`year` or `month` when an existing table is partitioned by period, else None."""
        return self.logs[name].properties().get(_PERIOD_PROPERTY)

    def append(self, session: SparkSession, name: str, rows: DataFrame, note: CommitNote) -> int:
        """Add rows in one commit; returns its version. Without rows this is a marker: a commit that changes nothing
        but the state."""
        note = self._about_to_commit(name, note)
        writer = rows.write.format("delta").mode("append")
        for key, value in self._marks(name, note).items():
            writer = writer.option(key, value)
        before = self.logs.forget(name).version
        with self._unclear_error(name, note, before):
            writer.option("userMetadata", note.to_json()).save(self.store.table(name))
        return self._proved(name, note, before)

    def mark(self, session: SparkSession, name: str, note: CommitNote) -> int:
        """Commit the state alone; returns the version."""
        schema = self.read(session, name).schema
        return self.append(session, name, no_rows(session, schema), note)

    def replace(self, session: SparkSession, name: str, rows: DataFrame, where: str | None, note: CommitNote) -> int:
        """Replace the rows that `where` selects (all of them without it) in one commit; returns its version."""
        note = self._about_to_commit(name, note)
        writer = rows.write.format("delta").mode("overwrite")
        if where is not None:
            writer = writer.option("replaceWhere", where)
        for key, value in self._marks(name, note).items():
            writer = writer.option(key, value)
        before = self.logs.forget(name).version
        with self._unclear_error(name, note, before):
            writer.option("userMetadata", note.to_json()).save(self.store.table(name))
        return self._proved(name, note, before)

    def merge(
        self, session: SparkSession, name: str, changes: DataFrame, change: "MergeShape", note: CommitNote
    ) -> int:
        """Update, insert and delete in one commit; returns its version.

        Args:
            session: a session of this build alone, since Delta takes a merge's marks from the session.
            name: the table.
            changes: stored columns plus `_is_removal`; one row per key.
            change: keys, and the partitions they can lie in.
            note: what the commit says of itself.
        """
        note = self._about_to_commit(name, note)
        marks = {f"{_CONF}write.{k}": v for k, v in self._marks(name, note).items()}
        marks[f"{_CONF}commitInfo.userMetadata"] = note.to_json()
        columns: dict[str, str | Column] = {f"`{c}`": f"s.`{c}`" for c in changes.columns if c != "_is_removal"}
        before = self.logs.forget(name).version
        with self._unclear_error(name, note, before), _confs(session, marks):
            (
                DeltaTable.forPath(session, self.store.table(name))
                .alias("t")
                .merge(changes.alias("s"), change.condition())
                .whenMatchedDelete("s._is_removal")
                .whenMatchedUpdate(set=columns)
                .whenNotMatchedInsert(condition="NOT s._is_removal", values=columns)
                .execute()
            )
        return self._proved(name, note, before)

    def _about_to_commit(self, name: str, note: CommitNote) -> CommitNote:
        """The note with the fencing token of the writer's lease, which is looked at now for the last time."""
        fault_point(f"before_{_step(name)}_commit")
        return replace(note, lease=self.guard(name))

    def _marks(self, name: str, note: CommitNote) -> dict[str, str]:
        return {"txnAppId": f"{name}#{note.state.epoch}", "txnVersion": str(note.state.sequence)}

    @contextmanager
    def _unclear_error(self, name: str, note: CommitNote, before: int) -> Iterator[None]:
        """An error of the write is none when the log holds its commit: only the answer was lost."""
        try:
            yield
        except (PySparkException, Py4JError):
            if not self._own_commits(name, note, before):
                raise

    def _own_commits(self, name: str, note: CommitNote, before: int) -> list[int]:
        """Versions after `before` that this very write made."""
        log = self.logs.forget(name)
        mark = {f"{name}#{note.state.epoch}": note.state.sequence}
        later = [log.commit(version) for version in log.versions if version > before]
        return [c.version for c in later if c.note and c.note.run_id == note.run_id and c.marks == mark]

    def _proved(self, name: str, note: CommitNote, before: int) -> int:
        fault_point(f"after_{_step(name)}_commit")
        ours = self._own_commits(name, note, before)
        if not ours:
            raise CommitError(
                f"{name}: run {note.run_id} wrote sequence {note.state.sequence}, but no commit after version {before} "
                "is its own. Another writer is at work, or Delta skipped the write: look at the table's history before "
                "running again."
            )
        return ours[-1]


@dataclass(frozen=True)
class MergeShape:
    """Where a merge looks for its keys.

    Attributes:
        keys: key columns; never null.
        partition_by: partition column, or None.
        partitions: values (None among them for null) in which old or new rows of the keys lie.
    """

    keys: tuple[str, ...]
    partition_by: str | None = None
    partitions: tuple[int | date | None, ...] = ()

    def condition(self) -> Column:
        """Partition values as literals, keys as columns: literals land in the log, so no identifier may be one."""
        same = [F.col(f"t.`{k}`") == F.col(f"s.`{k}`") for k in self.keys]
        found = same[0]
        for term in same[1:]:
            found = found & term
        if self.partition_by is None:
            return found
        column = F.col(f"t.`{self.partition_by}`")
        within = column.isin(*[p for p in self.partitions if p is not None])
        return ((within | column.isNull()) if None in self.partitions else within) & found


@contextmanager
def _confs(session: SparkSession, values: Mapping[str, str]) -> Iterator[None]:
    """Session settings for one write; left set, they would make the next one vanish."""
    for key, value in values.items():
        session.conf.set(key, value)
    try:
        yield
    finally:
        for key in values:
            session.conf.unset(key)


def _step(name: str) -> str:
    """Which step of a run writes the table, for the names of fault points."""
    return "quarantine" if name.endswith(QUARANTINE_SUFFIX) else name.split(".")[0]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def in_literals(column: str, values: Sequence[date | int | str | None]) -> str:
    """SQL condition that `column` is one of `values`, for `replaceWhere`."""
    terms = [f"`{column}` IS NULL"] if None in values else []
    present = [v for v in values if v is not None]
    if present:
        texts = [
            f"DATE'{v.isoformat()}'" if isinstance(v, date) else str(v) if isinstance(v, int) else _quoted(v)
            for v in present
        ]
        terms.append(f"`{column}` IN ({', '.join(texts)})")
    return " OR ".join(terms) or "false"
