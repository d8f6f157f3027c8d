"""Feeds and conform functions: what is refused at import, and the Bronze table a network gets."""

import pytest
from pyspark.sql import DataFrame

from lakehouse.errors import DeclarationError
from lakehouse.spec.columns import ISO_DATES, ISO_TIMESTAMPS
from lakehouse.spec.feed import conforms, feed, raw
from lakehouse.spec.field import ACCOUNT, BRONZE_LINEAGE, DIRECT, STRING
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Append, changes, conformed, snapshot
from lakehouse.spec.sources import FileSource
from spec.declared import VISITS, conform_of, paper_feed

SOURCE = FileSource(folder="visits")


def test_network_gets_an_append_only_table_of_text_with_lineage() -> None:
    visits = feed(
        "paper",
        "visits",
        "visits on paper",
        fields=[raw("visit_id", "visit", required=True, phi=ACCOUNT), raw("paid", "paid", aliases=["amount"])],
        source=SOURCE,
        key=["visit_id"],
        freshness=Freshness(within="2 days"),
        owner="clinic",
    )
    made = visits.for_network("harbor")
    assert (made.name, made.network, made.feed) == ("bronze.harbor_visits", "harbor", visits)
    assert (made.write, made.partition_by, made.keys) == (Append(), "_ingest_date", ())
    assert made.field_names == ("visit_id", "paid", "_rescued", *(f.name for f in BRONZE_LINEAGE))
    assert {made.field(name).type for name in ("visit_id", "paid")} == {STRING}
    assert (made.field("visit_id").phi, made.field("paid").phi, made.field("_rescued").phi) == (ACCOUNT, None, DIRECT)
    assert (made.reads, made.owner, made.freshness) == ({"rows": SOURCE}, "clinic", Freshness("2 days"))


def test_bronze_table_has_no_transform() -> None:
    with pytest.raises(DeclarationError, match=r"bronze\.harbor_visits has no transform"):
        paper_feed().for_network("harbor")()


def test_header_that_two_columns_claim_is_refused() -> None:
    columns = [raw("visit_id", "visit"), raw("visit", "visit", aliases=["visit_id", "id"]), raw("id", "identifier")]
    with pytest.raises(DeclarationError, match="feed paper/visits: header id, visit_id is claimed twice"):
        feed("paper", "visits", "visits", fields=columns, source=SOURCE, key=("visit",))


def test_key_that_is_no_column_is_refused() -> None:
    with pytest.raises(DeclarationError, match="feed paper/visits: key ward is no field of it"):
        feed("paper", "visits", "visits", fields=[raw("visit_id", "visit")], source=SOURCE, key=("visit_id", "ward"))


def test_conform_names_its_main_feed_and_every_feed_it_reads() -> None:
    visits, wards = paper_feed(), paper_feed("wards")
    conform = conform_of(visits, wards)
    assert (conform.main_input, conform.main, conform.feeds) == ("visits", visits, {"visits": visits, "wards": wards})
    assert (conform.contract, conform.dates, conform.timestamps) == (VISITS, ISO_DATES, ISO_TIMESTAMPS)


def test_conform_keeps_the_sender_s_date_patterns() -> None:
    @conforms(VISITS, reads={"visits": changes(paper_feed())}, dates=["MM/dd/yyyy"], timestamps=["MM/dd/yyyy HH:mm"])
    def conform_american(visits: DataFrame) -> DataFrame:
        """One row per visit."""
        return visits

    assert (conform_american.dates, conform_american.timestamps) == (("MM/dd/yyyy",), ("MM/dd/yyyy HH:mm",))


def test_parameters_that_differ_from_reads_are_refused() -> None:
    with pytest.raises(DeclarationError, match=r"conform_other: parameters \['rows'\] differ from reads \['visits'\]"):

        @conforms(VISITS, reads={"visits": changes(paper_feed())})
        def conform_other(rows: DataFrame) -> DataFrame:
            """One row per visit."""
            return rows


def test_conform_without_docstring_is_refused() -> None:
    with pytest.raises(
        DeclarationError, match=r"conform_silently: the docstring is missing\. Say how rows become visits"
    ):

        @conforms(VISITS, reads={"visits": changes(paper_feed())})
        def conform_silently(visits: DataFrame) -> DataFrame:
            return visits


def test_exactly_one_input_gives_the_rows() -> None:
    with pytest.raises(DeclarationError, match=r"conform_nothing: expected exactly one changes\(feed\) .* found 0"):

        @conforms(VISITS, reads={"wards": snapshot(paper_feed("wards"))})
        def conform_nothing(wards: DataFrame) -> DataFrame:
            """One row per visit."""
            return wards

    with pytest.raises(DeclarationError, match=r"conform_both: expected exactly one .* found 2"):

        @conforms(VISITS, reads={"visits": changes(paper_feed()), "wards": changes(paper_feed("wards"))})
        def conform_both(visits: DataFrame, wards: DataFrame) -> DataFrame:
            """One row per visit."""
            return visits.unionByName(wards)


def test_conform_reads_feeds_alone() -> None:
    with pytest.raises(DeclarationError, match="conform_conformed: visits reads no feed"):

        @conforms(VISITS, reads={"visits": changes(conformed(VISITS))})
        def conform_conformed(visits: DataFrame) -> DataFrame:
            """One row per visit."""
            return visits


@pytest.mark.parametrize(
    ("money", "wrong"),
    [
        ({"charge": ("paid_amount",)}, "charge"),
        ({"paid": ("visit_id",)}, "visit_id"),
        ({"paid": ("paid_amount", "billed_amount")}, "billed_amount"),
    ],
)
def test_money_goes_from_a_raw_column_to_ledger_fields(money: dict[str, tuple[str, ...]], wrong: str) -> None:
    with pytest.raises(DeclarationError, match=f"conform_money: money names {wrong}, no raw column or no ledger field"):

        @conforms(VISITS, reads={"visits": changes(paper_feed())}, money=money)
        def conform_money(visits: DataFrame) -> DataFrame:
            """One row per visit."""
            return visits
