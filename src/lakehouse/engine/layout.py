"""How a declared table is stored: its fields plus the technical columns of its write mode."""

from lakehouse.settings import LakeSettings
from lakehouse.spec.field import (
    DATE,
    DIRECT,
    LONG,
    MERGE_LINEAGE,
    PERIOD,
    ROW_HASH,
    STRING,
    STRINGS,
    TEXTS,
    TIMESTAMP,
    field,
)
from lakehouse.spec.scopes import Append, Merge, Period, ReplaceGroups
from lakehouse.spec.table import Table
from lakehouse.storage.lake import Lake, Layout
from lakehouse.storage.store import quarantine_of

PROVENANCE = (
    field("_run_id", STRING, "run that computed the row"),
    field("_as_of_date", DATE, "logical date the row was computed for"),
    field("_source_versions", STRING, "JSON: input table -> Delta version the row was made of"),
)

QUARANTINE = (
    field("_network", STRING, "network that sent the row"),
    field("_source", STRING, "file or source table"),
    field("_batch_id", STRING, "batch the row came with"),
    field("_row_number", LONG, "record number within the source"),
    field("_part", LONG, "tells apart several rows made of one record"),
    field("_failed_expectations", STRINGS, "names of all rules the row breaks"),
    field("_unparsed", STRINGS, "columns whose text could not be read as their type"),
    field("row", TEXTS, "the row as it was, column -> text", phi=DIRECT),
    field("_first_seen_at", TIMESTAMP, "UTC time of the run that first set the row aside"),
    field("_run_id", STRING, "that run"),
    field("_status", STRING, "open, resolved or discarded"),
    field("_owner", STRING, "who sees to the row"),
    field("_resolution", STRING, "how it was resolved: retried, released, superseded or dropped"),
    field("_reason", STRING, "why it was released or discarded, in a steward's words", phi=DIRECT),
    field("_waived", STRINGS, "rules that a release waived for the row, whenever it is read again"),
    field("_resolved_at", TIMESTAMP, "UTC time of the run that resolved or discarded the row"),
    field("_resolved_run_id", STRING, "that run"),
)
QUARANTINE_RECORD = ("_source", "_batch_id", "_row_number")
QUARANTINE_KEYS = (*QUARANTINE_RECORD, "_part")


def layout_of(table: Table, settings: LakeSettings) -> Layout:
    """The stored form of a table under the lake's settings."""
    partition, period = _partition(table, settings)
    columns = table.fields
    if isinstance(table.write, Merge):
        columns += MERGE_LINEAGE
    elif isinstance(table.write, ReplaceGroups):
        columns += (ROW_HASH,)
    elif not isinstance(table.write, Append):
        columns += PROVENANCE
    if period:
        columns += (PERIOD,)
    return Layout(
        name=table.name,
        fields=columns,
        partition_by=partition,
        not_null=table.keys,
        change_feed=table.layer == "silver",
        merge_on_read=table.layer == "silver" and settings.merge_on_read,
        period=period,
    )


def stored_layout(table: Table, lake: Lake) -> Layout:
    """As `layout_of`, but with the period an existing table was created with: the setting decides at creation only."""
    wanted = layout_of(table, lake.settings)
    if not isinstance(table.partition_by, Period) or not lake.exists(table.name):
        return wanted
    period = lake.period(table.name)
    return layout_of(table, lake.settings.model_copy(update={"silver_partition": period or "none"}))


def quarantine_layout(table: Table) -> Layout:
    """The stored form of a table's quarantine: the same for every table."""
    return Layout(name=quarantine_of(table.name), fields=QUARANTINE)


def _partition(table: Table, settings: LakeSettings) -> tuple[str | None, str | None]:
    if not isinstance(table.partition_by, Period):
        return table.partition_by, None
    period = None if settings.silver_partition == "none" else settings.silver_partition
    return (PERIOD.name if period else None), period
