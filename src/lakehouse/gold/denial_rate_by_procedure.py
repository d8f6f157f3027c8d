"""How often lines of each procedure are denied, at first and finally. Lines, as the field's task forces recommend."""

import datetime
from collections.abc import Mapping
from typing import Any  # inputs are frames and the logical date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.claim_state import has_come, is_denied, next_change, rate, with_evidence, with_sender
from lakehouse.gold.month_on_month import lines_like_the_month_before
from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.line_outcome import line_outcome
from lakehouse.silver.remittances import FULL, PARTIAL
from lakehouse.spec.balance import Entry, combined, entries
from lakehouse.spec.columns import sum_where
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, accepted_values, between, unique
from lakehouse.spec.field import DATE, HEALTH, LONG, RATE, STRING, TOTAL, Field, field
from lakehouse.spec.freshness import Freshness, Report
from lakehouse.spec.scopes import ReplacePartitions, groups, logical_date, network_settings
from lakehouse.spec.table import table

KEY = ("adjudication_month", "network", "payer_code", "procedure_code_system", "procedure_code")
NO_CODE = "NONE"
RATES = ("initial_line_denial_rate", "final_line_denial_rate", "initial_dollar_denial_rate")
DATES = ("first_adjudicated_date", "closes_on", "denial_final_on")
OF_EVIDENCE = (
    "lines_initially_denied_full", "lines_initially_denied_partial", "lines_outcome_unknown", "lines_adjudicated_final",
    "lines_finally_denied", "initially_denied_amount", "finally_denied_amount", "initially_denied_charge_amount",
    "outcome_unknown_charge_amount",
)  # fmt: skip


def lines_reappear(inputs: Mapping[str, Any], result: DataFrame) -> DataFrame:
    """Measures `lines` (lines decided first) and `charge` (US dollars) decided up to the day."""
    as_of: datetime.date = inputs["as_of"]
    counted = inputs["lines"].where(has_come("first_adjudicated_date", as_of) & F.col("is_initial"))
    return combined(
        entries(
            counted,
            Entry("lines", "lines", "in", F.lit(1)),
            Entry("charge", "lines", "in", F.col("billed_amount")),
        ),
        entries(
            result,
            Entry("lines", "denial_rate_by_procedure", "out", F.col("lines_adjudicated")),
            Entry("charge", "denial_rate_by_procedure", "out", F.col("adjudicated_charge_amount")),
        ),
    )


def _lines(name: str, meaning: str) -> Field:
    return field(name, LONG, meaning, unit="count")


