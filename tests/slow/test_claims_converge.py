"""Any order, splitting, duplication and replay of what a network sends ends in the same Silver and Gold.

Claims with versions, voids and deletions, their lines, their payments with reversals and denials of either level,
eligibility with full files and changes after the fact, and a roster: on real Delta tables, through every table that the
project declares. Gold of many such claims is what an independent computation gives.
"""

import csv
import os
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from builders import QUICK_SPARK
from independent_gold import IndependentGold
from lakehouse.engine.run import Run
from lakehouse.engine.work import Request
from lakehouse.settings import LakeSettings, PrivacySettings, Settings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(1700)]

START = date(2026, 1, 5)
DAYS = 4
LOGICAL_DATE = date(2026, 2, 1)
TOKEN = "CONVERGENCE_TOKEN_KEY"
SEEDS = random.Random(6).sample(range(10_000), int(os.environ.get("CONVERGENCE_EXAMPLES", "2")))
OF_THE_LAST_ROW = {"_source", "_batch_id", "_row_number", "_raw_hash", "_row_hash", "_run_id", "_source_versions"}
Row = Mapping[str, str]
COLUMNS = {
    "claims": (
        "claim_id", "replaces_claim_id", "frequency_code", "claim_type", "member_id", "payer_name",
        "patient_control_number", "billing_provider_id", "rendering_provider_id", "service_from_date",
        "submitted_date", "billed_amount", "money_level", "modified_at", "is_deleted",
    ),
    "claim_lines": (
        "claim_id", "line_id", "line_number", "procedure_code", "procedure_code_system", "revenue_code",
        "billed_amount", "modified_at",
    ),
    "payments": (
        "payment_id", "remittance_id", "payment_kind", "payment_level", "claim_id", "line_id", "remit_status_code",
        "remit_date", "reverses_remittance_id", "trace_number", "payer_name", "billed_amount", "paid_amount",
        "modified_at",
    ),
    "adjustments": ("payment_id", "adjustment_id", "group_code", "reason_code", "amount", "modified_at"),
    "eligibility": (
        "member_id", "payer_name", "plan_name", "coverage_type", "coverage_start_date", "coverage_end_date",
        "birth_date", "is_full_file", "modified_at", "is_deleted",
    ),
    "providers": (
        "provider_id", "location_id", "npi", "specialty", "effective_date", "termination_date", "is_full_roster",
        "modified_at",
    ),
}  # fmt: skip

IDENTIFIERS = (
    "claim_id", "replaces_claim_id", "payment_id", "remittance_id", "reverses_remittance_id", "member_id",
    "patient_control_number",
)  # fmt: skip
RARE: Mapping[str, tuple[str, ...]] = {
    "cash_by_payer": ("provider_level_amount", "unmatched_amount", "reversed_amount"),
    "denial_rate_by_procedure": (
        "lines_initially_denied_partial", "lines_outcome_unknown", "lines_finally_denied", "finally_denied_amount",
    ),
    "denial_summary": ("claims_finally_denied", "claims_overturned", "recovered_amount"),
    "ar_aging": ("over_90_amount", "patient_open_amount"),
    "provider_scorecard": ("over_90_amount",),
}  # fmt: skip
"""Figures that need an unusual story; most of them the demo does not tell."""


@dataclass(frozen=True)
class File:
    """A delivery: its feed, the day in its name and its rows."""

    feed: str
    day: int
    rows: tuple[Row, ...]


def sent_files(seed: int) -> list[File]:
    """What a network sends over some days."""
    rng = random.Random(seed)
    files = [File("claims", day, tuple(_claims(rng, day))) for day in range(DAYS)]
    for day in range(1, DAYS):
        payments, adjustments = _payments(rng, day)
        files += [
            File("claim_lines", day, tuple(_lines(rng, day))),
            File("payments", day, tuple(payments)),
            File("adjustments", day, tuple(adjustments)),
        ]
    files += [File("eligibility", day, tuple(_coverage(rng, day, is_full=day in (0, 2)))) for day in range(DAYS)]
    files += [File("providers", day, tuple(_roster(rng, day, is_full=day == 2))) for day in (0, 1, 2)]
    return [f for f in files if f.rows]


