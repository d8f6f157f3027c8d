from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from lakehouse.errors import SourceError
from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.dialects import Statement
from lakehouse.storage.odbc.server import Server, instant, stamp_text
from servers.postgres import Postgres
from storage.odbc.places import no_pause

SETTINGS = SqlSettings(dbms="postgresql")
PID = Statement("SELECT CAST(pg_backend_pid() AS text)")


def test_questions_share_one_connection(postgres: Postgres) -> None:
    server = Server("north", postgres.connection_string, SETTINGS, no_pause)
    with ThreadPoolExecutor(4) as threads:
        pids = set(threads.map(lambda _: server.ask(PID)[0][0], range(12)))
    assert len(pids) == 1


def test_a_question_over_a_dead_connection_is_asked_again_over_a_new_one(postgres: Postgres) -> None:
    server = Server("north", postgres.connection_string, SETTINGS, no_pause)
    before = server.ask(PID)
    postgres.execute(f"SELECT pg_terminate_backend({before[0][0]})")
    assert server.ask(PID) != before


def test_a_closed_server_is_opened_again_by_the_next_question(postgres: Postgres) -> None:
    server = Server("north", postgres.connection_string, SETTINGS, no_pause)
    before = server.ask(PID)
    server.close()
    assert server.ask(PID) != before


@pytest.mark.parametrize(
    ("said", "text"),
    [
        ("2026-01-05T10:00:00.1234567", "2026-01-05T10:00:00.123456"),
        ("2026-01-05 10:00:00.5", "2026-01-05T10:00:00.500000"),
        ("2026-01-05T10:00:00", "2026-01-05T10:00:00.000000"),
    ],
)
def test_a_servers_time_is_floored_to_the_microsecond(said: str, text: str) -> None:
    assert stamp_text(said) == text
    assert instant(said) == datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_server_without_an_answer_is_told() -> None:
    with pytest.raises(SourceError, match="gave no time or bound"):
        stamp_text(None)
