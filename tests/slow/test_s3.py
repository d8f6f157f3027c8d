"""A lake on S3 is the lake in a folder, whatever S3 answers on the way.

The S3 is moto's, through every client we have: Spark's, the log reader's, pyarrow's for small files and drops, boto3's
for leases. What lies in the bucket is copied into a folder and read there without Spark.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from independent_reader import delta_reader
from lakehouse.demo.harbor import DemoSpec, write_deliveries
from lakehouse.settings import S3Settings
from servers.moto import REGION, Moto
from servers.s3_proxy import Answer, S3Proxy
from slow.children import (
    HARBOR,
    ONE_OF_EACH_KIND,
    Place,
    Rows,
    assert_same,
    bronze_places,
    finish,
    kill_group,
    run_here,
    start,
    tables,
)

pytestmark = [pytest.mark.slow, pytest.mark.spark, pytest.mark.timeout(3600)]

SPEC = DemoSpec(claims_per_day=20, days=2)
LOGICAL_DATE = "2026-01-07"
MADE = {f"bronze.harbor_{f}" for f in ("claims", "claim_lines", "payments")} | {
    f"silver.{t}" for t in ("claim", "claim_line", "payment", "remittance", "held_payment")
}
COMMITS = Path(__file__).with_name("s3_commits.py")


@dataclass(frozen=True)
class S3Place(Place):
    """A lake in a bucket; its copy lies where a lake in a folder would.

    Attributes:
        bucket: the lake is below `lake` in it.
        s3: how it is reached.
        conf: Spark settings.
    """

    bucket: str = ""
    s3: S3Settings | None = None
    conf: str = "{}"

    def config(self) -> Path:
        """Settings file of the lake."""
        assert self.s3 is not None
        file = super().config()
        s3 = f's3 = {{ endpoint = "{self.s3.endpoint}", region = "{self.s3.region}", path_style = true }}'
        text = file.read_text().replace(f'root = "{self.lake}"', f'root = "s3://{self.bucket}/lake"\n{s3}')
        file.write_text(text.replace("[spark]\n", f"[spark]\nconf = {self.conf}\n"))
        return file


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo network's files."""
    folder = tmp_path_factory.mktemp("drop")
    write_deliveries(SPEC, folder)
    return folder


