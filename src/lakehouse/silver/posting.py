"""Postings: what payers paid and took back for claims, each with its claim's month and payer, for cash and lag."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import PAYER_CODES, payer_mapping
from lakehouse.silver.claim_copies import with_is_copy, without_copies
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_family import claim_family
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.family_settlement import FAMILY
from lakehouse.silver.payment import REMIT_MONTH
from lakehouse.silver.remittance import remittance
from lakehouse.silver.standard_payer import with_payer_of
from lakehouse.spec.balance import Entry, amount_where, combined, entries
from lakehouse.spec.columns import month_of
from lakehouse.spec.contracts import MODIFIED_AT
from lakehouse.spec.expectations import FAIL, accepted_values, unique
from lakehouse.spec.field import STRING, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, period_of, snapshot
from lakehouse.spec.table import table

KEY = (*CLAIM, "remittance_id")


def is_cash() -> Column:
    """A payer's money, not said before by another delivery; never null."""
    return F.col("payment_kind").eqNullSafe("payer") & ~F.col("is_duplicate")


def payments_reappear(inputs: Mapping[str, DataFrame], result: DataFrame) -> DataFrame:
    """Measure `paid` (US dollars) of the claims' remittances: posted, or a reason why not."""
    remittances = with_is_copy(inputs["remittances"], inputs["copies"])
    is_copy, paid = F.col("is_copy"), "paid_amount"
    return combined(
        entries(
            remittances,
            Entry("paid", "remittances", "in", F.col(paid)),
            Entry("paid", "held_as_duplicate", "out", amount_where(F.col("is_duplicate"), paid)),
            Entry("paid", "not_from_a_payer", "out", amount_where(~F.col("is_duplicate") & ~is_cash(), paid)),
            Entry("paid", "copy_of_another_network", "out", amount_where(is_copy & is_cash(), paid)),
        ),
        entries(result, Entry("paid", "posting", "out", F.col(paid))),
    )


@table(
    "silver.posting",
    reads={
        "remittances": groups(remittance, by=FAMILY, through=claim_family, on=CLAIM),
        "finals": groups(claim_final, by=FAMILY),
        "copies": groups(claim_copy, by=FAMILY),
        "payers": snapshot(payer_mapping),
    },
    fields=[
        *map(remittance.field, KEY),
        claim_final.field("family_id"),
        *map(remittance.field, ("remit_date", "is_reversal", "paid_amount")),
        REMIT_MONTH,
        claim_final.field("service_month"),
        claim_final.field("payer_code"),
        field("posting_payer_code", STRING, f"standard payer that posted it: {', '.join(PAYER_CODES)}", required=True),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=FAMILY, keys=KEY),
    partition_by=period_of("remit_date"),
    expectations=[
        unique(*KEY, on_failure=FAIL),
        accepted_values("posting_payer_code", PAYER_CODES, on_failure=FAIL),
    ],
    balance=payments_reappear,
    freshness=Freshness(within="26 hours"),
)
def posting(remittances: DataFrame, finals: DataFrame, copies: DataFrame, payers: DataFrame) -> DataFrame:
    """One row per payer remittance of a claim that has come, reversals too, of every version.

    Second deliveries of the same, and remittances of copies of another network's claim, are left out.
    """
    counted = without_copies(finals, copies).select(*FAMILY, "service_month", "payer_name", "payer_code")
    paid = remittances.where(is_cash()).withColumnRenamed("payer_name", "posting_payer_name")
    placed = paid.join(counted, on=[*FAMILY], how="inner")  # one row per family on the right
    posted = with_payer_of(placed, payers, "posting_payer_name", "posting_payer_code")
    dated = posted.withColumn("remit_month", month_of(F.col("remit_date")))
    return dated.select(*[f.name for f in posting.fields])
