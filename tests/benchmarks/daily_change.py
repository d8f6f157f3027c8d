"""The daily change, from a delivered file to Silver: `lakehouse` against hand-written Spark and Delta.

Both load the same claim lines, then take turns with the same deliveries in one session: a hot change (0.5 % of the
table, all in the last three months, four fifths of it updates), and the same rows once more in a new file. The
hand-written way reads the file, casts, and merges on the key: no Bronze, no lineage, no checks, no proof of the
money, no partition values in the condition, no look whether anything changed. Both tables must be equal in the end.

    python tests/benchmarks/daily_change.py [--rows 300000] [--pairs 3]

Ten million rows (`--rows 10000000 --pairs 2`) need several GB of disk and, by what one million takes, 15 to 20 minutes.
"""

import argparse
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
from _claim_lines import hot_change, write_lines
from _measure import Taken, folder_bytes, print_json, print_table, spread, timed
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.engine.run import Run
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings, Settings, SparkSettings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.contracts import CLAIM_LINES
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import DeltaLog, Logs
from lakehouse.storage.session import start_session, stop_session
from lakehouse.storage.store import Store

BRONZE, SILVER = "bronze.north_claim_lines", "silver.claim_line"
TABLE = ("silver", "claim_line")
KEYS = CLAIM_LINES.keys
SHARE = 0.005
WARM_UP_ROWS = 5_000
START = date(2026, 1, 1)
OURS, NAIVE = "lakehouse", "hand-written"
MEASURES = ("rows_copied", "files_removed", "files_added")
DELTA_NAMES = {
    "rows_copied": ("numTargetRowsCopied", "numCopiedRows"),
    "files_removed": ("numTargetFilesRemoved", "numRemovedFiles"),
    "files_added": ("numTargetFilesAdded", "numFiles"),
}


@dataclass
class Cost:
    """What one side spent on one case.

    Attributes:
        taken: wall and processor time of each repetition.
        written: bytes that appeared on disk, log and change feed included.
        delta: Delta's own metrics, summed over the commits.
        jobs: Spark jobs and SQL executions.
    """

    taken: list[Taken] = field(default_factory=list)
    written: list[int] = field(default_factory=list)
    delta: list[Mapping[str, int]] = field(default_factory=list)
    jobs: list[tuple[int, int]] = field(default_factory=list)


class Ours:
    """The engine, told to build Bronze and Silver of one network."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark = spark
        self.lake, self.drop = root / "lake", root / "drop"
        networks = {"north": NetworkSettings(adapter="standard", root=str(self.drop))}
        self.settings = Settings(env="benchmark", lake=LakeSettings(root=str(self.lake)), networks=networks)
        self.registry = Registry.discover(networks)
        self.runs = 0

    def deliver(self, file: Path) -> None:
        """Build from the drop, in which `file` is new."""
        self.runs += 1
        now = datetime(2026, 1, 1, 6, tzinfo=UTC) + timedelta(days=self.runs)
        request = Request(f"run-{self.runs}", now.date(), now)
        with Run(self.settings, self.registry, request, lambda: self.spark) as run:
            report = run.execute([BRONZE, SILVER])
        if report.exit_code:
            raise SystemExit(f"{file.name}: {[o.error for o in report.failed]}")

    @property
    def tables(self) -> Sequence[Path]:
        """Folders that a delivery writes to."""
        return [self.lake.joinpath(*name.split(".")) for name in (BRONZE, SILVER)]


class Naive:
    """What one writes by hand in an afternoon: cast, merge, done. Same session settings, partitions and sorting."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.spark = spark.newSession()
        self.path = root.joinpath("naive", *TABLE)

    def deliver(self, file: Path) -> None:
        """Load the first file, merge every other one."""
        rows = self._cast(self.spark.read.csv(str(file), header=True))
        if not self.path.exists():
            placed = rows.repartition("service_year").sortWithinPartitions("service_from_date")
            placed.write.format("delta").partitionBy("service_year").save(str(self.path))
            return
        rows.createOrReplaceTempView("sent")
        same = " AND ".join(f"t.{key} = s.{key}" for key in KEYS)
        self.spark.sql(
            f"MERGE INTO delta.`{self.path}` t USING sent s ON {same} "
            "WHEN MATCHED THEN UPDATE SET * WHEN NOT MATCHED THEN INSERT *"
        )

    def _cast(self, rows: DataFrame) -> DataFrame:
        columns = [F.lit("north").alias("network")]
        for f in CLAIM_LINES.all_fields[1:]:
            text = F.split(f.name, r"\|") if isinstance(f.type, T.ArrayType) else F.col(f.name)
            columns.append(text.try_cast(f.type).alias(f.name))
        return rows.select(*columns, F.year(F.col("service_from_date").try_cast("date")).alias("service_year"))

    @property
    def tables(self) -> Sequence[Path]:
        """Folders that a delivery writes to."""
        return [self.path]


