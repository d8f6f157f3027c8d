"""`ops.delivery`: every file ever landed, as a table to query. An index of the Bronze commits, never ahead of them.

Removing it loses nothing: the next run that starts Spark writes it again from the logs.
"""

from dataclasses import replace
from datetime import datetime

from pyspark.sql import SparkSession

from lakehouse.spec.field import BOOLEAN, LONG, STRING, TIMESTAMP, field
from lakehouse.storage.frames import frame_of
from lakehouse.storage.lake import Lake, Layout
from lakehouse.storage.notes import CommitNote, Delivery
from lakehouse.storage.store import MISSING_SUFFIX, QUARANTINE_SUFFIX

LAYOUT = Layout(
    name="ops.delivery",
    fields=(
        field("table_name", STRING, "Bronze table"),
        field("version", LONG, "its Delta version that landed the file"),
        field("path", STRING, "file, relative to the network's root"),
        field("size_bytes", LONG, "stored size", unit="bytes"),
        field("modified_at", TIMESTAMP, "modification time of the file, UTC"),
        field("checksum", STRING, "SHA-256 of its bytes"),
        field("batch_id", STRING, "its rows in Bronze"),
        field("delivered_at", TIMESTAMP, "the date in its path, else modified_at, UTC"),
        field("row_count", LONG, "records landed", unit="count"),
        field("rejected_count", LONG, "records that could not be decoded", unit="count"),
        field("is_repeat", BOOLEAN, "known content under a new modification time; not landed again"),
    ),
)


def index_deliveries(lake: Lake, session: SparkSession, run_id: str) -> None:
    """Append the deliveries of Bronze commits that the index does not hold yet, in one commit; none, no commit."""
    lake.ensure(session, LAYOUT)
    state = lake.logs[LAYOUT.name].state
    rows: list[tuple[object, ...]] = []
    consumed = dict(state.consumed)
    folders = [f for f in lake.store.folders("bronze") if not f.endswith((QUARANTINE_SUFFIX, MISSING_SUFFIX))]
    for name in (f"bronze.{folder}" for folder in folders):
        seen = consumed.get(name, -1)
        rows += [_row(name, v, d) for v, d in lake.logs[name].deliveries() if isinstance(seen, int) and v > seen]
        consumed[name] = lake.logs[name].version
    if rows:
        state = replace(state, sequence=state.sequence + 1, consumed=consumed)
        note = CommitNote(run_id, "append", state, counts={"rows": len(rows)})
        lake.append(session, LAYOUT.name, frame_of(session, rows, LAYOUT.schema), note)


def _row(table: str, version: int, delivery: Delivery) -> tuple[object, ...]:
    return (
        table,
        version,
        delivery.path,
        delivery.size,
        datetime.fromisoformat(delivery.modified_at),
        delivery.checksum,
        delivery.batch_id,
        datetime.fromisoformat(delivery.delivered_at),
        delivery.rows,
        delivery.rejected,
        delivery.repeats,
    )
