"""Writes the records of one delivery to two Parquet files, or to two for each of its parts, a row group at a time."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import astuple
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem, FileType

from lakehouse.storage.raw_rows import Chunk, RawColumn, Reject, staging_schema

_GROUP_ROWS = 131_072
_GROUP_BYTES = 32 << 20
_REJECTED = pa.schema(
    [
        pa.field("_source", pa.string()),
        pa.field("_row_number", pa.int64()),
        pa.field("_line", pa.int64()),
        pa.field("_reason", pa.string()),
        pa.field("_text", pa.string()),
    ]
)


class StagingWriter:
    """Takes chunks and writes them to `<stem>.rows.parquet` and, once there is a reject, `<stem>.rejected.parquet`.

    A context manager: left by an error, it removes both files.
    """

    def __init__(self, system: FileSystem, stem: str, source: str, columns: Sequence[RawColumn]) -> None:
        self._source = source
        self._unfilled = {index: column.name for index, column in enumerate(columns)}
        self._filled: set[str] = set()
        self._rows = _GroupedFile(system, f"{stem}.rows.parquet", staging_schema(columns))
        self._rejects = _GroupedFile(system, f"{stem}.rejected.parquet", _REJECTED)

    @property
    def rows(self) -> int:
        """Rows taken so far."""
        return self._rows.count

    @property
    def rejected(self) -> int:
        """Rejects taken so far."""
        return self._rejects.count

    @property
    def filled(self) -> frozenset[str]:
        """Declared columns that held a value, not null and not blank, in a row taken so far."""
        return frozenset(self._filled)

    def add(self, chunk: Chunk) -> None:
        """Take one chunk."""
        self._rows.add(chunk.rows)
        for index in [i for i in self._unfilled if _holds_value(chunk.rows.column(i))]:
            self._filled.add(self._unfilled.pop(index))
        if chunk.rejects:
            self._rejects.add(_reject_batch(chunk.rejects, self._source))

    def __enter__(self) -> Self:
        self._rejects.remove()
        self._rows.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._rows.close()
                self._rejects.close()
                return
        except BaseException:
            self.discard()
            raise
        self.discard()

    def discard(self) -> None:
        """Remove both files."""
        self._rows.remove()
        self._rejects.remove()


class PartsWriter:
    """Takes the chunks of a file and writes every so many records to a part of their own.

    Which part a record is in depends on its number alone, so a file read again gives the same parts. There is always
    one part, even without a record. A context manager: left by an error, it removes every part.
    """

    def __init__(
        self, open_part: Callable[[int], StagingWriter], *, part_rows: int, skip_records: int = 0, first_part: int = 0
    ) -> None:
        """Prepare for the first chunk.

        Args:
            open_part: makes the writer of a part, given its number.
            part_rows: most records of a part, those set aside included.
            skip_records: leading records that are in no part.
            first_part: number of the first part.
        """
        self.parts: list[StagingWriter] = []
        self.records = 0
        self._open_part = open_part
        self._part_rows = part_rows
        self._first_part = first_part
        self._skipped = self._end = skip_records

    def add(self, chunk: Chunk) -> None:
        """Take the next chunk of the file."""
        self.records += chunk.rows.num_rows + len(chunk.rejects)
        _, rest = _split(chunk, self._skipped)
        while rest.rows.num_rows or rest.rejects:
            head, tail = _split(rest, self._end)
            if head.rows.num_rows or head.rejects:
                self.parts[-1].add(head)
            if tail.rows.num_rows or tail.rejects:
                self._begin_part()
            rest = tail

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self.parts:
                self._begin_part()
            if self.parts:
                self.parts[-1].__exit__(kind, error, trace)
        except BaseException:
            self._discard()
            raise
        if kind is not None:
            self._discard()

    def _begin_part(self) -> None:
        if self.parts:
            self.parts[-1].__exit__(None, None, None)
        part = self._open_part(self._first_part + len(self.parts))
        self.parts.append(part)
        part.__enter__()
        self._end += self._part_rows

    def _discard(self) -> None:
        for part in self.parts:
            part.discard()


class _GroupedFile:
    """A Parquet file that is opened at its first batch and gets a row group whenever enough has come together."""

    def __init__(self, system: FileSystem, path: str, schema: pa.Schema) -> None:
        self.count = 0
        self._system = system
        self._path = path
        self._schema = schema
        self._stream: pa.NativeFile | None = None
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._held_rows = 0
        self._held_bytes = 0

    def open(self) -> None:
        if self._writer is None:
            self._stream = self._system.open_output_stream(self._path, compression=None)
            self._writer = pq.ParquetWriter(self._stream, self._schema, compression="zstd")

    def add(self, batch: pa.RecordBatch) -> None:
        self.open()
        self._held.append(batch)
        self.count += batch.num_rows
        self._held_rows += batch.num_rows
        self._held_bytes += batch.nbytes
        if self._held_rows >= _GROUP_ROWS or self._held_bytes >= _GROUP_BYTES:
            self._flush()

    def close(self) -> None:
        if self._writer is not None and self._stream is not None:
            self._flush()
            self._writer.close()
            self._stream.close()
            self._writer = self._stream = None

    def remove(self) -> None:
        self._held.clear()
        # What failed may be the storage itself, and then closing fails as well; the file is deleted either way.
        with suppress(OSError, pa.ArrowException):
            self.close()
        self._writer = self._stream = None
        if self._system.get_file_info(self._path).type is not FileType.NotFound:
            self._system.delete_file(self._path)

    def _flush(self) -> None:
        if self._writer is not None and self._held_rows:
            table = pa.Table.from_batches(self._held, self._schema)
            self._writer.write_table(table, row_group_size=max(table.num_rows, 1))
        self._held.clear()
        self._held_rows = self._held_bytes = 0


def _holds_value(column: pa.Array) -> bool:
    if column.null_count == len(column):
        return False
    return bool(pc.any(pc.not_equal(pc.utf8_trim_whitespace(column), "")).as_py())


def _split(chunk: Chunk, end: int) -> tuple[Chunk, Chunk]:
    """The records of a chunk up to the number `end`, and those behind it."""
    numbers, nothing = chunk.rows.column("_row_number"), Chunk(chunk.rows.slice(0, 0), ())
    if not chunk.rejects and (not len(numbers) or numbers[-1].as_py() <= end):
        return chunk, nothing
    if not chunk.rejects and numbers[0].as_py() > end:
        return nothing, chunk
    rows = bisect_right(numbers.to_pylist(), end)
    rejects = bisect_right([reject.row_number for reject in chunk.rejects], end)
    head = Chunk(chunk.rows.slice(0, rows), chunk.rejects[:rejects])
    return head, Chunk(chunk.rows.slice(rows), chunk.rejects[rejects:])


def _reject_batch(rejects: Sequence[Reject], source: str) -> pa.RecordBatch:
    numbers, lines, reasons, texts = zip(*map(astuple, rejects), strict=True)
    arrays = [
        pa.repeat(pa.scalar(source, pa.string()), len(rejects)),
        pa.array(numbers, pa.int64()),
        pa.array(lines, pa.int64()),
        pa.array(reasons, pa.string()),
        pa.array(texts, pa.string()),
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=_REJECTED)
