"""The demo: a fresh lake, the made-up network's deliveries day by day, and the answers held against the key."""

import json
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from pathlib import Path

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.demo.harbor import NETWORK, AnswerKey, DemoSpec, RevenueRow, answer_key, write_deliveries
from lakehouse.engine.record import record_run
from lakehouse.engine.run import Listener, Run, RunReport
from lakehouse.engine.work import Request
from lakehouse.errors import SettingsError
from lakehouse.settings import Settings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry
from lakehouse.storage.lake import Lake
from lakehouse.storage.small_reads import open_rows, read_columns, rule_counts
from lakehouse.storage.store import Store, quarantine_of

MARKER = "lakehouse-demo.toml"
DROP = ("demo", "drops", NETWORK)
REVENUE = "gold.revenue_by_payer"
REVENUE_KEY = ("service_month", "network", "payer_code")
Cells = Mapping[str, object]


@dataclass(frozen=True)
class Walkthrough:
    """What a demo made.

    Attributes:
        reports: one run a day, in order; after one with failures no further day is run.
        revenue: rows of gold.revenue_by_payer: its key and the columns of `RevenueRow`.
        quarantined: (table, rule) -> open rows that break it.
        set_aside: table -> open rows.
        differences: where the lake and the answer key disagree; empty when it is right.
    """

    reports: tuple[RunReport, ...]
    revenue: tuple[Cells, ...]
    quarantined: Mapping[tuple[str, str], int]
    set_aside: Mapping[str, int]
    differences: tuple[str, ...]


def demo_settings(settings: Settings, root: Path) -> Settings:
    """`settings` for a lake at `root` with the made-up network and no other."""
    network = NetworkSettings(adapter="standard", root=str(root.joinpath(*DROP)))
    lake = settings.lake.model_copy(update={"root": str(root)})
    return settings.model_copy(update={"lake": lake, "networks": {NETWORK: network}})


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
        others = sorted(f for f in Store(str(root)).folders("bronze") if not f.startswith(f"{NETWORK}_"))
        if others:
            raise SettingsError(
                f"{root} is a demo lake, but holds other networks too (bronze/{others[0]}), so it is left alone. "
                "Give another folder with --lake."
            )
        shutil.rmtree(root)
    root.mkdir(parents=True, exist_ok=True)
    (root / MARKER).write_text(_marker_text(settings), encoding="utf-8")


def _marker_text(settings: Settings) -> str:
    network = settings.networks[NETWORK]
    spark = settings.spark
    lines = [
        "# Made by `lakehouse demo`, which removes this whole folder when it is run again.",
        f"[lake]\nroot = {json.dumps(str(Path(settings.lake.root).resolve()))}",
        f"[spark]\nmaster = {json.dumps(spark.master or 'local[*]')}",
        f"class_archive = {json.dumps(spark.class_archive)}\nquick_compile = {json.dumps(spark.quick_compile)}",
        f'[networks.{NETWORK}]\nadapter = "standard"\nroot = {json.dumps(str(Path(network.root or "").resolve()))}',
    ]
    return "\n".join(lines) + "\n"


def walk(
    settings: Settings,
    spec: DemoSpec,
    start_spark: Callable[[], SparkSession],
    request_of: Callable[[date], Request],
    on_day: Callable[[RunReport], None] = lambda report: None,
    listener: Listener = lambda name, event, outcome: None,
) -> Walkthrough:
    """Write each day's files, run them, and compare the end with the answer key.

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
    for day in range(spec.days):
        write_deliveries(spec, drop, [day])
        run = Run(settings, registry, request_of(spec.day_date(day)), start_spark, listener)
        reports.append(run.execute(list(registry.tables)))
        # The ops tables are filled once, at the end: records of earlier days wait for it.
        is_last = day == spec.days - 1 or bool(reports[-1].failed)
        record_run(reports[-1], run.lake, start_spark() if is_last else None)
        on_day(reports[-1])
        if reports[-1].failed:
            break
    lake = Lake(settings.lake)
    revenue = tuple(_revenue(lake)) if lake.exists(REVENUE) else ()
    by_rule, aside = _quarantined(registry, lake)
    key = answer_key(spec, len(reports) - 1)
    found = _differences(key, revenue, aside, _row_counts(registry, lake, start_spark(), key))
    return Walkthrough(tuple(reports), revenue, by_rule, aside, tuple(found))


def _revenue(lake: Lake) -> list[Cells]:
    columns = [*REVENUE_KEY, *(f.name for f in fields(RevenueRow))]
    rows = read_columns(lake.store, REVENUE, columns)
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


def _row_counts(registry: Registry, lake: Lake, session: SparkSession, key: AnswerKey) -> dict[str, tuple[int, int]]:
    """Silver table -> live rows, tombstones; of the tables the key speaks of."""
    found: dict[str, tuple[int, int]] = {}
    for name in key.live_rows:
        if name in registry.tables and lake.exists(name):
            counted = lake.read(session, name).agg(F.count_if(~F.col("is_deleted")), F.count_if("is_deleted")).collect()
            found[name] = (counted[0][0], counted[0][1])
    return found


def _differences(
    key: AnswerKey, revenue: Iterable[Cells], aside: Mapping[str, int], counts: Mapping[str, tuple[int, int]]
) -> list[str]:
    """Each disagreement in words; made-up data, so amounts may be shown."""
    found = [
        f"{name}: {live} live rows, {deleted} tombstones; expected {key.live_rows[name]} and {key.deleted_rows[name]}"
        for name, (live, deleted) in counts.items()
        if (live, deleted) != (key.live_rows[name], key.deleted_rows[name])
    ]
    expected = Counter(row.table for row in key.quarantined if row.table in counts)
    for (feed, _), rows in key.undecodable_rows.items():
        expected[f"bronze.{NETWORK}_{feed}"] += rows
    found += [
        f"{name}: {aside.get(name, 0)} rows set aside, expected {rows}"
        for name, rows in sorted(expected.items())
        if aside.get(name, 0) != rows
    ]
    return found + _revenue_differences(key, revenue)


def _revenue_differences(key: AnswerKey, revenue: Iterable[Cells]) -> list[str]:
    stored = {tuple(row[column] for column in REVENUE_KEY): row for row in revenue}
    found = [f"{REVENUE}: unexpected group {_name(group)}" for group in stored if group not in key.revenue_by_payer]
    for group, expected in key.revenue_by_payer.items():
        row = stored.get(group)
        if row is None:
            found.append(f"{REVENUE}: group {_name(group)} is missing")
            continue
        for column in (f.name for f in fields(RevenueRow)):
            if (row[column] or Decimal(0)) != getattr(expected, column):
                found.append(f"{REVENUE} {_name(group)}: {column} {row[column]}, expected {getattr(expected, column)}")
    return found


def _name(group: tuple[object, ...]) -> str:
    return " ".join(str(part) for part in group)


def by_payer(revenue: Iterable[Cells]) -> dict[str, dict[str, Decimal]]:
    """Payer -> column of `RevenueRow` -> sum over all months, payers in name order."""
    totals: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in revenue:
        for column in (f.name for f in fields(RevenueRow)):
            totals[str(row["payer_code"])][column] += Decimal(str(row[column] or 0))
    return {payer: dict(totals[payer]) for payer in sorted(totals)}
