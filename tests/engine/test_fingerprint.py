"""A fingerprint changes when the table would be computed differently, and only then."""

import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from engine.world import ADAPTERS, TABLES, VISITS, plain_visits
from lakehouse.engine import fingerprint as fingerprint_module
from lakehouse.engine.fingerprint import fingerprint, resource_checksum, settings_checksum
from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.expectations import FAIL, WARN, not_null
from lakehouse.spec.feed import conforms
from lakehouse.spec.field import LONG, field
from lakehouse.spec.registry import Adapter, Registry, discover_tables
from lakehouse.spec.scopes import Merge, Resource, changes
from lakehouse.spec.table import Table

VISIT, EPISODE, MONTH = TABLES
NETWORKS = {"north": NetworkSettings(adapter="plain")}
REGISTRY = Registry.of(TABLES, NETWORKS, ADAPTERS)
CODE = '''"""What this module is for."""

from dataclasses import dataclass


@dataclass
class Rule:
    """A rule."""

    limit: int = 10


def keep(value):
    """Say whether a value is kept."""
    # A limit is a limit.
    return value < Rule().limit
'''

ModuleOf = Callable[[str], str]


@pytest.fixture
def module_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleOf]:
    """Writes code into a module of the same name in a folder of its own, and makes it the one that is found."""
    monkeypatch.syspath_prepend(str(tmp_path))
    numbers = itertools.count()

    def write(code: str) -> str:
        # One name per text: what Python knows of a module it keeps.
        name = f"fingerprinted_{tmp_path.name}_{next(numbers)}"
        (tmp_path / f"{name}.py").write_text(code)
        return name

    yield write
    for name in [n for n in sys.modules if n.startswith("fingerprinted_")]:
        del sys.modules[name]


def of_table(table: Table) -> str:
    return fingerprint(table, REGISTRY)


def of_code(code: str, module_of: ModuleOf) -> str:
    return of_table(replace(EPISODE, module=module_of(code)))


def test_a_fingerprint_is_sixteen_hex_digits_and_repeatable() -> None:
    mark = of_table(VISIT)
    assert len(mark) == 16
    assert int(mark, 16) >= 0
    assert mark == of_table(replace(VISIT))


def test_no_two_tables_share_a_fingerprint() -> None:
    assert len({of_table(t) for t in TABLES}) == len(TABLES)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("A limit is a limit.", "Less is less."),
        ("What this module is for.", "Another purpose."),
        ("A rule.", "Some rule."),
        ("Say whether a value is kept.", "True when kept."),
        ("    limit: int = 10\n", "    limit: int = (\n        10\n    )\n"),
    ],
    ids=["comment", "module docstring", "class docstring", "function docstring", "layout"],
)
def test_words_about_code_do_not_change_it(module_of: ModuleOf, old: str, new: str) -> None:
    assert old in CODE
    assert of_code(CODE, module_of) == of_code(CODE.replace(old, new), module_of)


def test_a_docstring_more_or_less_does_not_change_it(module_of: ModuleOf) -> None:
    assert of_code(CODE, module_of) == of_code(CODE.replace('    """Say whether a value is kept."""\n', ""), module_of)


@pytest.mark.parametrize(("old", "new"), [("= 10", "= 11"), ("value <", "value <="), ("def keep", "def kept")])
def test_changed_code_changes_it(module_of: ModuleOf, old: str, new: str) -> None:
    assert old in CODE
    assert of_code(CODE, module_of) != of_code(CODE.replace(old, new), module_of)


@pytest.mark.parametrize(
    "changes_made",
    [
        {"expectations": (*VISIT.expectations, not_null("payer_name", on_failure=WARN))},
        {"expectations": VISIT.expectations[:1]},
        {"fields": (*VISIT.fields, field("visit_count", LONG, "one more"))},
        {"write": Merge(keys=("network", "visit_id"), sequence_by=("source_sequence", "modified_at"))},
        {"partition_by": None},
    ],
    ids=["rule added", "rule dropped", "field added", "order", "partition"],
)
def test_a_changed_declaration_changes_it(changes_made: Mapping[str, object]) -> None:
    assert of_table(VISIT) != of_table(replace(VISIT, **changes_made))  # type: ignore[arg-type]


