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


@cache
def _code(module: str) -> str:
    """The module's syntax tree without docstrings: comments and layout do not count."""
    spec = importlib.util.find_spec(module)
    loader = spec.loader if spec else None
    source = loader.get_source(module) if loader is not None and hasattr(loader, "get_source") else None
    if source is None:
        return module
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.FunctionDef, ast.ClassDef)) and ast.get_docstring(node) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.dump(tree)


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
    parts += [_code(module) for module in sorted(modules)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
