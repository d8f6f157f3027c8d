"""Read scopes and write modes as values."""

import pytest
from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.errors import DeclarationError
from lakehouse.spec.scopes import (
    Groups,
    LogicalDate,
    Merge,
    Period,
    ReplaceGroups,
    ReplacePartitions,
    Resource,
    changes,
    conformed,
    groups,
    linked,
    logical_date,
    network_settings,
    period_of,
    resource,
    snapshot,
)
from lakehouse.spec.sources import ResourceSource
from spec.declared import VISITS, fresh, merged


def test_groups_by_one_column_or_several() -> None:
    visits = merged(fresh())
    assert groups(visits, by="network") == Groups(visits, ("network",))
    assert groups(visits, by=("network", "visit_id")) == Groups(visits, ("network", "visit_id"))


def test_groups_by_a_column_that_is_no_field_is_refused() -> None:
    visits = merged(fresh())
    with pytest.raises(DeclarationError) as refusal:
        groups(visits, by=("network", "ward", "bed"))
    assert (
        str(refusal.value)
        == f"groups({visits.name}): by ward, bed is no field of {visits.name}. Name a declared field."
    )


def test_scopes_of_equal_words_are_equal() -> None:
    visits = merged(fresh())
    assert snapshot(visits) == snapshot(visits)
    assert changes(conformed(VISITS)) == changes(conformed(VISITS))
    assert (logical_date(), network_settings()) == (LogicalDate(), network_settings())
    assert resource("lakehouse.reference", "a.csv") == Resource(ResourceSource("lakehouse.reference", "a.csv"))
    assert period_of("service_from_date") == Period("service_from_date")


def test_merge_orders_by_the_sender_s_stamp_and_number_and_keeps_tombstones() -> None:
    assert Merge(keys=("claim_id",)) == Merge(("claim_id",), ("modified_at", "source_sequence"), "is_deleted", 1)


def test_group_is_the_key_of_its_row_unless_keys_are_given() -> None:
    assert ReplaceGroups(by=("network", "family_id")).row_keys == ("network", "family_id")
    assert ReplaceGroups(by=("network", "family_id"), keys=("span_id",)).row_keys == ("span_id",)


def test_replace_partitions_without_a_column_replaces_everything() -> None:
    assert ReplacePartitions(keys=("code",)).on is None


def by_bed() -> Column:
    """Visits of one bed may belong together."""
    return F.array("bed")


def test_groups_through_another_table_name_what_is_equal() -> None:
    visits, stays = merged(fresh()), merged(fresh())
    through = groups(visits, by=("network", "visit_id"), through=stays, on=("network", "visit_id"))
    assert through.on == (("network", "network"), ("visit_id", "visit_id"))
    assert groups(visits, by="network", through=stays, on={"network": "network"}).on == (("network", "network"),)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"by": "network", "on": ("network",)}, "on belongs to through"),
        ({"by": "network", "through": True}, "needs on"),
        ({"by": "bed", "through": True, "on": ("network",)}, "by bed is no field"),
        ({"by": "network", "through": True, "on": ("bed",)}, "on bed is no field"),
        ({"by": "network", "through": True, "on": {"network": "bed"}}, "on bed is no field"),
        ({"by": ("network", "visit_id"), "through": True, "on": ("network",)}, "visit_id is a field of it and of"),
        ({"by": "network", "linked": linked(by_bed, kept_in="bed")}, "linked rows go by the key"),
    ],
)
def test_groups_that_cannot_be_found_are_refused(asked: dict[str, object], told: str) -> None:
    given = {**asked, "through": merged(fresh())} if asked.get("through") else asked
    with pytest.raises(DeclarationError, match=told):
        groups(merged(fresh()), **given)  # type: ignore[arg-type]  # each case is one call
