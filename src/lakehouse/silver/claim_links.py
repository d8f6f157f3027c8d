"""Which claims may be versions of one another, and which are: pure functions over frames of claims.

Evidence, strongest first: the claim a version says it replaces; a control number that two claims share, if their
member, claim type and billing provider agree and their dates overlap; the sender's suffix for later versions.
A claim is (network, claim_id). Sources: contracts of the feeds; X12 837 CLM05-3 and REF*F8.
"""

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

CLAIM = ("network", "claim_id")
INTERIM = ("2", "3", "4")
ADDITIVE = (*INTERIM, "5")  # they add to a claim and replace nothing
VOID = "8"
REPLACING = ("7", VOID, "Q")
ROUNDS = 7  # each follows chains twice as far: 64 versions
_ISLAND = ("network", "kind", "number", "member_token", "claim_type", "billing")


def claim_hubs() -> Column:
    """What a claim may share with versions of itself; of a row of silver.claim with its network's settings."""
    return F.array_compact(
        F.array(
            _hub("c", F.col("claim_id")),
            _hub("c", F.col("replaces_claim_id")),
            _hub("c", stem()),
            _hub("p", F.col("payer_control_number")),
            _hub("a", F.col("patient_control_number")),
        )
    )


def stem() -> Column:
    """The claim's id without its network's version suffix; null where it has none."""
    short = F.regexp_replace("claim_id", F.concat(F.lit("(?:"), F.col("version_suffix"), F.lit(")$")), F.lit(""))
    return F.when((short != F.col("claim_id")) & (short != ""), short)


def with_links(claims: DataFrame) -> DataFrame:
    """`claims`, one row each, with the claim each acts on and what it shares with others.

    `claims` has the columns of silver.claim and its network's `version_suffix`. Added: `parent_id` (null: none),
    `link_evidence` (explicit, control_number, suffix, none), `nodes` (claims that share one are of one family) and
    `is_number_shared_apart`: another claim bears its control number but differs in what must agree.
    """
    numbers = _by_control_number(claims)
    stems = claims.select("network", F.col("claim_id").alias("stem"), F.col("member_token").alias("stem_member"))
    known = claims.withColumn("stem", stem()).join(stems, on=["network", "stem"], how="left")  # claim ids are unique
    found = known.join(numbers, on=[*CLAIM], how="left")
    explicit = F.when(F.col("replaces_claim_id") != F.col("claim_id"), F.col("replaces_claim_id"))
    control = F.when(F.col("frequency_code").isin(*REPLACING), F.col("anchor_id"))
    suffix = F.when(F.col("stem_member") == F.col("member_token"), F.col("stem"))
    evidence = (
        F.when(explicit.isNotNull(), "explicit")
        .when(F.size(F.coalesce("number_nodes", F.array())) > 0, "control_number")
        .when(suffix.isNotNull(), "suffix")
        .otherwise("none")
    )
    parent = F.coalesce(explicit, control, suffix)
    own = F.array_compact(F.array(_hub("c", F.col("claim_id")), _hub("c", explicit), _hub("c", suffix)))
    return found.withColumns(
        {
            "parent_id": parent,
            "link_evidence": evidence,
            "nodes": F.array_union(own, F.coalesce("number_nodes", F.array())),
            "is_number_shared_apart": F.coalesce("is_number_shared_apart", F.lit(False)),
        }
    ).drop("stem", "stem_member", "number_nodes", "anchor_id")


def with_label(linked: DataFrame) -> DataFrame:
    """`linked` (see `with_links`) with `label`, equal for all claims of a family, and `is_complete`: no link leads out.

    The smallest claim id spreads over shared nodes. A claim also asks the claim that its label names, so each round
    reaches twice as far. Claims that share nothing take no part.
    """
    node = Window.partitionBy("node")
    exploded = linked.select(*CLAIM, F.explode("nodes").alias("node"))
    shared = exploded.withColumn("sharing", F.count(F.lit(1)).over(node)).where(F.col("sharing") > 1)
    state = shared.groupBy(*CLAIM).agg(F.collect_list("node").alias("shared"), F.col("claim_id").alias("label"))
    for _ in range(ROUNDS):
        state = _spread(state)
    last = _spread(state.withColumn("before", F.col("label")), "before")
    labels = last.select(*CLAIM, "label", (F.col("label") == F.col("before")).alias("is_complete"))
    found = linked.join(labels, on=[*CLAIM], how="left")  # one row per claim: grouped by it
    return found.withColumns(
        {"label": F.coalesce("label", "claim_id"), "is_complete": F.coalesce("is_complete", F.lit(True))}
    ).drop("nodes")