class Comparison:
    """Two sides, the same deliveries, taking turns at going first."""

    def __init__(self, spark: SparkSession, root: Path, rows: int) -> None:
        self.spark, self.root, self.rows = spark, root, rows
        self.sides: Mapping[str, Ours | Naive] = {OURS: Ours(spark, root), NAIVE: Naive(spark, root)}
        self.costs: dict[tuple[str, str], Cost] = {}
        self.jvm = int(spark._jvm.java.lang.ProcessHandle.current().pid())  # type: ignore[union-attr]
        self.day = 0

    def send(self, case: str, ids: np.ndarray, seed: int) -> None:
        """Deliver the lines to both sides; a seed used before sends the same contents in a new file."""
        self.day += 1
        stamp = datetime.combine(START, datetime.min.time(), UTC) + timedelta(days=seed)
        name = f"lines-{START + timedelta(days=self.day)}.csv"
        file = self.root / "drop" / "claim_lines" / name
        write_lines(file, ids, self.rows, seed, stamp)
        # Days come in twos (a change, the same again), so both cases change who goes first from pair to pair.
        order = [OURS, NAIVE] if self.day // 2 % 2 else [NAIVE, OURS]
        for side in order:
            self._one(case, side, file)

    def nothing_due(self) -> None:
        """A run that finds no new file."""
        self._one("nothing due", OURS, self.root)

    def _one(self, case: str, side: str, file: Path) -> None:
        folders = self.sides[side].tables
        size, versions, jobs = folder_bytes(*folders), self._versions(folders), self._jobs()
        taken = timed(lambda: self.sides[side].deliver(file), self.jvm)
        cost = self.costs.setdefault((case, side), Cost())
        cost.taken.append(taken)
        cost.written.append(folder_bytes(*folders) - size)
        cost.delta.append(self._metrics(folders, versions))
        after = self._jobs()
        cost.jobs.append((after[0] - jobs[0], after[1] - jobs[1]))

    def _versions(self, folders: Sequence[Path]) -> list[int]:
        return [_log(folder).version for folder in folders]

    def _metrics(self, folders: Sequence[Path], before: Sequence[int]) -> Mapping[str, int]:
        found = dict.fromkeys(MEASURES, 0)
        for folder, version in zip(folders, before, strict=True):
            log = _log(folder)
            for commit in (log.commit(v) for v in log.versions if v > version):
                for measure, names in DELTA_NAMES.items():
                    found[measure] += sum(int(commit.metrics.get(name, 0)) for name in names)
        return found

    def _jobs(self) -> tuple[int, int]:
        """Jobs and SQL executions so far, by the newest ids in the status stores, which live without the web page."""
        context, shared = self.spark.sparkContext._jsc.sc(), self.spark._jsparkSession.sharedState()
        jobs, executions = context.statusStore().jobsList(None), shared.statusStore().executionsList()
        last_job = jobs.apply(0).jobId() + 1 if jobs.size() else 0
        last_execution = executions.apply(executions.size() - 1).executionId() + 1 if executions.size() else 0
        return last_job, last_execution

    def prove_equal(self) -> None:
        """Both tables hold the same lines and the same money; stops the benchmark when they do not."""
        columns = [f.name for f in CLAIM_LINES.all_fields if f.name not in ("modifiers", "denial_code")]
        tables = [self.spark.read.format("delta").load(str(side.tables[-1])) for side in self.sides.values()]
        ours, naive = (
            t.select(F.count("*"), F.sum(F.xxhash64(*columns).cast("decimal(38,0)"))).first() for t in tables
        )
        if ours != naive:
            raise SystemExit("the two tables differ: what was measured is not the same work")


def _log(folder: Path) -> DeltaLog:
    return Logs(Store(str(folder.parents[1])))[".".join(folder.parts[-2:])]


def compare(spark: SparkSession, root: Path, rows: int, pairs: int) -> Comparison:
    """Load, then `pairs` repetitions of each case, on a JVM that has done all of it once with a few rows."""
    _work(Comparison(spark, root / "warm-up", WARM_UP_ROWS), 1)
    found = Comparison(spark, root / "measured", rows)
    _work(found, pairs)
    return found


def _work(comparison: Comparison, pairs: int) -> None:
    comparison.send("first load", np.arange(comparison.rows), seed=0)
    for seed in range(1, pairs + 1):
        ids = hot_change(comparison.rows, SHARE, seed)
        comparison.send("hot change", ids, seed)
        comparison.send("same rows again", ids, seed)
        comparison.nothing_due()
    comparison.prove_equal()


def report(found: Comparison, pairs: int) -> None:
    """One line per case and side, and the ratio of each pair."""
    rows: list[list[object]] = []
    for (case, side), cost in found.costs.items():
        ratios = [
            ours.wall / naive.wall
            for ours, naive in zip(found.costs[case, OURS].taken, _other(found, case), strict=False)
        ]
        delta = [statistics.median(d[m] for d in cost.delta) for m in MEASURES]
        rows.append(
            [
                f"{case}, {side}",
                spread([t.wall for t in cost.taken]),
                f"{statistics.median(t.cpu for t in cost.taken):.1f}",
                f"{statistics.median(cost.written) / 1e6:.1f}",
                *[f"{value:,.0f}" for value in delta],
                "/".join(str(statistics.median_low(n)) for n in zip(*cost.jobs, strict=True)),
                spread(ratios) if ratios and side == OURS else "",
            ]
        )
    columns = ("case", "wall s", "cpu s", "MB", *[m.replace("_", " ") for m in MEASURES], "jobs/SQL", "ours / by hand")
    print_table(columns, rows)
    results = {f"{case}, {side}": vars(cost) for (case, side), cost in found.costs.items()}
    print_json("daily_change", rows=found.rows, pairs=pairs, results=results)


def _other(found: Comparison, case: str) -> list[Taken]:
    other = found.costs.get((case, NAIVE))
    return other.taken if other else []


def main() -> None:
    """Read the options, run, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rows", type=int, default=300_000, help="claim lines of the first load")
    options.add_argument("--pairs", type=int, default=3, help="measured repetitions of each case")
    chosen = options.parse_args()
    spark = start_session(SparkSettings(master="local[2]", driver_memory="4g", class_archive=True), "daily change")
    try:
        with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
            report(compare(spark, Path(folder), chosen.rows, chosen.pairs), chosen.pairs)
    finally:
        stop_session()


if __name__ == "__main__":
    main()
