from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lakehouse.errors import SourceError
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.signals import Scope, pieces
from lakehouse.storage.raw_rows import RawColumn
from lakehouse.storage.window import Window
from storage.odbc.places import CLAIM_COLUMNS, CLAIMS, Place, PostgresPlace, SqlitePlace, whole

COUNTS = st.lists(st.integers(1, 30), max_size=40)


@given(counts=COUNTS, most=st.integers(1, 40))
def test_pieces_follow_on_each_other_and_are_as_large_as_they_may(counts: list[int], most: int) -> None:
    window = Window("rowversion", "5", "999", takes_unstamped=True)
    parts = [(str(10 + number), str(count)) for number, count in enumerate(counts)]
    cut = pieces(window, parts, most)
    assert (cut[0].lo, cut[-1].hi) == ("5", "999")
    assert [piece.takes_unstamped for piece in cut] == [False] * (len(cut) - 1) + [True]
    assert all(one.hi == other.lo for one, other in pairwise(cut))
    held = Counter[int]()
    for number, count in enumerate(counts):
        (place,) = [n for n, p in enumerate(cut) if int(p.lo or 0) <= 10 + number < int(p.hi)]
        held[place] += count
    for place in held:
        alone = sum(1 for n in range(len(counts)) if int(cut[place].lo or 0) <= 10 + n < int(cut[place].hi)) == 1
        assert held[place] <= most or alone
    assert sum(held.values()) == sum(counts)


@pytest.mark.parametrize("ties", [[1] * 50, [5] * 10, [3, 40, 1, 1, 25, 7, 1, *[1] * 60, 33, 1], [100]])
@pytest.mark.parametrize("most", [1, 7, 34])
def test_a_window_is_cut_between_values_never_within(in_sqlite: SqlitePlace, ties: list[int], most: int) -> None:
    in_sqlite.run("CREATE TABLE claims (claim_id integer, source_sequence integer)")
    rows = [(number, version) for version, count in enumerate(ties, 100) for number in range(count)]
    in_sqlite.run("INSERT INTO claims VALUES (?, ?)", values=rows)
    columns = [RawColumn("claim_id"), RawColumn("source_sequence")]
    table = in_sqlite.database().table(SqlSource("claims"), columns, ["claim_id"])
    cut = table.cut(whole(table), most)
    assert (cut[0].lo, cut[-1].hi) == (None, str(100 + len(ties)))
    assert all(one.hi == other.lo for one, other in pairwise(cut))
    for piece in cut:
        versions = [version for _, version in rows if int(piece.lo or 0) <= version < int(piece.hi)]
        assert len(versions) <= most or len(set(versions)) == 1
    assert table.count(cut[-1]) == len([v for _, v in rows if int(cut[-1].lo or 0) <= v])


def test_a_row_version_is_the_best_signal_and_a_stamp_the_last(place: Place) -> None:
    database = place.database()
    assert database.table(CLAIMS, CLAIM_COLUMNS, ["claim_id"]).signal == "rowversion"
    assert database.table(CLAIMS, CLAIM_COLUMNS, ["claim_id"], "modified_date").signal == "modified_date"
    without = [column for column in CLAIM_COLUMNS if column.name != "source_sequence"]
    assert database.table(CLAIMS, without, ["claim_id"]).signal == "modified_date"


def test_change_tracking_is_refused_where_there_is_none(place: Place) -> None:
    with pytest.raises(SourceError, match="change_tracking: only SQL Server has it"):
        place.database().table(CLAIMS, CLAIM_COLUMNS, ["claim_id"], "change_tracking")


def test_a_stamp_that_is_no_time_is_told(in_postgres: PostgresPlace) -> None:
    in_postgres.run("CREATE TABLE public.claims (claim_id int, modified_at varchar(30))")
    columns = [RawColumn("claim_id"), RawColumn("modified_at")]
    with pytest.raises(SourceError, match="found modified_at of type varchar"):
        in_postgres.database(database_schema="public").table(
            SqlSource("claims"), columns, ["claim_id"], "modified_date"
        )


def test_a_table_without_any_signal_is_told(in_postgres: PostgresPlace) -> None:
    in_postgres.run("CREATE TABLE public.claims (claim_id int)")
    with pytest.raises(SourceError, match=r"declared: source_sequence, modified_at\), found none"):
        in_postgres.database(database_schema="public").table(SqlSource("claims"), [RawColumn("claim_id")], ["claim_id"])


def test_an_open_transaction_holds_the_row_version_back(in_postgres: PostgresPlace) -> None:
    in_postgres.run("CREATE TABLE public.claims (claim_id int, source_sequence xid8 DEFAULT pg_current_xact_id())")
    columns = [RawColumn("claim_id"), RawColumn("source_sequence")]
    table = in_postgres.database(database_schema="public").table(SqlSource("claims"), columns, ["claim_id"])
    assert in_postgres.server is not None
    slow = in_postgres.server.connect(in_postgres.name, autocommit=False)
    slow.execute("INSERT INTO public.claims VALUES (1)")
    in_postgres.run("INSERT INTO public.claims VALUES (2)")
    held_back = table.bound()
    assert table.count(Window(held_back.signal, None, held_back.hi)) == 0
    slow.commit()
    slow.close()
    later = table.bound()
    assert table.count(Window(later.signal, held_back.hi, later.hi)) == 2


def test_conditions_are_joined_in_brackets() -> None:
    scope = Scope("a AS t").and_where("x = ? OR y", "1").and_where("z = ?", "2")
    assert scope.sql == "FROM a AS t WHERE (x = ? OR y) AND (z = ?)"
    assert scope.parameters == ("1", "2")
