"""Long, broken and empty texts, and failures, over the real drivers."""

import ast
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import lakehouse.storage.odbc as package
from lakehouse.errors import SettingsError
from lakehouse.settings_networks import SqlSettings
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.dialects import Statement
from lakehouse.storage.odbc.driver import Driver, TextQuery
from lakehouse.storage.odbc.failures import DriverFailure, Kind
from lakehouse.storage.odbc.postgresql import PostgreSql
from lakehouse.storage.odbc.sqlite import Sqlite
from lakehouse.storage.odbc.sqlserver import SqlServer
from lakehouse.storage.raw_rows import RawColumn
from servers.postgres import Postgres
from storage.odbc.places import Place, PostgresPlace, SqlitePlace, read, whole

SETTINGS = SqlSettings(login_timeout_seconds=1, query_timeout_seconds=5)


def driver_of(place: Place, settings: SqlSettings = SETTINGS) -> Driver:
    dialect = Sqlite() if place.dbms == "sqlite" else PostgreSql()
    return Driver("north", lambda: place.text, dialect, settings)


def texts(driver: Driver, sql: str, bound: int | None) -> list[str | None]:
    query = TextQuery(Statement(sql), (None,))
    return [value for batch in driver.batches(query, bound) for value in batch.arrays[0].to_pylist()]


def kind_of(action: Callable[[], object]) -> Kind:
    with pytest.raises(DriverFailure) as raised:
        action()
    assert raised.value.__context__ is None
    assert raised.value.__cause__ is None
    return raised.value.kind


def test_a_text_longer_than_its_buffer_raises_and_is_not_cut(in_postgres: PostgresPlace) -> None:
    driver = driver_of(in_postgres)
    sql = "SELECT repeat('x', 4096) AS c UNION ALL SELECT repeat('é', 10000)"
    assert kind_of(lambda: texts(driver, sql, 4096)) is Kind.TOO_LONG
    for bound in (65536, None):
        assert texts(driver, sql, bound) == ["x" * 4096, "é" * 10000]


def test_a_text_longer_than_its_declared_size_raises_and_is_not_cut(in_sqlite: SqlitePlace) -> None:
    in_sqlite.run("CREATE TABLE claims (note varchar(5))", f"INSERT INTO claims VALUES ('{'x' * 3000}')")
    driver = driver_of(in_sqlite)
    assert kind_of(lambda: texts(driver, "SELECT note FROM claims", 65536)) is Kind.TOO_LONG
    assert texts(driver, "SELECT note FROM claims", None) == ["x" * 3000]


def test_ten_megabytes_in_one_value_arrive_whole(place: Place, tmp_path: Path) -> None:
    long = "ä" * 10_000_000
    place.put(("C1", "1", "short", None, 1), ("C2", "1", long, None, 2), ("C3", "1", "", None, 3))
    table = place.claims()
    staged = table.stage(whole(table), str(tmp_path), "w")
    assert read(staged)["note"].to_pylist() == ["short", long, ""]
    assert (staged.rows, staged.rejected) == (3, 0)


def test_rows_that_are_not_unicode_are_set_aside_and_the_others_read(in_sqlite: SqlitePlace, tmp_path: Path) -> None:
    in_sqlite.run("CREATE TABLE claims (claim_id integer, modified_at datetime, note text)")
    in_sqlite.run(
        "INSERT INTO claims VALUES (1, NULL, 'good')",
        "INSERT INTO claims VALUES (2, NULL, CAST(x'61FF62' AS TEXT))",
        "INSERT INTO claims VALUES (3, NULL, CAST(x'61EDA08062' AS TEXT))",
        "INSERT INTO claims VALUES (4, NULL, 'also good: \N{REPLACEMENT CHARACTER}')",
    )
    columns = [RawColumn(name) for name in ("claim_id", "modified_at", "note")]
    table = in_sqlite.database().table(SqlSource("claims"), columns, ["claim_id"])
    staged = table.stage(whole(table), str(tmp_path), "w")
    assert [(r["claim_id"], r["_row_number"]) for r in read(staged).to_pylist()] == [("1", 1), ("4", 4)]
    import pyarrow.parquet as pq

    (path,) = staged.rejected_paths
    rejects = pq.read_table(path).to_pylist()
    assert [(r["_row_number"], r["_reason"], r["_source"]) for r in rejects] == [
        (2, "bad_encoding", "claims"),
        (3, "bad_encoding", "claims"),
    ]
    assert "a\\xffb" in rejects[0]["_text"]
    assert staged.rejected == 2


def test_a_replacement_character_that_is_really_there_stays(in_postgres: PostgresPlace) -> None:
    driver = driver_of(in_postgres)
    sql = "SELECT 'a\N{REPLACEMENT CHARACTER}b'"
    assert kind_of(lambda: texts(driver, sql, 4096)) is Kind.BAD_TEXT
    assert texts(driver, sql, None) == ["a\N{REPLACEMENT CHARACTER}b"]


def test_both_ways_of_reading_give_the_same(in_postgres: PostgresPlace) -> None:
    driver = driver_of(in_postgres)
    sql = "SELECT v FROM (VALUES (''), (NULL), ('  pad '), ('é€𐍈💉'), (E'a\\nb')) AS x (v)"
    assert texts(driver, sql, 4096) == texts(driver, sql, None) == ["", None, "  pad ", "é€𐍈💉", "a\nb"]


