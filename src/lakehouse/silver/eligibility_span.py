"""Coverage of each member, by the day it held and by the time it was believed. Made of silver.eligibility."""

from pyspark.sql import DataFrame

from lakehouse.silver.coverage_beliefs import believed_spans
from lakehouse.silver.eligibility import eligibility
from lakehouse.silver.full_eligibility import full_eligibility
from lakehouse.spec.contracts import ELIGIBILITY, MEMBER_TOKEN, MEMBER_TOKEN_KEY_VERSION, NETWORK
from lakehouse.spec.expectations import FAIL, not_after, unique
from lakehouse.spec.field import DATE, TIMESTAMP, field
from lakehouse.spec.scopes import ReplaceGroups, groups, period_of, snapshot
from lakehouse.spec.table import table

MEMBER = ("network", "member_token")
GRAIN = (*MEMBER, "payer_name", "plan_name", "coverage_type", "span_start_date", "known_from")


@table(
    "silver.eligibility_span",
    reads={"statements": groups(eligibility, by=MEMBER), "deliveries": snapshot(full_eligibility)},
    fields=[
        NETWORK,
        MEMBER_TOKEN,
        MEMBER_TOKEN_KEY_VERSION,
        *ELIGIBILITY.pick("payer_name", "plan_name", "coverage_type"),
        field("span_start_date", DATE, "first day covered", required=True),
        field("span_end_date", DATE, "last day covered; null while open"),
        *ELIGIBILITY.pick("line_of_business"),
        field("known_from", TIMESTAMP, "delivery from which the span was believed, UTC", required=True),
        field("known_to", TIMESTAMP, "delivery from which it was not, UTC; null while believed"),
    ],
    write=ReplaceGroups(by=MEMBER, keys=GRAIN),
    partition_by=period_of("span_start_date"),
    expectations=[
        unique(*GRAIN, on_failure=FAIL),
        not_after("span_start_date", "span_end_date", on_failure=FAIL),
        not_after("known_from", "known_to", on_failure=FAIL),
    ],
)
def eligibility_span(statements: DataFrame, deliveries: DataFrame) -> DataFrame:
    """One row per member, payer, plan, coverage type, span and time in which the span was believed.

    Eligible as known at an instant T: `known_from <= T and (known_to is null or known_to > T)`; as known now:
    `known_to is null`. Spans of one plan and type that overlap or touch are one. What a delivery ended or added in the
    past has rows of its own; nothing that was believed is lost. Payers that stand for no insurance have no spans.
    """
    return believed_spans(statements, deliveries).select(*eligibility_span.field_names)
