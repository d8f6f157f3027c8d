"""The selection grammar, and what holds of it for every graph."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import SettingsError
from lakehouse.spec.registry import Registry
from lakehouse.spec.selection import select
from spec.declared import Sender, counted, merged, paper_adapter


@cache
def world() -> Registry:
    """bronze.<north, south>_<visits, wards> -> silver.stay -> gold.visit_count, and silver.ward beside it."""
    visit, ward = merged("silver.stay", tags=("visits",)), merged("silver.ward")
    total = counted("gold.visit_count", visit, tags=("visits", "money"))
    return Registry.of([visit, ward, total], {"north": Sender(), "south": Sender()}, paper_adapter())


BRONZE = ["bronze.north_visits", "bronze.north_wards", "bronze.south_visits", "bronze.south_wards"]


def test_nothing_asked_for_is_everything_in_build_order() -> None:
    assert select(world()) == list(world().tables)
    assert select(world(), (), ()) == list(world().tables)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("silver.stay", ["silver.stay"]),
        ("silver.*", ["silver.stay", "silver.ward"]),
        ("+silver.stay", [*BRONZE, "silver.stay"]),
        ("silver.stay+", ["silver.stay", "gold.visit_count"]),
        ("+gold.visit_count", [*BRONZE, "silver.stay", "gold.visit_count"]),
        ("+silver.stay+", [*BRONZE, "silver.stay", "gold.visit_count"]),
        ("layer:gold", ["gold.visit_count"]),
        ("network:north", BRONZE[:2]),
        ("network:*", BRONZE),
        ("network:south+", [*BRONZE[2:], "silver.stay", "silver.ward", "gold.visit_count"]),
        ("tag:visits", ["silver.stay", "gold.visit_count"]),
        ("layer:silver,tag:visits", ["silver.stay"]),
        ("layer:gold silver.ward", ["silver.ward", "gold.visit_count"]),
    ],
)
def test_term_selects(term: str, expected: list[str]) -> None:
    assert select(world(), [term]) == [name for name in world().tables if name in expected]


def test_terms_are_a_union_and_repeat_nothing() -> None:
    assert select(world(), ["silver.stay", "silver.*", "silver.stay"]) == select(world(), ["silver.*"])


def test_excluded_tables_leave_the_selection() -> None:
    left = [name for name in world().tables if name not in ("silver.stay", "gold.visit_count")]
    assert select(world(), (), ["silver.stay+"]) == left
    assert select(world(), ["silver.*"], ["layer:silver"]) == []


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("silver.stayt", "selection 'silver.stayt' matches nothing. Nearest: silver.stay"),
        ("silver.nothing*", "matches nothing. Nearest: silver"),
        ("layer:golden", "selection 'layer:golden' matches nothing. Nearest: gold"),
        ("network:nord", "selection 'network:nord' matches nothing. Nearest: north"),
        ("tag:none", "selection 'tag:none' matches nothing"),
        ("owner:me", "no method is named 'owner'. Valid: layer, network, tag"),
        ("+", "matches nothing"),
        ("", "no term is given"),
        ("silver.stay,", "matches nothing"),
        ("layer:gold,network:north", "no table is in all of its parts"),
        ("SILVER.VISIT", "matches nothing"),
    ],
)
def test_term_that_selects_nothing_is_an_error_with_the_nearest_names(term: str, said: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        select(world(), [term])
    assert said in str(refusal.value)


def test_term_that_excludes_nothing_is_an_error_too() -> None:
    with pytest.raises(SettingsError, match="matches nothing"):
        select(world(), (), ["gold.visitcount"])


names = st.sampled_from(sorted(world().tables))
terms = st.sampled_from(["layer:bronze", "layer:gold", "network:north", "tag:visits", "silver.*", "*"]) | names


@given(terms)
def test_closure_holds_its_start_and_closing_again_adds_nothing(term: str) -> None:
    start, upward, downward = (set(select(world(), [t])) for t in (term, f"+{term}", f"{term}+"))
    assert start <= upward
    assert start <= downward
    assert world().upstream(upward) == upward
    assert world().downstream(downward) == downward
    assert set(select(world(), [f"+{term}+"])) == upward | downward


@given(names, names)
def test_upstream_of_one_is_downstream_of_the_other(left: str, right: str) -> None:
    assert (left in select(world(), [f"+{right}"])) == (right in select(world(), [f"{left}+"]))


@given(st.lists(terms, min_size=1, max_size=4))
def test_several_terms_select_the_union_in_build_order(asked: list[str]) -> None:
    wanted = {name for term in asked for name in select(world(), [term])}
    assert select(world(), asked) == [name for name in world().tables if name in wanted]
    assert select(world(), [" ".join(asked)]) == select(world(), asked)


@given(terms, terms)
def test_comma_selects_the_intersection(left: str, right: str) -> None:
    both = set(select(world(), [left])) & set(select(world(), [right]))
    if both:
        assert set(select(world(), [f"{left},{right}"])) == both
    else:
        with pytest.raises(SettingsError, match="no table is in all of its parts"):
            select(world(), [f"{left},{right}"])


@given(terms, terms)
def test_included_less_excluded_is_what_is_left(include: str, exclude: str) -> None:
    left = set(select(world(), [include])) - set(select(world(), [exclude]))
    assert set(select(world(), [include], [exclude])) == left
