"""A hash of what a table is made by: its declaration, its code, and the code of what conforms into it."""

import ast
import hashlib
import importlib
import importlib.resources
import importlib.util
import json
from collections.abc import Mapping
from functools import cache

from lakehouse.spec.registry import Registry
from lakehouse.spec.scopes import Changes, Conformed, Resource
from lakehouse.spec.sources import ResourceSource
from lakehouse.spec.table import Table

LAYERS = ("lakehouse.bronze.", "lakehouse.reference.", "lakehouse.silver.", "lakehouse.gold.")
SHARED = ("lakehouse.spec.columns",)


@cache
def _tree(module: str) -> ast.Module | None:
    """The module's syntax tree without docstrings: comments and layout do not count."""
    spec = importlib.util.find_spec(module)
    loader = spec.loader if spec else None
    source = loader.get_source(module) if loader is not None and hasattr(loader, "get_source") else None
    if source is None:
        return None
    tree: ast.Module = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return tree


@cache
def _code(module: str) -> str:
    tree = _tree(module)
    return ast.dump(tree) if tree else module


@cache
def _imports(module: str) -> frozenset[str]:
    """Layer modules and shared column functions that a module imports from."""
    tree = _tree(module)
    nodes = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)] if tree else []
    found = {node.module for node in nodes if node.module}
    found |= {f"{node.module}.{name.name}" for node in nodes if f"{node.module}." in LAYERS for name in node.names}
    package = module.rpartition(".")[0] + "."
    return frozenset(m for m in found if m.startswith((*LAYERS, package)) or m in SHARED)


def _reached(modules: set[str], inputs: frozenset[str]) -> set[str]:
    """`modules` and what they are written with; modules of other tables are inputs, not code."""
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting.extend(_imports(module) - inputs)
    return seen


def resource_checksum(source: ResourceSource) -> str:
    """SHA-256 of a packaged file."""
    return hashlib.sha256(resource_text(source).encode()).hexdigest()


def resource_text(source: ResourceSource) -> str:
    """Content of a packaged file."""
    return importlib.resources.files(source.package).joinpath(source.file).read_text(encoding="utf-8")


def settings_checksum(networks: Mapping[str, Mapping[str, object]]) -> str:
    """Hash of what the settings say of the senders."""
    return hashlib.sha256(json.dumps(networks, sort_keys=True, default=str).encode()).hexdigest()


def fingerprint(table: Table, registry: Registry) -> str:
    """16 hex digits that change when the table would be computed differently."""
    parts = [
        table.name,
        repr(table.write),
        repr(table.partition_by),
        *[repr((f.name, f.type.simpleString(), f.required, f.ledger)) for f in table.fields],
        *[repr((e.name, str(e.on_failure), e.nulls, e.at_most)) for e in table.expectations],
    ]
    modules = {table.module} if table.module else set()
    for scope in table.reads.values():
        if isinstance(scope, Changes) and isinstance(scope.of, Conformed):
            modules |= {part.conform.transform.__module__ for part in registry.conformed_inputs(scope.of.contract)}
        if isinstance(scope, Resource):
            parts.append(repr(scope.source))
    inputs = frozenset(t.module for t in registry.tables.values() if t.module)
    parts += [_code(module) for module in sorted(_reached(modules, inputs))]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
