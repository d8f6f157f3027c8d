import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.errors import DeclarationError, SourceError
from lakehouse.spec.sources import SqlSource
from lakehouse.storage.odbc.catalogue import match_columns
from lakehouse.storage.odbc.dialects import ServerColumn, ServerTable
from lakehouse.storage.raw_rows import RawColumn
from storage.odbc.places import CLAIM_COLUMNS, CLAIMS, Place, PostgresPlace, whole

STRANGE = st.text(
    st.one_of(st.sampled_from("Claims]['\"`;-/*\\\0%_?\u200b\u0421\u043b"), st.characters()), min_size=0, max_size=30
)


def described(*names: str) -> ServerTable:
    return ServerTable("dbo", "Claims", tuple(ServerColumn(name, "varchar", 10) for name in names))


def test_a_name_that_is_no_table_is_simply_not_found(place: Place) -> None:
    with place.database() as database:

        @settings(max_examples=40, deadline=None)
        @given(STRANGE.filter(lambda name: name.lower() != "claims"))
        def not_found(name: str) -> None:
            with pytest.raises(SourceError, match=r"(?s)expected table .*, found none"):
                database.table(SqlSource(name), CLAIM_COLUMNS, ["claim_id"])

        not_found()


@pytest.mark.parametrize("schema", ["nowhere", "dbo'; --", 'd"bo', "d\0bo", "\ud800"])
def test_a_schema_that_is_none_holds_no_table(in_postgres: PostgresPlace, schema: str) -> None:
    with pytest.raises(SourceError, match=r"(?s)expected table .*, found none"):
        in_postgres.database(database_schema=schema).table(CLAIMS, CLAIM_COLUMNS, ["claim_id"])


def test_strange_names_do_no_harm(place: Place) -> None:
    place.put(("C1", "1.00", "", "2026-01-05T10:00:00", 1))
    for name in ('Claims"; DROP TABLE "Claims', "Claims'; DELETE FROM Claims --", "Claims] --"):
        with pytest.raises(SourceError, match="found none"):
            place.database().table(SqlSource(name), CLAIM_COLUMNS, ["claim_id"])
    table = place.claims()
    assert table.count(whole(table)) == 1


def test_near_names_are_listed(place: Place) -> None:
    with pytest.raises(SourceError, match="Nearest: Claims") as raised:
        place.database().table(SqlSource("Claimz"), CLAIM_COLUMNS, ["claim_id"])
    assert "networks.north.sql.database_schema" in str(raised.value)


def test_a_table_is_found_in_any_case_and_shown_as_the_server_spells_it(place: Place) -> None:
    table = place.database().table(SqlSource("cLAIMS"), CLAIM_COLUMNS, ["claim_id"])
    assert table.name == ("Claims" if place.dbms == "sqlite" else "dbo.Claims")


def test_the_very_spelling_wins_and_others_are_not_guessed_between(in_postgres: PostgresPlace) -> None:
    in_postgres.run("CREATE SCHEMA dbo")
    for name in ("claims", "CLAIMS"):
        in_postgres.run(f'CREATE TABLE dbo."{name}" (claim_id int, modified_at timestamp)')
    database = in_postgres.database()
    assert database.table(SqlSource("CLAIMS"), CLAIM_COLUMNS, ["claim_id"]).name == "dbo.CLAIMS"
    with pytest.raises(SourceError, match="found 2 that differ in case"):
        database.table(CLAIMS, CLAIM_COLUMNS, ["claim_id"])


@pytest.mark.parametrize("column", ['odd ]"name', "it's; --", 'tab"le', "percent%?", "[brackets]", "emoji 💉"])
def test_columns_of_any_name_are_read(place: Place, column: str) -> None:
    quoted = column.replace('"', '""')
    schema = "" if place.dbms == "sqlite" else "dbo."
    place.run(f'CREATE TABLE {schema}"Odd" (claim_id int, modified_at timestamp, "{quoted}" varchar(20))')
    table = place.database().table(SqlSource("Odd"), CLAIM_COLUMNS, ["claim_id"])
    assert table.extra_columns == (column,)


@pytest.mark.parametrize("spelled", ["ClaimID", "claim_id", "CLAIM ID", "Claim-Id"])
def test_columns_are_compared_by_letters_and_digits(spelled: str) -> None:
    matched = match_columns(described(spelled), [RawColumn("claim_id")])
    assert matched.declared["claim_id"].name == spelled
    assert matched.extra == ()


def test_an_alias_is_as_good_as_the_name() -> None:
    matched = match_columns(described("ICN", "Other"), [RawColumn("claim_id", ("icn",))])
    assert matched.declared["claim_id"].name == "ICN"
    assert [column.name for column in matched.extra] == ["Other"]


def test_a_missing_required_column_is_told_with_its_nearest() -> None:
    columns = [RawColumn("claim_id", required=True), RawColumn("paid")]
    with pytest.raises(SourceError, match=r"required columns missing: claim_id \(nearest: Claim_Idd\)") as raised:
        match_columns(described("Claim_Idd", "Paid"), columns)
    assert "Expected: claim_id, paid. Found: Claim_Idd, Paid" in str(raised.value)
    assert "alias" in str(raised.value)


def test_two_columns_of_one_meaning_are_not_guessed_between() -> None:
    with pytest.raises(SourceError, match="ClaimID and Claim_ID both mean claim_id"):
        match_columns(described("ClaimID", "Claim_ID"), [RawColumn("claim_id")])
    with pytest.raises(DeclarationError, match="claim_id and other both accept"):
        match_columns(described("ClaimID"), [RawColumn("claim_id"), RawColumn("other", ("ClaimID",))])
