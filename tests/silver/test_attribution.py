from collections.abc import Mapping
from datetime import date

import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.attribution import ATTRIBUTION, with_provider
from lakehouse.silver.provider import provider
from lakehouse.spec.contracts import CLAIMS
from lakehouse.spec.field import STRING, field
from silver import rows
from silver.rows import Row

FIELDS = (
    field("family_id", STRING, "claim"),
    *CLAIMS.pick("network", "rendering_provider_id", "billing_provider_id", "service_from_date"),
)
ROSTER: list[Row] = [
    {
        "provider_id": "P1",
        "location_id": "MAIN",
        "valid_from": "2026-01-01",
        "valid_to": "2026-03-31",
        "specialty": "internal medicine",
    },
    {
        "provider_id": "P1",
        "location_id": "MAIN",
        "valid_from": "2026-04-01",
        "valid_to": None,
        "specialty": "cardiology",
    },
    {"provider_id": "P1", "location_id": "A", "valid_from": "2025-01-01", "valid_to": None, "specialty": "oncology"},
    {"provider_id": "P2", "location_id": "L2", "valid_from": "1900-01-01", "valid_to": "2026-06-30"},
    {"provider_id": "P2", "location_id": "L10", "valid_from": "1900-01-01", "valid_to": "2026-06-30"},
    {"network": "south", "provider_id": "P9", "location_id": "MAIN", "valid_from": "1900-01-01", "valid_to": None},
]
NOBODY = (None, None, None, None)
CASES: Mapping[str, tuple[Row, tuple[object, ...]]] = {
    "first day": (
        {"service_from_date": "2026-01-01"},
        ("P1", "MAIN", date(2026, 1, 1), "internal medicine", "in_roster"),
    ),
    "last day": (
        {"service_from_date": "2026-03-31"},
        ("P1", "MAIN", date(2026, 1, 1), "internal medicine", "in_roster"),
    ),
    "first day of the next row": (
        {"service_from_date": "2026-04-01"},
        ("P1", "MAIN", date(2026, 4, 1), "cardiology", "in_roster"),
    ),
    "only another location is valid": (
        {"service_from_date": "2025-12-31"},
        ("P1", "A", date(2025, 1, 1), "oncology", "in_roster"),
    ),
    "no location is valid yet": ({"service_from_date": "2024-12-31"}, (*NOBODY, "not_on_date")),
    "no location is valid any more": (
        {"rendering_provider_id": "P2", "service_from_date": "2026-07-01"},
        (*NOBODY, "not_on_date"),
    ),
    "no MAIN: the smallest id": (
        {"rendering_provider_id": "P2", "service_from_date": "2026-06-30"},
        ("P2", "L10", date(1900, 1, 1), None, "in_roster"),
    ),
    "no rendering provider: billing": (
        {"rendering_provider_id": None, "billing_provider_id": "P2"},
        ("P2", "L10", date(1900, 1, 1), None, "in_roster"),
    ),
    "a rendering provider is not replaced by billing": (
        {"rendering_provider_id": "P7", "billing_provider_id": "P2"},
        (*NOBODY, "not_in_roster"),
    ),
    "another network's provider": ({"rendering_provider_id": "P9"}, (*NOBODY, "not_in_roster")),
    "no provider named": ({"rendering_provider_id": None}, (*NOBODY, "not_in_roster")),
    "no day of service": ({"service_from_date": None}, (*NOBODY, "not_on_date")),
    "a network without a roster": ({"network": "west"}, (*NOBODY, "not_in_roster")),
    "no provider named, no roster": ({"network": "west", "rendering_provider_id": None}, (*NOBODY, "not_in_roster")),
}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Mapping[str, tuple[object, ...]]:
    claim = {"network": "north", "rendering_provider_id": "P1", "service_from_date": "2026-02-01"}
    claims = [{**claim, "family_id": name, **case} for name, (case, _) in CASES.items()]
    roster = rows.frame(spark, provider.fields, *ROSTER, defaults={"network": "north"})
    given = rows.frame(spark, FIELDS, *claims, claims[0])  # a claim that is given twice stays twice
    result = with_provider(given, roster)
    assert result.columns == [*given.columns, *ATTRIBUTION]
    collected = result.collect()
    assert len(collected) == len(CASES) + 1
    return {row["family_id"]: tuple(row[name] for name in ATTRIBUTION) for row in collected}


@pytest.mark.parametrize("name", CASES)
def test_roster_row_of_a_claim(found: Mapping[str, tuple[object, ...]], name: str) -> None:
    assert found[name] == CASES[name][1]
