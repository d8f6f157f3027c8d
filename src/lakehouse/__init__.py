"""A healthcare claims lakehouse. The names here are those a table file needs; everything else has a module of its own.

Names are looked up on first use, so that importing a part of the package does not import the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lakehouse.spec.expectations import (
        DROP,
        FAIL,
        QUARANTINE,
        WARN,
        accepted_values,
        between,
        matches,
        not_after,
        not_null,
        recency,
        relationships,
        row,
        row_count_at_least,
        totals_match,
        unique,
    )
    from lakehouse.spec.field import (
        BOOLEAN,
        DATE,
        INT,
        LONG,
        MONEY,
        QUANTITY,
        STRING,
        STRINGS,
        TIMESTAMP,
        TOTAL,
        field,
    )
    from lakehouse.spec.freshness import Freshness, Report
    from lakehouse.spec.scopes import (
        Append,
        Merge,
        ReplaceGroups,
        ReplacePartitions,
        changes,
        conformed,
        groups,
        period_of,
        snapshot,
    )
    from lakehouse.spec.table import table

__version__ = "0.1.0"

__all__ = [
    "BOOLEAN",
    "DATE",
    "DROP",
    "FAIL",
    "INT",
    "LONG",
    "MONEY",
    "QUANTITY",
    "QUARANTINE",
    "STRING",
    "STRINGS",
    "TIMESTAMP",
    "TOTAL",
    "WARN",
    "Append",
    "Freshness",
    "Merge",
    "ReplaceGroups",
    "ReplacePartitions",
    "Report",
    "__version__",
    "accepted_values",
    "between",
    "changes",
    "conformed",
    "field",
    "groups",
    "matches",
    "not_after",
    "not_null",
    "period_of",
    "recency",
    "relationships",
    "row",
    "row_count_at_least",
    "snapshot",
    "table",
    "totals_match",
    "unique",
]

_MODULES = ("table", "field", "scopes", "expectations", "freshness")


def __getattr__(name: str) -> object:
    if name in __all__:
        for module in (import_module(f"lakehouse.spec.{part}") for part in _MODULES):
            if name in vars(module):
                found: object = vars(module)[name]
                return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
