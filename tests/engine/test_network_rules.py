"""One rule, two networks: consequences, tolerances and bounds are the sender's; the shares of rows set aside too."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from engine.world import ADAPTERS, SILVER, TABLES, World, sent, visit
from lakehouse.engine.check import judge
from lakehouse.engine.network_rules import check_rule_settings, network_rules, quarantined_share, that_may_stop
from lakehouse.engine.run import Outcome
from lakehouse.errors import SettingsError
from lakehouse.settings_networks import CheckSettings, NetworkSettings
from lakehouse.spec.expectations import QUARANTINE, WARN, Sender, row, row_count_at_least, row_of_sender
from lakehouse.spec.registry import Registry
from lakehouse.storage.store import quarantine_of


def network(version_mode: str = "replace", **checks: object) -> NetworkSettings:
    return NetworkSettings.model_validate({"adapter": "plain", "version_mode": version_mode, "checks": checks})


def changed(rule: str, **said: object) -> Mapping[str, object]:
    return {f"{SILVER}.{rule}": said}


def positive() -> Column:
    """Amounts are positive."""
    return F.col("amount") > 0


def not_too_early(sender: Sender) -> Column:
    """No date lies before the network's first."""
    return F.col("service_date") >= F.lit(sender.earliest_date)


def test_a_networks_settings_change_consequence_and_tolerance_of_its_rows_alone() -> None:
    networks = {"north": network(rules=changed("amount_not_negative", on_failure="quarantine", at_most="10%")),
                "south": network(rules=changed("amount_not_negative", at_most=3))}  # fmt: skip
    rule = next(r for r in network_rules(visit, networks) if r.name == "amount_not_negative")
    assert [(rule.for_network(n).on_failure, rule.for_network(n).at_most) for n in ("north", "south", "west")] == [
        (QUARANTINE, "10%"),
        (WARN, 3),
        (WARN, None),
    ]
    found = [(n, *judge(visit, [rule], [3], 20, n)) for n in ("north", "south", "west")]
    assert [(n, r.network, r.on_failure, r.holds) for n, r in found] == [
        ("north", "north", "quarantine", False),
        ("south", "south", "warn", True),
        ("west", "west", "warn", False),
    ]


def test_a_rule_that_is_not_for_a_sender_has_no_result() -> None:
    table = replace(visit, expectations=(row("positive", positive, on_failure=QUARANTINE, version_modes=["replace"]),))
    networks = {"north": network("delta"), "south": network()}
    rules = [r for r in network_rules(table, networks) if r.name == "positive"]
    assert [len(judge(table, rules, [0], 5, n)) for n in ("north", "south")] == [0, 1]


@pytest.mark.parametrize(
    ("aside", "total", "most", "holds"),
    [(1, 20, "0.05", True), (2, 20, "0.05", False), (19, 19, "0.05", True), (29, 100, "0.29", True),
     (30, 100, "0.29", False), (20, 20, "1", True), (1, 1000, "0", False), (0, 0, "0", True)],
)  # fmt: skip
def test_the_share_set_aside_is_judged_from_twenty_rows_on(aside: int, total: int, most: str, holds: bool) -> None:
    found = quarantined_share(visit, "north", {"north": network(most_quarantined_share=most)}, aside, total)
    assert (found.holds, found.on_failure, found.network) == (holds, "fail", "north")


def test_rows_read_again_since_they_were_set_aside_stop_nothing_by_their_number() -> None:
    most = {"north": network(), "south": network()}
    shares = [quarantined_share(visit, n, most, 20, 20) for n in most]
    rules = [replace(rule, at_most=0) for rule in network_rules(visit, most)]
    found = [*shares, *judge(visit, rules, [20] * len(rules), 20, "north")]
    left = {(r.network, str(r.on_failure)) for r in that_may_stop(found, {"north"})}
    assert left == {("south", "fail"), ("north", "warn")}
    assert that_may_stop(found, ()) == found


@pytest.mark.parametrize(
    ("key", "said", "told"),
    [
        ("silver.vist.amount_not_negative", {"on_failure": "warn"}, "Nearest: silver.visit"),
        ("amount_not_negative", {"on_failure": "warn"}, "expected <table>.<rule>"),
        ("bronze.north_visits.parseable", {"on_failure": "warn"}, "no table is named"),
        ("silver.visit.amount_not_negativ", {"on_failure": "warn"}, "Nearest: amount_not_negative"),
        ("silver.visit.visit_id_required", {"on_failure": "warn"}, "promises"),
        ("silver.visit.row_count_at_least_1", {"at_most": 1}, "all rows together"),
        ("silver.episode.episode_id_required", {"at_most": 1}, "no network"),
    ],
)
def test_a_change_that_cannot_work_is_refused_by_name(key: str, said: object, told: str) -> None:
    counted = replace(visit, expectations=(*visit.expectations, row_count_at_least(1, on_failure=WARN)))
    networks = {"north": network(rules={key: said})}
    registry = Registry.of((counted, *TABLES[1:]), networks, ADAPTERS)
    with pytest.raises(SettingsError, match=f'networks.north.checks.rules."{key}": .*{told}'):
        check_rule_settings(registry, networks)


