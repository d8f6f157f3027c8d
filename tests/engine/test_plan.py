"""What is due, and why, read from logs and listings alone. No Spark: the logs are written by hand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from engine.logs import HandLog, delivery
from engine.world import ADAPTERS, BRONZE, EPISODE, GOLD, SILVER, TABLES
from lakehouse.engine.fingerprint import fingerprint
from lakehouse.engine.plan import Planner, stamp
from lakehouse.engine.work import Request, Status, TablePlan
from lakehouse.settings import LakeSettings, NetworkSettings, Settings
from lakehouse.spec.expectations import FAIL, not_null
from lakehouse.spec.registry import Registry
from lakehouse.spec.table import Table
from lakehouse.storage.log import Logs
from lakehouse.storage.store import Store

TODAY = date(2026, 2, 10)


class Scene:
    """A lake of hand-written logs and an empty drop."""

    def __init__(self, root: Path, adapters: Mapping[str, str] | None = None) -> None:
        self.root = root
        self.lake = root / "lake"
        self.tables: tuple[Table, ...] = TABLES
        self.adapters = adapters or {"north": "plain"}
        for name in self.adapters:
            (root / "drops" / name / "visits").mkdir(parents=True)

    @property
    def settings(self) -> Settings:
        networks = {n: NetworkSettings(adapter=a, root=str(self.root / "drops" / n)) for n, a in self.adapters.items()}
        return Settings(env="test", lake=LakeSettings(root=str(self.lake)), networks=networks)

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
    found = plan.parts[0].batches
    return None if found is None else [d.path for d in found]


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
    assert plan.consumed == {BRONZE: 3}


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
    assert plan.consumed == {BRONZE: 0, payers: 1}


def test_a_network_that_delivered_nothing_does_not_hold_up_the_others(tmp_path: Path) -> None:
    scene = Scene(tmp_path, {"north": "plain", "south": "plain"})
    scene.log("bronze.south_visits").land(delivery("visits/a.csv", "2026-01-05"))
    plan = scene.plans()[SILVER]
    assert [w.part.network for w in plan.parts] == ["south"]
    assert plan.consumed == {"bronze.south_visits": 0}
