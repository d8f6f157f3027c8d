"""The demo: a fresh lake, two made-up networks day by day, and the answers held against their keys."""

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.demo.comparison import (
    COUNTED,
    REVENUE,
    REVENUE_AMOUNTS,
    REVENUE_KEY,
    Cells,
    Found,
    RowCounts,
    counted_value,
    differences,
    expected_of,
)
from lakehouse.demo.harbor import NETWORK, DemoSpec, answer_key, write_deliveries
from lakehouse.demo.meridian import NETWORK as DATABASE_NETWORK
from lakehouse.demo.meridian import DatabaseKey, LiveWriter, database_key, network_settings
from lakehouse.demo.revenue import Tally
from lakehouse.engine.record import record_run
from lakehouse.engine.run import Listener, Run, RunReport, TableOutcome
from lakehouse.engine.work import Request
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry
from lakehouse.storage.lake import Lake
from lakehouse.storage.session import MANY_MINUTES
from lakehouse.storage.small_reads import open_rows, read_columns, rule_counts
from lakehouse.storage.store import Store, quarantine_of

MARKER: Final = "lakehouse-demo.toml"
DROP: Final = ("demo", "drops", NETWORK)
DATABASE: Final = ("demo", f"{DATABASE_NETWORK}.db")
DATABASE_CLAIMS_PER_DAY: Final = 60
"""Enough for every story of a database."""


@dataclass(frozen=True)
class Walkthrough:
    """What a demo made.

    Attributes:
        reports: one run a day, in order; after one with failures no further day is run.
        revenue: rows of gold.revenue_by_payer: its key and the columns of `RevenueRow`.
        quarantined: (table, rule) -> open rows that break it.
        set_aside: table -> open rows.
        tallies: what is counted of Silver, network, value -> how many, as found in the lake.
        differences: where the lake and the answer keys disagree; empty when it is right. Not looked for after a
            failure.
        database: the answer key of the claims database; None without it.
    """

    reports: tuple[RunReport, ...]
    revenue: tuple[Cells, ...]
    quarantined: Mapping[tuple[str, str], int]
    set_aside: Mapping[str, int]
    tallies: Mapping[Tally, int]
    differences: tuple[str, ...]
    database: DatabaseKey | None = None


def demo_settings(settings: Settings, root: Path, *, database: bool) -> Settings:
    """`settings` for a lake at `root` with the made-up networks and no other; `database` adds the one in a database."""
    networks = {NETWORK: NetworkSettings(adapter="standard", root=str(root.joinpath(*DROP)))}
    if database:
        networks[DATABASE_NETWORK] = network_settings(root.joinpath(*DATABASE))
    lake = settings.lake.model_copy(update={"root": str(root)})
    spark = settings.spark.model_copy(update={"conf": MANY_MINUTES | settings.spark.conf})
    return settings.model_copy(update={"lake": lake, "networks": networks, "spark": spark})


def fresh_lake(settings: Settings) -> None:
    """Make an empty lake folder with a marker; a previous demo's lake, told by its marker, is removed.

    The marker is a settings file, so that `lakehouse --config <marker>` works on the lake.

    Raises:
        SettingsError: the folder holds something else, or a network of someone's own beside the demo's.
    """
    root = Path(settings.lake.root)
    if root.exists() and any(root.iterdir()):
        if not (root / MARKER).is_file():
            raise SettingsError(
                f"{root} holds files and no {MARKER}, so it is no demo lake and is left alone. "
                "Give another folder with --lake."
            )
        own = tuple(f"{network}_" for network in (NETWORK, DATABASE_NETWORK))
        others = sorted(f for f in Store(str(root)).folders("bronze") if not f.startswith(own))
        if others:
            raise SettingsError(
                f"{root} is a demo lake, but holds other networks too (bronze/{others[0]}), so it is left alone. "
                "Give another folder with --lake."
            )
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / MARKER).write_text(_marker_text(settings), encoding="utf-8")


def _marker_text(settings: Settings) -> str:
    spark = settings.spark
    lines = [
        "# Made by `lakehouse demo`, which removes this whole folder when it is run again.",
        f"[lake]\nroot = {json.dumps(str(Path(settings.lake.root).resolve()))}",
        f"[spark]\nmaster = {json.dumps(spark.master or 'local[*]')}",
        f"class_archive = {json.dumps(spark.class_archive)}\nquick_compile = {json.dumps(spark.quick_compile)}",
        f"shuffle_partitions = {spark.shuffle_partitions}\nsnapshot_partitions = {spark.snapshot_partitions}",
    ]
    for name, network in settings.networks.items():
        root = json.dumps(str(Path(network.root or "").resolve()))
        lines.append(f'[networks.{name}]\nadapter = "{network.adapter}"\nroot = {root}')
        changed = network.sql.model_dump(exclude_defaults=True)
        if changed:
            lines += [f"[networks.{name}.sql]", *(f"{key} = {json.dumps(value)}" for key, value in changed.items())]
    return "\n".join(lines) + "\n"


