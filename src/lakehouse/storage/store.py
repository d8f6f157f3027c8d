"""Where things lie below a lake's root, and small files there: one way for a folder and for S3."""

import os
import posixpath
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any  # boto3's clients have no type

from pyarrow import fs

from lakehouse.settings import S3Settings
from lakehouse.storage import s3 as s3_clients

QUARANTINE_SUFFIX = "__quarantine"
MISSING_SUFFIX = "__missing"
"""Of the table that keeps the keys a source holds and Bronze does not."""
# What S3 says to a conditional PUT: the object is there; another PUT of the same name is under way, so ask again.
_THERE, _UNDER_WAY = "PreconditionFailed", "ConditionalRequestConflict"
_CREATE_ATTEMPTS = 5
_READ_ATTEMPTS = 3


def filesystem_of(root: str, s3: S3Settings | None = None) -> tuple[fs.FileSystem, str]:
    """The file system of a folder or URI, and the path within it without a closing slash.

    Args:
        root: a local path, `s3://bucket/prefix` (also `s3a`, `s3n`), or any other URI that pyarrow knows.
        s3: how S3 is reached; None is AWS with the region of the bucket.

    Raises:
        OSError: no such bucket.
    """
    if "://" not in root:
        return fs.LocalFileSystem(), root.rstrip("/") or "/"
    on_s3 = re.match(r"s3[an]?://(([^/]+).*)", root)
    if on_s3 is None:
        system, path = fs.FileSystem.from_uri(root)
        return system, path.rstrip("/")
    return s3_clients.filesystem(on_s3[2], s3 or S3Settings()), on_s3[1].rstrip("/")


@dataclass(frozen=True)
class Store:
    """A lake's root.

    Attributes:
        root: folder or `s3://bucket/prefix`.
        s3: how S3 is reached; None is AWS with the region of the bucket.
    """

    root: str
    s3: S3Settings | None = None

    @cached_property
    def base(self) -> str:
        """The root as Spark and the log reader are given it: an absolute folder, or the S3 address."""
        return self.root if "://" in self.root else str(Path(self.root).expanduser().resolve())

    @property
    def is_local(self) -> bool:
        """Whether the root is a folder of this machine."""
        return "://" not in self.root

    @cached_property
    def _files(self) -> tuple[fs.FileSystem, str]:
        return filesystem_of(self.base, self.s3)

    @cached_property
    def _client(self) -> Any:
        return s3_clients.client(self.s3 or S3Settings())

    @property
    def log_reader_options(self) -> Mapping[str, str]:
        """What the deltalake package must be told to open a table below this root; nothing for a folder."""
        return {} if self.is_local else s3_clients.log_reader_options(self.s3 or S3Settings())

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
        return self._listed(parts, fs.FileType.File)

    def folders(self, *parts: str) -> list[str]:
        """Names of the folders directly in a folder, sorted; none when it does not exist."""
        return self._listed(parts, fs.FileType.Directory)

    def _listed(self, parts: tuple[str, ...], kind: fs.FileType) -> list[str]:
        if self.is_local:
            return _listed_here(self._path(*parts), kind is fs.FileType.Directory)
        selector = fs.FileSelector(self._path(*parts), allow_not_found=True)
        return sorted(i.base_name for i in self._files[0].get_file_info(selector) if i.type == kind)

    def read(self, *parts: str) -> bytes:
        """Content of a file.

        Raises:
            FileNotFoundError: there is none.
        """
        with self._files[0].open_input_stream(self._path(*parts), compression=None) as stream:
            return bytes(stream.read())

    def read_changing(self, *parts: str) -> bytes:
        """Content of a file that others may replace meanwhile: all of one state of it.

        Arrow asks S3 for the size first and then for the bytes, which may be those of two states.

        Raises:
            FileNotFoundError: there is none.
            OSError: S3 does not answer.
        """
        if self.is_local:
            return self.read(*parts)
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, _, key = self._path(*parts).partition("/")
        reason = ""
        for _ in range(_READ_ATTEMPTS):
            try:
                return bytes(self._client.get_object(Bucket=bucket, Key=key)["Body"].read())
            except ClientError as error:
                reason = error.response.get("Error", {}).get("Code", "unknown error")
                if reason == "NoSuchKey":
                    raise FileNotFoundError(self.uri(*parts)) from None
                break
            except BotoCoreError as error:  # the connection broke within the body
                reason = type(error).__name__
        raise OSError(f"{self.uri(*parts)}: could not be read ({reason}). Check the bucket and the right to read it")

    def write(self, content: bytes, *parts: str) -> None:
        """Put a file, its folder included; a reader sees all of it or none of it."""
        target = self._path(*parts)
        if not self.is_local:
            with self._files[0].open_output_stream(target, compression=None) as stream:
                stream.write(content)
            return
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        draft = Path(f"{target}.tmp")
        draft.write_bytes(content)
        draft.replace(target)

    def create(self, content: bytes, *parts: str) -> bool:
        """Put a file unless there is one; whether this call put it. Of many that try at once exactly one does.

        Args:
            content: like no other caller's: by it a call knows its own file after an answer from S3 was lost.
            parts: folders and name.

        Raises:
            OSError: the place cannot be written, or S3 does not say whether it was.
        """
        return self._create_here(content, parts) if self.is_local else self._create_on_s3(content, parts)

    def _create_here(self, content: bytes, parts: tuple[str, ...]) -> bool:
        target = Path(self._path(*parts))
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        try:
            draft.write_bytes(content)
            os.link(draft, target)
        except FileExistsError:
            return False
        finally:
            draft.unlink(missing_ok=True)
        return True

    def _create_on_s3(self, content: bytes, parts: tuple[str, ...]) -> bool:
        from botocore.exceptions import BotoCoreError, ClientError

        bucket, _, key = self._path(*parts).partition("/")
        reason = ""
        for _ in range(_CREATE_ATTEMPTS):
            try:
                self._client.put_object(Bucket=bucket, Key=key, Body=content, IfNoneMatch="*")
                return True
            except ClientError as error:
                reason = error.response.get("Error", {}).get("Code", "unknown error")
            except BotoCoreError as error:
                reason = type(error).__name__
                break
            if reason == _THERE:
                # The client tries again when an answer is lost, so this may be the file it has put itself.
                return self.read(*parts) == content
            if reason != _UNDER_WAY:
                break
        raise OSError(
            f"{self.uri(*parts)}: could not be created ({reason}). Check the bucket and the right to write it"
        )

    def remove(self, *parts: str) -> None:
        """Delete a file; nothing happens when there is none."""
        try:
            self._files[0].delete_file(self._path(*parts))
        except FileNotFoundError:
            return

    def remove_folder(self, *parts: str) -> None:
        """Delete a folder with all it holds; nothing happens when there is none."""
        info = self._files[0].get_file_info(self._path(*parts))
        if info.type == fs.FileType.Directory:
            self._files[0].delete_dir(self._path(*parts))


def _listed_here(folder: str, wants_folders: bool) -> list[str]:
    """Names in a folder of this machine. Arrow's listing fails on one that is made while it is looked for."""
    try:
        with os.scandir(folder) as entries:
            return sorted(e.name for e in entries if (e.is_dir() if wants_folders else e.is_file()))
    except FileNotFoundError:
        return []


class Standing(StrEnum):
    """Where a row stands that was set aside."""

    OPEN = "open"
    RESOLVED = "resolved"
    DISCARDED = "discarded"


def quarantine_of(name: str) -> str:
    """Name of the table that keeps the rows of `name` that were set aside."""
    return name + QUARANTINE_SUFFIX
