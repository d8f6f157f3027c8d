import pytest

from lakehouse.storage.odbc.connection_text import ConnectionText


def test_keys_are_found_in_any_case_and_braces_are_taken_off() -> None:
    text = ConnectionText("Driver={ODBC Driver 18 for SQL Server};SERVER=db1;pwd={a;b}}c};")
    assert text.get("DRIVER") == "ODBC Driver 18 for SQL Server"
    assert text.get("Pwd") == "a;b}c"
    assert text.get("Encrypt") is None


def test_what_is_missing_is_added_and_what_is_said_stays() -> None:
    text = ConnectionText("DRIVER=x;encrypt=strict;")
    assert text.completed({"Encrypt": "yes", "ApplicationIntent": "ReadOnly"}) == (
        "DRIVER=x;encrypt=strict;ApplicationIntent=ReadOnly"
    )


def test_a_keyword_inside_a_braced_password_is_not_taken_for_a_setting() -> None:
    text = ConnectionText("DRIVER=x;PWD={;Encrypt=no;};SERVER=db")
    assert text.get("Encrypt") is None
    assert text.completed({"Encrypt": "yes"}).endswith(";Encrypt=yes")


@pytest.mark.parametrize(
    ("server", "is_loopback"),
    [
        ("localhost", True),
        ("127.0.0.1,1433", True),
        ("tcp:LOCALHOST,14330", True),
        (r"(local)\SQLEXPRESS", True),
        ("db.example.org", False),
        ("localhost.example.org", False),
        ("127.0.0.1.example.org", False),
        ("", False),
    ],
)
def test_only_this_machine_is_loopback(server: str, is_loopback: bool) -> None:
    assert ConnectionText(f"DRIVER=x;SERVER={server}").is_loopback is is_loopback


def test_it_is_never_shown() -> None:
    text = ConnectionText("DRIVER=x;PWD=canary")
    assert "canary" not in f"{text!r} {text}"


@pytest.mark.parametrize(
    ("text", "driver"),
    [
        ("DRIVER={SQLite3};Database=x", "SQLite3"),
        ("DSN=claims;UID=u", "data source claims"),
        ("SERVER=x", "(none named)"),
        ("DRIVER={a\nb};SERVER=x", "(unreadable name)"),
    ],
)
def test_the_driver_is_named_for_messages(text: str, driver: str) -> None:
    assert ConnectionText(text).driver == driver
