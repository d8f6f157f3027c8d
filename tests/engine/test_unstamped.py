"""Senders without modification stamps: the delivery orders the rows, and late ones are put in their place."""

from datetime import datetime

import pytest

from engine.world import BRONZE, SILVER, TO_SILVER, World, sent

pytestmark = pytest.mark.spark
COLUMNS = ("visit_id", "amount", "modified_at")


def amounts(**by_visit: str) -> list[dict[str, str]]:
    return [sent(visit, amount=amount) for visit, amount in by_visit.items()]


def day(number: int) -> datetime:
    return datetime(2026, 1, number)


def states(world: World) -> dict[object, tuple[str, datetime]]:
    return {v: (str(a), m) for v, a, m in world.rows(SILVER, *COLUMNS)}  # type: ignore[misc]


def test_a_late_delivery_ends_where_a_build_from_nothing_ends(world: World) -> None:
    world.deliver("visits-2026-01-01.csv", amounts(V1="1.00", V2="1.00", V3="1.00"))
    world.run(*TO_SILVER)
    world.deliver("visits-2026-01-03.csv", amounts(V1="1.00", V2="3.00"))
    assert world.run(*TO_SILVER).counts(SILVER) == {"unchanged": 1, "updated": 1}
    assert states(world) == {"V1": ("1.00", day(1)), "V2": ("3.00", day(3)), "V3": ("1.00", day(1))}

    world.deliver("visits-2026-01-02.csv", amounts(V1="2.00", V2="2.00", V4="2.00"))
    late = world.run(*TO_SILVER)
    assert late[SILVER].reasons == ("north: 1 deliveries are no newer than ones already merged",)
    # V1 said 1.00, 2.00, 1.00: what it says now first arrived on the 3rd.
    assert states(world) == {
        "V1": ("1.00", day(3)),
        "V2": ("3.00", day(3)),
        "V3": ("1.00", day(1)),
        "V4": ("2.00", day(2)),
    }
    assert late.counts(SILVER) == {"inserted": 1, "updated": 1, "unchanged": 2, "stale": 3, "duplicate": 1}


def test_content_that_left_and_came_back_in_one_run_arrived_when_it_came_back(world: World) -> None:
    world.deliver("visits-2026-01-01.csv", amounts(V1="1.00", V2="1.00"))
    world.run(*TO_SILVER)
    world.deliver("visits-2026-01-02.csv", amounts(V1="2.00", V2="1.00"))
    world.deliver("visits-2026-01-03.csv", amounts(V1="1.00", V2="1.00"))
    world.run(*TO_SILVER)
    assert states(world) == {"V1": ("1.00", day(3)), "V2": ("1.00", day(1))}


def test_two_deliveries_of_one_day_do_not_depend_on_which_came_first(world: World) -> None:
    world.deliver("a/visits-2026-01-01.csv", amounts(V1="1.00"))
    world.run(*TO_SILVER)
    world.deliver("b/visits-2026-01-01.csv", amounts(V1="2.00"))
    assert world.run(*TO_SILVER).check(SILVER, "no_ties") == (2, 2, False)
    first = states(world)

    other = World(world.spark, world.root / "other")
    other.deliver("b/visits-2026-01-01.csv", amounts(V1="2.00"))
    other.run(*TO_SILVER)
    other.deliver("a/visits-2026-01-01.csv", amounts(V1="1.00"))
    other.run(*TO_SILVER)
    assert states(other) == first


def test_a_row_without_a_stamp_between_two_that_agree_is_ordered_by_its_stamped_neighbour(world: World) -> None:
    stamped = sent("V1", amount="2.00", modified_at="2026-01-02T10:00:00Z")
    world.deliver("visits-2026-01-01.csv", [stamped])
    world.run(*TO_SILVER)
    world.deliver("visits-2026-01-02.csv", amounts(V1="1.00"))
    world.deliver("visits-2026-01-03.csv", amounts(V1="1.00"))
    world.run(*TO_SILVER)
    assert states(world) == {"V1": ("1.00", day(3))}


def test_a_late_delivery_of_one_feed_keeps_the_rows_of_the_networks_other_feed(world: World) -> None:
    world.adapters = {"north": "paired"}
    both = (BRONZE, "bronze.north_home_visits", SILVER)
    world.deliver("visits-2026-01-01.csv", amounts(V1="1.00"))
    world.deliver("visits-2026-01-03.csv", amounts(V1="3.00"))
    world.deliver("home-2026-01-01.csv", amounts(H1="1.00", H2="1.00"), feed="home_visits")
    world.run(*both)
    world.deliver("visits-2026-01-02.csv", amounts(V1="2.00", V2="2.00"))
    late = world.run(*both)
    assert late[SILVER].reasons == ("north: 1 deliveries are no newer than ones already merged",)
    assert "deleted" not in late.counts(SILVER)
    assert states(world) == {
        "H1": ("1.00", day(1)),
        "H2": ("1.00", day(1)),
        "V1": ("3.00", day(3)),
        "V2": ("2.00", day(2)),
    }
