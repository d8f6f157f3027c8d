"""Months against the month before: a rule that tells of jumps, which good data rarely has and wrong data often."""

from decimal import Decimal

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.spec.expectations import WARN, CheckContext, Expectation, batch
from lakehouse.spec.rule import WHOLE

MONTH = ("adjudication_month", "network")
VOLUME = Decimal("0.30")
POINTS = Decimal("0.05")
LEAST_LINES = 30
_SUMS = ("lines", "known", "denied")
_COUNT = "decimal(12,0)"


def lines_like_the_month_before(
    volume: Decimal = VOLUME, points: Decimal = POINTS, least_lines: int = LEAST_LINES
) -> Expectation:
    """Lines adjudicated, and how many of them were denied at first, by network and month of first adjudication.

    Judged are the newest month that ended before the as-of date, and earlier ones that are written now or follow on
    one that is. A month without any line counts as zero. A month before with fewer than `least_lines` is no base; a
    month with fewer known outcomes has no rate. Neither has a network without evidence of denials.

    Args:
        volume: greatest change of the number of lines, as a share of the month before.
        points: greatest difference of the rates.
        least_lines: of a month that says something.
    """

    def failing(rows: DataFrame, context: CheckContext) -> DataFrame:
        monthly = _monthly(context.frames[WHOLE])
        following = F.add_months("adjudication_month", 1).alias("adjudication_month")
        before = monthly.select(following, "network", *[F.col(c).alias(f"{c}_before") for c in _SUMS])
        # One row per month and network on the right: grouped by them.
        pairs = before.join(monthly, on=[*MONTH], how="left")
        last_ended = F.add_months(F.lit(context.as_of.replace(day=1)), -1)
        newest = pairs.where(F.col("adjudication_month") == last_ended).select(*MONTH)
        written = rows.select(*MONTH).distinct()
        touched = newest.unionByName(written).unionByName(written.select(following, "network"))
        ended = pairs.where(F.col("adjudication_month") <= last_ended)
        judged = ended.join(touched, on=[*MONTH], how="left_semi")

        lines, lines_before = F.coalesce("lines", F.lit(0)), F.col("lines_before")
        known, known_before = F.col("known"), F.col("known_before")
        jumped = F.abs(lines - lines_before) > F.lit(volume) * lines_before
        apart = F.abs(F.col("denied") * known_before - F.col("denied_before") * known)  # of fractions, without dividing
        shifted = (F.least(known, known_before) >= least_lines) & (apart > F.lit(points) * known * known_before)
        is_base = lines_before >= least_lines
        return judged.where(is_base & (jumped | F.coalesce(shifted, F.lit(False))))

    meaning = (
        f"A month that has ended differs from the month before (of {least_lines} lines or more) by at most "
        f"{volume:.0%} in lines adjudicated, and by at most {points * 100:.0f} points in the initial line denial rate."
    )
    return batch(
        "lines_like_the_month_before",
        failing,
        on_failure=WARN,
        sees_whole=True,
        named_by=MONTH,
        meaning=meaning,
        source="domain.md G07",
    )


def _monthly(rows: DataFrame) -> DataFrame:
    """One row per month and network; what is known of denials is null without evidence of them."""
    known = F.col("lines_adjudicated") - F.col("lines_outcome_unknown")
    denied = F.col("lines_initially_denied_full") + F.col("lines_initially_denied_partial")
    counted = zip(_SUMS, (F.col("lines_adjudicated"), known, denied), strict=True)
    return rows.groupBy(*MONTH).agg(*[F.sum(value).cast(_COUNT).alias(name) for name, value in counted])
