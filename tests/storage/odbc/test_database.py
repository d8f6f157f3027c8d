import logging
import traceback
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakehouse.errors import LakehouseError, SettingsError, SourceError
from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.database import Database
from servers.postgres import Postgres
from storage.odbc.places import CLAIM_COLUMNS, CLAIMS, Place, PostgresPlace, no_pause, whole

CANARY = "c4naryPassw0rd"


def test_nothing_is_opened_before_the_first_question() -> None:
    def connection() -> str:
        raise AssertionError("the secret was fetched")

    with Database("north", connection, SqlSettings()) as database:
        assert "north" in repr(database)


def test_the_servers_clock_is_told_in_utc(place: Place) -> None:
    with place.database() as database:
        assert abs(database.clock() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_table_of_another_kind_of_server_is_not_read_as_if(postgres: Postgres) -> None:
    database = Database("north", postgres.connection_string, SqlSettings(dbms="sqlserver"), pause=no_pause)
    with pytest.raises(SourceError, match=r"ODBC driver PostgreSQL Unicode: .*networks\.north\.sql\.dbms"):
        database.table(CLAIMS, CLAIM_COLUMNS, ["claim_id"])


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        ({"password": CANARY}, SettingsError, "login was refused"),
        ({"port": 1}, SourceError, "did not answer"),
        ({"database": "nowhere"}, SettingsError, "no such database"),
    ],
)
def test_a_connection_that_fails_is_one_sentence(
    postgres: Postgres, change: dict[str, object], kind: type[LakehouseError], said: str
) -> None:
    text = postgres.connection_string(**change)  # type: ignore[arg-type]  # its own arguments
    pauses: list[float] = []
    settings = SqlSettings(dbms="postgresql", attempts=3)
    with pytest.raises(kind, match=said) as raised:
        Database("north", lambda: text, settings, pause=pauses.append).clock()
    assert "networks.north.connection" in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1
    assert len(pauses) == (2 if "port" in change else 0)


def failures(
    postgres: Postgres, in_postgres: PostgresPlace, folder: Path
) -> Iterator[tuple[str, Callable[[], object]]]:
    """Every way a database fails on us, with the canary in its connection string or in its rows."""

    def database(text: str, dbms: str = "postgresql", **more: object) -> Database:
        told = SqlSettings.model_validate({"dbms": dbms, "attempts": 2, "query_timeout_seconds": 1, **more})
        return Database("north", lambda: text, told, pause=no_pause)

    wrong = postgres.connection_string(password=CANARY)
    yield "password", database(wrong).clock
    yield "server", database(postgres.connection_string(password=CANARY, port=1)).clock
    yield "driver", database(f"DRIVER={{No Such}};UID=u;PWD={CANARY}").clock
    yield "unreadable", database(f"PWD={CANARY}").clock
    yield "file", database(f"DRIVER={{SQLite3}};Database={folder}/{CANARY}.db", "sqlite").clock
    yield "tls", database(f"DRIVER=x;SERVER=db.example.org;Encrypt=no;PWD={CANARY}", "sqlserver").clock
    yield "dialect", database(in_postgres.text + f";APP={CANARY}", "sqlserver").clock
    opened = in_postgres.database(attempts=1, query_timeout_seconds=1)
    table = opened.table(CLAIMS, CLAIM_COLUMNS, ["claim_id"], "modified_date")
    window = whole(table)
    yield "value", lambda: table.stage(replace(window, lo=CANARY), str(folder), "w")
    in_postgres.run('ALTER TABLE dbo."Claims" RENAME COLUMN "Note" TO "Gone"')
    yield "column", lambda: table.stage(window, str(folder), "w")


def test_no_failure_shows_a_secret_or_a_value(
    postgres: Postgres, in_postgres: PostgresPlace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    in_postgres.run(
        "CREATE SCHEMA dbo", 'CREATE TABLE dbo."Claims" ("ClaimID" varchar(20), "Note" text, "ModifiedDate" date)'
    )
    in_postgres.run(f"INSERT INTO dbo.\"Claims\" VALUES ('{CANARY}', '{CANARY}', '2026-01-05')")
    caplog.set_level(logging.DEBUG)
    seen = 0
    for name, action in failures(postgres, in_postgres, tmp_path):
        try:
            action()
        except LakehouseError as error:
            shown = "\n".join([traceback.format_exc(), repr(error), str(error), *map(repr, chain(error))])
            assert CANARY not in shown, name
            seen += 1
    assert seen == 9
    assert CANARY not in caplog.text


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """An error and everything that hangs on to it, whether it would be printed or not."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def test_nothing_of_a_database_shows_its_connection(postgres: Postgres, in_postgres: PostgresPlace) -> None:
    in_postgres.run("CREATE SCHEMA dbo", 'CREATE TABLE dbo."Claims" ("ClaimID" varchar(20), "RowVersion" xid8)')
    table = in_postgres.claims()
    for shown in (in_postgres.database(), table, table._server, table._server.driver):
        assert "PWD" not in repr(shown)
        assert "127.0.0.1" not in repr(shown)
