"""Who may import whom, and what a file may hold: decided by reading the source.

Every rule has two tests: the package keeps it, and a bad snippet breaks it.
"""

import subprocess
import sys
from pathlib import Path

import pytest

from source_rules import (
    ACTIONS,
    Source,
    columns_at_import,
    doors_outside_storage,
    foreign_imports_of_spec,
    impure_layer_files,
    long_functions,
    long_modules,
    prints,
    table_files_of_other_sizes,
    unmirrored_tests,
    vague_modules,
    wrong_directions,
)

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "src" / "lakehouse"
SOURCES = [Source(str(p.relative_to(PACKAGE).as_posix()), p.read_text()) for p in sorted(PACKAGE.rglob("*.py"))]

SHORTEST_TABLE_FILE = 15
"""A feed in the contract's own columns needs no more."""
LONGEST_TABLE_FILE = 120
LONGER_TABLE_FILES = {
    "bronze/synthea/claims.py": 140,  # two money levels of one record are told apart here
    "silver/claim_final.py": 200,  # 67 fields, each on a line of its own
    "silver/held_payment.py": 135,  # a rule for each of five reasons
    "silver/remittance.py": 140,  # 35 fields, and a rule for each way a remittance can be wrong
    "gold/denial_rate_by_procedure.py": 140,  # 20 fields, and the sum that each is
    "gold/denial_summary.py": 140,  # likewise
    "gold/revenue_by_payer.py": 190,  # 24 fields, and the select that names each again
}
ABOUT_SEVERAL = (
    "test_architecture.py",
    "test_contributing.py",
    "test_quality.py",
    "test_registry_snapshot.py",
    "bronze/standard/test_standard_feeds.py",
    "bronze/synthea/test_headers.py",
    "bronze/synthea/test_sample.py",
    "bronze/tuva/test_headers.py",
    "engine/test_bad_input.py",
    "engine/test_convergence.py",
    "engine/test_failures.py",
    "engine/test_linked_groups.py",
    "engine/test_photograph.py",
    "engine/test_refresh.py",
    "operate/test_incident.py",
    "engine/test_refusals.py",
    "engine/test_unstamped.py",
    "simulator/test_mistakes.py",
    "simulator/test_schedules.py",
)
"""Tests of what several modules do together, or of the whole project."""


def told(offences: list[str]) -> str:
    return "\n".join(["", *offences])


def bad(path: str, text: str = "") -> list[Source]:
    return [Source(path, text)]


def test_rooms_import_only_what_they_may() -> None:
    offences = wrong_directions(SOURCES)
    assert not offences, told(offences)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("spec/table.py", "from lakehouse.storage.lake import Lake"),
        ("spec/table.py", "from lakehouse import engine"),
        ("spec/table.py", "from ..engine import plan"),
        ("spec/table.py", "def late():\n    import lakehouse.settings"),
        ("storage/lake.py", "from lakehouse.engine.plan import Request"),
        ("storage/lake.py", "from lakehouse.spec.table import Table"),
        ("engine/plan.py", "from lakehouse.silver.claim import claim"),
        ("engine/plan.py", "from lakehouse.commands.edge import Place"),
        ("gold/revenue.py", "from lakehouse.bronze.standard.claims import claims"),
        ("silver/claim.py", "from lakehouse.gold.revenue import revenue"),
        ("silver/claim.py", "from lakehouse.settings import Settings"),
        ("bronze/x12/claims.py", "from lakehouse.silver.claim import claim"),
        ("reference/payer.py", "from lakehouse.silver.claim import claim"),
        ("commands/run.py", "from lakehouse.integrations.dagster import assets"),
        ("errors.py", "from lakehouse.settings import Settings"),
        ("somewhere/new.py", "import json"),
    ],
)
def test_import_against_the_direction_is_told(path: str, text: str) -> None:
    assert len(wrong_directions(bad(path, text))) == 1


def test_import_in_the_direction_is_not_told() -> None:
    kept = [
        ("gold/revenue.py", "from lakehouse.silver.claim_final import claim_final\nfrom lakehouse import field, table"),
        ("storage/lake.py", "from lakehouse.spec.field import Field\nfrom lakehouse.spec import field"),
        ("engine/run.py", "from lakehouse.storage.lake import Lake\nimport json"),
    ]
    assert wrong_directions([Source(path, text) for path, text in kept]) == []


