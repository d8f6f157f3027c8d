"""Where things lie below a lake's root, and small files there: one way for a folder and for S3."""

import posixpath
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pyarrow import fs

QUARANTINE_SUFFIX = "__quarantine"


@dataclass(frozen=True)
class Store:
    """A lake's root.

    Attributes:
        root: folder or `s3://bucket/prefix`.
    """

    root: str

    @cached_property
    def base(self) -> str:
        """The root as Spark and the log reader are given it: an absolute folder, or the S3 address."""
        return self.root if "://" in self.root else str(Path(self.root).expanduser().resolve())

    @cached_property
    def _files(self) -> tuple[fs.FileSystem, str]:
        if "://" in self.root:
            system, path = fs.FileSystem.from_uri(self.root)
            return system, path
        return fs.LocalFileSystem(), self.base

    def uri(self, *parts: str) -> str:
        """Address of a place below the root."""
        return posixpath.join(self.base, *parts)

    def table(self, name: str) -> str:
        """Address of a table: `silver.claim` lies at `<root>/silver/claim`."""
        return self.uri(*name.split(".", 1))

    def _path(self, *parts: str) -> str:
        return posixpath.join(self._files[1], *parts)

    def names(self, *parts: str) -> list[str]:
        """Names of the files directly in a folder, sorted; none when it does not exist."""
        selector = fs.FileSelector(self._path(*parts), allow_not_found=True)
        return sorted(i.base_name for i in self._files[0].get_file_info(selector) if i.type == fs.FileType.File)

    def folders(self, *parts: str) -> list[str]:
        """Names of the folders directly in a folder, sorted; none when it does not exist."""
        selector = fs.FileSelector(self._path(*parts), allow_not_found=True)
        return sorted(i.base_name for i in self._files[0].get_file_info(selector) if i.type == fs.FileType.Directory)

    def read(self, *parts: str) -> bytes:
        """Content of a file.

        Raises:
            FileNotFoundError: there is none.
        """
        with self._files[0].open_input_stream(self._path(*parts), compression=None) as stream:
            return bytes(stream.read())

    def write(self, content: bytes, *parts: str) -> None:
        """Put a file, its folder included; a reader sees all of it or none of it."""
        system = self._files[0]
        target = self._path(*parts)
        if not isinstance(system, fs.LocalFileSystem):
            with system.open_output_stream(target) as stream:
                stream.write(content)
            return
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        draft = Path(f"{target}.tmp")
        draft.write_bytes(content)
        draft.replace(target)

    def remove_folder(self, *parts: str) -> None:
        """Delete a folder with all it holds; nothing happens when there is none."""
        info = self._files[0].get_file_info(self._path(*parts))
        if info.type == fs.FileType.Directory:
            self._files[0].delete_dir(self._path(*parts))


def quarantine_of(name: str) -> str:
    """Name of the table that keeps the rows of `name` that were set aside."""
    return name + QUARANTINE_SUFFIX
