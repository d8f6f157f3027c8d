"""No SQL Server runs here: what would be sent to one is compared as text."""

import pytest

from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.connection_text import ConnectionText
from lakehouse.storage.odbc.dialects import WHOLE, ServerColumn, ServerTable
from lakehouse.storage.odbc.failures import Kind
from lakehouse.storage.odbc.key_ranges import KeyRange, boundaries, within
from lakehouse.storage.odbc.signals import cells, window_scope
from lakehouse.storage.odbc.sqlserver import SqlServer
from lakehouse.storage.window import Window

SERVER = SqlServer()
CLAIM_ID = ServerColumn("ClaimID", "varchar", 20, is_nullable=False)
VERSION = ServerColumn("RowVer", "rowversion", 8, is_nullable=False)
STAMP = ServerColumn("ModifiedDate", "datetime2")
TABLE = ServerTable("dbo", "Claims", (CLAIM_ID, VERSION, STAMP))
REMOTE = "DRIVER={ODBC Driver 18 for SQL Server};SERVER=db.example.org;UID=u;PWD=p"


@pytest.mark.parametrize(
    ("column", "expression"),
    [
        (ServerColumn("a]b", "nvarchar", 50), "t.[a]]b]"),
        (ServerColumn("c", "varchar", WHOLE), "t.[c]"),
        (ServerColumn("c", "bigint"), "CONVERT(varchar(20), t.[c])"),
        (ServerColumn("c", "bit"), "CASE t.[c] WHEN 1 THEN 'true' WHEN 0 THEN 'false' END"),
        (ServerColumn("c", "decimal", 0, 18, 4), "CONVERT(varchar(41), t.[c])"),
        (ServerColumn("c", "money"), "CONVERT(varchar(30), t.[c], 2)"),
        (ServerColumn("c", "float"), "CONVERT(varchar(32), t.[c], 3)"),
        (ServerColumn("c", "date"), "CONVERT(varchar(10), t.[c], 23)"),
        (ServerColumn("c", "time"), "CONVERT(varchar(16), t.[c], 121)"),
        (ServerColumn("c", "datetime2"), "STUFF(CONVERT(varchar(27), t.[c], 121), 11, 1, 'T')"),
        (
            ServerColumn("c", "datetimeoffset"),
            "REPLACE(STUFF(CONVERT(varchar(34), t.[c], 121), 11, 1, 'T'), ' ', '')",
        ),
        (ServerColumn("c", "uniqueidentifier"), "LOWER(CONVERT(char(36), t.[c]))"),
        (ServerColumn("c", "rowversion", 8), "CONVERT(varchar(20), CONVERT(bigint, t.[c]))"),
        (
            ServerColumn("c", "varbinary", 16),
            "LOWER(CONVERT(varchar(32), CONVERT(varbinary(max), t.[c]), 2))",
        ),
        (
            ServerColumn("c", "varbinary", WHOLE),
            "LOWER(CONVERT(varchar(max), CONVERT(varbinary(max), t.[c]), 2))",
        ),
        (ServerColumn("c", "xml", WHOLE), "CONVERT(nvarchar(max), t.[c])"),
        (ServerColumn("c", "geography"), "t.[c].ToString()"),
    ],
)
def test_every_type_has_its_text(column: ServerColumn, expression: str) -> None:
    assert SERVER.render(column).expression == expression


def test_catalogue_rows_become_columns() -> None:
    described = [
        SERVER.from_catalogue(("dbo", "Claims", *row))
        for row in (
            ("a", "nvarchar", "100", "0", "0", "true"),
            ("b", "nvarchar", "-1", "0", "0", "true"),
            ("c", "decimal", "9", "18", "4", "false"),
            ("d", "timestamp", "8", "0", "0", "false"),
            ("e", "int", "4", "10", "0", "true"),
        )
    ]
    assert described == [
        ServerColumn("a", "nvarchar", 50, 0, 0, True),
        ServerColumn("b", "nvarchar", WHOLE, 0, 0, True),
        ServerColumn("c", "decimal", 9, 18, 4, False),
        ServerColumn("d", "rowversion", 8, 0, 0, False),
        ServerColumn("e", "int", 4, 0, 0, True),
    ]


