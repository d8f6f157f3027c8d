"""Tables and lines on a screen or in a file: the same words, with borders and colours for people only."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

WIDTH_OF_FILES = 200


def console(*, to_errors: bool = False) -> Console:
    """Where a command writes. Text is shown as it is: no markup is read from it."""
    made = Console(stderr=to_errors, markup=False, highlight=False, soft_wrap=True)
    if not made.is_terminal:
        made.width = WIDTH_OF_FILES
    return made


def grid(title: str | None, columns: Sequence[str], rows: Iterable[Sequence[str]], right: Sequence[str] = ()) -> Table:
    """A table; columns named in `right` are numbers and stand to the right."""
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def counts_text(counts: "Iterable[tuple[str, int]]") -> str:
    """Rows by class, without the classes that have none: `inserted 12, updated 3`."""
    return ", ".join(f"{name} {count:,}" for name, count in counts if count) or "-"


def money(amount: Decimal) -> str:
    """US dollars with thousands separators."""
    return f"{amount:,.2f}"


def amount(number: Decimal) -> str:
    """Rows or US dollars of a ledger: cents where there are any."""
    return f"{number:,.0f}" if number == number.to_integral_value() else f"{number:,.2f}"


def instant(moment: datetime | None) -> str:
    """A UTC instant to the minute."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else "-"
