"""Finds the files of a feed and stages one of them: a single pass over its bytes into two Parquet files of text."""

import gzip
import hashlib
import re
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final, cast

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType, LocalFileSystem

from lakehouse.errors import SourceError
from lakehouse.spec.sources import FileSource
from lakehouse.storage.delimited import read_delimited
from lakehouse.storage.json_lines import read_json_lines
from lakehouse.storage.parquet_text import read_parquet
from lakehouse.storage.raw_rows import FoundColumns, RawColumn
from lakehouse.storage.staging import StagingWriter
from lakehouse.storage.text_lines import ByteStream

__all__ = ["FoundFile", "RawColumn", "Staged", "list_files", "stage"]

_DELIMITERS: Final = {".csv": ",", ".psv": "|", ".txt": "|", ".tsv": "\t"}
_ENDING = re.compile(r"(?i)(.+?)(?:(\.csv|\.psv|\.txt|\.tsv|\.jsonl|\.ndjson)(\.gz)?|(\.parquet))")
_UNFINISHED = (".tmp", ".part", ".partial", ".crc")
_PIECE = 1 << 20


@dataclass(frozen=True)
class FoundFile:
    """One file as it was when it was listed.

    Attributes:
        path: relative to the network's root, in `/` form.
        size: stored bytes.
        modified_at: time of its last change, UTC.
    """

    path: str
    size: int
    modified_at: datetime


@dataclass(frozen=True)
class Staged:
    """One delivery as text in a staging folder.

    `rows_path` holds the declared columns (string, in declared order, null where the file lacks one), `_rescued`
    (columns nobody declared and their values, null when there are none), `_source` (the file's path) and `_row_number`
    (1-based, counting rejected records, not the header). `rejected_path` holds `_source`, `_row_number`, `_line` (null
    for Parquet), `_reason` and `_text`.

    Attributes:
        file: the file as listed.
        checksum: SHA-256 of its stored bytes, lower-case hex.
        rows: number of rows in `rows_path`.
        rejected: number of records in `rejected_path`.
        absent_columns: declared columns the file lacks, in declared order.
        extra_columns: columns nobody declared, in file order.
        rows_path: Parquet file of the rows; it exists even without a row.
        rejected_path: Parquet file of the records set aside; None when there are none.
    """

    file: FoundFile
    checksum: str
    rows: int
    rejected: int
    absent_columns: tuple[str, ...]
    extra_columns: tuple[str, ...]
    rows_path: str
    rejected_path: str | None


def list_files(root: str, source: FileSource) -> list[FoundFile]:
    """The finished files of a feed below a network's root, sorted by path; empty when nothing was delivered.

    Stems and endings are compared without case. Names that begin with `.` or `_` and names of unfinished copies
    (`.tmp`, `.part`, `.partial`, `.crc`) are passed over, whether of a file or of a folder below the feed's; so are
    unknown endings.

    Args:
        root: folder of the network, a local path or a URI such as `s3://bucket/folder`.
        source: which files belong to the feed.

    Raises:
        SourceError: the root is missing or cannot be listed.
    """
    try:
        system, base = _locate(root)
        if system.get_file_info(base).type is not FileType.Directory:
            raise SourceError(
                f"{root}: expected the folder of a network, found none. Check the network's root in the settings"
            )
        top = f"{base}/{source.folder.strip('/')}".rstrip("/")
        infos = system.get_file_info(FileSelector(top, allow_not_found=True, recursive=True))
    except (OSError, pa.ArrowException) as error:
        raise SourceError(
            f"{root}: could not be listed ({type(error).__name__}). Check the path and the right to read it"
        ) from error
    found = [
        FoundFile(info.path.removeprefix(base).lstrip("/"), info.size, info.mtime)
        for info in infos
        if _belongs(info, top, source.stem)
    ]
    return sorted(found, key=lambda file: file.path)


