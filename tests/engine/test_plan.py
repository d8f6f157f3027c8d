"""What is due, and why, read from logs and listings alone. No Spark: the logs are written by hand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.logs import HandLog, delivery
from engine.world import ADAPTERS, BRONZE, EPISODE, GOLD, SILVER, TABLES, VISITS
from lakehouse.engine import source_plan
from lakehouse.engine.fingerprint import fingerprint, resource_checksum, settings_checksum
from lakehouse.engine.plan import NETWORKS_INPUT, TOKEN_KEY_INPUT, Planner, sender_settings
from lakehouse.engine.source_plan import stamp
from lakehouse.engine.work import Request, Status, TablePlan
from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.settings import LakeSettings, PrivacySettings, Settings
from lakehouse.settings_files import FileSettings
from lakehouse.settings_networks import NetworkSettings
from lakehouse.spec.expectations import FAIL, not_null
from lakehouse.spec.registry import Registry
from lakehouse.spec.scopes import Resource, changes, conformed, network_settings, snapshot
from lakehouse.spec.sources import FileSource
from lakehouse.spec.table import Table
from lakehouse.storage.drop_listing import Listing, list_drop
from lakehouse.storage.drops import Drop
from lakehouse.storage.log import Logs
from lakehouse.storage.notes import CommitNote, TableState
from lakehouse.storage.store import Store

TODAY = date(2026, 2, 10)
TOKENS = {TOKEN_KEY_INPUT: "1"}


class Scene:
    """A lake of hand-written logs and an empty drop."""

    def __init__(self, root: Path, adapters: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.lake = root / "lake"
        self.tables: tuple[Table, ...] = TABLES
        self.adapters = adapters or {"north": "plain"}
        self.disabled: tuple[str, ...] = ()
        self.token_key_version = "1"
        for name in self.adapters:
            (root / "drops" / name / "visits").mkdir(parents=True)

    @property
    def settings(self) -> Settings:
        networks = {
            n: NetworkSettings(adapter=a, root=str(self.root / "drops" / n), enabled=n not in self.disabled)
            for n, a in self.adapters.items()
        }
        privacy = PrivacySettings(member_token_key_version=self.token_key_version)
        return Settings(env="test", lake=LakeSettings(root=str(self.lake)), networks=networks, privacy=privacy)

    @property
    def registry(self) -> Registry:
        return Registry.of(self.tables, self.settings.networks, ADAPTERS)

    def log(self, name: str) -> HandLog:
        return HandLog(self.lake, name)

    def mark(self, name: str) -> str:
        return fingerprint(self.registry[name], self.registry)

    def plans(self, day: date = TODAY, **asked: object) -> dict[str, TablePlan]:
        request = Request("run", day, datetime(2026, 2, 10, tzinfo=UTC), **asked)  # type: ignore[arg-type]
        planner = Planner(self.registry, Logs(Store(str(self.lake))), self.settings, request)
        return {p.table.name: p for p in planner.plan(list(self.registry.tables))}

    def drop(self, name: str, text: str = "visit_id,amount\nV1,1.00\n") -> None:
        (self.root / "drops" / "north" / "visits" / name).write_text(text)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.fixture
def built(scene: Scene) -> Scene:
    """Everything built once: two deliveries landed and consumed all the way."""
    scene.log(BRONZE).commit(None, operation="CREATE TABLE", data=None)
    scene.log(BRONZE).land(delivery("visits/a-2026-01-05.csv", "2026-01-05", "2026-02-01"))
    scene.log(BRONZE).land(delivery("visits/b-2026-01-06.csv", "2026-01-06", "2026-02-02"))
    scene.log(SILVER).build(consumed={BRONZE: 2}, fingerprint=scene.mark(SILVER))
    scene.log(EPISODE).build(consumed={SILVER: 0}, fingerprint=scene.mark(EPISODE))
    scene.log(GOLD).build(consumed={EPISODE: 0}, fingerprint=scene.mark(GOLD))
    return scene


def batches(plan: TablePlan) -> list[str] | None:
    """Paths that a merge of one network consumes; None for all of them."""
    if any(part.batches is None for part in plan.parts):
        return None
    return sorted(d.path for part in plan.parts for d in part.batches or ())


def test_a_consumed_lake_has_nothing_due(built: Scene) -> None:
    assert {p.status for p in built.plans().values()} == {Status.CURRENT}


def test_an_empty_lake_is_not_built_yet(scene: Scene) -> None:
    plans = scene.plans()
    assert plans[BRONZE].status is Status.CURRENT
    assert [plans[n].reasons for n in (SILVER, EPISODE, GOLD)] == [("not built yet",)] * 3


def test_a_new_file_is_due_and_its_readers_wait(built: Scene) -> None:
    built.drop("c-2026-01-07.csv")
    plans = built.plans()
    assert plans[BRONZE].reasons == ("1 of 1 files not landed yet",)
    assert [plans[n].status for n in (SILVER, EPISODE, GOLD)] == [Status.WAITING] * 3
    assert plans[SILVER].reasons == (f"after {BRONZE}",)
    assert plans[GOLD].reasons == (f"after {EPISODE}",)


def test_a_landed_file_is_known_by_path_size_and_time(scene: Scene) -> None:
    scene.drop("c.csv")
    found = scene.plans()[BRONZE].files[0]
    known = delivery("visits/c.csv", "2026-01-07", size=found.size, modified_at=stamp(found.modified_at))
    scene.log(BRONZE).land(known)
    assert scene.plans()[BRONZE].status is Status.CURRENT
    scene.drop("c.csv", "visit_id,amount\nV1,1.00\nV2,2.00\n")
    assert scene.plans()[BRONZE].status is Status.DUE


def test_landed_files_are_read_again_only_for_the_days_asked_for(scene: Scene) -> None:
    for name, day in (("a.csv", "2026-02-01"), ("b.csv", "2026-02-02")):
        scene.drop(name)
        found = next(f for f in scene.plans()[BRONZE].files if f.path.endswith(name))
        at = stamp(found.modified_at)
        scene.log(BRONZE).land(delivery(found.path, "2026-01-01", day, size=found.size, modified_at=at))
    assert scene.plans()[BRONZE].files == ()
    again = scene.plans(reload_source=True, start=date(2026, 2, 2))[BRONZE]
    assert [f.path for f in again.files] == ["visits/b.csv"]
    assert again.reasons == ("1 of 2 files to read again",)
    assert len(scene.plans(reload_source=True)[BRONZE].files) == 2


def test_another_version_of_the_member_token_key_rebuilds_what_holds_tokens(built: Scene) -> None:
    plans = built.plans()
    assert plans[SILVER].consumed[TOKEN_KEY_INPUT] == "1"
    assert TOKEN_KEY_INPUT not in plans[EPISODE].consumed
    built.log(SILVER).build(consumed={BRONZE: 2, TOKEN_KEY_INPUT: "1"}, fingerprint=built.mark(SILVER))
    assert built.plans()[SILVER].status is Status.CURRENT
    built.token_key_version = "2"
    renewed = built.plans()[SILVER]
    assert (renewed.reasons, batches(renewed)) == ((f"{TOKEN_KEY_INPUT} changed",), None)


def test_a_missing_drop_folder_is_a_failed_plan_that_hides_nothing_else(built: Scene) -> None:
    (built.root / "drops" / "north" / "visits").rmdir()
    (built.root / "drops" / "north").rmdir()
    plans = built.plans()
    assert plans[BRONZE].status is Status.FAILED
    assert "drops/north" in plans[BRONZE].reasons[0]
    assert plans[SILVER].status is Status.WAITING


def test_a_torn_log_is_a_failed_plan_that_names_the_table(built: Scene) -> None:
    built.log(EPISODE).file(0).write_text("")
    plans = built.plans()
    assert plans[EPISODE].status is Status.FAILED
    assert EPISODE in plans[EPISODE].reasons[0]


def test_only_unconsumed_deliveries_are_merged(built: Scene) -> None:
    built.log(BRONZE).land(delivery("visits/c-2026-01-07.csv", "2026-01-07"))
    plan = built.plans()[SILVER]
    assert batches(plan) == ["visits/c-2026-01-07.csv"]
    assert plan.reasons == (f"north: 1 new deliveries in {BRONZE}",)
    assert plan.consumed == {BRONZE: 3, **TOKENS}


def test_a_delivery_that_repeats_a_known_file_makes_nothing_due(built: Scene) -> None:
    built.log(BRONZE).land(delivery("visits/b-2026-01-06.csv", "2026-01-06", repeats=True))
    assert built.plans()[SILVER].status is Status.CURRENT


def test_a_commit_that_only_moves_data_makes_nothing_due(built: Scene) -> None:
    for name in (BRONZE, SILVER, EPISODE):
        built.log(name).commit(None, operation="OPTIMIZE", data=False)
    assert {p.status for p in built.plans().values()} == {Status.CURRENT}


def test_a_marker_makes_its_readers_not_due(built: Scene) -> None:
    built.log(SILVER).build(consumed={BRONZE: 2}, fingerprint=built.mark(SILVER), data=None)
    assert built.plans()[EPISODE].status is Status.CURRENT


def test_a_late_delivery_of_a_stamping_sender_is_merged_alone(built: Scene) -> None:
    built.log(BRONZE).land(delivery("visits/late.csv", "2026-01-04"))
    assert batches(built.plans()[SILVER]) == ["visits/late.csv"]


@pytest.mark.parametrize(("delivered", "rebuilds"), [("2026-01-05", True), ("2026-01-06", True), ("2026-01-07", False)])
def test_a_late_delivery_without_stamps_conforms_every_row_again(built: Scene, delivered: str, rebuilds: bool) -> None:
    built.log(SILVER).build(consumed={BRONZE: 2}, fingerprint=built.mark(SILVER), unstamped=(BRONZE,), data=None)
    built.log(BRONZE).land(delivery("visits/c.csv", delivered))
    plan = built.plans()[SILVER]
    assert (batches(plan) is None) == rebuilds
    if rebuilds:
        assert plan.reasons == ("north: 1 deliveries are no newer than ones already merged",)


def test_a_full_refresh_takes_every_delivery(built: Scene) -> None:
    plans = built.plans(full_refresh=True)
    assert batches(plans[SILVER]) is None
    assert plans[SILVER].reasons == ("north: full refresh of 2 deliveries",)
    assert plans[EPISODE].everything
    assert plans[GOLD].reasons == ("full refresh",)


def test_a_range_of_days_takes_their_deliveries_and_the_new_ones(built: Scene) -> None:
    built.log(BRONZE).land(delivery("visits/c.csv", "2026-01-07", "2026-02-03"))
    plan = built.plans(start=date(2026, 2, 2), end=date(2026, 2, 3))[SILVER]
    assert batches(plan) == ["visits/b-2026-01-06.csv", "visits/c.csv"]


def test_the_end_of_a_range_is_not_part_of_it(built: Scene) -> None:
    plan = built.plans(start=date(2026, 2, 1), end=date(2026, 2, 2))[SILVER]
    assert batches(plan) == ["visits/a-2026-01-05.csv"]


def test_a_changed_definition_is_shown_and_not_built(built: Scene) -> None:
    visit = TABLES[0]
    changed = replace(visit, expectations=(*visit.expectations, not_null("payer_name", on_failure=FAIL)))
    built.tables = (changed, *TABLES[1:])
    plans = built.plans()
    assert plans[SILVER].status is Status.CURRENT
    assert plans[SILVER].notes == ("definition changed: rebuild with --full-refresh",)
    assert plans[EPISODE].notes == ()


def test_a_changed_input_names_its_versions(built: Scene) -> None:
    for _ in range(2):
        built.log(SILVER).build(consumed={BRONZE: 2}, fingerprint=built.mark(SILVER))
    plan = built.plans()[EPISODE]
    assert plan.reasons == (f"{SILVER} changed in versions 1-2",)
    assert plan.since == {SILVER: (1, 2)}
    assert not plan.everything


def test_an_input_whose_log_no_longer_reaches_back_makes_all_groups_due(built: Scene) -> None:
    for _ in range(2):
        built.log(SILVER).build(consumed={BRONZE: 2}, fingerprint=built.mark(SILVER))
    for version in (0, 1):
        built.log(SILVER).file(version).unlink()
    plan = built.plans()[EPISODE]
    assert plan.everything
    assert plan.reasons == (f"all of {SILVER}",)


@pytest.mark.parametrize(("day", "is_due"), [(date(2026, 2, 9), False), (TODAY, True), (date(2026, 2, 11), True)])
def test_a_figure_that_changes_by_the_calendar_is_due_on_its_day(built: Scene, day: date, is_due: bool) -> None:
    built.log(GOLD).build(consumed={EPISODE: 0}, fingerprint=built.mark(GOLD), next_change_date=TODAY.isoformat())
    plan = built.plans(day)[GOLD]
    assert plan.matured == is_due == plan.is_due
    assert plan.reasons == (("the calendar changes a figure",) if is_due else ())
    assert not plan.everything


def test_a_changed_look_up_conforms_every_row_again(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"north": "coded"})
    payers = "bronze.north_payers"
    scene.log(BRONZE).land(delivery("visits/a.csv", "2026-01-05"))
    scene.log(payers).land(delivery("payers/a.csv", "2026-01-05"))
    scene.log(SILVER).build(consumed={BRONZE: 0, payers: 0}, fingerprint=scene.mark(SILVER))
    assert scene.plans()[SILVER].status is Status.CURRENT
    scene.log(payers).land(delivery("payers/b.csv", "2026-01-06"))
    plan = scene.plans()[SILVER]
    assert batches(plan) is None
    assert plan.reasons == (f"north: {payers} changed, so every row is conformed again",)
    assert plan.consumed == {BRONZE: 0, payers: 1, **TOKENS}


def test_a_network_that_delivered_nothing_does_not_hold_up_the_others(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"north": "plain", "south": "plain"})
    scene.log("bronze.south_visits").land(delivery("visits/a.csv", "2026-01-05"))
    plan = scene.plans()[SILVER]
    assert [w.part.network for w in plan.parts] == ["south"]
    assert plan.consumed == {"bronze.south_visits": 0, **TOKENS}


@pytest.mark.parametrize("consumed", [1, 9])
def test_a_derived_table_whose_input_was_built_anew_with_fewer_versions_is_due(built: Scene, consumed: int) -> None:
    built.log(EPISODE).build(consumed={SILVER: consumed}, fingerprint=built.mark(EPISODE), data=None)
    plan = built.plans()[EPISODE]
    assert plan.everything
    assert plan.reasons == (f"all of {SILVER}",)
    assert plan.consumed == {SILVER: 0}


@pytest.mark.parametrize("consumed", [3, 9])
def test_a_feed_that_was_removed_and_landed_with_fewer_versions_is_merged_whole(built: Scene, consumed: int) -> None:
    built.log(SILVER).build(consumed={BRONZE: consumed}, fingerprint=built.mark(SILVER), data=None)
    plan = built.plans()[SILVER]
    assert batches(plan) is None
    assert plan.reasons == (f"north: {BRONZE} was removed and landed again",)
    assert plan.consumed == {BRONZE: 2, **TOKENS}


HOME = "bronze.north_home_visits"


def paired(scene: Scene) -> Scene:
    """Networks north, of two feeds, and south, of one: each delivered and consumed once, all without stamps."""
    south = "bronze.south_visits"
    for name in (BRONZE, HOME, south):
        scene.log(name).land(delivery("visits/a.csv", "2026-01-05"))
    consumed = {BRONZE: 0, HOME: 0, south: 0}
    scene.log(SILVER).build(consumed=consumed, fingerprint=scene.mark(SILVER), unstamped=(BRONZE, HOME, south))
    return scene


@pytest.mark.parametrize("late", [BRONZE, HOME])
def test_rebuilding_one_feed_of_a_network_rebuilds_its_other_feeds(tmp_path: Path, late: str) -> None:
    scene = paired(Scene(tmp_path, {"north": "paired", "south": "plain"}))
    scene.log(late).land(delivery("visits/late.csv", "2026-01-04"))
    scene.log("bronze.south_visits").land(delivery("visits/b.csv", "2026-01-06"))
    found = {w.part.main.name: w.batches for w in scene.plans()[SILVER].parts}
    assert {name for name, taken in found.items() if taken is None} == {BRONZE, HOME}
    assert [d.path for d in found["bronze.south_visits"] or ()] == ["visits/b.csv"]


def test_a_newer_delivery_of_one_feed_is_merged_without_the_other(tmp_path: Path) -> None:
    scene = paired(Scene(tmp_path, {"north": "paired", "south": "plain"}))
    scene.log(HOME).land(delivery("home_visits/b.csv", "2026-01-06"))
    plan = scene.plans()[SILVER]
    assert [w.part.main.name for w in plan.parts] == [HOME]
    assert batches(plan) == ["home_visits/b.csv"]


MAPPING = payer_mapping.name


def explain(scene: Scene, data: bool | None = True) -> None:
    """A build of the reference table from the packaged file as it is."""
    file = next(s.source for s in payer_mapping.reads.values() if isinstance(s, Resource))
    consumed = {f"resource.{file.file}": resource_checksum(file)}
    scene.log(MAPPING).build(consumed=consumed, fingerprint=scene.mark(MAPPING), data=data)


def explained(scene: Scene, networks: str | None = None, disabled: tuple[str, ...] = ()) -> Scene:
    """Silver also reads a reference table and the senders' settings, and has consumed both (or other settings)."""
    reads = {"visits": changes(conformed(VISITS)), "mapping": snapshot(payer_mapping), "senders": network_settings()}
    scene.tables = (payer_mapping, replace(TABLES[0], reads=reads), *TABLES[1:])
    scene.log(BRONZE).land(delivery("visits/a.csv", "2026-01-05"))
    explain(scene)
    checksum = networks or settings_checksum(sender_settings(scene.settings))
    consumed = {BRONZE: 0, MAPPING: 0, NETWORKS_INPUT: checksum}
    scene.log(SILVER).build(consumed=consumed, fingerprint=scene.mark(SILVER))
    scene.disabled = disabled
    return scene


