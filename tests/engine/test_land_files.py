"""Deliveries: what they count from, and how they land."""

from datetime import UTC, datetime

import pytest

from engine.world import BRONZE, SILVER, World, sent, touch
from lakehouse.engine.land_files import delivered_at
from lakehouse.faults import at_fault_points
from lakehouse.storage.drops import FoundFile

CHANGED = datetime(2026, 3, 9, 17, 5, tzinfo=UTC)


def found(path: str, size: int = 10) -> FoundFile:
    return FoundFile(path, size, CHANGED)


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("claims/claims-2026-01-05.csv", (2026, 1, 5)),
        ("claims/claims_20260105.csv.gz", (2026, 1, 5)),
        ("claims/2026_01_05/claims.csv", (2026, 1, 5)),
        ("2025-12-31/claims-2026-01-05.csv", (2026, 1, 5)),
        ("claims-2026-01-05-resent.csv", (2026, 1, 5)),
        ("claims-19991231.csv", (1999, 12, 31)),
        ("claims-2024-02-29.csv", (2024, 2, 29)),
        ("2026-01-05/claims-2026-02-30.csv", (2026, 1, 5)),
    ],
)
def test_the_last_date_in_the_path_is_the_delivery(path: str, day: tuple[int, int, int]) -> None:
    assert delivered_at(found(path)) == datetime(*day, tzinfo=UTC)


@pytest.mark.parametrize(
    "path",
    [
        "claims.csv",
        "claims-2026.csv",
        "claims-2026-13-01.csv",
        "claims-2026-02-30.csv",
        "c-120260105.csv",
        "c-202601051.csv",
    ],
)
def test_without_a_date_the_modification_time_is_the_delivery(path: str) -> None:
    assert delivered_at(found(path)) == CHANGED


@pytest.mark.spark
def test_content_that_comes_back_under_a_name_after_other_content_is_landed_again(world: World) -> None:
    name, first, second = "visits-2026-01-01.csv", [sent("V1", amount="1.00")], [sent("V1", amount="22.00")]
    for rows in (first, second, first):
        touch(world.deliver(name, rows))
        assert world.run(BRONZE).counts(BRONZE) == {"deliveries": 1, "rows": 1}
    assert [a for (a,) in world.rows(BRONZE, "amount")] == ["1.00", "1.00", "22.00"]
    assert len({b for (b,) in world.rows(BRONZE, "_batch_id")}) == 3

    for _ in range(2):
        touch(world.root / "drops" / "north" / "visits" / name)
    assert world.run(BRONZE).counts(BRONZE) == {"repeated_files": 1}


@pytest.mark.spark
def test_a_large_file_lands_in_parts_and_a_run_that_stopped_goes_on_behind_them(world: World) -> None:
    world.files = {"part_rows": 2}
    rows = [sent(f"V{n}") for n in range(5)]
    world.deliver("visits-2026-01-01.csv", rows)

    def stop(moment: str) -> None:
        if moment == "after_bronze_commit" and world.lake.logs[BRONZE].deliveries():
            raise OSError("stopped")

    at_fault_points(stop)
    try:
        world.run(BRONZE, must=None)
    finally:
        at_fault_points(None)
    before = [d for _, d in world.lake.logs[BRONZE].deliveries()]
    world.run(BRONZE)
    landed = [d for _, d in world.lake.logs[BRONZE].deliveries()]
    assert [(d.part, d.is_last, d.rows) for d in landed] == [(0, False, 2), (1, False, 2), (2, True, 1)]
    assert len({d.batch_id for d in landed}) == 3
    assert len({d.checksum for d in landed}) == 1
    assert len(before) < 3
    assert [v for (v,) in world.rows(BRONZE, "visit_id")] == [f"V{n}" for n in range(5)]
    assert [n for (n,) in world.rows(BRONZE, "_row_number")] == [1, 2, 3, 4, 5]
    world.run(SILVER)
    assert len(world.rows(SILVER, "visit_id")) == 5
    touch(world.root / "drops" / "north" / "visits" / "visits-2026-01-01.csv")
    assert world.run(BRONZE).counts(BRONZE) == {"repeated_files": 1}
