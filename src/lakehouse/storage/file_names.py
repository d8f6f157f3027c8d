"""What the name of a file says: its format, the feed it belongs to, and whether it is a delivery at all."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

DELIMITERS: Final = {".csv": ",", ".psv": "|", ".txt": "|", ".tsv": "\t"}
"""Ending of delimited text -> the delimiter where the source names none."""
MEMBER: Final = "!/"
"""What stands between an archive and the file within it: `drop/all.zip!/claims.csv`."""

_NAME = re.compile(r"(?i)(.+?)(?:(\.csv|\.psv|\.txt|\.tsv|\.jsonl|\.ndjson)(\.gz)?|(\.parquet))")
_ARCHIVE = re.compile(r"(?i)(.+)\.zip")
_MEMBER_PATH = re.compile(rf"(?is)(.+?\.zip){MEMBER}(.+)")
_DATE = re.compile(r"(?<!\d)(20\d\d|19\d\d)[-_]?(0[1-9]|1[0-2])[-_]?(0[1-9]|[12]\d|3[01])(?!\d)")
_UNFINISHED = (".tmp", ".part", ".partial", ".crc", ".filepart")


@dataclass(frozen=True)
class FileName:
    """A name of a known format, in its parts.

    Attributes:
        stem: without the endings.
        ending: of the format, lower case with its dot.
        is_gzip: the text is compressed.
    """

    stem: str
    ending: str
    is_gzip: bool


def parse_name(path: str) -> FileName | None:
    """The parts of a file's name (without its folders), or None when no known format ends so."""
    matched = _NAME.fullmatch(path.rsplit("/", 1)[-1])
    return FileName(matched[1], (matched[2] or matched[4]).lower(), bool(matched[3])) if matched else None


def archive_stem(path: str) -> str | None:
    """Name of an archive without its folders and ending; None when the file is none."""
    matched = _ARCHIVE.fullmatch(path.rsplit("/", 1)[-1])
    return matched[1] if matched else None


def has_stem(found: str, stem: str) -> bool:
    """Whether a file of the stem `found` belongs to a feed's `stem`: see `FileSource`."""
    return stem == "*" or re.fullmatch(rf"(?i){re.escape(stem)}(?:[-_.]v?\d.*)?", found) is not None


def is_passed_over(path: str) -> bool:
    """Whether a part of the path says that this is hidden or a copy that is not finished."""
    return any(p.startswith((".", "_")) or p.lower().endswith(_UNFINISHED) for p in path.split("/"))


def split_member(path: str) -> tuple[str, str | None]:
    """The stored file of a delivery, and the file within it when that is an archive."""
    matched = _MEMBER_PATH.fullmatch(path)
    return (matched[1], matched[2]) if matched else (path, None)


def date_in(path: str) -> date | None:
    """The last date in a path (`claims-2026-01-05.csv`, `2026/claims_20260105.csv`); None without one."""
    for year, month, day in reversed(_DATE.findall(path)):
        try:
            return date(int(year), int(month), int(day))
        except ValueError:
            continue
    return None
