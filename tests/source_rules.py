"""The rules of layout and style that reading the source can decide, each a function from sources to offences.

A source is a path relative to `src/lakehouse` with its text. An offence is one line: `path:line: what is wrong`.
"""

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

LAYERS = ("bronze", "silver", "gold", "reference")
DOORS = ("delta", "deltalake", "boto3", "botocore", "pyodbc", "arrow_odbc")
FLOOR = (
    "settings",
    "settings_files",
    "settings_layers",
    "settings_alerts",
    "settings_networks",
    "settings_retention",
    "settings_section",
    "errors",
    "faults",
)
INSIDE = ("engine", "storage", "spec", *FLOOR)
ANY_CORE = ("operate", "report", "commands", "demo", "cli", *INSIDE, *LAYERS)
MAY_IMPORT: Mapping[str, tuple[str, ...]] = {
    "errors": (),
    "faults": (),
    "settings": tuple(room for room in FLOOR if room not in ("settings", "faults")),
    "settings_alerts": ("settings_networks", "settings_section"),
    "settings_retention": ("errors", "settings_section"),
    "settings_networks": ("errors", "settings_files", "settings_section"),
    "settings_files": ("settings_section",),
    "settings_section": (),
    "settings_layers": ("errors",),
    "spec": ("errors", "spec"),
    "storage": (*FLOOR, "storage", "spec.field", "spec.sources"),
    "engine": INSIDE,
    "reference": ("spec", "reference"),
    "bronze": ("spec", "bronze", "reference"),
    "silver": ("spec", "silver", "bronze", "reference"),
    "gold": ("spec", "gold", "silver", "reference"),
    "operate": ("operate", *INSIDE),
    "report": ("report", "operate", *INSIDE),
    "demo": ("demo", *INSIDE),
    "commands": tuple(room for room in ANY_CORE if room not in ("cli", *LAYERS)),
    "cli": ("commands", *INSIDE),
    "integrations": ("integrations", *ANY_CORE),
    "": ("spec",),
}
"""Room -> what it may import of ours. The room of the package's own `__init__` is the empty name."""


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


ACTIONS = words(
    "collect toPandas toArrow take show isEmpty head first tail count foreach foreachPartition toLocalIterator "
    "cache persist unpersist checkpoint localCheckpoint repartition "
    "write writeTo writeStream save saveAsTable insertInto createOrReplaceTempView createTempView "
    "createGlobalTempView createOrReplaceGlobalTempView rdd sparkSession createDataFrame sql"
)
UDFS = words("udf pandas_udf udtf arrow_udf mapInPandas mapInArrow applyInPandas applyInArrow call_udf")
UNREPEATABLE = words(
    "now today utcnow current_date curdate current_timestamp localtimestamp "
    "rand randn random randstr uniform uuid shuffle monotonically_increasing_id spark_partition_id"
)
OUTSIDE = words("os sys io time random uuid secrets logging pathlib subprocess socket shutil tempfile")
VAGUE = words("util utils helper helpers common misc shared stuff tools")


@dataclass(frozen=True)
class Source:
    """One Python file of the package."""

    path: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """Its syntax tree."""
        return ast.parse(self.text, self.path)

    @property
    def room(self) -> str:
        """First part of its place: `spec`, `engine`, `cli`; empty for the package's own `__init__`."""
        first = PurePosixPath(self.path).parts[0].removesuffix(".py")
        return "" if first == "__init__" else first

    @property
    def lines(self) -> int:
        """Number of its lines."""
        return len(self.text.splitlines())

    @property
    def declares(self) -> bool:
        """A layer file that declares a table or a feed."""
        called = {_name(n.func) for n in ast.walk(self.tree) if isinstance(n, ast.Call)}
        return self.room in LAYERS and bool(called & {"table", "feed", "contract_feed", "conforms"})

    def at(self, node: ast.AST, said: str) -> str:
        """An offence at a node."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}: {said}"


def imports(source: Source) -> Iterator[tuple[ast.AST, str]]:
    """Every imported name in full, relative imports resolved."""
    package = ["lakehouse", *PurePosixPath(source.path).parts[:-1]]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from ((node, f"{module}.{alias.name}") for alias in node.names)


def wrong_directions(sources: Iterable[Source]) -> list[str]:
    """Imports of ours that a room may not make. A name of the package itself (`lakehouse.field`) is one of spec."""
    offences: list[str] = []
    for source in sources:
        if source.room not in MAY_IMPORT:
            offences.append(f"{source.path}:1: room {source.room} is unknown; give it a line in MAY_IMPORT")
            continue
        allowed = MAY_IMPORT[source.room]
        for node, name in imports(source):
            top, _, inner = name.partition(".")
            if top != "lakehouse":
                continue
            target = inner if inner.split(".")[0] in MAY_IMPORT else "spec"
            if not any(target == room or target.startswith(f"{room}.") for room in allowed):
                offences.append(source.at(node, f"{source.room or 'the package'} may not import {name}"))
    return offences


def doors_outside_storage(sources: Iterable[Source]) -> list[str]:
    """Imports of Delta, AWS and database libraries anywhere but in storage."""
    return [
        source.at(node, f"imports {name}; only storage does")
        for source in sources
        if source.room != "storage"
        for node, name in imports(source)
        if name.split(".")[0] in DOORS
    ]


def foreign_imports_of_spec(sources: Iterable[Source]) -> list[str]:
    """Imports that let a declaration look outside: only the standard library, Spark's columns, frames and types."""
    pure = (
        "pyspark.sql.Column",
        "pyspark.sql.DataFrame",
        "pyspark.sql.Window",
        "pyspark.sql.WindowSpec",
        "pyspark.sql.functions",
        "pyspark.sql.types",
    )
    return [
        source.at(node, f"a declaration has no use for {name}")
        for source in sources
        if source.room in ("spec", *LAYERS)
        for node, name in imports(source)
        if name.split(".")[0] in OUTSIDE or (name.split(".")[0] == "pyspark" and name not in pure)
    ]


