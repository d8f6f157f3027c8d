"""PostgreSQL: a row version is a column of type `xid8` that a trigger sets to the number of its transaction."""

from collections.abc import Mapping, Sequence
from typing import Final

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

_INTEGERS: Final = ("int2", "int4", "int8", "oid")
_RAW_TEXT: Final = ("varchar", "bpchar", "text")
_STAMP: Final = "'YYYY-MM-DD\"T\"HH24:MI:SS.US'"
_UTC_NOW: Final = f"to_char(clock_timestamp() AT TIME ZONE 'UTC', {_STAMP})"
_COMPARED: Final = {
    "int2": "bigint",
    "int4": "bigint",
    "int8": "bigint",
    "numeric": "numeric",
    "varchar": "text",
    "text": "text",
    "bpchar": "bpchar",
    "uuid": "uuid",
    "date": "date",
    "timestamp": "timestamp",
    "timestamptz": "timestamptz",
}
"""Types whose text is compared as the value, and what it is cast to."""
_TABLES: Final = """
SELECT CAST(c.relname AS text)
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(n.nspname) = lower(coalesce(nullif(CAST(? AS text), ''),
    current_schema()))
ORDER BY c.relname"""
_COLUMNS: Final = """
SELECT CAST(n.nspname AS text), CAST(c.relname AS text), CAST(a.attname AS text),
    CAST(coalesce(b.typname, y.typname) AS text),
    CAST(CASE WHEN y.typtype = 'd' THEN y.typtypmod ELSE a.atttypmod END AS text), '0', '0',
    CASE WHEN a.attnotnull OR y.typnotnull THEN 'false' ELSE 'true' END
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_catalog.pg_type AS y ON y.oid = a.atttypid
LEFT JOIN pg_catalog.pg_type AS b ON b.oid = y.typbasetype
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND lower(c.relname) = lower(CAST(? AS text))
    AND lower(n.nspname) = lower(coalesce(nullif(CAST(? AS text), ''), current_schema()))
ORDER BY n.nspname, c.relname, a.attnum"""


