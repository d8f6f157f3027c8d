"""Synthea's individual providers and facilities as one roster."""

import pytest
from pyspark.sql import SparkSession

from builders import given
from lakehouse.bronze.synthea.organizations import conform_organizations
from lakehouse.bronze.synthea.providers import conform_providers
from lakehouse.spec.contracts import PROVIDERS
from lakehouse.spec.feed import Conform
from lakehouse.spec.field import BRONZE_LINEAGE

both_rosters = pytest.mark.parametrize(
    ("conform", "entity_type"), [(conform_providers, "individual"), (conform_organizations, "organization")]
)


@both_rosters
def test_a_roster_row_keeps_its_id_as_the_key(spark: SparkSession, conform: Conform, entity_type: str) -> None:
    raw_rows = given(
        spark, conform.main, {"id": "X1", "name": "Víctor", "state": "ma", "zip": "2139-4307", "npi": "1234567893"}
    )
    result = conform(**{conform.main_input: raw_rows})
    assert result.columns == [f.name for f in PROVIDERS.all_fields] + [f.name for f in BRONZE_LINEAGE] + [
        "_drop_reason"
    ]
    expected = {
        "network": "north",
        "provider_id": "X1",
        "location_id": "MAIN",
        "npi": "1234567893",
        "entity_type": entity_type,
        "provider_name": "Víctor",
        "state": "MA",
        "zip_code": "02139-4307",
        "is_deleted": "false",
    }
    if entity_type == "individual":
        expected["specialty"] = "speciality-1"
    assert {k: v for k, v in result.first().asDict().items() if v is not None and not k.startswith("_")} == expected


@both_rosters
def test_a_row_of_nulls_and_a_repeated_row_are_kept(spark: SparkSession, conform: Conform, entity_type: str) -> None:
    rows = [{"id": "X1"}, {"id": "X1"}, {f.name: None for f in conform.main.fields}]
    found = conform(**{conform.main_input: given(spark, conform.main, *rows)}).collect()
    assert [(r.provider_id, r.entity_type, r._row_number) for r in found] == [
        ("X1", entity_type, 1),
        ("X1", entity_type, 2),
        (None, entity_type, 3),
    ]


def test_a_zip_gets_its_zero_back_and_an_unknown_state_is_null(spark: SparkSession) -> None:
    zips = {"2155": "02155", "02155": "02155", "155": "155", "021394307": "021394307", "": None}
    states = ("Massachusetts", "MA", "New York", "Atlantis", None)
    rows = [{"zip": sent, "state": state} for sent, state in zip(zips, states, strict=True)]
    found = conform_providers(providers=given(spark, conform_providers.main, *rows)).collect()
    assert [r.zip_code for r in found] == list(zips.values())
    assert [r.state for r in found] == ["MA", "MA", "NY", None, None]
