"""`lakehouse rules`: what every table promises, and what happens when it does not hold."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    ExcludeOption,
    Output,
    OutputOption,
    SelectOption,
    open_lake,
    print_json,
)

if TYPE_CHECKING:
    from lakehouse.settings_networks import NetworkSettings
    from lakehouse.spec.table import Table

FORMAT = "lakehouse-rules/1"
COMMAND = "lakehouse rules --markdown"
HEAD = f"""\
# Rules

Written by `{COMMAND} > docs/rules.md`; a test holds it against the declarations.

What happens to what breaks a rule: **warn**: it is kept and reported; **quarantine**: the row is set aside with its
reasons, and waits (`lakehouse quarantine list`); **drop**: the row is left out and counted; **fail**: nothing of the
build is written. *Threshold* is how many failing rows are accepted: up to it a rule that warns or fails holds; above
it a rule that sets aside fails the build. Rules about rows are counted for each network apart, and a network's settings
(`[networks.<name>.checks]`) may change action and threshold, or the earliest date; rules about all rows of a build
together are counted once. `B`, `C`, `G` and `X` with a number are rows of the claims checks in the project's domain
notes; *modes* are the ways of correcting claims (`version_mode`) a rule is for.

Two more are the engine's own, in every merged table: `no_ties` (warn, B09): no two rows of one key are equally new and
differ; `quarantined_share` (fail): of twenty rows or more of a network in one build, no more are set aside than its
`most_quarantined_share`. Results of every rule of every run, also of those that hold, are in `ops.check_result`.
"""


@dataclass(frozen=True)
class RuleLine:
    """One rule, or what one network changes of it.

    Attributes:
        table, rule: its name.
        network: whose settings change it; `-` as declared.
        meaning: what holds.
        action: `warn`, `quarantine`, `drop` or `fail`; `-` where it is not judged.
        threshold: failing rows that are accepted; `-` where nothing was said.
        source: where it comes from.
        modes: version modes of the senders it is for; empty for all.
    """

    table: str
    rule: str
    network: str
    meaning: str
    action: str
    threshold: str
    source: str
    modes: tuple[str, ...] = ()


def rules(
    context: typer.Context,
    select: SelectOption = None,
    exclude: ExcludeOption = None,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="The page docs/rules.md: every rule as declared, without settings.")
    ] = False,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """List every rule: meaning, action, threshold, source, and what networks' settings change. Starts no Spark."""
    if markdown:
        from lakehouse.spec.registry import Registry

        typer.echo(page(Registry.discover({}).tables.values()), nl=False)
        return 0
    opened = open_lake(context, env, config, select, exclude)
    tables = [opened.registry[name] for name in opened.names]
    lines = [line for table in tables for line in lines_of(table, opened.settings.networks)]
    if output is Output.JSON:
        print_json({"format": FORMAT, "rules": [asdict(line) for line in lines]})
    else:
        _print_text(lines)
    return 0


def lines_of(table: "Table", networks: "Mapping[str, NetworkSettings]") -> Iterator[RuleLine]:
    """The rules of a table that is no feed: those that its declaration implies first, changes of networks below each
    rule."""
    from lakehouse.engine.check import batch_rules
    from lakehouse.engine.network_rules import network_rules

    if table.feed is not None:
        return
    for rule in (*network_rules(table, networks), *batch_rules(table)):
        declared = _action(rule.on_failure, rule.at_most, rule.is_for_sender)
        yield RuleLine(table.name, rule.name, "-", rule.meaning, *declared, rule.source, rule.version_modes)
        for network, own in rule.networks.items():
            changed = _action(own.on_failure, own.at_most, own.is_for_sender)
            if changed != declared:
                yield RuleLine(table.name, rule.name, network, rule.meaning, *changed, rule.source, rule.version_modes)


def _action(on_failure: str, at_most: str | int | None, is_judged: bool) -> tuple[str, str]:
    return (str(on_failure), "-" if at_most is None else str(at_most)) if is_judged else ("-", "-")


def page(tables: "Iterable[Table]") -> str:
    """`docs/rules.md`: one section for each table that has rules, in build order."""
    parts = [HEAD]
    for table in tables:
        lines = list(lines_of(table, {}))
        if lines:
            parts.append(f"## {table.name}\n\n{_markdown(lines)}")
    return "\n".join(parts)


def _markdown(lines: Sequence[RuleLine]) -> str:
    columns = ("rule", "meaning", "action", "threshold", "source")
    rows = [
        (f"`{line.rule}`", line.meaning or "-", line.action + _of_modes(line), line.threshold, line.source or "-")
        for line in lines
    ]
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in [columns, ["---"] * len(columns), *escaped])


def _of_modes(line: RuleLine) -> str:
    return f" (modes: {', '.join(line.modes)})" if line.modes else ""


def _print_text(lines: Sequence[RuleLine]) -> None:
    from lakehouse.commands.screen import console, grid

    rows = [
        (line.table, line.rule, line.network, line.action, line.threshold, line.source or "-", line.meaning)
        for line in lines
    ]
    out = console()
    out.print(grid(None, ("table", "rule", "network", "action", "threshold", "source", "meaning"), rows))
    changed = sum(line.network != "-" for line in lines)
    out.print(f"{len(lines) - changed} rules; {changed} changed by settings of networks")
