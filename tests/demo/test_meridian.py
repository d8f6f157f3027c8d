"""The made-up claims database: its commits are repeatable, and its answer key agrees with what stands in the file."""

import os
import sqlite3
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from demo.second_opinion import plain_claims, plain_revenue, rows_of, settle, stranger, totals, totals_of
from lakehouse.demo.meridian import LiveWriter, database_key, network_settings, odbc_problem
from lakehouse.demo.meridian_answers import committed
from lakehouse.demo.meridian_script import SCRIPT, day_of
from lakehouse.demo.meridian_writer import SERVER_TABLES, WRITTEN, Writer
from lakehouse.demo.revenue import network_key
from lakehouse.demo.row import Row, Value
from lakehouse.demo.script import DemoSpec, rows_by_delivery
from lakehouse.demo.walkthrough import DATABASE
from lakehouse.errors import LakehouseError
from lakehouse.settings import load_settings
from lakehouse.settings_networks import NetworkSettings

SPEC = DemoSpec(seed=11, claims_per_day=60)
TABLES_OF_SQL = {"claims": "claim", "claim_lines": "line", "payments": "payment", "adjustments": "adjustment"}
SILVER = {"claims": "silver.claim", "claim_lines": "silver.claim_line", "payments": "silver.payment"}
each_length = pytest.mark.parametrize("days", [1, 2, 3, 5])


def play(writer: Writer, day: int, *, commits: int = 0) -> None:
    """One day, with so many commits while a run would read."""
    writer.before_run(day)
    for _ in range(commits):
        writer.commit_next()
    if day < writer.spec.days - 1:
        writer.after_run()


def content(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """What a reader sees, change columns and clock stamps left out."""
    with closing(sqlite3.connect(file)) as reader:
        return {
            table: sorted(reader.execute(f"SELECT {', '.join(_columns(feed))} FROM {table}").fetchall(), key=str)
            for feed, table in SERVER_TABLES.items()
        }


def _columns(feed: str) -> list[str]:
    return [name.replace("_", "") for name in WRITTEN[feed] if name != "modified_at"]


def as_text(value: object) -> str | None:
    return None if value is None else str(value)


def in_duckdb(file: Path) -> duckdb.DuckDBPyConnection:
    """The rows of the file as text, in tables as the second opinion wants them."""
    connection = stranger()
    with closing(sqlite3.connect(file)) as reader:
        for feed, table in TABLES_OF_SQL.items():
            names = [name for name in WRITTEN[feed] if name != "modified_at"]
            rows = reader.execute(f"SELECT {', '.join(_columns(feed))} FROM {SERVER_TABLES[feed]}").fetchall()
            connection.execute(f"create table {table} ({', '.join(f'{name} varchar' for name in names)})")
            marks = ", ".join("?" * len(names))
            connection.executemany(f"insert into {table} values ({marks})", [list(map(as_text, row)) for row in rows])
    connection.execute("update claim set is_closed = if(is_closed = '1', 'true', 'false')")
    return connection


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Writer]:
    made = Writer(SPEC, tmp_path / "meridian.db")
    yield made
    made.close()


def test_the_same_specification_gives_the_same_rows(writer: Writer, tmp_path: Path) -> None:
    with closing(Writer(SPEC, tmp_path / "other" / "meridian.db")) as other:
        for day in range(SPEC.days):
            play(writer, day)
            play(other, day, commits=3)
        assert content(writer.file) == content(other.file)


def test_another_seed_gives_other_claims(writer: Writer, tmp_path: Path) -> None:
    with closing(Writer(replace(SPEC, seed=12), tmp_path / "other.db")) as other:
        for one in (writer, other):
            play(one, 0)
        assert content(writer.file)["Claims"] != content(other.file)["Claims"]


