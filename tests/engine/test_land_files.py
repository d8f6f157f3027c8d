"""Deliveries: what they count from, and how they land."""

from datetime import UTC, datetime

import pytest

from engine.world import BRONZE, World, sent, touch
from lakehouse.engine.land_files import delivered_at
from lakehouse.storage.files import FoundFile

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
