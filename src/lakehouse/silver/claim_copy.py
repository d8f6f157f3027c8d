"""Claims that several networks sent: which families are copies of one another, and whose counts. See `claim_copies`."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.claim_copies import CONFLICT, EVIDENCE, EXACT, OUTCOMES, POSSIBLE, copy_hubs, with_copies
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.family_settlement import FAMILY
from lakehouse.spec.contracts import MODIFIED_AT
from lakehouse.spec.expectations import FAIL, WARN, CheckContext, accepted_values, batch, row
from lakehouse.spec.field import ACCOUNT, BOOLEAN, STRING, STRINGS, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, linked, network_settings
from lakehouse.spec.table import table

MONTHS = ("service_month", "submission_month", "adjudication_month")  # by which readers of claim_final group


def sent_once() -> Column:
    """No other network sent the same claim with the same figures (domain.md 1.9); of such copies one counts."""
    return F.col("outcome") != EXACT


def networks_agree() -> Column:
    """No other network sent the same claim with other money or status (domain.md X13); one of them counts."""
    return F.col("outcome") != CONFLICT


def no_possible_copy() -> Column:
    """No other network's claim looks the same without an identity that proves it (domain.md 1.9); all of them count."""
    return F.col("outcome") != POSSIBLE


def links_followed() -> Column:
    """The set is complete: no shared number or fingerprint leads out of what was compared."""
    return F.col("is_complete")


def one_kept_per_copy(rows: DataFrame, context: CheckContext) -> DataFrame:
    """Of copies exactly one counts, and none of them is of a network that has another."""
    sets = rows.where(F.col("outcome") != POSSIBLE).groupBy("copy_id")
    counted = sets.agg(
        F.count_if("is_kept").alias("kept_count"),
        F.count(F.lit(1)).alias("family_count"),
        F.count_distinct("network").alias("network_count"),
    )
    return counted.where((F.col("kept_count") != 1) | (F.col("family_count") != F.col("network_count")))


@table(
    "silver.claim_copy",
    reads={
        "families": groups(claim_final, by=FAMILY, linked=linked(copy_hubs, kept_in="related_id")),
        "networks": network_settings(),
    },
    fields=[
        *map(claim_final.field, FAMILY),
        field("copy_id", STRING, "smallest network|family_id of the set of copies", required=True, phi=ACCOUNT),
        field("related_id", STRING, "the same of all sets that share any evidence", required=True, phi=ACCOUNT),
        *map(claim_final.field, MONTHS),
        field("evidence", STRING, f"strongest it shares with another network: {', '.join(EVIDENCE)}", required=True),
        field("outcome", STRING, f"{', '.join(OUTCOMES)}", required=True),
        field("is_kept", BOOLEAN, "it counts; of an exact or conflicting set one does", required=True),
        field("senders", STRINGS, "networks that have a family in the set, by name", required=True),
        field("is_complete", BOOLEAN, "all its links were followed", required=True),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=FAMILY),
    expectations=[
        accepted_values("evidence", EVIDENCE, on_failure=FAIL),
        accepted_values("outcome", OUTCOMES, on_failure=FAIL),
        batch("one_kept_per_copy", one_kept_per_copy, on_failure=FAIL, source="domain.md X13"),
        row("sent_once", sent_once, on_failure=WARN, source="domain.md 1.9"),
        row("networks_agree", networks_agree, on_failure=WARN, source="domain.md X13"),
        row("no_possible_copy", no_possible_copy, on_failure=WARN, source="domain.md 1.9"),
        row("links_followed", links_followed, on_failure=WARN),
    ],
    freshness=Freshness(within="26 hours"),
)
def claim_copy(families: DataFrame, networks: DataFrame) -> DataFrame:
    """One row per claim family that shares an identity, or looks, with a family of another network.

    `exact`: same identity, charge, payment and status; one is kept. `conflict`: same identity, other money or status;
    one is kept. `possible`: they look alike, or their number does not tell which is whose; all are kept. Both families
    of a pair stay in silver.claim_final; only who counts them leaves the others out.
    """
    ranks = networks.select("network", "source_rank")
    ranked = families.join(F.broadcast(ranks), on="network", how="left")  # one row per network
    return with_copies(ranked).select(*[f.name for f in claim_copy.fields])
