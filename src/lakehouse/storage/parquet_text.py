"""Parquet files with every value rendered as text, the same way each time."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, time
from decimal import Decimal
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from lakehouse.errors import SourceError
from lakehouse.storage.raw_rows import Chunk, FoundColumns, Layout, RawColumn, Reject, match_headers

_BATCH_ROWS = 16_384
_OUT_OF_RANGE = "<value out of range"
_BYTES = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


def read_parquet(
    stream: BinaryIO, path: str, columns: Sequence[RawColumn], emit: Callable[[Chunk], None]
) -> FoundColumns:
    """Read a Parquet file to its end and hand its rows to `emit`, in file order.

    Null stays null. Decimals are plain digits, floats the shortest text that reads back equal, booleans `true` and
    `false`, dates `2026-01-31`, timestamps `2026-01-31T23:59:59.000000` with a `Z` and in UTC where the type has a zone
    (nine digits only where the last three are not zero), lists of plain values joined by `|`, other nested values
    compact JSON. A row with text or bytes that are not UTF-8 is set aside as `bad_encoding`.

    Args:
        stream: the file, seekable.
        path: names the file in messages and in `_source`.
        columns: the declared columns.
        emit: takes each chunk of rows.

    Raises:
        SourceError: not a Parquet file, columns that do not match, or a column whose type or value has no text form.
        DeclarationError: two columns share a spelling.
    """
    with _sound(path):
        file = pq.ParquetFile(stream, pre_buffer=False, buffer_size=1 << 20)
        headers = file.schema_arrow.names
        batches = file.iter_batches(batch_size=_BATCH_ROWS, use_threads=False)
    layout = match_headers(path, headers, columns)
    row = 1
    while True:
        with _sound(path):
            batch = next(batches, None)
            if batch is None:
                return layout.found
            chunk = _chunk(batch, headers, layout, row, path)
        emit(chunk)
        row += batch.num_rows


@contextmanager
def _sound(path: str) -> Iterator[None]:
    """Turn every sign of a damaged file into one error, without its cause: Arrow and Python may quote a value."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, OverflowError):
        raise SourceError(
            f"{path}: expected a sound Parquet file, found one that cannot be decoded. Ask for it to be sent again"
        ) from None


def _chunk(batch: pa.RecordBatch, headers: Sequence[str], layout: Layout, row: int, path: str) -> Chunk:
    arrays: list[pa.Array] = []
    bad: set[int] = set()
    for header, array in zip(headers, batch.columns, strict=True):
        text, undecodable = _column_text(array, f"{path}: column {header}")
        arrays.append(text)
        bad.update(undecodable)
    if not bad:
        return Chunk(layout.batch(arrays, range(row, row + batch.num_rows), path), ())
    rejects = [Reject(row + at, None, "bad_encoding", _record_text(headers, arrays, at)) for at in sorted(bad)]
    kept = [at for at in range(batch.num_rows) if at not in bad]
    chosen = [array.take(pa.array(kept, pa.int64())) for array in arrays]
    return Chunk(layout.batch(chosen, [row + at for at in kept], path), rejects)


def _record_text(headers: Sequence[str], arrays: Sequence[pa.Array], at: int) -> str:
    record = {header: array[at].as_py() for header, array in zip(headers, arrays, strict=True)}
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _column_text(array: pa.Array, place: str) -> tuple[pa.Array, list[int]]:
    """One column as text, and the positions that are not UTF-8 (their text is backslash-escaped)."""
    kind = array.type
    types = pa.types
    if types.is_dictionary(kind):
        return _column_text(array.dictionary_decode(), place)
    if (types.is_list(kind) or types.is_large_list(kind)) and not types.is_nested(kind.value_type):
        return _joined(array, place)
    if any(test(kind) for test in _BYTES):
        try:
            return array.cast(pa.binary()).cast(pa.string()), []
        except pa.ArrowInvalid:
            return _escaped(array.cast(pa.binary()).to_pylist())
    return _rendered(array, place), []


def _joined(array: pa.Array, place: str) -> tuple[pa.Array, list[int]]:
    """Lists of plain values as text joined by `|`; a null within a list is empty text."""
    values, undecodable = _column_text(array.flatten(), place)
    texts = [value or "" for value in values.to_pylist()]
    joined: list[str | None] = []
    bad: list[int] = []
    at = 0
    for length in pc.list_value_length(array).to_pylist():
        end = at + (length or 0)
        if any(at <= position < end for position in undecodable):
            bad.append(len(joined))
        joined.append(None if length is None else "|".join(texts[at:end]))
        at = end
    return pa.array(joined, pa.string()), bad


def _escaped(values: Sequence[bytes | None]) -> tuple[pa.Array, list[int]]:
    texts: list[str | None] = []
    undecodable: list[int] = []
    for at, value in enumerate(values):
        try:
            texts.append(None if value is None else value.decode())
        except UnicodeDecodeError:
            texts.append(None if value is None else value.decode(errors="backslashreplace"))
            undecodable.append(at)
    return pa.array(texts, pa.string()), undecodable


def _rendered(array: pa.Array, place: str) -> pa.Array:
    kind = array.type
    types = pa.types
    if types.is_decimal(kind):
        values = array.to_pylist()
        return pa.array([None if value is None else format(value, "f") for value in values], pa.string())
    if types.is_nested(kind):
        return pa.array([_compact(value, place) for value in array.to_pylist()], pa.string())
    if types.is_duration(kind) or not (types.is_primitive(kind) or types.is_null(kind)):
        raise SourceError(f"{place}: expected a type with a text form, found {kind}. Export the column as text")
    try:
        text = _timestamp_text(array) if types.is_timestamp(kind) else array.cast(pa.string())
        beyond = pc.any(pc.starts_with(text, _OUT_OF_RANGE)).as_py()
    except pa.ArrowInvalid:
        beyond = True
    if beyond:
        raise SourceError(f"{place}: expected values of the calendar, found a {kind} beyond it. Correct the export")
    return text


def _timestamp_text(array: pa.Array) -> pa.Array:
    kind = array.type
    unit = "ns" if kind.unit == "ns" else "us"
    # Arrow holds a zoned timestamp as UTC, so dropping the zone by way of the bare integers leaves UTC clock time.
    clock = array.cast(pa.int64()).cast(pa.timestamp(kind.unit)).cast(pa.timestamp(unit))
    text = pc.replace_substring(clock.cast(pa.string()), " ", "T", max_replacements=1)
    if unit == "ns":
        text = pc.replace_substring_regex(text, r"000$", "")
    return text if kind.tz is None else pc.binary_join_element_wise(text, "Z", "")


def _compact(value: object, place: str) -> str | None:
    """Compact JSON of a nested value; decimals, dates and times stand in it as text."""
    if value is None:
        return None

    def plain(item: object) -> str:
        if isinstance(item, Decimal):
            return format(item, "f")
        if isinstance(item, date | time):
            return item.isoformat()
        raise SourceError(
            f"{place}: expected nested values with a text form, found {type(item).__name__}. Export it as text"
        )

    return json.dumps(value, default=plain, ensure_ascii=False, separators=(",", ":"))
