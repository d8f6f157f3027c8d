"""JSON lines: one object a line, each value kept as text."""

import json
from collections.abc import Callable, Sequence

import pyarrow as pa

from lakehouse.storage.raw_rows import (
    RESCUED,
    Chunk,
    FoundColumns,
    RawColumn,
    Reject,
    check_columns,
    spelling,
    spellings,
    staging_batch,
)
from lakehouse.storage.text_lines import ByteStream, Limits, LineWindow

_Pairs = list[tuple[str, str | None]]


class _Digits(str):
    """A JSON number, as the digits it was sent with."""

    __slots__ = ()


def read_json_lines(
    stream: ByteStream,
    path: str,
    columns: Sequence[RawColumn],
    emit: Callable[[Chunk], None],
    *,
    limits: Limits | None = None,
) -> FoundColumns:
    """Read JSON lines to their end and hand the records to `emit`, in file order.

    Numbers keep their digits, booleans are `true` and `false`, null is null, nested values are compact JSON. Blank
    lines are not records. A line that is not one JSON object with distinct keys is set aside as `bad_json`, one that is
    not UTF-8 (or holds half a surrogate pair) as `bad_encoding`.

    Args:
        stream: the decompressed bytes of the file.
        path: names the file in messages and in `_source`.
        columns: the declared columns; a required one must be a key of at least one record, unless there is no record.
        emit: takes each chunk of records.
        limits: bounds on memory; None takes the defaults.

    Raises:
        SourceError: a required column is in no record, or a line is too long.
        DeclarationError: two columns share a spelling.
    """
    reader = _Reader(path, columns)
    window = LineWindow(stream, path, limits or Limits())
    while cut := window.fill():
        emit(reader.chunk(window.data[:cut]))
        window.drop(cut)
    return reader.found()


class _Reader:
    def __init__(self, path: str, columns: Sequence[RawColumn]) -> None:
        self._path = path
        self._columns = columns
        self._known = spellings(columns)
        self._decoder = json.JSONDecoder(
            object_pairs_hook=_distinct, parse_float=_Digits, parse_int=_Digits, parse_constant=_Digits
        )
        self._spelled: dict[str, str] = {}
        self._seen: dict[str, None] = {}
        self._row = 0
        self._line = 0

    def chunk(self, block: bytes) -> Chunk:
        """Decode a block of whole lines."""
        rows: list[dict[str, str | None]] = []
        rescued: list[_Pairs | None] = []
        numbers: list[int] = []
        rejects: list[Reject] = []
        for raw in block.removesuffix(b"\n").split(b"\n"):
            self._line += 1
            if not raw.strip():
                continue
            self._row += 1
            record = self._decode(raw)
            if isinstance(record, str):
                text = raw.removesuffix(b"\r").decode(errors="backslashreplace")
                rejects.append(Reject(self._row, self._line, record, text))
                continue
            self._seen.update(dict.fromkeys(record))
            extra = [(key, text) for key, text in record.items() if key not in self._known]
            rows.append({self._known[key]: text for key, text in record.items() if key in self._known})
            rescued.append(extra or None)
            numbers.append(self._row)
        arrays = [pa.array([row.get(column.name) for row in rows], pa.string()) for column in self._columns]
        maps = pa.array(rescued, RESCUED)
        return Chunk(staging_batch(self._columns, arrays, maps, numbers, self._path), rejects)

    def found(self) -> FoundColumns:
        """Which columns the records had between them."""
        matched = {self._known[key]: None for key in self._seen if key in self._known}
        if self._seen:
            check_columns(self._path, list(self._seen), matched, self._columns)
        absent = tuple(column.name for column in self._columns if column.name not in matched)
        return FoundColumns(absent, tuple(key for key in self._seen if key not in self._known))

    def _decode(self, raw: bytes) -> dict[str, str | None] | str:
        """The record by spelled key, or the reason it is set aside."""
        try:
            parsed = self._decoder.decode(raw.decode())
            if not isinstance(parsed, dict):
                return "bad_json"
            record = {self._spelling(key): _text(value) for key, value in parsed.items()}
            # Only an escape can bring in half a surrogate pair, which Arrow and Parquet cannot hold.
            if b"\\" in raw:
                "".join(key + (text or "") for key, text in record.items()).encode()
        except UnicodeError:
            return "bad_encoding"
        except (ValueError, RecursionError):
            return "bad_json"
        names = {self._known.get(key, key) for key in record}
        return record if len(names) == len(parsed) else "bad_json"

    def _spelling(self, key: str) -> str:
        if key not in self._spelled:
            self._spelled[key] = spelling(key)
        return self._spelled[key]


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("an object repeats a key")
    return record


def _text(value: object) -> str | None:
    if value is None:
        return None
    return str(value) if isinstance(value, str) else _compact(value)


def _compact(value: object) -> str:
    """Compact JSON of a decoded value; numbers are written with the digits they came with."""
    if isinstance(value, _Digits):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_compact(key)}:{_compact(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_compact, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