def _stamp(rng: random.Random, day: int) -> str:
    """Mostly of the day, at times of one before: late rows and ties do happen."""
    return f"{START + timedelta(days=max(0, day - rng.choice((0, 0, 0, 1))))}T{rng.choice(('06', '12'))}:00:00Z"


def _claims(rng: random.Random, day: int) -> list[Row]:
    rows = []
    for _ in range(rng.randint(4, 7)):
        family, version = rng.randint(1, 5), rng.randint(0, 3)
        links = rng.choice((f"C{family}0", f"C{family}0", f"C{family}{max(0, version - 1)}", ""))
        rows.append(
            {
                "claim_id": f"C{family}{version}",
                "replaces_claim_id": "" if version == 0 else links,
                "frequency_code": "1" if version == 0 else rng.choice(("7", "7", "8", "5", "")),
                "claim_type": "professional",
                "member_id": f"M{family % 3}",
                "payer_name": rng.choice(("Aetna", "Cigna")),
                "patient_control_number": rng.choice((f"N{family}", "")),
                "billing_provider_id": "B1",
                "rendering_provider_id": f"D{family % 2}",
                "service_from_date": "2025-09-15" if family == 5 else f"2025-12-{10 + family}",
                "submitted_date": f"2025-12-{15 + 3 * version}",
                "billed_amount": rng.choice(("100.00", "80.00", "250.50")),
                "money_level": "header",
                "modified_at": _stamp(rng, day),
                "is_deleted": rng.choice(("", "", "", "", "true")),
            }
        )
    return rows


def _lines(rng: random.Random, day: int) -> list[Row]:
    """Lines of all claims that may come, two or three of each; some without a charge, some only a total."""
    return [
        {
            "claim_id": f"C{family}{version}",
            "line_id": str(number),
            "line_number": str(number),
            "procedure_code": rng.choice(("99213", "71046", "")),
            "procedure_code_system": "cpt",
            "revenue_code": rng.choice(("", "", "", "0001")),
            "billed_amount": rng.choice(("33.35", "50.00", "16.70", "0.00")),
            "modified_at": _stamp(rng, day),
        }
        for family in range(1, 6)
        for version in range(4)
        for number in range(1, rng.randint(3, 4))
    ]


def _payments(rng: random.Random, day: int) -> tuple[list[Row], list[Row]]:
    payments: list[Row] = []
    for number in range(rng.randint(3, 5)):
        paid, takes_back = rng.choice(("60.00", "0.00", "0.00", "40.00")), rng.random() < 0.3 and day > 1
        whole = {
            "payment_id": f"P{day}{number}",
            "remittance_id": f"R{day}{number}",
            "payment_kind": "payer",
            "payment_level": "claim",
            "claim_id": f"C{rng.randint(1, 6)}{rng.randint(0, 2)}",
            "remit_status_code": "22" if takes_back else rng.choice(("1", "1", "1", "4", "25")),
            "remit_date": str(START + timedelta(days=day)),
            "reverses_remittance_id": rng.choice((f"R{day - 1}{number}", "")) if takes_back else "",
            "trace_number": rng.choice(("T1", "T2", "")),
            "payer_name": rng.choice(("Aetna", "Aetna", "Cigna")),
            "billed_amount": "100.00",
            "paid_amount": f"-{paid}" if takes_back else paid,
            "modified_at": _stamp(rng, day),
        }
        payments.append(whole)
        for line in () if takes_back else rng.sample(("1", "2"), rng.randint(0, 2)):
            of_line = {"payment_id": f"{whole['payment_id']}L{line}", "payment_level": "line", "line_id": line}
            payments.append(
                {**whole, **of_line, "billed_amount": "50.00", "paid_amount": rng.choice(("0.00", "20.00"))}
            )
    payments.append({**whole, "payment_id": f"P{day}X", "remittance_id": f"R{day}X", "payment_kind": "provider_level",
                     "claim_id": "", "paid_amount": "-12.30"})  # fmt: skip
    adjustments = [
        {
            "payment_id": payment["payment_id"],
            "adjustment_id": str(place),
            "group_code": "" if "-" in reason else "CO",
            "reason_code": reason,
            "amount": rng.choice(("40.00", "10.00")),
            "modified_at": _stamp(rng, day),
        }
        for payment in payments
        for place, reason in enumerate(rng.sample(("45", "29", "18", "CO-97", "PR-1", "X99"), rng.randint(0, 2)))
    ]
    return payments, adjustments


