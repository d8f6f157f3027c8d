"""What a build is given, and what it answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from lakehouse.engine.check import CheckResult
from lakehouse.engine.databases import Databases
from lakehouse.engine.fingerprint import fingerprint
from lakehouse.engine.ledger import LedgerLine
from lakehouse.engine.tokens import TokenKey
from lakehouse.engine.work import Request, TablePlan
from lakehouse.errors import SchemaError
from lakehouse.settings import Settings
from lakehouse.spec.registry import Registry
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Lake
from lakehouse.storage.notes import CommitNote, Delivery, TableState


@dataclass(frozen=True)
class BuildContext:
    """Everything a build may use; nothing of it is read from the environment or the clock inside.

    Attributes:
        session: of this build alone.
        lake: to read from and write to.
        registry: what is declared.
        settings: of the run.
        request: what the caller asked for.
        token_key: makes member tokens; asked for only when a feed carries member numbers.
        databases: of the networks that have one.
    """

    session: SparkSession
    lake: Lake
    registry: Registry
    settings: Settings
    request: Request
    token_key: Callable[[], TokenKey]
    databases: Databases

    def next_state(self, plan: TablePlan, **changes: object) -> TableState:
        """The table's state after this build."""
        state: dict[str, object] = {
            "epoch": plan.state.epoch,
            "sequence": plan.state.sequence + 1,
            "fingerprint": fingerprint(plan.table, self.registry),
            "consumed": dict(plan.consumed),
            "stamped": plan.state.stamped,
            "unstamped": plan.state.unstamped,
            "next_change_date": plan.state.next_change_date,
            "position": plan.state.position,
            "filled": plan.state.filled,
            "keys_compared_on": plan.state.keys_compared_on,
            "accounted": dict(plan.state.accounted),
        }
        return TableState(**(state | changes))  # type: ignore[arg-type]  # keys are the fields', checked by the dataclass

    def note(
        self, kind: str, state: TableState, counts: Mapping[str, int], deliveries: tuple[Delivery, ...] = ()
    ) -> CommitNote:
        """The note of this build's commit."""
        return CommitNote(self.request.run_id, kind, state, deliveries, dict(counts))


@dataclass(frozen=True)
class BuildResult:
    """What one build did.

    Attributes:
        table: its name.
        kind: `land`, `append`, `merge`, `replace` or `marker`.
        version: of its commit.
        counts: rows by what happened to them.
        checks: every rule that ran.
        ledger: every line of its balances.
        warnings: what people should know, in words without values.
    """

    table: str
    kind: str
    version: int
    counts: Mapping[str, int]
    checks: tuple[CheckResult, ...] = ()
    ledger: tuple[LedgerLine, ...] = ()
    warnings: tuple[str, ...] = field(default=())


def check_schema(table: Table, result: DataFrame, *, extra: tuple[str, ...] = ()) -> None:
    """Compare name, type and order of a transform's columns with the declaration.

    Raises:
        SchemaError: saying what is missing, unexpected, retyped or out of order.
    """
    found = {f.name: f.dataType for f in result.schema.fields if f.name not in extra}
    declared = {f.name: f.type for f in table.fields}
    problems = [f"missing {n} {t.simpleString()}" for n, t in declared.items() if n not in found]
    problems += [f"unexpected {n} {t.simpleString()}" for n, t in found.items() if n not in declared]
    problems += [
        f"{n} is {found[n].simpleString()}, declared {t.simpleString()}"
        for n, t in declared.items()
        if n in found and not _same_type(found[n], t)
    ]
    missing = [n for n in extra if n not in result.columns]
    problems += [f"missing {n}" for n in missing]
    if not problems and list(found) != list(declared):
        problems = [f"order is {', '.join(found)}"]
    if problems:
        raise SchemaError(
            f"{table.name}: transform returned a different schema than declared; {'; '.join(problems)}. "
            "Change fields= or the final select."
        )


def _same_type(found: T.DataType, declared: T.DataType) -> bool:
    return found.simpleString() == declared.simpleString()
