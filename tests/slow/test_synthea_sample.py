"""The Synthea sample from CSV files to revenue by payer: every figure against an independent query over the files."""

import csv
import os
import shutil
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from pyspark.sql import SparkSession

from independent_gold import DENIAL_FIGURES, IndependentGold
from lakehouse.engine.run import Outcome, RunReport
from lakehouse.settings_networks import NetworkSettings
from sample_lake import LOGICAL_DATE, TOKEN_KEY_NAME, SampleLake, copied_drops, failed_rows, sample_folder

SAMPLE = sample_folder("synthea")
PAYER_CODES = {
    "Medicaid": "MEDICAID",
    "Medicare": "MEDICARE",
    "Aetna": "AETNA",
    "Cigna Health": "CIGNA",
    "Blue Cross Blue Shield": "BCBS",
    "UnitedHealthcare": "UHC",
}
"""Payers of the sample that have a standard code of their own; Anthem, Humana and claims without a payer are OTHER."""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.skipif(not SAMPLE.is_dir(), reason="the Synthea sample data is not beside this checkout"),
]

REVENUE = """
with money as (
    select CLAIMID,
        count(*) filter (TYPE = 'CHARGE') line_count,
        sum(AMOUNT::decimal(14,2)) filter (TYPE = 'CHARGE') billed,
        coalesce(sum(PAYMENTS::decimal(14,2)) filter (TYPE = 'PAYMENT' and METHOD = 'ECHECK'), 0) paid,
        coalesce(sum(PAYMENTS::decimal(14,2)) filter (TYPE = 'PAYMENT' and METHOD <> 'ECHECK'), 0) patient
    from transactions group by CLAIMID)
select date_trunc('month', c.SERVICEDATE::timestamptz at time zone 'UTC')::date, p.NAME, count(*),
    sum(line_count)::bigint, sum(billed), sum(paid), sum(patient), sum(least(billed - paid - patient, 0))
from claims c left join payers p on p.Id = c.PRIMARYPATIENTINSURANCEID left join money m on m.CLAIMID = c.Id
group by 1, 2
"""
FIGURES = (
    "claim_count",
    "line_count",
    "billed_amount",
    "paid_amount",
    "patient_responsibility_amount",
    "credit_amount",
)


def outcomes(report: RunReport) -> dict[str, Outcome]:
    return {o.table: o.outcome for o in report.outcomes}


