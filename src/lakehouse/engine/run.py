"""One run: plan, build what is due in the graph's order, block what depends on a failure, record."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import cached_property
from graphlib import TopologicalSorter
from types import TracebackType
from typing import Self

from pyspark import inheritable_thread_target
from pyspark.sql import SparkSession

from lakehouse.engine.build import build
from lakehouse.engine.check import BrokenRules, CheckResult
from lakehouse.engine.context import BuildContext, BuildResult
from lakehouse.engine.leases import CORE, lease_of, leases_of
from lakehouse.engine.network_rules import check_rule_settings
from lakehouse.engine.plan import Planner
from lakehouse.engine.tokens import TokenKey, token_key
from lakehouse.engine.work import Request, Status, TablePlan
from lakehouse.errors import LakehouseError, describe
from lakehouse.faults import fault_point
from lakehouse.settings import Settings
from lakehouse.spec.registry import Registry
from lakehouse.storage.lake import Lake
from lakehouse.storage.lease import Leases, this_process


class Outcome(StrEnum):
    """How one table came out of a run."""

    BUILT = "built"
    MARKED = "marked"  # rows were consumed, none changed
    CURRENT = "current"
    FAILED = "failed"
    BLOCKED = "blocked"  # an input failed, so this was not tried


@dataclass(frozen=True)
class TableOutcome:
    """One table's part of a run.

    Attributes:
        table: its name.
        outcome: see `Outcome`.
        seconds: wall time of its build.
        reasons: why it was due.
        result: what the build did.
        error: what went wrong, in words without values.
        exit_code: of the error.
        blocked_by: inputs that failed or were blocked.
        refused_by: every rule that was judged, when broken ones refused the build.
    """

    table: str
    outcome: Outcome
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()
    result: BuildResult | None = None
    error: str | None = None
    exit_code: int = 0
    blocked_by: tuple[str, ...] = ()
    refused_by: tuple[CheckResult, ...] = ()

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """Every rule that was judged, whether the table was written or refused."""
        return self.result.checks if self.result else self.refused_by


@dataclass(frozen=True)
class RunReport:
    """What a run did.

    Attributes:
        request: what was asked.
        env: environment's name.
        outcomes: every selected table, in build order.
        seconds: wall time.
    """

    request: Request
    env: str
    outcomes: tuple[TableOutcome, ...]
    seconds: float

    @property
    def failed(self) -> tuple[TableOutcome, ...]:
        """Tables that went wrong themselves."""
        return tuple(o for o in self.outcomes if o.outcome is Outcome.FAILED)

    @property
    def blocked(self) -> tuple[TableOutcome, ...]:
        """Tables that were not tried because an input failed."""
        return tuple(o for o in self.outcomes if o.outcome is Outcome.BLOCKED)

    @property
    def exit_code(self) -> int:
        """0 when nothing failed, else the gravest error's."""
        return max((o.exit_code for o in self.failed), default=0)

    @property
    def nothing_due(self) -> bool:
        """No table had work."""
        return all(o.outcome is Outcome.CURRENT for o in self.outcomes)


Listener = Callable[[str, str, TableOutcome | None], None]
"""Told of each table: its name, `started` or `finished`, and the outcome when finished."""


def ignore(name: str, event: str, outcome: TableOutcome | None) -> None:
    """The listener that does nothing."""


