"""A world of four small tables in which every build routine of the engine can be watched.

Visits of patients (`silver.visit`, merged) make episodes (`silver.episode`, groups replaced), episodes make months
(`gold.month`, partitions replaced). Three adapters send visits: `plain` in the contract's columns, `coded`, whose
payer is a code that a look-up feed explains, and `paired`, which sends them in two feeds. Tests write the files,
choose the days and look at the tables.
"""

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pyspark.sql import Column, DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from builders import QUICK_SPARK
from lakehouse.engine.context import BuildResult
from lakehouse.engine.run import Outcome, Run, RunReport, TableOutcome
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings, PrivacySettings, Settings
from lakehouse.settings_files import FileSettings
from lakehouse.settings_networks import CheckSettings, NetworkSettings, SqlSettings
from lakehouse.spec.balance import sums_to
from lakehouse.spec.columns import month_of, sum_money
from lakehouse.spec.contracts import NETWORK, Contract
from lakehouse.spec.expectations import QUARANTINE, WARN, row
from lakehouse.spec.feed import Feed, conforms, feed, raw
from lakehouse.spec.field import ACCOUNT, DATE, LONG, MEMBER, MONEY, STRING, TOTAL
from lakehouse.spec.field import field as column
from lakehouse.spec.freshness import Report
from lakehouse.spec.registry import Adapter, Registry
from lakehouse.spec.scopes import (
    Merge,
    ReplaceGroups,
    ReplacePartitions,
    changes,
    conformed,
    groups,
    logical_date,
    period_of,
    snapshot,
)
from lakehouse.spec.sources import FileSource, SqlSource
from lakehouse.spec.table import Table, table
from lakehouse.storage.lake import Lake

FIRST_DAY = date(2026, 2, 1)
NOON = datetime(2026, 2, 1, 12, tzinfo=UTC)
DAYS_TO_PAY = 30

VISITS = Contract(
    "visits",
    keys=("network", "visit_id"),
    fields=(
        NETWORK,
        column("visit_id", STRING, "sender's identifier of the visit", required=True, phi=ACCOUNT),
        column("episode_id", STRING, "episode the visit belongs to", phi=ACCOUNT),
        column("member_id", STRING, "sender's member number", phi=MEMBER),
        column("service_date", DATE, "day of the visit"),
        column("amount", MONEY, "charged", ledger=True),
        column("payer_name", STRING, "payer as sent"),
    ),
)
BUSINESS = [f.name for f in VISITS.silver_fields()]


def _visit_feed(adapter: str, payer: str, name: str = "visits", source: FileSource | SqlSource | None = None) -> Feed:
    return feed(
        adapter,
        name,
        "visits as sent",
        fields=[
            raw("visit_id", "visit", required=True, phi=ACCOUNT),
            raw("episode_id", "episode", phi=ACCOUNT),
            raw("member_id", "member number", phi=MEMBER),
            raw("service_date", "day"),
            raw("amount", "charge", required=True),
            raw(payer, "payer"),
            raw("modified_at", "stamp", aliases=("modified_date",)),
            raw("source_sequence", "number", aliases=("row_version",)),
            raw("is_deleted", "tombstone"),
        ],
        source=source or FileSource(folder=name),
        key=("visit_id",),
    )


plain_visits = _visit_feed("plain", "payer_name")
paired_visits = _visit_feed("paired", "payer_name")
paired_home_visits = _visit_feed("paired", "payer_name", "home_visits")
stored_visits = _visit_feed("stored", "payer_name", source=SqlSource(table="Visits"))
coded_visits = _visit_feed("coded", "payer_code")
coded_payers = feed(
    "coded",
    "payers",
    "names of payer codes",
    fields=[raw("payer_code", "code", required=True), raw("payer_name", "its name")],
    source=FileSource(folder="payers"),
    key=("payer_code",),
)


def _in_contract(visits: DataFrame) -> DataFrame:
    """Rows of the payer `TEST` are of no use; everything else is kept."""
    reason = F.when(F.col("payer_name") == "TEST", F.lit("test_row"))
    return visits.select(
        F.col("_network").alias("network"),
        *[f.name for f in VISITS.all_fields if f.name != "network"],
        *[c for c in visits.columns if c.startswith("_") and c != "_rescued"],
        reason.alias("_drop_reason"),
    )