@pytest.fixture(scope="module", autouse=True)
def _one_token_key() -> Iterator[None]:
    """The same key for every lake, so that their tokens can be compared."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN_KEY_NAME, "5" * 64)
        yield


def sample_lake(spark: SparkSession, folder: Path, drops: Path) -> SampleLake:
    return SampleLake(
        spark, folder, "synthea", NetworkSettings(adapter="synthea", root=str(drops), denial_evidence="none")
    )


@pytest.fixture(scope="module")
def drops(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return copied_drops(SAMPLE, tmp_path_factory.mktemp("drops"))


@pytest.fixture(scope="module")
def built(spark: SparkSession, drops: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[SampleLake, RunReport]:
    lake = sample_lake(spark, tmp_path_factory.mktemp("lake"), drops)
    return lake, lake.run("first")[1]


@pytest.fixture(scope="module")
def lake(built: tuple[SampleLake, RunReport]) -> SampleLake:
    return built[0]


def test_every_figure_equals_a_query_over_the_files(lake: SampleLake) -> None:
    connection = duckdb.connect()
    for name, file in (("claims", "claims"), ("payers", "payers"), ("transactions", "claims_transactions")):
        connection.read_csv(str(SAMPLE / f"{file}.csv"), all_varchar=True).create(name)
    expected: dict[tuple[date, str], list[Decimal]] = {}
    for month, payer, *figures in connection.execute(REVENUE).fetchall():
        key = month, PAYER_CODES.get(payer, "OTHER")
        expected[key] = [a + b for a, b in zip(expected.get(key, [Decimal(0)] * 6), figures, strict=True)]
    found = {(r["service_month"], r["payer_code"]): [r[f] for f in FIGURES] for r in lake.rows("gold.revenue_by_payer")}
    assert found == expected


def test_totals_are_the_known_ones(lake: SampleLake) -> None:
    rows = lake.rows("gold.revenue_by_payer")
    totals = {f: sum(Decimal(str(r[f])) for r in rows) for f in FIGURES[:5]}
    assert totals == {
        "claim_count": 1267,
        "line_count": 1545,
        "billed_amount": Decimal("1092402.73"),
        "paid_amount": Decimal("15473.58"),
        "patient_responsibility_amount": Decimal("1088030.37"),
    }
    without_payer = [r for r in lake.rows("silver.claim") if r["payer_id"] is None]
    assert len(without_payer) == 216
    unpaid_codes = {r["payer_code"] for r in lake.rows("silver.claim_final") if r["payer_name"] is None}
    assert unpaid_codes == {"OTHER"}


def test_every_gold_figure_equals_an_independent_query_over_silver(lake: SampleLake) -> None:
    assert IndependentGold(lake.folder, lake.settings.networks, LOGICAL_DATE).all_differences() == []


def test_denial_figures_are_null_as_nothing_was_sent_that_shows_a_denial(lake: SampleLake) -> None:
    for table, columns in DENIAL_FIGURES.items():
        rows = lake.rows(table)
        assert rows, table
        assert {column: {row[column] for row in rows} for column in columns} == {c: {None} for c in columns}, table
    assert lake.rows("gold.denial_by_reason") == []


def test_claims_paid_above_charge_and_claims_without_charge_are_kept_and_flagged(
    built: tuple[SampleLake, RunReport],
) -> None:
    """Which they are comes from the file, read without the pipeline."""
    charged: dict[str, Decimal] = {}
    paid: dict[str, Decimal] = {}
    with (SAMPLE / "claims_transactions.csv").open(newline="") as file:
        for sent in csv.DictReader(file):
            claim = sent["CLAIMID"]
            if sent["TYPE"] == "CHARGE":
                charged[claim] = charged.get(claim, Decimal(0)) + Decimal(sent["AMOUNT"])
            elif sent["TYPE"] == "PAYMENT":
                paid[claim] = paid.get(claim, Decimal(0)) + Decimal(sent["PAYMENTS"])
    above = {claim: (charged[claim], money) for claim, money in paid.items() if money > charged[claim]}
    without_charge = {claim for claim, money in charged.items() if money == 0}
    assert (len(above), len(without_charge)) == (190, 49)

    lake, report = built
    settled = {r["family_id"]: r for r in lake.rows("silver.claim_final")}
    found = {
        claim: (row["billed_amount"], row["paid_amount"] + row["patient_paid_amount"]) for claim, row in settled.items()
    }
    assert {claim: money for claim, money in found.items() if money[1] > money[0]} == above
    assert {claim for claim, money in found.items() if money[0] == 0} == without_charge
    flagged = failed_rows(report, "silver.claim_final")
    assert (flagged["payments_within_billed"], flagged["billed_not_zero"]) == (190, 49)


def test_later_deliveries_touch_only_what_they_change_and_end_like_a_build_from_nothing(
    lake: SampleLake, drops: Path, spark: SparkSession, tmp_path: Path
) -> None:
    before = lake.versions()
    _, again = lake.run("again", may_start_spark=False)
    assert again.nothing_due
    assert lake.versions() == before

    resent = drops / "claims-2.csv"
    shutil.copyfile(drops / "claims.csv", resent)
    os.utime(resent, (1_790_100_000, 1_790_100_000))
    _, same = lake.run("same rows, new file")
    states = outcomes(same)
    assert states["bronze.synthea_claims"] is Outcome.BUILT
    assert states["silver.claim"] is Outcome.MARKED
    assert states["silver.claim_final"] is states["gold.revenue_by_payer"] is Outcome.CURRENT
    grown = {name: count - before[name] for name, count in lake.versions().items() if count != before[name]}
    assert grown == {"bronze.synthea_claims": 1, "silver.claim": 1}

    with (drops / "claims.csv").open(newline="") as file:
        header, first, *_ = csv.reader(file)
    first[header.index("PRIMARYPATIENTINSURANCEID")] = "0"
    changed = drops / "claims-3.csv"
    with changed.open("w", newline="") as file:
        csv.writer(file).writerows([header, first])
    os.utime(changed, (1_790_200_000, 1_790_200_000))
    _, touched = lake.run("one claim touched")
    counts = {o.table: dict(o.result.counts) for o in touched.outcomes if o.result}
    assert counts["silver.claim"] == {"updated": 1}
    assert counts["silver.claim_final"] == {"updated": 1}
    assert counts["gold.revenue_by_payer"]["partitions"] == 1

    fresh = sample_lake(spark, tmp_path / "fresh", drops)
    fresh.run("from nothing")
    for name in ("silver.claim", "silver.claim_line", "silver.payment", "silver.claim_final", "gold.revenue_by_payer"):
        assert lake.rows(name) == fresh.rows(name), name
