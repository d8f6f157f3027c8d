"""Everything that is declared, and how it hangs together.

Layer packages are searched with `pkgutil` (works inside a zip); nobody edits a list. Adapters of other pip packages
join through the entry-point group `lakehouse.networks`, whose entries name a package laid out like a folder of
`lakehouse.bronze`.
"""

import difflib
import importlib
import pkgutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import entry_points
from types import ModuleType
from typing import Protocol

from lakehouse.errors import DeclarationError, SettingsError
from lakehouse.spec.contracts import Contract
from lakehouse.spec.feed import Conform, Feed
from lakehouse.spec.freshness import Report
from lakehouse.spec.scopes import Changes, Conformed, Groups, Snapshot
from lakehouse.spec.table import LAYERS, Table

TABLE_PACKAGES = ("lakehouse.reference", "lakehouse.silver", "lakehouse.gold")
ADAPTER_PACKAGE = "lakehouse.bronze"


class NetworkLike(Protocol):
    """What the registry needs to know of a configured network."""

    @property
    def adapter(self) -> str: ...
    @property
    def enabled(self) -> bool: ...
    @property
    def feeds(self) -> tuple[str, ...] | None: ...


@dataclass(frozen=True)
class Adapter:
    """A feed format: its feeds, and how they conform."""

    name: str
    feeds: Mapping[str, Feed]
    conforms: tuple[Conform, ...]


@dataclass(frozen=True)
class ConformedInput:
    """One network's part of a `conformed(contract)` read: the function and its Bronze tables by input name."""

    network: str
    conform: Conform
    tables: Mapping[str, Table]

    @property
    def main(self) -> Table:
        """The Bronze table whose rows are conformed."""
        return self.tables[self.conform.main_input]


@dataclass(frozen=True)
class Registry:
    """All tables of the configured networks, in build order, and what each reads.

    Attributes:
        tables: name -> table, inputs before readers.
        adapters: adapter name -> adapter.
    """

    tables: Mapping[str, Table]
    adapters: Mapping[str, Adapter] = field(default_factory=dict)
    networks: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        tables: Iterable[Table],
        networks: Mapping[str, NetworkLike] | None = None,
        adapters: Mapping[str, Adapter] | None = None,
    ) -> "Registry":
        """Put declared tables and configured networks together.

        Raises:
            SettingsError: a network names an unknown adapter or feed.
            DeclarationError: two tables share a name, or tables read each other in a circle.
        """
        known = adapters or {}
        live = {name: network for name, network in sorted((networks or {}).items()) if network.enabled}
        collected: dict[str, Table] = {}
        for declared in [*_bronze_tables(live, known), *tables]:
            if collected.setdefault(declared.name, declared) is not declared:
                raise DeclarationError(
                    f"{declared.name} is declared twice: {_place(collected[declared.name])}, {_place(declared)}. "
                    "Rename one of them."
                )
        draft = cls(collected, known, {name: network.adapter for name, network in live.items()})
        return cls({name: collected[name] for name in draft._order()}, draft.adapters, draft.networks)

    @classmethod
    def discover(cls, networks: Mapping[str, NetworkLike]) -> "Registry":
        """Everything this package and installed adapter packages declare, for the networks given."""
        return cls.of(discover_tables(), networks, discover_adapters())

    def _order(self) -> list[str]:
        graph = {name: sorted(self.inputs(name)) for name in sorted(self.tables, key=self._rank)}
        try:
            return list(TopologicalSorter(graph).static_order())
        except CycleError as circle:
            raise DeclarationError(f"tables read each other in a circle: {' -> '.join(circle.args[1])}.") from circle

    def _rank(self, name: str) -> tuple[int, str]:
        return LAYERS.index(name.split(".")[0]), name

    def __getitem__(self, name: str) -> Table:
        if name not in self.tables:
            near = difflib.get_close_matches(name, self.tables, n=3, cutoff=0.4)
            hint = f" Nearest: {', '.join(near)}." if near else f" There are: {', '.join(self.tables)}."
            raise SettingsError(f"no table is named {name!r}.{hint}")
        return self.tables[name]

    def conformed_inputs(self, contract: Contract) -> list[ConformedInput]:
        """Every live network's way to `contract`, in network order."""
        found = []
        for network, adapter_name in self.networks.items():
            for conform in self.adapters[adapter_name].conforms:
                names = {key: f"bronze.{network}_{raw.name}" for key, raw in conform.feeds.items()}
                if conform.contract is contract and names[conform.main_input] in self.tables:
                    bound = {key: self.tables[name] for key, name in names.items() if name in self.tables}
                    found.append(ConformedInput(network, conform, bound))
        return found

    def inputs(self, name: str) -> set[str]:
        """Names of the tables that `name` reads directly, those its rules compare with included."""
        found: set[str] = set()
        for scope in self[name].reads.values():
            of = scope.of if isinstance(scope, (Changes, Snapshot, Groups)) else None
            if isinstance(of, Table):
                found.add(of.name)
            if isinstance(scope, Groups) and scope.through is not None:
                found.add(scope.through.name)
            if isinstance(of, Conformed):
                for part in self.conformed_inputs(of.contract):
                    found |= {bronze.name for bronze in part.tables.values()}
        for rule in self[name].expectations:
            found |= {other.name for other in rule.needs.values()}
        return found

    def readers(self, name: str) -> set[str]:
        """Names of the tables that read `name` directly."""
        return {other for other in self.tables if name in self.inputs(other)}

    def upstream(self, names: Iterable[str]) -> set[str]:
        """`names` and everything they are made of."""
        return self._closure(names, self.inputs)

    def downstream(self, names: Iterable[str]) -> set[str]:
        """`names` and everything made of them."""
        return self._closure(names, self.readers)

    def _closure(self, names: Iterable[str], step: "Step") -> set[str]:
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                waiting.extend(step(name))
        return seen

    def reports(self, names: Iterable[str]) -> list[tuple[Report, Table]]:
        """Named uses of the tables given, with the table each uses."""
        return [(report, self[name]) for name in names for report in self[name].reports]


