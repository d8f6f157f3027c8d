"""Settled claims made by Spark, as the Silver tables hold them that Gold reads: three lines each, over 36 months.

Everything of a claim follows from its number and from how often it changed, by hashes: the same on every machine.
"""

from collections.abc import Mapping
from datetime import date

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.claim_copies import EXACT
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.denial_reason import denial_reason
from lakehouse.silver.held_payment import NO_CLAIM, held_payment
from lakehouse.silver.line_outcome import line_outcome
from lakehouse.silver.payment import payment
from lakehouse.silver.posting import posting
from lakehouse.silver.remittances import CLEAN, FULL, PARTIAL
from lakehouse.spec.columns import month_of
from lakehouse.spec.table import Table

TABLES: tuple[Table, ...] = (claim_final, claim_copy, line_outcome, denial_reason, posting, held_payment, payment)
LAST_DAY = date(2026, 1, 31)
DAYS, NEWEST = 3 * 365, 90
LINES = 3
NETWORKS, PROVIDERS, PROCEDURES, SPECIALTIES = 4, 1_000, 150, 8


def claims_of(spark: SparkSession, count: int) -> DataFrame:
    """`count` claims as first sent: `id`, `change` 0 and `age`, days of service before the last day."""
    rows = spark.range(count).withColumn("change", F.lit(0))
    return rows.withColumn("age", _pick("age", DAYS))


