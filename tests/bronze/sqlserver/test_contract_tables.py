"""The tables of a claims database: the feeds that read them, and the DDL that makes them on three servers."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from importlib.resources import files

import pytest

from lakehouse.spec.contracts import CONTRACTS, Contract
from lakehouse.spec.feed import Feed
from lakehouse.spec.field import Field
from lakehouse.spec.registry import discover_adapters
from lakehouse.spec.sources import SqlSource
from servers.postgres import Postgres

TABLES = {
    "claims": "Claims",
    "claim_lines": "ClaimLines",
    "payments": "Payments",
    "adjustments": "PaymentAdjustments",
    "providers": "Providers",
    "eligibility": "Eligibility",
    "denial_codes": "DenialCodes",
}
CAPITALS = {"id": "ID", "npi": "NPI", "tin": "TIN", "drg": "DRG"}
SERVER_TYPES = {
    "sqlserver": {
        "string": r"n?varchar\(\d+\)",
        "array<string>": r"varchar\(\d+\)",
        "date": "date",
        "boolean": "bit",
        "bigint": "int",
        "decimal(14,2)": r"decimal\(14,2\)",
        "decimal(12,3)": r"decimal\(12,3\)",
    },
    "postgresql": {
        "string": "text",
        "array<string>": "text",
        "date": "date",
        "boolean": "boolean",
        "bigint": "integer",
        "decimal(14,2)": r"numeric\(14,2\)",
        "decimal(12,3)": r"numeric\(12,3\)",
    },
    "sqlite": {
        "string": "TEXT",
        "array<string>": "TEXT",
        "date": "TEXT",
        "boolean": "INTEGER",
        "bigint": "INTEGER",
        "decimal(14,2)": "TEXT",
        "decimal(12,3)": "TEXT",
    },
}
FEEDS = discover_adapters()["sqlserver"].feeds
each_contract = pytest.mark.parametrize("contract", CONTRACTS, ids=[c.name for c in CONTRACTS])
each_server = pytest.mark.parametrize("server", SERVER_TYPES)
CLAIM = "INSERT INTO Claims (ClaimID, MemberID, ServiceFromDate) VALUES (?, 'M1', '2026-01-05')"


def ddl(server: str) -> str:
    return (files("lakehouse.bronze.sqlserver") / "ddl" / f"{server}.sql").read_text(encoding="utf-8")


def pascal(name: str) -> str:
    return "".join(CAPITALS.get(word, word.capitalize()) for word in name.split("_"))


def expected_columns(contract: Contract) -> list[str]:
    return [*[pascal(f.name) for f in contract.fields if f.name != "network"], "ModifiedDate", "RowVersion"]


def expected_key(contract: Contract) -> list[str]:
    return [pascal(name) for name in contract.keys if name != "network"]


def body(server: str, contract: Contract) -> list[str]:
    """The lines between the brackets of the table's CREATE TABLE, quotes and commas removed."""
    table = rf'CREATE TABLE (?:dbo\.)?"?{TABLES[contract.name]}"? \(\n(.*?)\n\);'
    found = re.search(table, ddl(server), re.DOTALL)
    assert found, f"{server}.sql has no table {TABLES[contract.name]}"
    return [line.strip().rstrip(",").replace('"', "") for line in found.group(1).splitlines()]


@pytest.fixture
def database() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.executescript(ddl("sqlite"))
        yield connection


@each_contract
def test_feed_reads_the_contracts_columns_from_its_table(contract: Contract) -> None:
    feed: Feed = FEEDS[contract.name]
    assert feed.source == SqlSource(table=TABLES[contract.name])
    assert [f.name for f in feed.fields] == [f.name for f in contract.all_fields if f.name != "network"]
    assert {f.name: f.phi for f in feed.fields} == {f.name: f.phi for f in contract.all_fields if f.name != "network"}
    assert {f.name for f in feed.fields if f.required} == {f.name for f in contract.fields if f.required} - {"network"}
    assert feed.key == tuple(k for k in contract.keys if k != "network")


@each_contract
def test_every_column_on_the_server_is_a_name_or_alias_of_the_feed(contract: Contract) -> None:
    known = {name.replace("_", ""): f.name for f in FEEDS[contract.name].fields for name in (f.name, *f.aliases)}
    on_server = [known[column.lower()] for column in expected_columns(contract)]
    assert on_server == [f.name for f in FEEDS[contract.name].fields if f.name != "is_deleted"]


@each_server
@each_contract
def test_table_has_the_contracts_columns_types_and_key(server: str, contract: Contract) -> None:
    *columns, key = body(server, contract)
    assert [line.split()[0] for line in columns] == expected_columns(contract)
    assert re.findall(r"PRIMARY KEY \((.*)\)", key) == [", ".join(expected_key(contract))]
    fields: dict[str, Field] = {pascal(f.name): f for f in contract.fields}
    for name, type_, *rest in (line.split() for line in columns[:-2]):
        assert re.fullmatch(SERVER_TYPES[server][fields[name].type.simpleString()], type_), f"{name} {type_}"
        assert (rest[:2] == ["NOT", "NULL"]) == fields[name].required, name


@each_contract
def test_sql_server_numbers_and_tracks_every_change(contract: Contract) -> None:
    table = TABLES[contract.name]
    *_, stamp, sequence, _ = body("sqlserver", contract)
    assert stamp == "ModifiedDate datetime2(7) NOT NULL DEFAULT SYSUTCDATETIME()"
    assert sequence == "RowVersion rowversion"
    text = ddl("sqlserver")
    assert f"ALTER TABLE dbo.{table} ENABLE CHANGE_TRACKING;" in text
    assert f"CREATE INDEX {table}_RowVersion ON dbo.{table} (RowVersion);" in text
    assert f"CREATE INDEX {table}_ModifiedDate ON dbo.{table} (ModifiedDate);" in text


