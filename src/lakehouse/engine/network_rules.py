"""Rules as the settings of each network have them: other consequences, other tolerances, other bounds."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from pyspark.sql import Row

from lakehouse.engine.check import CheckResult, judge, row_rules
from lakehouse.engine.ledger import ROWS
from lakehouse.engine.resolve import CLASS, QUARANTINED
from lakehouse.errors import SettingsError
from lakehouse.settings_networks import NetworkSettings, RuleSettings
from lakehouse.spec.consequence import Consequence, Sender
from lakehouse.spec.registry import Registry
from lakehouse.spec.rule import DROP, FAIL, QUARANTINE, Expectation
from lakehouse.spec.scopes import Merge
from lakehouse.spec.table import Table

SHARE_RULE = "quarantined_share"
SMALL_BUILD = 20
"""Rows of a network below which a share says nothing."""

Networks = Mapping[str, NetworkSettings]


def network_rules(table: Table, networks: Networks) -> list[Expectation]:
    """The table's row rules, each with what the settings of single networks change of it."""
    if "network" not in table.field_names:
        return row_rules(table)
    return [_with_networks(rule, table.name, networks) for rule in row_rules(table)]


def _with_networks(rule: Expectation, table: str, networks: Networks) -> Expectation:
    changed: dict[str, Expectation] = {}
    for name, network in networks.items():
        sender = Sender(network.version_mode, network.checks.earliest_date)
        said = network.checks.rules.get(f"{table}.{rule.name}")
        if said is not None or sender != rule.sender:
            changed[name] = _changed(rule, sender, said or RuleSettings())
    return replace(rule, networks=changed)


def _changed(rule: Expectation, sender: Sender, said: RuleSettings) -> Expectation:
    consequence = Consequence(said.on_failure) if said.on_failure else rule.on_failure
    return replace(
        rule,
        sender=sender,
        on_failure=consequence,
        at_most=rule.at_most if said.at_most is None else said.at_most,
    )


@dataclass(frozen=True)
class Judged:
    """What the row rules found in one network's rows.

    Attributes:
        total: rows looked at.
        failed: rows that break each rule, in rule order.
        aside: rows that are set aside.
    """

    total: int
    failed: Sequence[int]
    aside: int


def judged_by_network(found: Sequence[Row], rules: int) -> dict[str, Judged]:
    """Counts of classified rows, one row for each class and network, put together by network."""
    rows_of: dict[str, list[Row]] = {}
    for r in found:
        rows_of.setdefault(r["network"], []).append(r)
    return {
        network: Judged(
            sum(r[ROWS] for r in rows),
            [sum(r[f"rule_{i}"] or 0 for r in rows) for i in range(rules)],
            sum(r[ROWS] for r in rows if r[CLASS] == QUARANTINED),
        )
        for network, rows in rows_of.items()
    }


def judge_networks(
    table: Table,
    rules: Sequence[Expectation],
    networks: Networks,
    judged: Mapping[str, Judged],
    asked: Collection[str],
) -> list[CheckResult]:
    """Results of every row rule and of the share set aside, for each network that was `asked` or sent rows."""
    results: list[CheckResult] = []
    for network in sorted({*judged, *asked}):
        found = judged.get(network, Judged(0, [0] * len(rules), 0))
        results += judge(table, rules, found.failed, found.total, network)
        results.append(quarantined_share(table, network, networks, found.aside, found.total))
    return results


def quarantined_share(table: Table, network: str, networks: Networks, aside: int, total: int) -> CheckResult:
    """Whether no more of a network's rows are set aside than its settings let pass; if not, the build fails."""
    most = networks[network].checks.most_quarantined_share
    holds = total < SMALL_BUILD or aside <= most * total
    return CheckResult(table.name, SHARE_RULE, str(FAIL), aside, total, holds, network=network)


def that_may_stop(results: Sequence[CheckResult], reopened: Collection[str]) -> list[CheckResult]:
    """Results that may stop a build. Of the networks in `reopened` only rows that were set aside before are read: how
    many of them are set aside still stops nothing."""
    return [r for r in results if r.network not in reopened or not (r.on_failure == QUARANTINE or r.name == SHARE_RULE)]


def check_rule_settings(registry: Registry, networks: Networks) -> None:
    """Every rule that settings change exists, and can be changed so.

    Raises:
        SettingsError: no such table or rule, nearest name first; or a change that cannot work.
    """
    for name, network in networks.items():
        for key, said in network.checks.rules.items():
            problem = _problem(registry, key, said)
            if problem:
                raise SettingsError(f'networks.{name}.checks.rules."{key}": {problem}')


def _problem(registry: Registry, key: str, said: RuleSettings) -> str | None:
    table_name, _, rule_name = key.rpartition(".")
    judged = [t.name for t in registry.tables.values() if t.feed is None]
    if table_name not in judged:
        return f"no table is named {table_name!r}; expected <table>.<rule>. {_nearest(table_name, judged)}"
    table = registry[table_name]
    names = [rule.name for rule in row_rules(table)]
    if rule_name in {e.name for e in table.expectations} - {*names}:
        return "the rule judges all rows together, and no network alone can change it."
    if rule_name not in names:
        return f"{table_name} has no rule of that name. {_nearest(rule_name, names)}"
    if "network" not in table.field_names:
        return f"rows of {table_name} belong to no network."
    if rule_name.endswith("_required") and rule_name not in {e.name for e in table.expectations}:
        return "the table promises that the column has a value."
    if said.on_failure in (DROP, QUARANTINE) and not isinstance(table.write, Merge):
        return "only a merged table has rows as sent to set aside; let the rule warn or fail."
    return None


def _nearest(name: str, valid: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, valid, n=3, cutoff=0.4)
    return f"Nearest: {', '.join(near)}." if near else f"There are: {', '.join(valid)}."
