"""What values look like that a real PostgreSQL renders."""

import pytest

from lakehouse.errors import SourceError
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.connection_text import ConnectionText
from lakehouse.storage.odbc.failures import Kind
from lakehouse.storage.odbc.postgresql import PostgreSql
from lakehouse.storage.raw_rows import RawColumn
from storage.odbc.places import PostgresPlace, read, whole

TYPES = (
    ("varchar(12)", "' pad  '", " pad  "),
    ("char(6)", "'ab'", "ab    "),
    ("text", "''", ""),
    ("text", "NULL", None),
    ("text", "E'line\\r\\nbreak\\ttab'", "line\r\nbreak\ttab"),
    ("text", "'é € 𐍈 💉 ﷽'", "é € 𐍈 💉 ﷽"),
    ("int", "-7", "-7"),
    ("bigint", "9223372036854775807", "9223372036854775807"),
    ("numeric(9, 2)", "1.5", "1.50"),
    ("numeric(38, 10)", "'-1234567890123456789012345678.0123456789'", "-1234567890123456789012345678.0123456789"),
    ("numeric(5, 4)", "'-0.0001'", "-0.0001"),
    ("numeric(3, 5)", "'-0.00999'", "-0.00999"),
    (
        "numeric",
        "12345678901234567890.123456789012345678901234567890",
        "12345678901234567890.123456789012345678901234567890",
    ),
    ("numeric", "'NaN'", "NaN"),
    ("money", "'$-1234.50'", "-1234.50"),
    ("double precision", "0.1", "0.1"),
    ("double precision", "'0.30000000000000004'", "0.30000000000000004"),
    ("double precision", "'-1.7976931348623157e308'", "-1.7976931348623157e+308"),
    ("double precision", "'NaN'", "NaN"),
    ("real", "0.1", "0.1"),
    ("boolean", "TRUE", "true"),
    ("boolean", "FALSE", "false"),
    ("boolean", "NULL", None),
    ("date", "'2026-01-05'", "2026-01-05"),
    ("date", "'0001-01-01'", "0001-01-01"),
    ("date", "'9999-12-31'", "9999-12-31"),
    ("time", "'10:00:00.123456'", "10:00:00.123456"),
    ("timestamp", "'2026-01-05 10:00:00.123456'", "2026-01-05T10:00:00.123456"),
    ("timestamp", "'2026-01-05'", "2026-01-05T00:00:00"),
    ("timestamp", "'infinity'", "infinity"),
    ("timestamp", "'0044-03-15 12:00:00 BC'", "0044-03-15 12:00:00 BC"),
    ("timestamptz", "'2026-01-05 10:00:00.5-05'", "2026-01-05T15:00:00.5+00:00"),
    ("uuid", "'6F9619FF-8B86-D011-B42D-00C04FC964FF'", "6f9619ff-8b86-d011-b42d-00c04fc964ff"),
    ("bytea", "'\\x00FFab'", "00ffab"),
    ("xid8", "'18446744073709551615'", "18446744073709551615"),
    ("jsonb", "'{\"a\": [1, null]}'", '{"a": [1, null]}'),
    ("int[]", "'{1,2}'", "{1,2}"),
    ("interval", "'1 day 2 hours'", "P1DT2H"),
    ("positive", "7", "7"),
)
COLUMNS = (RawColumn("modified_at"), *(RawColumn(f"c{number}") for number in range(len(TYPES))))


def test_every_type_keeps_all_of_its_value(in_postgres: PostgresPlace) -> None:
    columns = ", ".join(f"c{number} {kind}" for number, (kind, _, _) in enumerate(TYPES))
    in_postgres.run(
        "CREATE DOMAIN positive AS int CHECK (value > 0)",
        f"CREATE TABLE public.kinds (modified_at timestamp, {columns})",
        f"INSERT INTO public.kinds VALUES (NULL, {', '.join(value for _, value, _ in TYPES)})",
        # Neither the role's own habits nor its time zone show.
        "ALTER ROLE claims_reader SET datestyle = 'SQL, DMY'",
        "ALTER ROLE claims_reader SET timezone = 'Asia/Kolkata'",
        "ALTER ROLE claims_reader SET bytea_output = 'escape'",
        "ALTER ROLE claims_reader SET extra_float_digits = 0",
    )
    try:
        database = in_postgres.database(database_schema="public")
        table = database.table(SqlSource("kinds"), COLUMNS, ["c0"])
        (row,) = [
            row for batch in table.batches(whole(table), table.key_ranges(whole(table))[0]) for row in batch.to_pylist()
        ]
    finally:
        in_postgres.run("ALTER ROLE claims_reader RESET ALL")
    assert [row[f"c{number}"] for number in range(len(TYPES))] == [expected for _, _, expected in TYPES]


