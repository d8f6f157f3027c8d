"""`lakehouse demo` as a newcomer calls it: one day, its printed answers, and a lake that the other commands know."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

from cli.lakes import lake_folder
from lakehouse.cli import app
from lakehouse.demo.walkthrough import MARKER as DEMO_MARKER

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(900)]


def test_the_demo_builds_a_lake_that_agrees_with_its_answer_key(spark: SparkSession, tmp_path: Path) -> None:
    lake = lake_folder(tmp_path)
    demo = tmp_path / "demo"
    call = ["--config", str(lake.config), "demo", "--lake", str(demo), "--days", "1", "--claims-per-day", "130"]
    answer = CliRunner().invoke(app, call)
    assert "The lake agrees with the answer key" in answer.stdout, answer.output
    assert answer.exit_code == 0
    for said in ("all payers", "silver.claim", "claim_id_required", "wrong_width", "in = out", f"{demo / DEMO_MARKER}"):
        assert said in answer.stdout
    assert "DIFFERENT" not in answer.stdout
    status = CliRunner().invoke(app, ["--config", str(demo / DEMO_MARKER), "status", "--output", "json"])
    assert {t["table"]: t["last_outcome"] for t in json.loads(status.stdout)["tables"]}[
        "gold.revenue_by_payer"
    ] == "built"