@pytest.fixture(scope="module")
def local(spark: SparkSession, drop: Path, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """The lake in a folder that the others are compared with."""
    place = Place(tmp_path_factory.mktemp("local"), HARBOR.format(root=drop))
    run_here(spark, place, LOGICAL_DATE)
    return place


@pytest.fixture(scope="module")
def expected(local: Place) -> Mapping[str, Rows]:
    """Its rows."""
    found = tables(local)
    assert sum(found["gold.revenue_by_payer"].values()) > 0
    assert any(name.endswith("__quarantine") and rows for name, rows in found.items())
    return found


def commits(place: Place) -> Mapping[str, int]:
    """Commits of every table but those of the run records."""
    logs = (log for log in place.lake.glob("*/*/_delta_log") if log.parent.parent.name != "ops")
    return {"/".join(log.parent.parts[-2:]): len(list(log.glob("*.json"))) for log in logs}


def test_a_lake_and_drops_on_s3_give_the_tables_of_folders(
    moto: Moto, drop: Path, local: Place, expected: Mapping[str, Rows], tmp_path: Path
) -> None:
    bucket = moto.fresh_bucket()
    for file in sorted(path for path in drop.rglob("*") if path.is_file()):
        moto.client().upload_file(str(file), bucket, f"drops/{file.relative_to(drop)}")
    place = S3Place(tmp_path / "s3", HARBOR.format(root=f"s3://{bucket}/drops"), bucket=bucket, s3=moto.s3)
    child = start(place, LOGICAL_DATE)
    try:
        until = time.monotonic() + 60
        while not moto.keys(bucket, "lake/_leases/core/") and time.monotonic() < until:
            time.sleep(0.05)
        second = S3Place(tmp_path / "second", place.networks, bucket=bucket, s3=moto.s3)
        code, _ = finish(second, LOGICAL_DATE)
        assert (code, child.poll()) == (3, None)
        assert "lease bronze:harbor: held by" in second.said
        assert child.wait(900) == 0, place.said
    finally:
        kill_group(child)
    moto.download(bucket, place.folder)
    assert_same(tables(place), expected, place.said)
    assert commits(place) == commits(local)

    before = moto.keys(bucket, "lake/silver")
    code, _ = finish(second, LOGICAL_DATE)
    assert code == 0, second.said
    assert "nothing was due" in second.said
    assert moto.keys(bucket, "lake/silver") == before
    assert [key for key in before if key.endswith(".tmp")] == []


def assert_same_part(place: Place, expected: Mapping[str, Rows]) -> None:
    """The lake holds what `ONE_OF_EACH_KIND` builds, as `expected` does."""
    found = tables(place)
    assert found.keys() >= MADE
    assert_same(found, {name: expected[name] for name in found}, place.said)


def test_busy_servers_broken_connections_and_lost_answers_change_nothing(
    moto: Moto, drop: Path, local: Place, expected: Mapping[str, Rows], tmp_path: Path
) -> None:
    odds = {Answer.SLOW_DOWN: 0.03, Answer.RESET: 0.02, Answer.DROP_AFTER: 0.02}
    rules = {r"PUT .*/_delta_log/\d{20}\.json": [Answer.DROP_AFTER] * 20}
    with S3Proxy(moto.endpoint, rules, odds=odds, seed=7) as proxy:
        bucket = moto.fresh_bucket()
        s3 = proxy.settings(moto.s3)
        network = HARBOR.format(root=drop)
        place = S3Place(tmp_path / "s3", network, options=ONE_OF_EACH_KIND, bucket=bucket, s3=s3)
        code, _ = finish(place, LOGICAL_DATE)
        assert code == 0, place.said
        assert all(proxy.done[answer] > 5 for answer in odds), proxy.done
    moto.download(bucket, place.folder)
    assert_same_part(place, expected)
    assert commits(place).items() <= commits(local).items()


def test_commits_that_were_never_answered_are_made_once_or_made_by_the_next_run(
    moto: Moto, drop: Path, local: Place, expected: Mapping[str, Rows], tmp_path: Path
) -> None:
    always = [Answer.DROP_AFTER] * 1000
    rules = {
        r"PUT .*/bronze/harbor_claims/_delta_log/0{20}\.json": always[:100],  # the commit that creates the table
        r"PUT .*/(bronze|silver|gold)/\w+/_delta_log/0{19}1\.json": always,  # the one with the rows
    }
    few_tries = '{ "spark.hadoop.fs.s3a.attempts.maximum" = "1", "spark.hadoop.fs.s3a.retry.limit" = "1" }'
    with S3Proxy(moto.endpoint, rules) as proxy:
        bucket = moto.fresh_bucket()
        s3 = proxy.settings(moto.s3)
        network = HARBOR.format(root=drop)
        place = S3Place(tmp_path / "s3", network, options=ONE_OF_EACH_KIND, bucket=bucket, s3=s3, conf=few_tries)
        code, _ = finish(place, LOGICAL_DATE)
        assert code == 3, place.said
        assert "table=bronze.harbor_claims outcome=failed" in place.said
        assert place.said.count("outcome=failed") == 1, place.said
        code, _ = finish(place, LOGICAL_DATE)
        assert code == 0, place.said
        assert proxy.done[Answer.DROP_AFTER] > 3 * len(MADE)
    moto.download(bucket, place.folder)
    assert_same_part(place, expected)
    assert max(bronze_places(place).values()) == 1
    assert commits(place).items() <= commits(local).items()


def commit_badly(moto: Moto, mode: str, bucket: str) -> dict[str, object]:
    """What `s3_commits.py` says."""
    tests = Path(__file__).parents[1]
    paths = os.pathsep.join([str(tests.parent / "src"), str(tests)])
    command = [sys.executable, str(COMMITS), mode, moto.endpoint, REGION, bucket]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": paths}, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


def test_a_commit_of_each_kind_is_known_again_and_a_late_list_doubles_none(moto: Moto, tmp_path: Path) -> None:
    bucket = moto.fresh_bucket()
    done = commit_badly(moto, "lost", bucket)
    assert done["versions"] == list(range(1, 13))
    assert done["count"] == 3 + 8
    assert int(str(done["dropped"])) >= 4 * 2
    log = [key.rpartition("/")[2] for key in moto.keys(bucket, "lake/silver/claim/_delta_log/")]
    assert f"{10:020d}.checkpoint.parquet" in log
    assert len([name for name in log if name.endswith(".json")]) == 13

    late = commit_badly(moto, "late", bucket)
    assert (late["known"], late["version"]) == (11, 12)
    assert late["refused"] == "ConcurrentTransactionException"
    moto.download(bucket, tmp_path)
    source = f"delta_scan('{tmp_path / 'lake' / 'silver' / 'claim'}')"
    ids = delta_reader().sql(f"SELECT id FROM {source} ORDER BY id").fetchall()
    assert [row[0] for row in ids] == [20, 21, 22, *range(500, 1300, 100)]
