from pyspark.sql import SparkSession

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.silver.denial_code import denial_code
from lakehouse.spec.contracts import DENIAL_CODES
from silver import rows
from silver.rows import Row

REASONS: tuple[Row, ...] = (
    {"group_code": "-", "reason_code": "96", "is_denial": True, "category": "non_covered", "is_preventable": False},
    {"group_code": "PR", "reason_code": "96", "is_denial": False, "category": "agreed", "is_preventable": False},
)
CASES: tuple[tuple[Row, Row], ...] = (
    (
        {"group_code": "-", "denial_code": "co-096", "description": "Not covered"},
        {"group_code": "CO", "denial_code": "96", "carc": "96", "description": "Not covered", "is_denial": True,
         "category": "non_covered", "is_preventable": False, "classified_by": "reference"},
    ),
    (
        {"group_code": "pr", "denial_code": "NC1", "carc": "PR-96"},
        {"group_code": "PR", "denial_code": "NC1", "carc": "96", "is_denial": False, "category": "agreed",
         "is_preventable": False, "classified_by": "reference"},
    ),
    (
        {"group_code": "-", "denial_code": "NC2", "carc": "96", "is_denial": False, "category": " Prior Auth "},
        {"group_code": "-", "denial_code": "NC2", "carc": "96", "is_denial": False, "category": "prior_auth",
         "is_preventable": False, "classified_by": "network"},
    ),
    (
        {"group_code": "-", "denial_code": "odd one"},
        {"group_code": "-", "denial_code": "ODD ONE", "classified_by": "unknown"},
    ),
    (
        {"group_code": "CO", "denial_code": "7", "is_deleted": True},
        {"group_code": "CO", "denial_code": "7", "carc": "7", "is_deleted": True, "classified_by": "unknown"},
    ),
)  # fmt: skip
DEFAULTS: Row = {"network": "north", "modified_at": "2026-01-20T06:00:00", "is_deleted": False}
FINE: Row = {"group_code": "CO", "carc": "45", "is_denial": False, "classified_by": "network"}
RULES: dict[str, tuple[Row, ...]] = {
    "group_code_accepted_values": ({"group_code": "ZZ"},),
    "code_is_classified": ({"classified_by": "unknown"}, {"classified_by": None}),
    "normal_pricing_is_no_denial": ({"is_denial": True}, {"carc": "253", "is_denial": True}),
}
NO_OFFENCE: tuple[Row, ...] = (
    {"group_code": "-", "is_denial": True},
    {"carc": None, "is_denial": True},
    {"is_denial": None},
    {"is_denial": True, "classified_by": "unknown", "is_deleted": True},
)


def test_codes_are_in_one_spelling_and_the_reference_fills_what_is_open(spark: SparkSession) -> None:
    sent = rows.frame(spark, DENIAL_CODES.silver_fields(), *[case[0] for case in CASES], defaults=DEFAULTS)
    result = denial_code(codes=rows.with_lineage(sent), reasons=rows.frame(spark, adjustment_reason.fields, *REASONS))
    expected = rows.frame(spark, denial_code.fields, *[case[1] for case in CASES], defaults=DEFAULTS)
    rows.assert_same_rows(result, rows.with_lineage(expected), ignore_row_order=True)


def test_rules_tell_good_from_bad_and_unknown(spark: SparkSession) -> None:
    assert set(RULES) == rows.row_rules(denial_code)
    fine = [{**FINE, **change} for change in ({}, *NO_OFFENCE)]
    bad = [(name, {**FINE, **change}) for name, changes in RULES.items() for change in changes]
    sample = rows.frame(spark, denial_code.fields, *fine, *[row for _, row in bad], defaults=DEFAULTS)
    found = sample.select(*[e.holds().alias(e.name) for e in denial_code.expectations]).collect()
    assert [[rule for rule in RULES if not row[rule]] for row in found] == [
        *[[] for _ in fine],
        *[[name] for name, _ in bad],
    ]
