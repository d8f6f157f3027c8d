"""Small declarations that the tests of this folder share: each call declares under a name of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

from pyspark.sql import DataFrame

from lakehouse.spec.contracts import Contract
from lakehouse.spec.feed import Conform, Feed, conforms, feed, raw
from lakehouse.spec.field import ACCOUNT, MONEY, STRING, field
from lakehouse.spec.registry import Adapter
from lakehouse.spec.scopes import Changes, Merge, ReplacePartitions, changes, conformed, groups, snapshot
from lakehouse.spec.sources import FileSource
from lakehouse.spec.table import Table, table

VISITS = Contract(
    "visits",
    keys=("network", "visit_id"),
    fields=(
        field("network", STRING, "sender", required=True),
        field("visit_id", STRING, "visit", required=True, phi=ACCOUNT),
        field("paid_amount", MONEY, "paid", ledger=True),
    ),
)
_NUMBER = count(1)


@dataclass(frozen=True)
class Sender:
    """What the registry needs to know of a configured network."""

    adapter: str = "paper"
    enabled: bool = True
    feeds: tuple[str, ...] | None = None


def fresh(layer: str = "silver") -> str:
    """A table name that no other test declared."""
    return f"{layer}.declared_{next(_NUMBER)}"


def paper_feed(name: str = "visits") -> Feed:
    """A feed of the adapter `paper`."""
    columns = [raw("visit_id", "visit", phi=ACCOUNT), raw("paid", "paid, USD")]
    return feed("paper", name, "visits on paper", fields=columns, source=FileSource(folder=name), key=("visit_id",))


def conform_of(main: Feed, look_up: Feed | None = None) -> Conform:
    """How `main` becomes `VISITS`, with or without a look-up feed."""
    if look_up is None:

        @conforms(VISITS, reads={"visits": changes(main)}, money={"paid": ("paid_amount",)})
        def conform_visits(visits: DataFrame) -> DataFrame:
            """One row per visit."""
            return visits

        return conform_visits

    @conforms(VISITS, reads={"visits": changes(main), "wards": snapshot(look_up)})
    def conform_with_wards(visits: DataFrame, wards: DataFrame) -> DataFrame:
        """One row per visit."""
        return visits.join(wards, "visit_id", how="left")

    return conform_with_wards


def paper_adapter() -> Mapping[str, Adapter]:
    """The adapter `paper`: visits, which look up wards."""
    visits, wards = paper_feed(), paper_feed("wards")
    return {"paper": Adapter("paper", {"visits": visits, "wards": wards}, (conform_of(visits, wards),))}


def merged(name: str, of: Contract = VISITS, tags: tuple[str, ...] = ()) -> Table:
    """A table that merges every network's rows of a contract."""
    scope: Changes = changes(conformed(of))

    @table(name, reads={"rows": scope}, fields=of.silver_fields(), write=Merge(keys=of.keys), tags=tags)
    def declared(rows: DataFrame) -> DataFrame:
        """One row per visit. Newest state only."""
        return rows

    return declared


def counted(name: str, of: Table, tags: tuple[str, ...] = ()) -> Table:
    """A table that replaces the rows of each network of `of`."""

    @table(
        name,
        reads={"rows": groups(of, by="network")},
        fields=[of.field("network")],
        write=ReplacePartitions(on="network", keys=("network",)),
        tags=tags,
    )
    def declared(rows: DataFrame) -> DataFrame:
        """One row per network."""
        return rows.select("network").distinct()

    return declared