def test_sql_server_key_fits_an_index() -> None:
    """A clustered key holds at most 900 bytes; a character of nvarchar takes two."""
    for contract in CONTRACTS:
        widths = 0
        for line in body("sqlserver", contract):
            name, type_ = line.split()[:2]
            size = re.fullmatch(r"(n?)varchar\((\d+)\)", type_)
            if name in expected_key(contract):
                widths += int(size.group(2)) * (2 if size.group(1) else 1) if size else 3
        assert 0 < widths <= 900, contract.name


@pytest.mark.parametrize(
    "said",
    [
        "SET CHANGE_TRACKING = ON",
        "SET ALLOW_SNAPSHOT_ISOLATION ON",
        "GRANT SELECT ON SCHEMA::dbo",
        "GRANT VIEW CHANGE TRACKING ON SCHEMA::dbo",
    ],
)
def test_sql_server_script_says_what_reading_needs(said: str) -> None:
    assert said in ddl("sqlserver")


@each_contract
def test_sqlite_makes_the_tables(database: sqlite3.Connection, contract: Contract) -> None:
    info = database.execute(f"PRAGMA table_info({TABLES[contract.name]})").fetchall()
    assert [row[1] for row in info] == expected_columns(contract)
    in_key = sorted((row for row in info if row[5]), key=lambda row: row[5])
    assert [row[1] for row in in_key] == expected_key(contract)


@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_sqlite_numbers_each_insert_and_update_once(database: sqlite3.Connection, recursive: str) -> None:
    database.execute(f"PRAGMA recursive_triggers = {recursive}")
    database.execute(CLAIM, ("C1",))
    database.execute(CLAIM, ("C2",))
    database.execute("UPDATE Claims SET PayerName = 'A' WHERE ClaimID = 'C1'")
    database.execute(CLAIM.replace("INSERT", "REPLACE"), ("C2",))
    database.execute("DELETE FROM Claims WHERE ClaimID = 'C1'")
    assert database.execute("SELECT ClaimID, RowVersion FROM Claims").fetchall() == [("C2", 4)]
    assert database.execute("SELECT Value FROM ChangeCounter").fetchall() == [(4,)]


def test_sqlite_takes_a_number_back_with_its_transaction(database: sqlite3.Connection) -> None:
    for end, claim in (("ROLLBACK", "C1"), ("COMMIT", "C2")):
        database.execute("BEGIN")
        database.execute(CLAIM, (claim,))
        database.execute(end)
    assert database.execute("SELECT ClaimID, RowVersion FROM Claims").fetchall() == [("C2", 1)]


def test_sqlite_keeps_a_writers_stamp_and_gives_one_where_there_is_none(database: sqlite3.Connection) -> None:
    database.execute(CLAIM, ("C1",))
    database.execute(CLAIM.replace("ClaimID", "ModifiedDate, ClaimID").replace("(?", "('2020-01-01', ?"), ("C2",))
    database.execute("UPDATE Claims SET ModifiedDate = '2021-01-01' WHERE ClaimID = 'C1'")
    database.execute("UPDATE Claims SET PayerName = 'A' WHERE ClaimID = 'C2'")
    stamps = dict(database.execute("SELECT ClaimID, ModifiedDate FROM Claims").fetchall())
    assert stamps["C1"] == "2021-01-01"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", stamps["C2"])


def test_sqlite_keeps_an_amount_to_the_cent(database: sqlite3.Connection) -> None:
    database.execute(CLAIM, ("C1",))
    database.execute("UPDATE Claims SET BilledAmount = '999999999999.10'")
    assert database.execute("SELECT BilledAmount FROM Claims").fetchall() == [("999999999999.10",)]


@pytest.fixture
def claims_database(postgres: Postgres) -> Iterator[str]:
    name = postgres.fresh_database()
    postgres.execute(ddl("postgresql"), database=name)
    yield name
    postgres.drop_database(name)


@pytest.mark.timeout(120)
def test_postgresql_makes_the_tables_and_stamps_changes(postgres: Postgres, claims_database: str) -> None:
    with closing(postgres.connect(claims_database, autocommit=False)) as connection:
        cursor = connection.cursor()
        for contract in CONTRACTS:
            cursor.execute(
                "SELECT column_name FROM information_schema.columns WHERE table_schema = 'dbo' AND table_name = ? "
                "ORDER BY ordinal_position",
                TABLES[contract.name],
            )
            assert [row[0] for row in cursor.fetchall()] == expected_columns(contract)
        insert = re.sub(r"\b([A-Z]\w*[a-z]\w*)\b", r'"\1"', CLAIM.split(" VALUES")[0]).replace("INTO ", "INTO dbo.")
        for claim in ("C1", "C2"):
            cursor.execute(f"{insert} VALUES (?, 'M1', '2026-01-05')", claim)
        first = cursor.execute("SELECT pg_current_xact_id()::text").fetchval()
        connection.commit()
        cursor.execute("""UPDATE dbo."Claims" SET "PayerName" = 'A' WHERE "ClaimID" = 'C1'""")
        cursor.execute("""UPDATE dbo."Claims" SET "ModifiedDate" = '2020-01-01' WHERE "ClaimID" = 'C2'""")
        second = cursor.execute("SELECT pg_current_xact_id()::text").fetchval()
        connection.commit()
        rows = cursor.execute(
            'SELECT "RowVersion"::text, extract(year FROM "ModifiedDate")::int FROM dbo."Claims" ORDER BY "ClaimID"'
        ).fetchall()
    assert int(second) > int(first)
    assert [row[0] for row in rows] == [second, second]
    assert rows[0][1] > 2020
    assert rows[1][1] == 2020