def test_the_catalogue_is_asked_with_parameters() -> None:
    asked = SERVER.columns("dbo", "Claims'; DROP TABLE x --")
    assert asked.parameters == ("Claims'; DROP TABLE x --", "dbo")
    assert "DROP" not in asked.text
    assert asked.text.count("?") == 2


def test_a_row_version_window_is_closed_below_open_transactions() -> None:
    rule = SERVER.row_version_rule(TABLE, VERSION)
    assert "MIN_ACTIVE_ROWVERSION()" in rule.bound.text
    assert "@@DBTS" not in rule.bound.text
    scope = window_scope(SERVER, TABLE, rule, (), Window("rowversion", "10", "20", takes_unstamped=True))
    assert scope.sql == (
        "FROM [dbo].[Claims] AS t WHERE t.[RowVer] >= CONVERT(binary(8), CAST(? AS bigint)) "
        "AND t.[RowVer] < CONVERT(binary(8), CAST(? AS bigint))"
    )
    assert scope.parameters == ("10", "20")


def test_a_stamp_window_takes_rows_without_a_stamp() -> None:
    rule = SERVER.stamp_rule(STAMP, SqlSettings(stamp_clock="local"))
    assert rule is not None
    assert "SYSDATETIME()" in rule.bound.text
    scope = window_scope(SERVER, TABLE, rule, (), Window("modified_date", "a", "b", takes_unstamped=True))
    assert scope.condition == (
        "t.[ModifiedDate] >= CAST(? AS datetime2(7)) AND t.[ModifiedDate] < CAST(? AS datetime2(7)) "
        "OR t.[ModifiedDate] IS NULL OR t.[ModifiedDate] >= CAST(? AS datetime2(7))"
    )
    assert scope.parameters == ("a", "b", "b")


def test_a_stamp_with_an_offset_is_compared_in_utc_whatever_the_clock() -> None:
    rule = SERVER.stamp_rule(ServerColumn("m", "datetimeoffset"), SqlSettings(stamp_clock="local"))
    assert rule is not None
    assert "SYSDATETIME()" not in rule.bound.text
    assert rule.parameter == "TODATETIMEOFFSET(CAST(? AS datetime2(7)), '+00:00')"


def test_text_is_no_stamp() -> None:
    assert SERVER.stamp_rule(ServerColumn("m", "varchar", 30), SqlSettings()) is None


def test_cells_count_in_64_bits_and_never_split_a_version() -> None:
    rule = SERVER.row_version_rule(TABLE, VERSION)
    scope = window_scope(SERVER, TABLE, rule, (), Window("rowversion", None, "20"))
    assert cells(SERVER, scope, rule, 160).text == (
        "SELECT CONVERT(varchar(20), MIN(CONVERT(bigint, s))), CAST(COUNT_BIG(*) AS varchar(20)) FROM ("
        "SELECT t.[RowVer] AS s, RANK() OVER (ORDER BY t.[RowVer]) - 1 AS ahead, "
        "COUNT_BIG(*) OVER (PARTITION BY t.[RowVer]) AS alike FROM [dbo].[Claims] AS t "
        "WHERE t.[RowVer] < CONVERT(binary(8), CAST(? AS bigint))) AS r "
        "GROUP BY ahead / 10, CASE WHEN alike > 10 THEN 1 ELSE 0 END ORDER BY MIN(ahead)"
    )


def test_key_ranges_compare_by_the_columns_own_type() -> None:
    rule = SERVER.row_version_rule(TABLE, VERSION)
    scope = window_scope(SERVER, TABLE, rule, (), Window("rowversion", None, "20"))
    inner = within(scope, SERVER, CLAIM_ID, KeyRange(1, "C1", "C2"))
    assert inner.condition.endswith(
        "AND (t.[ClaimID] >= CAST(? AS varchar(20)))) AND (t.[ClaimID] < CAST(? AS varchar(20)))"
    )
    assert inner.parameters == ("20", "C1", "C2")
    first = within(scope, SERVER, CLAIM_ID, KeyRange(0, None, "C1"))
    assert first.condition.endswith("AND (t.[ClaimID] < CAST(? AS varchar(20)) OR t.[ClaimID] IS NULL)")
    assert "COUNT_BIG(*) OVER () AS total" in boundaries(scope, SERVER, CLAIM_ID, 4).text


