"""Reads the rows of key ranges into staging files: in parallel, each range whole or not at all."""

import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

import pyarrow as pa
from pyarrow.fs import FileSystem, FileType, LocalFileSystem

from lakehouse.faults import fault_point
from lakehouse.settings import S3Settings
from lakehouse.storage.odbc.driver import TextQuery
from lakehouse.storage.odbc.failures import DriverFailure, Kind
from lakehouse.storage.odbc.key_ranges import KeyRange
from lakehouse.storage.odbc.server import Server
from lakehouse.storage.raw_rows import Chunk, Layout, Reject, staging_schema
from lakehouse.storage.staging import StagingWriter
from lakehouse.storage.store import filesystem_of

TEXT_BOUNDS: Final = (4096, 65536)
"""Characters a text without a limit may have, tried one after the other; then values are read one by one."""
RANGE_ROWS: Final = 10**10
"""Row numbers of one key range; the next range begins above the next multiple."""
_CLIMBED: Final = frozenset({Kind.TOO_LONG, Kind.BAD_TEXT})

T = TypeVar("T")
Queries = Mapping[KeyRange, TextQuery]


@dataclass(frozen=True)
class StagedRows:
    """Rows of a table as text in a staging folder.

    Attributes:
        paths: Parquet files of the staging schema, one for each key range.
        rows: in them.
        filled: raw columns that held a value.
        rejected_paths: Parquet files of rows that are not Unicode, with `_source`, `_row_number`, `_reason`, `_text`.
        rejected: rows in them.
    """

    paths: tuple[str, ...]
    rows: int
    filled: frozenset[str]
    rejected_paths: tuple[str, ...] = ()
    rejected: int = 0


@dataclass(frozen=True)
class _Part:
    rows: int
    rejected: int
    filled: frozenset[str]


class _Stopped(Exception):
    """Another range of the same reading has failed."""


class RowReader:
    """Reads ranges of one table's rows."""

    def __init__(self, server: Server, name: str, layout: Layout) -> None:
        """Open nothing yet.

        Args:
            server: to read from.
            name: of the table, as every row's `_source` has it.
            layout: which column of a query is which raw column.
        """
        self._server = server
        self._name = name
        self._layout = layout
        # Where in TEXT_BOUNDS reading begins: what was too small once is not tried again.
        self._first_bound = 0

    def stage(self, queries: Queries, folder: str, stem: str, s3: S3Settings | None) -> StagedRows:
        """Read every range into a file of its own, in threads; when one fails for good, nothing is left."""
        system, base = filesystem_of(folder, s3)
        if isinstance(system, LocalFileSystem):
            system.create_dir(base, recursive=True)
        stems = {key_range: f"{stem}-{key_range.index:02d}" for key_range in queries}
        stop = threading.Event()

        def part(key_range: KeyRange) -> _Part:
            try:
                target = f"{base}/{stems[key_range]}"
                return self._climb(
                    lambda bound: self._write(queries[key_range], key_range, bound, system, target, stop)
                )
            except BaseException:
                stop.set()
                raise

        try:
            with ThreadPoolExecutor(min(len(queries), self._server.settings.parallel_reads)) as threads:
                running = [threads.submit(part, key_range) for key_range in queries]
            parts = _results(running)
        except BaseException:
            stop.set()
            for name in stems.values():
                _remove(system, f"{base}/{name}")
            raise
        places = [f"{folder.rstrip('/')}/{name}" for name in stems.values()]
        return StagedRows(
            paths=tuple(f"{place}.rows.parquet" for place in places),
            rows=sum(each.rows for each in parts),
            filled=frozenset[str]().union(*(each.filled for each in parts)),
            rejected_paths=tuple(
                f"{place}.rejected.parquet" for place, each in zip(places, parts, strict=True) if each.rejected
            ),
            rejected=sum(each.rejected for each in parts),
        )

    def spool(self, query: TextQuery, key_range: KeyRange) -> Iterator[pa.RecordBatch]:
        """The batches of one range, once the last has arrived; until then they wait in a file without a name."""
        schema = staging_schema(self._layout.columns)
        with tempfile.TemporaryFile() as spooled:

            def once(bound: int | None) -> None:
                spooled.seek(0)
                spooled.truncate()
                with pa.ipc.new_stream(spooled, schema) as writer:
                    for chunk in self._chunks(query, key_range, bound):
                        if chunk.rejects:
                            raise DriverFailure(Kind.BAD_TEXT)
                        writer.write_batch(chunk.rows)

            self._climb(once)
            spooled.seek(0)
            with pa.ipc.open_stream(spooled) as reader:
                yield from reader

    def _climb(self, action: Callable[[int | None], T]) -> T:
        """What `action` gives with the first bound that is large enough; None as bound when none is."""
        bounds = (*TEXT_BOUNDS, None)
        step = self._first_bound
        while True:
            bound = bounds[step]
            try:
                # Value by value is the last way, so its failures are for people.
                passed = frozenset[Kind]() if bound is None else _CLIMBED
                return self._server.attempt(partial(action, bound), self._name, passed)
            except DriverFailure as failure:
                kind = failure.kind
            step = len(TEXT_BOUNDS) if kind is Kind.BAD_TEXT else step + 1
            if kind is Kind.TOO_LONG:
                self._first_bound = max(self._first_bound, step)

    def _write(
        self,
        query: TextQuery,
        key_range: KeyRange,
        bound: int | None,
        system: FileSystem,
        target: str,
        stop: threading.Event,
    ) -> _Part:
        filled: set[str] = set()
        names = [column.name for column in self._layout.columns]
        with StagingWriter(system, target, self._name, self._layout.columns) as writer:
            for number, chunk in enumerate(self._chunks(query, key_range, bound)):
                writer.add(chunk)
                filled |= {name for name in names if chunk.rows.column(name).null_count < chunk.rows.num_rows}
                if number == 0:
                    fault_point("mid_read")
                if stop.is_set():
                    raise _Stopped
        return _Part(writer.rows, writer.rejected, frozenset(filled))

    def _chunks(self, query: TextQuery, key_range: KeyRange, bound: int | None) -> Iterator[Chunk]:
        begin = key_range.index * RANGE_ROWS
        for batch in self._server.driver.batches(query, bound):
            numbers = [begin + number for number in batch.numbers]
            rejects = [Reject(begin + number, None, "bad_encoding", text) for number, text in batch.unreadable]
            yield Chunk(self._layout.batch(batch.arrays, numbers, self._name), rejects)


def _results(running: list[Future[_Part]]) -> list[_Part]:
    """What all ranges gave; the failure that stopped the others, if there was one."""
    failures = [failure for each in running if (failure := each.exception()) is not None]
    for failure in sorted(failures, key=lambda failure: isinstance(failure, _Stopped)):
        raise failure
    return [each.result() for each in running]


def _remove(system: FileSystem, target: str) -> None:
    for path in (f"{target}.rows.parquet", f"{target}.rejected.parquet"):
        if system.get_file_info(path).type is not FileType.NotFound:
            system.delete_file(path)
