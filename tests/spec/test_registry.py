"""Discovery, the graph, and the errors of putting declarations and networks together."""

import sys
import zipfile
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import pytest
from pyspark.sql import DataFrame

from lakehouse.errors import DeclarationError, SettingsError
from lakehouse.spec import registry as registry_module
from lakehouse.spec.field import STRING, field
from lakehouse.spec.freshness import Report
from lakehouse.spec.registry import Adapter, Registry, discover_adapters, discover_tables
from lakehouse.spec.scopes import ReplacePartitions, groups, snapshot
from lakehouse.spec.table import Table, table
from spec.declared import VISITS, Sender, conform_of, counted, fresh, merged, paper_adapter, paper_feed


def reading(name: str, of: Table, reports: tuple[Report, ...] = ()) -> Table:
    """A table that reads the whole of another."""

    @table(
        name,
        reads={"rows": snapshot(of)},
        fields=[field("network", STRING, "sender")],
        write=ReplacePartitions(keys=("network",)),
        reports=reports,
    )
    def declared(rows: DataFrame) -> DataFrame:
        """One row per network."""
        return rows

    return declared


def test_every_network_gets_the_tables_of_its_adapter() -> None:
    registry = Registry.of([], {"north": Sender(), "south": Sender(feeds=("visits",))}, paper_adapter())
    assert list(registry.tables) == ["bronze.north_visits", "bronze.north_wards", "bronze.south_visits"]
    assert registry.networks == {"north": "paper", "south": "paper"}


def test_disabled_network_has_no_tables() -> None:
    registry = Registry.of([], {"north": Sender(enabled=False), "south": Sender()}, paper_adapter())
    assert registry.networks == {"south": "paper"}
    assert {t.network for t in registry.tables.values()} == {"south"}


def test_inputs_stand_before_their_readers_in_whatever_order_they_are_given() -> None:
    visits = merged(fresh())
    first, second = counted(fresh("gold"), visits), merged(fresh())
    last = reading(fresh("gold"), first)
    registry = Registry.of([last, second, first, visits], {"north": Sender()}, paper_adapter())
    order = list(registry.tables)
    for name in order:
        assert all(order.index(other) < order.index(name) for other in registry.inputs(name))
    assert set(order) == {"bronze.north_visits", "bronze.north_wards", visits.name, second.name, first.name, last.name}


def test_conformed_read_stands_on_every_feed_of_every_network_that_sends_it() -> None:
    visits = merged(fresh())
    registry = Registry.of([visits], {"north": Sender(), "south": Sender()}, paper_adapter())
    assert registry.inputs(visits.name) == {
        "bronze.north_visits", "bronze.north_wards", "bronze.south_visits", "bronze.south_wards",
    }  # fmt: skip
    assert registry.readers("bronze.south_wards") == {visits.name}
    parts = registry.conformed_inputs(VISITS)
    assert [(p.network, p.main.name, sorted(p.tables)) for p in parts] == [
        ("north", "bronze.north_visits", ["visits", "wards"]),
        ("south", "bronze.south_visits", ["visits", "wards"]),
    ]


def test_look_up_that_a_network_does_not_send_is_absent_from_its_part() -> None:
    registry = Registry.of([], {"north": Sender(feeds=("visits",))}, paper_adapter())
    assert [sorted(part.tables) for part in registry.conformed_inputs(VISITS)] == [["visits"]]


def test_network_that_does_not_send_the_feed_has_no_part() -> None:
    registry = Registry.of([], {"north": Sender(feeds=("wards",))}, paper_adapter())
    assert registry.conformed_inputs(VISITS) == []


def test_closures_hold_what_they_start_from() -> None:
    visits = merged(fresh())
    total = counted(fresh("gold"), visits)
    registry = Registry.of([visits, total], {"north": Sender()}, paper_adapter())
    assert registry.upstream([total.name]) == {total.name, visits.name, "bronze.north_visits", "bronze.north_wards"}
    assert registry.downstream(["bronze.north_wards"]) == {"bronze.north_wards", visits.name, total.name}
    assert registry.upstream([]) == set()


def test_reports_are_told_with_the_table_they_use() -> None:
    visits = merged(fresh())
    report = Report("Visits", owner="clinic", due="07:00")
    used = reading(fresh("gold"), visits, reports=(report,))
    registry = Registry.of([visits, used])
    assert registry.reports([visits.name, used.name]) == [(report, used)]


