"""The demo day by day: what the command says, every Gold figure against DuckDB over Silver, and what docs/metrics.md
quotes of them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner, Result

from builders import QUICK_TOML
from independent_gold import KEYS, IndependentGold
from lakehouse.cli import app
from lakehouse.commands import demo as demo_command
from lakehouse.demo.harbor import DemoSpec
from lakehouse.demo.meridian import odbc_problem
from lakehouse.demo.walkthrough import MARKER
from lakehouse.engine.run import RunReport
from lakehouse.settings import load_settings
from lakehouse.spec.registry import Registry

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(1800)]

METRICS = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
SPEC = DemoSpec()
FIRST_DAY, LAST_DAY = SPEC.first_day, SPEC.day_date(SPEC.days - 1)
NOT_ZERO: Mapping[str, tuple[str, ...]] = {
    "revenue_by_payer": (
        "paid_amount", "patient_responsibility_amount", "patient_paid_amount", "contractual_amount", "denied_amount",
        "other_adjustment_amount", "encounter_amount", "outstanding_unadjudicated_amount",
        "outstanding_in_denial_amount", "outstanding_unexplained_amount", "residual_amount", "credit_amount",
        "claims_without_allowed", "claims_outside_coverage", "paid_outside_coverage_amount",
    ),
    "cash_by_payer": (
        "payment_count", "reversal_count", "reversed_amount", "unmatched_amount", "provider_level_amount",
    ),
    "denial_rate_by_procedure": (
        "lines_initially_denied_full", "lines_initially_denied_partial", "lines_outcome_unknown",
        "lines_adjudicated_final", "lines_finally_denied", "initially_denied_amount",
        "finally_denied_amount", "outcome_unknown_charge_amount", "initial_line_denial_rate",
        "final_line_denial_rate", "initial_dollar_denial_rate",
    ),
    "denial_summary": (
        "claims_initially_denied", "claims_finally_denied", "claims_overturned", "claims_appealed", "recovered_amount",
        "initial_denial_rate_submitted", "initial_denial_rate_adjudicated", "initial_denial_rate_dollars",
        "final_denial_rate_adjudicated",
    ),
    "denial_by_reason": ("line_count", "overturned_amount", "open_amount", "finally_denied_amount"),
    "ar_aging": ("open_amount", "patient_open_amount", "over_90_amount"),
    "provider_scorecard": (
        "initial_denial_rate", "expected_denial_rate", "first_pass_rate", "median_days_to_pay", "peer_percentile",
    ),
    "payment_triangle": ("paid_amount", "lag_month"),
    "payment_lag": ("cumulative_paid_amount", "completeness"),
}  # fmt: skip
LINES = """
SELECT count(*) FILTER (is_initial), count(*) FILTER (is_initial AND l.first_outcome IN ('full', 'partial')),
    count(*) FILTER (is_initial AND l.first_outcome IS NULL),
    sum(l.charge) FILTER (is_initial AND l.first_outcome IS NOT NULL), sum(l.first_denied) FILTER (is_initial),
    count(*) FILTER (is_final AND l.is_closed_now AND l.last_outcome IS NOT NULL),
    count(*) FILTER (is_final AND l.is_closed_now AND l.is_final_now AND l.last_outcome = 'full')
FROM line_outcome l JOIN claim_once c USING (network, family_id)
WHERE has_come(l.first_adjudicated_date) AND c.network = ? AND c.payer_code = ? AND c.submission_month = ?
"""


@dataclass
class Demo:
    """The lake that `lakehouse demo` makes.

    Attributes:
        answer: of the command.
        config: settings file that it leaves.
        differences: day -> where Gold of that day's run is not what Silver says.
        gold: of the last day.
    """

    answer: Result
    config: Path
    differences: Mapping[date, list[str]]
    gold: IndependentGold


@pytest.fixture(scope="module")
def demo(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Built once; each day's Gold is compared when its run has ended, before the next day changes Silver."""
    folder = tmp_path_factory.mktemp("demo")
    root, own = folder / "lake", folder / "own.toml"
    own.write_text(f'[lake]\nroot = "{root}"\n{QUICK_TOML}')
    problem = odbc_problem(load_settings(config=own))
    assert problem is None, "the demo needs the ODBC driver of SQLite for its second network"
    differences: dict[date, list[str]] = {}

    def on_day(report: RunReport) -> str:
        day = report.request.logical_date
        networks = load_settings(config=root / MARKER).networks
        differences[day] = IndependentGold(root, networks, day).all_differences()
        return day_line(report)

    day_line = demo_command._day_line
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_command, "_day_line", on_day)
        answer = CliRunner().invoke(app, ["--config", str(own), "demo", "--lake", str(root)])
    assert answer.exception is None or isinstance(answer.exception, SystemExit), answer.exception
    networks = load_settings(config=root / MARKER).networks
    return Demo(answer, root / MARKER, differences, IndependentGold(root, networks, LAST_DAY))


def test_the_command_says_that_the_lake_agrees_with_its_answer_key(demo: Demo) -> None:
    said = demo.answer.stdout
    assert "The lake agrees with the answer key" in said, demo.answer.output
    assert demo.answer.exit_code == 0
    assert "DIFFERENT" not in said
    for words in ("all payers", "silver.claim", "claim_id_required", "wrong_width", "in = out", str(demo.config)):
        assert words in said


