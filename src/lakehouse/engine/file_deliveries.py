"""Which files are due, which of their records landed before, and what goes into one commit.

A file with more records than one commit takes is landed in parts, one commit each. It is staged as a whole before its
first part is committed: only then is it known to be sound, to be what its sender says, and not to be a copy of what
landed before. Every part carries the checksum of the whole file. Rules:

- A file is landed once its last part is. It is recognised by path, size and modification time.
- After a crash the newest delivery of the path is a part with others to come. When the file still has that part's
  checksum, landing goes on behind the records that are there, however many a commit takes by then. With another
  checksum the file was replaced: it lands from its first record on as a new delivery.
- A whole file with the checksum of the newest whole delivery of its path is a repeat: noted, not landed again.
- A file read again on purpose lands from its first record on, whatever is there.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lakehouse.engine.batch import Batch
from lakehouse.storage.drops import FoundFile
from lakehouse.storage.files import Staged
from lakehouse.storage.notes import Delivery


class Verdict(StrEnum):
    """What a file is to those that landed under its path before."""

    NEW = "new"
    CHANGED = "changed"  # other content landed under the path
    REPEATED = "repeated"  # this content landed last under the path
    CONTINUED = "continued"  # its first parts are landed
    REPLACED = "replaced"  # first parts of other content are landed, and their last part never will
    AGAIN = "again"  # read again on purpose


@dataclass(frozen=True)
class Begun:
    """A delivery whose first parts are landed and whose last is not.

    Attributes:
        checksum: of the whole file.
        parts: number of parts landed.
        records: records in them, those set aside included.
    """

    checksum: str
    parts: int
    records: int


@dataclass(frozen=True)
class StagedFile:
    """A file in the staging folder.

    Attributes:
        parts: what is to land, in order. Of a repeat the whole file, which is noted and not landed.
        verdict: what it is to what landed before.
    """

    parts: tuple[Staged, ...]
    verdict: Verdict


def by_path(landed: Iterable[tuple[int, Delivery]]) -> dict[str, list[Delivery]]:
    """Deliveries of each path, oldest first, out of a log's `deliveries()`."""
    found: dict[str, list[Delivery]] = {}
    for _, delivery in landed:
        found.setdefault(delivery.path, []).append(delivery)
    return found


def due_files(
    found: Iterable[FoundFile], landed: Mapping[str, Sequence[Delivery]], is_asked: Callable[[Delivery], bool]
) -> list[FoundFile]:
    """The files that are not landed, or not to their last part, or that are asked for again.

    Args:
        found: complete files of the drop.
        landed: `by_path` of the table's deliveries.
        is_asked: whether a landed delivery is to be read again on purpose.
    """
    due: list[FoundFile] = []
    for file in found:
        same = [d for d in landed.get(file.path, ()) if _is_of(d, file)]
        if not same or not same[-1].is_last or is_asked(same[-1]):
            due.append(file)
    return due


def _is_of(delivery: Delivery, file: FoundFile) -> bool:
    return delivery.size == file.size and datetime.fromisoformat(delivery.modified_at) == file.modified_at


def begun(history: Sequence[Delivery]) -> Begun | None:
    """What is landed of the delivery at the end of a path's history, when its last part is not; else None."""
    if not history or history[-1].is_last:
        return None
    newest = history[-1]
    parts = [newest]
    for delivery in reversed(history[:-1]):
        if parts[-1].part == 0 or delivery.is_last or delivery.checksum != newest.checksum:
            break
        parts.append(delivery)
    return Begun(newest.checksum, newest.part + 1, sum(d.rows + d.rejected for d in parts))


def judge(history: Sequence[Delivery], checksum: str, *, is_asked: bool) -> Verdict:
    """What a file with this checksum is to the deliveries of its path.

    Args:
        history: of the path, oldest first.
        checksum: of the whole file.
        is_asked: it is read again on purpose.
    """
    if not history:
        return Verdict.NEW
    is_same = history[-1].checksum == checksum
    if not history[-1].is_last:
        if is_same:
            return Verdict.AGAIN if is_asked else Verdict.CONTINUED
        return Verdict.REPLACED
    if is_same:
        return Verdict.AGAIN if is_asked else Verdict.REPEATED
    return Verdict.CHANGED


def stage_file(
    stage: Callable[[int, int], tuple[Staged, ...]], history: Sequence[Delivery], *, is_asked: bool
) -> StagedFile:
    """Stage what is not landed of a file.

    Args:
        stage: stages the file's parts, given how many leading records to leave out and the number of the first part.
        history: deliveries of its path, oldest first.
        is_asked: it is read again on purpose.
    """
    before = None if is_asked else begun(history)
    records, first_part = (before.records, before.parts) if before else (0, 0)
    parts = stage(records, first_part)
    verdict = judge(history, parts[0].checksum, is_asked=is_asked)
    if records and verdict is not Verdict.CONTINUED:
        parts = stage(0, 0)  # the file was replaced since its first parts landed
        verdict = judge(history, parts[0].checksum, is_asked=is_asked)
    return StagedFile(parts, verdict)


def grouped(batches: Iterable[Batch], most_rows: int) -> Iterator[tuple[Batch, ...]]:
    """Batches in the groups that are committed together, in order and each as soon as it is full.

    A group holds at most `most_rows` records to land, or one batch, and never two parts of one file, so that what one
    commit lists has one entry for each path.
    """
    group: list[Batch] = []
    held = 0
    for batch in batches:
        records = 0 if batch.delivery.repeats else batch.delivery.rows + batch.delivery.rejected
        is_full = held + records > most_rows or any(b.delivery.path == batch.delivery.path for b in group)
        if group and is_full:
            yield tuple(group)
            group, held = [], 0
        group.append(batch)
        held += records
    if group:
        yield tuple(group)


def told_of(path: str, verdict: Verdict, landed_records: int) -> str:
    """What people should know of a file beside its rows; empty when nothing."""
    match verdict:
        case Verdict.CHANGED:
            return f"{path}: other content under a known name; landed as a new delivery"
        case Verdict.REPEATED:
            return f"{path}: same content as before under a new modification time; not landed again"
        case Verdict.CONTINUED:
            return f"{path}: {landed_records:,} of its records landed before a run stopped; went on behind them"
        case Verdict.REPLACED:
            return (
                f"{path}: {landed_records:,} records of other content landed under this name before a run stopped; "
                "they stay, and this one is landed as a new delivery from its first record on"
            )
        case _:
            return ""