@table(
    "gold.denial_rate_by_procedure",
    reads={
        "lines": groups(line_outcome, by="adjudication_month"),
        "networks": network_settings(),
        "as_of": logical_date(),
    },
    fields=[
        field("adjudication_month", DATE, "month of the claim's first adjudication, its first day", required=True),
        NETWORK,
        line_outcome.field("payer_code"),
        field("procedure_code_system", STRING, "cpt, hcpcs ...; NONE where the line has none", required=True),
        field("procedure_code", STRING, "code of the service; NONE where the line has none", required=True, phi=HEALTH),
        _lines("lines_adjudicated", "lines of versions decided first; zero charges and 0001 totals left out"),
        _lines("lines_initially_denied_full", "denied in full by that decision; null without evidence of denials"),
        _lines("lines_initially_denied_partial", "denied in part by it"),
        _lines("lines_outcome_unknown", "decided, but the claim was denied in part and nothing said of the line"),
        _lines("lines_adjudicated_final", "lines that count, with a known outcome, of claims closed on the as-of date"),
        _lines("lines_finally_denied", "of these denied in full"),
        field(
            "adjudicated_charge_amount", TOTAL, "charge of lines_adjudicated; 0.00 where none states one", ledger=True
        ),
        field("initially_denied_amount", TOTAL, "denied by the first decision, in full or in part"),
        field("finally_denied_amount", TOTAL, "denied by the settling answer, final on the as-of date, full or part"),
        field("initially_denied_charge_amount", TOTAL, "charge of the lines denied at first, in full or in part"),
        field("outcome_unknown_charge_amount", TOTAL, "charge of lines_outcome_unknown"),
        field("initial_line_denial_rate", RATE, "denied at first, full or part / adjudicated with known outcome"),
        field("final_line_denial_rate", RATE, "lines_finally_denied / lines_adjudicated_final"),
        field("initial_dollar_denial_rate", RATE, "initially_denied_amount / charge of the lines with known outcome"),
        field(
            "_next_change_date", DATE, "next day on which a claim is decided, closes or is finally denied; null if none"
        ),
    ],
    write=ReplacePartitions(on="adjudication_month", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL, source="domain.md G03"),
        *[between(r, 0, 1, nulls="pass", on_failure=FAIL, source="domain.md G05") for r in RATES],
        lines_like_the_month_before(),
    ],
    balance=lines_reappear,
    freshness=Freshness(within="26 hours"),
    owner="revenue-integrity",
    reports=(Report("Denial rates by procedure code", owner="revenue-integrity", due="07:00"),),
)
def denial_rate_by_procedure(lines: DataFrame, networks: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of first adjudication, network, standard payer and procedure code.

    The unit is the line. Where a network gives no evidence of denials, their counts, amounts and rates are null.
    """
    is_decided = has_come("first_adjudicated_date", as_of)
    first, last = F.col("is_initial") & is_decided, F.col("is_final") & is_decided
    is_closed, is_final = has_come("closes_on", as_of), has_come("denial_final_on", as_of)
    known, outcome = F.col("initial_outcome").isNotNull(), F.col("initial_outcome")
    denied_first, denied_last = first & is_denied("initial_outcome"), last & is_final & is_denied("final_outcome")
    coded = with_sender(lines, networks).withColumns(
        {c: F.coalesce(c, F.lit(NO_CODE)) for c in ("procedure_code_system", "procedure_code")}
    )

    counted = coded.groupBy(*KEY, "has_evidence").agg(
        F.count_if(first).alias("lines_adjudicated"),
        F.count_if(first & (outcome == FULL)).alias("lines_initially_denied_full"),
        F.count_if(first & (outcome == PARTIAL)).alias("lines_initially_denied_partial"),
        F.count_if(first & ~known).alias("lines_outcome_unknown"),
        F.count_if(last & is_closed & F.col("final_outcome").isNotNull()).alias("lines_adjudicated_final"),
        F.count_if(last & is_closed & is_final & (F.col("final_outcome") == FULL)).alias("lines_finally_denied"),
        sum_where(first, "billed_amount").alias("adjudicated_charge_amount"),
        sum_where(denied_first, "initially_denied_amount").alias("initially_denied_amount"),
        sum_where(denied_last, "final_denied_amount").alias("finally_denied_amount"),
        sum_where(denied_first, "billed_amount").alias("initially_denied_charge_amount"),
        sum_where(first & ~known, "billed_amount").alias("outcome_unknown_charge_amount"),
        next_change(as_of, *DATES).alias("_next_change_date"),
    )
    denied = F.col("lines_initially_denied_full") + F.col("lines_initially_denied_partial")
    known_charge = F.col("adjudicated_charge_amount") - F.col("outcome_unknown_charge_amount")
    rates = {
        "initial_line_denial_rate": rate(denied, F.col("lines_adjudicated") - F.col("lines_outcome_unknown")),
        "final_line_denial_rate": rate("lines_finally_denied", "lines_adjudicated_final"),
        "initial_dollar_denial_rate": rate("initially_denied_amount", known_charge),
    }
    rated = with_evidence(counted.withColumns(rates), (*OF_EVIDENCE, *RATES))
    return rated.select(*[f.name for f in denial_rate_by_procedure.fields])
