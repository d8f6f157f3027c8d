"""Bytes of a delivery as they are read: hashed, counted, unpacked, and never more of them than is sane."""

import gzip
import hashlib
import zlib
from typing import BinaryIO, Final, Protocol, cast

from lakehouse.errors import SourceError

PIECE: Final = 1 << 20
MOST_EXPANSION: Final = 200
"""Times its stored size that a compressed file may grow to. Claims as text grow 5 to 30 times."""
ALWAYS_ALLOWED: Final = 1 << 30
"""Unpacked bytes that are allowed at any expansion: a small file of blanks may shrink a thousandfold."""


class _Raw(Protocol):
    def read(self, size: int, /) -> bytes: ...


class StoredBytes:
    """Bytes of one file, hashed and counted as they are read."""

    def __init__(self, raw: _Raw, path: str) -> None:
        self.size = 0
        self._raw = raw
        self._path = path
        self._hash = hashlib.sha256()

    @property
    def checksum(self) -> str:
        """SHA-256 of what was read so far, lower-case hex."""
        return self._hash.hexdigest()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; raises SourceError when the storage fails."""
        try:
            piece = bytes(self._raw.read(PIECE if size < 0 else size))
        except OSError as error:
            raise SourceError(f"{self._path}: could not be read ({type(error).__name__}). Run again") from error
        self.size += len(piece)
        self._hash.update(piece)
        return piece

    def drain(self) -> None:
        """Read to the end."""
        while self.read(PIECE):
            pass


class Gunzipped:
    """The unpacked bytes of a gzip stream, all its members."""

    def __init__(self, stored: StoredBytes, path: str) -> None:
        self._path = path
        self._stored = stored
        self._size = 0
        self._file = gzip.GzipFile(fileobj=cast(BinaryIO, stored), mode="rb")

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes.

        Raises:
            SourceError: damaged, cut off, or grown beyond all measure.
        """
        try:
            piece = self._file.read(size)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise SourceError(
                f"{self._path}: expected a whole gzip file, found a damaged or cut one. Ask for it to be sent again"
            ) from None
        self._size += len(piece)
        refuse_expansion(self._path, self._stored.size, self._size)
        return piece


def refuse_expansion(path: str, stored: int, unpacked: int) -> None:
    """Raise SourceError when `unpacked` bytes are more than a file of `stored` bytes can honestly hold."""
    if unpacked > ALWAYS_ALLOWED and unpacked > MOST_EXPANSION * max(stored, 1):
        raise SourceError(
            f"{path}: expected at most {MOST_EXPANSION} times its stored size, found more than {unpacked} bytes out of "
            f"{stored}. If this is no mistake, ask for the file uncompressed"
        )
