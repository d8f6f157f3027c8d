"""Which files of a feed are complete, and which are still to come to an end."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.archives import deliveries_in
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.file_names import archive_stem, has_stem, is_passed_over, parse_name


@dataclass(frozen=True)
class Waiting:
    """A file that is there and not complete.

    Attributes:
        file: as listed; an archive as a whole.
        why: in words, for the plan.
    """

    file: FoundFile
    why: str


@dataclass(frozen=True)
class Listing:
    """What lies in a drop of one feed.

    Attributes:
        ready: complete deliveries, sorted by path; each file of a zip archive is one.
        waiting: files that are not complete, sorted by path.
    """

    ready: tuple[FoundFile, ...]
    waiting: tuple[Waiting, ...] = ()


def list_drop(drop: Drop, source: FileSource, how: FileSettings, now: datetime | None = None) -> Listing:
    """The files of a feed below a network's root.

    Stems and endings are compared without case. Names that begin with `.` or `_` and names of unfinished copies
    (`.tmp`, `.part`, `.partial`, `.filepart`, `.crc`) are passed over, whether of a file or of a folder below the
    feed's; so are unknown endings, markers and control files.

    Args:
        drop: where the network's files lie.
        source: which files belong to the feed.
        how: how the sender says that a file is complete.
        now: UTC instant that ages count from; None leaves ages out.

    Raises:
        SourceError: the root is missing or cannot be listed.
    """
    top = f"{source.folder.strip('/')}/".lstrip("/")
    files = {f.path: f for f in drop.files(source.folder) if not is_passed_over(f.path.removeprefix(top))}
    ready: list[FoundFile] = []
    waiting: list[Waiting] = []
    for file in files.values():
        if _is_aside(file.path, files, how) or not _may_belong(file.path, source.stem):
            continue
        why = _why_waiting(file, files, how, now)
        if why:
            waiting.append(Waiting(file, why))
        elif archive_stem(file.path) is not None:
            ready += deliveries_in(drop, file, source.stem)
        else:
            ready.append(file)
    return Listing(tuple(sorted(ready, key=lambda file: file.path)), tuple(waiting))


def control_path(path: str, how: FileSettings) -> str:
    """Path of the control file of a stored file."""
    folder, slash, name = path.rpartition("/")
    parsed = parse_name(name)
    stem = parsed.stem if parsed else archive_stem(name) or name
    return f"{folder}{slash}{how.control_name.replace('{name}', name).replace('{stem}', stem)}"


def _may_belong(path: str, stem: str) -> bool:
    name = parse_name(path)
    return archive_stem(path) is not None or (name is not None and has_stem(name.stem, stem))


def _is_aside(path: str, files: Mapping[str, FoundFile], how: FileSettings) -> bool:
    """A marker or a control file, also one that came before its file."""
    if how.done_marker is not None and path.endswith(how.done_marker):
        return True
    if how.control != "file":
        return False
    pattern = re.escape(how.control_name).replace(r"\{name\}", ".+").replace(r"\{stem\}", ".+")
    return re.fullmatch(pattern, path.rpartition("/")[2]) is not None


def _why_waiting(file: FoundFile, files: Mapping[str, FoundFile], how: FileSettings, now: datetime | None) -> str:
    if how.done_marker is not None:
        marker = files.get(f"{file.path}{how.done_marker}")
        if marker is None:
            return f"{file.path}: waits for {file.path}{how.done_marker}"
        if marker.modified_at < file.modified_at:
            return f"{file.path}: changed after its {how.done_marker} was written; waits for a new one"
    if how.control == "file" and control_path(file.path, how) not in files:
        return f"{file.path}: waits for its control file {control_path(file.path, how)}"
    if now is not None and how.stable_seconds and now - file.modified_at < timedelta(seconds=how.stable_seconds):
        return f"{file.path}: changed less than {how.stable_seconds} s before the run; may still be written"
    return ""