class PostgreSql:
    """The dialect of PostgreSQL 15 and later, over the driver `PostgreSQL Unicode`."""

    is_wide = True
    takes_query_timeout = True
    longest_name = 255
    count_all = "COUNT(*)"

    def quote(self, name: str) -> str:
        """A name in double quotes."""
        return quoted(name, self.longest_name)

    def connection_defaults(self, text: ConnectionText) -> Mapping[str, str]:
        """Encrypted, and through a cursor: without one the driver takes the whole answer into memory and
        reports a broken connection as the end of the rows."""
        secure = {} if text.is_loopback else {"SSLmode": "require"}
        return {"UseDeclareFetch": "1", "Fetch": "1000", "MaxLongVarcharSize": "67108864", **secure}

    def connection_refusal(self, text: ConnectionText) -> str | None:
        """Refused without the cursor (see `connection_defaults`), and unencrypted to another machine."""
        if text.get("UseDeclareFetch") not in (None, "1"):
            return "UseDeclareFetch=1 is needed, for without it a broken connection looks like the end of the rows"
        if not text.is_loopback and (text.get("SSLmode") or "require").lower() in ("disable", "allow", "prefer"):
            return "SSLmode must be require, verify-ca or verify-full to a server on another machine"
        return None

    def session_statements(self, settings: SqlSettings) -> tuple[str, ...]:
        """No writing, text forms that do not depend on the server's own settings, and the limit of a statement."""
        return (
            "SET default_transaction_read_only TO on",
            "SET datestyle TO 'ISO, YMD'",
            "SET intervalstyle TO 'iso_8601'",
            "SET extra_float_digits TO 1",
            f"SET statement_timeout TO {settings.query_timeout_seconds * 1000:d}",
        )

    def failure_kind(self, state: str, native: int, message: str) -> Kind | None:
        """The driver reports every failed login as 08001; only the server's phrase tells them apart."""
        said = message.lower()
        if state in ("", "HY000") and ("closed the connection" in said or "connection has been lost" in said):
            return Kind.LOST
        if state != "08001":
            return None
        if "password" in said or "pg_hba.conf" in said or 'role "' in said:
            return Kind.REFUSED
        if 'database "' in said:
            return Kind.NO_DATABASE
        return Kind.TLS if "ssl" in said or "certificate" in said else None

    def tables(self, schema: str) -> Statement:
        """From pg_class."""
        return Statement(_TABLES, (schema,))

    def columns(self, schema: str, table: str) -> Statement:
        """From pg_attribute; a domain is its base type."""
        return Statement(_COLUMNS, (table, schema), 8)

    def from_catalogue(self, row: Sequence[str | None]) -> ServerColumn:
        """Lengths stand in the type's modifier."""
        _, _, name, type_name, modifier, _, _, nullable = (part or "" for part in row)
        packed = int(modifier) - 4
        length, precision, scale = WHOLE if type_name in _RAW_TEXT else 0, 0, 0
        if packed >= 0 and type_name in ("varchar", "bpchar"):
            length = packed
        if packed >= 0 and type_name == "numeric":
            precision, scale = packed >> 16 & 0xFFFF, (packed & 0x7FF ^ 1024) - 1024
        return ServerColumn(name, type_name, length, precision, scale, nullable == "true")

    def render(self, column: ServerColumn, alias: str = "t") -> Rendering:
        """Every type has a text form of its own here; a cast to `varchar(n)` only tells the driver how long it gets."""
        name = f"{alias}.{self.quote(column.name)}"
        as_text = f"CAST({name} AS text)"
        match column.type:
            case "varchar" | "bpchar" | "text":
                return Rendering(name)
            case "bool":
                return Rendering(f"CAST(CASE WHEN {name} THEN 'true' WHEN NOT {name} THEN 'false' END AS varchar(5))")
            case "int2" | "int4" | "int8" | "oid" | "xid8":
                return Rendering(f"CAST({name} AS varchar(20))")
            case "numeric" if column.precision:
                return Rendering(f"CAST({name} AS varchar({column.precision + abs(column.scale) + 10}))")
            case "money":
                return Rendering(f"CAST(CAST({name} AS numeric) AS varchar(40))")
            case "float4" | "float8" | "date":
                return Rendering(f"CAST({name} AS varchar(40))")
            case "timestamp":
                return Rendering(_instant(name, ""))
            case "timestamptz":
                return Rendering(_instant(f"({name} AT TIME ZONE 'UTC')", "+00:00"))
            case "time" | "timetz" | "uuid":
                return Rendering(f"CAST({name} AS varchar(40))")
            case "bytea":
                return Rendering(f"encode({name}, 'hex')")
            case _:
                return Rendering(as_text)

    def parameter(self, column: ServerColumn) -> str | None:
        """By type; text by the column's own order."""
        compared = _COMPARED.get(column.type)
        return f"CAST(? AS {compared})" if compared else None

    def clock(self) -> Statement:
        """To the microsecond."""
        return Statement(f"SELECT {_UTC_NOW}")

    def row_version(self, table: ServerTable, sequence: ServerColumn | None) -> ServerColumn | None:
        """The declared column, if it is an `xid8`: only a transaction's number can be closed at a snapshot."""
        return sequence if sequence is not None and sequence.type == "xid8" else None

    def row_version_rule(self, table: ServerTable, column: ServerColumn) -> SignalRule:
        """Closed at the oldest transaction that was still open: all below it are committed or gone."""
        bound = f"SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text), {_UTC_NOW}"
        name = f"t.{self.quote(column.name)}"
        return SignalRule(
            signal=ROWVERSION,
            bound=Statement(bound, width=2),
            value=name,
            parameter="CAST(? AS xid8)",
            least="CAST(MIN(CAST(CAST(s AS text) AS numeric)) AS text)",
            unstamped=f"{name} IS NULL" if column.is_nullable else None,
            column=column.name,
        )

    def stamp_rule(self, column: ServerColumn, settings: SqlSettings) -> SignalRule | None:
        """A column with an offset is compared in UTC; one without in the clock it is stamped by."""
        name = f"t.{self.quote(column.name)}"
        zoned = column.type == "timestamptz"
        if not zoned and column.type not in ("timestamp", "date"):
            return None
        in_utc = zoned or settings.stamp_clock == "utc"
        clock = _UTC_NOW if in_utc else f"to_char(CAST(clock_timestamp() AS timestamp), {_STAMP})"
        return SignalRule(
            signal=MODIFIED_DATE,
            bound=Statement(f"SELECT {clock}, {_UTC_NOW}", width=2),
            value=name,
            parameter="(CAST(? AS timestamp) AT TIME ZONE 'UTC')" if zoned else "CAST(? AS timestamp)",
            least=f"to_char(MIN(s) AT TIME ZONE 'UTC', {_STAMP})" if zoned else f"to_char(MIN(s), {_STAMP})",
            unstamped=f"{name} IS NULL" if column.is_nullable else None,
            column=column.name,
        )

    def month(self, column: ServerColumn) -> str:
        """Of text: where it begins as a date does."""
        name = f"t.{self.quote(column.name)}"
        match column.type:
            case "date" | "timestamp":
                return f"to_char({name}, 'YYYY-MM')"
            case "timestamptz":
                return f"to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM')"
            case _:
                text = f"CAST({name} AS text)"
                pattern = "'^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'"
                return f"CASE WHEN {text} ~ {pattern} THEN substr({text}, 1, 7) END"

    def exact_sum(self, column: ServerColumn) -> str:
        """As `numeric`, which has no limit that matters."""
        name = f"t.{self.quote(column.name)}"
        if column.type in (*_INTEGERS, "numeric", "money"):
            return f"CAST(SUM(CAST({name} AS numeric)) AS text)"
        text, pattern = f"btrim(CAST({name} AS text))", "'^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)(e[+-]?[0-9]+)?$'"
        return f"CAST(SUM(CASE WHEN {text} ~ {pattern} THEN CAST({text} AS numeric) END) AS text)"


def _instant(name: str, offset: str) -> str:
    """ISO text of a timestamp; one that ISO cannot write (infinity, before Christ) as the server does."""
    text = f"CAST({name} AS text)"
    in_iso = f"replace({text}, ' ', 'T') || '{offset}'" if offset else f"replace({text}, ' ', 'T')"
    plain = f"isfinite({name}) AND {name} >= TIMESTAMP '0001-01-01'"
    return f"CAST(CASE WHEN {plain} THEN {in_iso} ELSE {text} END AS varchar(50))"
