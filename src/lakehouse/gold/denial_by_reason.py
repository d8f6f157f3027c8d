"""Why claims are denied, and what became of the money, by month of the first denial."""

import datetime
from collections.abc import Mapping
from typing import Any  # inputs are frames and the logical date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.claim_state import has_come, still_to_come
from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.denial_reason import denial_reason
from lakehouse.spec.balance import Entry, amount_where, combined, entries
from lakehouse.spec.columns import sum_money, sum_where
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, accepted_values, row, totals_match, unique
from lakehouse.spec.field import BOOLEAN, DATE, LONG, STRING, TOTAL, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplacePartitions, groups, logical_date
from lakehouse.spec.table import table

KEY = ("initially_denied_month", "network", "payer_code", "group_code", "carc", "category", "is_preventable")
PARTS = ("overturned_amount", "open_amount", "finally_denied_amount")


def parts_not_negative() -> Column:
    """Nothing that became of denied money is below zero."""
    return F.least(*PARTS) >= 0


def denied_money_reappears(inputs: Mapping[str, Any], result: DataFrame) -> DataFrame:
    """Measures `denied` (US dollars) and `lines`; what is denied later than the day waits."""
    later = ~has_come("initially_denied_date", inputs["as_of"])
    measures = {"denied": "denied_amount", "lines": "line_count"}
    taken = [Entry(m, "reasons", "in", F.col(c)) for m, c in measures.items()]
    waiting = [Entry(m, "denied_later", "out", amount_where(later, c)) for m, c in measures.items()]
    given = [Entry(m, "denial_by_reason", "out", F.col(c)) for m, c in measures.items()]
    return combined(entries(inputs["reasons"], *taken, *waiting), entries(result, *given))


@table(
    "gold.denial_by_reason",
    reads={"reasons": groups(denial_reason, by="initially_denied_month"), "as_of": logical_date()},
    fields=[
        field("initially_denied_month", DATE, "month of the first denial, its first day", required=True),
        NETWORK,
        denial_reason.field("payer_code"),
        field("group_code", STRING, "adjustment group: CO, PR, OA, PI; - where none was sent", required=True),
        field("carc", STRING, "claim adjustment reason code, else the sender's own word; - for none", required=True),
        field("category", STRING, "of the reason; UNKNOWN where nobody classified it", required=True),
        field("is_preventable", BOOLEAN, "better work would avoid it; false where nobody says", required=True),
        field(
            "claim_count", LONG, "claim families with the reason; those of several reasons stand in each", unit="count"
        ),
        field("line_count", LONG, "service lines that name it; a claim-level reason names none", unit="count"),
        field("denied_amount", TOTAL, "denied at first for the reason", ledger=True),
        field("overturned_amount", TOTAL, "of it not denied any more by the answers that stand"),
        field("open_amount", TOTAL, "of it still denied, and not final on the as-of date"),
        field("finally_denied_amount", TOTAL, "of it still denied, and final"),
        field("_next_change_date", DATE, "next day on which a denial comes or becomes final; null if none"),
    ],
    write=ReplacePartitions(on="initially_denied_month", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        totals_match("denied_amount", *PARTS, on_failure=FAIL),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL, source="domain.md G03"),
        row("parts_not_negative", parts_not_negative, on_failure=FAIL),
    ],
    balance=denied_money_reappears,
    freshness=Freshness(within="26 hours"),
    owner="revenue-integrity",
)
def denial_by_reason(reasons: DataFrame, as_of: datetime.date) -> DataFrame:
    """One row per month of the first denial, network, standard payer and reason as sent and classified."""
    counts, zero = has_come("initially_denied_date", as_of), F.lit(0)
    denied = F.when(counts, F.col("denied_amount")).otherwise(zero)
    still = F.when(counts, F.col("still_denied_amount")).otherwise(zero)
    is_final = has_come("denial_final_on", as_of)
    final_on = F.when(F.col("still_denied_amount") > 0, still_to_come("denial_final_on", as_of))
    return (
        reasons.withColumn("is_preventable", F.coalesce("is_preventable", F.lit(False)))
        .groupBy(*KEY)
        .agg(
            F.count_if(counts).alias("claim_count"),
            F.sum(F.when(counts, F.col("line_count")).otherwise(zero)).alias("line_count"),
            sum_money(denied).alias("denied_amount"),
            sum_money(denied - still).alias("overturned_amount"),
            sum_where(~is_final, still).alias("open_amount"),
            sum_where(is_final, still).alias("finally_denied_amount"),
            F.min(F.least(final_on, still_to_come("initially_denied_date", as_of))).alias("_next_change_date"),
        )
    )