def test_a_merge_keeps_in_mind_which_further_inputs_it_was_made_of(scene: Scene) -> None:
    explained(scene)
    scene.log(SILVER).build(consumed={BRONZE: 0}, fingerprint=scene.mark(SILVER), data=None)
    scene.log(BRONZE).land(delivery("visits/b.csv", "2026-01-06"))
    plan = scene.plans()[SILVER]
    checksum = settings_checksum(sender_settings(scene.settings))
    assert plan.consumed == {BRONZE: 1, MAPPING: 0, NETWORKS_INPUT: checksum, **TOKENS}
    assert batches(plan) == ["visits/b.csv"]


def test_a_merge_is_due_whole_when_a_table_it_looks_up_moved(scene: Scene) -> None:
    explained(scene)
    explain(scene, data=None)
    assert scene.plans()[SILVER].status is Status.CURRENT
    explain(scene)
    plan = scene.plans()[SILVER]
    assert plan.status is Status.DUE
    assert batches(plan) is None
    assert plan.reasons == (f"{MAPPING} changed",)
    assert plan.consumed[MAPPING] == 2


def test_a_merge_is_due_whole_when_the_settings_of_its_senders_moved(scene: Scene) -> None:
    explained(scene, networks="another checksum")
    plan = scene.plans()[SILVER]
    assert plan.status is Status.DUE
    assert batches(plan) is None
    assert plan.reasons == (f"{NETWORKS_INPUT} changed",)
    assert plan.consumed[NETWORKS_INPUT] == settings_checksum(sender_settings(scene.settings))


