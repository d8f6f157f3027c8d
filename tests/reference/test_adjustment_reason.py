import csv
from importlib.resources import files

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.reference.adjustment_reason import adjustment_reason
from lakehouse.spec.field import STRING, field
from silver import rows

DENIED_SOMEHOW = (
    ("4", "coding"),
    ("11", "coding"),
    ("16", "documentation"),
    ("18", "duplicate"),
    ("22", "coordination_of_benefits"),
    ("26", "eligibility"),
    ("27", "eligibility"),
    ("29", "timely_filing"),
    ("50", "medical_necessity"),
    ("96", "non_covered"),
    ("97", "bundling"),
    ("197", "authorization"),
    ("204", "non_covered"),
    ("252", "documentation"),
    ("B7", "provider_enrolment"),
)
"""The common denial reasons of domain.md 1.5."""
NORMAL_PRICING = (
    ("PR", "1"), ("PR", "2"), ("PR", "3"), ("-", "1"), ("-", "2"), ("-", "3"),
    ("CO", "45"), ("CO", "24"), ("CO", "253"), ("OA", "23"),
)  # fmt: skip
"""Never denials, after contracts.md section 3."""


def published() -> dict[tuple[str, str], dict[str, str]]:
    """The rows of the file that ships, by group and reason."""
    with files("lakehouse.reference").joinpath("adjustment_reason.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    by_key = {(row["group_code"], row["reason_code"]): row for row in listed}
    assert len(by_key) == len(listed)
    return by_key


@pytest.mark.parametrize(("reason", "category"), DENIED_SOMEHOW)
def test_the_common_denial_reasons_are_denials_in_every_group(reason: str, category: str) -> None:
    found = published()
    assert (found[("-", reason)]["is_denial"], found[("-", reason)]["category"]) == ("true", category)
    assert [key for key in found if key[1] == reason] == [("-", reason)]


@pytest.mark.parametrize("key", NORMAL_PRICING)
def test_normal_pricing_is_never_a_denial(key: tuple[str, str]) -> None:
    assert published()[key]["is_denial"] == "false"


def test_the_file_becomes_the_table_and_keeps_every_rule(spark: SparkSession) -> None:
    texts = [field(name, STRING, "as in the file") for name in adjustment_reason.field_names]
    raw: DataFrame = rows.frame(spark, texts, *published().values())
    typed = [
        {**row, "is_denial": row["is_denial"] == "true", "is_preventable": row["is_preventable"] == "true"}
        for row in published().values()
    ]
    result = adjustment_reason(rows=raw)
    rows.assert_same_rows(result, rows.frame(spark, adjustment_reason.fields, *typed))
    assert rows.broken(result, adjustment_reason) == set()
    assert rows.failing_count(result, adjustment_reason, "group_code_reason_code_unique") == 0


def test_rules_tell_good_from_bad(spark: SparkSession) -> None:
    fine = {
        "group_code": "-", "reason_code": "29", "is_denial": True, "category": "timely_filing", "is_preventable": True,
    }  # fmt: skip
    bad = {
        "group_code_accepted_values": {"group_code": "co"},
        "reason_code_matches": {"reason_code": "029"},
        "category_goes_with_the_answer": {"is_denial": False},
        "normal_pricing_is_no_denial": {"group_code": "CO", "reason_code": "45"},
    }
    assert set(bad) == rows.row_rules(adjustment_reason)
    sample = rows.frame(spark, adjustment_reason.fields, fine, *[{**fine, **change} for change in bad.values()])
    rules = [e for e in adjustment_reason.expectations if e.name in bad]
    found = sample.select("group_code", *[e.holds().alias(e.name) for e in rules]).collect()
    assert all(found[0][name] for name in bad)
    for row, name in zip(found[1:], bad, strict=True):
        assert [broken for broken in bad if not row[broken]] == [name]
