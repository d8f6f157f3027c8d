"""Zip archives: the deliveries in one, and each of them as a stream. Nothing is unpacked to disk."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, cast

from lakehouse.errors import SourceError
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.file_names import MEMBER, archive_stem, has_stem, is_passed_over, parse_name
from lakehouse.storage.stored_bytes import refuse_expansion

MOST_BYTES: Final = 1 << 40
"""Unpacked bytes of one archive."""
_READ_AHEAD = 4 << 20
_ENCRYPTED = 0x1
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def deliveries_in(drop: Drop, archive: FoundFile, stem: str) -> list[FoundFile]:
    """The deliveries of a feed in one archive, sorted by path.

    A file belongs to the feed when its own name has the feed's stem, or when the archive's name has it and nothing else
    of a known format is in it. An archive that cannot be read answers itself: staging it says what is wrong.
    """
    try:
        with _opened(drop, archive.path) as opened:
            infos = _members(archive.path, opened)
    except SourceError:
        return [archive]
    by_archive = len(infos) == 1 and has_stem(archive_stem(archive.path) or "", stem)
    found = [
        replace(archive, path=f"{archive.path}{MEMBER}{info.filename}", size=info.file_size)
        for info in infos
        if by_archive or _belongs(info, stem)
    ]
    return sorted(found, key=lambda file: file.path)


@contextmanager
def opened_member(drop: Drop, path: str, archive: str, member: str) -> "Iterator[MemberBytes]":
    """The bytes of one file within an archive.

    Args:
        drop: where the archive lies.
        path: of the delivery, for messages.
        archive: path of the archive.
        member: path of the file within it.

    Raises:
        SourceError: the archive is damaged, encrypted, nested or grows beyond all measure, or the file is not in it.
    """
    with _opened(drop, archive) as opened:
        info = next((i for i in _members(archive, opened) if i.filename == member), None)
        if info is None:
            raise SourceError(f"{path}: expected it in the archive as listed, found it gone. Run again")
        with _sound(path):
            stream = opened.open(info)
        with stream:
            yield MemberBytes(cast(io.BufferedIOBase, stream), path)


def explain_archive(drop: Drop, archive: str) -> None:
    """Raise the SourceError that says why an archive cannot be read; nothing when it can."""
    with _opened(drop, archive) as opened:
        _members(archive, opened)


@dataclass(frozen=True)
class MemberBytes:
    """Unpacked bytes of one file in an archive."""

    stream: io.BufferedIOBase
    path: str

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes; raises SourceError when the archive is damaged."""
        with _sound(self.path):
            return self.stream.read(size)


@contextmanager
def _opened(drop: Drop, archive: str) -> Iterator[zipfile.ZipFile]:
    with drop.seekable(archive) as stored:
        # Unpacking asks for a few kilobytes at a time; on S3 each would be a request.
        buffered = io.BufferedReader(cast(io.RawIOBase, stored), _READ_AHEAD)
        with _sound(archive):
            opened = zipfile.ZipFile(buffered)
        with opened:
            yield opened


@contextmanager
def _sound(path: str) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError):
        raise SourceError(
            f"{path}: expected a whole zip archive, found a damaged or cut one. Ask for it to be sent again"
        ) from None
    except OSError as error:
        raise SourceError(f"{path}: could not be read ({type(error).__name__}). Run again") from None


def _members(archive: str, opened: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files of a known format in an archive that may be read.

    Raises:
        SourceError: one of them is encrypted, packed by an unknown method or twice there; an archive lies within; or
            the sizes are beyond all measure.
    """
    infos = [i for i in opened.infolist() if not i.is_dir() and not is_passed_over(i.filename)]
    if any(archive_stem(i.filename) is not None for i in infos):
        raise SourceError(f"{archive}: expected files in it, found an archive within the archive. Ask for one level")
    known = [i for i in infos if parse_name(i.filename) is not None]
    names = [i.filename for i in known]
    if len(set(names)) != len(names):
        raise SourceError(f"{archive}: expected each file once, found a name twice in it. Ask for it to be sent again")
    if any(i.flag_bits & _ENCRYPTED for i in known):
        raise SourceError(f"{archive}: expected an open archive, found an encrypted one. Decrypt it before the drop")
    if any(i.compress_type not in _METHODS for i in known):
        raise SourceError(f"{archive}: expected deflated or stored files, found another method. Zip them anew")
    if sum(i.file_size for i in known) > MOST_BYTES:
        raise SourceError(f"{archive}: expected at most {MOST_BYTES} unpacked bytes, found more. Ask for smaller ones")
    for info in known:
        refuse_expansion(f"{archive}{MEMBER}{info.filename}", info.compress_size, info.file_size)
    return known


def _belongs(info: zipfile.ZipInfo, stem: str) -> bool:
    name = parse_name(info.filename)
    return name is not None and has_stem(name.stem, stem)
