from collections.abc import Mapping
from datetime import datetime

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.full_delivery import (
    FULL_DELIVERY_FIELDS,
    full_deliveries,
    full_deliveries_are_whole,
    with_next_full,
)
from lakehouse.silver.full_eligibility import full_eligibility
from lakehouse.silver.full_roster import full_roster
from lakehouse.spec.field import BOOLEAN, STRING, TIMESTAMP, field
from silver import rows

# network: (rows of each delivery, whether each is applied)
SEQUENCES: Mapping[str, tuple[list[int], list[bool]]] = {
    "one delivery": ([1], [True]),
    "half is enough": ([6, 3], [True, True]),
    "less than half is truncated": ([7, 3], [True, False]),
    "a truncated one is not compared with": ([8, 3, 2, 8], [True, False, False, True]),
    "a drop that stays is believed the third time": ([9, 4, 3, 3, 2], [True, False, False, True, True]),
    "a whole one in between starts anew": ([9, 4, 4, 9, 4, 4], [True, False, False, True, False, False]),
    "growing and shrinking slowly": ([2, 9, 5, 3, 2], [True, True, True, True, True]),
}


def instant(day: int) -> str:
    return f"2026-01-{day:02d}T06:00:00"


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> Mapping[str, list[tuple[datetime, int, bool]]]:
    fields = (field("network", STRING, "n"), field("delivered_at", TIMESTAMP, "d"), field("is_full", BOOLEAN, "f"))
    statements = [
        {"network": network, "delivered_at": instant(day), "is_full": True}
        for network, (counts, _) in SEQUENCES.items()
        for day, count in reversed(list(enumerate(counts, start=1)))
        for _ in range(count)
    ]
    partial = {"network": "one delivery", "is_full": False}
    others = [{**partial, "delivered_at": instant(1)}, {**partial, "delivered_at": instant(2)}]
    result = full_deliveries(rows.frame(spark, fields, *statements, *others), "is_full")
    assert result.columns == [f.name for f in FULL_DELIVERY_FIELDS]
    collected = result.orderBy("delivered_at").collect()
    return {
        network: [(r["delivered_at"], r["row_count"], r["is_applied"]) for r in collected if r["network"] == network]
        for network in SEQUENCES
    }


@pytest.mark.parametrize("network", SEQUENCES)
def test_a_full_delivery_counts_unless_it_is_less_than_half_of_the_last(
    found: Mapping[str, list[tuple[datetime, int, bool]]], network: str
) -> None:
    counts, applied = SEQUENCES[network]
    assert [(count, is_applied) for _, count, is_applied in found[network]] == list(zip(counts, applied, strict=True))


def test_the_next_full_delivery_is_the_first_applied_one_after(spark: SparkSession) -> None:
    fulls = [
        {"network": network, "delivered_at": instant(day), "row_count": 1, "is_applied": is_applied}
        for network, day, is_applied in [
            ("north", 2, True),
            ("north", 3, False),
            ("north", 5, True),
            ("south", 4, True),
        ]
    ]
    asked = [("north", 1), ("north", 1), ("north", 2), ("north", 5), ("south", 1), ("west", 1), ("north", None)]
    fields = (field("network", STRING, "n"), field("named_at", TIMESTAMP, "d"))
    instants = [{"network": n, "named_at": None if day is None else instant(day)} for n, day in asked]
    result = with_next_full(
        rows.frame(spark, fields, *instants), rows.frame(spark, FULL_DELIVERY_FIELDS, *fulls), after="named_at"
    )
    days = result.select("network", F.dayofmonth("named_at"), F.dayofmonth("next_full_at")).collect()
    expected = [
        ("north", 1, 2),
        ("north", 1, 2),
        ("north", 2, 5),
        ("north", 5, None),
        ("south", 1, 4),
        ("west", 1, None),
    ]
    assert sorted(map(tuple, days), key=str) == sorted([*expected, ("north", None, None)], key=str)


def test_a_truncated_delivery_is_warned_of() -> None:
    for table in (full_eligibility, full_roster):
        assert [(rule.name, rule.on_failure) for rule in table.expectations] == [("delivery_is_whole", "warn")]
    assert full_deliveries_are_whole().name == "delivery_is_whole"