@conforms(VISITS, reads={"visits": changes(plain_visits)}, money={"amount": ("amount",)})
def conform_plain(visits: DataFrame) -> DataFrame:
    """Columns as sent."""
    return _in_contract(visits)


@conforms(VISITS, reads={"visits": changes(paired_visits)}, money={"amount": ("amount",)})
def conform_paired(visits: DataFrame) -> DataFrame:
    """Columns as sent."""
    return _in_contract(visits)


@conforms(VISITS, reads={"visits": changes(paired_home_visits)}, money={"amount": ("amount",)})
def conform_paired_home(visits: DataFrame) -> DataFrame:
    """Columns as sent."""
    return _in_contract(visits)


@conforms(
    VISITS,
    reads={"visits": changes(coded_visits), "payers": snapshot(coded_payers)},
    money={"amount": ("amount",)},
)
def conform_coded(visits: DataFrame, payers: DataFrame) -> DataFrame:
    """The payer's code becomes its name."""
    names = payers.select("payer_code", "payer_name")
    return _in_contract(visits.join(names, on="payer_code", how="left"))


@conforms(VISITS, reads={"visits": changes(stored_visits)}, money={"amount": ("amount",)}, sequenced=True)
def conform_stored(visits: DataFrame) -> DataFrame:
    """Columns as read from the sender's database, in the order they were read."""
    return _in_contract(visits.withColumn("source_sequence", F.unix_micros("_delivered_at").cast("string")))


ADAPTERS = {
    "stored": Adapter("stored", {"visits": stored_visits}, (conform_stored,)),
    "plain": Adapter("plain", {"visits": plain_visits}, (conform_plain,)),
    "coded": Adapter("coded", {"visits": coded_visits, "payers": coded_payers}, (conform_coded,)),
    "paired": Adapter(
        "paired",
        {"visits": paired_visits, "home_visits": paired_home_visits},
        (conform_paired, conform_paired_home),
    ),
}


def amount_below_a_million() -> Column:
    """No visit costs a million."""
    return F.col("amount") < 1_000_000


def amount_not_negative() -> Column:
    """Charges are zero or more."""
    return F.col("amount") >= 0


@table(
    "silver.visit",
    reads={"visits": changes(conformed(VISITS))},
    fields=VISITS.silver_fields(),
    write=Merge(keys=("network", "visit_id")),
    partition_by=period_of("service_date"),
    expectations=[
        row("amount_below_a_million", amount_below_a_million, nulls="pass", on_failure=QUARANTINE),
        row("amount_not_negative", amount_not_negative, nulls="pass", on_failure=WARN),
    ],
)
def visit(visits: DataFrame) -> DataFrame:
    """One row per visit, newest state."""
    return visits.select(*BUSINESS, "_lineage")


@table(
    "silver.episode",
    reads={"visits": groups(visit, by="episode_id")},
    fields=[
        column("episode_id", STRING, "episode", required=True, phi=ACCOUNT),
        column("service_month", DATE, "month in which it began"),
        column("due_date", DATE, "day on which its charges are due"),
        column("visit_count", LONG, "visits"),
        column("amount", TOTAL, "charged", ledger=True),
    ],
    write=ReplaceGroups(by=("episode_id",)),
    balance=sums_to("visits", columns=("amount",), count="visit_count"),
)
def episode(visits: DataFrame) -> DataFrame:
    """One row per episode."""
    began = F.min("service_date")
    return visits.groupBy("episode_id").agg(
        month_of(began).alias("service_month"),
        F.date_add(began, DAYS_TO_PAY).alias("due_date"),
        F.count(F.lit(1)).alias("visit_count"),
        sum_money("amount").alias("amount"),
    )


