"""Stages one delivered file: a single pass over its bytes into Parquet files of text, so many records to a part."""

import hashlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO, Final, cast

from pyarrow.fs import LocalFileSystem

from lakehouse.errors import SourceError
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.archives import explain_archive, opened_member
from lakehouse.storage.control_files import Control, Totals, check_control, check_totals, read_control
from lakehouse.storage.delimited import read_delimited
from lakehouse.storage.drop_listing import control_path
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.file_names import DELIMITERS, archive_stem, parse_name, split_member
from lakehouse.storage.framed_text import FramedText, rows_stated
from lakehouse.storage.json_lines import read_json_lines
from lakehouse.storage.parquet_text import read_parquet
from lakehouse.storage.raw_rows import Chunk, FoundColumns, RawColumn
from lakehouse.storage.staging import PartsWriter, StagingWriter
from lakehouse.storage.store import filesystem_of
from lakehouse.storage.stored_bytes import PIECE, Gunzipped, StoredBytes
from lakehouse.storage.text_lines import ByteStream

__all__ = ["Drop", "FoundFile", "RawColumn", "Staged", "stage_parts"]

_CONTROL_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class Staged:
    """One part of a delivery as text in a staging folder; most deliveries have one part.

    `rows_path` holds the declared columns (string, in declared order, null where the file lacks one), `_rescued`
    (columns nobody declared and their values, null when there are none), `_source` (the file's path) and `_row_number`
    (1-based within the file, counting rejected records, not the header). `rejected_path` holds `_source`,
    `_row_number`, `_line` (null for Parquet), `_reason` and `_text`.

    Attributes:
        file: the file as listed.
        checksum: SHA-256 of its bytes, lower-case hex: of the stored ones, or of the unpacked ones of a file within a
            zip archive.
        rows: number of rows in `rows_path`.
        rejected: number of records in `rejected_path`.
        absent_columns: declared columns the file lacks, in declared order.
        extra_columns: columns nobody declared, in file order.
        rows_path: Parquet file of the rows; it exists even without a row.
        rejected_path: Parquet file of the records set aside; None when there are none.
        filled: declared columns that hold a value, not null and not blank, in a row of this part.
        part: its number.
        is_last: no other part follows.
    """

    file: FoundFile
    checksum: str
    rows: int
    rejected: int
    absent_columns: tuple[str, ...]
    extra_columns: tuple[str, ...]
    rows_path: str
    rejected_path: str | None
    filled: frozenset[str] = frozenset()
    part: int = 0
    is_last: bool = True


def stage_parts(
    drop: Drop,
    file: FoundFile,
    source: FileSource,
    columns: Sequence[RawColumn],
    folder: str,
    how: FileSettings,
    *,
    skip_records: int = 0,
    first_part: int = 0,
) -> tuple[Staged, ...]:
    """Read one file once, in bounded memory, and write its records as text to a staging folder.

    Every value is text exactly as sent: nothing is trimmed, an empty delimited field is `""`, null comes only from JSON
    and Parquet nulls and from columns the file lacks. Staging the same bytes again gives the same parts and replaces
    the same files. It answers once the whole file was read and agrees with what its sender says of it; when it fails
    nothing of the file is left in the folder.

    Args:
        drop: where the network's files lie.
        file: one that `list_drop` gave.
        source: the feed's source, for its delimiter.
        columns: the declared columns, at least one.
        folder: staging folder, a local path (created if missing) or a URI; several files may share it.
        how: how the sender frames and counts files, and `part_rows`.
        skip_records: leading records that are not staged, because they landed before.
        first_part: number of the first part staged.

    Returns:
        At least one part, in order.

    Raises:
        SourceError: the file is gone, damaged, changed since it was listed, empty (delimited text), its columns do not
            match, or it is not what its control file or trailer says.
        DeclarationError: the delimiter cannot delimit, or two columns share a spelling.
    """
    target, target_base = filesystem_of(folder, drop.s3)
    if isinstance(target, LocalFileSystem):
        target.create_dir(target_base, recursive=True)
    name = hashlib.sha256(file.path.encode()).hexdigest()[:32]

    def open_part(number: int) -> StagingWriter:
        return StagingWriter(target, f"{target_base}/{name}.{number:05d}", file.path, columns)

    writer = PartsWriter(open_part, part_rows=how.part_rows, skip_records=skip_records, first_part=first_part)
    with writer:
        found, checksum = _read_whole(drop, file, source, columns, how, writer)
    stem = f"{folder.rstrip('/')}/{name}"
    return tuple(
        _staged(file, checksum, found, part, number, stem, part is writer.parts[-1])
        for number, part in enumerate(writer.parts, first_part)
    )


