"""The recipe of CONTRIBUTING.md is followed as it stands: its code is run, registered and built on a tiny frame."""

import ast
import re
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from chispa import assert_df_equality
from pyspark.sql import SparkSession

from builders import given
from lakehouse.engine.context import check_schema
from lakehouse.settings_networks import NetworkSettings
from lakehouse.silver.claim_final import claim_final
from lakehouse.spec import table as table_module
from lakehouse.spec.registry import Registry, discover_adapters, discover_tables
from lakehouse.spec.selection import select
from lakehouse.spec.table import Table
from source_rules import Source, columns_at_import, impure_layer_files, wrong_directions

GUIDE = (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8")
TABLE, TEST = re.findall(r"```python\n(.*?)```", GUIDE.split("\n## ")[1], re.DOTALL)
NAME = "gold.claims_by_type"
HAND_MADE = {"ignore_nullable": True, "ignore_metadata": True}
"""A frame made by hand says nothing of null or of column comments."""


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> Iterator[Table]:
    """The recipe's table, its code run as the module it would be."""
    module = ModuleType(f"lakehouse.{NAME}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.delitem(table_module._DECLARED, NAME, raising=False)
    exec(compile(TABLE, "CONTRIBUTING.md", "exec"), vars(module))
    yield module.claims_by_type
    table_module._DECLARED.pop(NAME, None)


def test_recipe_names_its_file_and_table_alike() -> None:
    assert f"`src/lakehouse/{NAME.replace('.', '/')}.py`" in GUIDE


def test_recipe_has_ten_lines_besides_its_imports() -> None:
    tree = ast.parse(TABLE)
    documents = [node.body[0] for node in ast.walk(tree) if isinstance(node, (ast.Module, ast.FunctionDef))]
    imported = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    left_out = {n for node in [*documents, *imported] for n in range(node.lineno, (node.end_lineno or 0) + 1)}
    code = [n for n, line in enumerate(TABLE.splitlines(), start=1) if line.strip() and n not in left_out]
    assert len(code) <= 10


def test_recipe_keeps_the_rules_of_layer_files() -> None:
    written = [Source(f"{NAME.replace('.', '/')}.py", TABLE)]
    assert [*wrong_directions(written), *impure_layer_files(written), *columns_at_import(written)] == []


def test_recipe_takes_its_place_in_the_graph(recipe: Table) -> None:
    others = [found for found in discover_tables() if found.name != NAME]
    registry = Registry.of([recipe, *others], {"harbor": NetworkSettings(adapter="standard")}, discover_adapters())
    assert registry.inputs(NAME) == {"silver.claim_final"}
    assert select(registry, [f"+{NAME}"])[-1] == NAME
    assert "bronze.harbor_claims" in select(registry, [f"+{NAME}"])


def test_recipe_builds_what_it_declares(spark: SparkSession, recipe: Table) -> None:
    january, february = date(2026, 1, 1), date(2026, 2, 1)
    claims = given(
        spark,
        claim_final,
        {"service_month": january, "claim_type": "dental"},
        {"service_month": january, "claim_type": "dental"},
        {"service_month": january, "claim_type": None},
        {"service_month": february, "claim_type": "dental"},
    )
    counted = recipe(claims=claims)
    check_schema(recipe, counted)
    rows = [(january, "dental", 2), (january, "undetermined", 1), (february, "dental", 1)]
    expected = spark.createDataFrame(rows, "service_month date, claim_type string, claim_count long")
    assert_df_equality(counted, expected, ignore_row_order=True, **HAND_MADE)
    assert recipe.balance is not None
    stated = recipe.balance({"claims": claims}, counted).collect()
    assert sorted((row["side"], int(row["amount"])) for row in stated) == [("in", 4), ("out", 4)]


def test_recipe_of_no_claims_is_no_row(spark: SparkSession, recipe: Table) -> None:
    assert recipe(claims=given(spark, claim_final)).collect() == []


def test_test_of_the_recipe_passes_as_it_stands(spark: SparkSession, recipe: Table) -> None:
    names: dict[str, object] = {}
    exec(compile(TEST, "CONTRIBUTING.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_") and callable(value)]
    assert len(tests) == 1
    tests[0](spark)
