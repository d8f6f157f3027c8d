"""What Gold replaces partition by partition equals what its transforms make of the whole of Silver, to the cent.

Two hundred histories of claims in one lake, each with months of its own; between steps days pass, and a third of the
histories change. The real engine builds Gold from hand-fed Silver tables. Which partitions it had to replace is told by
the histories and by the dates it had stored, so it is also seen to do no more than that.
"""

import os
import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any  # values of rows

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from builders import QUICK_SPARK
from engine.world import NOON, Ran
from lakehouse.engine.layout import layout_of
from lakehouse.engine.run import Outcome, Run
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings, Settings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.field import BOOLEAN, field, schema_of
from lakehouse.spec.registry import Registry
from lakehouse.spec.scopes import Groups, Merge, ReplacePartitions, Snapshot
from lakehouse.spec.scopes import NetworkSettings as SenderScope
from lakehouse.spec.table import Table
from lakehouse.storage.frames import frame_of
from lakehouse.storage.lake import Lake, MergeShape
from lakehouse.storage.notes import CommitNote, TableState
from lakehouse.storage.session import new_session
from silver import rows
from slow.claim_histories import SENDERS, TABLES, History, Row, Rows

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(1700)]

SEED = int(os.environ.get("GOLD_SEED", "20260201"))
HISTORIES, AHEAD = 200, 6
MONTHS_EACH = 3
FIRST_DAY = date(2026, 2, 1)
THIRD = 1 / 3
# Days that pass before a step (None: 0 to 45), and the share of histories that change at it.
# In the step in which one day passes and nothing changes, tables are left alone.
STEPS = (
    (0, 1.0), (None, THIRD), (0, THIRD), (None, 0.0), (None, THIRD), (1, 0.02), (1, 0.0), (None, THIRD), (None, THIRD)
)  # fmt: skip
LAG = "gold.payment_lag"  # computed as a whole by design, so once is enough
IS_REMOVAL = field("_is_removal", BOOLEAN, "the row goes")


def plus_months(day: date, count: int) -> date:
    """First day of the month so many months later or, below zero, earlier."""
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, 1)