def _staged(
    file: FoundFile, checksum: str, found: FoundColumns, part: StagingWriter, number: int, stem: str, is_last: bool
) -> Staged:
    return Staged(
        file=file,
        checksum=checksum,
        rows=part.rows,
        rejected=part.rejected,
        absent_columns=found.absent,
        extra_columns=found.extra,
        rows_path=f"{stem}.{number:05d}.rows.parquet",
        rejected_path=f"{stem}.{number:05d}.rejected.parquet" if part.rejected else None,
        filled=part.filled,
        part=number,
        is_last=is_last,
    )


def _read_whole(
    drop: Drop,
    file: FoundFile,
    source: FileSource,
    columns: Sequence[RawColumn],
    how: FileSettings,
    writer: PartsWriter,
) -> tuple[FoundColumns, str]:
    """Give all of a file to the writer and prove it is what was listed and stated; its columns and its checksum."""
    stated = _stated_in_file(drop, file.path, how)
    totals = Totals(stated, file.path, columns) if stated else None

    def emit(chunk: Chunk) -> None:
        writer.add(chunk)
        if totals is not None:
            totals.add(chunk.rows)

    with _opened(drop, file.path) as stored:
        found, trailer = _read(stored, file.path, source, columns, how, emit)
        stored.drain()
    _refuse_changed(drop, file, stored.size)
    for control in (stated, trailer):
        if control is not None:
            framing = how.control_extra_rows
            check_control(control, file.path, writer.records, framing, stored.size, stored.checksum)
    if stated is not None and totals is not None:
        check_totals(stated, file.path, totals)
    return found, stored.checksum


@contextmanager
def _opened(drop: Drop, path: str) -> Iterator[StoredBytes]:
    """The bytes of a delivery, hashed as they are read."""
    stored, member = split_member(path)
    if member is not None:
        with opened_member(drop, path, stored, member) as unpacked:
            yield StoredBytes(unpacked, path)
        return
    if archive_stem(path) is not None:
        explain_archive(drop, path)
        raise SourceError(f"{path}: expected an archive that could not be listed, found it sound. Run again")
    with drop.stream(path) as raw:
        yield StoredBytes(raw, path)


def _read(
    stored: StoredBytes,
    path: str,
    source: FileSource,
    columns: Sequence[RawColumn],
    how: FileSettings,
    emit: Callable[[Chunk], None],
) -> tuple[FoundColumns, Control | None]:
    """Hand all records of a file to `emit`; the columns found, and what the trailer says."""
    name = parse_name(split_member(path)[1] or path)
    if name is None:
        raise SourceError(
            f"{path}: expected a file of a known format, found another ending. List the feed's files again"
        )
    if how.control == "trailer" and name.ending not in DELIMITERS:
        raise SourceError(
            f"{path}: expected delimited text, whose last record is a trailer, found {name.ending}. Have a control "
            'file sent and set control = "file" for the network'
        )
    if name.ending == ".parquet":
        # Parquet is read from its end: a copy on local disk keeps it to one pass over the source.
        with tempfile.TemporaryFile() as copy:
            while piece := stored.read(PIECE):
                copy.write(piece)
            copy.seek(0)
            return read_parquet(cast(BinaryIO, copy), path, columns, emit), None
    stream: ByteStream = Gunzipped(stored, path) if name.is_gzip else stored
    if name.ending not in DELIMITERS:
        return read_json_lines(stream, path, columns, emit), None
    delimiter = source.delimiter or DELIMITERS[name.ending]
    if how.control != "trailer" and how.header_mark is None:
        return read_delimited(stream, path, delimiter, columns, emit), None
    mark = how.trailer_mark if how.control == "trailer" else None
    framed = FramedText(stream, path, delimiter, header=how.header_mark, trailer=mark)
    found = read_delimited(framed, path, delimiter, columns, emit)
    if framed.trailer is None:
        return found, None
    return found, Control("its trailer", rows_stated(framed.trailer, how.trailer_rows_field, path))


def _stated_in_file(drop: Drop, path: str, how: FileSettings) -> Control | None:
    """What the control file beside a file says of it."""
    if how.control != "file":
        return None
    stored, member = split_member(path)
    place = control_path(stored, how)
    with drop.stream(place) as raw:
        content = StoredBytes(raw, place).read(_CONTROL_BYTES + 1)
    if len(content) > _CONTROL_BYTES:
        raise SourceError(f"{place}: expected a control file of at most {_CONTROL_BYTES} bytes, found more. Correct it")
    return read_control(content, place, (member or stored).rpartition("/")[2])


def _refuse_changed(drop: Drop, file: FoundFile, size: int) -> None:
    """Raise SourceError when a file is no longer the one that was listed."""
    if size != file.size:
        raise SourceError(
            f"{file.path}: expected {file.size} bytes as listed, found {size}: it changed meanwhile. "
            "Run again once the delivery is complete"
        )
    now = drop.look(split_member(file.path)[0])
    if now is None or now.modified_at != file.modified_at:
        raise SourceError(
            f"{file.path}: expected the file as listed, found it replaced while it was read. "
            "Run again once the delivery is complete"
        )
