"""What is due, and why: from Delta logs and source listings alone, without a JVM."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from types import TracebackType
from typing import Self

from lakehouse.engine.fingerprint import fingerprint, resource_checksum, settings_checksum
from lakehouse.engine.ledger import prove_merge
from lakehouse.engine.source_plan import SourcePlans
from lakehouse.engine.work import PartWork, Reading, Request, Status, TablePlan
from lakehouse.errors import LakehouseError, describe
from lakehouse.settings import Settings
from lakehouse.spec.field import MEMBER
from lakehouse.spec.registry import ConformedInput, Registry
from lakehouse.spec.scopes import Append, Changes, Conformed, Groups, NetworkSettings, Resource, Snapshot
from lakehouse.spec.table import Table
from lakehouse.storage.log import Commit, Logs
from lakehouse.storage.notes import Delivery, TableState
from lakehouse.storage.small_reads import batches_of_open_rows
from lakehouse.storage.store import quarantine_of

SENDER_SETTINGS = (
    "ledger",
    "denial_evidence",
    "version_mode",
    "version_suffix",
    "closes_claims",
    "days_to_close",
    "source_rank",
)
NETWORKS_INPUT = "settings.networks"
_DAY = timedelta(days=1)
TOKEN_KEY_INPUT = "settings.member_token_key_version"


class Planner:
    """Decides table by table. Looks at each log once; `logs.forget` makes it look again.

    A context manager: left, it ends its connections to the networks' databases.
    """

    def __init__(self, registry: Registry, logs: Logs, settings: Settings, request: Request) -> None:
        self.registry = registry
        self.logs = logs
        self.settings = settings
        self.request = request
        self.sources = SourcePlans(settings, request)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.sources.databases.close()

    def plan(self, names: Iterable[str]) -> list[TablePlan]:
        """Plans of the named tables in build order; a table whose input is due and which is not due itself is
        waiting."""
        made: dict[str, TablePlan] = {}
        for name in names:
            found = self.safely(name)
            due = sorted(i for i in self.registry.inputs(name) if i in made and made[i].status is not Status.CURRENT)
            if found.status is Status.CURRENT and due:
                found = TablePlan(found.table, Status.WAITING, (f"after {', '.join(due)}",), found.notes, found.state)
            made[name] = found
        return list(made.values())

    def safely(self, name: str) -> TablePlan:
        """As `table`; what cannot be planned is a failed plan, so that one bad source does not hide the others."""
        try:
            return self.table(name)
        except LakehouseError as error:
            return TablePlan(self.registry[name], Status.FAILED, (str(error),), exit_code=error.exit_code)
        except Exception as error:  # a store that does not answer for one table must not end the run of the others
            return TablePlan(self.registry[name], Status.FAILED, (f"{name}: {describe(error)}",), exit_code=3)

    def table(self, name: str) -> TablePlan:
        """The work of one table as its inputs are now.

        Raises:
            SourceError: its source cannot be listed.
            LogError: a log cannot be trusted.
            BalanceError: the last merge did something else than was classified.
        """
        table = self.registry[name]
        state = self.logs[name].state
        if isinstance(table.write, Append):
            return self.sources.landing(table, self.logs[name])
        newest = self.logs[name].last_own
        if newest is not None and not self.request.full_refresh:
            prove_merge(name, newest)
        mark = fingerprint(table, self.registry)
        notes = ("definition changed: rebuild with --full-refresh",) if state.fingerprint not in ("", mark) else ()
        if any(isinstance(s, Changes) for s in table.reads.values()):
            return self._merging(table, state, notes)
        return self._deriving(table, state, notes)

    def _merging(self, table: Table, state: TableState, notes: tuple[str, ...]) -> TablePlan:
        scope = next(s for s in table.reads.values() if isinstance(s, Changes))
        assert isinstance(scope.of, Conformed)
        reasons: list[str] = []
        work: list[PartWork] = []
        consumed = dict(state.consumed)
        for part in self.registry.conformed_inputs(scope.of.contract):
            if not self.logs[part.main.name].exists:
                continue
            found, why = self._unconsumed(table, part, state)
            consumed |= {b.name: self.logs[b.name].version for b in part.tables.values() if self.logs[b.name].exists}
            if found:
                work += found
                reasons.append(why)
        reopened = self._reopened(table, scope.of, state)
        work += reopened
        reasons += [f"{w.part.network}: rows set aside are merged after all" for w in reopened]
        others, moved = self._lookups(table, state)
        consumed |= others
        rebuilt = {w.part.network for w in work if w.batches is None}
        if moved or rebuilt:  # what one feed of a network is compared with holds the rows of its other feeds too
            parts = self.registry.conformed_inputs(scope.of.contract)
            kept = [w for w in work if not moved and w.part.network not in rebuilt]
            again = [p for p in parts if (moved or p.network in rebuilt) and self.logs[p.main.name].exists]
            work = [*kept, *(PartWork(p, None) for p in again)]
            reasons += moved
        due = bool(work) or not self.logs[table.name].exists
        why_due = tuple(reasons) or (("not built yet",) if due else ())
        return TablePlan(
            table, Status.DUE if due else Status.CURRENT, why_due, notes, state, consumed=consumed, parts=tuple(work)
        )

    def _lookups(self, table: Table, state: TableState) -> tuple[dict[str, int | str], list[str]]:
        """Inputs of a merge besides its feeds: their present versions, and which moved since the last build."""
        now = {key: found for scope in table.reads.values() for key, found in self._inputs(scope)}
        moved = [key for key, found in now.items() if state.consumed.get(key) not in (None, found)]
        return now, [f"{key} changed" for key in moved if not isinstance(now[key], int) or self._moved(key, state)]

    def _unconsumed(self, table: Table, part: ConformedInput, state: TableState) -> tuple[list[PartWork], str]:
        """Deliveries of one network to consume, and why."""
        whole = [PartWork(part, None)]
        main = self.logs[part.main.name]
        landed = [(v, d) for v, d in main.deliveries() if not d.repeats]
        if self.request.full_refresh:
            return whole, f"{part.network}: full refresh of {len(landed)} deliveries"
        seen = _version(state.consumed.get(part.main.name))
        if seen > main.version:
            return whole, f"{part.network}: {part.main.name} was removed and landed again"
        for lookup in part.tables.values():
            if lookup is not part.main and self._moved(lookup.name, state) and seen >= 0:
                return whole, f"{part.network}: {lookup.name} changed, so every row is conformed again"
        fresh = tuple(d for v, d in landed if v > seen)
        before = [d.delivered_at for v, d in landed if v <= seen]
        late = [d for d in fresh if before and d.delivered_at <= max(before)]
        if late and part.main.name in state.unstamped:
            return whole, f"{part.network}: {len(late)} deliveries are no newer than ones already merged"
        if self.request.has_range and part.main.name in state.unstamped:
            return whole, f"{part.network}: {part.main.name} has rows without a stamp, so all its days are compared"
        if self.request.has_range:
            asked = tuple(d for v, d in landed if v <= seen and self.request.covers(date.fromisoformat(d.ingest_date)))
            work = [*_work(part, fresh), *_work(part, asked, Reading.AGAIN)]
            return work, f"{part.network}: {len(fresh) + len(asked)} deliveries of the days asked for or new"
        return _work(part, fresh), f"{part.network}: {len(fresh)} new deliveries in {part.main.name}"

    def _reopened(self, table: Table, of: Conformed, state: TableState) -> list[PartWork]:
        """Merged deliveries that hold the rows set aside that the request names. Where the order of a feed's rows
        depends on all of them, the feed."""
        reopen, quarantine = self.request.reopen, quarantine_of(table.name)
        if reopen is None or reopen.table != table.name or not self.logs[quarantine].exists:
            return []
        open_in = batches_of_open_rows(self.logs.store, quarantine, reopen.chosen)
        work: list[PartWork] = []
        for part in self.registry.conformed_inputs(of.contract):
            main = part.main.name
            seen = _version(state.consumed.get(main))
            landed = [d for v, d in self.logs[main].deliveries() if v <= seen and not d.repeats]
            held = tuple(d for d in landed if d.batch_id in open_in)
            work += [PartWork(part, None)] if held and main in state.unstamped else _work(part, held, Reading.REOPENED)
        return work

    def _moved(self, name: str, state: TableState) -> bool:
        """The input has rows this table did not consume."""
        log = self.logs[name]
        if not log.exists:
            return False
        changed = log.changed_since(_version(state.consumed.get(name)))
        return changed is None or bool(changed)

    def _deriving(self, table: Table, state: TableState, notes: tuple[str, ...]) -> TablePlan:
        consumed: dict[str, int | str] = {}
        whole: list[str] = []
        touched: list[str] = []
        since: dict[str, tuple[int, int]] = {}
        grouped = {t.name: t for scope in table.reads.values() if isinstance(scope, Groups) for t in _tables_of(scope)}
        for key, now in dict(pair for scope in table.reads.values() for pair in self._inputs(scope)).items():
            consumed[key] = now
            if key in grouped:
                log, seen = self.logs[key], _version(state.consumed.get(key))
                changed = self._readable(grouped[key], log.changed_since(seen)) if log.exists else []
                if changed is None or (changed and seen < 0):
                    whole.append(f"all of {key}")
                elif changed:
                    since[key] = (changed[0].version, changed[-1].version)
                    touched.append(f"{key} changed in version{'s' if len(changed) > 1 else ''} {_span(changed)}")
            elif state.consumed.get(key) != now and (not isinstance(now, int) or self._moved(key, state)):
                whole.append(f"{key} changed")
        if self.request.full_refresh:
            whole.append("full refresh")
        if self.request.has_range and notes:
            whole.append("definition changed")
        today = self.request.logical_date
        matured = state.next_change_date is not None and state.next_change_date <= today.isoformat()
        if table.is_photograph and state.next_change_date and date.fromisoformat(state.next_change_date) > today + _DAY:
            return TablePlan(table, Status.CURRENT, (), (*notes, "a later day has its photograph"), state)
        if not self.logs[table.name].exists and not whole:
            whole.append("not built yet")
        reasons = (*whole, *touched, *(("the calendar changes a figure",) if matured else ()))
        return TablePlan(
            table,
            Status.DUE if reasons else Status.CURRENT,
            reasons,
            notes,
            state,
            consumed=consumed,
            everything=bool(whole),
            since={} if whole else since,
            matured=matured,
        )

    def _readable(self, of: Table, changed: list[Commit] | None) -> list[Commit] | None:
        """The changed commits, or None when the files their change feed needs may be cleaned up by now."""
        days = self.settings.lake.retention.for_layer(of.layer).deleted_file_retention_days
        oldest = self.request.started_at - timedelta(days=days)
        return None if changed and changed[0].committed_at < oldest else changed

    def _inputs(self, scope: object) -> list[tuple[str, int | str]]:
        """Names and present versions of what a scope reads, feeds apart.

        A feed with member numbers reads the key of their tokens: under another key every token is another, so that a
        new key version makes the rows anew from Bronze, all of them in one commit.
        """
        if isinstance(scope, Changes) and isinstance(scope.of, Conformed):
            has_members = any(f.phi is MEMBER for f in scope.of.contract.fields)
            return [(TOKEN_KEY_INPUT, self.settings.privacy.member_token_key_version)] if has_members else []
        if isinstance(scope, Groups):
            return [(table.name, self.logs[table.name].version) for table in _tables_of(scope)]
        if isinstance(scope, Snapshot):
            return [(scope.of.name, self.logs[scope.of.name].version)]
        if isinstance(scope, Resource):
            return [(f"resource.{scope.source.file}", resource_checksum(scope.source))]
        if isinstance(scope, NetworkSettings):
            return [(NETWORKS_INPUT, settings_checksum(sender_settings(self.settings)))]
        return []


def _work(part: ConformedInput, batches: tuple[Delivery, ...], reading: Reading = Reading.FIRST) -> list[PartWork]:
    return [PartWork(part, batches, reading)] if batches else []


def _tables_of(scope: Groups) -> tuple[Table, ...]:
    """The input, and the table that knows its groups."""
    return (scope.of,) if scope.through is None else (scope.of, scope.through)


def sender_settings(settings: Settings) -> dict[str, dict[str, object]]:
    """What the settings say of each sender that changes figures: network -> setting -> value.

    Disabled senders too: their rows stay, and so must what their figures mean.
    """
    known = sorted(settings.networks.items())
    return {name: {key: getattr(network, key) for key in SENDER_SETTINGS} for name, network in known}


def _version(consumed: int | str | None) -> int:
    return consumed if isinstance(consumed, int) else -1


def _span(commits: Sequence[Commit]) -> str:
    first, last = commits[0].version, commits[-1].version
    return str(first) if first == last else f"{first}-{last}"
