import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import SourceError
from lakehouse.storage.odbc.dialects import Dialect, shortest_double, shortest_single, squeezed
from lakehouse.storage.odbc.postgresql import PostgreSql
from lakehouse.storage.odbc.sqlite import Sqlite
from lakehouse.storage.odbc.sqlserver import SqlServer

NAMES = st.text(st.sampled_from("ab]['\";-/*\\ é\u200b%?"), min_size=1, max_size=60)


def unquoted(quoted: str, closing: str) -> str:
    """The name inside; fails when a lone closing quote would end it early."""
    inner = quoted[1:-1]
    assert closing not in inner.replace(closing * 2, "")
    return inner.replace(closing * 2, closing)


@given(NAMES)
def test_a_quoted_name_is_one_identifier_whatever_is_in_it(name: str) -> None:
    assert unquoted(SqlServer().quote(name), "]") == name
    assert unquoted(PostgreSql().quote(name), '"') == name
    assert unquoted(Sqlite().quote(name), '"') == name


@pytest.mark.parametrize("dialect", [SqlServer(), PostgreSql(), Sqlite()])
def test_a_name_that_no_server_could_have_is_refused(dialect: Dialect) -> None:
    for name in ("", "a\0b", "x" * (dialect.longest_name + 1)):
        with pytest.raises(SourceError, match="cannot be quoted"):
            dialect.quote(name)


def test_numbers_are_cut_to_what_reads_back_the_same() -> None:
    texts = pa.array(["1.0000000000000001e-001", "3.0000000000000004e-001", None, "1.5000000000000000e+000"])
    assert shortest_double(texts).to_pylist() == ["0.1", "0.30000000000000004", None, "1.5"]
    assert shortest_single(pa.array(["1.0000000e-001", None])).to_pylist() == ["0.1", None]


def test_names_are_compared_by_letters_and_digits() -> None:
    assert squeezed("Claim_ID") == squeezed("claim id") == squeezed("ClaimID") == "claimid"
