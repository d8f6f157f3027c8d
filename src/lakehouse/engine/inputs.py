"""Frames and values for a transform's parameters, other than changed rows."""

import csv
import io

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

SENDER_SCHEMA = schema_by_name(
    network=STRING,
    ledger=STRING,
    denial_evidence=STRING,
    version_mode=STRING,
    closes_claims=BOOLEAN,
    days_to_close=INT,
)


def transform_inputs(context: BuildContext, plan: TablePlan, touched: DataFrame | None) -> dict[str, object]:
    """All inputs of a derived table, by parameter name: touched groups (without `touched` all), and the rest."""
    grouped: dict[str, object] = {
        name: group_rows(context, scope, plan.consumed.get(scope.of.name), touched)
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


def group_rows(context: BuildContext, scope: Groups, version: int | str | None, touched: DataFrame | None) -> DataFrame:
    """Live rows of the touched groups (all of them without `touched`); rows without a group belong to none."""
    rows = live_rows(context.session, context.lake, scope.of, version)
    for column in scope.by:
        rows = rows.where(F.col(column).isNotNull())
    if touched is None:
        return rows
    names = touched.select(*[F.col(t).alias(c) for t, c in zip(touched.columns, scope.by, strict=True)])
    return rows.join(names, on=list(scope.by), how="left_semi")


def resource_rows(session: SparkSession, source: ResourceSource) -> DataFrame:
    """A packaged CSV file, every column text."""
    header, *rows = csv.reader(io.StringIO(resource_text(source)))
    return frame_of(session, rows, schema_by_name(**dict.fromkeys(header, STRING)))


def settings_rows(context: BuildContext) -> DataFrame:
    """What the settings say of each sender; see `lakehouse.spec.scopes.NetworkSettings`."""
    rows = [(name, *values.values()) for name, values in sender_settings(context.settings).items()]
    return frame_of(context.session, rows, SENDER_SCHEMA)