@each_length
def test_the_key_agrees_with_a_second_computation_from_the_file(tmp_path: Path, days: int) -> None:
    spec = replace(SPEC, days=days)
    key = database_key(spec)
    with closing(Writer(spec, tmp_path / "meridian.db")) as writer:
        for day in range(days):
            play(writer, day, commits=day)
        connection = in_duckdb(writer.file)
    settle(connection, key.as_of_date)
    assert totals(connection) == totals_of(key.revenue_by_payer)
    plain = plain_claims(connection)
    live = {feed: committed(spec).of(feed) for feed in SERVER_TABLES}
    live["claims"] = [row for row in live["claims"] if row.text("claim_id") in plain]
    alone = network_key("meridian", live, {"providers": [], "eligibility": []}, key.as_of_date, lambda _: date.max)
    assert plain_revenue(connection, "meridian") == rows_of(alone.revenue)
    for feed, table in (("claims", "claim"), ("claim_lines", "line"), ("payments", "payment")):
        assert connection.table(table).shape[0] == key.live_rows[SILVER[feed]]


@each_length
def test_the_key_counts_the_rows_that_a_reader_saw_and_that_are_gone(tmp_path: Path, days: int) -> None:
    spec = replace(SPEC, days=days)
    seen: dict[str, set[object]] = {feed: set() for feed in SILVER}
    with closing(Writer(spec, tmp_path / "meridian.db")) as writer:
        for day in range(days):
            writer.before_run(day)
            for feed, keys in keys_of(writer.file).items():
                seen[feed] |= keys
            if day < days - 1:
                writer.after_run()
        gone = {SILVER[feed]: len(seen[feed] - keys) for feed, keys in keys_of(writer.file).items()}
    assert gone == {table: database_key(spec).deleted_rows[table] for table in gone}
    assert gone["silver.claim_line"] > 0 or days == 1


def keys_of(file: Path) -> dict[str, set[object]]:
    columns = {"claims": "ClaimID", "claim_lines": "ClaimID || '/' || LineID", "payments": "PaymentID"}
    with closing(sqlite3.connect(file)) as reader:
        return {
            feed: {row[0] for row in reader.execute(f"SELECT {key} FROM {SERVER_TABLES[feed]}")}
            for feed, key in columns.items()
        }


def test_open_transaction_is_seen_only_after_its_run(writer: Writer) -> None:
    play(writer, 0)
    writer.before_run(1)
    held = {row.key for row in day_of(SPEC, 1).held.rows if row.feed == "claims"}
    while_open = keys_of(writer.file)["claims"]
    writer.after_run()
    assert held
    assert not {key[0] for key in held} & while_open
    assert {key[0] for key in held} - keys_of(writer.file)["claims"] == set()


def test_transactions_committed_while_a_run_reads_come_one_by_one(writer: Writer) -> None:
    writer.before_run(0)
    sizes = []
    for _ in day_of(SPEC, 0).during:
        sizes.append(sum(len(rows) for rows in content(writer.file).values()))
        writer.commit_next()
    before = content(writer.file)
    writer.commit_next()
    assert len(sizes) > 5
    assert sizes == sorted(set(sizes))
    assert content(writer.file) == before


def test_nothing_of_a_rolled_back_transaction_stays(writer: Writer) -> None:
    for day in range(SPEC.days):
        play(writer, day)
    undone = [t for day in range(SPEC.days) for t in day_of(SPEC, day).before if t.is_undone]
    with closing(sqlite3.connect(writer.file)) as reader:
        absurd = reader.execute("SELECT count(*) FROM Claims WHERE BilledAmount = '999999.99'").fetchone()[0]
    assert len(undone) > 10
    assert absurd == 0
    assert not any(str(key).startswith("08") for key in keys_of(writer.file)["claims"])


def test_change_numbers_follow_the_order_of_the_commits(writer: Writer) -> None:
    highest = 0
    for day in range(SPEC.days):
        writer.before_run(day)
        with closing(sqlite3.connect(writer.file)) as reader:
            numbers = [
                row[0]
                for row in reader.execute("SELECT RowVersion FROM Claims UNION ALL SELECT RowVersion FROM ClaimLines")
            ]
        assert len(set(numbers)) == len(numbers)
        assert max(numbers) > highest
        highest = max(numbers)
        if day < SPEC.days - 1:
            writer.after_run()