def test_other_commands_know_the_demos_lake(demo: Demo) -> None:
    status = CliRunner().invoke(app, ["--config", str(demo.config), "status", "--output", "json"])
    outcomes = {t["table"]: t["last_outcome"] for t in json.loads(status.stdout)["tables"]}
    assert outcomes["gold.revenue_by_payer"] == "built"


def test_every_gold_table_has_a_query() -> None:
    declared = {name.removeprefix("gold.") for name in Registry.discover({}).tables if name.startswith("gold.")}
    assert set(KEYS) == declared == set(NOT_ZERO)


def test_every_gold_figure_of_every_day_equals_an_independent_query_over_silver(demo: Demo) -> None:
    assert demo.differences == {FIRST_DAY + timedelta(n): [] for n in range(SPEC.days)}


def test_past_photographs_stay(demo: Demo) -> None:
    photographed = {row["as_of_date"] for row in demo.gold.stored("ar_aging")}
    assert photographed == set(demo.differences)


def test_the_demo_makes_every_kind_of_figure(demo: Demo) -> None:
    """Of a figure that is nothing, being equal says little."""
    for table in KEYS:
        rows = demo.gold.stored(table)
        made = {column for column in rows[0] if any(row[column] not in (None, 0) for row in rows)}
        assert set(NOT_ZERO[table]) - made == set(), table


def test_figures_of_another_day_are_told_apart_by_key_and_column(demo: Demo) -> None:
    before, after = (
        IndependentGold(demo.gold.lake, demo.gold.networks, LAST_DAY + timedelta(days)) for days in (-1, 1)
    )
    wrong, missing = before.differences("cash_by_payer"), after.differences("ar_aging")
    shape = r"cash_by_payer 2026-01-01 (harbor|meridian) [A-Z]+: \w+ is stored as -?[\d.]+, computed as -?[\d.]+"
    assert [told for told in wrong if not re.fullmatch(shape, told)] == []
    assert any("harbor UHC: paid_amount is stored" in told for told in wrong)
    assert missing
    assert {told.split(": ")[1] for told in missing} == {"computed, not stored"}


def quoted_rows() -> list[tuple[str, tuple[str, ...], dict[str, Decimal]]]:
    """Table, key and columns of every row that the document quotes."""
    texts = re.findall(r"^\*Demo\* `gold\.(\w+)` \(([^)]+)\):(.+?)\n\n", METRICS + "\n\n", re.MULTILINE | re.DOTALL)
    numbers = [re.findall(r"`(\w+)`\s(-?[\d,]+(?:\.\d+)?)", text) for _, _, text in texts]
    return [
        (table, tuple(key.split(", ")), {name: _number(value) for name, value in pairs})
        for (table, key, _), pairs in zip(texts, numbers, strict=True)
    ]


def _number(text: str) -> Decimal:
    return Decimal(text.replace(",", ""))


def test_every_row_that_the_document_quotes_is_there(demo: Demo) -> None:
    quoted = quoted_rows()
    assert {table for table, _, _ in quoted} == set(KEYS)
    for table, key, columns in quoted:
        rows = {tuple(str(v).lower() for v in [*row.values()][: len(key)]): row for row in demo.gold.stored(table)}
        row = rows[tuple(part.lower() for part in key)]
        assert len(key) == KEYS[table]
        assert {column: row[column] for column in columns} == columns, table
    revenue = next(columns for table, _, columns in quoted if table == "revenue_by_payer")
    assert 2 * revenue["billed_amount"] == sum(revenue.values())  # billed = all others


def test_the_denial_rates_that_the_document_compares_are_those_of_the_demo(demo: Demo) -> None:
    key = {"network": "harbor", "payer_code": "UHC", "submission_month": date(2025, 12, 1)}
    (of_claims,) = [r for r in demo.gold.stored("denial_summary") if key.items() <= r.items()]
    lines, denied, unknown, charge, amount, closed, lost = demo.gold.answer(LINES, *key.values())
    expected = {
        "claims, of submitted": (of_claims["claims_initially_denied"], of_claims["claims_submitted"]),
        "claims, of adjudicated": (of_claims["claims_initially_denied"], of_claims["claims_adjudicated"]),
        "charges of denied claims": (of_claims["initially_denied_charge_amount"], of_claims["billed_amount"]),
        "claims, final": (of_claims["claims_finally_denied"], of_claims["claims_adjudicated"]),
        "lines, initial": (denied, lines - unknown),
        "lines, initial, dollars": (amount, charge),
        "lines, final": (lost, closed),
    }
    table = METRICS.split("The same of claims of the demo")[1].split("None is wrong")[0]
    told = re.findall(r"^\| ([a-z, ]+) \| ([\d,.]+) / ([\d,.]+) = ([\d.]+) % \|", table, re.MULTILINE)
    assert {name: (_number(part), _number(whole)) for name, part, whole, _ in told} == expected
    for _, part, whole, rate in told:
        percent = 100 * _number(part) / _number(whole)
        assert percent.quantize(Decimal("0.01"), ROUND_HALF_UP) == Decimal(rate)
