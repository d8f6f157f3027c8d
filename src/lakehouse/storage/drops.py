"""A network's folder of deliveries, in a folder of this machine or on S3: what lies there, and how it is opened."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystem, FileType

from lakehouse.errors import SourceError
from lakehouse.settings import S3Settings
from lakehouse.storage.store import filesystem_of


@dataclass(frozen=True)
class FoundFile:
    """One file as it was when it was listed.

    Attributes:
        path: relative to the network's root, in `/` form; `all.zip!/claims.csv` for a file within an archive.
        size: stored bytes; within an archive, of the unpacked file.
        modified_at: time of its last change, of its archive where it lies in one; UTC.
    """

    path: str
    size: int
    modified_at: datetime


@dataclass(frozen=True)
class Drop:
    """The root of a network's deliveries.

    Attributes:
        root: a local path or a URI such as `s3://bucket/folder`.
        s3: how S3 is reached; None is AWS with the region of the bucket.
    """

    root: str
    s3: S3Settings | None = None

    @cached_property
    def _files(self) -> tuple[FileSystem, str]:
        return filesystem_of(self.root, self.s3)

    def files(self, folder: str) -> list[FoundFile]:
        """All files below a folder of the root, sorted by path; empty when the folder is not there.

        Raises:
            SourceError: the root is missing or cannot be listed.
        """
        try:
            system, base = self._files
            if system.get_file_info(base).type is not FileType.Directory:
                raise SourceError(
                    f"{self.root}: expected the folder of a network, found none. "
                    "Check the network's root in the settings"
                )
            top = f"{base}/{folder.strip('/')}".rstrip("/")
            infos = system.get_file_info(FileSelector(top, allow_not_found=True, recursive=True))
        except (OSError, pa.ArrowException) as error:
            raise SourceError(
                f"{self.root}: could not be listed ({type(error).__name__}). Check the path and the right to read it"
            ) from error
        found = (self._found(info) for info in infos if info.type is FileType.File)
        return sorted(found, key=lambda file: file.path)

    def look(self, path: str) -> FoundFile | None:
        """One file as it is now; None when it is not there.

        Raises:
            SourceError: the storage does not answer.
        """
        try:
            system, base = self._files
            info = system.get_file_info(f"{base}/{path}")
        except (OSError, pa.ArrowException) as error:
            raise SourceError(f"{path}: could not be looked at ({type(error).__name__}). Run again") from error
        return self._found(info) if info.type is FileType.File else None

    def stream(self, path: str) -> pa.NativeFile:
        """Its stored bytes from the beginning.

        Raises:
            SourceError: it cannot be opened.
        """
        try:
            system, base = self._files
            # Without the argument Arrow would unpack by suffix, and the checksum would not be of the stored bytes.
            return system.open_input_stream(f"{base}/{path}", compression=None)
        except (OSError, pa.ArrowException) as error:
            raise _not_opened(path, error) from error

    def seekable(self, path: str) -> pa.NativeFile:
        """Its stored bytes, at any place.

        Raises:
            SourceError: it cannot be opened.
        """
        try:
            system, base = self._files
            return system.open_input_file(f"{base}/{path}")
        except (OSError, pa.ArrowException) as error:
            raise _not_opened(path, error) from error

    def _found(self, info: FileInfo) -> FoundFile:
        return FoundFile(info.path.removeprefix(self._files[1]).lstrip("/"), info.size, info.mtime)


def _not_opened(path: str, error: Exception) -> SourceError:
    return SourceError(f"{path}: could not be opened ({type(error).__name__}). List the feed's files again")