@pytest.mark.parametrize("column", [ServerColumn("k", "varchar", WHOLE), ServerColumn("k", "float")])
def test_a_key_without_exact_text_makes_no_ranges(column: ServerColumn) -> None:
    assert SERVER.parameter(column) is None


def test_a_connection_reads_only_and_encrypts() -> None:
    text = ConnectionText(REMOTE)
    completed = text.completed(SERVER.connection_defaults(text))
    assert completed.endswith(";ApplicationIntent=ReadOnly;Encrypt=yes")
    said = ConnectionText(REMOTE + ";applicationintent=ReadWrite;Encrypt=strict")
    assert said.completed(SERVER.connection_defaults(said)) == REMOTE + ";applicationintent=ReadWrite;Encrypt=strict"


@pytest.mark.parametrize(
    "more", ["TrustServerCertificate=yes", "trustservercertificate={True}", "Encrypt=no", "Encrypt=optional"]
)
def test_a_connection_that_could_be_overheard_is_refused_but_to_this_machine(more: str) -> None:
    assert SERVER.connection_refusal(ConnectionText(f"{REMOTE};{more}")) is not None
    here = REMOTE.replace("db.example.org", "tcp:localhost,1433")
    assert SERVER.connection_refusal(ConnectionText(f"{here};{more}")) is None


@pytest.mark.parametrize("more", ["", ";TrustServerCertificate=no", ";Encrypt=strict"])
def test_a_safe_connection_is_used(more: str) -> None:
    assert SERVER.connection_refusal(ConnectionText(REMOTE + more)) is None


@pytest.mark.parametrize(
    ("state", "native", "message", "kind"),
    [
        ("40001", 1205, "deadlock victim", Kind.CONTENDED),
        ("HYT00", 1222, "Lock request time out", Kind.CONTENDED),
        ("42000", 3960, "Snapshot isolation transaction aborted", Kind.CONTENDED),
        ("42000", 3952, "Snapshot isolation transaction failed", Kind.SNAPSHOT),
        ("28000", 18456, "Login failed for user", Kind.REFUSED),
        ("42000", 4060, "Cannot open database", Kind.NO_DATABASE),
        ("42000", 229, "SELECT permission was denied", Kind.RIGHTS),
        ("42000", 22117, "change tracking is not supported", Kind.SECONDARY),
        ("08001", -1, "SSL Provider: [error:0A000086:SSL routines::certificate verify failed]", Kind.TLS),
        ("08S01", 10054, "TCP Provider: Error code 0x2746", Kind.LOST),
        ("42S02", 208, "Invalid object name", None),
    ],
)
def test_its_numbers_are_understood(state: str, native: int, message: str, kind: Kind | None) -> None:
    assert SERVER.failure_kind(state, native, message) is kind


def test_months_and_sums_are_exact() -> None:
    assert SERVER.month(ServerColumn("d", "date")) == "CONVERT(char(7), t.[d], 126)"
    assert SERVER.month(ServerColumn("d", "varchar", 10)) == "CONVERT(char(7), TRY_CONVERT(date, t.[d]), 126)"
    assert SERVER.exact_sum(ServerColumn("m", "decimal", 9, 18, 4)) == "CONVERT(varchar(41), SUM(t.[m]))"
    assert SERVER.exact_sum(ServerColumn("m", "money")) == (
        "CONVERT(varchar(41), SUM(TRY_CAST(t.[m] AS decimal(38, 4))))"
    )


def test_a_session_waits_for_no_lock_without_end() -> None:
    assert SERVER.session_statements(SqlSettings(query_timeout_seconds=7))[0] == "SET LOCK_TIMEOUT 7000"
