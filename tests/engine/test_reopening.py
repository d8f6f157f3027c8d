"""Rows set aside over their whole life: released, discarded, retried, read again. One story, looked at by many tests.

V2 costs too much until the rule is withdrawn; V3 did, and a newer version does not; V4's amount is no number; V5 is
discarded; V6 is released, and the run is killed before it can say so.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from pyspark.sql import SparkSession

from engine.world import EPISODE, GOLD, NOON, SILVER, TABLES, TO_SILVER, Ran, World, sent, visit
from lakehouse.engine.audit import Audit, audit_table
from lakehouse.engine.context import BuildContext
from lakehouse.engine.databases import Databases
from lakehouse.engine.ledger import differences
from lakehouse.engine.quarantine import assign, discard
from lakehouse.engine.run import Outcome
from lakehouse.engine.tokens import TokenKey
from lakehouse.engine.work import Reopening, Request
from lakehouse.faults import at_fault_points
from lakehouse.storage.small_reads import Chosen
from lakehouse.storage.store import quarantine_of

pytestmark = pytest.mark.spark
ASIDE = quarantine_of(SILVER)
FILE = "visits/visits-2026-01-05.csv"
REBUILT = (SILVER, EPISODE, GOLD)
WITHOUT_RULE = (replace(visit, expectations=visit.expectations[1:]), *TABLES[1:])
Aside = dict[str, tuple[str, str | None, str | None, list[str]]]


def at(day: int) -> str:
    return f"2026-01-0{day}T10:00:00Z"


FIRST = [
    sent("V1", modified_at=at(5)),
    sent("V2", modified_at=at(5), amount="1000000.00"),
    sent("V3", modified_at=at(4), amount="2000000.00"),
    sent("V4", modified_at=at(5), amount="x"),
    sent("V5", modified_at=at(5), amount="5000000.00"),
    sent("V6", modified_at=at(5), amount="6000000.00", service_date="2026-01-31"),
]


class Killed(Exception):
    """The process is gone."""


def killed_at(moment: str) -> None:
    def handler(reached: str) -> None:
        if reached == moment:
            raise Killed

    at_fault_points(handler)


def reopen(world: World, chosen: Chosen, reason: str | None = None, must: int = 0) -> Ran:
    reopening = Reopening(SILVER, chosen, releases=reason is not None, reason=reason)
    return world.run(*REBUILT, reopen=reopening, must=must)


def aside(world: World) -> Aside:
    """Visit -> status, resolution, reason, failed rules."""
    columns = ("row['visit_id']", "_status", "_resolution", "_reason", "_failed_expectations")
    return {str(r[0]): (str(r[1]), r[2], r[3], r[4]) for r in world.rows(ASIDE, *columns)}  # type: ignore[misc]


def amounts(world: World) -> dict[str, Decimal]:
    return dict(world.rows(SILVER, "visit_id", "amount"))  # type: ignore[arg-type]


def audited(world: World) -> Audit:
    def no_key() -> TokenKey:
        raise AssertionError("an audit makes no tokens")

    request = Request("audit", NOON.date(), NOON)
    settings, registry = world.settings, world.registry
    context = BuildContext(world.spark, world.lake, registry, settings, request, no_key, Databases(settings))
    return audit_table(context, SILVER, full=True)


@dataclass
class Life:
    """Step -> its run, the quarantine and Silver's amounts after it."""

    world: World
    ran: dict[str, Ran] = field(default_factory=dict)
    aside: dict[str, Aside] = field(default_factory=dict)
    amounts: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    def step(self, name: str, ran: Ran | None = None) -> None:
        self.aside[name], self.amounts[name] = aside(self.world), amounts(self.world)
        if ran:
            self.ran[name] = ran