def test_last_version_of_a_claim_may_carry_the_oldest_stamp(writer: Writer) -> None:
    back_dated = next(n for n, story in enumerate(SCRIPT) if story.tell.__name__ == "update_back_dated")
    claim = next(
        t.rows[0].key[0] for t in day_of(SPEC, 0).before if str(t.rows[0].key[0]).endswith(f"{back_dated + 1:06d}")
    )
    found = []
    for day in range(2):
        play(writer, day)
        with closing(sqlite3.connect(writer.file)) as reader:
            query = "SELECT ModifiedDate, RowVersion FROM Claims WHERE ClaimID = ?"
            found.append(reader.execute(query, (claim,)).fetchone())
    assert found[0][0] > found[1][0]
    assert found[0][1] < found[1][1]


def test_the_run_of_three_days_tells_every_story() -> None:
    key = database_key(DemoSpec(claims_per_day=60))
    expected = """
        back_dated_insert back_dated_update claim_deleted correction_amount correction_month correction_payer
        correction_year inserted_again inserted_again_at_once line_deleted line_renumbered no_stamp payment_deleted
        replaced_rows replacement void denied denied_and_closed denial_overturned served_in_gap coverage_lost
        provider_changed provider_moved
    """
    assert set(expected.split()) <= set(key.story)
    assert key.deleted_rows["silver.claim"] > 0
    assert key.deleted_rows["silver.payment"] > 0
    assert key.never_seen["claims"] > 0


def test_amounts_of_the_key_balance_to_the_cent() -> None:
    for group, row in database_key(SPEC).revenue_by_payer.items():
        parts = row.paid_amount + row.patient_responsibility_amount + row.contractual_amount + row.encounter_amount
        parts += row.denied_amount + row.other_adjustment_amount
        rest = row.outstanding_amount + row.residual_amount + row.credit_amount
        assert parts + rest == row.billed_amount == row.billed_amount.quantize(Decimal("0.01")), group


def test_claims_share_their_numbers_with_the_other_network_and_members_do_not() -> None:
    files = [row for rows in rows_by_delivery(SPEC, range(1)).values() for row in rows]
    database = [row for transaction in day_of(SPEC, 0).before for row in transaction.rows]

    def values(rows: list[Row], feed: str, column: str) -> set[Value]:
        return {row.values[column] for row in rows if row.feed == feed}

    assert values(database, "claims", "claim_id") & values(files, "claims", "claim_id")
    assert not values(database, "eligibility", "member_id") & values(files, "eligibility", "member_id")
    assert not values(database, "providers", "npi") & values(files, "providers", "npi")


def test_the_writer_is_another_process_and_obeys(tmp_path: Path) -> None:
    file = tmp_path / "demo" / "meridian.db"
    spec = replace(SPEC, first_day=date(2026, 3, 2))
    with LiveWriter(spec, file) as live:
        live.before_run(0)
        first = len(keys_of(file)["claims"])
        live.commit_next()
        live.after_run()
        second = len(keys_of(file)["claims"])
        live.before_run(1)
        assert len(keys_of(file)["claims"]) > second > first > 0
    with closing(sqlite3.connect(file)) as own:  # the open transaction went with its process
        own.execute("BEGIN IMMEDIATE")
        assert own.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_writer_that_died_is_told(tmp_path: Path) -> None:
    with LiveWriter(replace(SPEC, claims_per_day=1), tmp_path) as live, pytest.raises(LakehouseError, match="ended"):
        live.before_run(0)


def test_the_local_environment_knows_the_database_as_the_demo_does() -> None:
    conf = tomllib.loads((Path(__file__).parents[2] / "conf" / "local.toml").read_text())
    declared = NetworkSettings(**conf["networks"]["meridian"])
    assert declared == network_settings(Path(conf["lake"]["root"]).joinpath(*DATABASE))
    assert declared.connection is None


PROBE = """
from lakehouse.demo.meridian import odbc_problem
from lakehouse.settings import load_settings
print(odbc_problem(load_settings("local")))
"""


def test_what_this_machine_lacks_to_read_the_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "odbcinst.ini").touch()  # a machine on which no driver is registered
    environment = {**os.environ, "ODBCSYSINI": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", PROBE], env=environment, capture_output=True, text=True, timeout=60)
    assert "ODBC driver SQLite3" in done.stdout, done.stderr
    assert "not installed" in done.stdout
    assert odbc_problem(load_settings("local")) is None