def changed_claims(claims: DataFrame, count: int, share: float, change: int) -> DataFrame:
    """A day's change: such a share of `claims`, four fifths sent before and a fifth new, all served in the newest
    days."""
    wanted = int(count * share)
    one_in = max(1, int(count * NEWEST / DAYS / (wanted * 0.8)))
    known = claims.where((F.col("age") < NEWEST) & (F.pmod(F.xxhash64("id", F.lit(change)), F.lit(one_in)) == 0))
    made = claims.sparkSession.range(count * (change + 1), count * (change + 1) + wanted // 5)
    fresh = made.select("id", F.lit(change).alias("change"), _pick("age", NEWEST).alias("age"))
    return known.select("id", F.lit(change).alias("change"), "age").unionByName(fresh)


def silver_rows(final: DataFrame) -> Mapping[str, DataFrame]:
    """Table -> its rows of `settled` claims; columns that nothing here needs are left out."""
    decided = final.where(F.col("first_adjudicated_date").isNotNull() & ~F.col("is_void_family") & ~F.col("_is_copy"))
    posted = _posted(decided)
    of_payments = posted.withColumns({"payment_kind": F.lit("payer"), "is_deleted": F.lit(False)})
    outside = _waiting(final, 40).withColumns({"payment_kind": F.lit("provider_level"), "is_deleted": F.lit(False)})
    held = {"payment_kind": F.lit("payer"), "is_duplicate": F.lit(False), "reason": F.lit(NO_CLAIM)}
    copies = {"outcome": F.lit(EXACT), "is_kept": F.lit(False)}
    return {
        claim_final.name: final,
        claim_copy.name: final.where("_is_copy").withColumns(copies),
        line_outcome.name: _lines(decided),
        denial_reason.name: _reasons(decided.where(F.col("initially_denied_date").isNotNull())),
        posting.name: posted,
        held_payment.name: _waiting(final, 100).withColumns(held),
        payment.name: of_payments.unionByName(outside, allowMissingColumns=True),
    }


def _pick(what: str, count: int) -> Column:
    """A number below `count`, of a claim and what it is for."""
    return F.pmod(F.xxhash64("id", F.lit(what)), F.lit(count)).cast("int")


def _picked(what: str, count: int) -> Column:
    """As `_pick`, another number after each change."""
    return F.pmod(F.xxhash64("id", "change", F.lit(what)), F.lit(count)).cast("int")


def _cents(cents: Column) -> Column:
    return (cents.cast("decimal(14,0)") / 100).cast("decimal(14,2)")


def _dated(claims: DataFrame) -> DataFrame:
    """Days and months; what lies after the last day has not happened."""
    last = F.lit(LAST_DAY)
    served = F.date_sub(last, F.col("age"))
    submitted = F.date_add(served, 2 + _pick("submitted", 10))
    decided = F.date_add(submitted, 5 + _pick("decided", 40))
    dated = claims.withColumns({"service_from_date": served, "service_month": month_of(served)})
    dated = dated.withColumns(
        {
            "submitted_date": F.when(submitted <= last, submitted),
            "first_adjudicated_date": F.when(decided <= last, decided),
        }
    )
    return dated.withColumns(
        {
            "submission_month": month_of(F.coalesce("submitted_date", "service_from_date")),
            "adjudication_month": month_of(F.col("first_adjudicated_date")),
            "closes_on": F.date_add("first_adjudicated_date", 120),
        }
    )


def settled(claims: DataFrame) -> DataFrame:
    """Rows of silver.claim_final and `_is_copy`; money adds up."""
    is_decided = F.col("first_adjudicated_date").isNotNull()
    is_denied = is_decided & (_pick("denied", 100) < 9)
    outcome = F.when(is_denied, F.when(_pick("full", 3) > 0, FULL).otherwise(PARTIAL)).when(is_decided, F.lit(CLEAN))
    billed, paid_share = 5_000 + _picked("billed", 200_000), 40 + _picked("share", 40)
    paid = F.when(is_decided & ~is_denied, F.floor(billed * paid_share / 100)).otherwise(0)
    written_off = F.when(is_decided & ~is_denied, billed - paid - _picked("left", 1_000)).otherwise(0)
    denied = F.when(is_denied, billed).otherwise(0)
    zero = _cents(F.lit(0))
    provider = _pick("provider", PROVIDERS)
    return _dated(claims).withColumns(
        {
            "network": F.concat(F.lit("north_"), _pick("network", NETWORKS)),
            "family_id": F.concat(F.lit("C"), F.col("id")),
            "claim_id": F.concat(F.lit("C"), F.col("id")),
            "_is_copy": _pick("copy", 200) == 0,
            "is_void_family": F.lit(False),
            "version_count": F.lit(1).cast("long"),
            "live_claim_count": F.lit(1).cast("long"),
            "line_count": F.lit(LINES).cast("long"),
            "payer_code": F.element_at(F.array(*map(F.lit, PAYER_CODES)), 1 + _pick("payer", len(PAYER_CODES))),
            "rendering_provider_id": F.concat(F.lit("D"), provider),
            "attributed_specialty": F.concat(F.lit("S"), provider % SPECIALTIES),
            "elig_status": F.lit("covered"),
            "final_status": F.lit("paid"),
            "is_adjudicated": is_decided,
            "first_paid_date": F.when(paid > 0, F.col("first_adjudicated_date")),
            "initial_denial_outcome": outcome,
            "final_denial_outcome": outcome,
            "initially_denied_date": F.when(is_denied, F.col("first_adjudicated_date")),
            "initially_denied_amount": F.when(is_denied, _cents(denied)),
            "denial_final_on": F.when(is_denied, F.date_add("first_adjudicated_date", 180)),
            "billed_amount": _cents(billed),
            "allowed_amount": F.when(is_decided, _cents(billed - written_off)),
            "paid_amount": _cents(paid),
            "contractual_amount": _cents(written_off),
            "denied_amount": _cents(denied),
            "remainder_amount": _cents(billed - paid - written_off - denied),
            **dict.fromkeys(("patient_responsibility_amount", "patient_paid_amount"), zero),
            **dict.fromkeys(("other_adjustment_amount", "encounter_amount"), zero),
        }
    )


def _lines(decided: DataFrame) -> DataFrame:
    line = F.explode(F.sequence(F.lit(1), F.lit(LINES)))
    share = (F.col("billed_amount") / LINES).cast("decimal(14,2)")
    code = F.pmod(F.xxhash64("id", "line"), F.lit(PROCEDURES))
    denied = F.when(F.col("initially_denied_date").isNotNull(), share).otherwise(F.lit(0)).cast("decimal(14,2)")
    return decided.withColumn("line", line).withColumns(
        {
            "line_id": F.col("line").cast("string"),
            "procedure_code_system": F.lit("cpt"),
            "procedure_code": F.concat(F.lit("9"), code),
            "billed_amount": share,
            "is_initial": F.lit(True),
            "is_final": F.lit(True),
            "initial_outcome": F.col("initial_denial_outcome"),
            "final_outcome": F.col("final_denial_outcome"),
            "initially_denied_amount": denied,
            "final_denied_amount": denied,
        }
    )


def _reasons(denied: DataFrame) -> DataFrame:
    return denied.withColumns(
        {
            "group_code": F.lit("CO"),
            "carc": F.concat(F.lit("1"), _pick("reason", 30)),
            "category": F.concat(F.lit("C"), _pick("reason", 30) % 6),
            "is_preventable": _pick("reason", 2) == 0,
            "initially_denied_month": month_of(F.col("initially_denied_date")),
            "line_count": F.lit(LINES).cast("long"),
            "denied_amount": F.col("initially_denied_amount"),
            "still_denied_amount": F.col("initially_denied_amount"),
        }
    )


def _posted(decided: DataFrame) -> DataFrame:
    """One remittance of each claim that is decided."""
    return decided.withColumns(
        {
            "remittance_id": F.concat(F.lit("R"), F.col("id")),
            "payment_id": F.concat(F.lit("P"), F.col("id")),
            "remit_date": F.col("first_adjudicated_date"),
            "remit_month": month_of(F.col("first_adjudicated_date")),
            "is_reversal": F.lit(False),
            "posting_payer_code": F.col("payer_code"),
        }
    )


def _waiting(final: DataFrame, one_in: int) -> DataFrame:
    """Money outside of any claim, one in so many."""
    dated = {"remit_date": F.col("service_from_date"), "remit_month": F.col("service_month")}
    paid = {"payer_name": F.lit("Aetna"), "paid_amount": F.col("billed_amount")}
    ids = {
        "payment_id": F.concat(F.lit("L"), F.col("id")),
        "remittance_id": F.concat(F.lit("L"), F.col("id")),
        "claim_id": F.concat(F.lit("L"), F.col("id")),
    }
    return final.where(_pick("waiting", one_in) == 0).withColumns(ids | dated | paid)
