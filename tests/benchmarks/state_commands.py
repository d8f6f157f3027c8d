"""Commands that only look: cold wall and processor time of whole processes on a small lake in which nothing is due.

Beside them stand two starts of Python alone, the least any of them can take. Whether a command started a JVM is seen in
a run of its own, so that looking for one costs the timed runs nothing.

    python tests/benchmarks/state_commands.py [--runs 5]
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from _measure import Taken, print_json, print_table, spread

from lakehouse.demo.harbor import DemoSpec
from lakehouse.demo.walkthrough import MARKER

LAKEHOUSE = str(Path(sys.executable).with_name("lakehouse"))
PLAIN, IMPORT = "python -c pass", "import pyspark.sql.functions"
LOOK_SECONDS = 0.01
DAY = DemoSpec(days=1).day_date(0).isoformat()


def build_lake(folder: Path) -> Path:
    """A lake of one demo day; returns its settings file."""
    _call([LAKEHOUSE, "demo", "--days", "1", "--lake", str(folder)])
    return folder / MARKER


def commands(config: Path) -> Mapping[str, Sequence[str]]:
    """What is timed, by the name it is printed under."""
    lakehouse = [LAKEHOUSE, "--config", str(config)]
    return {
        PLAIN: [sys.executable, "-c", "pass"],
        IMPORT: [sys.executable, "-c", IMPORT],
        "lakehouse plan": [*lakehouse, "plan", "--logical-date", DAY],
        "lakehouse status": [*lakehouse, "status"],
        "lakehouse freshness": [*lakehouse, "freshness"],
        "lakehouse lineage": [*lakehouse, "lineage"],
        "lakehouse run, nothing due": [*lakehouse, "run", "--logical-date", DAY],
    }


def take(command: Sequence[str]) -> Taken:
    """Run a command to its end and time it, its children included."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    _call(command)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Taken(round(wall, 4), round(cpu, 4))


def starts_java(command: Sequence[str]) -> bool:
    """A process named `java` was seen in the command's process session while it ran."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
    seen = False
    while process.poll() is None:
        seen = seen or "java" in _names_in_session(process.pid)
        time.sleep(LOOK_SECONDS)
    return seen


def _names_in_session(session: int) -> Iterator[str]:
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            name, _, others = stat.read_text().partition("(")[2].rpartition(")")
            if int(others.split()[3]) == session:
                yield name


def _call(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout}{done.stderr}")


def main() -> None:
    """Build the lake, run each command in turn, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--runs", type=int, default=5, help="timed runs of each command")
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
        chosen = commands(build_lake(Path(folder) / "lake"))
        java = {name: starts_java(command) for name, command in chosen.items()}
        taken: dict[str, list[Taken]] = {name: [] for name in chosen}
        # Round by round, so that a slow minute of the machine falls on all of them.
        for _ in range(runs):
            for name, command in chosen.items():
                taken[name].append(take(command))
    walls = {name: [t.wall for t in times] for name, times in taken.items()}
    cpus = {name: [t.cpu for t in times] for name, times in taken.items()}
    floor = statistics.median(walls[PLAIN])
    rows = [
        (name, spread(walls[name]), f"{statistics.median(walls[name]) - floor:.2f}", spread(cpus[name]), java[name])
        for name in chosen
    ]
    print_table(("command", "wall s", "beyond python", "cpu s", "JVM"), rows)
    print_json("state_commands", runs=runs, wall=walls, cpu=cpus, java=java)


if __name__ == "__main__":
    main()
