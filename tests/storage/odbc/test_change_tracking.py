"""Only SQL Server has Change Tracking: what would be sent to it is compared as text."""

from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc import change_tracking
from lakehouse.storage.odbc.catalogue import Matched
from lakehouse.storage.odbc.dialects import ServerColumn, ServerTable
from lakehouse.storage.odbc.signals import window_scope
from lakehouse.storage.odbc.sqlserver import SqlServer
from lakehouse.storage.odbc.table_shape import TableShape
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import Window

SERVER = SqlServer()
ID, PAID = ServerColumn("ClaimID", "int", is_nullable=False), ServerColumn("Paid", "decimal", 0, 9, 2)
TABLE = ServerTable("dbo", "Claims", (ID, PAID))
COLUMNS = tuple(RawColumn(name) for name in ("claim_id", "paid", "is_deleted", "source_sequence"))
SHAPE = TableShape(
    TABLE,
    COLUMNS,
    ("claim_id",),
    SqlSource("Claims"),
    Matched({"claim_id": ID, "paid": PAID}, ()),
    change_tracking.rule(),
    ("ClaimID",),
)
CHANGES, WHOLE = Window("change_tracking", "42", "50"), Window("change_tracking", None, "50")


def expressions(window: Window) -> dict[str, str]:
    names = [column.name for column in COLUMNS]
    return dict(zip(names, (r.expression for r in SHAPE.select(SERVER, window)), strict=True))


def test_a_window_reads_the_changes_after_the_version_before_it() -> None:
    scope = window_scope(SERVER, TABLE, change_tracking.rule(), ("ClaimID",), CHANGES)
    assert scope.sql == (
        "FROM CHANGETABLE(CHANGES [dbo].[Claims], 41) AS c LEFT JOIN [dbo].[Claims] AS t "
        "ON t.[ClaimID] = c.[ClaimID] WHERE c.SYS_CHANGE_VERSION < CAST(? AS bigint)"
    )
    assert scope.parameters == ("50",)


def test_a_deleted_row_keeps_its_key_and_says_so() -> None:
    assert expressions(CHANGES) == {
        "claim_id": "CONVERT(varchar(20), c.[ClaimID])",
        "paid": "CONVERT(varchar(41), t.[Paid])",
        "is_deleted": "CASE WHEN c.SYS_CHANGE_OPERATION = 'D' THEN 'true' ELSE 'false' END",
        "source_sequence": "CONVERT(varchar(20), c.SYS_CHANGE_VERSION)",
    }


def test_the_whole_table_is_stamped_with_the_version_it_was_read_at() -> None:
    scope = window_scope(SERVER, TABLE, change_tracking.rule(), ("ClaimID",), WHOLE)
    assert scope.sql == "FROM [dbo].[Claims] AS t"
    assert scope.parameters == ()
    assert expressions(WHOLE) == {
        "claim_id": "CONVERT(varchar(20), t.[ClaimID])",
        "paid": "CONVERT(varchar(41), t.[Paid])",
        "is_deleted": "'false'",
        "source_sequence": "'49'",
    }


def test_the_tables_own_mark_of_deletion_is_kept() -> None:
    own = SERVER.render(ServerColumn("IsDeleted", "bit"))
    made = change_tracking.deletion(CHANGES, own).expression
    assert made == f"CASE WHEN c.SYS_CHANGE_OPERATION = 'D' THEN 'true' ELSE {own.expression} END"
    assert change_tracking.deletion(WHOLE, own).expression == own.expression


def test_the_server_is_asked_with_the_quoted_name_as_a_value() -> None:
    for asked in (change_tracking.is_tracked, change_tracking.primary_key, change_tracking.oldest_kept):
        statement = asked(SERVER, ServerTable("dbo", "a]'b", ()))
        assert statement.parameters == ("[dbo].[a]]'b]",)
        assert "a]" not in statement.text


def test_a_window_ends_below_the_next_version_and_begins_above_the_last_forgotten() -> None:
    assert "CHANGE_TRACKING_CURRENT_VERSION() + 1" in change_tracking.rule().bound.text
    assert "CHANGE_TRACKING_MIN_VALID_VERSION" in change_tracking.oldest_kept(SERVER, TABLE).text
    assert "+ 1" in change_tracking.oldest_kept(SERVER, TABLE).text
