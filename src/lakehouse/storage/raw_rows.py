"""Rows of a delivery as text: the columns asked for, how headers are matched to them, and what a batch looks like."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

import pyarrow as pa

from lakehouse.errors import DeclarationError, SourceError

RESCUED = pa.map_(pa.string(), pa.string())
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True)
class RawColumn:
    """One column a feed is expected to carry.

    Attributes:
        name: its lower-case name in Bronze.
        aliases: other headers that mean the same column.
        required: a file without it is refused.
    """

    name: str
    aliases: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True)
class Reject:
    """One record that could not be decoded.

    Attributes:
        row_number: 1-based number of the record in its file; the header is not counted.
        line: 1-based line of the file the record begins on; None where the format has no lines.
        reason: `wrong_width`, `bad_encoding`, `broken_quoting` or `bad_json`.
        text: the record as sent, bytes that are not UTF-8 backslash-escaped. It may hold PHI: never log it.
    """

    row_number: int
    line: int | None
    reason: str
    text: str


@dataclass(frozen=True)
class Chunk:
    """Some consecutive records of a file: a record batch of the staging schema, and the records set aside beside it."""

    rows: pa.RecordBatch
    rejects: Sequence[Reject]


@dataclass(frozen=True)
class FoundColumns:
    """Declared columns a file lacks (in declared order) and its columns that nobody declared (in file order)."""

    absent: tuple[str, ...]
    extra: tuple[str, ...]


@dataclass(frozen=True)
class Layout:
    """Where each declared column stands in a file.

    Attributes:
        columns: the declared columns.
        slots: for each declared column the index of its file column, or None.
        extras: spelling and index of each file column that nobody declared.
        width: number of columns in the file.
    """

    columns: tuple[RawColumn, ...]
    slots: tuple[int | None, ...]
    extras: tuple[tuple[str, int], ...]
    width: int

    @property
    def found(self) -> FoundColumns:
        """The absent and the extra columns."""
        pairs = zip(self.columns, self.slots, strict=True)
        return FoundColumns(tuple(c.name for c, slot in pairs if slot is None), tuple(name for name, _ in self.extras))

    def batch(self, arrays: Sequence[pa.Array], numbers: Sequence[int], path: str) -> pa.RecordBatch:
        """File columns (string arrays in file order) and record numbers, as a batch of the staging schema."""
        nothing = pa.nulls(len(numbers), pa.string())
        chosen = [nothing if slot is None else arrays[slot] for slot in self.slots]
        return staging_batch(self.columns, chosen, self._rescued(arrays, len(numbers)), numbers, path)

    def _rescued(self, arrays: Sequence[pa.Array], rows: int) -> pa.Array:
        width = len(self.extras)
        if not width or not rows:
            return pa.nulls(rows, RESCUED)
        by_column = pa.concat_arrays([arrays[index] for _, index in self.extras])
        by_row = pa.array([column * rows + row for row in range(rows) for column in range(width)], pa.int64())
        keys = pa.array([name for name, _ in self.extras] * rows, pa.string())
        offsets = pa.array(range(0, width * rows + 1, width), pa.int32())
        return pa.MapArray.from_arrays(offsets, keys, by_column.take(by_row))


def staging_schema(columns: Sequence[RawColumn]) -> pa.Schema:
    """Schema of the staged rows: declared columns as string, `_rescued` map, `_source` string, `_row_number` int64."""
    own = [pa.field("_rescued", RESCUED), pa.field("_source", pa.string()), pa.field("_row_number", pa.int64())]
    return pa.schema([*(pa.field(column.name, pa.string()) for column in columns), *own])


def staging_batch(
    columns: Sequence[RawColumn], arrays: Sequence[pa.Array], rescued: pa.Array, numbers: Sequence[int], path: str
) -> pa.RecordBatch:
    """A batch of the staging schema; the arrays (strings, one per declared column), maps and numbers are as long."""
    own = [rescued, pa.repeat(pa.scalar(path, pa.string()), len(numbers)), pa.array(numbers, pa.int64())]
    return pa.RecordBatch.from_arrays([*arrays, *own], schema=staging_schema(columns))


def spelling(header: str) -> str:
    """A header for comparing: lower case, no byte order mark, no outer blanks, inner blanks and dashes as one `_`."""
    return re.sub(r"[\s\-]+", "_", header.lstrip("\ufeff").strip().lower())


def spellings(columns: Sequence[RawColumn]) -> dict[str, str]:
    """Every accepted spelling to the name of its column.

    Raises:
        DeclarationError: two columns share a spelling.
    """
    known: dict[str, str] = {}
    for column in columns:
        for spelled in {spelling(text) for text in (column.name, *column.aliases)}:
            if spelled in known:
                raise DeclarationError(
                    f"columns {known[spelled]} and {column.name} both accept the header '{spelled}'; "
                    "expected each header to mean one column: remove it from one of them"
                )
            known[spelled] = column.name
    return known


def match_headers(path: str, headers: Sequence[str], columns: Sequence[RawColumn]) -> Layout:
    """Match the headers of a file (in file order) to the declared columns.

    Raises:
        SourceError: a required column is missing, no declared column is found, or two headers mean one column.
        DeclarationError: two declared columns share a spelling.
    """
    known = spellings(columns)
    spelled = [spelling(header) or f"column_{index + 1}" for index, header in enumerate(headers)]
    slots: dict[str, int] = {}
    extras: dict[str, int] = {}
    doubled: list[int] = []
    for index, header in enumerate(spelled):
        target, name = (slots, known[header]) if header in known else (extras, header)
        if name in target:
            doubled += [target[name] + 1, index + 1]
        target.setdefault(name, index)
    check_columns(path, spelled, slots, columns)
    if doubled:
        raise SourceError(
            f"{path}: expected each header once, found the same column at positions {sorted(set(doubled))}; "
            f"columns found: {_listed(spelled)}. Rename or drop one of them in the export"
        )
    declared = tuple(columns)
    return Layout(declared, tuple(slots.get(c.name) for c in declared), tuple(extras.items()), len(spelled))


def check_columns(path: str, found: Sequence[str], matched: Mapping[str, object], columns: Sequence[RawColumn]) -> None:
    """Refuse a file that lacks a required column or has no declared column at all.

    Args:
        path: of the file, for the message.
        found: spellings of its headers.
        matched: names of the declared columns that were found.
        columns: the declared columns.

    Raises:
        SourceError: names the missing columns, their nearest header, what was expected and found.
    """
    missing = [column for column in columns if column.required and column.name not in matched]
    if not missing and (matched or not columns):
        return
    # A file without its header line shows a data row here, and that must not be printed: show what was found only when
    # enough of it is known to be headers.
    expected = ", ".join(column.name for column in columns)
    if 2 * len(matched) < min(len(found), len(columns)) or not matched:
        raise SourceError(
            f"{path}: expected the columns {expected}; found {len(found)} headers of which {len(matched)} are known. "
            "Check that the file has its header line, the declared delimiter and is of this feed"
        )
    known = spellings(columns)
    unknown = [name for name in found if name not in known]
    named = [column.name + _nearest(column, unknown) for column in missing]
    raise SourceError(
        f"{path}: required columns missing: {', '.join(named)}. Expected columns: {expected}. "
        f"Found columns: {_listed(found)}. Correct the export, or declare the new header as an alias"
    )


def _nearest(column: RawColumn, unknown: Sequence[str]) -> str:
    candidates = [name for name in unknown if _NAME.fullmatch(name)]
    for spelled in (spelling(text) for text in (column.name, *column.aliases)):
        if near := get_close_matches(spelled, candidates, n=1):
            return f" (nearest header: {near[0]})"
    return ""


def _listed(found: Sequence[str]) -> str:
    """Headers for a message; one that does not look like a name is not printed, for it may be a value."""
    return ", ".join(name if _NAME.fullmatch(name) else "(not a name)" for name in found)
