"""A file far larger than what may be held in memory is staged in parts by a child process, whose peak is measured."""

import gzip
import json
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform != "linux", reason="reads the peak out of /proc"),
]

MOST_GROWTH_MB = 150
BLOCK_ROWS = 50_000
COLUMNS = ("claim_id", "member_id", "service_date", "procedure_code", "billed_amount", "paid_amount", "note")
CHILD = """
import json, sys
from pathlib import Path
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.drop_listing import list_drop
from lakehouse.storage.drops import Drop
from lakehouse.storage.files import RawColumn, stage_parts

def peak_mb():
    # Not getrusage: its peak is that of the parent when it forked, where that is larger.
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) // 1024

root, columns = sys.argv[1], [RawColumn(name) for name in sys.argv[2].split(",")]
drop, how = Drop(root), FileSettings(part_rows=int(sys.argv[3]), stable_seconds=0)
found = {}
for stem in ("small", "large"):
    source = FileSource(stem=stem)
    [file] = list_drop(drop, source, how).ready
    parts = stage_parts(drop, file, source, columns, root + "/_staged", how)
    found[stem] = {"rows": [part.rows for part in parts], "peak_mb": peak_mb()}
print(json.dumps(found))
"""


def rows(first: int, count: int) -> Iterator[tuple[str, ...]]:
    for n in range(first, first + count):
        digits = str(n * 2654435761 % 10**10)
        yield (
            f"CLM{n:012d}",
            f"M{digits}",
            "2026-01-05",
            digits[:5],
            f"{digits[:4]}.50",
            f"{digits[:3]}.25",
            f"line {digits}",
        )


def write_text(path: Path, blocks: int) -> None:
    with path.open("w") as out:
        out.write(",".join(COLUMNS) + "\n")
        for block in range(blocks):
            out.writelines(",".join(row) + "\n" for row in rows(block * BLOCK_ROWS, BLOCK_ROWS))


def write(path: Path, kind: str, blocks: int) -> None:
    """A file of so many blocks."""
    if kind == "jsonl":
        with path.open("w") as out:
            for block in range(blocks):
                records = (dict(zip(COLUMNS, row, strict=True)) for row in rows(block * BLOCK_ROWS, BLOCK_ROWS))
                out.writelines(json.dumps(record) + "\n" for record in records)
    elif kind == "parquet":
        schema = pa.schema([(name, pa.string()) for name in COLUMNS])
        with pq.ParquetWriter(path, schema) as writer:
            for block in range(blocks):
                columns = [pa.array(c) for c in zip(*rows(block * BLOCK_ROWS, BLOCK_ROWS), strict=True)]
                writer.write_table(pa.Table.from_arrays(columns, schema=schema))
    else:
        plain = path.parent / f"_{path.stem}.csv"
        write_text(plain, blocks)
        if kind == "csv":
            plain.rename(path)
        elif kind == "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                archive.write(plain, f"{path.stem}.csv")
        else:
            with plain.open("rb") as read, gzip.open(path, "wb", compresslevel=1) as out:
                while piece := read.read(1 << 20):
                    out.write(piece)


@pytest.mark.parametrize(
    ("kind", "ending", "blocks"),
    [
        ("csv", "csv", 52),
        ("gzip", "csv.gz", 52),
        ("zip", "zip", 52),
        ("parquet", "parquet", 52),
        ("jsonl", "jsonl", 20),
    ],
)
def test_memory_stays_bounded_whatever_the_size(tmp_path: Path, kind: str, ending: str, blocks: int) -> None:
    write(tmp_path / f"small.{ending}", kind, 1)
    write(tmp_path / f"large.{ending}", kind, blocks)
    command = [sys.executable, "-c", CHILD, str(tmp_path), ",".join(COLUMNS), "400000"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    total = blocks * BLOCK_ROWS
    assert found["large"]["rows"] == [400_000] * (total // 400_000) + [total % 400_000] * (total % 400_000 > 0)
    growth = found["large"]["peak_mb"] - found["small"]["peak_mb"]
    assert growth < MOST_GROWTH_MB, f"{kind}: grew by {growth} MB"