def test_changes_that_can_work_pass() -> None:
    networks = {"north": network(rules={**changed("parseable", on_failure="fail"), **changed("amount_not_negative")})}
    check_rule_settings(Registry.of(TABLES, networks, ADAPTERS), networks)


@pytest.mark.parametrize("at_most", [-1, "101%", "1 %", "many", "-1%"])
def test_a_tolerance_is_a_count_or_a_share(at_most: object) -> None:
    with pytest.raises(ValueError, match="at_most"):
        CheckSettings.model_validate({"rules": changed("parseable", at_most=at_most)})


@pytest.mark.spark
def test_each_row_is_judged_by_its_own_networks_settings(spark: SparkSession) -> None:
    rule = row_of_sender("not_too_early", not_too_early, nulls="pass", on_failure=WARN)
    only = row("positive", positive, on_failure=WARN, version_modes=["replace"])
    table = replace(visit, expectations=(rule, only))
    networks = {"north": network("delta", earliest_date=date(2000, 1, 1)), "south": network()}
    early, only = (r for r in network_rules(table, networks) if r.name in ("not_too_early", "positive"))
    dated = [(n, d, a) for n in ("north", "south") for d in ("1899-12-31", "1900-01-01", "2000-01-01", None)
             for a in (-1,)]  # fmt: skip
    rows = spark.createDataFrame(dated, "network string, service_date string, amount int")
    rows = rows.withColumn("service_date", F.to_date("service_date"))
    assert [tuple(r) for r in rows.select(early.holds(), only.holds()).collect()] == [
        (False, True), (False, True), (True, True), (True, True),
        (False, False), (True, False), (True, False), (True, False),
    ]  # fmt: skip


@pytest.mark.spark
def test_one_network_warns_where_the_other_sets_aside_and_too_many_stop_the_build(
    spark: SparkSession, tmp_path: Path
) -> None:
    strict = changed("amount_not_negative", on_failure="quarantine")
    world = World(spark, tmp_path, {"north": "plain", "south": "plain"}, checks={"north": {"rules": strict}})
    good = [sent(f"V{i:02}") for i in range(19)]
    for name in world.adapters:
        world.deliver("visits-2026-01-01.csv", [*good, sent("bad", amount="-1.00")], network=name)
    names = ("bronze.north_visits", "bronze.south_visits", SILVER)
    first = world.run(*names)
    assert first.counts(SILVER) == {"inserted": 39, "quarantined": 1}
    assert world.rows(quarantine_of(SILVER), "_network", "row['visit_id']") == [("north", "bad")]
    told = {(c.name, c.network): (c.on_failure, c.failed, c.total, c.holds) for c in first.result(SILVER).checks}
    assert told["amount_not_negative", "north"] == ("quarantine", 1, 20, False)
    assert told["amount_not_negative", "south"] == ("warn", 1, 20, False)
    assert told["quarantined_share", "north"] == ("fail", 1, 20, True)
    assert told["parseable", "south"] == ("quarantine", 0, 20, True)

    world.deliver("visits-2026-01-02.csv", [*good[:18], sent("b1", amount="-1"), sent("b2", amount="x")])
    world.deliver("visits-2026-01-02.csv", [sent("s1")], network="south")
    refused = world.run(*names, must=1)[SILVER]
    assert refused.outcome is Outcome.FAILED
    assert "nothing was written, since these rules do not hold: quarantined_share: 2 of 20 rows of north. " in (
        refused.error or ""
    )
    assert {(c.name, c.network, c.holds) for c in refused.checks} >= {
        ("quarantined_share", "north", False),
        ("quarantined_share", "south", True),
        ("amount_not_negative", "south", True),
    }
    world.checks = {"north": {"rules": strict, "most_quarantined_share": "0.1"}}
    assert world.run(SILVER).counts(SILVER) == {"inserted": 1, "unchanged": 18, "quarantined": 2}
    assert world.run(SILVER)[SILVER].outcome is Outcome.CURRENT
    world.checks = {}
    assert world.run(SILVER)[SILVER].outcome is Outcome.CURRENT  # other checks make nothing due

    world.token_key_version = "2"
    renewed = world.run(SILVER)
    assert renewed[SILVER].reasons[-1] == "settings.member_token_key_version changed"
    assert renewed.counts(SILVER)["inserted"] == 2  # judged again, by checks that only warn of a negative amount
    assert {*world.rows(SILVER, "member_token_key_version")} == {("2",)}
    assert world.run(SILVER)[SILVER].outcome is Outcome.CURRENT
