"""Delta logs without a JVM: versions, what each commit says of itself, and the state a table is in.

The state of a table stands in the `userMetadata` of its commits and nowhere else. Every commit of ours repeats all
of it, so the newest one is enough. Commits of others are skipped, except a RESTORE, which undoes rows without saying
what they came from.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import pairwise
from typing import Any  # parsed JSON

from deltalake import DeltaTable

from lakehouse.errors import LogError
from lakehouse.storage.notes import CommitNote, Delivery, TableState
from lakehouse.storage.store import Store

_COMMIT = re.compile(r"(\d{20})\.json\Z")


@dataclass(frozen=True)
class Commit:
    """One commit of a table's log.

    Attributes:
        version: its number.
        committed_at: UTC.
        operation: Delta's word for it, e.g. `MERGE`.
        note: what we wrote into it; None for a commit of others.
        changes_data: it adds or removes rows (OPTIMIZE and markers do not).
        metrics: Delta's operation metrics.
        marks: transaction application id -> version, by which Delta knows a repeated write.
        partitions: in which it adds or removes rows, as `column=value`.
    """

    version: int
    committed_at: datetime
    operation: str
    note: CommitNote | None
    changes_data: bool
    metrics: Mapping[str, str]
    marks: Mapping[str, int] = field(default_factory=dict)
    partitions: frozenset[str] = frozenset()


class DeltaLog:
    """The log of one table. Commits never change, so each is read once per instance."""

    def __init__(self, store: Store, name: str) -> None:
        self.store = store
        self.name = name
        self._folder = (*name.split(".", 1), "_delta_log")
        self._commits: dict[int, Commit] = {}

    @cached_property
    def versions(self) -> Sequence[int]:
        """Versions whose commit file is still there, ascending.

        Raises:
            LogError: a version is missing between two others.
        """
        found = sorted(int(m[1]) for name in self.store.names(*self._folder) if (m := _COMMIT.match(name)))
        if found and found[-1] - found[0] + 1 != len(found):
            gap = next(a + 1 for a, b in pairwise(found) if b != a + 1)
            raise LogError(
                f"{self.name}: version {gap} is missing from its Delta log. Restore the file before running again."
            )
        return found

    @property
    def exists(self) -> bool:
        """The table has at least one commit."""
        return bool(self.versions)

    @property
    def version(self) -> int:
        """Newest version; -1 when the table does not exist."""
        return self.versions[-1] if self.versions else -1

    def refresh(self) -> "DeltaLog":
        """The same log, looked at anew; commits already read are kept."""
        fresh = DeltaLog(self.store, self.name)
        fresh._commits = self._commits
        return fresh

    def commit(self, version: int) -> Commit:
        """One commit.

        Raises:
            LogError: its file is empty or no JSON lines: readers would silently see no changes in it.
        """
        if version not in self._commits:
            self._commits[version] = self._read(version)
        return self._commits[version]

    def _read(self, version: int) -> Commit:
        content = self.store.read(*self._folder, f"{version:020d}.json")
        try:
            actions = [json.loads(line) for line in content.splitlines() if line.strip()]
        except ValueError:
            actions = []
        if not actions:
            raise LogError(
                f"{self.name}: commit {version} in its Delta log is empty or torn ({len(content)} bytes). "
                "A full disk leaves such files; restore or remove it before running again."
            )
        info: dict[str, Any] = next((a["commitInfo"] for a in actions if "commitInfo" in a), {})
        files = [a.get("add") or a.get("remove") for a in actions if "add" in a or "remove" in a]
        changed = [f for f in files if f.get("dataChange", True)]
        return Commit(
            version,
            datetime.fromtimestamp(info.get("timestamp", 0) / 1000, UTC),
            info.get("operation", "unknown"),
            CommitNote.from_json(info.get("userMetadata")),
            bool(changed),
            info.get("operationMetrics", {}),
            {a["txn"]["appId"]: a["txn"]["version"] for a in actions if "txn" in a},
            frozenset(f"{c}={v}" for f in changed for c, v in (f.get("partitionValues") or {}).items()),
        )

    def newest_first(self) -> Iterator[Commit]:
        """Commits from the newest back to the oldest still in the log."""
        return (self.commit(version) for version in reversed(self.versions))

    @property
    def last_own(self) -> Commit | None:
        """The newest commit of ours; None when we never wrote the table.

        Raises:
            LogError: someone restored the table past it by hand.
        """
        for commit in self.newest_first():
            if commit.note is not None:
                return commit
            if commit.operation == "RESTORE":
                raise LogError(
                    f"{self.name}: version {commit.version} is a RESTORE made outside lakehouse, so what the table "
                    "was made of is unknown. Remove the table's folder and build it again from its inputs."
                )
        return None

    @property
    def state(self) -> TableState:
        """The table's state; the initial one when we never wrote it."""
        return self.last_note.state if self.last_note else TableState()

    @property
    def last_note(self) -> CommitNote | None:
        """The newest note of ours; None when we never wrote the table."""
        own = self.last_own
        return own.note if own else None

    def changed_since(self, version: int) -> list[Commit] | None:
        """Commits after `version` that add or remove rows.

        None when the log cannot tell: it no longer reaches back that far, or ends before `version` because the table
        was removed and built again.
        """
        if self.versions and (self.versions[0] > version + 1 or self.version < version):
            return None
        return [c for v in self.versions if v > version and (c := self.commit(v)).changes_data]

    def deliveries(self) -> list[tuple[int, Delivery]]:
        """Every landed file with the version that landed it, oldest first."""
        return [(v, d) for v in self.versions if (note := self.commit(v).note) for d in note.deliveries]

    def last_build(self) -> Commit | None:
        """The newest commit that changed rows."""
        return next((c for c in self.newest_first() if c.changes_data), None)

    def properties(self) -> Mapping[str, str]:
        """Table properties as stored, e.g. `delta.enableChangeDataFeed`."""
        return {k: v for k, v in self._opened.metadata().configuration.items() if v is not None}

    def protocol(self) -> tuple[int, int]:
        """Reader and writer version the table demands."""
        found = self._opened.protocol()
        return found.min_reader_version, found.min_writer_version

    def partition_columns(self) -> list[str]:
        """Columns the table is partitioned by."""
        return list(self._opened.metadata().partition_columns)

    @cached_property
    def _opened(self) -> DeltaTable:
        return DeltaTable(self.store.table(self.name), storage_options=dict(self.store.log_reader_options))


class Logs:
    """The logs of a lake's tables, each looked at once until it is forgotten."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._logs: dict[str, DeltaLog] = {}

    def __getitem__(self, name: str) -> DeltaLog:
        if name not in self._logs:
            self._logs[name] = DeltaLog(self.store, name)
        return self._logs[name]

    def forget(self, name: str) -> DeltaLog:
        """Look at a log anew, after a write; returns it."""
        self._logs[name] = self[name].refresh()
        return self._logs[name]
