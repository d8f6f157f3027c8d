"""The Tuva sample from CSV files to revenue by payer: every figure against an independent query over the files."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import duckdb
import pytest
from pyspark.sql import SparkSession

from independent_gold import DENIAL_FIGURES, IndependentGold
from lakehouse.engine.run import RunReport
from lakehouse.settings_networks import NetworkSettings
from sample_lake import LOGICAL_DATE, TOKEN_KEY_NAME, SampleLake, copied_drops, sample_folder

SAMPLE = sample_folder("tuva")
Built = tuple[SampleLake, RunReport]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.spark,
    pytest.mark.skipif(
        not SAMPLE.is_dir(),
        reason="no Tuva sample in <shared data>/tuva; set LAKEHOUSE_SHARED_DATA to its parent folder",
    ),
]

# An institutional claim's amounts are those of any one of its lines, a professional claim's the sum of its lines.
CLAIMS = """
select claim_id, any_value(claim_type) claim_type, any_value(claim_start_date)::date service_from_date,
    right(any_value(bill_type_code), 1) frequency_code,
    count(*) filter (revenue_center_code is distinct from '0001') line_count,
    case when any_value(claim_type) = 'institutional' then max(charge_amount::decimal(14,2))
        else sum(charge_amount::decimal(14,2)) end::decimal(14,2) billed,
    case when any_value(claim_type) = 'professional' then sum(allowed_amount::decimal(14,2)) end::decimal(14,2) allowed,
    case when any_value(claim_type) = 'institutional' then max(paid_amount::decimal(14,2))
        else sum(paid_amount::decimal(14,2)) end::decimal(14,2) paid
from lines group by claim_id
"""
# A payer's extract: what was neither paid nor written off is closed, so left over; what was paid above is a credit.
REVENUE = f"""
with claims as ({CLAIMS}), left_over as (
    select *, billed - paid - coalesce(billed - allowed, 0) remainder from claims)
select date_trunc('month', service_from_date)::date, count(*), sum(line_count)::bigint, sum(billed), sum(allowed),
    count(*) filter (allowed is null), sum(paid), sum(greatest(remainder, 0)), sum(least(remainder, 0))
from left_over group by 1
"""
# Both ends are covered. Looked at on the claim's first day; its last day, or any day of it, gives the same answer.
COVERAGE = """
with claims as (
    select claim_id, any_value(patient_id) patient_id, any_value(claim_start_date) served from lines group by 1),
placed as (
    select claim_id, count(s.patient_id) known,
        count(*) filter (served between s.enrollment_start_date and s.enrollment_end_date) holding,
        count(*) filter (s.enrollment_end_date < served) ended,
        count(*) filter (s.enrollment_start_date > served) to_come
    from claims c left join spans s on s.patient_id = c.patient_id group by 1)
select claim_id, case when known = 0 then 'unknown_member' when holding > 0 then 'covered'
    when ended > 0 and to_come > 0 then 'gap' when to_come > 0 then 'before_first' else 'after_last' end
from placed
"""
FIGURES = (
    "claim_count",
    "line_count",
    "billed_amount",
    "allowed_amount",
    "claims_without_allowed",
    "paid_amount",
    "residual_amount",
    "credit_amount",
)


def has_check_digit(npi: str) -> bool:
    """Luhn's formula over the ten digits with the prefix 80840 (45 CFR 162.406)."""
    digits = [int(digit) for digit in reversed("80840" + npi)]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(npi) == 10 and (sum(digits[0::2]) + sum(doubled)) % 10 == 0


