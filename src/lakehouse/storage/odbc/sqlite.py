"""SQLite: one writer, values of any type in any column, and a row version that is an integer set by triggers."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.connection_text import ConnectionText
from lakehouse.storage.odbc.dialects import (
    WHOLE,
    Rendering,
    ServerColumn,
    ServerTable,
    SignalRule,
    Statement,
    quoted,
)
from lakehouse.storage.odbc.failures import Kind
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION

_MARK: Final = "\x01"
"""Begins a text that is handed over in hexadecimal, since the driver would cut it at its NUL."""
_BUSY, _LOCKED, _IO, _CANNOT_OPEN = 5, 6, 10, 14
_DECLARED = re.compile(r"\s*([^(]*?)\s*(?:\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?\s*")
_UTC_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000'"
_LOCAL_NOW: Final = "strftime('%Y-%m-%dT%H:%M:%f', 'now', 'localtime') || '000'"
_DATE_SHAPE: Final = "[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]"
_MONEY_SCALE: Final = 4


class Sqlite:
    """The dialect of SQLite 3, over the driver `SQLite3`."""

    is_wide = False
    takes_query_timeout = False
    longest_name = 1024
    count_all = "COUNT(*)"

    def quote(self, name: str) -> str:
        """A name in double quotes."""
        return quoted(name, self.longest_name)

    def connection_defaults(self, text: ConnectionText) -> Mapping[str, str]:
        """No new file where there is none, and a second at most for a lock; trying again is ours."""
        return {"NoCreat": "1", "Timeout": "1000"}

    def connection_refusal(self, text: ConnectionText) -> str | None:
        """None: it is a file of this machine."""
        return None

    def session_statements(self, settings: SqlSettings) -> tuple[str, ...]:
        """A connection that cannot write."""
        return ("PRAGMA query_only = 1",)

    def failure_kind(self, state: str, native: int, message: str) -> Kind | None:
        """SQLite's own result codes."""
        return {
            _BUSY: Kind.CONTENDED,
            _LOCKED: Kind.CONTENDED,
            _IO: Kind.LOST,
            _CANNOT_OPEN: Kind.NO_DATABASE,
        }.get(native)

    def tables(self, schema: str) -> Statement:
        """From sqlite_master; there are no schemas."""
        return Statement("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name")

    def columns(self, schema: str, table: str) -> Statement:
        """From pragma_table_info."""
        text = (
            "SELECT '', m.name, p.name, p.type, '0', '0', '0', CASE WHEN p.\"notnull\" THEN 'false' ELSE 'true' END "
            "FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS p "
            "WHERE m.type IN ('table', 'view') AND lower(m.name) = lower(?) ORDER BY m.name, p.cid"
        )
        return Statement(text, (table,), 8)

    def from_catalogue(self, row: Sequence[str | None]) -> ServerColumn:
        """Lengths stand in the declared type, which is kept as text."""
        _, _, name, declared, _, _, _, nullable = (part or "" for part in row)
        found = _DECLARED.fullmatch(declared)
        type_name, first, second = (found[1], found[2], found[3]) if found else (declared, None, None)
        is_number = "DEC" in type_name.upper() or "NUMERIC" in type_name.upper()
        size = int(first or 0)
        return ServerColumn(
            name,
            type_name.lower(),
            0 if is_number else size or WHOLE,
            size if is_number else 0,
            int(second or 0) if is_number else 0,
            nullable == "true",
        )

    def render(self, column: ServerColumn, alias: str = "t") -> Rendering:
        """By the type each value has, then by the declared one."""
        name = f"{alias}.{self.quote(column.name)}"
        integer, real = f"CAST({name} AS TEXT)", _shortest(name)
        if column.precision:
            zeros = f" || '.{'0' * column.scale}'" if column.scale else ""
            integer, real = integer + zeros, _scaled(name, column.scale)
        elif "bit" in column.type or "bool" in column.type:
            integer = f"CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' ELSE {integer} END"
        text = f"CAST({name} AS TEXT)"
        if "date" in column.type or "time" in column.type:
            text = f"CASE WHEN substr({name}, 11, 1) = ' ' THEN substr({name}, 1, 10) || 'T' || substr({name}, 12) "
            text += f"ELSE CAST({name} AS TEXT) END"
        marked = f"CASE WHEN instr({name}, char(0)) > 0 OR substr({name}, 1, 1) = char(1) "
        marked += f"THEN char(1) || hex(CAST({name} AS BLOB)) ELSE {text} END"
        cases = f"WHEN 'blob' THEN lower(hex({name})) WHEN 'integer' THEN {integer} WHEN 'real' THEN {real}"
        return Rendering(f"CASE typeof({name}) WHEN 'null' THEN NULL {cases} ELSE {marked} END", _unmarked)

    def parameter(self, column: ServerColumn) -> str | None:
        """Integers and text; other numbers have no exact text here."""
        if "int" in column.type:
            return "CAST(? AS INTEGER)"
        return "CAST(? AS TEXT)" if any(word in column.type for word in ("char", "text", "clob")) else None

    def clock(self) -> Statement:
        """To the millisecond."""
        return Statement(f"SELECT {_UTC_NOW}")

    def row_version(self, table: ServerTable, sequence: ServerColumn | None) -> ServerColumn | None:
        """The declared column, if it is an integer."""
        return sequence if sequence is not None and "int" in sequence.type else None

    def row_version_rule(self, table: ServerTable, column: ServerColumn) -> SignalRule:
        """Closed above the greatest: there is one writer, so nothing smaller can still become visible."""
        name = self.quote(column.name)
        bound = f"SELECT CAST(coalesce(MAX({name}), 0) + 1 AS TEXT), {_UTC_NOW} FROM {self.quote(table.name)}"
        return SignalRule(
            signal=ROWVERSION,
            bound=Statement(bound, width=2),
            value=f"t.{name}",
            parameter="CAST(? AS INTEGER)",
            least="CAST(MIN(s) AS TEXT)",
            unstamped=f"t.{name} IS NULL",
            column=column.name,
            may_go_back=True,
        )

    def stamp_rule(self, column: ServerColumn, settings: SqlSettings) -> SignalRule | None:
        """Stamps are ISO text; a value of another shape counts as no stamp, so that it is read with every window."""
        name = f"t.{self.quote(column.name)}"
        is_date = f"({name} GLOB '{_DATE_SHAPE}*')"
        fraction = f"CASE instr({name}, '.') WHEN 0 THEN '.000000' ELSE '000000' END"
        clock = _UTC_NOW if settings.stamp_clock == "utc" else _LOCAL_NOW
        return SignalRule(
            signal=MODIFIED_DATE,
            bound=Statement(f"SELECT {clock}, {_UTC_NOW}", width=2),
            value=f"CASE WHEN {is_date} THEN substr(replace({name}, ' ', 'T') || {fraction}, 1, 26) END",
            parameter="CAST(? AS TEXT)",
            least="MIN(s)",
            unstamped=f"({name} IS NULL OR NOT {is_date})",
            column=column.name,
        )

    def month(self, column: ServerColumn) -> str:
        """Where it is a date of the calendar."""
        name = f"t.{self.quote(column.name)}"
        return f"CASE WHEN date(substr({name}, 1, 10)) = substr({name}, 1, 10) THEN substr({name}, 1, 7) END"

    def exact_sum(self, column: ServerColumn) -> str:
        """In whole ten-thousandths, for SQLite has no exact decimals."""
        name = f"t.{self.quote(column.name)}"
        is_number = (
            f"typeof({name}) IN ('integer', 'real') OR ({name} GLOB '*[0-9]*' AND {name} NOT GLOB '*[^-+0-9.]*')"
        )
        units = f"SUM(CASE WHEN {is_number} THEN CAST(round({name} * {10**_MONEY_SCALE}) AS INTEGER) END)"
        digits = f"printf('%d.%0{_MONEY_SCALE}d', abs({units}) / {10**_MONEY_SCALE}, abs({units}) % {10**_MONEY_SCALE})"
        return f"CASE WHEN {units} IS NULL THEN NULL WHEN {units} < 0 THEN '-' || {digits} ELSE {digits} END"


def _unmarked(texts: pa.Array) -> pa.Array:
    """Texts that came in hexadecimal as themselves."""
    marked = pc.starts_with(texts, _MARK)
    if not pc.any(marked).as_py():
        return texts
    return pa.array([_plain(text) for text in texts.to_pylist()], pa.string())


def _plain(text: str | None) -> str | None:
    if text is None or not text.startswith(_MARK):
        return text
    return bytes.fromhex(text[1:]).decode()


def _scaled(name: str, scale: int) -> str:
    """A double with as many decimals as its column declares, where these are all of it."""
    text = f"printf('%.{scale}f', {name})"
    return f"CASE WHEN CAST({text} AS REAL) = {name} THEN {text} ELSE {_shortest(name)} END"


def _shortest(name: str) -> str:
    """A double in the fewest digits that read back as the same number."""
    tried = [f"printf('%!.{digits}g', {name})" for digits in (15, 16)]
    cases = " ".join(f"WHEN CAST({text} AS REAL) = {name} THEN {text}" for text in tried)
    return f"CASE {cases} ELSE printf('%!.17g', {name}) END"