class HandFedLake:
    """A lake whose Silver is written by hand, as the engine writes it: an append of new keys, else one merge."""

    def __init__(self, spark: SparkSession, folder: Path) -> None:
        self.spark, self.day, self.runs = spark, FIRST_DAY, 0
        networks = {
            name: NetworkSettings.model_validate({"adapter": "standard", "root": str(folder), **sender})
            for name, sender in SENDERS.items()
        }
        lake = LakeSettings(root=str(folder / "lake"), silver_partition="none")
        self.settings = Settings(env="test", lake=lake, networks=networks, spark=QUICK_SPARK)
        self.registry = Registry.discover(networks)
        self.lake = Lake(self.settings.lake)
        self.session = new_session(spark, QUICK_SPARK)
        self.rows: Rows = {table.name: {} for table in TABLES}
        self.sequences = dict.fromkeys(self.rows, 0)
        self.senders = rows.networks(spark, *[{"network": name, **sender} for name, sender in SENDERS.items()]).cache()
        for table in TABLES:
            self.lake.ensure(self.session, layout_of(table, self.settings.lake))

    def feed(self, wanted: Rows) -> dict[str, list[Row]]:
        """Silver holds these rows from now on; table -> rows before and after each change."""
        return {table.name: self._feed_one(table, wanted[table.name]) for table in TABLES}

    def _feed_one(self, table: Table, wanted: Mapping[tuple[object, ...], Row]) -> list[Row]:
        name, held = table.name, self.rows[table.name]
        written = [row for key, row in wanted.items() if held.get(key) != row]
        gone = [row for key, row in held.items() if key not in wanted]
        before = [held[key] for key, row in wanted.items() if key in held and held[key] != row]
        if written or gone:
            self.sequences[name] += 1
            is_merge = bool(before or gone)
            note = CommitNote(
                f"hand-{self.runs}", "merge" if is_merge else "append", TableState(sequence=self.sequences[name])
            )
            fields = layout_of(table, self.settings.lake).fields
            values = [
                (*[row.get(f.name) for f in fields], is_gone)
                for is_gone, of in ((False, written), (True, gone))
                for row in of
            ]
            changes = frame_of(self.session, values, schema_of((*fields, IS_REMOVAL)))
            if is_merge:
                self.lake.merge(self.session, name, changes, MergeShape(table.keys), note)
            else:
                self.lake.append(self.session, name, changes.drop(IS_REMOVAL.name), note)
        self.rows[name] = dict(wanted)
        return [*written, *before, *gone]

    def run(self, names: Iterable[str]) -> Ran:
        """Build what is due of the named tables, on the day."""
        self.runs += 1
        request = Request(f"run-{self.runs}", self.day, NOON)
        with Run(self.settings, self.registry, request, lambda: self.spark) as run:
            report = run.execute(list(names))
        assert report.exit_code == 0, [(o.table, o.error) for o in report.failed]
        return Ran(report)

    def stored(self, name: str) -> DataFrame:
        """A table as any reader finds it."""
        return self.spark.read.format("delta").load(self.lake.store.table(name))

    def in_full(self, table: Table) -> DataFrame:
        """What the transform makes of all live rows of its inputs on the day."""
        given: dict[str, object] = {}
        for name, scope in table.reads.items():
            if isinstance(scope, Groups):
                live = self._live(scope.of)
                given[name] = live.where(F.col(scope.by[0]).isNotNull())
            elif isinstance(scope, Snapshot):
                assert isinstance(scope.of, Table)
                given[name] = self._live(scope.of)
            elif isinstance(scope, SenderScope):
                given[name] = self.senders
            else:
                given[name] = self.day
        return table(**given)

    def _live(self, table: Table) -> DataFrame:
        found = self.stored(table.name)
        if isinstance(table.write, Merge):
            found = found.where(f"NOT {table.write.apply_as_deletes}")
        return found.select(*table.field_names)