def _coverage(rng: random.Random, day: int, *, is_full: bool) -> list[Row]:
    members = range(3) if is_full else sorted(rng.sample(range(3), rng.randint(0, 2)))
    rows = []
    for member in members:
        if is_full and rng.random() < 0.2:
            continue  # absent from a full file: coverage ends
        rows.append(
            {
                "member_id": f"M{member}",
                "payer_name": "Aetna",
                "plan_name": "Gold",
                "coverage_type": "medical",
                "coverage_start_date": rng.choice(("2025-01-01", "2025-12-12")),
                "coverage_end_date": rng.choice(("", "2025-12-13", "2026-06-30")),
                "birth_date": "1960-01-01",
                "is_full_file": str(is_full).lower(),
                "modified_at": f"{START + timedelta(days=day)}T05:00:00Z",
                "is_deleted": "" if is_full else rng.choice(("", "", "true")),
            }
        )
    return rows


def _roster(rng: random.Random, day: int, *, is_full: bool) -> list[Row]:
    return [
        {
            "provider_id": f"D{number}",
            "location_id": rng.choice(("MAIN", "EAST")),
            "npi": "1234567893",
            "specialty": rng.choice(("cardiology", "surgery")),
            "effective_date": rng.choice(("2020-01-01", "2025-12-12")),
            "termination_date": rng.choice(("", "2025-12-31")),
            "is_full_roster": str(is_full).lower(),
            "modified_at": f"{START + timedelta(days=day)}T05:00:00Z",
        }
        for number in range(2)
        if not (is_full and rng.random() < 0.3)
    ]


class SentLake:
    """A lake of some networks, to which files are delivered before each run."""

    def __init__(self, spark: SparkSession, folder: Path, networks: Iterable[str], **of_network: object) -> None:
        self.spark, self.folder, self.runs = spark, folder, 0
        self.settings = Settings(
            env="test",
            lake=LakeSettings(root=str(folder / "lake")),
            privacy=PrivacySettings(member_token_key=f"env:{TOKEN}"),
            networks={name: self._network(name, of_network) for name in networks},
            spark=QUICK_SPARK,
        )

    def _network(self, name: str, changes: Mapping[str, object]) -> NetworkSettings:
        network = NetworkSettings(adapter="standard", root=str(self.folder / name))
        checks = network.checks.model_copy(update={"most_quarantined_share": 1})
        return network.model_copy(update={"checks": checks, **changes})

    def deliver(self, network: str, file: File, copy: int = 0) -> None:
        """Write the file; a copy has another name and the same day."""
        again = f"-again{copy}" if copy else ""
        name = f"{file.feed}-{START + timedelta(days=file.day)}{again}.csv"
        path = self.folder / network / file.feed / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", newline="") as target:
            writer = csv.DictWriter(target, COLUMNS[file.feed], lineterminator="\n")
            writer.writeheader()
            writer.writerows(file.rows)
        written_at = datetime(2026, 1, 20, tzinfo=UTC).timestamp()
        os.utime(path, (written_at, written_at))

    def run(self) -> None:
        """Build everything that is due."""
        self.runs += 1
        registry = Registry.discover(self.settings.networks)
        request = Request(f"run-{self.runs}", LOGICAL_DATE, datetime(2026, 2, 1, self.runs, tzinfo=UTC))
        with Run(self.settings, registry, request, lambda: self.spark) as run:
            report = run.execute(list(registry.tables))
        assert [o.error for o in report.failed] == []

    def state(self) -> dict[str, list[str]]:
        """Every row of Silver and Gold, without what tells of files and runs."""
        found = {}
        for log in sorted((self.folder / "lake").glob("*/*/_delta_log")):
            layer, name = log.parent.parent.name, log.parent.name
            if layer in ("silver", "gold") and not name.endswith("__quarantine"):
                frame = self.spark.read.format("delta").load(str(log.parent))
                kept = frame.drop(*OF_THE_LAST_ROW)
                found[f"{layer}.{name}"] = sorted(str(row.asDict()) for row in kept.collect())
        return found


