"""Finds a table and its columns in the server's catalogue: no other name ever gets into a statement."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from lakehouse.errors import DeclarationError, SourceError
from lakehouse.storage.odbc.dialects import Dialect, ServerColumn, ServerTable, Statement, squeezed
from lakehouse.storage.raw_rows import RawColumn

Rows = Sequence[tuple[str | None, ...]]
Ask = Callable[[Statement], Rows]
_MOST_LISTED: Final = 60


@dataclass(frozen=True)
class Matched:
    """How a table's columns answer the declared ones.

    Attributes:
        declared: name of the raw column -> column of the table, for those that are there.
        extra: columns nobody declared, in the table's order.
    """

    declared: Mapping[str, ServerColumn]
    extra: tuple[ServerColumn, ...]


def find_table(ask: Ask, dialect: Dialect, network: str, schema: str, name: str) -> ServerTable:
    """A table or view by its name, in any spelling of case; the very spelling wins.

    Raises:
        SourceError: there is none, or several in other spellings only; lists near names.
    """
    # What cannot be a name is not worth a question, and could not be sent.
    rows = ask(dialect.columns(schema, name)) if _is_askable(schema) and _is_askable(name) else []
    found: dict[tuple[str, str], list[ServerColumn]] = {}
    for row in rows:
        found.setdefault((row[0] or "", row[1] or ""), []).append(dialect.from_catalogue(row))
    spelled = [place for place in found if place[1] == name] or list(found)
    exact = [place for place in spelled if place[0] == schema] or spelled
    shown = repr(f"{schema}.{name}" if schema else name)
    if len(exact) == 1:
        return ServerTable(*exact[0], tuple(found[exact[0]]))
    if exact:
        raise SourceError(
            f"network {network}: expected one table {shown}, found {len(exact)} that differ in case. "
            "Declare the name as the server spells it"
        )
    known = [row[0] or "" for row in ask(dialect.tables(schema))] if _is_askable(schema) else []
    raise SourceError(f"network {network}: expected table {shown}, found none. {_near(name, known, network)}")


def match_columns(table: ServerTable, columns: Sequence[RawColumn], filled: Sequence[str] = ()) -> Matched:
    """Match a table's columns to the declared ones, comparing letters and digits only.

    Args:
        table: as the catalogue has it.
        columns: the declared ones.
        filled: declared columns that need none of the table, since they are made while reading.

    Raises:
        SourceError: a required column is missing, or two columns of the table mean one declared column.
        DeclarationError: two declared columns accept the same name.
    """
    known = _spellings(columns)
    declared: dict[str, ServerColumn] = {}
    extra: list[ServerColumn] = []
    for column in table.columns:
        name = known.get(squeezed(column.name))
        if name is None:
            extra.append(column)
        elif name in declared:
            raise SourceError(
                f"table {table.shown}: columns {declared[name].name} and {column.name} both mean {name}; expected one. "
                "Take the wrong spelling out of the column's aliases"
            )
        else:
            declared[name] = column
    missing = [c for c in columns if c.required and c.name not in declared and c.name not in filled]
    if missing:
        named = ", ".join(column.name + _nearest(column, extra) for column in missing)
        raise SourceError(
            f"table {table.shown}: required columns missing: {named}. Expected: {', '.join(c.name for c in columns)}. "
            f"Found: {_listed([c.name for c in table.columns])}. Declare the table's own name as an alias"
        )
    return Matched(declared, tuple(extra))


def _spellings(columns: Sequence[RawColumn]) -> dict[str, str]:
    known: dict[str, str] = {}
    for column in columns:
        for spelled in {squeezed(text) for text in (column.name, *column.aliases)} - {""}:
            if spelled in known:
                raise DeclarationError(
                    f"columns {known[spelled]} and {column.name} both accept a table's column '{spelled}'; "
                    "expected each name to mean one column: remove it from one of them"
                )
            known[spelled] = column.name
    return known


def _is_askable(name: str) -> bool:
    return "\0" not in name and not any("\ud800" <= letter <= "\udfff" for letter in name)


def _near(name: str, known: Sequence[str], network: str) -> str:
    by_lower = {found.lower(): found for found in known}
    near = [by_lower[found] for found in get_close_matches(name.lower(), by_lower, n=3)]
    if near:
        return f"Nearest: {', '.join(near)}. Correct the declared name, or networks.{network}.sql.database_schema"
    listed = _listed(known) if known else "none the login may see"
    return f"Tables there: {listed}. Correct the declared name, or networks.{network}.sql.database_schema"


def _nearest(column: RawColumn, extra: Sequence[ServerColumn]) -> str:
    by_squeezed = {squeezed(found.name): found.name for found in extra}
    for spelled in (squeezed(text) for text in (column.name, *column.aliases)):
        if near := get_close_matches(spelled, by_squeezed, n=1):
            return f" (nearest: {by_squeezed[near[0]]})"
    return ""


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_LISTED} more" if len(names) > _MOST_LISTED else ""
    return ", ".join(names[:_MOST_LISTED]) + more