def test_unknown_table_is_answered_with_the_nearest_names() -> None:
    visits = merged("silver.hospital_visit")
    registry = Registry.of([visits])
    with pytest.raises(
        SettingsError, match=r"no table is named 'silver.hospitl_visit'. Nearest: silver.hospital_visit"
    ):
        registry["silver.hospitl_visit"]
    with pytest.raises(SettingsError, match=r"There are: silver\.hospital_visit"):
        registry["xyz"]


def test_unknown_adapter_names_the_setting_and_the_nearest() -> None:
    with pytest.raises(SettingsError, match=r"networks.north.adapter: no adapter is named 'papr'. Nearest: paper"):
        Registry.of([], {"north": Sender(adapter="papr")}, paper_adapter())


def test_unknown_feed_names_the_setting_and_what_there_is() -> None:
    with pytest.raises(SettingsError, match=r"networks.north.feeds: beds is no feed of paper; it has visits, wards"):
        Registry.of([], {"north": Sender(feeds=("visits", "beds"))}, paper_adapter())


def test_two_tables_of_one_name_are_refused() -> None:
    name = fresh()
    with pytest.raises(DeclarationError, match=f"{name} is declared twice: .*declared, .*declared"):
        Registry.of([merged(name), merged(name)])


def test_two_networks_that_make_one_table_name_are_refused_by_their_names() -> None:
    feeds = {"c": paper_feed("c"), "b_c": paper_feed("b_c")}
    adapters = {"paper": Adapter("paper", feeds, (conform_of(feeds["c"]),))}
    with pytest.raises(DeclarationError, match=r"bronze.a_b_c is declared twice: network a, network a_b"):
        Registry.of([], {"a": Sender(), "a_b": Sender()}, adapters)


def test_the_same_table_given_twice_is_one_table() -> None:
    visits = merged(fresh())
    assert list(Registry.of([visits, visits]).tables) == [visits.name]


def test_tables_that_read_each_other_are_refused_with_their_circle() -> None:
    name = fresh()
    first = reading(name, merged(fresh()))
    second = reading(fresh(), first)
    again = reading(name, second)
    with pytest.raises(DeclarationError, match="tables read each other in a circle") as refusal:
        Registry.of([second, again])
    assert name in str(refusal.value)
    assert second.name in str(refusal.value)


def test_group_read_is_an_edge_too() -> None:
    visits = merged(fresh())
    total = counted(fresh("gold"), visits)
    assert total.reads == {"rows": groups(visits, by="network")}
    assert Registry.of([visits, total]).inputs(total.name) == {visits.name}


def test_discovery_finds_every_table_file_once() -> None:
    names = [t.name for t in discover_tables()]
    assert len(names) == len(set(names))
    assert {"reference.payer_mapping", "silver.claim", "silver.claim_final", "gold.revenue_by_payer"} <= set(names)


def test_table_has_the_name_of_its_file() -> None:
    for found in discover_tables():
        assert found.module == f"lakehouse.{found.name}"


def test_every_discovered_adapter_fits_every_discovered_table() -> None:
    adapters = discover_adapters()
    assert {"standard", "synthea"} <= set(adapters)
    registry = Registry.discover({name: Sender(adapter=name) for name in adapters})
    assert set(registry.networks) == set(adapters)
    for name, adapter in adapters.items():
        assert {feed.adapter for feed in adapter.feeds.values()} == {name}


def test_adapter_of_another_package_joins_through_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read from a zip file, as Spark ships packages with `--py-files`."""
    archive = tmp_path / "network.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("clinic/__init__.py", "")
        packed.writestr(
            "clinic/visits.py",
            "from lakehouse.spec.feed import feed, raw\n"
            "from lakehouse.spec.sources import FileSource\n"
            "columns = [raw('id', 'visit')]\n"
            "visits = feed('clinic', 'visits', 'visits', fields=columns, source=FileSource(), key=('id',))\n",
        )
    monkeypatch.syspath_prepend(str(archive))
    entry = EntryPoint(name="clinic", value="clinic", group="lakehouse.networks")
    monkeypatch.setattr(registry_module, "entry_points", lambda group: [entry] if group == "lakehouse.networks" else [])
    assert list(discover_adapters()["clinic"].feeds) == ["visits"]


def test_installed_adapter_does_not_replace_one_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("elsewhere.standard")
    package.__path__ = []
    monkeypatch.setitem(sys.modules, "elsewhere", ModuleType("elsewhere"))
    monkeypatch.setitem(sys.modules, "elsewhere.standard", package)
    entry = EntryPoint(name="standard", value="elsewhere.standard", group="lakehouse.networks")
    monkeypatch.setattr(registry_module, "entry_points", lambda group: [entry])
    with pytest.raises(DeclarationError, match="adapter standard is in two packages"):
        discover_adapters()
