"""Writes the records of one delivery to two Parquet files, a row group at a time."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import astuple
from types import TracebackType
from typing import Self

import pyarrow as pa
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

    def add(self, chunk: Chunk) -> None:
        """Take one chunk."""
        self._rows.add(chunk.rows)
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
            self._discard()
            raise
        self._discard()

    def _discard(self) -> None:
        self._rows.remove()
        self._rejects.remove()


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
