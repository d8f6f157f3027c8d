"""Frames and values for a transform's parameters, other than changed rows."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.engine.context import BuildContext
from lakehouse.engine.fingerprint import resource_text
from lakehouse.engine.live import live_rows
from lakehouse.engine.plan import sender_settings
from lakehouse.engine.work import TablePlan
from lakehouse.spec.feed import Feed
from lakehouse.spec.field import BOOLEAN, INT, STRING
from lakehouse.spec.scopes import Groups, LogicalDate, NetworkSettings, Resource, Snapshot
from lakehouse.spec.sources import ResourceSource
from lakehouse.storage.frames import frame_of, schema_by_name

Value = date | int | str
Touched = DataFrame | Sequence[Value] | None
"""Names of touched groups: a row each; or values of their one column, few enough to stand in a plan, by which files are
skipped; None for all groups."""

SENDER_SCHEMA = schema_by_name(
    network=STRING,
    ledger=STRING,
    denial_evidence=STRING,
    version_mode=STRING,
    version_suffix=STRING,
    closes_claims=BOOLEAN,
    days_to_close=INT,
    source_rank=INT,
)


def transform_inputs(context: BuildContext, plan: TablePlan, touched: Touched) -> dict[str, object]:
    """All inputs of a derived table, by parameter name: touched groups (without `touched` all), and the rest."""
    grouped: dict[str, object] = {
        name: group_rows(context, scope, plan.consumed, touched)
        for name, scope in plan.table.reads.items()
        if isinstance(scope, Groups)
    }
    return grouped | plain_inputs(context, plan)


def plain_inputs(context: BuildContext, plan: TablePlan) -> dict[str, object]:
    """Snapshots, resources, network settings and the logical date, by parameter name."""
    found: dict[str, object] = {}
    for name, scope in plan.table.reads.items():
        if isinstance(scope, Snapshot):
            assert not isinstance(scope.of, Feed)
            found[name] = live_rows(context.session, context.lake, scope.of, plan.consumed.get(scope.of.name))
        elif isinstance(scope, Resource):
            found[name] = resource_rows(context.session, scope.source)
        elif isinstance(scope, NetworkSettings):
            found[name] = settings_rows(context)
        elif isinstance(scope, LogicalDate):
            found[name] = context.request.logical_date
    return found


def group_rows(context: BuildContext, scope: Groups, consumed: Mapping[str, int | str], touched: Touched) -> DataFrame:
    """Live rows of the touched groups (all of them without `touched`); rows without a group belong to none."""
    rows = live_rows(context.session, context.lake, scope.of, consumed.get(scope.of.name), scope.lineage)
    if scope.through is not None:
        return rows.join(group_names(context, scope, consumed, touched), on=[ours for ours, _ in scope.on], how="inner")
    for column in scope.by:
        rows = rows.where(F.col(column).isNotNull())
    return _of_groups(rows, touched, scope.by)


def group_names(context: BuildContext, scope: Groups, consumed: Mapping[str, int | str], touched: Touched) -> DataFrame:
    """The touched groups (all without `touched`) of a scope that goes through another table: one row per group and set
    of `on` columns, which are called as in the input."""
    assert scope.through is not None
    rows = live_rows(context.session, context.lake, scope.through, consumed.get(scope.through.name))
    rows = _of_groups(rows, touched, scope.by)
    shared = [F.col(theirs).alias(ours) for ours, theirs in scope.on]
    return rows.select(*shared, *[c for c in scope.by if (c, c) not in scope.on]).dropna().distinct()


def _of_groups(rows: DataFrame, touched: Touched, by: tuple[str, ...]) -> DataFrame:
    """Rows of the touched groups, whose columns are called `by` in them."""
    if touched is None:
        return rows
    if not isinstance(touched, DataFrame):
        return rows.where(F.col(by[0]).isin(list(touched)))
    named = touched.select(*[F.col(t).alias(c) for t, c in zip(touched.columns, by, strict=True)])
    return rows.join(named, on=list(by), how="left_semi")


def resource_rows(session: SparkSession, source: ResourceSource) -> DataFrame:
    """A packaged CSV file, every column text."""
    header, *rows = csv.reader(io.StringIO(resource_text(source)))
    return frame_of(session, rows, schema_by_name(**dict.fromkeys(header, STRING)))


def settings_rows(context: BuildContext) -> DataFrame:
    """What the settings say of each sender; see `lakehouse.spec.scopes.NetworkSettings`."""
    rows = [(name, *values.values()) for name, values in sender_settings(context.settings).items()]
    return frame_of(context.session, rows, SENDER_SCHEMA)
