"""Microsoft SQL Server, over its ODBC driver 18. No such server runs in the tests: what is sent is compared as text."""

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
    checked_name,
    shortest_double,
    shortest_single,
)
from lakehouse.storage.odbc.failures import Kind
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION

_BY_NUMBER: Final = {
    1205: Kind.CONTENDED,  # deadlock victim
    1222: Kind.CONTENDED,  # lock request time-out
    3960: Kind.CONTENDED,  # snapshot update conflict
    3952: Kind.SNAPSHOT,
    3961: Kind.CONTENDED,  # a table was altered under the snapshot
    18456: Kind.REFUSED,
    18470: Kind.REFUSED,  # account disabled
    18486: Kind.REFUSED,  # account locked
    4060: Kind.NO_DATABASE,
    229: Kind.RIGHTS,
    230: Kind.RIGHTS,
    22117: Kind.SECONDARY,
    **dict.fromkeys((53, 64, 121, 233, 258, 10053, 10054, 10060, 10061, 40197, 40501, 40613), Kind.LOST),
}
_UTC_NOW: Final = "CONVERT(varchar(33), SYSUTCDATETIME(), 126)"
_TABLES: Final = """
SELECT o.name FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id
WHERE o.type IN ('U', 'V') AND LOWER(s.name) = LOWER(COALESCE(NULLIF(CAST(? AS nvarchar(128)), N''), SCHEMA_NAME()))
ORDER BY o.name"""
_COLUMNS: Final = """
SELECT s.name, o.name, c.name, COALESCE(b.name, y.name), CONVERT(varchar(12), c.max_length),
    CONVERT(varchar(12), c.precision), CONVERT(varchar(12), c.scale),
    CASE c.is_nullable WHEN 1 THEN 'true' ELSE 'false' END
FROM sys.objects AS o
JOIN sys.schemas AS s ON s.schema_id = o.schema_id
JOIN sys.columns AS c ON c.object_id = o.object_id
JOIN sys.types AS y ON y.user_type_id = c.user_type_id
LEFT JOIN sys.types AS b ON b.user_type_id = y.system_type_id AND y.is_user_defined = 1
WHERE o.type IN ('U', 'V') AND LOWER(o.name) = LOWER(CAST(? AS nvarchar(128)))
    AND LOWER(s.name) = LOWER(COALESCE(NULLIF(CAST(? AS nvarchar(128)), N''), SCHEMA_NAME()))
ORDER BY s.name, o.name, c.column_id"""
_WIDE: Final = ("nchar", "nvarchar")
_INTEGERS: Final = ("tinyint", "smallint", "int", "bigint")
_STAMPS: Final = ("datetime", "datetime2", "smalldatetime", "date", "datetimeoffset")
_MOST_BYTES: Final = 8000


