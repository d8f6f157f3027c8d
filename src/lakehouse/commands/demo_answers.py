"""Three of the demo's answers as tables on a screen: denial rates, A/R aging, provider scorecards."""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from lakehouse.commands.screen import grid, money
from lakehouse.storage.small_reads import Cells, read_columns
from lakehouse.storage.store import Store

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = 8
DENIAL_COUNTS = (
    "lines_adjudicated",
    "lines_outcome_unknown",
    "lines_initially_denied_full",
    "lines_initially_denied_partial",
    "lines_adjudicated_final",
    "lines_finally_denied",
)


def answer_tables(store: Store) -> list["Table"]:
    """The answers of a lake that was built to the end."""
    denials = ["procedure_code", *DENIAL_COUNTS]
    aging = ["as_of_date", "date_basis", "bucket", "claim_count", "open_amount", "patient_open_amount"]
    scores = [
        "adjudication_month", "network", "rendering_provider_id", "claim_count", "initial_denial_rate",
        "expected_denial_rate", "median_days_to_pay", "first_pass_rate", "over_90_amount",
    ]  # fmt: skip
    return [
        denial_table(read_columns(store, "gold.denial_rate_by_procedure", denials)),
        aging_table(read_columns(store, "gold.ar_aging", aging)),
        scorecard_table(read_columns(store, "gold.provider_scorecard", scores)),
    ]


def denial_table(rows: Iterable[Cells]) -> "Table":
    """The procedures of which most lines were denied at first; rates of sums over all months, networks and payers."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: dict.fromkeys(DENIAL_COUNTS, 0))
    for row in rows:
        for name in DENIAL_COUNTS:
            sums[str(row["procedure_code"])][name] += row[name] or 0
    denied = {code: s["lines_initially_denied_full"] + s["lines_initially_denied_partial"] for code, s in sums.items()}
    chosen = sorted(sums, key=lambda code: (-denied[code], code))[:SHOWN]
    shown = [
        (
            code,
            f"{sums[code]['lines_adjudicated']:,}",
            f"{denied[code]:,}",
            _rate(denied[code], sums[code]["lines_adjudicated"] - sums[code]["lines_outcome_unknown"]),
            f"{sums[code]['lines_finally_denied']:,}",
            _rate(sums[code]["lines_finally_denied"], sums[code]["lines_adjudicated_final"]),
        )
        for code in chosen
    ]
    columns = ("procedure", "lines adjudicated", "denied at first", "rate", "finally denied", "of final")
    return grid("Denial rates by procedure code, those denied most, all months", columns, shown, right=columns[1:])


def aging_table(rows: Sequence[Cells]) -> "Table":
    """The newest photograph by service date."""
    newest: date = max((row["as_of_date"] for row in rows), default=date.min)
    sums: dict[str, list[Decimal]] = {}
    for row in rows:
        if (row["as_of_date"], row["date_basis"]) == (newest, "service"):
            amounts = (Decimal(row["claim_count"]), row["open_amount"], row["patient_open_amount"])
            sums[row["bucket"]] = [
                a + b for a, b in zip(sums.get(row["bucket"], [Decimal()] * 3), amounts, strict=True)
            ]
    by_age = sorted(sums, key=_age)
    shown = [(b, f"{sums[b][0]:,.0f}", money(sums[b][1]), money(sums[b][2])) for b in by_age]
    columns = ("days since service", "claims", "payers owe", "patients owe")
    return grid(f"A/R aging on {newest}, US dollars", columns, shown, right=columns[1:])


def _age(bucket: str) -> tuple[bool, int, str]:
    """Buckets by the age they begin with, those without one last."""
    begins = re.match(r"\d+", bucket)
    return begins is None, int(begins[0]) if begins else 0, bucket


def scorecard_table(rows: Iterable[Cells]) -> "Table":
    """The providers with most claims of one month."""
    chosen = sorted(rows, key=lambda r: (-r["claim_count"], r["network"], r["rendering_provider_id"]))[:SHOWN]
    shown = [
        (
            f"{r['adjudication_month']:%Y-%m}",
            r["network"],
            r["rendering_provider_id"],
            f"{r['claim_count']:,}",
            _percent(r["initial_denial_rate"]),
            _percent(r["expected_denial_rate"]),
            "-" if r["median_days_to_pay"] is None else f"{r['median_days_to_pay']:.1f}",
            _percent(r["first_pass_rate"]),
            money(r["over_90_amount"]),
        )
        for r in chosen
    ]
    columns = (
        "month",
        "network",
        "provider",
        "claims",
        "denied at first",
        "peers",
        "days to pay",
        "first pass",
        "over 90",
    )
    return grid("Provider scorecards, those with most claims", columns, shown, right=columns[3:])


def _rate(part: int, whole: int) -> str:
    return _percent(Decimal(part) / whole if whole else None)


def _percent(share: Decimal | None) -> str:
    return "-" if share is None else f"{share * 100:.1f} %"
