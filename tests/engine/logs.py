"""Delta logs written by hand: for tests of what is read from a log alone."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from lakehouse.storage.notes import CommitNote, Delivery, TableState

MERGE_METRICS = ("numTargetRowsInserted", "numTargetRowsUpdated", "numTargetRowsDeleted")
WRITTEN_AT = datetime(2026, 2, 1, 6, tzinfo=UTC)


def delivery(path: str, delivered: str, ingested: str = "2026-02-01", **other: object) -> Delivery:
    """A landed file; `delivered` and `ingested` are ISO dates."""
    values: dict[str, object] = {
        "path": path,
        "size": 10,
        "modified_at": "2026-02-01T05:00:00.000000+00:00",
        "checksum": f"sum of {path}",
        "batch_id": f"batch of {path}",
        "delivered_at": f"{delivered}T00:00:00.000000+00:00",
        "ingest_date": ingested,
        "rows": 1,
        "rejected": 0,
    }
    return Delivery(**(values | other))  # type: ignore[arg-type]


class HandLog:
    """The log of one table below a lake's root, a commit at a time."""

    def __init__(self, root: Path, name: str) -> None:
        layer, table = name.split(".")
        self.folder = root / layer / table / "_delta_log"
        self.folder.mkdir(parents=True, exist_ok=True)

    def file(self, version: int) -> Path:
        """A commit's file."""
        return self.folder / f"{version:020d}.json"

    @property
    def next_version(self) -> int:
        """Number of the next commit."""
        return len(list(self.folder.glob("*.json")))

    def commit(
        self,
        note: CommitNote | str | None = None,
        *,
        operation: str = "WRITE",
        data: bool | None = True,
        partitions: Mapping[str, str] | None = None,
    ) -> int:
        """Add a commit; `data` None leaves out file actions, False marks them as moved data only."""
        version = self.next_version
        info: dict[str, object] = {
            "timestamp": int(WRITTEN_AT.timestamp() * 1000) + version,
            "operation": operation,
            "operationMetrics": {"numOutputRows": "1", **dict.fromkeys(MERGE_METRICS, "0")},
        }
        if note is not None:
            info["userMetadata"] = note if isinstance(note, str) else note.to_json()
        actions: list[Mapping[str, object]] = [{"commitInfo": info}]
        if data is not None:
            file = {"path": f"part-{version}.parquet", "size": 1, "dataChange": data}
            actions.append({"add": {**file, "partitionValues": dict(partitions or {})}})
        self.file(version).write_text("".join(json.dumps(a) + "\n" for a in actions))
        return version

    def land(self, *deliveries: Delivery) -> int:
        """A Bronze commit of these files, or a marker when all of them only repeat what is known."""
        fresh = any(not d.repeats for d in deliveries)
        state = TableState(sequence=self.next_version + 1)
        return self.commit(CommitNote("run", "land", state, deliveries), data=True if fresh else None)

    def build(
        self,
        *,
        data: bool | None = True,
        counts: Mapping[str, int] | None = None,
        partitions: Mapping[str, str] | None = None,
        **state: object,
    ) -> int:
        """A Silver or Gold commit that leaves this state."""
        made = TableState(**({"sequence": self.next_version + 1} | state))  # type: ignore[arg-type]
        return self.commit(CommitNote("run", "merge", made, counts=counts or {}), data=data, partitions=partitions)