def walk(
    settings: Settings,
    spec: DemoSpec,
    start_spark: Callable[[], SparkSession],
    request_of: Callable[[date], Request],
    on_day: Callable[[RunReport], None] = lambda report: None,
    listener: Listener = lambda name, event, outcome: None,
) -> Walkthrough:
    """Write each day's files and transactions, run them, and compare the end with the answer keys.

    Args:
        settings: of `demo_settings`, its lake made by `fresh_lake`.
        spec: what to generate.
        start_spark: starts, or gives, the session that every day uses.
        request_of: the request of one logical date.
        on_day: told of each day's run.
        listener: told of each table.
    """
    registry = Registry.discover(settings.networks)
    drop = Path(settings.networks[NETWORK].root or "")
    reports: list[RunReport] = []
    with _writer(settings, spec) as writer:
        told = _also_commits(listener, writer)
        for day in range(spec.days):
            write_deliveries(spec, drop, [day])
            if writer:
                writer.before_run(day)
            with Run(settings, registry, request_of(spec.day_date(day)), start_spark, told) as run:
                reports.append(run.execute(list(registry.tables)))
                # The ops tables are filled once, at the end: records of earlier days wait for it.
                is_last = day == spec.days - 1 or bool(reports[-1].failed)
                record_run(reports[-1], run.lake, start_spark() if is_last else None)
            on_day(reports[-1])
            if is_last:
                break
            if writer:
                writer.after_run()
    return _outcome(settings, spec, registry, reports, start_spark())


@contextmanager
def _writer(settings: Settings, spec: DemoSpec) -> Iterator[LiveWriter | None]:
    """The application that writes to the database; None when the demo has no database."""
    if DATABASE_NETWORK not in settings.networks:
        yield None
        return
    with LiveWriter(_database_spec(spec), Path(settings.networks[DATABASE_NETWORK].root or "")) as writer:
        yield writer


def _database_spec(spec: DemoSpec) -> DemoSpec:
    return replace(spec, claims_per_day=DATABASE_CLAIMS_PER_DAY)


def _also_commits(listener: Listener, writer: LiveWriter | None) -> Listener:
    """A listener that has the application commit a transaction whenever a table of its database is begun or done."""

    def told(name: str, event: str, outcome: TableOutcome | None) -> None:
        if writer and name.startswith(f"bronze.{DATABASE_NETWORK}_"):
            writer.commit_next()
        listener(name, event, outcome)

    return told


def _outcome(
    settings: Settings, spec: DemoSpec, registry: Registry, reports: list[RunReport], session: SparkSession
) -> Walkthrough:
    lake = Lake(settings.lake)
    revenue = tuple(_revenue(lake)) if lake.exists(REVENUE) else ()
    by_rule, aside = _quarantined(registry, lake)
    tallies = _tallies(lake)
    told: list[str] = []
    database = database_key(_database_spec(spec)) if DATABASE_NETWORK in settings.networks else None
    if not reports[-1].failed:
        expected = expected_of(answer_key(spec, spec.days - 1), database)
        counts = _row_counts(lake, session, {table for table, _ in expected.rows if table in registry.tables})
        told = differences(expected, registry.tables, Found(counts, aside, by_rule, tallies, revenue))
    return Walkthrough(tuple(reports), revenue, by_rule, aside, tallies, tuple(told), database)


def _tallies(lake: Lake) -> dict[Tally, int]:
    counted: Counter[Tally] = Counter()
    for what, (table, *columns) in COUNTED.items():
        for row in read_columns(lake.store, table, ["network", *columns]) if lake.exists(table) else ():
            value = counted_value(what, row)
            if value is not None:
                counted[what, str(row["network"]), value] += 1
    return dict(counted)


def _revenue(lake: Lake) -> list[Cells]:
    rows = read_columns(lake.store, REVENUE, [*REVENUE_KEY, *REVENUE_AMOUNTS])
    return sorted(rows, key=lambda row: tuple(str(row[column]) for column in REVENUE_KEY))


def _quarantined(registry: Registry, lake: Lake) -> tuple[dict[tuple[str, str], int], dict[str, int]]:
    by_rule: Counter[tuple[str, str]] = Counter()
    aside: dict[str, int] = {}
    for name in registry.tables:
        if lake.exists(quarantine_of(name)):
            aside[name] = open_rows(lake.store, quarantine_of(name))
            for counted in rule_counts(lake.store, quarantine_of(name)):
                by_rule[name, counted.rule] += counted.rows
    return dict(by_rule), aside


def _row_counts(lake: Lake, session: SparkSession, tables: Iterable[str]) -> RowCounts:
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for name in tables:
        if lake.exists(name):
            live, deleted = F.count_if(~F.col("is_deleted")), F.count_if("is_deleted")
            for network, *counted in lake.read(session, name).groupBy("network").agg(live, deleted).collect():
                found[name, network] = (counted[0], counted[1])
    return found


def by_payer(revenue: Iterable[Cells]) -> dict[str, dict[str, Decimal]]:
    """Payer -> column of `RevenueRow` -> sum over all months, payers in name order."""
    totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in revenue:
        for column in REVENUE_AMOUNTS:
            totals[str(row["payer_code"])][column] += Decimal(str(row[column] or 0))
    return {payer: dict(totals[payer]) for payer in sorted(totals)}
