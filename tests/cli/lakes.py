"""Lakes for command-line tests: settings in a file, logs written by hand, a quarantine written without Spark."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
from deltalake import write_deltalake
from typer.testing import CliRunner, Result

from lakehouse.cli import app
from lakehouse.storage.notes import CommitNote, Delivery, TableState

CLAIMS_HEADER = "claim_id,member_id,payer_name,claim_type,service_from_date,billed_amount,modified_at,source_sequence"


@dataclass(frozen=True)
class LakeFolder:
    """A lake and its drop folder below one temporary folder, with the settings file that names both."""

    root: Path

    @property
    def config(self) -> Path:
        return self.root / "lake.toml"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    @property
    def drop(self) -> Path:
        return self.root / "drop"

    def call(self, *arguments: str) -> Result:
        """What `lakehouse --config FILE ARGUMENTS...` answers."""
        return CliRunner().invoke(app, ["--config", str(self.config), *arguments])

    def json(self, *arguments: str) -> dict[str, object]:
        """As `call` with `--output json`, parsed."""
        answer = self.call(*arguments, "--output", "json")
        read: dict[str, object] = json.loads(answer.stdout)
        return read

    def deliver(self, feed: str, name: str, *lines: str) -> None:
        """Put a file into the drop."""
        path = self.drop / feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def lake_folder(root: Path) -> LakeFolder:
    """An empty lake with an empty drop."""
    made = LakeFolder(root)
    made.drop.mkdir(parents=True)
    made.config.write_text(
        f'[lake]\nroot = "{made.lake}"\n[spark]\nmaster = "local[2]"\n'
        f'[networks.harbor]\nadapter = "standard"\nroot = "{made.drop}"\n'
    )
    return made


def commit(
    lake: LakeFolder,
    table: str,
    version: int,
    *,
    counts: Mapping[str, int] | None = None,
    consumed: Mapping[str, int | str] | None = None,
    hours_ago: float = 1,
    changes_data: bool = True,
    deliveries: Sequence[Delivery] = (),
) -> None:
    """Write one commit of a table's log as the engine leaves it."""
    at = datetime.now(UTC) - timedelta(hours=hours_ago)
    state = TableState(sequence=version + 1, consumed=dict(consumed or {}))
    kind = "land" if deliveries else "merge" if changes_data else "marker"
    note = CommitNote(f"run-{version}", kind, state, tuple(deliveries), dict(counts or {}))
    info = {"timestamp": int(at.timestamp() * 1000), "operation": "MERGE", "userMetadata": note.to_json()}
    actions: list[dict[str, object]] = [{"commitInfo": info}]
    if changes_data:
        actions.append({"add": {"path": "part.parquet", "dataChange": True}})
    folder = lake.lake.joinpath(*table.split("."), "_delta_log")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{version:020d}.json").write_text("\n".join(json.dumps(action) for action in actions))


def quarantine(lake: LakeFolder, table: str, *rows: Mapping[str, object]) -> None:
    """Write a quarantine with these rows; what a row leaves out has a default."""
    schema = pa.schema(
        [
            ("_network", pa.string()),
            ("_source", pa.string()),
            ("_batch_id", pa.string()),
            ("_row_number", pa.int64()),
            ("_part", pa.int64()),
            ("_failed_expectations", pa.list_(pa.string())),
            ("row", pa.map_(pa.string(), pa.string())),
            ("_first_seen_at", pa.timestamp("us", "UTC")),
            ("_run_id", pa.string()),
            ("_status", pa.string()),
            ("_owner", pa.string()),
            ("_resolution", pa.string()),
            ("_reason", pa.string()),
            ("_resolved_at", pa.timestamp("us", "UTC")),
        ]
    )
    default = {
        "_network": "harbor",
        "_source": "claims/claims-1.csv",
        "_batch_id": "batch-1",
        "_row_number": 1,
        "_part": 0,
        "_failed_expectations": ["parseable"],
        "row": [("claim_id", "C1")],
        "_first_seen_at": datetime(2026, 1, 5, 8, tzinfo=UTC),
        "_run_id": "run-1",
        "_status": "open",
    }
    layer, short = table.split(".")
    filled = [default | dict(row) for row in rows]
    write_deltalake(str(lake.lake / layer / f"{short}__quarantine"), pa.Table.from_pylist(filled, schema))


def adjustment_codes(lake: LakeFolder, *rows: Mapping[str, object]) -> None:
    """Write silver.adjustment_code with these rows; what a row leaves out is null."""
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("network", "group_code", "reason_code", "carc", "classified_by")),
            ("adjustment_count", pa.int64()),
            ("amount", pa.decimal128(18, 2)),
        ]
    )
    _write(lake, "silver.adjustment_code", schema, rows)


def settled_claims(lake: LakeFolder, *rows: Mapping[str, object]) -> None:
    """Write silver.claim_final with what is asked of it here; what a row leaves out is null."""
    schema = pa.schema(
        [
            ("network", pa.string()),
            ("payer_name", pa.string()),
            ("payer_is_mapped", pa.bool_()),
            ("billed_amount", pa.decimal128(14, 2)),
        ]
    )
    _write(lake, "silver.claim_final", schema, rows)


def _write(lake: LakeFolder, table: str, schema: pa.Schema, rows: Sequence[Mapping[str, object]]) -> None:
    filled = [{name: row.get(name) for name in schema.names} for row in rows]
    write_deltalake(str(lake.lake.joinpath(*table.split("."))), pa.Table.from_pylist(filled, schema))