def impure_layer_files(sources: Iterable[Source]) -> list[str]:
    """Actions, writes, caches, UDFs, clocks and randomness in layer files. `F.count` and `F.first` are no actions."""
    offences: list[str] = []
    for source in sources:
        if source.room not in LAYERS:
            continue
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute):
                of_functions = isinstance(node.value, ast.Name) and node.value.id == "F"
                if node.attr in ACTIONS and not of_functions:
                    offences.append(source.at(node, f".{node.attr} makes Spark run or write; the engine decides that"))
            name = _name(node)
            if name in UDFS:
                offences.append(source.at(node, f"{name}: no UDF; use Spark's own functions"))
            if name in UNREPEATABLE:
                offences.append(source.at(node, f"{name} answers differently on a rerun; take it as an argument"))
            if isinstance(node, ast.ImportFrom):
                names = {alias.name for alias in node.names} & (UDFS | UNREPEATABLE)
                offences += [source.at(node, f"imports {found}, which a layer file may not use") for found in names]
    return offences


def columns_at_import(sources: Iterable[Source]) -> list[str]:
    """Calls of Spark functions while a module is imported: decorators, defaults and class bodies included."""
    return [
        source.at(
            node, "makes a Column or Window at import, which fails without a Spark session; wrap it in a function"
        )
        for source in sources
        for names in [_spark_names(source)]
        for node in _run_at_import(source.tree)
        if isinstance(node, ast.Call) and _root(node.func) in names
    ]


def _spark_names(source: Source) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                is_module = (node.module, alias.name) in (("pyspark.sql", "functions"), ("pyspark.sql", "Window"))
                if is_module or node.module in ("pyspark.sql.functions", "pyspark.sql.window"):
                    found.add(alias.asname or alias.name)
        elif isinstance(node, ast.Import):
            found |= {alias.asname for alias in node.names if alias.asname and alias.name == "pyspark.sql.functions"}
    return found


def _run_at_import(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that run when the module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            outer = [*child.decorator_list, *child.args.defaults, *[d for d in child.args.kw_defaults if d]]
            for part in outer:
                yield part
                yield from _run_at_import(part)
        elif not isinstance(child, ast.Lambda):
            yield child
            yield from _run_at_import(child)


def long_functions(sources: Iterable[Source], most: int = 60) -> list[str]:
    """Functions of more than `most` lines."""
    return [
        source.at(node, f"{node.name} has {length} lines; at most {most}")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > most
    ]


def table_files_of_other_sizes(
    sources: Iterable[Source], least: int, most: int, longer: Mapping[str, int]
) -> list[str]:
    """Files that declare a table or feed with fewer than `least` or more than `most` lines.

    Args:
        sources: to look at.
        least: lines.
        most: lines.
        longer: files that may have more, and how many.
    """
    offences: list[str] = []
    for source in (s for s in sources if s.declares):
        limit = longer.get(source.path, most)
        if not least <= source.lines <= limit:
            offences.append(f"{source.path}:1: {source.lines} lines; a table file has {least} to {limit}")
    return offences


def long_modules(sources: Iterable[Source], usual: int = 300, most: int = 350, rarely: int = 2) -> list[str]:
    """Modules above `most` lines; and all above `usual` when there are more than `rarely` of them."""
    sized = [source for source in sources if source.lines > usual]
    told = sized if len(sized) > rarely else [source for source in sized if source.lines > most]
    return [f"{s.path}:1: {s.lines} lines; {usual} is the rule, {most} the end, and {rarely} may pass it" for s in told]


def vague_modules(sources: Iterable[Source]) -> list[str]:
    """Files and folders whose name says nothing of what they hold."""
    return [
        f"{source.path}:1: name it for what it holds"
        for source in sources
        if VAGUE & {part.removesuffix(".py") for part in PurePosixPath(source.path).parts}
    ]


def prints(sources: Iterable[Source]) -> list[str]:
    """Calls of `print`: only the command line speaks, through its own console."""
    return [
        source.at(node, "print; return the text, or let the command line say it")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def unmirrored_tests(tests: Iterable[str], sources: Iterable[str], about_several: Iterable[str]) -> list[str]:
    """Test files (paths below `tests`) that stand for no module at the same place below `src/lakehouse`.

    `engine/test_plan.py` stands for `engine/plan.py`; every test in a folder `cli` stands for `cli.py`.

    Args:
        tests: to look at.
        sources: paths of the package's modules.
        about_several: tests of several modules at once, or of the whole project.
    """
    known, excused = set(sources), set(about_several)
    offences: list[str] = []
    for test in tests:
        place = PurePosixPath(test)
        mirrored = str(place.with_name(place.name.removeprefix("test_")))
        if not known & {mirrored, f"{place.parent}.py"} and test not in excused:
            offences.append(f"tests/{test}:1: there is no src/lakehouse/{mirrored}")
    return offences


def _name(node: ast.AST) -> str:
    """Last part of a name: `now` of `datetime.now`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _root(node: ast.AST) -> str:
    """First part of a dotted name: `F` of `F.col`."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""
