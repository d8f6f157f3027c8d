"""Delimited text, record by record, so that one bad record costs one record.

Rules:

- A field that begins with `"` is quoted: it ends at the next `"` that is not doubled, and a delimiter or line end must
  follow. A `"` anywhere else is an ordinary character. Lines end in LF or CRLF; a lone CR is part of a value. Empty
  lines are not records.
- A quoted field may hold line ends. A record over several lines must close all its quotes, have the header's width and
  stay within the bounds of `Limits`. If it does not, its first line alone is set aside as `broken_quoting` and reading
  resumes at the next line: a quote that nobody closed never takes the following records with it.
- A record on one line with another number of fields than the header is set aside as `wrong_width`, one that is not
  UTF-8 as `bad_encoding`. A NUL is an ordinary character.

Two parsers share the work. Slices whose lines are plainly well formed go to Arrow's reader; all others are parsed here.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.csv

from lakehouse.errors import DeclarationError, SourceError
from lakehouse.storage.raw_rows import Chunk, FoundColumns, Layout, RawColumn, Reject, match_headers
from lakehouse.storage.text_lines import ByteStream, Limits, LineWindow

_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class _Dialect:
    """Patterns of one delimiter: lines that each are a record, one record of any lines, fields of a sound record."""

    delimiter: str
    lines: re.Pattern[bytes]
    record: re.Pattern[bytes]
    field: re.Pattern[str]


@dataclass(frozen=True)
class _Parsed:
    """Records of one slice: string arrays in file order, numbers of the rows kept, rejects, and the extent read."""

    arrays: Sequence[pa.Array]
    numbers: Sequence[int]
    rejects: Sequence[Reject]
    size: int
    records: int
    lines: int


def read_delimited(
    stream: ByteStream,
    path: str,
    delimiter: str,
    columns: Sequence[RawColumn],
    emit: Callable[[Chunk], None],
    *,
    limits: Limits | None = None,
    fast: bool = True,
) -> FoundColumns:
    """Read delimited text to its end and hand its records to `emit`, in file order.

    Args:
        stream: the decompressed bytes of the file.
        path: names the file in messages and in `_source`.
        delimiter: one ASCII character.
        columns: the declared columns.
        emit: takes each chunk of records.
        limits: bounds on memory and on records over several lines; None takes the defaults.
        fast: False leaves Arrow's reader out; the outcome is the same.

    Raises:
        SourceError: no header, a header that is not UTF-8 or not well formed, columns that do not match, or a line too
        long. DeclarationError: the delimiter cannot delimit, or two columns share a spelling.
    """
    bounds = limits or Limits()
    dialect = _dialect(delimiter)
    window = LineWindow(stream, path, bounds)
    headers, line = _read_header(window, path, dialect, bounds)
    layout = match_headers(path, headers, columns)
    row = 1
    while cut := window.fill():
        parsed = _parse_clean(window.data[:cut], dialect, layout, row) if fast else None
        if parsed is None:
            parsed = _Careful(window.data, dialect, layout.width, bounds, row, line).parse(cut)
        emit(Chunk(layout.batch(parsed.arrays, parsed.numbers, path), parsed.rejects))
        row, line = row + parsed.records, line + parsed.lines
        window.drop(parsed.size)
    return layout.found


def _dialect(delimiter: str) -> _Dialect:
    if len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n\0':
        raise DeclarationError(
            "a delimiter is one ASCII character other than a quote, a line end or NUL; correct the file source"
        )
    d = re.escape(delimiter)
    plain = rf'[^"{d}\n][^{d}\n]*+|'
    one_line = rf'(?:"[^"\n]*+(?:""[^"\n]*+)*+"|{plain})'
    any_line = rf'(?:"[^"]*+(?:""[^"]*+)*+"|{plain})'
    return _Dialect(
        delimiter,
        # Possessive repeats keep both patterns linear and free of a backtracking stack, whatever the bytes are.
        re.compile(rf"(?:{one_line}(?:{d}|\r?\n))*+".encode()),
        re.compile(rf"{any_line}(?:{d}{any_line})*+\r?\n".encode()),
        re.compile(rf'{d}(?:"((?:[^"]|"")*+)"|([^{d}]*+))'),
    )


def _read_header(window: LineWindow, path: str, dialect: _Dialect, limits: Limits) -> tuple[list[str], int]:
    """The headers, and the line the first record begins on; the window moves behind them."""
    line = 1
    while window.fill() and (blank := re.match(rb"(?:\r?\n)+", window.data)):
        line += blank.group().count(b"\n")
        window.drop(blank.end())
    if not window.data:
        raise SourceError(f"{path}: expected a header line, found an empty file. Ask for the delivery to be sent again")
    size = _record_end(window.data, dialect, 0, limits)
    if not size:
        raise SourceError(f"{path}: expected a header line with balanced quotes, found an open one. Correct the export")
    raw = window.data[:size]
    try:
        text = _without_line_end(raw).decode()
    except UnicodeDecodeError:
        raise SourceError(
            f"{path}: expected a header line in UTF-8, found other bytes. Export the file as UTF-8"
        ) from None
    window.drop(size)
    return _fields(text, dialect), line + raw.count(b"\n")


def _parse_clean(block: bytes, dialect: _Dialect, layout: Layout, row: int) -> _Parsed | None:
    """Parse a block of whole lines with Arrow, or None when some line might read differently record by record.

    Arrow drops empty lines and a leading byte order mark, ends lines at a lone CR, takes text behind a closing quote
    and lets an open quote run on; each is ruled out before or, by the row count, after.
    """
    if block.count(b"\r") != block.count(b"\r\n") or block.startswith(_BOM):
        return None
    quotes = b'"' in block
    if (quotes and not dialect.lines.fullmatch(block)) or not _is_utf8(block):
        return None
    names = [str(index) for index in range(layout.width)]
    try:
        table = pa.csv.read_csv(
            pa.BufferReader(block),
            pa.csv.ReadOptions(use_threads=False, block_size=len(block), column_names=names),
            pa.csv.ParseOptions(delimiter=dialect.delimiter, quote_char='"' if quotes else False),
            pa.csv.ConvertOptions(
                check_utf8=False, column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid:
        return None
    lines = block.count(b"\n")
    if table.num_rows != lines:
        return None
    arrays = [column.combine_chunks() for column in table.columns]
    return _Parsed(arrays, range(row, row + lines), (), len(block), lines, lines)


class _Careful:
    """Parses the records that begin in a slice one by one."""

    def __init__(self, data: bytes, dialect: _Dialect, width: int, limits: Limits, row: int, line: int) -> None:
        self._data = data
        self._dialect = dialect
        self._width = width
        self._limits = limits
        self._first_row = self._row = row
        self._first_line = self._line = line
        self._rows: list[list[str]] = []
        self._numbers: list[int] = []
        self._rejects: list[Reject] = []

    def parse(self, cut: int) -> _Parsed:
        """Parse every record that begins before `cut`; the last one may end behind it."""
        data, at = self._data, 0
        while at < cut:
            end = data.index(b"\n", at) + 1
            raw = _without_line_end(data[at:end])
            if raw:
                if b'"' in raw:
                    end = self._add_quoted(at, end)
                else:
                    self._add(raw, 1)
            else:
                self._line += 1
            at = end
        arrays = [pa.array(values, pa.string()) for values in zip(*self._rows, strict=True)]
        empty = [pa.array([], pa.string())] * self._width
        records, lines = self._row - self._first_row, self._line - self._first_line
        return _Parsed(arrays or empty, self._numbers, self._rejects, at, records, lines)

    def _add_quoted(self, at: int, line_end: int) -> int:
        """Add the record at `at`, whose first line ends at `line_end` and holds a quote; return where it ends."""
        end = _record_end(self._data, self._dialect, at, self._limits)
        if not end or not self._add(_without_line_end(self._data[at:end]), self._data.count(b"\n", at, end)):
            self._reject("broken_quoting", _without_line_end(self._data[at:line_end]), 1)
            return line_end
        return end

    def _add(self, raw: bytes, lines: int) -> bool:
        """Keep a record or set it aside; False, with nothing done, when it spans lines and its width is wrong."""
        reason = ""
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            text, reason = raw.decode(errors="surrogateescape"), "bad_encoding"
        fields = _fields(text, self._dialect)
        if len(fields) != self._width:
            if lines > 1:
                return False
            reason = "wrong_width"
        if reason:
            self._reject(reason, raw, lines)
            return True
        self._rows.append(fields)
        self._numbers.append(self._row)
        self._row += 1
        self._line += lines
        return True

    def _reject(self, reason: str, raw: bytes, lines: int) -> None:
        self._rejects.append(Reject(self._row, self._line, reason, raw.decode(errors="backslashreplace")))
        self._row += 1
        self._line += lines


def _record_end(data: bytes, dialect: _Dialect, at: int, limits: Limits) -> int:
    """End of the well-formed record at `at`, its line end included; 0 when there is none within the limits."""
    line_end = data.index(b"\n", at) + 1
    match = dialect.record.match(data, at, max(line_end, at + limits.record_bytes))
    if match is None or match.group().count(b"\n") > limits.record_lines:
        return 0
    return match.end()


def _fields(text: str, dialect: _Dialect) -> list[str]:
    if '"' not in text:
        return text.split(dialect.delimiter)
    pairs = dialect.field.findall(dialect.delimiter + text)
    return [quoted.replace('""', '"') if quoted else plain for quoted, plain in pairs]


def _without_line_end(raw: bytes) -> bytes:
    return raw.removesuffix(b"\n").removesuffix(b"\r")


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
