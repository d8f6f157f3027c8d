from collections.abc import Mapping

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.reference.payer_mapping import payer_mapping
from lakehouse.silver.standard_payer import with_standard_payer
from silver import rows

NAMES: Mapping[tuple[str | None, str | None], tuple[str, bool]] = {
    ("Aetna", "commercial"): ("AETNA", True),
    ("  aetna, ", None): ("AETNA", True),
    ("Aetna", "Medicare"): ("MEDICARE", True),
    ("Aetna Inc", "commercial"): ("OTHER", False),
    (None, "commercial"): ("OTHER", True),
    ("", None): ("OTHER", True),
    ("???", None): ("OTHER", True),
    ("Medicare Only With A Line", "medicare"): ("MEDICARE", True),
    ("Medicare Only With A Line", "commercial"): ("OTHER", False),
}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[tuple[str | None, str | None], tuple[str, bool]]:
    payers = rows.frame(
        spark,
        payer_mapping.fields,
        {"payer_name_key": "AETNA", "line_of_business_key": "-", "payer_code": "AETNA"},
        {"payer_name_key": "AETNA", "line_of_business_key": "MEDICARE", "payer_code": "MEDICARE"},
        {"payer_name_key": "MEDICARE ONLY WITH A LINE", "line_of_business_key": "MEDICARE", "payer_code": "MEDICARE"},
        {"payer_name_key": "-", "line_of_business_key": "-", "payer_code": "OTHER"},
    )
    result: DataFrame = with_standard_payer(
        rows.claims(spark, *[{"payer_name": name, "line_of_business": line} for name, line in NAMES]), payers
    )
    assert result.columns == [*rows.claims(spark).columns, "payer_code", "payer_is_mapped"]
    collected = result.collect()
    assert len(collected) == len(NAMES)
    return {(r["payer_name"], r["line_of_business"]): (r["payer_code"], r["payer_is_mapped"]) for r in collected}


@pytest.mark.parametrize("sent", NAMES)
def test_name_and_line_of_business_decide_then_the_name_alone(
    found: Mapping[tuple[str | None, str | None], tuple[str, bool]], sent: tuple[str | None, str | None]
) -> None:
    assert found[sent] == NAMES[sent]
