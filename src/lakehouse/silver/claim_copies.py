"""Which families of several networks are one claim, and whose counts: pure functions over settled families.

Evidence, strongest first: the payer's control number with the payer; the provider's number with billing provider,
payer and day (providers number patients as well as claims, so one number stands on many visits); a fingerprint of
member, days, provider and charge, which proves nothing. Within one network nothing is a copy. Source: domain.md 1.9.
"""

from pyspark.sql import Column, DataFrame, Window, WindowSpec
from pyspark.sql import functions as F

from lakehouse.reference.payer_mapping import sent_name_key
from lakehouse.silver.family_settlement import FAMILY
from lakehouse.silver.standard_payer import UNMAPPED
from lakehouse.spec.columns import clean_code

PAYER_NUMBER, PATIENT_NUMBER, FINGERPRINT = "payer_control_number", "patient_control_number", "fingerprint"
EVIDENCE = (PAYER_NUMBER, PATIENT_NUMBER, FINGERPRINT)
EXACT, CONFLICT, POSSIBLE = "exact", "conflict", "possible"
OUTCOMES = (EXACT, CONFLICT, POSSIBLE)
_NUMBERS = ("payer_number", "patient_number")  # the hubs that identify
_HUBS = (*_NUMBERS, "fingerprint")
_LAST = 2_147_483_647  # after every rank and every day


def copy_hubs() -> Column:
    """What a family may share with its copies; of a row of silver.claim_final."""
    return F.array_compact(F.array(_payer_number(), _patient_number(), _fingerprint()))


def with_copies(families: DataFrame) -> DataFrame:
    """Those of `families` that may stand in several networks: of which set each is, on what evidence, what follows.

    Added: `copy_id` and `senders` (of the set), `related_id` (names all sets that share any evidence), `evidence`,
    `outcome`, `is_kept`, `is_complete`; `modified_at` is the newest of the set.

    Args:
        families: silver.claim_final, with its network's `source_rank`.
    """
    return _described(_kept(_decided(_with_sets(_shared(families)))))


def copies_left_out(copies: DataFrame) -> DataFrame:
    """Families, one row each, in whose place another network's family counts; of rows of silver.claim_copy."""
    return copies.where(F.col("outcome").isin(EXACT, CONFLICT) & ~F.col("is_kept")).select(*FAMILY)


def without_copies(families: DataFrame, copies: DataFrame) -> DataFrame:
    """`families` (any rows of families) without those that `copies_left_out` names."""
    return families.join(copies_left_out(copies), on=[*FAMILY], how="left_anti")


def with_is_copy(families: DataFrame, copies: DataFrame) -> DataFrame:
    """`families` (any rows of families), one row each, with `is_copy`: `copies_left_out` names theirs. Never null."""
    left_out = copies_left_out(copies).withColumn("is_copy", F.lit(True))
    marked = families.join(left_out, on=[*FAMILY], how="left")  # one row per family on the right
    return marked.withColumn("is_copy", F.col("is_copy").isNotNull())


def _shared(families: DataFrame) -> DataFrame:
    """Families that share a hub with another network's, with the hubs that they so share."""
    placed = families.select(
        *FAMILY, "service_month", "submission_month", "adjudication_month",
        "modified_at", "source_rank", "last_adjudicated_date",
        "billed_amount", "paid_amount", "final_status", "billing_npi",
        F.nullif("claim_type", F.lit("undetermined")).alias("claim_type"),
        F.col("service_from_date").alias("starts"),
        _last_day().alias("ends"),
        F.concat_ws("|", *FAMILY).alias("own_id"),
        _payer_number().alias("payer_number"),
        _patient_number().alias("patient_number"),
        _fingerprint().alias("fingerprint"),
    )  # fmt: skip
    for hub in _HUBS:
        bearers = _bearers(hub)
        is_shared = F.min("network").over(bearers) != F.max("network").over(bearers)
        placed = placed.withColumn(hub, F.when(is_shared, F.col(hub)))
    return placed.where(F.coalesce(*_HUBS).isNotNull())


def _with_sets(shared: DataFrame) -> DataFrame:
    """`shared` with `copy_id`, the smallest family linked by numbers, and `related_id`, by anything at all.

    The smallest id spreads over one hub after the other. Longer chains than these rounds follow are told by
    `is_complete`.
    """
    sets = shared.withColumn("copy_id", F.col("own_id"))
    for hub in (*_NUMBERS, *_NUMBERS):
        sets = _spread(sets, hub, "copy_id")
    payers = _bearers("payer_number")
    is_whole = F.min("copy_id").over(payers) == F.max("copy_id").over(payers)
    sets = sets.withColumns({"is_whole": is_whole, "related_id": F.col("copy_id")})
    for hub in ("fingerprint", "copy_id", "fingerprint", "copy_id"):
        sets = _spread(sets, hub, "related_id")
    return sets


