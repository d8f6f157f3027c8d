"""Records in Parquet files: which columns held values, and the parts of a file."""

import errno
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow.fs import LocalFileSystem

from lakehouse.storage.raw_rows import RESCUED, Chunk, RawColumn, Reject, staging_batch
from lakehouse.storage.staging import PartsWriter, StagingWriter

COLUMNS = (RawColumn("claim_id"), RawColumn("amount"))


def chunk(numbers: Sequence[int], rejected: Sequence[int] = (), amount: str | None = "1") -> Chunk:
    arrays = [pa.array([f"C{n}" for n in numbers], pa.string()), pa.array([amount] * len(numbers), pa.string())]
    rows = staging_batch(COLUMNS, arrays, pa.nulls(len(numbers), RESCUED), numbers, "x.csv")
    return Chunk(rows, [Reject(n, n + 1, "wrong_width", "bad") for n in rejected])


def cut_up(records: int, every: int) -> list[Chunk]:
    """So many records, each seventh of them rejected, in chunks."""
    found = []
    for start in range(1, records + 1, every):
        numbers = range(start, min(start + every, records + 1))
        found.append(chunk([n for n in numbers if n % 7], [n for n in numbers if n % 7 == 0]))
    return found


def written(folder: Path, chunks: Sequence[Chunk], part_rows: int, skip: int = 0, first: int = 0) -> PartsWriter:
    def open_part(number: int) -> StagingWriter:
        return StagingWriter(LocalFileSystem(), f"{folder}/{number:05d}", "x.csv", COLUMNS)

    with PartsWriter(open_part, part_rows=part_rows, skip_records=skip, first_part=first) as writer:
        for piece in chunks:
            writer.add(piece)
    return writer


def numbers_in(folder: Path) -> list[list[int]]:
    """Record numbers of each part, rejects included, part by part."""
    parts: dict[str, list[int]] = {}
    for path in sorted(folder.iterdir()):
        parts.setdefault(path.name[:5], []).extend(pq.read_table(path).column("_row_number").to_pylist())
    return [sorted(numbers) for _, numbers in sorted(parts.items())]


@pytest.mark.parametrize("blank", [None, "", "  \t"])
def test_a_column_of_blanks_is_not_filled(tmp_path: Path, blank: str | None) -> None:
    with StagingWriter(LocalFileSystem(), f"{tmp_path}/a", "x.csv", COLUMNS) as writer:
        writer.add(chunk([1, 2], amount=blank))
        writer.add(chunk([]))
        assert writer.filled == {"claim_id"}
        writer.add(chunk([3], amount=" 0 "))
        writer.add(chunk([4], amount=blank))
    assert writer.filled == {"claim_id", "amount"}


def test_parts_are_cut_by_record_number(tmp_path: Path) -> None:
    writer = written(tmp_path, cut_up(10, 4), 4)
    assert numbers_in(tmp_path) == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    assert [(part.rows, part.rejected) for part in writer.parts] == [(4, 0), (3, 1), (2, 0)]
    assert writer.records == 10


def test_a_file_that_ends_with_a_part_has_no_empty_one_behind_it(tmp_path: Path) -> None:
    written(tmp_path, cut_up(8, 3), 4)
    assert numbers_in(tmp_path) == [[1, 2, 3, 4], [5, 6, 7, 8]]


@pytest.mark.parametrize("chunks", [[], [chunk([])]])
def test_a_file_without_records_has_one_empty_part(tmp_path: Path, chunks: list[Chunk]) -> None:
    writer = written(tmp_path, chunks, 4)
    assert [part.rows for part in writer.parts] == [0]
    assert numbers_in(tmp_path) == [[]]


@pytest.mark.parametrize("full_at", [0, 1, 2])
def test_a_failure_removes_every_part(tmp_path: Path, full_at: int) -> None:
    def open_part(number: int) -> StagingWriter:
        if number == full_at:
            raise OSError(errno.ENOSPC, "no space left")
        return StagingWriter(LocalFileSystem(), f"{tmp_path}/{number:05d}", "x.csv", COLUMNS)

    def write() -> None:
        with PartsWriter(open_part, part_rows=4) as writer:
            for piece in cut_up(10, 4):
                writer.add(piece)

    with pytest.raises(OSError, match="no space left"):
        write()
    assert list(tmp_path.iterdir()) == []


@settings(max_examples=60, deadline=None)
@given(
    records=st.integers(0, 40),
    every=st.integers(1, 12),
    part_rows=st.integers(1, 15),
    other_rows=st.integers(1, 15),
    crash_after=st.integers(0, 40),
)
def test_any_parts_and_a_crash_after_any_of_them_give_every_record_once(
    records: int, every: int, part_rows: int, other_rows: int, crash_after: int
) -> None:
    with TemporaryDirectory() as first, TemporaryDirectory() as second:
        writer = written(Path(first), cut_up(records, every), part_rows)
        landed = writer.parts[: min(crash_after, len(writer.parts) - 1)]
        done = sum(part.rows + part.rejected for part in landed)
        # By the time of the next run a commit may take another number of records.
        again = written(Path(second), cut_up(records, every), other_rows, done, len(landed))
        before, after = numbers_in(Path(first))[: len(landed)], numbers_in(Path(second))
        assert [n for part in (*before, *after) for n in part] == list(range(1, records + 1))
        assert all(len(part) <= other_rows for part in after)
        assert again.records == records
        assert sorted(p.name[:5] for p in Path(second).glob("*.rows.parquet"))[0] == f"{len(landed):05d}"
