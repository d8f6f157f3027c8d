"""Contracts: their keys, their change columns, and what Silver stores of them."""

import pytest

from lakehouse.errors import DeclarationError
from lakehouse.spec.contracts import CHANGE_FIELDS, CLAIMS, CONTRACTS, ELIGIBILITY, NETWORK, Contract
from lakehouse.spec.field import ACCOUNT, DATE, MEMBER, STRING, TOKEN, field

ID = field("visit_id", STRING, "visit", phi=ACCOUNT)
DAY = field("visit_date", DATE, "day of the visit")


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_network_leads_every_key(contract: Contract) -> None:
    assert contract.keys[0] == "network"
    assert contract.fields[0] is NETWORK


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda contract: contract.name)
def test_no_column_of_a_contract_is_named_twice(contract: Contract) -> None:
    names = [f.name for f in contract.all_fields]
    assert len(names) == len(set(names))


def test_contract_names_are_taken_once() -> None:
    assert len({contract.name for contract in CONTRACTS}) == len(CONTRACTS)


def test_key_that_is_no_field_is_refused() -> None:
    with pytest.raises(DeclarationError, match="contract visits: key visit_number, ward is no field of it"):
        Contract("visits", keys=("visit_id", "visit_number", "ward"), fields=(ID, DAY))


def test_change_columns_come_last() -> None:
    visits = Contract("visits", keys=("visit_id",), fields=(ID, DAY))
    assert visits.all_fields == (ID, DAY, *CHANGE_FIELDS)


def test_pick_answers_in_the_order_asked_for() -> None:
    visits = Contract("visits", keys=("visit_id",), fields=(ID, DAY))
    assert visits.pick("is_deleted", "visit_id") == (CHANGE_FIELDS[-1], ID)
    assert visits.pick() == ()


def test_pick_of_an_unknown_column_names_what_there_is() -> None:
    visits = Contract("visits", keys=("visit_id",), fields=(ID, DAY))
    with pytest.raises(DeclarationError, match="contract visits has no field ward; it has visit_id, visit_date"):
        visits.pick("visit_id", "ward")


@pytest.mark.parametrize("contract", [CLAIMS, ELIGIBILITY], ids=lambda contract: contract.name)
def test_silver_stores_the_token_where_the_member_number_stood(contract: Contract) -> None:
    sent = [f.name for f in contract.all_fields]
    stored = contract.silver_fields()
    names = [f.name for f in stored]
    place = sent.index("member_id")
    assert names == [*sent[:place], "member_token", "member_token_key_version", *sent[place + 1 :]]
    assert not [f.name for f in stored if f.phi is MEMBER]
    assert next(f for f in stored if f.name == "member_token").phi is TOKEN


def test_contract_without_member_number_is_stored_as_it_is() -> None:
    visits = Contract("visits", keys=("visit_id",), fields=(ID, DAY))
    assert visits.silver_fields() == visits.all_fields