def _spread(state: DataFrame, *kept: str) -> DataFrame:
    """One round: each claim takes the smallest label of its nodes."""
    asked = F.array_union("shared", F.array(_hub("c", F.col("claim_id")), _hub("c", F.col("label"))))
    every = state.withColumn("node", F.explode(asked))
    least = every.withColumn("label", F.min("label").over(Window.partitionBy("node")))
    return least.groupBy(*CLAIM).agg(
        F.first("shared").alias("shared"), F.min("label").alias("label"), *[F.first(k).alias(k) for k in kept]
    )


def _by_control_number(claims: DataFrame) -> DataFrame:
    """One row per claim with a control number: the nodes it shares, the earliest claim there that replaces none, and
    whether the number stands on other claims too that do not agree."""
    is_of_stay = F.col("frequency_code").isin(*INTERIM) & F.col("admission_date").isNotNull()
    numbers = F.array(
        F.struct(F.lit("p").alias("kind"), F.col("payer_control_number").alias("number")),
        F.struct(F.lit("a").alias("kind"), F.col("patient_control_number").alias("number")),
    )
    numbered = claims.select(
        *CLAIM,
        "member_token",
        "claim_type",
        F.coalesce("billing_provider_id", "billing_npi").alias("billing"),
        F.when(is_of_stay, F.col("admission_date")).otherwise(F.col("service_from_date")).alias("starts"),
        F.greatest(F.coalesce("service_to_date", "service_from_date"), "service_from_date").alias("ends"),
        (~F.coalesce(F.col("frequency_code").isin(*REPLACING), F.lit(False))).alias("is_first"),
        F.inline(numbers),
    ).where(F.col("number").isNotNull())
    ordered = Window.partitionBy(*_ISLAND).orderBy("starts", "claim_id")
    last_end = F.max("ends").over(ordered.rowsBetween(Window.unboundedPreceding, -1))
    starts_anew = F.when(F.col("starts") <= last_end, 0).otherwise(1)
    island = F.sum("starts_anew").over(ordered.rowsBetween(Window.unboundedPreceding, Window.currentRow))
    complete = [F.col(c).isNotNull() for c in ("member_token", "claim_type", "billing", "starts")]
    agrees = complete[0] & complete[1] & complete[2] & complete[3]
    node = F.when(agrees, F.concat_ws("|", *_ISLAND, F.col("island").cast("string")))
    placed = numbered.withColumn("starts_anew", starts_anew).withColumn("island", island).withColumn("node", node)
    together, everywhere = Window.partitionBy("network", "kind", "number", "node"), ["network", "kind", "number"]
    first = F.min(F.when(F.col("is_first"), F.struct("starts", "claim_id"))).over(together)
    counted = placed.withColumns(
        {
            "sharing": F.when(F.col("node").isNotNull(), F.count(F.lit(1)).over(together)).otherwise(1),
            "bearing": F.count(F.lit(1)).over(Window.partitionBy(*everywhere)),
            "anchor": F.when(F.col("node").isNotNull(), first["claim_id"]),
        }
    )
    is_shared, is_other = F.col("sharing") > 1, F.col("anchor") != F.col("claim_id")
    # Of the two numbers the payer's decides: kind "p" is the greater.
    return counted.groupBy(*CLAIM).agg(
        F.collect_set(F.when(is_shared, F.col("node"))).alias("number_nodes"),
        F.max_by(F.when(is_other, F.col("anchor")), F.when(is_other, F.col("kind"))).alias("anchor_id"),
        F.bool_or(F.col("bearing") > F.col("sharing")).alias("is_number_shared_apart"),
    )


def _hub(kind: str, value: Column) -> Column:
    return F.concat(F.lit(f"{kind}|"), F.col("network"), F.lit("|"), value)
