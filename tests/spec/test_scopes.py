"""Read scopes and write modes as values."""

import pytest

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
    assert str(refusal.value) == f"groups({visits.name}): ward, bed is no field of it. Group by a declared field."


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
