"""A stored dataset: a declaration and a pure function."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any  # inputs are frames or plain values

from pyspark.sql import DataFrame

from lakehouse.errors import DeclarationError
from lakehouse.spec.expectations import DROP, QUARANTINE, Expectation
from lakehouse.spec.field import Field
from lakehouse.spec.freshness import Freshness, Report
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
    ReplacePartitions,
    Snapshot,
    WriteMode,
)

if TYPE_CHECKING:
    from lakehouse.spec.feed import Feed

LAYERS = ("reference", "bronze", "silver", "gold")
_DECLARED: dict[str, str] = {}

Balance = Callable[[Mapping[str, Any], DataFrame], DataFrame]
"""Inputs (frames, and the logical date where it is read) and result -> rows (measure string, reason string, side `in`
or `out`, amount decimal): per measure, in = out."""


@dataclass(frozen=True, eq=False)
class Table:
    """One stored dataset. Calling it runs the bare transform on the frames given: tests need no engine and no storage.

    Attributes:
        name: `<layer>.<table>`.
        reads: parameter name -> read scope.
        fields: columns in stored order; technical columns of the write mode are added by the engine.
        write: write mode.
        partition_by: column, `period_of(column)`, or None.
        expectations: rules with consequences.
        balance: states how rows and money of the inputs reappear in the result; the build fails on a difference.
        reports: named uses, on published Gold tables.
        network, feed: set on Bronze tables only.
    """

    name: str
    reads: Mapping[str, ReadScope]
    fields: tuple[Field, ...]
    write: WriteMode
    description: str
    partition_by: str | Period | None = None
    expectations: tuple[Expectation, ...] = ()
    balance: Balance | None = None
    freshness: Freshness | None = None
    owner: str = "claims-data"
    tags: tuple[str, ...] = ()
    reports: tuple[Report, ...] = ()
    transform: Callable[..., DataFrame] | None = None
    module: str = ""
    network: str | None = None
    feed: "Feed | None" = None

    def __call__(self, **inputs: object) -> DataFrame:
        """Run the bare transform on the frames (and plain values) given by parameter name."""
        if self.transform is None:
            raise DeclarationError(f"{self.name} has no transform: it holds rows exactly as sent.")
        return self.transform(**inputs)

    def __repr__(self) -> str:
        return f"Table({self.name})"

    @property
    def layer(self) -> str:
        """`bronze`, `silver`, `gold` or `reference`."""
        return self.name.split(".")[0]

    @property
    def short_name(self) -> str:
        """The name without its layer."""
        return self.name.split(".")[1]

    @property
    def field_names(self) -> tuple[str, ...]:
        """Declared columns in order."""
        return tuple(f.name for f in self.fields)

    @property
    def keys(self) -> tuple[str, ...]:
        """Columns that name a row; empty for Bronze."""
        if isinstance(self.write, Merge):
            return self.write.keys
        if isinstance(self.write, ReplaceGroups):
            return self.write.row_keys
        return self.write.keys if isinstance(self.write, ReplacePartitions) else ()

    @property
    def ledger_fields(self) -> tuple[str, ...]:
        """Money columns that every build accounts for."""
        return tuple(f.name for f in self.fields if f.ledger)

    @property
    def is_photograph(self) -> bool:
        """Each partition is what was so on one day; a run adds that of its logical date and touches no other."""
        is_grouped = any(isinstance(scope, Groups) for scope in self.reads.values())
        return isinstance(self.write, ReplacePartitions) and self.write.on is not None and not is_grouped

    @property
    def has_tombstones(self) -> bool:
        """Deleted rows are kept and hidden from readers."""
        return isinstance(self.write, Merge)

    def field(self, name: str) -> Field:
        """The declared field of that name.

        Raises:
            KeyError: there is none.
        """
        for declared in self.fields:
            if declared.name == name:
                return declared
        raise KeyError(name)


def table(
    name: str,
    *,
    reads: Mapping[str, ReadScope],
    fields: Sequence[Field],
    write: WriteMode,
    partition_by: str | Period | None = None,
    expectations: Sequence[Expectation] = (),
    balance: Balance | None = None,
    freshness: Freshness | None = None,
    owner: str = "claims-data",
    tags: Sequence[str] = (),
    reports: Sequence[Report] = (),
) -> Callable[[Callable[..., DataFrame]], Table]:
    """Declare a table; the decorated function is its transform.

    The transform takes the inputs named in `reads` and returns exactly `fields`, in order. A table that merges
    `changes(...)` ends its select with `"_lineage"`, the engine's record of where each row came from.

    Raises:
        DeclarationError: at import, when something is declared that cannot work.
    """

    def declare(function: Callable[..., DataFrame]) -> Table:
        declared = Table(
            name=name,
            reads=dict(reads),
            fields=tuple(fields),
            write=write,
            description=" ".join((inspect.getdoc(function) or "").split()),
            partition_by=partition_by,
            expectations=tuple(expectations),
            balance=balance,
            freshness=freshness,
            owner=owner,
            tags=tuple(tags),
            reports=tuple(reports),
            transform=function,
            module=function.__module__,
        )
        problems = _problems(declared, list(inspect.signature(function).parameters))
        if problems:
            raise DeclarationError(f"{name}: " + "; ".join(problems))
        _DECLARED[name] = function.__module__
        return declared

    return declare


def _problems(t: Table, parameters: list[str]) -> list[str]:
    """Everything that is wrong with a declaration, each with its remedy."""
    found: list[str] = []
    layer, _, short = t.name.partition(".")
    if layer not in LAYERS or not short.isidentifier() or t.name != t.name.lower():
        found.append(f"the name must be <layer>.<table> in lower case with a layer of {', '.join(LAYERS)}")
    owner = _DECLARED.get(t.name)
    if owner is not None and owner != t.module:
        found.append(f"the name is taken by {owner}; choose another")
    if parameters != list(t.reads):
        found.append(f"parameters {parameters} differ from reads {list(t.reads)}; make them equal")
    if not t.description:
        found.append('the docstring is missing; start it with "One row per ..."')
    names = t.field_names
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        found.append(f"field {', '.join(doubled)} is declared twice")
    found += _field_problems(t, set(names))
    return found + _rule_problems(t) + _scope_problems(t)


def _field_problems(t: Table, names: set[str]) -> list[str]:
    """Keys, groups, partitions and ordering columns that are no declared fields."""
    used: dict[str, tuple[str, ...]] = {"key": t.keys}
    if isinstance(t.write, Merge):
        used |= {"sequence_by": t.write.sequence_by, "apply_as_deletes": (t.write.apply_as_deletes,)}
    if isinstance(t.write, ReplaceGroups):
        used["group"] = t.write.by
    if isinstance(t.write, ReplacePartitions) and t.write.on:
        used["partition"] = (t.write.on,)
    if t.partition_by is not None:
        used["partition_by"] = (t.partition_by.of if isinstance(t.partition_by, Period) else t.partition_by,)
    found = [
        f"{role} {column} is not a field; declare it or correct the name"
        for role, columns in used.items()
        for column in columns
        if column not in names
    ]
    if not t.keys and not isinstance(t.write, Append):
        found.append("the write mode names no keys; say what makes a row one row")
    if isinstance(t.write, Merge) and t.write.scd_type != 1:
        found.append("scd_type must be 1; history by source dates is a table of its own with ReplaceGroups")
    if isinstance(t.write, (Merge, ReplaceGroups)) and isinstance(t.partition_by, str):
        found.append("partition_by must be period_of(a date) where keys may move between partitions")
    placed = t.partition_by if isinstance(t.partition_by, str) else None
    literals = {placed, t.write.on if isinstance(t.write, ReplacePartitions) else None}
    found += [
        f"{f.name} has a PHI class, but its values would stand in folder names and the log; partition by another column"
        for f in t.fields
        if f.name in literals and f.phi is not None
    ]
    return found


def _rule_problems(t: Table) -> list[str]:
    """Rules that do not go with the table."""
    found: list[str] = []
    speakable = {f.name for f in t.fields if f.phi is None}
    for e in t.expectations:
        if e.on_failure in (DROP, QUARANTINE) and not isinstance(t.write, Merge):
            found.append(
                f"expectation {e.name} would set rows aside, but only a merged table has rows as sent; let it warn or "
                "fail"
            )
        if e.sees_whole and not isinstance(t.write, ReplacePartitions):
            found.append(f"expectation {e.name} sees the whole table, which needs write=ReplacePartitions(...)")
        found += [
            f"expectation {e.name} names rows by {c}, which is no field, or one with a PHI class; name another"
            for c in e.named_by
            if c not in speakable
        ]
    rules = [e.name for e in t.expectations]
    return found + [f"expectation {r} is declared twice" for r in sorted({r for r in rules if rules.count(r) > 1})]


def _scope_problems(t: Table) -> list[str]:
    """Read scopes that do not go with the write mode."""
    scopes = list(t.reads.values())
    merged = [s for s in scopes if isinstance(s, Changes)]
    by = {s.by for s in scopes if isinstance(s, Groups)}
    if any(isinstance(s, Snapshot) and not isinstance(s.of, Table) for s in scopes):
        return ["snapshot(feed) belongs to a conform function; a table reads tables"]
    if isinstance(t.write, Merge) and (by or len(merged) != 1 or not isinstance(merged[0].of, Conformed)):
        return ["Merge needs exactly one changes(conformed(...)) and no groups(...) in reads"]
    if merged and not isinstance(t.write, Merge):
        return ["changes(...) needs write=Merge(...); read groups(...) or snapshot(...) instead"]
    if isinstance(t.write, ReplaceGroups):
        if not by:
            return ["ReplaceGroups needs at least one groups(...) in reads"]
        if any(len(columns) != len(t.write.by) for columns in by):
            return [f"ReplaceGroups by {t.write.by} must have as many columns as the groups of its reads"]
    if isinstance(t.write, ReplacePartitions) and by and by != {(t.write.on,)}:
        return [f"ReplacePartitions on {t.write.on} must equal the groups of its reads, found {sorted(by)}"]
    if t.is_photograph and not any(isinstance(s, LogicalDate) for s in scopes):
        return ["ReplacePartitions on a column without groups(...) keeps a photograph of each day; read logical_date()"]
    return []