@table(
    "gold.month",
    reads={"episodes": groups(episode, by="service_month"), "as_of": logical_date()},
    fields=[
        column("service_month", DATE, "month", required=True),
        column("episode_count", LONG, "episodes"),
        column("amount", TOTAL, "charged", ledger=True),
        column("due_amount", TOTAL, "due on the as-of date"),
        column("_next_change_date", DATE, "next day on which charges become due"),
    ],
    write=ReplacePartitions(on="service_month", keys=("service_month",)),
    balance=sums_to("episodes", columns=("amount",), count="episode_count"),
    reports=(Report("Charges by month", owner="finance", due="07:00"),),
)
def month(episodes: DataFrame, as_of: date) -> DataFrame:
    """One row per month."""
    is_due = F.col("due_date") <= F.lit(as_of)
    return episodes.groupBy("service_month").agg(
        F.count(F.lit(1)).alias("episode_count"),
        sum_money("amount").alias("amount"),
        sum_money(F.when(is_due, F.col("amount")).otherwise(F.lit(0))).alias("due_amount"),
        F.min(F.when(~is_due, F.col("due_date"))).alias("_next_change_date"),
    )


TABLES: tuple[Table, ...] = (visit, episode, month)
BRONZE, SILVER, EPISODE, GOLD = "bronze.north_visits", "silver.visit", "silver.episode", "gold.month"
TO_SILVER = (BRONZE, SILVER)

Sent = Mapping[str, str]


def sent(visit_id: str, **columns: str) -> dict[str, str]:
    """A row of the `plain` feed; a column that is not named has a valid default, the change columns are blank."""
    defaults = {
        "visit_id": visit_id,
        "episode_id": f"E-{visit_id}",
        "member_id": f"M-{visit_id}",
        "service_date": "2026-01-10",
        "amount": "100.00",
        "payer_name": "Aetna",
        "modified_at": "",
        "source_sequence": "",
        "is_deleted": "",
    }
    return defaults | columns


def of(visit: str, episode: str, service_date: str, amount: str = "100.00", hour: int = 0, **other: str) -> Sent:
    """A visit of an episode, last changed at this hour."""
    stamp = f"2026-01-01T{hour:02}:00:00Z"
    return sent(visit, episode_id=episode, service_date=service_date, amount=amount, modified_at=stamp, **other)


