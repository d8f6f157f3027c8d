import pytest
from pyspark.sql import SparkSession

from lakehouse.settings_networks import SqlSettings
from lakehouse.storage.odbc.spark_source import Reading, window_frame
from lakehouse.storage.window import Window
from storage.odbc.places import CLAIM_COLUMNS, CLAIMS, PostgresPlace, whole


def test_what_a_plan_shows_names_the_secret_and_no_more() -> None:
    reading = Reading(
        "north",
        "env:SECRET",
        SqlSettings(parallel_reads=2),
        CLAIMS,
        CLAIM_COLUMNS,
        ("claim_id",),
        Window("rowversion", None, "9"),
    )
    assert Reading.from_json(reading.to_json()) == reading
    assert "env:SECRET" in reading.to_json()


@pytest.mark.spark
def test_executors_read_the_ranges_of_a_window(
    spark: SparkSession, in_postgres: PostgresPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_postgres.run(
        "CREATE SCHEMA dbo",
        'CREATE TABLE dbo."Claims" ("ClaimID" varchar(20), "PaidAmount" numeric(18, 4), "Odd" int, "RowVersion" xid8 '
        "DEFAULT pg_current_xact_id())",
        "INSERT INTO dbo.\"Claims\" SELECT 'C' || g, g / 8.0, g FROM generate_series(1, 60) AS g",
    )
    table = in_postgres.claims()
    # Python workers get what the context hands them; the JVM keeps the environment it was started in.
    monkeypatch.setitem(spark.sparkContext.environment, "NORTH_CONNECTION", in_postgres.text)
    settings = SqlSettings(dbms="postgresql", split_rows=30, parallel_reads=2)
    frame = window_frame(
        spark, "north", "env:NORTH_CONNECTION", settings, CLAIMS, CLAIM_COLUMNS, ["claim_id"], whole(table)
    )
    for _ in range(2):
        rows = frame.collect()
        assert sorted(row["claim_id"] for row in rows) == sorted(f"C{number}" for number in range(1, 61))
    assert {row["paid_amount"] for row in rows if row["claim_id"] == "C1"} == {"0.1250"}
    assert {row["_row_number"] // 10**10 for row in rows} == {0, 1}
    assert all(row["_rescued"] == {"Odd": row["claim_id"][1:]} for row in rows)
    plan = frame._jdf.queryExecution().toString()
    assert "PWD" not in plan
    assert in_postgres.text not in plan