def test_a_statement_has_a_limit(in_postgres: PostgresPlace) -> None:
    driver = driver_of(in_postgres, SqlSettings(query_timeout_seconds=1))
    for bound in (4096, None):
        begun = time.monotonic()
        assert kind_of(lambda limit=bound: texts(driver, "SELECT CAST(pg_sleep(9) AS text)", limit)) is Kind.TIMEOUT
        assert time.monotonic() - begun < 5


def test_a_login_has_a_limit(in_postgres: PostgresPlace) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        assert in_postgres.server is not None
        text = in_postgres.server.connection_string(port=silent.getsockname()[1])
        begun = time.monotonic()
        assert kind_of(Driver("north", lambda: text, PostgreSql(), SETTINGS).connect) is Kind.UNREACHABLE
        assert time.monotonic() - begun < 5


def test_failed_logins_are_told_apart(postgres: Postgres) -> None:
    def kind(text: str) -> Kind:
        return kind_of(Driver("north", lambda: text, PostgreSql(), SETTINGS).connect)

    assert kind(postgres.connection_string(password="wrong")) is Kind.REFUSED
    assert kind(postgres.connection_string("nowhere")) is Kind.NO_DATABASE
    assert kind(postgres.connection_string(port=1)) is Kind.UNREACHABLE
    assert kind(postgres.connection_string() + ";SSLmode=require") is Kind.TLS
    assert kind("DRIVER={No Such Driver};SERVER=127.0.0.1") is Kind.DRIVER
    assert kind("DSN=no_such_source;SERVER=127.0.0.1") is Kind.DRIVER


def test_a_database_file_that_is_not_there_is_not_made(tmp_path: Path, in_sqlite: SqlitePlace) -> None:
    missing = tmp_path / "missing.db"
    driver = Driver("north", lambda: f"DRIVER={{SQLite3}};Database={missing}", Sqlite(), SETTINGS)
    assert kind_of(driver.connect) is Kind.NO_DATABASE
    assert not missing.exists()


def test_a_reading_cannot_write(place: Place) -> None:
    driver = driver_of(place)
    table = '"Claims"' if place.dbms == "sqlite" else 'dbo."Claims"'
    place.put(("C1", "1", "", None, 1))
    with pytest.raises(DriverFailure):
        driver.answer(driver.connect(), Statement(f"DELETE FROM {table} RETURNING 'gone'"))
    assert texts(driver, f'SELECT "ClaimID" FROM {table}', 100) == ["C1"]


def test_a_rotated_secret_is_fetched_once_more(postgres: Postgres) -> None:
    fetched = iter([postgres.connection_string(password="old"), postgres.connection_string()])
    driver = Driver("north", lambda: next(fetched), PostgreSql(), SETTINGS)
    assert driver.answer(driver.connect(), Statement("SELECT '1'")) == [("1",)]


def test_a_wrong_password_is_tried_once(postgres: Postgres) -> None:
    fetched: list[str] = []

    def connection() -> str:
        fetched.append(postgres.connection_string(password="wrong"))
        return fetched[-1]

    assert kind_of(Driver("north", connection, PostgreSql(), SETTINGS).connect) is Kind.REFUSED
    assert len(fetched) == 2


def test_an_unsafe_connection_string_is_not_even_tried() -> None:
    text = "DRIVER=x;SERVER=db.example.org;TrustServerCertificate=yes;PWD=canary"
    with pytest.raises(
        SettingsError, match=r"network north: TrustServerCertificate=yes .* networks\.north\.connection"
    ) as raised:
        Driver("north", lambda: text, SqlServer(), SETTINGS).connect()
    assert "canary" not in str(raised.value)


def test_the_driver_is_named_once_it_was_used(in_sqlite: SqlitePlace) -> None:
    driver = driver_of(in_sqlite)
    assert driver.name == "(none opened yet)"
    in_sqlite.run("CREATE TABLE a (b int)")
    driver.connect()
    assert driver.name == "SQLite3"


def calls_of(tree: ast.AST, *methods: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in methods:
            yield node


def test_nothing_is_put_together_at_the_call_that_runs_it() -> None:
    sources = {path.name: ast.parse(path.read_text()) for path in Path(package.__file__).parent.glob("*.py")}
    running = {name: list(calls_of(tree, "execute", "read_arrow_batches")) for name, tree in sources.items()}
    assert [name for name, calls in running.items() if calls] == ["driver.py"]
    for call in running["driver.py"]:
        built = [node for node in ast.walk(call) if isinstance(node, (ast.JoinedStr, ast.BinOp, ast.Mod))]
        assert [ast.unparse(node) for node in built if "c{number}" not in ast.unparse(node)] == []


@pytest.mark.parametrize("bound", [4096, None])
def test_changes_forgotten_while_they_were_read_are_noticed(in_postgres: PostgresPlace, bound: int | None) -> None:
    in_postgres.run("CREATE TABLE public.kept (oldest int)", "INSERT INTO public.kept VALUES (5)")
    driver = driver_of(in_postgres)
    guard = Statement("SELECT CAST(oldest AS text) FROM public.kept")
    query = TextQuery(Statement("SELECT 'row'"), (None,), guard=guard, guard_most=5)
    assert len(list(driver.batches(query, bound))) == 1
    reading = driver.batches(query, bound)
    next(reading)
    in_postgres.run("UPDATE public.kept SET oldest = 6")
    assert kind_of(lambda: next(reading)) is Kind.FORGOTTEN