class SqlServer:
    """The dialect of SQL Server 2016 and later."""

    is_wide = True
    takes_query_timeout = True
    longest_name = 128
    count_all = "COUNT_BIG(*)"

    def quote(self, name: str) -> str:
        """A name in brackets, the closing one doubled."""
        return "[" + checked_name(name, self.longest_name).replace("]", "]]") + "]"

    def connection_defaults(self, text: ConnectionText) -> Mapping[str, str]:
        """Read only, from a readable secondary where the server has one, and encrypted."""
        return {"ApplicationIntent": "ReadOnly", "Encrypt": "yes"}

    def connection_refusal(self, text: ConnectionText) -> str | None:
        """Refused to another machine: no encryption, or a certificate that nobody checks."""
        if text.is_loopback:
            return None
        if (text.get("TrustServerCertificate") or "no").lower() not in ("no", "false", "0"):
            return "TrustServerCertificate=yes lets anyone answer as the server; install the authority that signed it"
        if (text.get("Encrypt") or "yes").lower() in ("no", "false", "0", "optional"):
            return "Encrypt must be yes, mandatory or strict to a server on another machine"
        return None

    def session_statements(self, settings: SqlSettings) -> tuple[str, ...]:
        """No lock is waited for without end, and in a deadlock the claims system wins."""
        return (f"SET LOCK_TIMEOUT {settings.query_timeout_seconds * 1000:d}", "SET DEADLOCK_PRIORITY LOW")

    def failure_kind(self, state: str, native: int, message: str) -> Kind | None:
        """By the server's number; a refused certificate has none."""
        said = message.lower()
        if state.startswith("08") and ("certificate" in said or "ssl provider" in said):
            return Kind.TLS
        return _BY_NUMBER.get(native)

    def tables(self, schema: str) -> Statement:
        """From sys.objects."""
        return Statement(_TABLES, (schema,))

    def columns(self, schema: str, table: str) -> Statement:
        """From sys.columns; an alias type is its base type."""
        return Statement(_COLUMNS, (table, schema), 8)

    def from_catalogue(self, row: Sequence[str | None]) -> ServerColumn:
        """Lengths are in bytes there; -1 is `max`."""
        _, _, name, type_name, length, precision, scale, nullable = (part or "" for part in row)
        size = int(length)
        if size > 0 and type_name in _WIDE:
            size //= 2
        is_number = type_name in ("decimal", "numeric")
        return ServerColumn(
            name,
            "rowversion" if type_name == "timestamp" else type_name,
            WHOLE if type_name in ("xml", "text", "ntext", "image", "json") else size,
            int(precision) if is_number else 0,
            int(scale) if is_number else 0,
            nullable == "true",
        )

    def render(self, column: ServerColumn, alias: str = "t") -> Rendering:
        """By the conversion style that keeps everything; style 121 shows all digits of a time's own scale."""
        name = f"{alias}.{self.quote(column.name)}"
        match column.type:
            case "char" | "varchar" | "nchar" | "nvarchar":
                return Rendering(name)
            case "tinyint" | "smallint" | "int" | "bigint":
                return Rendering(f"CONVERT(varchar(20), {name})")
            case "bit":
                return Rendering(f"CASE {name} WHEN 1 THEN 'true' WHEN 0 THEN 'false' END")
            case "decimal" | "numeric":
                return Rendering(f"CONVERT(varchar(41), {name})")
            case "money" | "smallmoney":
                return Rendering(f"CONVERT(varchar(30), {name}, 2)")
            case "float":
                return Rendering(f"CONVERT(varchar(32), {name}, 3)", shortest_double)
            case "real":
                return Rendering(f"CONVERT(varchar(32), {name}, 3)", shortest_single)
            case "date":
                return Rendering(f"CONVERT(varchar(10), {name}, 23)")
            case "time":
                return Rendering(f"CONVERT(varchar(16), {name}, 121)")
            case "datetime" | "datetime2" | "smalldatetime":
                return Rendering(f"STUFF(CONVERT(varchar(27), {name}, 121), 11, 1, 'T')")
            case "datetimeoffset":
                return Rendering(f"REPLACE(STUFF(CONVERT(varchar(34), {name}, 121), 11, 1, 'T'), ' ', '')")
            case "uniqueidentifier":
                return Rendering(f"LOWER(CONVERT(char(36), {name}))")
            case "rowversion":
                return Rendering(f"CONVERT(varchar(20), CONVERT(bigint, {name}))")
            case "binary" | "varbinary" | "image":
                size = str(2 * column.length) if 0 < 2 * column.length <= _MOST_BYTES else "max"
                return Rendering(f"LOWER(CONVERT(varchar({size}), CONVERT(varbinary(max), {name}), 2))")
            case "hierarchyid" | "geography" | "geometry":
                return Rendering(f"{name}.ToString()")
            case _:
                return Rendering(f"CONVERT(nvarchar(max), {name})")

    def parameter(self, column: ServerColumn) -> str | None:
        """By type; not `max`, which cannot be a key."""
        if column.type in _INTEGERS:
            return "CAST(? AS bigint)"
        if column.type in ("char", "varchar", "nchar", "nvarchar") and column.length > 0:
            return f"CAST(? AS {column.type}({column.length:d}))"
        if column.type in ("decimal", "numeric"):
            return f"CAST(? AS decimal({column.precision:d}, {column.scale:d}))"
        fixed = {"uniqueidentifier": "uniqueidentifier", "date": "date", "datetime2": "datetime2(7)"}
        return f"CAST(? AS {fixed[column.type]})" if column.type in fixed else None

    def clock(self) -> Statement:
        """To the tenth of a microsecond."""
        return Statement(f"SELECT {_UTC_NOW}")

    def row_version(self, table: ServerTable, sequence: ServerColumn | None) -> ServerColumn | None:
        """The table's own; a table has one at most, and no other column will do."""
        return next((column for column in table.columns if column.type == "rowversion"), None)

    def row_version_rule(self, table: ServerTable, column: ServerColumn) -> SignalRule:
        """Closed below the oldest open transaction; `@@DBTS` would miss what is still open."""
        name = f"t.{self.quote(column.name)}"
        bound = f"SELECT CONVERT(varchar(20), CONVERT(bigint, MIN_ACTIVE_ROWVERSION())), {_UTC_NOW}"
        return SignalRule(
            signal=ROWVERSION,
            bound=Statement(bound, width=2),
            value=name,
            parameter="CONVERT(binary(8), CAST(? AS bigint))",
            least="CONVERT(varchar(20), MIN(CONVERT(bigint, s)))",
            unstamped=f"{name} IS NULL" if column.is_nullable else None,
            column=column.name,
        )

    def stamp_rule(self, column: ServerColumn, settings: SqlSettings) -> SignalRule | None:
        """A column with an offset is compared in UTC; one without in the clock it is stamped by."""
        if column.type not in _STAMPS:
            return None
        name = f"t.{self.quote(column.name)}"
        zoned = column.type == "datetimeoffset"
        clock = _UTC_NOW if zoned or settings.stamp_clock == "utc" else "CONVERT(varchar(33), SYSDATETIME(), 126)"
        stamp = "CAST(? AS datetime2(7))"
        least = "CONVERT(datetime2(7), SWITCHOFFSET(MIN(s), '+00:00'))" if zoned else "CONVERT(datetime2(7), MIN(s))"
        return SignalRule(
            signal=MODIFIED_DATE,
            bound=Statement(f"SELECT {clock}, {_UTC_NOW}", width=2),
            value=name,
            parameter=f"TODATETIMEOFFSET({stamp}, '+00:00')" if zoned else stamp,
            least=f"LEFT(STUFF(CONVERT(varchar(27), {least}, 121), 11, 1, 'T'), 26)",
            unstamped=f"{name} IS NULL" if column.is_nullable else None,
            column=column.name,
        )

    def month(self, column: ServerColumn) -> str:
        """Of text: where it converts to a date."""
        name = f"t.{self.quote(column.name)}"
        day = name if column.type in _STAMPS else f"TRY_CONVERT(date, {name})"
        return f"CONVERT(char(7), {day}, 126)"

    def exact_sum(self, column: ServerColumn) -> str:
        """As decimals; text and floats are taken to eight places."""
        name = f"t.{self.quote(column.name)}"
        if column.type in ("decimal", "numeric"):
            return f"CONVERT(varchar(41), SUM({name}))"
        scale = 0 if column.type in _INTEGERS else 4 if column.type in ("money", "smallmoney") else 8
        return f"CONVERT(varchar(41), SUM(TRY_CAST({name} AS decimal(38, {scale}))))"
