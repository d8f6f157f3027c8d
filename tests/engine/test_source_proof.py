"""The proof against the source sees a row that a stamp alone lost, and says what lag would have found it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from engine.visits_database import VisitsDatabase
from engine.world import FIRST_DAY, SILVER, World
from lakehouse.engine.context import BuildContext
from lakehouse.engine.databases import Databases
from lakehouse.engine.source_proof import SourceProof, prove_source
from lakehouse.engine.tokens import TokenKey
from lakehouse.engine.work import Request
from lakehouse.errors import SourceError

BRONZE = "bronze.south_visits"


def no_key() -> TokenKey:
    raise AssertionError("a proof makes no member tokens")


def proof(world: World) -> SourceProof:
    request = Request("proof", FIRST_DAY, datetime(2026, 3, 1, tzinfo=UTC))
    with Databases(world.settings) as databases:
        context = BuildContext(
            world.spark.newSession(), world.lake, world.registry, world.settings, request, no_key, databases
        )
        return prove_source(context, world.registry[BRONZE], ["amount"], "service_date")


@pytest.mark.spark
def test_a_row_that_the_lag_did_not_reach_is_named_in_a_table_of_its_own(spark: SparkSession, tmp_path: Path) -> None:
    world = World(spark, tmp_path, {"south": "stored"}, sql={"lag_minutes": 0, "stamp_clock": "utc"})
    source = VisitsDatabase(world.source_of("south"), numbered=False)
    with pytest.raises(SourceError, match="nothing landed yet"):
        proof(world)
    source.put("v1", "10.00")
    source.put("v2", "20.00", ServiceDate="2026-02-03")
    world.run(BRONZE, day=date(2026, 3, 1))
    whole = proof(world)
    assert (whole.missing, whole.missing_table) == (0, None)
    assert [(m.month, m.source_rows, m.landed_rows) for m in whole.months] == [("2026-01", 1, 1), ("2026-02", 1, 1)]
    # Committed after the window was read, stamped before: nothing will ever ask for it.
    source.put("v3", "30.00", ServiceDate="2026-02-03")
    assert world.run(BRONZE, day=date(2026, 3, 1)).report.nothing_due
    found = proof(world)
    assert found.missing == 1
    february = found.months[1]
    assert (february.source_sums["amount"] - february.landed_sums["amount"]) == 30
    assert february.source_hash != february.landed_hash
    assert found.missing_table == f"{BRONZE}__missing"
    assert world.rows(found.missing_table, "visit_id") == [("v3",)]
    # A lag as long as it was late finds it, and the proof says how late it was.
    world.sql = {"lag_minutes": 10_000_000, "stamp_clock": "utc"}
    world.run(BRONZE, SILVER, day=date(2026, 3, 1))
    mended = proof(world)
    assert mended.missing == 0
    assert mended.late_rows == 1
    assert mended.suggested_lag >= mended.greatest_lateness > timedelta(0)
