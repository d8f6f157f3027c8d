from collections.abc import Mapping

import pytest
from pyspark.sql import SparkSession

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.silver.denial_class import CLASSIFICATION, with_denial_class
from lakehouse.silver.denial_code import denial_code
from lakehouse.spec.contracts import ADJUSTMENTS
from silver import rows
from silver.rows import Row

Key = tuple[str, str | None, str | None]

REASONS: tuple[Row, ...] = (
    {"group_code": "-", "reason_code": "16", "is_denial": True, "category": "documentation", "is_preventable": True},
    {"group_code": "-", "reason_code": "45", "is_denial": False, "category": "contractual", "is_preventable": False},
    {"group_code": "-", "reason_code": "96", "is_denial": True, "category": "non_covered", "is_preventable": False},
    {"group_code": "PR", "reason_code": "96", "is_denial": False, "category": "agreed", "is_preventable": False},
    {"group_code": "PI", "reason_code": "77", "is_denial": True, "category": "only_pi", "is_preventable": False},
)
CODE_COLUMNS = ("group_code", "denial_code", "carc", "is_denial", "category", "is_preventable", "classified_by")
CODES: tuple[Row, ...] = tuple(
    dict(zip(CODE_COLUMNS, values, strict=True))
    for values in (
        # Decided by the network, for any group and for one.
        ("-", "16", "16", False, "soft", None, "network"),
        ("PI", "16", "16", True, "hard", False, "network"),
        # Mapped by the network and decided by the reference, after the adjustment's own group.
        ("-", "NC", "96", True, "non_covered", False, "reference"),
        # Known by a word only.
        ("-", "ODD", None, None, "odd", None, "unknown"),
        # Against the contract.
        ("CO", "45", "45", True, "cut", None, "network"),
    )
)
UNKNOWN = (None, "UNKNOWN", None, "unknown")
CLASSES: Mapping[Key, tuple[str | None, bool | None, str, bool | None, str]] = {
    ("north", "CO", "16"): ("16", False, "soft", None, "network"),
    ("north", "-", "16"): ("16", False, "soft", None, "network"),
    ("north", None, "16"): ("16", False, "soft", None, "network"),
    ("north", "PI", "16"): ("16", True, "hard", False, "network"),
    ("south", "PI", "16"): ("16", True, "documentation", True, "reference"),
    ("north", "CO", "NC"): ("96", True, "non_covered", False, "reference"),
    ("north", "PR", "NC"): ("96", False, "agreed", False, "reference"),
    ("south", "PR", "96"): ("96", False, "agreed", False, "reference"),
    ("south", "OA", "96"): ("96", True, "non_covered", False, "reference"),
    ("south", "CO", "NC"): (None, *UNKNOWN),
    ("north", "CO", "ODD"): (None, None, "odd", None, "unknown"),
    ("north", "CO", "45"): ("45", False, "contractual", False, "reference"),
    ("south", "PI", "77"): ("77", True, "only_pi", False, "reference"),
    ("south", "CO", "77"): ("77", *UNKNOWN),
    ("south", "CO", None): (None, *UNKNOWN),
    ("north", None, None): (None, *UNKNOWN),
}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> list[tuple[Key, tuple[object, ...]]]:
    sent = [
        {"network": n, "group_code": g, "reason_code": r, "adjustment_id": str(i)}
        for i, (n, g, r) in enumerate(CLASSES)
    ]
    twice = {**sent[0], "adjustment_id": "again"}
    adjustments = rows.frame(spark, ADJUSTMENTS.silver_fields(), *sent, twice)
    result = with_denial_class(
        adjustments,
        rows.frame(spark, denial_code.fields, *CODES, defaults={"network": "north"}),
        rows.frame(spark, adjustment_reason.fields, *REASONS),
    )
    assert result.columns == [*adjustments.columns, *CLASSIFICATION]
    return [
        ((r["network"], r["group_code"], r["reason_code"]), tuple(r[name] for name in CLASSIFICATION))
        for r in result.collect()
    ]


def test_no_row_is_added_or_lost(found: list[tuple[Key, tuple[object, ...]]]) -> None:
    assert sorted((key for key, _ in found), key=repr) == sorted([*CLASSES, next(iter(CLASSES))], key=repr)


@pytest.mark.parametrize("key", CLASSES)
def test_the_network_decides_then_the_reference(found: list[tuple[Key, tuple[object, ...]]], key: Key) -> None:
    assert {answer for sent, answer in found if sent == key} == {CLASSES[key]}