class Step(Protocol):
    """One step in the graph: from a table's name to its neighbours' names."""

    def __call__(self, name: str) -> set[str]: ...


def _place(declared: Table) -> str:
    return f"network {declared.network}" if declared.network else declared.module


def _bronze_tables(networks: Mapping[str, NetworkLike], adapters: Mapping[str, Adapter]) -> list[Table]:
    """The Bronze tables of every network."""
    made: list[Table] = []
    for name, network in networks.items():
        if network.adapter not in adapters:
            near = difflib.get_close_matches(network.adapter, adapters, n=3, cutoff=0.4) or sorted(adapters)
            raise SettingsError(
                f"networks.{name}.adapter: no adapter is named {network.adapter!r}. Nearest: {', '.join(near)}."
            )
        feeds = adapters[network.adapter].feeds
        chosen: Sequence[str] = network.feeds if network.feeds is not None else list(feeds)
        unknown = [f for f in chosen if f not in feeds]
        if unknown:
            raise SettingsError(
                f"networks.{name}.feeds: {', '.join(unknown)} is no feed of {network.adapter}; "
                f"it has {', '.join(feeds)}."
            )
        made += [feeds[f].for_network(name) for f in chosen]
    return made


def _modules(package: ModuleType) -> list[ModuleType]:
    """The package's modules, subpackages included, in name order."""
    names = sorted(m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + "."))
    return [importlib.import_module(name) for name in names]


def discover_tables(packages: Sequence[str] = TABLE_PACKAGES) -> list[Table]:
    """Every `@table` of the layer packages."""
    modules = [m for package in packages for m in _modules(importlib.import_module(package))]
    return [v for m in modules for v in vars(m).values() if isinstance(v, Table) and v.module == m.__name__]


def discover_adapters(package: str = ADAPTER_PACKAGE) -> dict[str, Adapter]:
    """Every adapter folder, by name, and those of installed packages.

    Raises:
        DeclarationError: two folders share a name.
    """
    root = importlib.import_module(package)
    folders = [importlib.import_module(m.name) for m in pkgutil.iter_modules(root.__path__, package + ".") if m.ispkg]
    folders += [importlib.import_module(entry.value) for entry in entry_points(group="lakehouse.networks")]
    found: dict[str, ModuleType] = {}
    for folder in sorted(folders, key=lambda f: f.__name__):
        name = folder.__name__.rsplit(".", 1)[-1]
        if found.setdefault(name, folder) is not folder:
            raise DeclarationError(f"adapter {name} is in two packages: {found[name].__name__}, {folder.__name__}.")
    return {name: _adapter(name, folder) for name, folder in found.items()}


def _adapter(name: str, folder: ModuleType) -> Adapter:
    values = [v for module in _modules(folder) for v in vars(module).values()]
    feeds = {v.name: v for v in values if isinstance(v, Feed)}
    conforms: dict[int, Conform] = {id(v): v for v in values if isinstance(v, Conform)}
    return Adapter(name, dict(sorted(feeds.items())), tuple(conforms.values()))