def _decided(sets: DataFrame) -> DataFrame:
    """`sets` with `outcome`, and what the set of their numbers comes to.

    Numbers identify only if each network has one family there, all name the same billing provider, their days overlap
    and no two claim types differ: networks number claims as they like, and one number may mean two claims.
    """
    together = Window.partitionBy("copy_id")
    money = F.struct("billed_amount", "paid_amount", "final_status")
    known = sets.withColumns(
        {
            "networks": F.collect_set("network").over(together),
            "members": F.count(F.lit(1)).over(together),
            "agrees": _is_one("claim_type", together)
            & (F.count("billing_npi").over(together) == F.count(F.lit(1)).over(together))
            & _is_one("billing_npi", together)
            & (F.max("starts").over(together) <= F.min("ends").over(together)),
            "is_same": F.min(money).over(together) == F.max(money).over(together),
            "is_whole": F.bool_and("is_whole").over(together),
            "newest": F.max("modified_at").over(together),
        }
    )
    is_one_each = (F.size("networks") > 1) & (F.col("members") == F.size("networks"))
    identifies = is_one_each & F.col("agrees") & F.col("is_whole")
    outcome = F.when(identifies & F.col("is_same"), EXACT).when(identifies, CONFLICT).otherwise(POSSIBLE)
    return known.withColumn("outcome", outcome)


def _kept(decided: DataFrame) -> DataFrame:
    """`decided` with `is_kept`: of an exact set the lowest rank, then name; of a conflict, the newest answer before the
    name. What is only possible is always kept."""
    newest_answer = F.coalesce(-F.unix_date("last_adjudicated_date"), F.lit(_LAST))
    order = F.struct(
        F.coalesce("source_rank", F.lit(_LAST)).alias("rank"),
        F.when(F.col("outcome") == CONFLICT, newest_answer).alias("age"),
        F.col("network"),
    )
    best = F.min(order).over(Window.partitionBy("copy_id"))
    return decided.withColumn("is_kept", (F.col("outcome") == POSSIBLE) | (best["network"] == F.col("network")))


def _described(kept: DataFrame) -> DataFrame:
    """`kept` with its evidence; the set of a family without a shared number is what has its fingerprint."""
    alike, has_number = _bearers("fingerprint"), F.coalesce(*_NUMBERS).isNotNull()
    is_followed = F.min("related_id").over(alike) == F.max("related_id").over(alike)
    evidence = (
        F.when(F.col("payer_number").isNotNull(), PAYER_NUMBER)
        .when(F.col("patient_number").isNotNull(), PATIENT_NUMBER)
        .otherwise(FINGERPRINT)
    )
    networks = F.when(has_number, F.col("networks")).otherwise(F.collect_set("network").over(alike))
    return kept.withColumns(
        {
            "evidence": evidence,
            "is_complete": is_followed & F.col("is_whole"),
            "senders": F.array_sort(networks),
            "copy_id": F.when(has_number, F.col("copy_id")).otherwise(F.min("own_id").over(alike)),
            "modified_at": F.when(has_number, F.col("newest")).otherwise(F.max("modified_at").over(alike)),
        }
    )


def _bearers(hub: str) -> WindowSpec:
    """All rows with the same hub; a row without is by itself."""
    return Window.partitionBy(hub, F.when(F.col(hub).isNull(), F.col("own_id")))


def _spread(sets: DataFrame, hub: str, label: str) -> DataFrame:
    return sets.withColumn(label, F.min(label).over(_bearers(hub)))


def _is_one(column: str, together: WindowSpec) -> Column:
    """At most one value stands in the column; null is none."""
    return F.coalesce(F.min(column).over(together) == F.max(column).over(together), F.lit(True))


def _last_day() -> Column:
    return F.greatest(F.coalesce("service_to_date", "service_from_date"), "service_from_date")


def _payer() -> Column:
    """The standard payer; OTHER is many, which their names tell apart."""
    named = F.concat(F.lit(f"{UNMAPPED}:"), sent_name_key(F.col("payer_name")))
    return F.when(F.col("payer_code") == UNMAPPED, named).otherwise(F.col("payer_code"))


def _payer_number() -> Column:
    return _hub("p", _payer(), clean_code(F.col("payer_control_number")))


def _patient_number() -> Column:
    day = F.col("service_from_date").cast("string")
    return _hub("a", _payer(), F.col("billing_npi"), day, clean_code(F.col("patient_control_number")))


def _fingerprint() -> Column:
    """Nothing charged, nothing to count twice: void families have none."""
    days = [day.cast("string") for day in (F.col("service_from_date"), _last_day())]
    provider = F.coalesce("billing_npi", "rendering_npi")
    charge = F.nullif(F.col("billed_amount").cast("string"), F.lit("0.00"))
    return _hub("f", F.col("member_token"), *days, provider, charge)


def _hub(kind: str, *parts: Column) -> Column:
    """Null if any part is: what is not said is shared with nobody."""
    between = [piece for part in parts for piece in (F.lit("|"), part)]
    return F.concat(F.lit(kind), *between)
