"""A byte stream seen through a moving window of whole lines, so that a file of any size is read in bounded memory."""

from dataclasses import dataclass
from typing import Protocol

from lakehouse.errors import SourceError

_BOM = b"\xef\xbb\xbf"


class ByteStream(Protocol):
    """Anything bytes are read from; an empty answer means the end."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""
        ...


@dataclass(frozen=True)
class Limits:
    """Bounds that keep memory small and damage local. All sizes are bytes.

    Attributes:
        slice_bytes: how much is parsed at a time.
        record_bytes: longest record that runs over several lines.
        record_lines: most lines of one record.
        line_bytes: longest line; beyond it the file is refused.
    """

    slice_bytes: int = 1 << 20
    record_bytes: int = 1 << 20
    record_lines: int = 1000
    line_bytes: int = 64 << 20


class LineWindow:
    """The unread part of a stream. Lines of `data` up to the cut are whole and end in LF, even the last of the file."""

    def __init__(self, stream: ByteStream, path: str, limits: Limits) -> None:
        self._stream = stream
        self._path = path
        self._limits = limits
        self._ended = False
        self.data = b""
        self._read_to(len(_BOM))
        self.data = self.data.removeprefix(_BOM)

    def fill(self) -> int:
        """Read on and return the cut: the end of the next slice of whole lines, 0 at the end of the stream.

        Behind any record that begins before the cut, `data` holds at least `record_bytes` more unless the stream has
        ended.

        Raises:
            SourceError: a line is longer than `line_bytes`.
        """
        limits = self._limits
        self._read_to(limits.slice_bytes + limits.record_bytes)
        cut = self.data.rfind(b"\n", 0, limits.slice_bytes) + 1 or self.data.find(b"\n") + 1
        while not cut and not self._ended:
            if len(self.data) > limits.line_bytes:
                raise SourceError(
                    f"{self._path}: expected lines of at most {limits.line_bytes} bytes, found a longer one. "
                    "Check that it is a text file with LF or CRLF line ends"
                )
            self._read_to(2 * len(self.data))
            cut = self.data.find(b"\n") + 1
        return cut

    def drop(self, size: int) -> None:
        """Forget the first `size` bytes."""
        self.data = self.data[size:]

    def _read_to(self, size: int) -> None:
        pieces = [self.data]
        held = len(self.data)
        while held < size and not self._ended:
            piece = self._stream.read(max(size - held, self._limits.slice_bytes))
            held += len(piece)
            self._ended = not piece
            pieces.append(piece)
        self.data = b"".join(pieces)
        if self._ended and self.data and not self.data.endswith(b"\n"):
            self.data += b"\n"
