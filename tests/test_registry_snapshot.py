"""Everything declared, as plain text in `registry.txt`: a change of a table is a difference that a review sees.

Write it anew with `UPDATE_REGISTRY=1 .venv/bin/python -m pytest tests/test_registry_snapshot.py`.
"""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.due_time import WEEKDAYS, DueTime
from lakehouse.spec.expectations import Expectation
from lakehouse.spec.feed import Feed
from lakehouse.spec.field import Field
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.registry import Registry
from lakehouse.spec.scopes import (
    Append,
    Changes,
    Conformed,
    Groups,
    LogicalDate,
    Merge,
    Period,
    ReadScope,
    ReplaceGroups,
    Resource,
    Snapshot,
    WriteMode,
)
from lakehouse.spec.sources import FileSource, SqlSource
from lakehouse.spec.table import Table

SNAPSHOT = Path(__file__).with_name("registry.txt")
UPDATE = "UPDATE_REGISTRY"
COMMAND = f"{UPDATE}=1 .venv/bin/python -m pytest tests/test_registry_snapshot.py"
NETWORKS = {
    "harbor": NetworkSettings(adapter="standard"),
    "meridian": NetworkSettings(adapter="sqlserver"),
    "synthea": NetworkSettings(adapter="synthea"),
}
HEAD = f"""\
Everything declared for the networks harbor (standard), meridian (sqlserver) and synthea (synthea). Written by
{COMMAND}
field: name type [unit] required phi=class ledger; also known as (raw columns)
"""


def described(registry: Registry) -> str:
    """The registry as text, tables in build order."""
    return "\n".join([HEAD, *("\n".join(lines(table)) + "\n" for table in registry.tables.values())])


def lines(table: Table) -> Iterator[str]:
    """One table as lines."""
    yield f"{table.name}: {table.description.split('. ')[0].removesuffix('.')}."
    yield f"  keys {', '.join(table.keys) or 'none'}; {written(table.write)}; partition {partition(table)}"
    yield f"  owner {table.owner}; freshness {limit(table.freshness)}"
    if table.tags:
        yield f"  tags {', '.join(table.tags)}"
    for name, scope in table.reads.items():
        yield f"  reads {name} = {read(scope)}"
    for field in table.fields:
        yield f"  field {column(field)}{as_sent(table.feed, field.name)}"
    for rule in table.expectations:
        yield f"  expects {expected(rule)}"
    if table.balance:
        yield "  balanced"
    for report in table.reports:
        yield f"  report {report.name!r} of {report.owner}, due {due(report.due_time)}"


def limit(freshness: Freshness | None) -> str:
    """How fresh a table has to be."""
    if freshness is None:
        return "none"
    return f"due {due(freshness.due_time)}" if freshness.due_time else freshness.text


def due(at: DueTime) -> str:
    """A due time with the days it is for."""
    days = "" if at.weekdays == WEEKDAYS else f" on {', '.join(at.weekdays)}"
    return f"{at.text}{days}{f', holidays {at.holidays}' if at.holidays else ''}"


def written(write: WriteMode) -> str:
    """The write mode with what decides its outcome."""
    if isinstance(write, Append):
        return "append"
    if isinstance(write, Merge):
        return f"merge by {', '.join(write.sequence_by)}, deletes {write.apply_as_deletes}"
    if isinstance(write, ReplaceGroups):
        return f"replace groups by {', '.join(write.by)}"
    return f"replace partitions on {write.on}" if write.on else "replace all"


def partition(table: Table) -> str:
    """Partition column, or the date that a period is taken of."""
    by = table.partition_by
    return f"period of {by.of}" if isinstance(by, Period) else by or "none"


def read(scope: ReadScope) -> str:
    """A read scope, without what only a network's settings decide."""
    if isinstance(scope, Changes):
        return f"changes of {source_name(scope.of)}"
    if isinstance(scope, Groups):
        through = (
            f" through {scope.through.name} on {', '.join(theirs for _, theirs in scope.on)}" if scope.through else ""
        )
        linked = (
            f" linked by {scope.linked.hubs.__name__}, sets in {', '.join(scope.linked.kept_in)}"
            if scope.linked
            else ""
        )
        return f"groups of {scope.of.name} by {', '.join(scope.by)}{through}{linked}"
    if isinstance(scope, Snapshot):
        return f"snapshot of {source_name(scope.of)}"
    if isinstance(scope, Resource):
        return f"resource {scope.source.file}"
    if isinstance(scope, FileSource):
        return f"files {scope.folder or '.'}/{scope.stem} delimiter {scope.delimiter or 'by ending'}"
    if isinstance(scope, SqlSource):
        return f"table {scope.table} stamp {scope.stamp} sequence {scope.sequence}"
    return "logical date" if isinstance(scope, LogicalDate) else "network settings"


def source_name(of: Table | Feed | Conformed) -> str:
    """Name of what is read."""
    if isinstance(of, Conformed):
        return f"conformed {of.contract.name}"
    return of.name


def column(field: Field) -> str:
    """A column with everything but its meaning."""
    words = [field.name, field.type.simpleString()]
    words += [f"[{field.unit}]"] if field.unit else []
    words += ["required"] if field.required else []
    words += [f"phi={field.phi}"] if field.phi else []
    return " ".join(words + (["ledger"] if field.ledger else []))


def as_sent(feed: Feed | None, name: str) -> str:
    """What a raw column adds: whether a file may lack it, and its other headers."""
    raw = next((f for f in feed.fields if f.name == name), None) if feed else None
    if raw is None:
        return ""
    return (" required" if raw.required else "") + (f"; also {', '.join(raw.aliases)}" if raw.aliases else "")


def expected(rule: Expectation) -> str:
    """A rule with its consequence."""
    words = [rule.name, f"else {rule.on_failure}"]
    words += ["nulls pass"] if rule.nulls == "pass" else []
    words += [f"at most {rule.at_most}"] if rule.at_most is not None else []
    return ", ".join(words)


def test_declared_tables_are_those_of_the_snapshot() -> None:
    found = described(Registry.discover(NETWORKS))
    if os.environ.get(UPDATE):
        SNAPSHOT.write_text(found, encoding="utf-8")
    kept = SNAPSHOT.read_text(encoding="utf-8").splitlines()
    assert found.splitlines() == kept, f"a declaration changed. If that is meant, read the difference after: {COMMAND}"


@pytest.mark.parametrize("part", ["keys network, claim_id; merge by", "ledger", "phi=account", "else fail", "[USD]"])
def test_snapshot_tells_what_a_review_looks_for(part: str) -> None:
    assert part in described(Registry.discover(NETWORKS))


def test_changed_declaration_changes_the_text() -> None:
    table = Registry.discover(NETWORKS)["silver.claim"]
    without_a_field, without_a_rule = replace(table, fields=table.fields[:-1]), replace(table, expectations=())
    told = {"\n".join(lines(declared)) for declared in (table, without_a_field, without_a_rule)}
    assert len(told) == 3
