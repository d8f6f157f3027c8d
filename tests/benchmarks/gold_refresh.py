"""Gold after a day's change: the partitions that were touched against the whole, of the same state.

Silver is made by Spark as the engine stores it: settled claims of 36 months, three lines each. A day's change is 0.1 %
of the claims, all served in the last 90 days, a fifth of them new. Two lakes share that Silver. In one the engine
builds what is due, in the other it builds everything (`--full-refresh`); table by table, one after the other, taking
turns at going first. `same day` is the change alone; with `next day` the calendar changes figures too. After each
change both must have written equal rows, or the benchmark stops.

    python tests/benchmarks/gold_refresh.py [--rows 1000000 10000000] [--pairs 2] [--tables gold.revenue_by_payer ...]

Ten million lines need 2 GB of disk. `--tables` takes some of the tables.
"""

import argparse
import statistics
import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from _measure import Taken, print_json, print_table, spread, timed
from _settled_claims import LAST_DAY, LINES, TABLES, changed_claims, claims_of, settled, silver_rows
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.engine.layout import layout_of
from lakehouse.engine.merge import laid_out
from lakehouse.engine.resolve import period_value
from lakehouse.engine.run import Run
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings, Settings, SparkSettings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.field import PERIOD
from lakehouse.spec.registry import Registry
from lakehouse.spec.scopes import Groups
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Lake, Layout, MergeShape
from lakehouse.storage.notes import CommitNote, TableState
from lakehouse.storage.session import new_session, start_session, stop_session

SHARE = 0.001
WARM_UP_ROWS = 30_000
TOUCHED, FULL = "touched", "full"
CASES = ("same day", "next day")
SPARK = SparkSettings(master="local[2]", driver_memory="4g", class_archive=True)
STARTED = datetime(2026, 2, 1, 6, tzinfo=UTC)


class Side:
    """One lake, whose Gold is built one table at a time."""

    def __init__(self, spark: SparkSession, root: Path, chosen: Sequence[str], *, full: bool) -> None:
        self.spark, self.full, self.runs, self._chosen = spark, full, 0, chosen
        networks = {f"north_{n}": NetworkSettings(adapter="standard", root=str(root)) for n in range(4)}
        self.settings = Settings(env="benchmark", lake=LakeSettings(root=str(root)), networks=networks, spark=SPARK)
        self.registry = Registry.discover(networks)
        self.lake = Lake(self.settings.lake)

    @property
    def tables(self) -> list[Table]:
        """Gold tables that are built by partition, of those that were chosen."""
        every = [t for t in self.registry.tables.values() if t.layer == "gold"]
        gold = [t for t in every if t.name in self._chosen or not self._chosen]
        return [t for t in gold if any(isinstance(scope, Groups) for scope in t.reads.values())]

    def build(self, name: str, day: date) -> int:
        """Build one table for a day; returns how many partitions were replaced, 0 for the whole."""
        self.runs += 1
        request = Request(f"run-{self.runs}", day, STARTED, full_refresh=self.full)
        with Run(self.settings, self.registry, request, lambda: self.spark) as run:
            report = run.execute([name])
        (outcome,) = report.outcomes
        if report.exit_code:
            raise SystemExit(f"{name}: {outcome.error}")
        return outcome.result.counts.get("partitions", 0) if outcome.result else 0

    def rows(self, table: Table) -> DataFrame:
        """What the table says, without what tells how it came to be."""
        return self.lake.read(self.spark, table.name).select(*table.field_names)


