"""Which lease covers which table."""

from lakehouse.engine.leases import lease_of, leases_of
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.registry import Registry

REGISTRY = Registry.discover(
    {
        "north": NetworkSettings(adapter="standard", root="drops"),
        "north_west": NetworkSettings(adapter="standard", root="drops"),
    }
)


def test_bronze_goes_by_network_and_the_rest_together() -> None:
    assert lease_of(REGISTRY, "bronze.north_claims") == "bronze:north"
    assert lease_of(REGISTRY, "bronze.north_west_claims") == "bronze:north_west"
    assert lease_of(REGISTRY, "silver.claim") == "core"
    assert lease_of(REGISTRY, "reference.payer_mapping") == "core"
    assert lease_of(REGISTRY, "ops.run") == "core"


def test_what_stands_beside_a_table_goes_with_it() -> None:
    assert lease_of(REGISTRY, "bronze.north_claims__quarantine") == "bronze:north"
    assert lease_of(REGISTRY, "bronze.north_claims__missing") == "bronze:north"
    assert lease_of(REGISTRY, "silver.claim__quarantine") == "core"


def test_a_run_takes_each_lease_once_in_one_order() -> None:
    names = ["silver.claim", "bronze.north_west_claims", "bronze.north_claims", "gold.revenue_by_payer"]
    assert leases_of(REGISTRY, names) == ["bronze:north", "bronze:north_west", "core"]
