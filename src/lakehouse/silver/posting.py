"""Postings: what payers paid and took back for claims, each with its claim's month and payer, for cash and lag."""

from collections.abc import Mapping

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import PAYER_CODES, payer_mapping, sent_name_key
from lakehouse.silver.claim_copies import copies_left_out
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_family import claim_family
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.family_settlement import FAMILY
from lakehouse.silver.payment import REMIT_MONTH
from lakehouse.silver.remittance import remittance
from lakehouse.silver.standard_payer import with_standard_payer
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
    left_out = copies_left_out(inputs["copies"]).withColumn("is_copy", F.lit(True))
    remittances = inputs["remittances"].join(left_out, on=[*FAMILY], how="left")  # one row per family
    is_copy, paid = F.col("is_copy").isNotNull(), "paid_amount"
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


def with_posting_payer(postings: DataFrame, payers: DataFrame) -> DataFrame:
    """`postings`, one row each, with `posting_payer_code`: the claim's payer where its name is paid under or none is
    said, else the standard payer of the name alone."""
    posted, claims = sent_name_key(F.col("payer_name")), sent_name_key(F.col("claim_payer_name"))
    is_claims = posted.isNull() | posted.eqNullSafe(claims)
    own = postings.withColumns(
        {"claim_payer_code": F.col("payer_code"), "line_of_business": F.lit(None).cast("string")}
    )
    named = with_standard_payer(own.drop("payer_code"), payers)
    code = F.when(is_claims, F.coalesce("claim_payer_code", "payer_code")).otherwise(F.col("payer_code"))
    return named.withColumn("posting_payer_code", code)


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
    counted = finals.join(copies_left_out(copies), on=[*FAMILY], how="left_anti")
    described = counted.select(
        *FAMILY, "service_month", "payer_code", F.col("payer_name").alias("claim_payer_name")
    )  # one row per family
    placed = remittances.where(is_cash()).join(described, on=[*FAMILY], how="inner")
    posted = with_posting_payer(placed, payers).withColumns(
        {"payer_code": F.col("claim_payer_code"), "remit_month": month_of(F.col("remit_date"))}
    )
    return posted.select(*[f.name for f in posting.fields])
