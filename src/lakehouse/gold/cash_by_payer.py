"""What payers paid and took back, by month of posting, network and the standard payer that posted it."""

import datetime
from collections.abc import Mapping
from typing import Any  # inputs are frames and the logical date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.gold.cash import POSTED, PROVIDER_LEVEL, UNMATCHED, all_cash, provider_level, unmatched
from lakehouse.gold.claim_state import has_come, still_to_come
from lakehouse.reference.payer_mapping import PAYER_CODES, payer_mapping
from lakehouse.silver.held_payment import held_payment
from lakehouse.silver.payment import payment
from lakehouse.silver.posting import posting
from lakehouse.spec.balance import Entry, amount_where, combined, entries
from lakehouse.spec.columns import sum_where
from lakehouse.spec.contracts import NETWORK
from lakehouse.spec.expectations import FAIL, accepted_values, row, totals_match, unique
from lakehouse.spec.field import DATE, LONG, STRING, TOTAL, Field, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplacePartitions, groups, logical_date, snapshot
from lakehouse.spec.table import table

KEY = ("remit_month", "network", "payer_code")


def reversed_not_positive() -> Column:
    """What payers took back lowers cash."""
    return F.col("reversed_amount") <= 0


def cash_reappears(inputs: Mapping[str, Any], result: DataFrame) -> DataFrame:
    """Measures `posted`, `unmatched` and `provider_level` (US dollars); what is posted later than the day waits."""
    as_of: datetime.date = inputs["as_of"]
    later, paid = ~has_come("remit_date", as_of), "paid_amount"
    sources = {
        POSTED: (inputs["postings"], "net_paid_amount"),
        UNMATCHED: (unmatched(inputs["held"]), "unmatched_amount"),
        PROVIDER_LEVEL: (provider_level(inputs["payments"]), "provider_level_amount"),
    }
    given = [Entry(measure, "cash_by_payer", "out", F.col(column)) for measure, (_, column) in sources.items()]
    taken = [
        entries(
            rows,
            Entry(measure, "payments", "in", F.col(paid)),
            Entry(measure, "posted_later", "out", amount_where(later, paid)),
        )
        for measure, (rows, _) in sources.items()
    ]
    return combined(*taken, entries(result, *given))


def _total(name: str, meaning: str) -> Field:
    return field(name, TOTAL, meaning, ledger=True)


@table(
    "gold.cash_by_payer",
    reads={
        "postings": groups(posting, by="remit_month"),
        "held": groups(held_payment, by="remit_month"),
        "payments": groups(payment, by="remit_month"),
        "payers": snapshot(payer_mapping),
        "as_of": logical_date(),
    },
    fields=[
        field("remit_month", DATE, "first day of the month of posting", required=True),
        NETWORK,
        field("payer_code", STRING, f"standard payer that posted: {', '.join(PAYER_CODES)}", required=True),
        field("payment_count", LONG, "remittances of claims that have come, reversals apart", unit="count"),
        field("reversal_count", LONG, "remittances that take an earlier one back", unit="count"),
        _total("paid_amount", "paid on claims that have come, of every version"),
        _total("reversed_amount", "taken back; zero or negative"),
        _total("net_paid_amount", "paid_amount + reversed_amount"),
        _total("provider_level_amount", "paid or taken outside of any claim (835 PLB); beside net_paid_amount"),
        _total("unmatched_amount", "paid, reversals deducted, on claims that have not come; beside net_paid_amount"),
        field("_next_change_date", DATE, "day on which the next payment dated ahead counts; null if none"),
    ],
    write=ReplacePartitions(on="remit_month", keys=KEY),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        totals_match("net_paid_amount", "paid_amount", "reversed_amount", on_failure=FAIL, source="domain.md G02"),
        accepted_values("payer_code", PAYER_CODES, on_failure=FAIL, source="domain.md G03"),
        row("reversed_not_positive", reversed_not_positive, on_failure=FAIL),
    ],
    balance=cash_reappears,
    freshness=Freshness(within="26 hours"),
    owner="finance",
)
def cash_by_payer(
    postings: DataFrame, held: DataFrame, payments: DataFrame, payers: DataFrame, as_of: datetime.date
) -> DataFrame:
    """One row per month of posting, network and standard payer; every version's money, patients' payments left out.

    A payment said twice counts once; one of a claim that another network sent too, for the network that is kept.
    """
    every = all_cash(postings, held, payments, payers)
    counts, reversal = F.col("counts"), F.col("is_reversal")
    is_posted = counts & (F.col("kind") == POSTED)
    return (
        every.withColumn("counts", has_come("remit_date", as_of))
        .groupBy(*KEY)
        .agg(
            F.count_if(is_posted & ~reversal).alias("payment_count"),
            F.count_if(is_posted & reversal).alias("reversal_count"),
            sum_where(is_posted & ~reversal, "paid_amount").alias("paid_amount"),
            sum_where(is_posted & reversal, "paid_amount").alias("reversed_amount"),
            sum_where(is_posted, "paid_amount").alias("net_paid_amount"),
            sum_where(counts & (F.col("kind") == PROVIDER_LEVEL), "paid_amount").alias("provider_level_amount"),
            sum_where(counts & (F.col("kind") == UNMATCHED), "paid_amount").alias("unmatched_amount"),
            F.min(still_to_come("remit_date", as_of)).alias("_next_change_date"),
        )
    )
