"""The default demo, day by day: every figure of Gold equals an independent computation, and the docs quote it truly."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from independent_gold import IndependentGold
from independent_reader import delta_reader
from lakehouse.demo.harbor import DemoSpec
from lakehouse.demo.walkthrough import Walkthrough, demo_settings, fresh_lake, walk
from lakehouse.engine.run import RunReport
from lakehouse.engine.work import Request
from lakehouse.settings import load_settings

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(1700)]

METRICS = Path(__file__).parents[2] / "docs" / "metrics.md"
# What must not be nothing, or its equality says little: table -> sums that the last day has.
TELLING = {
    "revenue_by_payer": (
        "denied_amount", "other_adjustment_amount", "encounter_amount", "outstanding_unadjudicated_amount",
        "outstanding_in_denial_amount", "outstanding_unexplained_amount", "residual_amount", "-credit_amount",
        "claims_outside_coverage",
    ),
    "cash_by_payer": ("reversal_count", "-reversed_amount", "-provider_level_amount", "unmatched_amount"),
    "denial_rate_by_procedure": (
        "lines_initially_denied_full", "lines_initially_denied_partial", "lines_outcome_unknown",
        "lines_adjudicated_final", "lines_finally_denied", "finally_denied_amount",
    ),
    "denial_summary": ("claims_finally_denied", "claims_overturned", "claims_appealed", "recovered_amount"),
    "denial_by_reason": ("overturned_amount", "open_amount", "finally_denied_amount"),
    "ar_aging": ("over_90_amount", "patient_open_amount"),
    "provider_scorecard": ("first_pass_count", "over_90_amount", "expected_denial_rate", "median_days_to_pay"),
    "payment_triangle": ("paid_amount",),
    "payment_lag": ("cumulative_paid_amount",),
}  # fmt: skip


class Demo:
    """A demo that was walked through, with what differed on each of its days."""

    def __init__(self, spark: SparkSession, root: Path) -> None:
        self.root = root
        self.spec = DemoSpec()
        self.settings = demo_settings(load_settings("local"), root, database=True)
        fresh_lake(self.settings)
        self.different: dict[date, list[str]] = {}
        self.done: Walkthrough = walk(self.settings, self.spec, lambda: spark, _request, self._compare)

    def _compare(self, report: RunReport) -> None:
        day = report.request.logical_date
        self.different[day] = IndependentGold(self.root, self.settings.networks, day).all_differences()

    def sums(self, table: str, *columns: str, where: str = "true") -> list[Decimal]:
        """Sums over rows of a stored Gold table."""
        listed = ", ".join(f"coalesce(sum({c}), 0)" for c in columns)
        sql = f"SELECT {listed} FROM delta_scan('{self.root / 'gold' / table}') WHERE {where}"
        (found,) = delta_reader().sql(sql).fetchall()
        return [Decimal(v) for v in found]


def _request(day: date) -> Request:
    return Request(f"day-{day}", day, datetime.combine(day, time(12), UTC))


@pytest.fixture(scope="module")
def demo(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    return Demo(spark, tmp_path_factory.mktemp("demo") / "lake")


def test_every_figure_of_every_day_equals_an_independent_query(demo: Demo) -> None:
    assert demo.done.differences == ()
    assert demo.different == {demo.spec.day_date(day): [] for day in range(demo.spec.days)}


def test_the_demo_has_something_of_every_kind_of_figure(demo: Demo) -> None:
    last = demo.spec.day_date(demo.spec.days - 1)
    for table, measures in TELLING.items():
        day = f"as_of_date = DATE '{last}'" if table == "ar_aging" else "true"
        assert all(total > 0 for total in demo.sums(table, *measures, where=day)), (table, measures)
    credit = demo.sums("ar_aging", "-open_amount", where="bucket = 'credit'")
    assert credit[0] > 0


def said(part: Decimal, whole: Decimal) -> str:
    """A rate as the docs write it."""
    return f"{part:,} / {whole:,} = {100 * part / whole:.1f} %"


def test_the_docs_quote_the_demo(demo: Demo) -> None:
    section = METRICS.read_text().split("## Which denial rate is this?")[1].split("\n## ")[0]
    quoted = dict(re.findall(r"^\| ([a-z ,]+) \| ([\d,.]+ / [\d,.]+ = [\d.]+ %) \|", section, re.MULTILINE))
    group = "network = 'harbor' AND payer_code = 'UHC'"
    submitted, adjudicated, denied, finally_denied, charge, denied_charge = demo.sums(
        "denial_summary", "claims_submitted", "claims_adjudicated", "claims_initially_denied", "claims_finally_denied",
        "billed_amount", "initially_denied_charge_amount", where=f"{group} AND submission_month = DATE '2025-12-01'",
    )  # fmt: skip
    lines, unknown, full, partial, final_lines, lines_denied, amount, charged = demo.sums(
        "denial_rate_by_procedure", "lines_adjudicated", "lines_outcome_unknown", "lines_initially_denied_full",
        "lines_initially_denied_partial", "lines_adjudicated_final", "lines_finally_denied", "initially_denied_amount",
        "adjudicated_charge_amount", where=f"{group} AND adjudication_month = DATE '2026-01-01'",
    )  # fmt: skip
    assert quoted == {
        "claims, of submitted": said(denied, submitted),
        "claims, of adjudicated": said(denied, adjudicated),
        "charges of denied claims": said(denied_charge, charge),
        "claims, final": said(finally_denied, adjudicated),
        "lines, initial": said(full + partial, lines - unknown),
        "lines, initial, dollars": said(amount, charged),
        "lines, final": said(lines_denied, final_lines),
    }
