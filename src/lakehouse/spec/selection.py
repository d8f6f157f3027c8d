"""The selection grammar of dbt: `name`, `+name`, `name+`, `layer:gold`, `network:harbor`, `tag:claims`, with `*` as
a wild card."""

import difflib
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from lakehouse.errors import SettingsError
from lakehouse.spec.registry import Registry


def select(registry: Registry, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> list[str]:
    """Names of the selected tables in build order; without `include`, all of them.

    Several terms (or one with blanks between) are a union; a term with commas is an intersection.

    Raises:
        SettingsError: a term selects nothing that exists, with the nearest valid names; or nothing is in all parts of
            an intersection.
    """
    if include and not any(term.strip() for term in include):
        raise SettingsError("selection '': no term is given. Leave it out to select every table.")
    chosen = set(registry.tables) if not include else _union(registry, include)
    chosen -= _union(registry, exclude)
    return [name for name in registry.tables if name in chosen]


def _union(registry: Registry, terms: Iterable[str]) -> set[str]:
    found: set[str] = set()
    for term in (part for text in terms for part in text.split()):
        both = set.intersection(*[_term(registry, part) for part in term.split(",")])
        if not both:
            raise SettingsError(f"selection {term!r}: no table is in all of its parts. Use blanks for a union.")
        found |= both
    return found


def _term(registry: Registry, term: str) -> set[str]:
    name = term.removeprefix("+").removesuffix("+")
    found = _named(registry, name)
    grown = set(found)
    if term.startswith("+"):
        grown |= registry.upstream(found)
    if term.endswith("+"):
        grown |= registry.downstream(found)
    return grown


def _named(registry: Registry, name: str) -> set[str]:
    method, colon, value = name.partition(":")
    methods = {
        "layer": lambda: {n: [t.layer] for n, t in registry.tables.items()},
        "network": lambda: {n: [t.network] if t.network else [] for n, t in registry.tables.items()},
        "tag": lambda: {n: list(t.tags) for n, t in registry.tables.items()},
    }
    if not colon:
        found = {n for n in registry.tables if fnmatchcase(n, name)}
        return found or _nothing(name, registry.tables)
    if method not in methods:
        raise SettingsError(f"selection {name!r}: no method is named {method!r}. Valid: {', '.join(methods)}.")
    by_table = methods[method]()
    found = {n for n, values in by_table.items() if any(fnmatchcase(v, value) for v in values)}
    return found or _nothing(value, sorted({v for values in by_table.values() for v in values}), name)


def _nothing(name: str, valid: Iterable[str], term: str = "") -> set[str]:
    names = list(valid)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:10]
    raise SettingsError(f"selection {term or name!r} matches nothing. Nearest: {', '.join(near) or 'none'}.")