def test_only_storage_opens_doors_to_the_outside() -> None:
    offences = doors_outside_storage(SOURCES)
    assert not offences, told(offences)


@pytest.mark.parametrize(
    "line", ["import deltalake", "from delta.tables import DeltaTable", "import boto3", "import pyodbc"]
)
def test_door_outside_storage_is_told(line: str) -> None:
    assert len(doors_outside_storage(bad("engine/run.py", f"def late():\n    {line}"))) == 1
    assert doors_outside_storage(bad("storage/lake.py", line)) == []


def test_declarations_look_at_nothing_outside() -> None:
    offences = foreign_imports_of_spec(SOURCES)
    assert not offences, told(offences)


@pytest.mark.parametrize(
    "line", ["import os", "from pathlib import Path", "from pyspark.sql import SparkSession", "import logging"]
)
def test_declaration_that_looks_outside_is_told(line: str) -> None:
    assert len(foreign_imports_of_spec(bad("silver/claim.py", line))) == 1
    assert foreign_imports_of_spec(bad("engine/run.py", line)) == []


def test_layer_files_only_transform() -> None:
    offences = impure_layer_files(SOURCES)
    assert not offences, told(offences)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_action_in_a_layer_file_is_told(action: str) -> None:
    assert impure_layer_files(bad("silver/claim.py", f"def claim(rows):\n    return rows.{action}"))


@pytest.mark.parametrize(
    "line",
    [
        "F.udf(lambda x: x)",
        "pandas_udf('int')",
        "rows.mapInPandas(f, 'a int')",
        "F.current_date()",
        "datetime.now(UTC)",
        "date.today()",
        "F.rand()",
        "F.uuid()",
        "F.monotonically_increasing_id()",
        "rows.groupBy('a').count()",
    ],
)
def test_udf_clock_or_chance_in_a_layer_file_is_told(line: str) -> None:
    assert len(impure_layer_files(bad("gold/revenue.py", f"def revenue(rows):\n    return {line}"))) == 1


def test_name_imported_from_functions_is_told_too() -> None:
    assert impure_layer_files(bad("gold/revenue.py", "from pyspark.sql.functions import rand as chance"))


def test_aggregates_are_no_actions() -> None:
    text = "def revenue(rows):\n    return rows.groupBy('a').agg(F.count(F.lit(1)), F.first('b'), F.collect_set('c'))"
    assert impure_layer_files(bad("gold/revenue.py", text)) == []


def test_no_column_is_made_at_import() -> None:
    offences = columns_at_import(SOURCES)
    assert not offences, told(offences)


@pytest.mark.parametrize(
    "text",
    [
        "IS_PAID = F.col('paid') > 0",
        "RULES = [('paid', F.lit(1))]",
        "ORDER = Window.partitionBy('a').orderBy('b')",
        "@table(rule=F.col('a').isNotNull())\ndef claim(rows):\n    return rows",
        "def paid(column=F.col('paid')):\n    return column",
        "class Rule:\n    column = F.col('paid')",
        "if True:\n    PAID = F.col('paid')",
        "from pyspark.sql.functions import col as column\nPAID = column('paid')",
    ],
)
def test_column_at_import_is_told(text: str) -> None:
    head = "from pyspark.sql import Window\nfrom pyspark.sql import functions as F\n"
    assert len(columns_at_import(bad("silver/claim.py", head + text))) == 1


def test_column_in_a_function_or_lambda_is_not_told() -> None:
    text = "from pyspark.sql import functions as F\nRULE = lambda: F.col('a')\ndef paid():\n    return F.col('paid')"
    assert columns_at_import(bad("silver/claim.py", text)) == []


def test_no_function_is_longer_than_sixty_lines() -> None:
    offences = long_functions([*SOURCES, *(Source(p.name, p.read_text()) for p in (PROJECT / "jobs").glob("*.py"))])
    assert not offences, told(offences)


