"""The package's front door: public names, the console script, the job, and real runs through the command line."""

import json
import subprocess
import sys
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from typer.testing import CliRunner

import lakehouse
from cli.lakes import CLAIMS_HEADER, LakeFolder, lake_folder
from lakehouse.cli import app, main
from lakehouse.demo.walkthrough import MARKER as DEMO_MARKER
from lakehouse.demo.walkthrough import REVENUE_AMOUNTS, by_payer

CHECKOUT = Path(__file__).parents[1]
PHI = "ZZMEMBER99"
BAD_AMOUNT = "99,9ZZx"


def test_every_public_name_is_there_and_no_other() -> None:
    for name in lakehouse.__all__:
        assert getattr(lakehouse, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'tabel'"):
        lakehouse.__getattr__("tabel")


def test_importing_the_package_imports_nothing_else() -> None:
    script = "import sys, lakehouse; assert not {'pyspark', 'pydantic', 'pyarrow', 'typer'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_the_version_is_that_of_the_distribution() -> None:
    declared = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["version"]
    assert lakehouse.__version__ == declared
    assert CliRunner().invoke(app, ["--version"]).stdout.strip() == declared


def test_main_ends_the_process_with_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(["plan", "--no-such-option"])
    assert end.value.code == 2
    assert "--no-such-option" in capsys.readouterr().err


def test_the_job_takes_the_options_of_run_and_ends_with_its_exit_code(tmp_path: Path) -> None:
    lake = lake_folder(tmp_path)
    call = [sys.executable, str(CHECKOUT / "jobs" / "run.py"), "--config", str(lake.config)]
    good = subprocess.run([*call, "-s", "bronze.*"], capture_output=True, text=True, timeout=60)
    wrong = subprocess.run([*call, "-s", "bronze.harbour"], capture_output=True, text=True, timeout=60)
    assert (good.returncode, wrong.returncode) == (0, 2)
    assert "nothing was due" in good.stdout
    assert "bronze.harbor_claims" in wrong.stderr


def test_ctrl_c_ends_with_a_sentence_and_3(tmp_path: Path) -> None:
    lake = lake_folder(tmp_path)
    script = f"""
import os, signal
import lakehouse.settings
from lakehouse.cli import main
lakehouse.settings.load_settings = lambda *places: os.kill(os.getpid(), signal.SIGINT)
main(["--config", {str(lake.config)!r}, "run"])
"""
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert ended.returncode == 3
    assert ended.stderr.startswith("stopped by Ctrl-C: ")
    assert ended.stderr.count("\n") == 1


def everything_written(lake: LakeFolder) -> str:
    """All logs and run records of a lake."""
    return "\n".join(path.read_text() for path in lake.lake.rglob("*.json"))


@pytest.mark.spark
def test_no_value_of_a_row_leaves_the_lake(
    spark: SparkSession, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lake = lake_folder(tmp_path)
    good = "C1,M1,Aetna,professional,2026-01-02,100.00,2026-01-05T08:00:00Z,1"
    bad = f"C2,{PHI},Aetna,professional,2026-01-02,{BAD_AMOUNT},2026-01-05T08:00:00Z,2".replace(
        BAD_AMOUNT, f'"{BAD_AMOUNT}"'
    )
    lake.deliver("claims", "claims-2026-01-05.csv", CLAIMS_HEADER, good, bad)
    selected = ("-s", "+silver.claim", "--logical-date", "2026-01-05")
    run = lake.call("run", *selected)
    again = lake.call("run", *selected)
    assert (run.exit_code, again.exit_code) == (0, 0)
    assert "outcome=built" in run.stdout
    assert "inserted=1" in run.stdout
    assert "quarantined=1" in run.stdout
    assert "nothing was due" in again.stdout
    full = lake.call("run", *selected, "--full-refresh", "--output", "json")
    document = json.loads(full.stdout)
    claim = next(t for t in document["tables"] if t["table"] == "silver.claim")
    assert claim["outcome"] == "marked"
    assert {c["name"]: c["failed"] for c in claim["checks"]}["parseable"] == 1
    assert document["set_aside"] == {"silver.claim": 1}
    checked = lake.call("check", "--full", "-s", "bronze.harbor_claims", "-s", "silver.claim", "--output", "json")
    assert checked.exit_code == 0
    rules = {c["name"]: (c["failed"], c["total"]) for t in json.loads(checked.stdout)["tables"] for c in t["checks"]}
    assert rules["key_unique"] == (0, 1)
    assert rules["deliveries_complete"] == (0, 1)
    assert rules["rows_as_committed"] == (0, 1)
    assert (rules["bronze_rows_accounted_for"], rules["quarantine_accounts_for_all"]) == ((0, 2), (0, 1))
    owned = lake.call("quarantine", "assign", "silver.claim", "--owner", "claims desk")
    shown = lake.call("quarantine", "show", "silver.claim")
    assert "claims desk" in shown.stdout
    discarded = lake.json("quarantine", "discard", "silver.claim", "--reason", "a test", "--row", "2")
    assert (owned.exit_code, discarded["discarded"]) == (0, 1)
    stands = lake.call("quarantine", "show", "silver.claim", "--status", "all")
    explained = lake.call("audit", "duplicates", "silver.claim")
    assert "silver.claim: 1 acceptable rows of 1 keys; 0 have more than one" in explained.stdout
    answers = (run, again, full, checked, owned, shown, stands, explained)
    printed = "".join(capfd.readouterr()) + "".join(a.output for a in answers)
    for value in (PHI, BAD_AMOUNT):
        assert value not in printed
        assert value not in everything_written(lake)


@pytest.mark.spark
def test_check_finds_a_key_that_stands_twice_and_a_delivery_that_is_not_whole(
    spark: SparkSession, tmp_path: Path
) -> None:
    lake = lake_folder(tmp_path)
    line = "C1,M1,Aetna,professional,2026-01-02,100.00,2026-01-05T08:00:00Z,1"
    lake.deliver("claims", "claims-2026-01-05.csv", CLAIMS_HEADER, line)
    assert lake.call("run", "-s", "+silver.claim").exit_code == 0
    for table in ("bronze/harbor_claims", "silver/claim"):
        path = str(lake.lake / table)
        spark.read.format("delta").load(path).write.format("delta").mode("append").save(path)
    answer = lake.call("check", "--full", "-s", "bronze.harbor_claims", "-s", "silver.claim")
    assert answer.exit_code == 1
    broken = {line for line in answer.stdout.splitlines() if line.startswith("broken: ")}
    assert broken == {
        "broken: bronze.harbor_claims.deliveries_complete",
        "broken: silver.claim.key_unique",
        "broken: silver.claim.rows_as_committed",
    }


def test_the_demo_leaves_a_folder_alone_that_is_not_its_own(tmp_path: Path) -> None:
    lake = lake_folder(tmp_path)
    own = tmp_path / "own"
    own.mkdir()
    (own / "letter.txt").write_text("keep me")
    answer = lake.call("demo", "--lake", str(own))
    assert answer.exit_code == 2
    assert "left alone" in answer.stderr
    assert (own / "letter.txt").read_text() == "keep me"


def test_the_demo_leaves_its_own_lake_alone_once_another_network_is_in_it(tmp_path: Path) -> None:
    lake = lake_folder(tmp_path)
    own = tmp_path / "own"
    (own / "bronze" / "lakeside_claims").mkdir(parents=True)
    (own / DEMO_MARKER).touch()
    answer = lake.call("demo", "--lake", str(own))
    assert answer.exit_code == 2
    assert "lakeside_claims" in answer.stderr
    assert (own / "bronze" / "lakeside_claims").is_dir()


def test_revenue_is_added_up_per_payer_over_months_and_a_missing_amount_is_nothing() -> None:
    month = {"payer_code": "AETNA", "claim_count": 2, "paid_amount": Decimal("1.10"), "allowed_amount": None}
    other = {**month, "paid_amount": Decimal("2.20"), "allowed_amount": Decimal("3.00")}
    zero = dict.fromkeys(REVENUE_AMOUNTS, Decimal(0))
    totals = by_payer([zero | month, zero | other])
    assert list(totals) == ["AETNA"]
    assert totals["AETNA"]["paid_amount"] == Decimal("3.30")
    assert totals["AETNA"]["allowed_amount"] == Decimal("3.00")
    assert totals["AETNA"]["claim_count"] == 4