def test_disabling_a_network_changes_nothing_that_is_said_of_its_sender(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"north": "plain", "south": "plain"})
    before = sender_settings(scene.settings)
    explained(scene, disabled=("south",))
    assert not scene.settings.networks["south"].enabled
    assert sender_settings(scene.settings) == before
    assert set(before) == {"north", "south"}
    plan = scene.plans()[SILVER]
    assert (plan.status, plan.reasons) == (Status.CURRENT, ())
    assert plan.consumed[NETWORKS_INPUT] == settings_checksum(before)


def merged(scene: Scene, name: str, **counts: int) -> None:
    """A merge that classified these rows and of which Delta says that it wrote none."""
    state = TableState(
        sequence=2, fingerprint=scene.mark(name), consumed={BRONZE: 2} if name == SILVER else {SILVER: 0}
    )
    scene.log(name).commit(CommitNote("run", "merge", state, counts=counts), operation="MERGE")


@pytest.mark.parametrize("name", [SILVER, EPISODE])
@pytest.mark.parametrize("kind", ["inserted", "updated", "deleted"])
def test_a_merge_that_did_something_else_than_was_classified_fails_the_plan(built: Scene, name: str, kind: str) -> None:
    merged(built, name, **{kind: 1})
    plan = built.plans()[name]
    assert (plan.status, plan.exit_code) == (Status.FAILED, 1)
    assert f"{name} version 1" in plan.reasons[0]
    assert built.plans(full_refresh=True)[name].status is Status.DUE


def test_a_merge_that_did_what_was_classified_is_trusted(built: Scene) -> None:
    merged(built, SILVER, unchanged=3, inserted=0)
    assert built.plans()[SILVER].status is Status.CURRENT


def test_a_store_that_does_not_answer_for_one_table_hides_no_other_and_says_no_value(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = Scene(tmp_path, {"north": "plain", "south": "plain"})
    (tmp_path / "drops" / "south" / "visits" / "a.csv").write_text("visit_id,amount\nV1,1.00\n")

    def broken_in_the_north(drop: Drop, source: FileSource, how: FileSettings, now: datetime) -> Listing:
        if drop.root.endswith("north"):
            raise OSError("secret value")
        return list_drop(drop, source, how, now)

    monkeypatch.setattr(source_plan, "list_drop", broken_in_the_north)
    plans = scene.plans()
    assert (plans[BRONZE].status, plans[BRONZE].exit_code) == (Status.FAILED, 3)
    assert plans[BRONZE].reasons[0].startswith(f"{BRONZE}: stopped by OSError")
    assert "secret" not in str(plans[BRONZE].reasons)
    assert plans["bronze.south_visits"].reasons == ("1 of 1 files not landed yet",)
    assert list(plans) == list(scene.registry.tables)