def test_long_function_is_told() -> None:
    body = "    x = 1\n"
    assert long_functions(bad("engine/run.py", "def run():\n" + body * 59)) == []
    assert len(long_functions(bad("engine/run.py", "class Run:\n  def run(self):\n" + body * 60))) == 1


def test_table_files_are_of_readable_size() -> None:
    offences = table_files_of_other_sizes(SOURCES, SHORTEST_TABLE_FILE, LONGEST_TABLE_FILE, LONGER_TABLE_FILES)
    assert not offences, told(offences)


def test_no_table_file_is_excused_that_is_short_enough() -> None:
    lines = {source.path: source.lines for source in SOURCES}
    assert [path for path in LONGER_TABLE_FILES if lines.get(path, 0) <= LONGEST_TABLE_FILE] == []


@pytest.mark.parametrize(("lines", "offences"), [(3, 1), (4, 0), (6, 0), (7, 1)])
def test_table_file_of_another_size_is_told(lines: int, offences: int) -> None:
    text = "@table('gold.a')\ndef a(rows):\n    return rows\n" + "#\n" * (lines - 3)
    assert len(table_files_of_other_sizes(bad("gold/a.py", text), 4, 6, {})) == offences
    assert table_files_of_other_sizes(bad("gold/a.py", text), 3, 6, {"gold/a.py": 7}) == []
    assert table_files_of_other_sizes(bad("engine/a.py", text), 4, 6, {}) == []


def test_modules_rarely_pass_three_hundred_lines() -> None:
    offences = long_modules(SOURCES)
    assert not offences, told(offences)


def test_long_module_is_told() -> None:
    assert long_modules(bad("engine/run.py", "x = 1\n" * 350)) == []
    assert len(long_modules(bad("engine/run.py", "x = 1\n" * 351))) == 1
    assert len(long_modules(3 * bad("engine/run.py", "x = 1\n" * 301))) == 3


def test_modules_are_named_for_what_they_hold() -> None:
    offences = vague_modules(SOURCES)
    assert not offences, told(offences)


@pytest.mark.parametrize("path", ["engine/utils.py", "helpers.py", "common/paths.py"])
def test_vague_module_is_told(path: str) -> None:
    assert len(vague_modules(bad(path))) == 1


def test_nothing_prints() -> None:
    offences = prints(SOURCES)
    assert not offences, told(offences)


def test_print_is_told() -> None:
    assert len(prints(bad("engine/run.py", "def run():\n    print('done')"))) == 1


def test_every_test_module_stands_for_a_module() -> None:
    tests = Path(__file__).parent
    found = [p.relative_to(tests) for p in sorted(tests.rglob("test_*.py"))]
    usual = [p.as_posix() for p in found if p.parts[0] not in ("slow", "benchmarks")]
    offences = unmirrored_tests(usual, [source.path for source in SOURCES], ABOUT_SEVERAL)
    assert not offences, told(offences)


def test_test_without_a_module_is_told() -> None:
    assert len(unmirrored_tests(["engine/test_things.py"], ["engine/run.py"], ["test_architecture.py"])) == 1
    kept = ["engine/test_run.py", "cli/test_exit_codes.py", "test_all.py"]
    assert unmirrored_tests(kept, ["engine/run.py", "cli.py"], ["test_all.py"]) == []


IMPORT_ALL = f"""
import sys
sys.path.insert(0, {str(PROJECT / "src")!r})
import importlib, logging, pkgutil
import lakehouse
names = [m.name for m in pkgutil.walk_packages(lakehouse.__path__, "lakehouse.")]
for name in names:
    importlib.import_module(name)
from pyspark import SparkContext
assert SparkContext._gateway is None, "an import started a JVM"
assert SparkContext._active_spark_context is None
assert logging.getLogger().handlers == [], "an import configured logging"
assert logging.getLogger().level == logging.WARNING, "an import changed the log level"
sys.stdout.write(str(len(names)))
"""


def test_whole_package_imports_without_jvm_environment_or_logging() -> None:
    done = subprocess.run([sys.executable, "-c", IMPORT_ALL], env={}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= len([s for s in SOURCES if not s.path.endswith("__init__.py")])
