"""Databases that are read for real."""

from pathlib import Path

import pyodbc
import pytest

from servers.postgres import Postgres, postgres
from storage.odbc.places import POSTGRESQL_CLAIMS, SQLITE_CLAIMS, Place, PostgresPlace, SqlitePlace, sqlite_place

__all__ = ["postgres"]


@pytest.fixture(scope="session")
def postgres_database(postgres: Postgres) -> str:
    """A database of the server that these tests share, one after the other."""
    return postgres.fresh_database()


@pytest.fixture
def in_postgres(postgres: Postgres, postgres_database: str) -> PostgresPlace:
    """A database of the server with an empty schema `public` and no other."""
    place = PostgresPlace(
        "postgresql", postgres.connection_string(postgres_database), server=postgres, name=postgres_database
    )
    place.run("DROP SCHEMA IF EXISTS dbo, public CASCADE", "CREATE SCHEMA public")
    return place


@pytest.fixture
def in_sqlite(tmp_path: Path) -> SqlitePlace:
    """A SQLite file without a table."""
    if "SQLite3" not in pyodbc.drivers():
        pytest.skip("the ODBC driver SQLite3 is not registered (Debian package libsqliteodbc)")
    return sqlite_place(tmp_path / "claims.db")


@pytest.fixture(params=["postgresql", "sqlite"])
def place(request: pytest.FixtureRequest) -> Place:
    """A database with an empty table Claims, of either kind."""
    if request.param == "sqlite":
        file: SqlitePlace = request.getfixturevalue("in_sqlite")
        file.run(*SQLITE_CLAIMS)
        return file
    server: PostgresPlace = request.getfixturevalue("in_postgres")
    server.run(*POSTGRESQL_CLAIMS)
    return server
