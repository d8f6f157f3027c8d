"""What each delivery said of a member's coverage. Conformed from every network's eligibility feed.

The delivery's instant is part of the key: a later statement about a span stands beside the earlier one, so that
silver.eligibility_span can tell what was known on any day. No full date of birth and no ZIP code leave Bronze.
"""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.statement import DELIVERED_AT, IS_WITHDRAWN, STATED_AT, lists_everything, stated_at
from lakehouse.spec.columns import clean_code
from lakehouse.spec.contracts import CHANGE_FIELDS, ELIGIBILITY, MEMBER_TOKEN, MEMBER_TOKEN_KEY_VERSION, NETWORK
from lakehouse.spec.expectations import QUARANTINE, WARN, not_after, row
from lakehouse.spec.field import BIRTH_DATE, INT, field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Merge, changes, conformed, period_of
from lakehouse.spec.table import table

OPEN_END = date(9999, 12, 31)
NO_PART = "-"
SEXES = ("F", "M", "U")
SPAN_KEY = ("network", "member_token", "payer_name", "plan_name", "coverage_type", "coverage_start_date")


def lasts_more_than_a_day() -> Column:
    """Coverage of one day is mostly a span that was meant to be none (domain.md B32)."""
    return F.col("coverage_end_date") != F.col("coverage_start_date")


def starts_in_life() -> Column:
    """Coverage begins in the year of birth or later (domain.md B32)."""
    return F.year("coverage_start_date") >= F.col("birth_year")


def sex() -> Column:
    """F, M or U from the first letter; other words are kept, in upper case."""
    letter = F.substring(clean_code(F.col("sex")), 1, 1)
    return F.when(letter.isin(*SEXES), letter).otherwise(clean_code(F.col("sex")))


@table(
    "silver.eligibility",
    reads={"spans": changes(conformed(ELIGIBILITY))},
    fields=[
        NETWORK,
        MEMBER_TOKEN,
        MEMBER_TOKEN_KEY_VERSION,
        *ELIGIBILITY.pick("payer_name", "plan_name", "coverage_type", "coverage_start_date"),
        DELIVERED_AT,
        STATED_AT,
        *ELIGIBILITY.pick("line_of_business", "coverage_end_date"),
        field("birth_year", INT, "member's year of birth", phi=BIRTH_DATE),
        *ELIGIBILITY.pick("sex", "state", "is_full_file"),
        IS_WITHDRAWN,
        *CHANGE_FIELDS,
    ],
    write=Merge(keys=(*SPAN_KEY, "delivered_at")),
    partition_by=period_of("coverage_start_date"),
    expectations=[
        not_after("coverage_start_date", "coverage_end_date", on_failure=QUARANTINE),
        row("lasts_more_than_a_day", lasts_more_than_a_day, nulls="pass", on_failure=WARN),
        row("starts_in_life", starts_in_life, nulls="pass", on_failure=WARN),
    ],
    freshness=Freshness(within="32 days"),
)
def eligibility(spans: DataFrame) -> DataFrame:
    """One row per coverage span and delivery that spoke of it; tombstones are rows too.

    A blank plan or coverage type is `-`. An end of 9999-12-31 is no end.
    """
    cleaned = {
        "plan_name": F.coalesce("plan_name", F.lit(NO_PART)),
        "coverage_type": F.coalesce(F.lower("coverage_type"), F.lit(NO_PART)),
        "delivered_at": F.col("_lineage.delivered_at"),
        "stated_at": stated_at(),
        "coverage_end_date": F.nullif(F.col("coverage_end_date"), F.lit(OPEN_END)),
        "birth_year": F.year("birth_date"),
        "sex": sex(),
        "state": clean_code(F.col("state")),
        "is_full_file": lists_everything("is_full_file"),
        "is_withdrawn": F.col("is_deleted"),
        "is_deleted": F.lit(False),
    }
    return spans.withColumns(cleaned).select(*eligibility.field_names, "_lineage")