class Watch:
    """Compares what Gold says with what it should, step after step.

    Attributes:
        before: table -> its rows after the step before, without technical columns, and the run that wrote each.
        photographs: what each past day of a photograph said.
        matured, touched, existing: partitions that time alone changed, that rows changed, and that there were; summed.
    """

    def __init__(self, lake: HandFedLake) -> None:
        self.lake = lake
        self.before: dict[str, list[tuple[Any, ...]]] = {}
        self.photographs: dict[date, Counter[tuple[Any, ...]]] = {}
        self.matured = self.touched = self.existing = self.untouched_tables = 0

    def look(self, tables: Sequence[Table], changed: Mapping[str, list[Row]], ran: Ran, step: str) -> None:
        """Everything that must hold after a step."""
        with ThreadPoolExecutor(2) as pool:
            both = list(pool.map(self._rows, tables))
        for table, (found, full) in zip(tables, both, strict=True):
            assert isinstance(table.write, ReplacePartitions)
            said = [row[:-1] for row in found]
            if table.is_photograph:
                said = self._of_today(table, said)
            assert _differing(said, full) == ([], []), f"{table.name} differs from a full computation, {step}"
            if table.write.on and not table.is_photograph and table.name in self.before:
                self._did_no_more(table, changed, ran, found, step)
            self.before[table.name] = found

    def _rows(self, table: Table) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
        """Stored rows with the run that wrote them, and the rows of a full computation."""
        found = self.lake.stored(table.name).select(*table.field_names, "_run_id").collect()
        full = self.lake.in_full(table).select(*table.field_names).collect()
        return [tuple(r) for r in found], [tuple(r) for r in full]

    def _of_today(self, table: Table, said: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Rows of today's photograph; those of the past are as they were."""
        assert isinstance(table.write, ReplacePartitions)
        assert table.write.on
        place = table.field_names.index(table.write.on)
        by_day: dict[date, list[tuple[Any, ...]]] = {}
        for row in said:
            by_day.setdefault(row[place], []).append(row)
        today = by_day.pop(self.lake.day, [])
        past = {day: Counter(rows_of) for day, rows_of in by_day.items()}
        assert past == {day: rows_of for day, rows_of in self.photographs.items() if day < self.lake.day}
        self.photographs = {**past, self.lake.day: Counter(today)}
        return today

    def _did_no_more(
        self, table: Table, changed: Mapping[str, list[Row]], ran: Ran, found: list[tuple[Any, ...]], step: str
    ) -> None:
        """Exactly the partitions were replaced in which a row changed, or whose day had come."""
        assert isinstance(table.write, ReplacePartitions)
        assert table.write.on
        names = (*table.field_names, "_run_id")
        on, next_change = names.index(table.write.on), names.index("_next_change_date")
        moved = [(row, s) for s in table.reads.values() if isinstance(s, Groups) for row in changed[s.of.name]]
        touched = {row[s.by[0]] for row, s in moved} - {None}
        before = self.before[table.name]
        matured = {row[on] for row in before if row[next_change] and row[next_change] <= self.lake.day}
        due = touched | matured
        wanted = Outcome.BUILT if due else Outcome.MARKED if moved else Outcome.CURRENT
        assert ran.outcomes[table.name] is wanted, f"{table.name}, {step}"
        if due:
            assert ran.counts(table.name)["partitions"] == len(due), f"{table.name}, {step}"
        written = {row[on] for row in found if row[-1] == ran.report.request.run_id}
        assert written == due & {row[on] for row in found}, f"{table.name}, {step}"
        self.matured += len(matured - touched)
        self.touched += len(touched)
        self.existing += len({row[on] for row in before})
        self.untouched_tables += not due


def _differing(
    said: list[tuple[Any, ...]], full: list[tuple[Any, ...]]
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Rows of one side that the other has not, a few of each."""
    one, other = Counter(said), Counter(full)
    return list((one - other).elements())[:3], list((other - one).elements())[:3]


def all_rows(histories: Sequence[History]) -> Rows:
    """The rows of all of them together."""
    found: Rows = {table.name: {} for table in TABLES}
    for history in histories:
        for name, rows_of in history.rows().items():
            found[name] |= rows_of
    return found


def test_two_hundred_histories_end_as_a_full_computation_at_every_step(spark: SparkSession, tmp_path: Path) -> None:
    rng = random.Random(SEED)
    first = plus_months(FIRST_DAY, -MONTHS_EACH * (HISTORIES - AHEAD))
    histories = [
        History(n, [plus_months(first, MONTHS_EACH * n + m) for m in range(MONTHS_EACH)], f"{SEED}-{n}", FIRST_DAY)
        for n in range(HISTORIES)
    ]
    lake = HandFedLake(spark, tmp_path)
    watch = Watch(lake)
    gold = [t for t in lake.registry.tables.values() if t.layer == "gold"]
    usual = [t for t in gold if t.name != LAG]
    for step, (days, share) in enumerate(STEPS):
        lake.day += timedelta(rng.randint(0, 45) if days is None else days)
        for history in rng.sample(histories, int(HISTORIES * share)) if step else ():
            history.change(lake.day)
        changed = lake.feed(all_rows(histories))
        is_last = step == len(STEPS) - 1
        built = gold if is_last else usual
        ran = lake.run(["reference.payer_mapping", *[t.name for t in built]])
        watch.look(built, changed, ran, f"step {step} of seed {SEED}")
    assert lake.run([t.name for t in gold]).report.nothing_due
    assert watch.matured > 300
    assert watch.touched > 300
    assert watch.untouched_tables > 0
    assert watch.matured + watch.touched < watch.existing / 2
