"""`lakehouse audit`: how stored rows came to be what they are. Nothing is written."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from lakehouse.commands.check import reading_context
from lakehouse.commands.edge import (
    ConfigOption,
    EnvOption,
    Output,
    OutputOption,
    guarded,
    make_request,
    open_lake,
    print_json,
)

if TYPE_CHECKING:
    from lakehouse.engine.duplicates import Duplicates, Place

FORMAT = "lakehouse-duplicates/1"
PLACES_SHOWN = 4
app = typer.Typer(
    help="How stored rows came to be what they are.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.callback()
def audit() -> None:
    """How stored rows came to be what they are."""


def duplicates(
    context: typer.Context,
    table: Annotated[str, typer.Argument(help="A merged table, e.g. silver.claim.")],
    network: Annotated[str | None, typer.Option("--network", help="Only rows of this network.")] = None,
    limit: Annotated[int, typer.Option(min=0, help="Greatest number of keys listed, ties first.")] = 50,
    output: OutputOption = Output.TEXT,
    env: EnvOption = None,
    config: ConfigOption = None,
) -> int:
    """Explain which rows of one key collided and by which rule one of them won.

    Reads the table's Bronze rows once more. Keys are counted, and shown only by the places of their rows.
    """
    from lakehouse.engine.duplicates import explain_duplicates

    opened = open_lake(context, env, config)
    name = opened.registry[table].name
    found = explain_duplicates(reading_context(opened, make_request(), "lakehouse audit"), name, network, limit)
    if output is Output.JSON:
        print_json({"format": FORMAT, **asdict(found)})
    else:
        _print_text(found)
    return 0


def _print_text(found: "Duplicates") -> None:
    from lakehouse.commands.screen import console, grid

    out = console()
    contested = sum(keys for keys, _ in found.by_rule.values())
    out.print(f"{found.table}: {found.rows:,} acceptable rows of {found.keys:,} keys; {contested:,} have more than one")
    if not contested:
        return
    rules = [(rule, f"{keys:,}", f"{rows:,}") for rule, (keys, rows) in found.by_rule.items()]
    out.print(grid(None, ("won by", "keys", "rows"), rules, right=("keys", "rows")))
    lines = [
        (c.network, c.rule, f"{c.rows:,}", _place(c.places[0]), "; ".join(_others(c.places, c.rows)))
        for c in found.contests
    ]
    if lines:
        columns = ("network", "won by", "rows", "winner", "others")
        out.print(grid(f"{len(lines):,} of {contested:,} keys", columns, lines, right=("rows",)))


def _place(place: "Place") -> str:
    return f"{place.source} record {place.row_number:,}"


def _others(places: "tuple[Place, ...]", rows: int) -> list[str]:
    shown = [f"{_place(p)} ({p.became})" for p in places[1 : 1 + PLACES_SHOWN]]
    left = rows - 1 - len(shown)
    return [*shown, f"{left:,} more"] if left else shown


app.command("duplicates")(guarded(duplicates))
