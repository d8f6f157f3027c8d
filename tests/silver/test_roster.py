from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from lakehouse.silver.roster import roster
from lakehouse.spec.contracts import PROVIDERS
from silver import rows
from silver.rows import Row

PROVIDER: Row = {
    "network": "north",
    "provider_id": "P1",
    "location_id": "MAIN",
    "effective_date": "2026-01-01",
    "modified_at": "2026-01-20T06:00:00",
    "is_deleted": False,
}
DELIVERED = datetime(2026, 1, 21, 7, tzinfo=UTC)


def conformed(spark: SparkSession, *given: Row) -> DataFrame:
    """Providers as the engine gives them, delivered at one instant."""
    lineage = F.struct(F.lit(DELIVERED).alias("delivered_at"), F.lit(False).alias("sequenced"))
    return rows.frame(spark, PROVIDERS.all_fields, *given, defaults=PROVIDER).withColumn("_lineage", lineage)


def test_a_statement_is_cleaned(spark: SparkSession) -> None:
    sent: Row = {"npi": " 1234567893", "entity_type": "Individual", "taxonomy_code": "207q00000x", "state": "ma"}
    result = roster(
        providers=conformed(
            spark,
            {**sent, "provider_name": "Ames", "is_full_roster": True},
            {"effective_date": None, "is_deleted": True},
        )
    )
    said: Row = {
        **PROVIDER,
        "delivered_at": DELIVERED,
        "stated_at": PROVIDER["modified_at"],
        "is_full_roster": False,
        "is_withdrawn": False,
    }
    cleaned: Row = {"npi": "1234567893", "entity_type": "individual", "taxonomy_code": "207Q00000X", "state": "MA"}
    expected: list[Row] = [
        {**said, **cleaned, "provider_name": "Ames", "is_full_roster": True},
        {**said, "effective_date": "1900-01-01", "is_withdrawn": True},
    ]
    rows.assert_same_rows(result.drop("_lineage"), rows.frame(spark, roster.fields, *expected))


def test_rules_of_a_roster_row(spark: SparkSession) -> None:
    sent = roster(
        providers=conformed(
            spark,
            {"npi": "1234567893", "termination_date": "2026-01-01"},
            {"npi": "1234567894", "termination_date": "2025-12-31"},
            {"npi": None, "termination_date": None},
        )
    )
    assert rows.holds(sent, roster, "npi_check_digit_holds") == [True, False, True]
    assert rows.holds(sent, roster, "effective_date_not_after_termination_date") == [True, False, True]