class Run:
    """One invocation over one lake. Spark starts only when a table is due.

    A context manager: left, it gives its leases back and ends its connections. Nobody else writes the tables of its
    leases until then.
    """

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        request: Request,
        start_spark: Callable[[], SparkSession],
        listener: Listener = ignore,
        wait_seconds: float = 0,
        tell: Callable[[str], None] = lambda text: None,
    ) -> None:
        """Nothing is looked at yet.

        Args:
            settings: of the environment.
            registry: what is declared.
            request: what is asked for.
            start_spark: starts, or gives, the application's session.
            listener: told of each table.
            wait_seconds: how long to wait for leases that another run holds.
            tell: told of each lease that is waited for.

        Raises:
            SettingsError: the settings change a rule that does not exist, or in a way that cannot work.
        """
        check_rule_settings(registry, settings.networks)
        self.settings = settings
        self.registry = registry
        self.request = request
        self.lake = Lake(settings.lake, self._token)
        self.leases = Leases(
            self.lake.store, this_process(), request.run_id, settings.run.lease_seconds, lambda: datetime.now(UTC)
        )
        self.planner = Planner(registry, self.lake.logs, settings, request)
        self._start_spark = start_spark
        self._listener = listener
        self._wait_seconds = wait_seconds
        self._tell = tell

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.planner.sources.databases.close()
        self.leases.release()

    def writes_core(self, names: Iterable[str]) -> bool:
        """A run over the named tables holds the lease of Silver, Gold and the ops tables."""
        return CORE in leases_of(self.registry, names)

    def _token(self, name: str) -> int:
        return self.leases.token(lease_of(self.registry, name))

    @cached_property
    def session(self) -> SparkSession:
        """The application's session, started on first use."""
        return self._start_spark()

    @cached_property
    def _token_key(self) -> TokenKey:
        return token_key(self.settings)

    def hold(self, names: Iterable[str]) -> None:
        """Nobody else writes the named tables until this run is left.

        Raises:
            LeaseError: another run writes some of them now.
        """
        self.leases.acquire(leases_of(self.registry, names), self._wait_seconds, self._tell)

    def execute(self, names: Sequence[str]) -> RunReport:
        """Build what is due among the named tables (in build order).

        Raises:
            LeaseError: another run writes some of them now.
        """
        began = time.monotonic()
        self.hold(names)
        fault_point("before_plan")
        plans = {p.table.name: p for p in self.planner.plan(names)}
        fault_point("after_plan")
        hopeless = self.registry.downstream(n for n, p in plans.items() if p.status is Status.FAILED)
        if any(p.is_due and name not in hopeless for name, p in plans.items()):
            outcomes = self._build_all(names)
        else:
            outcomes = self._without_spark(names, plans)
        return RunReport(self.request, self.settings.env, tuple(outcomes[n] for n in names), time.monotonic() - began)

    def _without_spark(self, names: Sequence[str], plans: Mapping[str, TablePlan]) -> dict[str, TableOutcome]:
        outcomes: dict[str, TableOutcome] = {}
        for name in names:
            blocked = self._blocking(name, outcomes)
            outcomes[name] = _blocked(name, blocked) if blocked else _unbuilt(plans[name])
            self._listener(name, "finished", outcomes[name])
        return outcomes

    def _build_all(self, names: Sequence[str]) -> dict[str, TableOutcome]:
        """Each table as soon as its inputs are done, independent ones in parallel."""
        chosen = set(names)
        graph = TopologicalSorter({n: self.registry.inputs(n) & chosen for n in names})
        graph.prepare()
        outcomes: dict[str, TableOutcome] = {}
        running: dict[Future[TableOutcome], str] = {}
        root = self.session
        with ThreadPoolExecutor(max_workers=self.settings.run.parallel_builds) as pool:
            while graph.is_active():
                for name in sorted(graph.get_ready(), key=list(names).index):
                    blocked = self._blocking(name, outcomes)
                    if blocked:
                        outcomes[name] = _blocked(name, blocked)
                        self._listener(name, "finished", outcomes[name])
                        graph.done(name)
                    else:
                        running[pool.submit(inheritable_thread_target(root)(self._build_one), name)] = name
                if not running:
                    continue
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    name = running.pop(future)
                    outcomes[name] = future.result()
                    self._listener(name, "finished", outcomes[name])
                    graph.done(name)
        return outcomes

    def _blocking(self, name: str, outcomes: Mapping[str, TableOutcome]) -> tuple[str, ...]:
        stopped = (Outcome.FAILED, Outcome.BLOCKED)
        return tuple(sorted(i for i in self.registry.inputs(name) if i in outcomes and outcomes[i].outcome in stopped))

    def _build_one(self, name: str) -> TableOutcome:
        began = time.monotonic()
        plan = self.planner.safely(name)
        if not plan.is_due:
            return _unbuilt(plan)
        self._listener(name, "started", None)
        from lakehouse.storage.session import (
            new_session,  # loads Spark's gateway, which a run with nothing due never needs
        )

        context = BuildContext(
            new_session(self.session, self.settings.spark),
            self.lake,
            self.registry,
            self.settings,
            self.request,
            lambda: self._token_key,
            self.planner.sources.databases,
        )
        try:
            result = build(context, plan)
        except LakehouseError as error:
            return TableOutcome(
                name,
                Outcome.FAILED,
                time.monotonic() - began,
                plan.reasons,
                error=str(error),
                exit_code=error.exit_code,
                refused_by=error.checks if isinstance(error, BrokenRules) else (),
            )
        except Exception as error:  # whatever else stops one table must not hide what became of the others
            text = f"{name}: {describe(error)}"
            return TableOutcome(name, Outcome.FAILED, time.monotonic() - began, plan.reasons, error=text, exit_code=3)
        outcome = Outcome.MARKED if result.kind == "marker" else Outcome.BUILT
        return TableOutcome(name, outcome, time.monotonic() - began, plan.reasons, result)


def _blocked(name: str, by: tuple[str, ...]) -> TableOutcome:
    return TableOutcome(name, Outcome.BLOCKED, blocked_by=by)


def _unbuilt(plan: TablePlan) -> TableOutcome:
    """Outcome of a table that has no work, or whose work could not even be planned."""
    if plan.status is Status.FAILED:
        return TableOutcome(plan.table.name, Outcome.FAILED, error=plan.reasons[0], exit_code=plan.exit_code)
    return TableOutcome(plan.table.name, Outcome.CURRENT)