@pytest.fixture(scope="module")
def life(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Life:
    world = World(spark, tmp_path_factory.mktemp("life"))
    life = Life(world)
    world.deliver("visits-2026-01-05.csv", FIRST)
    life.step("set aside", world.run())
    world.deliver("visits-2026-01-06.csv", [sent("V3", modified_at=at(6), amount="30.00")])
    world.run()
    session, later = spark.newSession(), datetime(2026, 2, 3, tzinfo=UTC)
    assert assign(session, world.lake, visit, Chosen(rule="amount_below_a_million"), "claims desk", "steward-1") == 4
    assert discard(session, world.lake, visit, Chosen(source=FILE, row_number=5), "a test", "steward-2", later) == 1
    killed_at("after_silver_commit")
    try:
        life.step("killed", reopen(world, Chosen(source=FILE, row_number=6), "a transplant", must=3))
    finally:
        at_fault_points(None)
    life.step("released", reopen(world, Chosen(source=FILE, row_number=6), "a transplant"))
    world.tables = WITHOUT_RULE
    life.step("retried", reopen(world, Chosen()))
    world.tables = TABLES
    life.step("rebuilt", world.run(*REBUILT, full_refresh=True))
    return life


BAD = ["amount_below_a_million"]


def test_a_killed_release_leaves_its_row_open_and_in_silver(life: Life) -> None:
    assert life.ran["killed"].outcomes == {SILVER: Outcome.FAILED, EPISODE: Outcome.BLOCKED, GOLD: Outcome.BLOCKED}
    assert life.aside["killed"]["V6"] == ("open", None, None, BAD)
    assert life.amounts["killed"]["V6"] == Decimal("6000000.00")


def test_the_same_release_again_changes_nothing_but_says_so_and_builds_what_waits(life: Life) -> None:
    released = life.ran["released"]
    assert released[SILVER].reasons == ("north: rows set aside are merged after all",)
    assert released.counts(SILVER) == {"unchanged": 1, "resolved": 1}
    assert life.aside["released"]["V6"] == ("resolved", "released", "a transplant", BAD)
    assert released.outcomes == {SILVER: Outcome.MARKED, EPISODE: Outcome.BUILT, GOLD: Outcome.BUILT}
    assert (released.check(SILVER, *BAD), life.amounts["released"].keys()) == ((0, 1, True), {"V1", "V3", "V6"})


def test_a_retry_merges_what_holds_now_and_an_outdated_version_changes_nothing(life: Life) -> None:
    assert life.ran["retried"].counts(SILVER) == {"inserted": 1, "stale": 1, "quarantined": 1, "resolved": 2}
    assert life.amounts["retried"] == {
        "V1": Decimal("100.00"),
        "V2": Decimal("1000000.00"),
        "V3": Decimal("30.00"),
        "V6": Decimal("6000000.00"),
    }
    assert life.aside["retried"] == {
        "V2": ("resolved", "retried", None, BAD),
        "V3": ("resolved", "superseded", None, BAD),
        "V4": ("open", None, None, ["parseable"]),
        "V5": ("discarded", None, "a test", BAD),
        "V6": ("resolved", "released", "a transplant", BAD),
    }
    assert life.ran["retried"].counts(EPISODE)["inserted"] == 1


def test_the_ledgers_of_every_run_close_and_name_what_was_left_out(life: Life) -> None:
    for ran in life.ran.values():
        built = [o.result for o in ran.report.outcomes if o.result]
        assert differences(line for result in built for line in result.ledger) == {}
    lines = {
        (e.ledger, e.side, e.reason): e.amount for e in life.ran["retried"].result(SILVER).ledger if e.measure == "rows"
    }
    assert lines == {
        ("conform", "in", "read"): 6,
        ("conform", "out", "conformed"): 3,
        ("conform", "out", "not_reopened"): 3,
        ("merge", "in", "conformed from north"): 3,
        ("merge", "out", "inserted"): 1,
        ("merge", "out", "stale"): 1,
        ("merge", "out", "quarantined"): 1,
    }


def test_a_rebuild_keeps_decisions_and_opens_again_what_fails_again(life: Life) -> None:
    assert life.ran["rebuilt"].counts(SILVER) == {"unchanged": 3, "quarantined": 4, "deleted": 1}
    assert life.amounts["rebuilt"].keys() == {"V1", "V3", "V6"}
    assert {visit_id: found[:2] for visit_id, found in life.aside["rebuilt"].items()} == {
        "V2": ("open", None),
        "V3": ("open", None),
        "V4": ("open", None),
        "V5": ("discarded", None),
        "V6": ("resolved", "released"),
    }


def test_a_row_keeps_its_age_and_owner_whatever_becomes_of_it(life: Life) -> None:
    found = life.world.rows(ASIDE, "row['visit_id']", "_owner", "_run_id")
    assert found == [(v, None if v == "V4" else "claims desk", "run-1") for v in ("V2", "V3", "V4", "V5", "V6")]


def test_the_audit_accounts_for_every_row_until_one_is_taken_away(life: Life) -> None:
    found = {c.name: (c.failed, c.total, c.holds) for c in audited(life.world).checks}
    assert found["bronze_rows_accounted_for"] == (0, 7, True)
    assert found["quarantine_accounts_for_all"] == (0, 5, True)
    assert found["amount_below_a_million"] == (0, 3, True)
    life.world.spark.sql(f"DELETE FROM delta.`{life.world.lake.store.table(ASIDE)}` WHERE _row_number = 5")
    broken = {c.name: (c.failed, c.total) for c in audited(life.world).broken}
    assert broken == {"quarantine_accounts_for_all": (1, 5)}


def test_without_stamps_a_release_is_put_in_its_place_by_reading_the_feed_whole(world: World) -> None:
    for day, amount in ((1, "1.00"), (2, "1000000.00"), (3, "3.00")):
        world.deliver(f"visits-2026-01-0{day}.csv", [sent("V1", amount=amount), sent("V2", amount=amount)])
    world.deliver("visits-2026-01-04.csv", [sent("V2", amount="4000000.00")])
    world.run(*TO_SILVER)
    released = reopen(world, Chosen(), "they are right")
    assert released.counts(SILVER) == {"unchanged": 1, "updated": 1, "stale": 5, "resolved": 3}
    assert world.rows(SILVER, "visit_id", "amount", "modified_at") == [
        ("V1", Decimal("3.00"), datetime(2026, 1, 3)),
        ("V2", Decimal("4000000.00"), datetime(2026, 1, 4)),
    ]
    assert world.rows(ASIDE, "row['visit_id']", "_resolution") == [
        ("V1", "superseded"),
        ("V2", "released"),
        ("V2", "superseded"),
    ]
    assert world.run(*TO_SILVER).report.nothing_due
    assert world.run(SILVER, full_refresh=True).counts(SILVER) == {"unchanged": 2, "stale": 5}
