"""Which lease covers which table: a slow extract of one network keeps nobody from the rest."""

from collections.abc import Iterable

from lakehouse.spec.registry import Registry
from lakehouse.storage.store import MISSING_SUFFIX, QUARANTINE_SUFFIX

CORE = "core"


def lease_of(registry: Registry, name: str) -> str:
    """`bronze:<network>` for a network's Bronze tables and their quarantines, `core` for all other tables."""
    table = name.removesuffix(QUARANTINE_SUFFIX).removesuffix(MISSING_SUFFIX)
    if table in registry.tables:
        network = registry[table].network
        return f"bronze:{network}" if network else CORE
    return CORE


def leases_of(registry: Registry, names: Iterable[str]) -> list[str]:
    """The leases that a run over the named tables takes, in the order it takes them."""
    return sorted({lease_of(registry, name) for name in names})