@pytest.mark.parametrize("kind", ["timestamp", "timestamptz", "date"])
@pytest.mark.parametrize("clock", ["local", "utc"])
def test_windows_of_stamps_take_each_row_once(in_postgres: PostgresPlace, kind: str, clock: str) -> None:
    in_postgres.run(
        f"CREATE TABLE public.claims (claim_id int, modified_at {kind})",
        "INSERT INTO public.claims SELECT g, TIMESTAMP '2026-01-05 00:00:00' + g * INTERVAL '7 hours' "
        "FROM generate_series(1, 40) AS g",
        "INSERT INTO public.claims VALUES (41, NULL)",
        "ALTER ROLE claims_reader SET timezone = 'America/New_York'",
    )
    try:
        database = in_postgres.database(database_schema="public", stamp_clock=clock)
        table = database.table(SqlSource("claims"), [RawColumn("claim_id"), RawColumn("modified_at")], ["claim_id"])
        pieces = table.cut(whole(table), 6)
        ids = [
            row["claim_id"]
            for piece in pieces
            for batch in table.batches(piece, table.key_ranges(piece)[0])
            for row in batch.to_pylist()
        ]
    finally:
        in_postgres.run("ALTER ROLE claims_reader RESET ALL")
    assert sorted(ids, key=int) == [str(number) for number in range(1, 42)]
    assert len(pieces) >= 7


def test_a_stamp_in_local_time_is_bounded_by_the_servers_local_clock(in_postgres: PostgresPlace) -> None:
    in_postgres.run(
        "CREATE TABLE public.claims (claim_id int, modified_at timestamp)",
        "ALTER ROLE claims_reader SET timezone = 'Asia/Kolkata'",
    )
    try:
        columns = [RawColumn("claim_id"), RawColumn("modified_at")]
        local, utc = (
            in_postgres.database(database_schema="public", stamp_clock=clock)
            .table(SqlSource("claims"), columns, ["claim_id"])
            .bound()
            for clock in ("local", "utc")
        )
    finally:
        in_postgres.run("ALTER ROLE claims_reader RESET ALL")
    assert utc.hi[:13] == utc.read_at.isoformat()[:13]
    assert local.hi > utc.hi
    assert abs((local.read_at - utc.read_at).total_seconds()) < 60


def test_a_number_of_changes_that_is_no_transaction_is_no_row_version(in_postgres: PostgresPlace) -> None:
    in_postgres.run("CREATE TABLE public.claims (claim_id int, source_sequence bigint)")
    columns = [RawColumn("claim_id"), RawColumn("source_sequence")]
    with pytest.raises(SourceError, match="signal rowversion: expected a row version column"):
        in_postgres.database(database_schema="public").table(SqlSource("claims"), columns, ["claim_id"], "rowversion")


def test_a_reading_goes_through_a_cursor_and_is_encrypted_but_to_this_machine() -> None:
    remote = ConnectionText("DRIVER=PostgreSQL Unicode;SERVER=db.example.org")
    assert PostgreSql().connection_defaults(remote)["SSLmode"] == "require"
    assert PostgreSql().connection_defaults(remote)["UseDeclareFetch"] == "1"
    assert PostgreSql().connection_refusal(remote) is None
    for more in ("UseDeclareFetch=0", "SSLmode=prefer", "sslmode=disable"):
        assert PostgreSql().connection_refusal(ConnectionText(f"DRIVER=x;SERVER=db.example.org;{more}")) is not None
    assert "SSLmode" not in PostgreSql().connection_defaults(ConnectionText("DRIVER=x;SERVER=127.0.0.1"))


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ('FATAL:  password authentication failed for user "x"', Kind.REFUSED),
        ('FATAL:  database "x" does not exist', Kind.NO_DATABASE),
        ("server does not support SSL, but SSL was required", Kind.TLS),
        ("Connection refused", None),
    ],
)
def test_its_phrases_tell_failed_logins_apart(message: str, kind: Kind | None) -> None:
    assert PostgreSql().failure_kind("08001", 101, message) is kind
    assert PostgreSql().failure_kind("40001", 1, message) is None


def test_staged_text_is_that_of_batches(in_postgres: PostgresPlace, tmp_path: object) -> None:
    in_postgres.run(
        "CREATE TABLE public.claims (claim_id int, modified_at timestamp)", "INSERT INTO public.claims VALUES (1)"
    )
    table = in_postgres.database(database_schema="public").table(
        SqlSource("claims"), [RawColumn("claim_id"), RawColumn("modified_at")], ["claim_id"]
    )
    staged = table.stage(whole(table), str(tmp_path), "w")
    assert read(staged)["claim_id"].to_pylist() == ["1"]
