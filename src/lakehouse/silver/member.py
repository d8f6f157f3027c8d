"""Members of each network, without anything that names them. Made of silver.eligibility."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.silver.eligibility import eligibility
from lakehouse.silver.statement import ORDER
from lakehouse.spec.contracts import ELIGIBILITY, MEMBER_TOKEN, MEMBER_TOKEN_KEY_VERSION, NETWORK
from lakehouse.spec.expectations import WARN, row
from lakehouse.spec.field import BOOLEAN, INT, field
from lakehouse.spec.scopes import ReplaceGroups, groups
from lakehouse.spec.table import table

MEMBER = ("network", "member_token")
GROUPED_AGE = 90  # 45 CFR 164.514(b)(2)(i)(C): all ages over 89 are one, and no year may tell them


def newest(column: str) -> Column:
    """What the newest statement says that says anything of it."""
    order = F.struct(*ORDER, "payer_name", "plan_name", "coverage_type", "coverage_start_date")
    return F.max_by(F.col(column), F.when(F.col(column).isNotNull(), order))


def statements_agree() -> Column:
    """Every statement of the member says the same sex and year of birth; else two people may share a number."""
    return ~F.col("has_conflicts")


def said_once(column: str) -> Column:
    """No two statements say different things of it; silence is no difference."""
    return F.min(column).eqNullSafe(F.max(column))


@table(
    "silver.member",
    reads={"statements": groups(eligibility, by=MEMBER)},
    fields=[
        NETWORK,
        MEMBER_TOKEN,
        MEMBER_TOKEN_KEY_VERSION,
        field("birth_year", INT, "year of birth; null for members of 90 or more years"),
        field("is_90_or_more", BOOLEAN, "reaches 90 in the year of the newest delivery, or did before"),
        *ELIGIBILITY.pick("sex", "state"),
        field("has_conflicts", BOOLEAN, "statements disagree about sex or year of birth", required=True),
    ],
    write=ReplaceGroups(by=MEMBER),
    expectations=[row("statements_agree", statements_agree, on_failure=WARN, source="domain.md X15")],
)
def member(statements: DataFrame) -> DataFrame:
    """One row per member of a network; of each attribute what the newest statement says that says anything.

    No name, no date of birth, no ZIP code. A member whose year of birth was never sent has neither year nor age group.
    """
    said = statements.groupBy(*MEMBER).agg(
        *[newest(c).alias(c) for c in ("member_token_key_version", "sex", "state")],
        newest("birth_year").alias("year"),
        F.year(F.max("delivered_at")).alias("delivery_year"),
        (~said_once("sex") | ~said_once("birth_year")).alias("has_conflicts"),
    )
    is_old = F.col("delivery_year") - F.col("year") >= GROUPED_AGE
    return said.select(
        *MEMBER,
        "member_token_key_version",
        F.when(~is_old, F.col("year")).alias("birth_year"),
        is_old.alias("is_90_or_more"),
        "sex",
        "state",
        "has_conflicts",
    )