def test_a_rules_consequence_changes_it() -> None:
    warns, fails = (replace(VISIT, expectations=(not_null("payer_name", on_failure=c),)) for c in (WARN, FAIL))
    assert of_table(warns) != of_table(fails)


def test_the_meaning_of_a_field_is_only_words() -> None:
    renamed = replace(VISIT.fields[0], meaning="another way to say it")
    assert of_table(VISIT) == of_table(replace(VISIT, fields=(renamed, *VISIT.fields[1:])))


def test_the_code_that_conforms_into_a_table_is_part_of_it(module_of: ModuleOf) -> None:
    def marked(code: str) -> str:
        def conform(visits):  # type: ignore[no-untyped-def]
            """As sent."""

        conform.__module__ = module_of(code)
        made = conforms(VISITS, reads={"visits": changes(plain_visits)})(conform)
        adapters = {"plain": Adapter("plain", {"visits": plain_visits}, (made,))}
        return fingerprint(VISIT, Registry.of(TABLES, NETWORKS, adapters))

    assert marked(CODE) == marked(CODE.replace("A limit", "One limit"))
    assert marked(CODE) != marked(CODE.replace("10", "11"))


def test_a_sender_that_changes_figures_changes_the_checksum() -> None:
    before = settings_checksum({"north": {"ledger": "provider", "days_to_close": 120}})
    assert before == settings_checksum({"north": {"days_to_close": 120, "ledger": "provider"}})
    assert before != settings_checksum({"north": {"ledger": "provider", "days_to_close": 121}})
    assert before != settings_checksum({"south": {"ledger": "provider", "days_to_close": 120}})


def test_a_packaged_file_has_a_checksum_of_its_bytes() -> None:
    scope = next(s for s in payer_mapping.reads.values() if isinstance(s, Resource))
    assert len(resource_checksum(scope.source)) == 64


def forget_code() -> None:
    """As in a new process, whose code may be another."""
    for kept in (fingerprint_module._tree, fingerprint_module._code, fingerprint_module._imports):
        kept.cache_clear()


@pytest.fixture
def layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A package `fingerprinted_layer` of two tables, of which one uses rules, which use limits, and both use the other
    table."""
    folder = tmp_path / "fingerprinted_layer"
    folder.mkdir()
    code = {
        "__init__": "",
        "episode": "from fingerprinted_layer.rules import kept\nfrom fingerprinted_layer.visit import visit\n",
        "rules": "from fingerprinted_layer.limits import LIMIT\nfrom fingerprinted_layer.visit import visit\n",
        "limits": "LIMIT = 10\n",
        "visit": "visit = 10\n",
        "unused": "NUMBER = 10\n",
    }
    for name, text in code.items():
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget_code()
    yield folder
    forget_code()
    sys.modules.pop(folder.name, None)


@pytest.mark.parametrize(
    ("module", "changes_it"),
    [("rules", True), ("limits", True), ("episode", True), ("visit", False), ("unused", False)],
)
def test_code_a_table_is_written_with_is_part_of_it_and_tables_it_reads_are_not(
    layer: Path, module: str, changes_it: bool
) -> None:
    visit, episode = (replace(t, module=f"{layer.name}.{n}") for t, n in ((VISIT, "visit"), (EPISODE, "episode")))
    registry = Registry.of((visit, episode, MONTH), NETWORKS, ADAPTERS)
    before = fingerprint(episode, registry)
    forget_code()
    assert fingerprint(episode, registry) == before
    with (layer / f"{module}.py").open("a") as code:
        code.write("CHANGED = 11\n")
    forget_code()
    assert (fingerprint(episode, registry) != before) == changes_it


def test_a_table_reaches_the_modules_of_its_layer_and_not_those_of_other_tables() -> None:
    tables = frozenset(t.module for t in discover_tables())
    reached = fingerprint_module._reached({"lakehouse.silver.claim_final"}, tables)
    assert {"lakehouse.silver.settlement", "lakehouse.silver.standard_payer", "lakehouse.spec.columns"} <= reached
    assert reached & tables == {"lakehouse.silver.claim_final"}
    assert "lakehouse.silver.claim" in tables
    of_claim = fingerprint_module._reached({"lakehouse.silver.claim"}, tables)
    assert {"lakehouse.silver.claim_rules", "lakehouse.silver.amount_rules", "lakehouse.silver.date_rules"} <= of_claim
