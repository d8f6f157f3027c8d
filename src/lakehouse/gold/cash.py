"""All money that payers posted, in one shape: pure functions over rows of Silver."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.held_payment import NO_CLAIM
from lakehouse.silver.standard_payer import with_payer_by_name

POSTED, UNMATCHED, PROVIDER_LEVEL = "posted", "unmatched", "provider_level"


def unmatched(held: DataFrame) -> DataFrame:
    """Payers' payments whose claim has not come."""
    is_first = ~F.col("is_duplicate") & (F.col("payment_kind") == "payer")
    return held.where((F.col("reason") == NO_CLAIM) & is_first)


def provider_level(payments: DataFrame) -> DataFrame:
    return payments.where(F.col("payment_kind") == PROVIDER_LEVEL)


def all_cash(postings: DataFrame, held: DataFrame, payments: DataFrame, payers: DataFrame) -> DataFrame:
    """One row per posting, payment whose claim has not come, and provider-level payment: `kind` says which.

    `payer_code` is that of the payer who posted; of the latter two by the name alone.
    """
    columns = ("remit_month", "network", "remit_date", "paid_amount")
    posted = postings.select(
        *columns, F.col("posting_payer_code").alias("payer_code"), "is_reversal", F.lit(POSTED).alias("kind")
    )
    others = [
        with_payer_by_name(rows, payers, "payer_name", "payer_code").select(
            *columns, "payer_code", F.lit(False).alias("is_reversal"), F.lit(kind).alias("kind")
        )
        for kind, rows in ((UNMATCHED, unmatched(held)), (PROVIDER_LEVEL, provider_level(payments)))
    ]
    return posted.unionByName(others[0]).unionByName(others[1])
