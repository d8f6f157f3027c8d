"""Whether a member was covered when served: pure functions over frames. Source: domain.md 1.10, X08, X09."""

from collections.abc import Callable

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

MEMBER = ("network", "member_token")
INSTITUTIONAL = "institutional"
COVERED, LOST = "covered", "lost_retroactively"
GAP, BEFORE_FIRST, AFTER_LAST = "gap", "before_first", "after_last"
UNKNOWN_MEMBER = "unknown_member"
ELIG_STATUSES = (COVERED, LOST, GAP, BEFORE_FIRST, AFTER_LAST, UNKNOWN_MEMBER)
_SPAN = ("span_start_date", "span_end_date", "known_to")


def last_day_served() -> Column:
    """Last day on which coverage counts: of an institutional claim the end of its stay, else the first day."""
    stay_end = F.greatest("service_from_date", "service_to_date", "discharge_date")
    is_institutional = F.col("claim_type").eqNullSafe(INSTITUTIONAL)
    return F.when(is_institutional, stay_end).otherwise(F.col("service_from_date"))


def with_elig_status(claims: DataFrame, spans: DataFrame) -> DataFrame:
    """`claims`, one row each, with `elig_status`.

    covered: a span that is believed now holds the day of service; of an institutional claim any day of the stay.
    lost_retroactively: none does, but one did that was believed on the day the claim was first adjudicated or later
    (without such a date: ever). Else, by the spans believed now (if there are none, all that ever were): gap (spans lie
    before and after), before_first or after_last. unknown_member: no span was ever known of the member, or the claim
    names none. A claim of a known member without a day of service has null.

    Args:
        claims: network, member_token, claim_type, service_from_date, service_to_date, discharge_date,
            first_adjudicated_date.
        spans: rows of silver.eligibility_span.
    """
    known = spans.groupBy(*MEMBER).agg(F.collect_list(F.struct(*_SPAN)).alias("_spans"))
    # One row per member on the right, being grouped by it; a claim without a member finds none.
    placed = claims.join(known, on=[*MEMBER], how="left").withColumn("_last_day", last_day_served())
    believed = F.filter("_spans", lambda span: span["known_to"].isNull())
    looked_at = placed.withColumn("_believed", F.when(F.size(believed) > 0, believed).otherwise(F.col("_spans")))
    return looked_at.withColumn("elig_status", _status()).select(*claims.columns, "elig_status")


def _status() -> Column:
    ended_before = F.exists("_believed", lambda span: span["span_end_date"] < F.col("service_from_date"))
    starts_after = F.exists("_believed", lambda span: span["span_start_date"] > F.col("_last_day"))
    return (
        F.when(F.col("_spans").isNull(), UNKNOWN_MEMBER)
        .when(F.col("service_from_date").isNull(), F.lit(None).cast("string"))
        .when(_any_covers(lambda span: span["known_to"].isNull()), COVERED)
        .when(_any_covers(_still_believed_at_adjudication), LOST)
        .when(_true(ended_before) & _true(starts_after), GAP)
        .when(_true(starts_after), BEFORE_FIRST)
        .otherwise(AFTER_LAST)
    )


def _any_covers(counts: Callable[[Column], Column]) -> Column:
    """A span that counts holds a day from the first to the last that is looked at; never null."""

    def covers(span: Column) -> Column:
        is_begun = span["span_start_date"] <= F.col("_last_day")
        is_on = span["span_end_date"].isNull() | (span["span_end_date"] >= F.col("service_from_date"))
        return is_begun & is_on & counts(span)

    return _true(F.exists("_spans", covers))


def _still_believed_at_adjudication(span: Column) -> Column:
    """What was dropped before the day of adjudication could not be relied on that day."""
    adjudicated = F.col("first_adjudicated_date").cast("timestamp")
    return adjudicated.isNull() | (span["known_to"] > adjudicated)


def _true(condition: Column) -> Column:
    return F.coalesce(condition, F.lit(False))