@pytest.fixture(scope="module")
def files() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    for name, stem in (("lines", "medical_claim"), ("spans", "eligibility")):
        connection.read_csv(str(SAMPLE / f"{stem}_v1_2022-12-13.csv"), all_varchar=True).create(name)
    return connection


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The lake after its first run; the files keep the names they came with."""
    drops = copied_drops(SAMPLE, tmp_path_factory.mktemp("drops"))
    network = NetworkSettings(adapter="tuva", root=str(drops), ledger="payer_extract", denial_evidence="none")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(TOKEN_KEY_NAME, "5" * 64)
        lake = SampleLake(spark, tmp_path_factory.mktemp("lake"), "tuva", network)
        yield lake, lake.run("first")[1]


def test_every_claim_equals_a_query_over_the_files(built: Built, files: duckdb.DuckDBPyConnection) -> None:
    settled = built[0].rows("silver.claim_final")
    columns = ("family_id", "claim_type", "service_from_date", "line_count")
    amounts = ("billed_amount", "allowed_amount", "paid_amount")
    found = sorted(tuple(r[c] for c in (*columns, *amounts)) for r in settled)
    query = f"select * exclude (frequency_code) from ({CLAIMS})"
    assert found == sorted(files.execute(query).fetchall())
    totals: dict[object, list[Decimal]] = {}
    for row in settled:
        sums = totals.setdefault(row["claim_type"], [Decimal(0)] * 3)
        for n, value in enumerate((Decimal(1), row["billed_amount"], row["paid_amount"])):
            sums[n] += Decimal(str(value))
    assert totals == {
        "professional": [Decimal(3001), Decimal("311410.88"), Decimal("221349.33")],
        "institutional": [Decimal(273), Decimal("1794541.03"), Decimal("218561.19")],
    }
    assert {(r["payer_name"], r["payer_code"], r["line_of_business"]) for r in settled} == {
        ("medicare", "MEDICARE", "medicare")
    }


def test_revenue_equals_a_query_over_the_files(built: Built, files: duckdb.DuckDBPyConnection) -> None:
    rows = built[0].rows("gold.revenue_by_payer")
    expected: dict[tuple[date, str], tuple[object, ...]] = {
        (month, "MEDICARE"): tuple(figures) for month, *figures in files.execute(REVENUE).fetchall()
    }
    assert {(r["service_month"], r["payer_code"]): tuple(r[f] for f in FIGURES) for r in rows} == expected
    assert sum(Decimal(str(r["billed_amount"])) for r in rows) == Decimal("2105951.91")  # 311,410.88 + 1,794,541.03
    assert sum(Decimal(str(r["paid_amount"])) for r in rows) == Decimal("439910.52")  # 221,349.33 + 218,561.19
    assert {r["outstanding_amount"] for r in rows} == {Decimal("0.00")}


def test_every_gold_figure_equals_an_independent_query_over_silver(built: Built) -> None:
    lake = built[0]
    assert IndependentGold(lake.folder, lake.settings.networks, LOGICAL_DATE).all_differences() == []


def test_a_payers_extract_without_days_of_submission_and_decision_has_revenue_alone(built: Built) -> None:
    lake = built[0]
    has_rows = {"revenue_by_payer": True, **{name.removeprefix("gold."): False for name in DENIAL_FIGURES}}
    assert {name: lake.rows(f"gold.{name}") != [] for name in has_rows} == has_rows
    assert lake.rows("gold.ar_aging") == lake.rows("gold.denial_by_reason") == []


def test_every_row_and_every_repeated_amount_is_accounted_for(built: Built, files: duckdb.DuckDBPyConnection) -> None:
    lake, report = built
    claims, lines = lake.rows("silver.claim"), lake.rows("silver.claim_line")
    assert (len(claims), len(lines)) == (3274, 6067)
    query = f"select frequency_code, count(*) from ({CLAIMS}) group by 1"
    frequencies = dict(files.execute(query).fetchall())
    assert Counter(r["frequency_code"] for r in claims) == frequencies
    assert frequencies == {None: 3001, "1": 244, "I": 16, "7": 6, "2": 3, "0": 2, "3": 1, "G": 1}
    results = {o.table: o.result for o in report.outcomes if o.result}
    ledger = {
        (line.table, line.measure, line.reason): line.amount
        for table in ("silver.claim", "silver.claim_line")
        for line in results[table].ledger
        if line.ledger == "conform" and line.measure in ("rows", "charge_amount")
    }
    raw = Decimal("17485722.05")  # 311,410.88 + 17,174,311.17, each institutional amount on every line
    assert {key: value for key, value in ledger.items() if key[0] == "silver.claim_line"} == {
        ("silver.claim_line", "rows", "read"): 6067,
        ("silver.claim_line", "rows", "conformed"): 6067,
        ("silver.claim_line", "charge_amount", "read"): raw,
        ("silver.claim_line", "charge_amount", "conformed"): Decimal("311410.88"),
        ("silver.claim_line", "charge_amount", "stated_by_the_claim"): Decimal("17174311.17"),
    }
    assert ledger["silver.claim", "rows", "another_line_of_the_claim"] == 6067 - 3274
    assert ledger["silver.claim", "charge_amount", "conformed"] == Decimal("1794541.03")
    left = ("another_line_of_the_claim", "stated_by_the_lines")
    assert sum(ledger["silver.claim", "charge_amount", reason] for reason in left) == raw - Decimal("1794541.03")


def test_every_npi_arrives_and_has_its_check_digit(built: Built, files: duckdb.DuckDBPyConnection) -> None:
    lake = built[0]
    roles = ("rendering_npi", "billing_npi", "facility_npi")
    found = {r[role] for r in lake.rows("silver.claim") for role in roles}
    found |= {r["rendering_npi"] for r in lake.rows("silver.claim_line")}
    found.discard(None)
    sent = {npi for role in roles for (npi,) in files.execute(f"select distinct {role} from lines").fetchall() if npi}
    assert found == sent
    assert len(found) == 2605
    assert [npi for npi in found if not has_check_digit(str(npi))] == []
    assert not has_check_digit("1234567890")
    assert has_check_digit("1234567893")  # CMS's own example


def test_the_same_files_again_are_no_work(built: Built) -> None:
    lake = built[0]
    before = lake.versions()
    assert lake.run("again", may_start_spark=False)[1].nothing_due
    assert lake.versions() == before


def test_claims_outside_eligibility_are_of_known_members(built: Built, files: duckdb.DuckDBPyConnection) -> None:
    """1,923 claims are outside every span of their person, whom eligibility knows without exception."""
    lake = built[0]
    expected = dict(files.execute(COVERAGE).fetchall())
    assert Counter(expected.values()) == {"covered": 1351, "after_last": 1407, "before_first": 439, "gap": 77}
    assert len(lake.rows("silver.eligibility_span")) == 100
    assert {r["family_id"]: r["elig_status"] for r in lake.rows("silver.claim_final")} == expected
