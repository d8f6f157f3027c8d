"""Claim families: which claims are versions of one, and which of them count. See `claim_links` and `claim_versions`."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.claim import claim
from lakehouse.silver.claim_links import CLAIM, claim_hubs, with_label, with_links
from lakehouse.silver.claim_versions import VERSION_STATES, with_versions
from lakehouse.spec.contracts import CLAIMS, MEMBER_TOKEN, MODIFIED_AT
from lakehouse.spec.expectations import FAIL, WARN, CheckContext, Expectation, accepted_values, row
from lakehouse.spec.field import ACCOUNT, BOOLEAN, INT, LONG, STRING, Field, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import ReplaceGroups, groups, linked, network_settings
from lakehouse.spec.table import table

ONE_BASE = "Every family has exactly one base version and at most one live version of the claim itself."
LINK_EVIDENCE = ("explicit", "control_number", "suffix", "none")


def link_resolved() -> Column:
    """The claim that a replacement or void acts on has come (domain.md B28); until then it waits, and is live."""
    return ~F.col("is_pending")


def chain_ends() -> Column:
    """Following what a claim replaces ends somewhere."""
    return ~F.col("is_in_cycle")


def replacement_not_older() -> Column:
    """No version was made before the one it acts on (domain.md X16); such a one does not win."""
    return ~F.col("is_older_than_replaced")


def control_number_agrees() -> Column:
    """Claims with one control number agree in member, claim type, billing provider and dates; else they stay apart."""
    return ~F.col("is_number_shared_apart")


def links_followed() -> Column:
    """The family is complete: no link leads out of it."""
    return F.col("is_complete")


def one_base_per_family(rows: DataFrame, context: CheckContext) -> DataFrame:
    """Families that do not have exactly one base version, or more live versions of the base than one."""
    is_base = F.col("is_base").cast("int")
    found = rows.groupBy("network", "family_id").agg(
        F.sum(is_base).alias("bases"), F.count_if(F.col("is_live") & (F.col("slot") == "-")).alias("live_bases")
    )
    return found.where((F.col("bases") != 1) | (F.col("live_bases") > 1))


def _flag(name: str, meaning: str) -> Field:
    return field(name, BOOLEAN, meaning, required=True)


@table(
    "silver.claim_family",
    reads={
        "claims": groups(claim, by=CLAIM, linked=linked(claim_hubs, kept_in=("network", "family_id"))),
        "networks": network_settings(),
    },
    fields=[
        *CLAIMS.pick(*CLAIM),
        field("family_id", STRING, "first claim of the family, though it has not come", required=True, phi=ACCOUNT),
        MEMBER_TOKEN,
        field("provider_id", STRING, "sender's id of the rendering, else of the billing provider"),
        field("frequency_code", STRING, "as sent; 1 where none was", required=True),
        field("slot", STRING, "`-` the claim itself, else the additive member the version is of", phi=ACCOUNT),
        field("version_number", INT, "place among the versions of its slot, from 1", required=True),
        field("version_count", LONG, "claims of the family", unit="count"),
        field("version_state", STRING, "live, superseded, voided (by a void) or void (a void itself)", required=True),
        _flag("is_live", "last version of its slot, and not voided"),
        _flag("is_base", "the version the family is described by; one per family"),
        _flag("counts", "its charges are the family's: the live ones, of senders of differences all"),
        _flag("is_void_family", "nothing of the family is live"),
        field("live_claim_count", LONG, "live claims of the family", unit="count"),
        field("link_evidence", STRING, "explicit, control_number, suffix or none", required=True),
        _flag("is_pending", "it acts on a claim that has not come"),
        _flag("is_in_cycle", "following what it replaces never ends"),
        _flag("is_older_than_replaced", "made before the claim it acts on"),
        _flag("is_number_shared_apart", "another claim bears its control number and is none of its versions"),
        _flag("is_complete", "all its links were followed"),
        MODIFIED_AT,
    ],
    write=ReplaceGroups(by=CLAIM),
    expectations=[
        accepted_values("version_state", VERSION_STATES, on_failure=FAIL),
        accepted_values("link_evidence", LINK_EVIDENCE, on_failure=FAIL),
        row("links_followed", links_followed, on_failure=FAIL),
        Expectation("one_base_per_family", FAIL, failing=one_base_per_family, meaning=ONE_BASE),
        row("link_resolved", link_resolved, on_failure=WARN, source="domain.md B28"),
        row("chain_ends", chain_ends, on_failure=WARN),
        row("replacement_not_older", replacement_not_older, on_failure=WARN, source="domain.md X16"),
        row("control_number_agrees", control_number_agrees, on_failure=WARN),
    ],
    freshness=Freshness(within="26 hours"),
)  # fmt: skip
def claim_family(claims: DataFrame, networks: DataFrame) -> DataFrame:
    """One row per claim: its family, its place among the family's versions, and whether it counts.

    The same whatever the order in which claims came. Deleted claims have no row.
    """
    modes = networks.select("network", "version_mode", "version_suffix")
    linked_claims = with_links(claims.join(F.broadcast(modes), on="network", how="left"))  # one row per network
    return with_versions(with_label(linked_claims)).select(
        *CLAIM, "family_id", "member_token",
        F.coalesce("rendering_provider_id", "billing_provider_id").alias("provider_id"),
        F.col("frequency").alias("frequency_code"), "slot", "version_number", "version_count", "version_state",
        "is_live", "is_base", "counts", "is_void_family", "live_claim_count", "link_evidence", "is_pending",
        "is_in_cycle", "is_older_than_replaced", "is_number_shared_apart", "is_complete",
        "modified_at",
    )  # fmt: skip
