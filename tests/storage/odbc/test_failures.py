import pytest

from lakehouse.errors import SettingsError, SourceError
from lakehouse.storage.odbc.failures import DriverFailure, Kind, as_error, by_state, codes


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("ODBC emitted an error calling 'SQLFetch':\nState: 40P01, Native error: 1, Message: x", ("40P01", 1)),
        ("External error: ODBC emitted ...\nState: HY000, Native error: -7, Message: x", ("HY000", -7)),
        ("('08001', '[08001] no answer (101) (SQLDriverConnect)')", ("08001", 101)),
        ("something else", ("", 0)),
    ],
)
def test_codes_are_found_in_what_drivers_say(message: str, expected: tuple[str, int]) -> None:
    assert codes(message) == expected


@pytest.mark.parametrize(
    ("state", "is_login", "kind"),
    [
        ("08001", True, Kind.UNREACHABLE),
        ("08S01", False, Kind.LOST),
        ("57P01", False, Kind.LOST),
        ("40001", False, Kind.CONTENDED),
        ("40P01", False, Kind.CONTENDED),
        ("55P03", False, Kind.CONTENDED),
        ("HYT00", True, Kind.UNREACHABLE),
        ("HYT00", False, Kind.TIMEOUT),
        ("57014", False, Kind.TIMEOUT),
        ("28000", True, Kind.REFUSED),
        ("IM002", True, Kind.DRIVER),
        ("42501", False, Kind.RIGHTS),
        ("42601", False, Kind.OTHER),
    ],
)
def test_a_state_means_the_same_at_every_server(state: str, is_login: bool, kind: Kind) -> None:
    assert by_state(state, "", is_login) is kind


def test_a_driver_that_cannot_be_loaded_is_told_by_its_phrase() -> None:
    assert by_state("01000", "[unixODBC][Driver Manager]Can't open lib 'Nope' : file not found", True) is Kind.DRIVER


@pytest.mark.parametrize("kind", list(Kind))
def test_every_sentence_names_network_driver_and_what_to_do(kind: Kind) -> None:
    error = as_error(DriverFailure(kind, "XX000", 7), "north", "SQLite3", "dbo.Claims")
    said = str(error)
    assert said.startswith("network north, table dbo.Claims, ODBC driver SQLite3: ")
    assert "{" not in said
    assert "XX000" in said
    assert any(
        word in said for word in ("Check", "Run again", "Install", "Grant", "Raise", "Say", "Let", "Correct", "Shorten")
    )


def test_settings_are_blamed_for_what_they_say() -> None:
    assert isinstance(as_error(DriverFailure(Kind.DRIVER), "north", "x", ""), SettingsError)
    assert isinstance(as_error(DriverFailure(Kind.LOST), "north", "x", ""), SourceError)
    assert "networks.north.connection" in str(as_error(DriverFailure(Kind.REFUSED), "north", "x", ""))
    assert "networks.north.sql.query_timeout_seconds" in str(as_error(DriverFailure(Kind.TIMEOUT), "north", "x", ""))