def csv_of(rows: Sequence[Sent]) -> bytes:
    """The rows as a delimited file; the first row's columns are the header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


@dataclass
class World:
    """A lake, the drops of its networks, and the declarations it is built by.

    Attributes:
        spark: the shared session.
        root: of everything.
        adapters: network name -> adapter.
        tables: what is declared besides Bronze; a test may exchange one.
        lake_settings, sql, files: settings of the lake, of networks that have a database, and of how files come.
        checks: network name -> how strictly its rows are judged.
        token_key_version: of the key that makes member tokens.
    """

    spark: SparkSession
    root: Path
    adapters: Mapping[str, str] = field(default_factory=lambda: {"north": "plain"})
    tables: Sequence[Table] = TABLES
    lake_settings: Mapping[str, object] = field(default_factory=dict)
    sql: Mapping[str, object] = field(default_factory=dict)
    files: Mapping[str, object] = field(default_factory=dict)
    checks: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
    token_key_version: str = "1"
    runs: int = 0

    def __post_init__(self) -> None:
        for network in self.adapters:
            (self.root / "drops" / network).mkdir(parents=True, exist_ok=True)
        # One key for every world: tokens are content, and content decides ties.
        key = self.root / "lake" / "secrets" / "member_token.key"
        key.parent.mkdir(parents=True, exist_ok=True)
        key.write_text("5a" * 32)

    @property
    def settings(self) -> Settings:
        """Settings of the lake below the root."""
        lake = LakeSettings.model_validate({"root": str(self.root / "lake"), **self.lake_settings})
        sql = SqlSettings.model_validate({"dbms": "sqlite", "database_schema": "", **self.sql})
        files = FileSettings.model_validate(self.files)
        networks = {
            name: NetworkSettings(
                adapter=adapter,
                root=str(self.source_of(name)),
                sql=sql,
                files=files,
                checks=CheckSettings.model_validate(self.checks.get(name, {})),
            )
            for name, adapter in self.adapters.items()
        }
        privacy = PrivacySettings(member_token_key_version=self.token_key_version)
        return Settings(env="test", lake=lake, networks=networks, privacy=privacy, spark=QUICK_SPARK)

    def source_of(self, network: str) -> Path:
        """The drop folder of a network; of one of the adapter `stored` the database file in it."""
        folder = self.root / "drops" / network
        return folder / "visits.db" if self.adapters[network] == "stored" else folder

    @property
    def registry(self) -> Registry:
        """The declarations, put together."""
        settings = self.settings
        return Registry.of(self.tables, settings.networks, ADAPTERS)

    @property
    def lake(self) -> Lake:
        """The lake, its logs looked at anew."""
        return Lake(self.settings.lake)

    def deliver(self, name: str, rows: Iterable[Sent] | bytes, network: str = "north", feed: str = "visits") -> Path:
        """Put a file into a network's drop."""
        path = self.root / "drops" / network / feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rows if isinstance(rows, bytes) else csv_of(list(rows)))
        return path

    def run(self, *names: str, day: date | None = None, must: int | None = 0, **asked: object) -> "Ran":
        """One run of the named tables (all of them without names), one day after the one before unless told.

        Args:
            names: tables.
            day: logical date.
            must: exit code the run must have; None for any.
            asked: further attributes of the request.
        """
        self.runs += 1
        request = Request(f"run-{self.runs}", day or FIRST_DAY + timedelta(days=self.runs), NOON, **asked)  # type: ignore[arg-type]
        registry = self.registry
        chosen = [n for n in registry.tables if not names or n in names]
        with Run(self.settings, registry, request, lambda: self.spark) as run:
            report = run.execute(chosen)
        if must is not None:
            assert report.exit_code == must, [(o.table, o.error) for o in report.failed]
        return Ran(report)

    def versions(self) -> dict[str, int]:
        """Newest version of every table, -1 when it does not exist."""
        logs = self.lake.logs
        return {name: logs[name].version for name in self.registry.tables}

    def read(self, name: str) -> DataFrame:
        """A stored table."""
        return self.lake.read(self.spark, name)

    def rows(self, name: str, *columns: str, where: str = "true") -> list[tuple[object, ...]]:
        """Rows of a stored table (SQL expressions) as sorted tuples."""
        found: list[Row] = self.read(name).where(where).selectExpr(*columns).collect()
        return sorted((tuple(r) for r in found), key=repr)

    def content(self) -> dict[str, list[tuple[object, ...]]]:
        """What Silver and Gold say, without what tells how it came to be."""
        said = {
            SILVER: BUSINESS,
            EPISODE: list(episode.field_names),
            GOLD: list(month.field_names),
        }
        return {name: self.rows(name, *columns) for name, columns in said.items()}

    def log_text(self) -> str:
        """Every commit of every table of the lake."""
        files = sorted((self.root / "lake").rglob("_delta_log/*"))
        return "\n".join(f.read_text(errors="replace") for f in files if f.is_file() and f.suffix in (".json", ".crc"))


@dataclass(frozen=True)
class Ran:
    """A run's report, asked by table."""

    report: RunReport

    def __getitem__(self, name: str) -> TableOutcome:
        return next(o for o in self.report.outcomes if o.table == name)

    def result(self, name: str) -> BuildResult:
        """The build's result; fails the test when the table was not built."""
        found = self[name].result
        assert found is not None, (name, self[name].outcome, self[name].error)
        return found

    def counts(self, name: str) -> dict[str, int]:
        """Rows by what happened to them, zeros left out."""
        return {k: v for k, v in self.result(name).counts.items() if v}

    def check(self, table: str, rule: str) -> tuple[int, int, bool]:
        """Failed, total and holds of one rule, all networks together."""
        found = [c for c in self.result(table).checks if c.name == rule]
        assert found, rule
        return sum(c.failed for c in found), sum(c.total for c in found), all(c.holds for c in found)

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """Table -> outcome."""
        return {o.table: o.outcome for o in self.report.outcomes}


def touch(path: Path) -> None:
    """The file gets another modification time and keeps its content."""
    later = path.stat().st_mtime + 3600
    os.utime(path, (later, later))
