"""Any history of a small database and its lake: after each run that ends, Silver's live rows are the source's rows.

Hypothesis makes the histories: writes under any stamp, deletions, transactions that stay open across runs, that commit
late or never, runs that die at any moment, windows read again, compacted tables, columns added meanwhile.
"""

import shutil
import sqlite3
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from delta.tables import DeltaTable
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from pyspark.sql import SparkSession

from engine.visits_database import VisitsDatabase, put
from engine.world import FIRST_DAY, NOON, SILVER, World
from lakehouse.engine.audit import audit_table
from lakehouse.engine.context import BuildContext
from lakehouse.engine.databases import Databases
from lakehouse.engine.tokens import TokenKey
from lakehouse.engine.work import Request
from lakehouse.faults import POINTS, at_fault_points

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3000)]

BRONZE = "bronze.south_visits"
STEP = (BRONZE, SILVER)
EXAMPLES, STEPS = 4, 12
VISITS = st.sampled_from(["v1", "v2", "v3", "v4", "v5"])
STAMPS = st.sampled_from(["2019-05-01T00:00:00", "2026-01-10T08:00:00", "2026-01-10T08:00:00.5", "2031-01-01T00:00:00"])
REACHED = [p for p in POINTS if not p.startswith(("before_gold", "after_gold", "before_ops", "after_ops"))]


class Died(BaseException):
    """The process ends here: nothing of the package may catch it."""


class Machine(RuleBasedStateMachine):
    """One source, one lake."""

    spark: SparkSession

    @initialize(window_rows=st.sampled_from([1, 2, 100]), numbered=st.booleans())
    def begin(self, window_rows: int, numbered: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="machine-"))
        self.world = World(self.spark, self.folder, {"south": "stored"})
        lag = {} if numbered else {"lag_minutes": 10_000_000, "stamp_clock": "utc"}
        self.world.sql = {"compare_keys_days": 1, "most_deleted_share": 1.0, "window_rows": window_rows, **lag}
        self.source = VisitsDatabase(self.world.source_of("south"), numbered=numbered)
        self.open: sqlite3.Connection | None = None
        self.amount = 0
        self.columns = 0

    def teardown(self) -> None:
        at_fault_points(None)
        if getattr(self, "open", None) is not None:
            self.end("ROLLBACK")
        if hasattr(self, "folder"):
            shutil.rmtree(self.folder, ignore_errors=True)

    def next_amount(self) -> str:
        self.amount += 1
        return f"{self.amount}.00"

    @precondition(lambda self: self.open is None)
    @rule(visit=VISITS, stamp=STAMPS)
    def write(self, visit: str, stamp: str) -> None:
        self.source.put(visit, self.next_amount(), stamp)

    @precondition(lambda self: self.open is None)
    @rule(visit=VISITS)
    def delete(self, visit: str) -> None:
        self.source.delete(visit)

    @precondition(lambda self: self.open is None)
    @rule(visit=VISITS, stamp=STAMPS)
    def begin_transaction(self, visit: str, stamp: str) -> None:
        self.open = sqlite3.connect(self.source.path, isolation_level=None)
        self.open.execute("BEGIN IMMEDIATE")
        put(self.open, visit, self.next_amount(), stamp, numbered=self.source.numbered)

    @precondition(lambda self: self.open is not None)
    @rule(how=st.sampled_from(["COMMIT", "ROLLBACK"]))
    def end(self, how: str) -> None:
        assert self.open is not None
        self.open.execute(how)
        self.open.close()
        self.open = None

    @precondition(lambda self: self.open is None and self.columns < 2)
    @rule()
    def add_column(self) -> None:
        self.columns += 1
        self.source.execute(f"ALTER TABLE Visits ADD COLUMN Extra{self.columns} TEXT")

    @rule(point=st.sampled_from(REACHED), occurrence=st.integers(1, 3))
    def poll_that_dies(self, point: str, occurrence: int) -> None:
        reached = 0

        def die(name: str) -> None:
            nonlocal reached
            reached += name == point
            if name == point and reached == occurrence:
                raise Died

        at_fault_points(die)
        try:
            with suppress(Died):
                self.world.run(*STEP, must=None)
        finally:
            at_fault_points(None)

    @precondition(lambda self: self.world.lake.exists(SILVER))
    @rule(name=st.sampled_from(STEP))
    def compact(self, name: str) -> None:
        if self.world.lake.exists(name):
            DeltaTable.forPath(self.spark, self.world.lake.store.table(name)).optimize().executeCompaction()

    @precondition(lambda self: self.world.lake.exists(SILVER))
    @rule()
    def read_again(self) -> None:
        self.world.run(*STEP, reload_source=True)

    @rule()
    def poll(self) -> None:
        self.world.run(*STEP)
        if not self.world.lake.exists(SILVER):
            assert self.committed() == {}
            return
        found = self.world.rows(SILVER, "visit_id", "CAST(amount AS STRING)", where="NOT is_deleted")
        live = dict(found)
        assert live == self.committed()
        built = [name for name in STEP if self.world.lake.exists(name)]
        assert [c for name in built for c in self.audit(name)] == []

    def committed(self) -> dict[str, str]:
        """The rows another connection sees."""
        connection = sqlite3.connect(f"file:{self.source.path}?mode=ro", uri=True)
        try:
            return dict(connection.execute("SELECT VisitID, Amount FROM Visits").fetchall())
        finally:
            connection.close()

    def audit(self, name: str) -> list[object]:
        """Proofs over the whole table that do not hold."""
        world = self.world
        request = Request("audit", FIRST_DAY, NOON)
        with Databases(world.settings) as databases:
            session = self.spark.newSession()
            context = BuildContext(session, world.lake, world.registry, world.settings, request, no_key, databases)
            return list(audit_table(context, name, full=True).broken)


def no_key() -> TokenKey:
    """An audit makes no member tokens."""
    raise AssertionError("asked for the key of member tokens")


def test_silver_is_the_source_after_any_history(spark: SparkSession) -> None:
    Machine.spark = spark
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    how = settings(
        max_examples=EXAMPLES, stateful_step_count=STEPS, deadline=None, derandomize=True, phases=[Phase.generate]
    )
    run_state_machine_as_test(Machine, settings=settings(how, suppress_health_check=checks))
