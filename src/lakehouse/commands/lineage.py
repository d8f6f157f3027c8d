"""`lakehouse lineage`: from sources to reports, and what depends on a table."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    ExcludeOption,
    Opened,
    Output,
    OutputOption,
    SelectOption,
    open_lake,
    print_json,
)

if TYPE_CHECKING:
    from rich.tree import Tree

    from lakehouse.engine.impact import Impact

FORMAT = "lakehouse-lineage/1"


@dataclass(frozen=True)
class Edge:
    """Rows go from one node to another. Nodes are `source:<network>/<feed>`, `file:<name>`, tables and `report:<name>`.

    Attributes:
        origin: where they come from.
        target: what is made of them.
    """

    origin: str
    target: str


def lineage(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    impact: Annotated[
        str | None, typer.Option("--impact", metavar="TABLE", help="Show what depends on this table.")
    ] = None,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Show the way from sources over Bronze, Silver and Gold to reports. Starts no Spark."""
    opened = open_lake(context, env, config, select, exclude)
    if impact is not None:
        return _show_impact(opened, impact, output)
    edges = edges_of(opened)
    if output is Output.JSON:
        reports = [asdict(report) | {"table": t.name} for report, t in opened.registry.reports(opened.names)]
        print_json(
            {
                "format": FORMAT,
                "tables": list(opened.names),
                "edges": [{"from": e.origin, "to": e.target} for e in edges],
                "reports": reports,
            }
        )
    else:
        _print_trees(opened, edges)
    return 0


def edges_of(opened: Opened) -> list[Edge]:
    """Every edge between selected tables, and those to their sources and reports."""
    from lakehouse.spec.scopes import Resource

    registry, chosen = opened.registry, set(opened.names)
    edges: list[Edge] = []
    for name in opened.names:
        table = registry[name]
        if table.feed is not None:
            edges.append(Edge(f"source:{table.network}/{table.feed.name}", name))
        edges += [Edge(f"file:{s.source.file}", name) for s in table.reads.values() if isinstance(s, Resource)]
        edges += [Edge(origin, name) for origin in registry.tables if origin in registry.inputs(name) & chosen]
        edges += [Edge(name, f"report:{report.name}") for report in table.reports]
    return edges


def _print_trees(opened: Opened, edges: Sequence[Edge]) -> None:
    from rich.tree import Tree

    from lakehouse.commands.screen import console

    targets = {e.target for e in edges}
    origins = dict.fromkeys([*(e.origin for e in edges), *opened.names])
    shown: set[str] = set()
    out = console()
    roots = [name for name in origins if name not in targets]
    for root in sorted(roots, key=lambda name: not name.startswith("source:")):  # senders first, then code sets
        tree = Tree(_label(opened, root))
        _grow(opened, tree, root, edges, shown)
        out.print(tree)


def _grow(opened: Opened, tree: "Tree", node: str, edges: Sequence[Edge], shown: set[str]) -> None:
    """Hang what is made of `node` below it; a branch that stands above already is named and not repeated."""
    shown.add(node)
    for target in (e.target for e in edges if e.origin == node):
        grows = any(e.origin == target for e in edges)
        if target in shown and grows:
            tree.add(f"{target} (see above)")
        else:
            _grow(opened, tree.add(_label(opened, target)), target, edges, shown)


def _label(opened: Opened, node: str) -> str:
    kind, colon, name = node.partition(":")
    if kind == "source":
        network = name.partition("/")[0]
        settings = opened.settings.networks[network]
        return f"{name} ({settings.adapter}, {settings.root or 'a database'})"
    if kind == "report":
        found = next(r for r, _ in opened.registry.reports(opened.names) if r.name == name)
        return f"report {name!r} (owner {found.owner}, due {found.due} {found.zone})"
    return name if colon else f"{node} (owner {opened.registry[node].owner})" if node.startswith("gold.") else node


def _show_impact(opened: Opened, name: str, output: Output) -> int:
    from lakehouse.commands.summary import impact_document
    from lakehouse.engine.impact import impact_of

    found = impact_of([opened.registry[name].name], opened.registry, opened.logs())
    if output is Output.JSON:
        print_json({"format": FORMAT, "impact": impact_document(found)})
    else:
        _print_impact(name, found, datetime.now(UTC))
    return 0


def _print_impact(name: str, impact: "Impact", now: datetime) -> None:
    from lakehouse.commands.screen import console, grid, instant
    from lakehouse.engine.impact import report_lines, waiting_lines

    rows = [
        (s.table, "-" if s.version is None else str(s.version), instant(s.built_at), s.age(now)) for s in impact.tables
    ]
    out = console()
    out.print(grid(f"made of {name}", ("table", "serves version", "built", "age"), rows))
    for line in (*waiting_lines(impact), *report_lines(impact, now)):
        out.print(line)
    out.print(f"rebuild all of it: {impact.rerun}")
