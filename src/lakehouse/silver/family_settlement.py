"""From claims, lines and remittances to one settled row per family: pure functions over frames.

What counts of a family is decided in `claim_versions`; the money of a slot in `settlement`.
"""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.adjustment_codes import adjustment_group, adjustment_reason
from lakehouse.silver.claim_links import CLAIM
from lakehouse.silver.denial_class import with_denial_class
from lakehouse.silver.own_figures import LINE_AMOUNTS, with_own_figures
from lakehouse.silver.remittances import CLEAN, FULL, PARTIAL
from lakehouse.silver.settlement import SLOT, patient_payments, payer_settlement, with_settlement
from lakehouse.spec.field import MONEY

FAMILY = ("network", "family_id")
PLACE = ("family_id", "slot", "version_number", "counts", "is_base", "is_void_family", "live_claim_count")
SUMMED = (
    "billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount", "patient_paid_amount",
    "contractual_amount", "denied_amount", "other_adjustment_amount", "encounter_amount", "remainder_amount",
)  # fmt: skip
VOID, UNADJUDICATED, DENIED, PARTIALLY_DENIED, PAID = "void", "unadjudicated", "denied", "partially_denied", "paid"
FINAL_STATUSES = (VOID, UNADJUDICATED, DENIED, PARTIALLY_DENIED, PAID)
DESCRIBED = (
    "claim_id", "payer_control_number", "patient_control_number", "member_token", "member_token_key_version",
    "claim_type", "payer_name", "line_of_business", "secondary_payer_name",
    "billing_provider_id", "billing_npi", "rendering_provider_id", "rendering_npi", "service_from_date",
    "service_to_date", "discharge_date", "appeal_date", "appeal_outcome", "is_closed", "closed_date",
    "own_paid_amount", "header_difference_amount", "is_void_family", "live_claim_count",
)  # fmt: skip
DECISION = (
    "slot", "is_adjudicated", "is_remitted", "initial_claim_id", "initial_remittance_id", "initial_outcome",
    "initial_denied", "settling_payer_sequence", "outcome", "denial",
)  # fmt: skip
_SETTINGS = ("ledger", "denial_evidence", "closes_claims", "days_to_close")
_NEWEST = ("adjudicated_date", "payment_arrangement", *_SETTINGS)


def settled_families(
    families: DataFrame,
    claims: DataFrame,
    lines: DataFrame,
    remittances: DataFrame,
    codes: DataFrame,
    reasons: DataFrame,
    networks: DataFrame,
) -> DataFrame:
    """One row per family: its base version's description, amounts, denials, dates; see the fields of claim_final."""
    classified = lines_with_class(lines, codes, reasons)
    place = families.select(*CLAIM, *PLACE)  # one row per claim
    placed = remittances.drop("family_id").join(place, on=[*CLAIM], how="inner")
    versions = described_versions(place, claims.drop("family_id"), classified, networks)
    slots = slots_of(versions)
    for right in (payer_settlement(placed), patient_payments(placed), newest_change(placed)):
        slots = slots.join(right, on=[*SLOT], how="left")  # grouped by slot: one row each
    return with_dates(families_of(with_settlement(slots)))


def lines_with_class(lines: DataFrame, codes: DataFrame, reasons: DataFrame) -> DataFrame:
    """`lines`, one row each, with the class of their denial code."""
    code = F.col("denial_code")
    coded = lines.withColumns(
        {"group_code": adjustment_group(F.lit(None), code), "reason_code": adjustment_reason(code)}
    )
    return with_denial_class(coded, codes, reasons)


def described_versions(place: DataFrame, claims: DataFrame, lines: DataFrame, networks: DataFrame) -> DataFrame:
    """One row per claim with its place in the family, own figures, sender's settings and newest change of itself."""
    newest = lines.groupBy(*CLAIM).agg(F.max("modified_at").alias("line_modified_at"))
    settings = F.broadcast(networks.select("network", *_SETTINGS))
    both = F.col("billed_amount").isNotNull() & F.col("line_billed_amount").isNotNull()
    difference = F.when(
        both & (F.col("own_charge_from") == "lines"), F.col("billed_amount") - F.col("line_billed_amount")
    )
    # Every right side has one row per claim, or per network: no join adds rows.
    return (
        with_own_figures(claims, lines)
        .join(place, on=list(CLAIM), how="inner")
        .join(newest, on=[*CLAIM], how="left")
        .join(settings, on="network", how="left")
        .withColumns(
            {
                "header_difference_amount": difference.cast(MONEY),
                "modified_at": F.greatest("modified_at", "line_modified_at"),
            }
        )
    )


def slots_of(versions: DataFrame) -> DataFrame:
    """One row per slot: figures of the versions that count, summed; what its first and last version say."""
    counting = [F.sum(F.when(F.col("counts"), F.col(f"own_{a}"))).cast(MONEY).alias(f"own_{a}") for a in LINE_AMOUNTS]
    number = F.col("version_number")
    grouped = versions.groupBy(*SLOT).agg(
        *counting,
        F.sum(F.when(F.col("counts"), F.col("line_count")).otherwise(0)).alias("line_count"),
        (F.count_if(F.col("counts")) == 0).alias("is_void"),
        F.max_by(F.struct(*_NEWEST), number).alias("last"),
        F.min_by(F.struct("line_outcome", "line_denied_amount"), number).alias("first_lines"),
        F.max_by(F.struct("line_outcome", "line_denied_amount"), number).alias("last_lines"),
        F.first(F.when(F.col("is_base"), F.struct(*DESCRIBED)), ignorenulls=True).alias("base"),
        F.min("submitted_date").alias("submitted_date"),
        F.min("received_date").alias("received_date"),
        F.max("modified_at").alias("modified_at"),
        F.count(F.lit(1)).alias("version_count"),
    )
    lines = [
        F.col(f"{when}_lines.{c}").alias(f"{when}_{name}")
        for when in ("first", "last")
        for c, name in (("line_outcome", "line_outcome"), ("line_denied_amount", "line_denied"))
    ]
    return grouped.select("*", "last.*", *lines).drop("last", "first_lines", "last_lines")