def stage(root: str, file: FoundFile, source: FileSource, columns: Sequence[RawColumn], folder: str) -> Staged:
    """Read one file once, in bounded memory, and write its records as text to a staging folder.

    Every value is text exactly as sent: nothing is trimmed, an empty delimited field is `""`, null comes only from JSON
    and Parquet nulls and from columns the file lacks. Staging the same bytes again gives the same rows and replaces the
    same two files. When it fails nothing of the file is left in the folder.

    Args:
        root: folder of the network, a local path or a URI.
        file: one of `list_files(root, source)`.
        source: the feed's source, for its delimiter.
        columns: the declared columns, at least one.
        folder: staging folder, a local path (created if missing) or a URI; several files may share it.

    Raises:
        SourceError: the file is gone, damaged, changed since it was listed, empty (delimited text), or its columns do
        not match. DeclarationError: the delimiter cannot delimit, or two columns share a spelling.
    """
    system, base = _locate(root)
    target, target_base = _locate(folder)
    name = hashlib.sha256(file.path.encode()).hexdigest()[:32]
    if isinstance(target, LocalFileSystem):
        target.create_dir(target_base, recursive=True)
    with StagingWriter(target, f"{target_base}/{name}", file.path, columns) as writer:
        with _opened(system, f"{base}/{file.path}", file.path) as raw:
            stored = _StoredBytes(raw, file.path)
            found = _read(stored, file.path, source, columns, writer)
            stored.drain()
        if stored.size != file.size:
            raise SourceError(
                f"{file.path}: expected {file.size} bytes as listed, found {stored.size}: it changed meanwhile. "
                "Run again once the delivery is complete"
            )
    rows_path, rejected_path = (f"{folder.rstrip('/')}/{name}.{kind}.parquet" for kind in ("rows", "rejected"))
    return Staged(
        file=file,
        checksum=stored.checksum,
        rows=writer.rows,
        rejected=writer.rejected,
        absent_columns=found.absent,
        extra_columns=found.extra,
        rows_path=rows_path,
        rejected_path=rejected_path if writer.rejected else None,
    )


class _StoredBytes:
    """The stored bytes of a file, hashed and counted as they are read."""

    def __init__(self, raw: pa.NativeFile, path: str) -> None:
        self.size = 0
        self._raw = raw
        self._path = path
        self._hash = hashlib.sha256()

    @property
    def checksum(self) -> str:
        return self._hash.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        try:
            piece = bytes(self._raw.read(_PIECE if size < 0 else size))
        except OSError as error:
            raise SourceError(f"{self._path}: could not be read ({type(error).__name__}). Run again") from error
        self.size += len(piece)
        self._hash.update(piece)
        return piece

    def drain(self) -> None:
        while self.read(_PIECE):
            pass


class _Unzipped:
    """The decompressed bytes of a gzip stream, all its members."""

    def __init__(self, stored: _StoredBytes, path: str) -> None:
        self._path = path
        self._file = gzip.GzipFile(fileobj=cast(BinaryIO, stored), mode="rb")

    def read(self, size: int, /) -> bytes:
        try:
            return self._file.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise SourceError(
                f"{self._path}: expected a whole gzip file, found a damaged or cut one. Ask for it to be sent again"
            ) from None


def _read(
    stored: _StoredBytes, path: str, source: FileSource, columns: Sequence[RawColumn], writer: StagingWriter
) -> FoundColumns:
    matched = _ENDING.fullmatch(path)
    if matched is None:
        raise SourceError(
            f"{path}: expected a file of a known format, found another ending. List the feed's files again"
        )
    ending, zipped = (matched[2] or matched[4]).lower(), matched[3]
    if ending == ".parquet":
        # Parquet is read from its end: a copy on local disk keeps it to one pass over the source.
        with tempfile.TemporaryFile() as copy:
            while piece := stored.read(_PIECE):
                copy.write(piece)
            copy.seek(0)
            return read_parquet(cast(BinaryIO, copy), path, columns, writer.add)
    stream: ByteStream = _Unzipped(stored, path) if zipped else stored
    if ending in _DELIMITERS:
        return read_delimited(stream, path, source.delimiter or _DELIMITERS[ending], columns, writer.add)
    return read_json_lines(stream, path, columns, writer.add)


def _locate(place: str) -> tuple[FileSystem, str]:
    """The file system of a path or URI, and the path within it without a closing slash."""
    if "://" not in place:
        return LocalFileSystem(), place.rstrip("/") or "/"
    system, path = FileSystem.from_uri(re.sub(r"^s3[an]://", "s3://", place))
    return system, path.rstrip("/")


def _opened(system: FileSystem, place: str, path: str) -> pa.NativeFile:
    try:
        # Without the argument Arrow would unpack by suffix, and the checksum would not be of the stored bytes.
        return system.open_input_stream(place, compression=None)
    except OSError as error:
        raise SourceError(
            f"{path}: could not be opened ({type(error).__name__}). List the feed's files again"
        ) from error


def _belongs(info: FileInfo, top: str, stem: str) -> bool:
    if info.type is not FileType.File:
        return False
    parts = info.path.removeprefix(top).strip("/").split("/")
    if any(part.startswith((".", "_")) or part.lower().endswith(_UNFINISHED) for part in parts):
        return False
    matched = _ENDING.fullmatch(parts[-1])
    return matched is not None and (
        stem == "*" or re.fullmatch(rf"(?i){re.escape(stem)}(?:[-_.]\d.*)?", matched[1]) is not None
    )
