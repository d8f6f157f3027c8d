"""Delimited text between a header record and a trailer: what frames the rows is taken off as the bytes go by."""

import csv
import re
from collections.abc import Sequence

from lakehouse.errors import SourceError
from lakehouse.storage.text_lines import ByteStream

_BOM = b"\xef\xbb\xbf"
_MOST_BYTES = 1 << 16
"""Longest record that frames a file."""


class FramedText:
    """The bytes between the frame's records, as a stream of their own.

    The header record becomes an empty line, so that line numbers stay those of the file. The trailer is the last line
    that is not empty; it is known once the stream has ended.
    """

    def __init__(
        self, stream: ByteStream, path: str, delimiter: str, *, header: str | None = None, trailer: str | None = None
    ) -> None:
        """Frame a stream.

        Args:
            stream: the unpacked bytes of the file.
            path: names the file in messages.
            delimiter: of its records.
            header: first field of the record above the column headers; None when there is none.
            trailer: first field of the last record; None when there is none.
        """
        self._stream = stream
        self._path = path
        self._delimiter = delimiter
        self._header = header
        self._trailer = trailer
        self._held = b""
        self._is_first = True
        self._within_a_line = False
        self._ended = False
        self.trailer: Sequence[str] | None = None

    def read(self, size: int, /) -> bytes:
        """Bytes of the rows, at least one until the end.

        Raises:
            SourceError: a record of the frame is not where it should be.
        """
        while not self._ended:
            piece = self._stream.read(size)
            if self._is_first:
                piece = self._without_header(piece, size)
                self._is_first = False
            self._ended = not piece
            passed = self._past(piece) if self._trailer is not None else piece
            if passed:
                return passed
        return b""

    def _without_header(self, piece: bytes, size: int) -> bytes:
        if self._header is None:
            return piece
        while b"\n" not in piece and len(piece) < _MOST_BYTES and (more := self._stream.read(size)):
            piece += more
        line, ended, rest = piece.partition(b"\n")
        fields = self._fields(line.removeprefix(_BOM))
        if not ended or fields is None or fields[0] != self._header:
            raise SourceError(
                f"{self._path}: expected a first record that begins with {self._header}, found another. Ask for the "
                "whole file, or correct header_mark in the network's settings"
            )
        return b"\n" + rest

    def _past(self, piece: bytes) -> bytes:
        """What of the bytes cannot be the trailer; the rest is held back."""
        data = self._held + piece
        begin = data.rfind(b"\n", 0, len(data.rstrip(b"\r\n"))) + 1
        begins_a_line = begin > 0 or not self._within_a_line
        if not piece:
            self.trailer = self._fields(data[begin:].strip(b"\r\n")) if begins_a_line else None
            if self.trailer is None or self.trailer[0] != self._trailer:
                raise SourceError(
                    f"{self._path}: expected a last record that begins with {self._trailer}, found another: the file "
                    "is cut short or has no trailer. Ask for it to be sent again"
                )
            return data[:begin]
        may_be_trailer = begins_a_line and len(data) - begin <= _MOST_BYTES
        passed, self._held = (data[:begin], data[begin:]) if may_be_trailer else (data, b"")
        if passed:
            self._within_a_line = not passed.endswith(b"\n")
        return passed

    def _fields(self, line: bytes) -> list[str] | None:
        """Fields of one line; None when they cannot be told, or when it is the end of a longer record."""
        if line.count(b'"') % 2:
            return None
        try:
            found = list(csv.reader([line.rstrip(b"\r").decode()], delimiter=self._delimiter, strict=True))
        except (UnicodeDecodeError, csv.Error):
            return None
        return [field.strip() for field in found[0]] if len(found) == 1 and found[0] else None


def rows_stated(trailer: Sequence[str], field: int, path: str) -> int:
    """The number of rows a trailer states in its `field` (the mark is field 1).

    Raises:
        SourceError: the field is missing or no number.
    """
    text = trailer[field - 1] if field <= len(trailer) else ""
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise SourceError(
            f"{path}: expected the number of rows in field {field} of its trailer, found none in {len(trailer)} fields."
            " Correct trailer_rows_field in the network's settings"
        )
    return int(text)