class Schedule:
    """What one network does: its files in an order of its own, rows repeated within and across them, over some runs."""

    def __init__(self, lake: SentLake, seed: int) -> None:
        self.lake, self.network, self.rng = lake, network_of(seed), random.Random(seed)
        self.files = sent_files(seed)
        self.order = list(self.files)
        self.rng.shuffle(self.order)
        self.cut = self.rng.randint(1, len(self.order) - 1)

    def deliver(self, files: Iterable[File]) -> None:
        for file in files:
            repeated = (*file.rows, *self.rng.sample(file.rows, self.rng.randint(0, len(file.rows))))
            shuffled = tuple(self.rng.sample(repeated, len(repeated)))
            self.lake.deliver(self.network, File(file.feed, file.day, shuffled))

    def first_part(self) -> None:
        self.deliver(self.order[: self.cut])

    def rest(self) -> None:
        self.deliver(self.order[self.cut :])

    def replay(self) -> None:
        stamped = [f for f in self.files if f.feed in ("claims", "payments", "adjustments")]
        self.lake.deliver(self.network, self.rng.choice(stamped), copy=1)


def network_of(seed: int) -> str:
    """Name of the network that sends what the seed draws."""
    return f"harbor_{seed}"


def test_every_schedule_ends_in_the_same_state(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each seed is a network with a history and a schedule of its own; all of them are sent to one lake."""
    monkeypatch.setenv(TOKEN, "5" * 64)
    straight, scheduled = (SentLake(spark, tmp_path / f, map(network_of, SEEDS)) for f in ("straight", "scheduled"))
    schedules = [Schedule(scheduled, seed) for seed in SEEDS]
    for schedule in schedules:
        for file in schedule.files:
            straight.deliver(schedule.network, file)
    straight.run()
    for step in (Schedule.first_part, Schedule.rest, Schedule.replay):
        for schedule in schedules:
            step(schedule)
        scheduled.run()
    expected, found = straight.state(), scheduled.state()
    for schedule in schedules:
        families = [row for row in expected["silver.claim_family"] if f"'{schedule.network}'" in row]
        assert len(families) > 3, schedule.network
    assert set(found) == set(expected)
    for table, rows in expected.items():
        assert found[table] == rows, f"{table} differs"


def many_files(seeds: range) -> list[File]:
    """What `sent_files` sends for each seed, its identifiers apart from those of the others; one roster for all."""
    files: dict[tuple[str, int], tuple[Row, ...]] = {}
    for seed in seeds:
        for file in sent_files(seed):
            if file.feed != "providers" or seed == seeds.start:
                apart = [
                    {c: f"S{seed}{v}" if c in IDENTIFIERS and v else v for c, v in row.items()} for row in file.rows
                ]
                files[file.feed, file.day] = (*files.get((file.feed, file.day), ()), *apart)
    return [File(feed, day, rows) for (feed, day), rows in files.items()]


def test_gold_of_many_claims_equals_an_independent_query_over_silver(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TOKEN, "5" * 64)
    # Some denials are final, some are not.
    lake = SentLake(spark, tmp_path, ["harbor"], closes_claims=False, days_to_close=25)
    for file in many_files(range(100, 160)):
        lake.deliver("harbor", file)
    lake.run()
    gold = IndependentGold(tmp_path / "lake", lake.settings.networks, LOGICAL_DATE)
    assert gold.all_differences() == []
    for table, columns in RARE.items():
        sums = {column: sum(abs(row[column] or 0) for row in gold.stored(table)) for column in columns}
        assert all(sums.values()), (table, sums)
