from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field

import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.coverage import ELIG_STATUSES, with_elig_status
from lakehouse.silver.eligibility_span import eligibility_span
from lakehouse.spec.contracts import CLAIMS, MEMBER_TOKEN
from lakehouse.spec.field import DATE, STRING, field
from silver import rows
from silver.rows import Row

FIELDS = (
    field("family_id", STRING, "claim"),
    *CLAIMS.pick("network"),
    MEMBER_TOKEN,
    *CLAIMS.pick("claim_type", "service_from_date", "service_to_date", "discharge_date"),
    field("first_adjudicated_date", DATE, "payer's first answer"),
)
WINTER: Row = {"span_start_date": "2026-01-01", "span_end_date": "2026-03-31"}
SUMMER: Row = {"span_start_date": "2026-06-01", "span_end_date": None}
DROPPED: Row = {**WINTER, "known_to": "2026-05-10T06:00:00"}


@dataclass(frozen=True)
class Case:
    """A claim, the spans of its member, and the status; a claim without columns is served on `day`."""

    day: str | None
    spans: Sequence[Row]
    expected: str | None
    claim: Row = dataclass_field(default_factory=dict)


INSTITUTIONAL: Row = {"claim_type": "institutional"}
CASES: Mapping[str, Case] = {
    "on the first day covered": Case("2026-01-01", [WINTER], "covered"),
    "on the last day covered": Case("2026-03-31", [WINTER], "covered"),
    "the day before the first": Case("2025-12-31", [WINTER], "before_first"),
    "the day after the last": Case("2026-04-01", [WINTER], "after_last"),
    "between two spans": Case("2026-04-15", [WINTER, SUMMER], "gap"),
    "in an open span": Case("2030-01-01", [WINTER, SUMMER], "covered"),
    "in one of two payers' spans": Case("2026-02-01", [WINTER, {**WINTER, "payer_name": "Cigna"}], "covered"),
    "in two spans that are the same": Case("2026-02-01", [WINTER, WINTER], "covered"),
    "member never heard of": Case("2026-02-01", [], "unknown_member"),
    "claim without a member": Case("2026-02-01", [WINTER], "unknown_member", {"member_token": None}),
    "claim without a day": Case(None, [WINTER], None),
    "claim without a day or a known member": Case(None, [], "unknown_member"),
    "member of another network": Case("2026-02-01", [{**WINTER, "network": "south"}], "unknown_member"),
    "professional: a later day does not count": Case(
        "2025-12-31", [WINTER], "before_first", {"service_to_date": "2026-01-01"}
    ),
    "claim without a type is judged by its first day": Case(
        "2025-12-31", [WINTER], "before_first", {"claim_type": None, "service_to_date": "2026-01-01"}
    ),
    "institutional: the last day of service counts": Case(
        "2025-12-31", [WINTER], "covered", {**INSTITUTIONAL, "service_to_date": "2026-01-01"}
    ),
    "institutional: the day of discharge counts": Case(
        "2025-12-30", [WINTER], "covered", {**INSTITUTIONAL, "discharge_date": "2026-01-01"}
    ),
    "institutional: a stay around the whole of coverage": Case(
        "2025-12-30", [WINTER], "covered", {**INSTITUTIONAL, "service_to_date": "2026-04-30"}
    ),
    "institutional: a stay that ends before coverage": Case(
        "2025-12-01", [WINTER], "before_first", {**INSTITUTIONAL, "discharge_date": "2025-12-31"}
    ),
    "institutional: a stay in a gap": Case(
        "2026-04-01", [WINTER, SUMMER], "gap", {**INSTITUTIONAL, "discharge_date": "2026-05-31"}
    ),
    "institutional: without an end the first day counts": Case("2026-04-01", [WINTER], "after_last", INSTITUTIONAL),
    "believed once, and no date of adjudication": Case("2026-02-01", [DROPPED, SUMMER], "lost_retroactively"),
    "believed when it was adjudicated": Case(
        "2026-02-01", [DROPPED, SUMMER], "lost_retroactively", {"first_adjudicated_date": "2026-02-20"}
    ),
    "dropped on the day of adjudication": Case(
        "2026-02-01", [DROPPED, SUMMER], "lost_retroactively", {"first_adjudicated_date": "2026-05-10"}
    ),
    "dropped before it was adjudicated": Case(
        "2026-02-01", [DROPPED, SUMMER], "before_first", {"first_adjudicated_date": "2026-05-11"}
    ),
    "believed once, of another time": Case("2026-04-15", [DROPPED, SUMMER], "before_first"),
    "shortened, and served before the new end": Case(
        "2026-01-15", [DROPPED, {**WINTER, "span_end_date": "2026-01-31"}], "covered"
    ),
    "shortened, and served after the new end": Case(
        "2026-02-15", [DROPPED, {**WINTER, "span_end_date": "2026-01-31"}], "lost_retroactively"
    ),
    "nothing is believed any more, and the day was never covered": Case("2026-04-15", [DROPPED], "after_last"),
}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Mapping[str, str | None]:
    claim = {"network": "north", "claim_type": "professional"}
    claims = [
        {**claim, "family_id": name, "member_token": name, "service_from_date": case.day, **case.claim}
        for name, case in CASES.items()
    ]
    span = {"network": "north", "payer_name": "Aetna", "known_from": "2026-01-02T06:00:00"}
    spans = [{**span, "member_token": name, **row} for name, case in CASES.items() for row in case.spans]
    # A claim that is given twice stays twice.
    given = rows.frame(spark, FIELDS, *claims, claims[0])
    result = with_elig_status(given, rows.frame(spark, eligibility_span.fields, *spans))
    assert result.columns == [*given.columns, "elig_status"]
    collected = result.collect()
    assert len(collected) == len(CASES) + 1
    return {row["family_id"]: row["elig_status"] for row in collected}


@pytest.mark.parametrize("name", CASES)
def test_status_of_a_claim(found: Mapping[str, str | None], name: str) -> None:
    assert found[name] == CASES[name].expected


def test_every_status_is_tried() -> None:
    assert {case.expected for case in CASES.values()} - {None} == set(ELIG_STATUSES)
