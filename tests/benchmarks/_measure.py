"""What the benchmarks share: processor time, medians, sizes on disk, and a line that says where figures were taken."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

VERSIONS = ("pyspark", "delta-spark", "deltalake", "pyarrow")


@dataclass(frozen=True)
class Taken:
    """Wall time and processor time of one piece of work, in seconds."""

    wall: float
    cpu: float


def timed(work: Callable[[], object], *processes: int) -> Taken:
    """Do `work` and time it.

    Args:
        work: what to do.
        processes: ids of further processes, such as a JVM, whose processor time belongs to it.
    """
    watched = [os.getpid(), *processes]
    cpu, began = sum(map(cpu_seconds, watched)), time.perf_counter()
    work()
    return Taken(round(time.perf_counter() - began, 4), round(sum(map(cpu_seconds, watched)) - cpu, 4))


def cpu_seconds(process: int) -> float:
    """User and system time of a live process, from /proc."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def spread(values: Sequence[float]) -> str:
    """`median (least-greatest)`, two decimals."""
    return f"{statistics.median(values):.2f} ({min(values):.2f}-{max(values):.2f})"


def folder_bytes(*folders: Path) -> int:
    """Bytes of every file below the folders; of those that exist."""
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())


def machine() -> dict[str, object]:
    """Date, machine and versions that figures belong to."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "load": round(os.getloadavg()[0], 1),
        "python": platform.python_version(),
        **{name: version(name) for name in VERSIONS},
    }


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Rows under their columns, the first column left, the others right."""
    texts = [list(columns), *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    for row in texts:
        first, *others = (cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        print("  ".join([row[0].ljust(len(first)), *others]))


def print_json(benchmark: str, **found: object) -> None:
    """One line that a program can read."""
    print(json.dumps({"benchmark": benchmark, **machine(), **found}, sort_keys=True, default=vars))