class Comparison:
    """Two lakes over one Silver, built after the same changes."""

    def __init__(self, spark: SparkSession, root: Path, rows: int, tables: Sequence[str]) -> None:
        self.spark, self.claims = spark, rows // LINES
        self.sides = {kind: Side(spark, root / kind, tables, full=kind == FULL) for kind in (TOUCHED, FULL)}
        (root / TOUCHED / "silver").mkdir(parents=True)
        (root / FULL).mkdir()
        (root / FULL / "silver").symlink_to(root / TOUCHED / "silver")
        self.taken: dict[tuple[str, str, str], list[Taken]] = {}
        self.partitions: dict[tuple[str, str], list[int]] = {}
        self.jvm = int(spark._jvm.java.lang.ProcessHandle.current().pid())  # type: ignore[union-attr]
        self.day, self.changes = LAST_DAY, 0
        gold = self.sides[TOUCHED]
        read = {i for table in gold.tables for i in gold.registry.inputs(table.name)}
        self.silver = [table for table in TABLES if table.name in read]
        self._write(claims_of(spark, self.claims))
        for side in self.sides.values():
            side.build("reference.payer_mapping", self.day)
            for table in side.tables:
                side.build(table.name, self.day)

    def _write(self, claims: DataFrame) -> None:
        """Put the claims into Silver, as the engine does: an append of what is new, else one merge."""
        lake, session = self.sides[TOUCHED].lake, new_session(self.spark, SPARK)
        made = settled(claims).persist()
        for table in self.silver:
            layout = layout_of(table, lake.settings)
            note = CommitNote("silver", "merge", TableState(sequence=self.changes))
            rows = _as_stored(table, layout, silver_rows(made)[table.name])
            if not self.changes:
                lake.ensure(session, layout)
                lake.append(session, table.name, laid_out(rows, layout, table.partition_by), note)
                continue
            years = [r[0] for r in rows.select(PERIOD.name).distinct().collect()] if layout.period else []
            shape = MergeShape(table.keys, layout.partition_by, tuple(years))
            lake.merge(session, table.name, rows.withColumn("_is_removal", F.lit(False)), shape, note)
        made.unpersist()

    def change(self, case: str) -> None:
        """A day's change, then Gold on both sides, and the proof that they are equal."""
        self.changes += 1
        self.day += timedelta(days=case == CASES[1])
        self._write(changed_claims(claims_of(self.spark, self.claims), self.claims, SHARE, self.changes))
        for place, table in enumerate(self.sides[TOUCHED].tables):
            order = (TOUCHED, FULL) if (self.changes + place) % 2 else (FULL, TOUCHED)
            for kind in order:
                self._measure(case, kind, table.name)
            if not self._is_equal(table):
                raise SystemExit(f"{table.name}: what was touched and the whole differ after change {self.changes}")

    def _is_equal(self, table: Table) -> bool:
        """Both lakes hold the same rows of the table."""
        one, other = (
            self.sides[kind].rows(table).withColumn("_side", F.lit(n)) for n, kind in ((1, TOUCHED), (-1, FULL))
        )
        unpaired = one.unionByName(other).groupBy(*table.field_names).agg(F.sum("_side").alias("_left"))
        return unpaired.where("_left != 0").isEmpty()

    def _measure(self, case: str, kind: str, name: str) -> None:
        replaced: list[int] = []
        taken = timed(lambda: replaced.append(self.sides[kind].build(name, self.day)), self.jvm)
        self.taken.setdefault((case, kind, name), []).append(taken)
        if kind == TOUCHED:
            self.partitions.setdefault((case, name), []).extend(replaced)


def _as_stored(table: Table, layout: Layout, rows: DataFrame) -> DataFrame:
    """The stored columns, null where `rows` has none."""
    present = set(rows.columns)
    chosen = [(F.col(f.name) if f.name in present else F.lit(None)).cast(f.type).alias(f.name) for f in layout.fields]
    stored = rows.select(*chosen)
    return stored.withColumn(PERIOD.name, period_value(table.partition_by, layout.period)) if layout.period else stored


def compare(spark: SparkSession, root: Path, rows: int, pairs: int, tables: Sequence[str]) -> Comparison:
    """Each case `pairs` times."""
    found = Comparison(spark, root, rows, tables)
    for case in CASES * pairs:
        found.change(case)
    return found


def report(found: Comparison, rows: int, pairs: int) -> None:
    """One line per case and table, and the sum of all."""
    lines: list[list[object]] = []
    names = [t.name for t in found.sides[TOUCHED].tables]
    for case in CASES:
        walls = {kind: {n: [t.wall for t in found.taken[case, kind, n]] for n in names} for kind in (TOUCHED, FULL)}
        for name in names:
            replaced = f"{statistics.median(found.partitions[case, name]):.0f}"
            lines.append([f"{case}, {name}", replaced, *_ratio(walls[TOUCHED][name], walls[FULL][name])])
        sums = [[sum(one) for one in zip(*walls[kind].values(), strict=True)] for kind in (TOUCHED, FULL)]
        lines.append([f"{case}, all of them", "", *_ratio(*sums)])
    print_table((f"{rows:,} lines", "partitions", "touched s", "full s", "full / touched"), lines)
    taken = {", ".join(key): times for key, times in found.taken.items()}
    print_json("gold_refresh", rows=rows, pairs=pairs, results=taken)


def _ratio(touched: Sequence[float], full: Sequence[float]) -> list[str]:
    return [spread(touched), spread(full), spread([f / t for t, f in zip(touched, full, strict=True)])]


def main() -> None:
    """Read the options, run, print."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000], help="claim lines")
    options.add_argument("--pairs", type=int, default=2, help="measured repetitions of each case")
    options.add_argument("--tables", nargs="+", default=[], help="Gold tables; all that are built by partition")
    chosen = options.parse_args()
    spark = start_session(SPARK, "gold refresh")
    try:
        with tempfile.TemporaryDirectory(prefix="lakehouse-bench-") as folder:
            Comparison(spark, Path(folder) / "warm-up", WARM_UP_ROWS, chosen.tables).change(CASES[1])
            for rows in chosen.rows:
                found = compare(spark, Path(folder) / str(rows), rows, chosen.pairs, chosen.tables)
                report(found, rows, chosen.pairs)
    finally:
        stop_session()


if __name__ == "__main__":
    main()
