"""Which rule decided each key, by rows made so that each rule decides one."""

from datetime import date

import pytest
from pyspark.sql import SparkSession

from engine.world import EPISODE, NOON, SILVER, TO_SILVER, World, sent
from lakehouse.engine.context import BuildContext
from lakehouse.engine.databases import Databases
from lakehouse.engine.duplicates import Contest, Duplicates, Place, explain_duplicates
from lakehouse.engine.tokens import token_key
from lakehouse.engine.work import Request
from lakehouse.errors import SettingsError

pytestmark = pytest.mark.spark
ONE, TWO = "visits/visits-2026-01-05.csv", "visits/visits-2026-01-06.csv"
AT = "2026-01-05T10:00:00Z"
FIRST = [
    sent("newer", modified_at="2026-01-06T10:00:00Z", amount="2.00"),
    sent("newer", modified_at=AT),
    sent("newer", modified_at=AT),
    sent("numbered", modified_at=AT, source_sequence="1"),
    sent("numbered", modified_at=AT, source_sequence="2", amount="2.00"),
    sent("tied", modified_at=AT, amount="1.00"),
    sent("tied", modified_at=AT, amount="2.00"),
    sent("twice", modified_at=AT),
    sent("twice", modified_at=AT),
    sent("once", modified_at=AT),
    sent("delivered"),
    sent("bad", modified_at=AT),
    sent("bad", modified_at=AT, amount="1000000.00"),
]


def explained(world: World, name: str = SILVER, network: str | None = None, limit: int = 50) -> Duplicates:
    settings = world.settings
    context = BuildContext(
        world.spark.newSession(),
        world.lake,
        world.registry,
        settings,
        Request("audit", date(2026, 2, 9), NOON),
        lambda: token_key(settings),
        Databases(settings),
    )
    return explain_duplicates(context, name, network, limit)


def test_each_key_is_explained_by_the_rule_that_decided_it(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    world = World(spark, tmp_path_factory.mktemp("duplicates"), {"north": "plain", "south": "plain"})
    assert explained(world) == Duplicates(SILVER, 0, 0, {}, ())
    world.deliver("visits-2026-01-05.csv", FIRST)
    world.deliver("visits-2026-01-06.csv", [sent("delivered", amount="2.00")])
    world.deliver("visits-2026-01-05.csv", [sent("twice", modified_at=AT)] * 2, network="south")
    world.run(*TO_SILVER, "bronze.south_visits")
    before = world.versions()

    north = explained(world, network="north")
    assert (north.keys, north.rows) == (7, 13)
    assert north.by_rule == {
        "content_hash": (1, 2),
        "delivery_order": (1, 2),
        "modified_at": (1, 3),
        "same_content": (1, 2),
        "source_sequence": (1, 2),
    }
    tie, *others = north.contests
    assert (tie.rule, {p.row_number for p in tie.places}, tie.places[0].became) == ("content_hash", {6, 7}, "won")
    assert others == [
        Contest("north", "delivery_order", 2, (Place(TWO, 1, "won"), Place(ONE, 11, "stale"))),
        Contest("north", "modified_at", 3, (Place(ONE, 1, "won"), Place(ONE, 2, "stale"), Place(ONE, 3, "stale"))),
        Contest("north", "same_content", 2, (Place(ONE, 8, "won"), Place(ONE, 9, "duplicate"))),
        Contest("north", "source_sequence", 2, (Place(ONE, 5, "won"), Place(ONE, 4, "stale"))),
    ]
    both = explained(world, limit=1)
    assert (both.by_rule["same_content"], [c.rule for c in both.contests]) == ((2, 4), ["content_hash"])
    assert world.versions() == before
    with pytest.raises(SettingsError, match=r"silver\.episode is not merged"):
        explained(world, EPISODE)
