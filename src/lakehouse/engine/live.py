"""The rows a reader sees of a table: as of one version, tombstones hidden."""

from collections.abc import Iterable, Sequence
from functools import reduce

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.spec.field import MERGE_LINEAGE, schema_of
from lakehouse.spec.scopes import Merge
from lakehouse.spec.table import Table
from lakehouse.storage.frames import no_rows
from lakehouse.storage.lake import Lake


def live_rows(
    session: SparkSession, lake: Lake, table: Table, version: int | str | None, lineage: Sequence[str] = ()
) -> DataFrame:
    """The declared columns of a table's live rows as of a version, and the `lineage` columns; no rows when it was never
    built."""
    if not isinstance(version, int) or version < 0:
        return no_rows(session, schema_of([*table.fields, *(f for f in MERGE_LINEAGE if f.name in lineage)]))
    rows = lake.read(session, table.name, version=version)
    if isinstance(table.write, Merge):
        rows = rows.where(~F.col(table.write.apply_as_deletes))
    return rows.select(*table.field_names, *lineage)


def same_values(one: str, other: str, columns: Iterable[str]) -> Column:
    """Condition of a join: rows of the aliases `one` and `other` agree in every column, null with null."""
    return reduce(Column.__and__, [F.col(f"{one}.{c}").eqNullSafe(F.col(f"{other}.{c}")) for c in columns])