def newest_change(remittances: DataFrame) -> DataFrame:
    """One row per slot with remittances: their newest change."""
    return remittances.groupBy(*SLOT).agg(F.max("modified_at").alias("remittance_modified_at"))


def families_of(slots: DataFrame) -> DataFrame:
    """One row per family from its settled slots: amounts summed, the base version's description."""
    is_live = ~F.col("is_void")
    decided = F.col("is_adjudicated") | F.col("is_void")
    is_denied = F.col("initial_outcome").isin(FULL, PARTIAL)
    grouped = slots.groupBy(*FAMILY).agg(
        *[F.sum(a).cast(MONEY).alias(a) for a in SUMMED],
        F.first("base", ignorenulls=True).alias("base"),
        F.sum("version_count").alias("version_count"),
        F.sum("line_count").alias("line_count"),
        F.min("submitted_date").alias("submitted_date"),
        F.min("received_date").alias("received_date"),
        F.min("first_paid_date").alias("first_paid_date"),
        F.min("first_adjudicated_date").alias("first_adjudicated_date"),
        F.max("last_adjudicated_date").alias("last_adjudicated_date"),
        (F.bool_and(decided) & F.bool_or(F.col("is_adjudicated"))).alias("is_adjudicated"),
        F.when(F.bool_or("is_remitted"), "remittance").otherwise("claim").alias("money_source"),
        F.coalesce(F.bool_or("has_adjustments"), F.lit(False)).alias("has_adjustments"),
        _outcome_of(F.col("initial_outcome"), F.lit(True)).alias("initial_denial_outcome"),
        F.min(F.when(is_denied, F.col("initial_date"))).alias("initially_denied_date"),
        F.sum(F.when(is_denied, F.col("initial_denied"))).cast(MONEY).alias("initially_denied_amount"),
        F.sum(F.when(is_denied, F.col("initial_paid"))).cast(MONEY).alias("initially_paid_amount"),
        _outcome_of(F.col("outcome"), is_live).alias("final_denial_outcome"),
        F.first(F.when(F.col("base").isNotNull(), _owing_payer_name()), ignorenulls=True).alias("owing_payer_name"),
        F.sort_array(F.collect_list(F.struct(*DECISION))).alias("decisions"),
        F.greatest(F.max("modified_at"), F.max("remittance_modified_at")).alias("modified_at"),
        *[F.first(s).alias(s) for s in _SETTINGS],
    )
    return grouped.select("*", "base.*").drop("base")


def _owing_payer_name() -> Column:
    """Of a slot: a later payer that answered, else the second payer if the first denied nothing, else the first.

    So what was denied is owed by who denied it.
    """
    is_denied = F.coalesce(F.col("outcome").isin(FULL, PARTIAL), F.lit(False))
    first, second = F.col("base.payer_name"), F.col("base.secondary_payer_name")
    answered_later = F.col("is_standing") & (F.col("settling_payer_sequence") > 1)
    is_seconds_turn = F.col("is_standing") & ~is_denied
    return (
        F.when(answered_later, F.coalesce("settling_payer_name", second, first))
        .when(is_seconds_turn, F.coalesce(second, first))
        .otherwise(first)
    )


def _outcome_of(outcome: Column, counts: Column) -> Column:
    """Of several slots: denied in full if every decided one is, in part if any is denied at all; null if none is."""
    known = counts & outcome.isNotNull()
    are_full = F.bool_and(F.when(known, outcome == FULL))
    are_clean = F.bool_and(F.when(known, outcome == CLEAN))
    return F.when(are_full, FULL).when(are_clean, CLEAN).when(are_full.isNotNull(), PARTIAL)


def with_dates(families: DataFrame) -> DataFrame:
    """`families` with `final_status`, `closes_on` and `denial_final_on`."""
    outcome, is_void = F.col("final_denial_outcome"), F.col("is_void_family")
    status = (
        F.when(is_void, VOID)
        .when(~F.col("is_adjudicated"), UNADJUDICATED)
        .when(outcome == FULL, DENIED)
        .when(outcome == PARTIAL, PARTIALLY_DENIED)
        .otherwise(PAID)
    )
    closing = families.withColumns({"final_status": status, "closes_on": closes_on()})
    is_denied = F.coalesce(outcome.isin(FULL, PARTIAL), F.lit(False))
    return closing.withColumn("denial_final_on", F.when(is_denied, F.col("closes_on")))


def closes_on() -> Column:
    """The date from which the claim counts as closed, by ledger, sender's word or age of the last answer; else null.

    A claim whose every adjudication was reversed has no last answer, so age does not close it.
    """
    says_closed = F.coalesce(F.col("is_closed"), F.col("closed_date").isNotNull())
    closed = F.coalesce("closed_date", "last_adjudicated_date", "service_to_date", "service_from_date")
    closes_by_age = ~F.col("closes_claims") & F.col("is_adjudicated")
    return (
        F.when(F.col("ledger") == "payer_extract", F.col("service_from_date"))
        .when(says_closed, closed)
        .when(closes_by_age, F.date_add("last_adjudicated_date", F.col("days_to_close")))
    )
