import csv
from importlib.resources import files

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.demo.directory import PAYER_NAMES
from lakehouse.reference.payer_mapping import mapping_key, payer_mapping
from lakehouse.spec.field import STRING, field
from silver import rows

SAMPLE_NAMES = (
    ("Medicaid", "MEDICAID"),
    ("Medicare", "MEDICARE"),
    ("Anthem", "OTHER"),
    ("Aetna", "AETNA"),
    ("Cigna Health", "CIGNA"),
    ("Blue Cross Blue Shield", "BCBS"),
    ("UnitedHealthcare", "UHC"),
    ("Humana", "OTHER"),
    ("Dual Eligible", "OTHER"),
    ("NO_INSURANCE", "OTHER"),
)


def published() -> list[dict[str, str]]:
    """The rows of the file that ships."""
    with files("lakehouse.reference").joinpath("payer_mapping.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def raw(spark: SparkSession) -> DataFrame:
    """The file as the engine gives it: every column text."""
    texts = [field(name, STRING, "as in the file") for name in payer_mapping.field_names]
    return rows.frame(spark, texts, *published())


def test_the_file_becomes_the_table_and_keeps_every_rule(spark: SparkSession, raw: DataFrame) -> None:
    result = payer_mapping(rows=raw)
    rows.assert_same_rows(result, rows.frame(spark, payer_mapping.fields, *published()))
    assert result.where(F.greatest(*[F.col(c).isNull() for c in result.columns])).count() == 0
    assert {e.name: e.failing_rows(result).count() for e in payer_mapping.expectations} == {
        "payer_name_key_line_of_business_key_unique": 0,
        "payer_code_accepted_values": 0,
        "keys_are_normalised": 0,
    }


@pytest.mark.parametrize(("name", "code"), sorted({*PAYER_NAMES, *SAMPLE_NAMES}))
def test_every_known_name_has_a_decision(name: str, code: str) -> None:
    key = " ".join("".join(c if c.isalnum() else " " for c in name.upper()).split()) or "-"
    decided = {row["payer_name_key"]: row["payer_code"] for row in published() if row["line_of_business_key"] == "-"}
    assert decided[key] == code


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("NO_INSURANCE", "NO INSURANCE"),
        (" Blue-Cross  Blue/Shield. ", "BLUE CROSS BLUE SHIELD"),
        ("AT&T Plan 1", "AT T PLAN 1"),
        ("Bénéfice", "BÉNÉFICE"),
        ("-", "-"),
        (" ", "-"),
        (None, "-"),
    ],
)
def test_punctuation_blanks_and_case_do_not_matter(spark: SparkSession, name: str | None, key: str) -> None:
    sent = rows.frame(spark, [field("name", STRING, "as sent")], {"name": name})
    assert sent.select(mapping_key(F.col("name"))).collect()[0][0] == key


def test_rules_tell_good_from_bad_and_unknown(spark: SparkSession) -> None:
    fine = {"payer_name_key": "AETNA", "line_of_business_key": "-", "payer_code": "AETNA"}
    for rule, bad in {
        "payer_code_accepted_values": {"payer_code": "ANTHEM"},
        "keys_are_normalised": {"payer_name_key": "Aetna"},
    }.items():
        unknown = dict.fromkeys(bad, None)
        sample = rows.frame(spark, payer_mapping.fields, fine, {**fine, **bad}, {**fine, **unknown})
        assert rows.holds(sample, payer_mapping, rule) == [True, False, False], rule


def test_a_name_decided_twice_is_found(spark: SparkSession) -> None:
    any_line = {"payer_name_key": "AETNA", "line_of_business_key": "-"}
    medicare = {"payer_name_key": "AETNA", "line_of_business_key": "MEDICARE"}
    rule = "payer_name_key_line_of_business_key_unique"
    assert rows.failing_count(rows.frame(spark, payer_mapping.fields, any_line, medicare, {}), payer_mapping, rule) == 0
    assert rows.failing_count(rows.frame(spark, payer_mapping.fields, any_line, any_line), payer_mapping, rule) == 1
