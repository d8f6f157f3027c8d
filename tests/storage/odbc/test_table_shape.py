import pytest

from lakehouse.errors import SourceError
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc import change_tracking
from lakehouse.storage.odbc.catalogue import match_columns
from lakehouse.storage.odbc.dialects import ServerColumn, ServerTable
from lakehouse.storage.odbc.sqlserver import SqlServer
from lakehouse.storage.odbc.table_shape import TableShape
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import Window

VERSION = ServerColumn("Rv", "rowversion", 8)
TABLE = ServerTable("dbo", "Claims", (ServerColumn("ClaimID", "int"), VERSION, ServerColumn("Odd", "int")))


def shape(*columns: RawColumn, key: tuple[str, ...] = ("claim_id",), primary_key: tuple[str, ...] = ()) -> TableShape:
    rule = change_tracking.rule() if primary_key else SqlServer().row_version_rule(TABLE, VERSION)
    matched = match_columns(TABLE, columns, ("source_sequence", "is_deleted"))
    return TableShape(TABLE, columns, key, SqlSource("Claims"), matched, rule, primary_key)


def test_the_row_version_answers_the_declared_sequence() -> None:
    made = shape(RawColumn("claim_id"), RawColumn("source_sequence", required=True)).checked()
    assert made.columns_by_name["source_sequence"] is VERSION
    assert [column.name for column in made.extra] == ["Odd"]
    assert made.absent == ()
    assert [r.expression for r in made.select(SqlServer(), Window("rowversion", None, "9"))] == [
        "CONVERT(varchar(20), t.[ClaimID])",
        "CONVERT(varchar(20), CONVERT(bigint, t.[Rv]))",
        "CONVERT(varchar(20), t.[Odd])",
    ]
    assert made.layout().slots == (0, 1)


def test_a_row_version_without_a_declared_sequence_is_kept_aside() -> None:
    made = shape(RawColumn("claim_id"), RawColumn("paid"))
    assert [column.name for column in made.extra] == ["Rv", "Odd"]
    assert made.layout().slots == (0, None)
    assert made.layout().extras == (("Rv", 1), ("Odd", 2))


def test_a_required_column_that_the_signal_does_not_make_is_missing() -> None:
    with pytest.raises(SourceError, match="required columns missing: is_deleted; the signal rowversion"):
        shape(RawColumn("claim_id"), RawColumn("is_deleted", required=True)).checked()


def test_change_tracking_makes_sequence_and_deletion_and_tells_rows_by_the_primary_key() -> None:
    declared = [RawColumn(name, required=True) for name in ("claim_id", "is_deleted", "source_sequence")]
    assert shape(*declared, primary_key=("ClaimID",)).checked().absent == ()
    with pytest.raises(SourceError, match="to be the table's primary key, found claim_id outside of it"):
        shape(*declared, primary_key=("Odd",)).checked()
