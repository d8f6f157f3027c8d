"""The Spark session: what it guarantees, that it starts quietly, and what it says when it cannot start."""

import datetime
import os
import subprocess
import sys
from pathlib import Path

import pyspark
import pytest
from delta.tables import DeltaTable
from pyspark.errors import NumberFormatException
from pyspark.sql import SparkSession

from lakehouse.errors import LakehouseError
from lakehouse.settings import SparkSettings, load_settings
from lakehouse.storage.jvm import archive_file, driver_jars, find_java, java_options, s3_jars
from lakehouse.storage.session import LOCAL_CONF, SESSION_CONF, make_class_archive, session_conf, start_session

CHECKOUT = Path(__file__).parents[2]


def properties(file: Path) -> dict[str, str]:
    """Settings of a file in Spark's own form: name, blanks, value."""
    lines = (line.strip() for line in file.read_text().splitlines())
    pairs = [line.split(None, 1) for line in lines if line and not line.startswith("#")]
    return {pair[0]: pair[1] for pair in pairs}


def test_a_delta_table_is_created_merged_and_read(spark: SparkSession, tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    spark.createDataFrame([("a", 1), ("b", 2)], "id string, units int").write.format("delta").save(path)
    changes = spark.createDataFrame([("b", 3), ("c", None)], "id string, units int")
    merge = DeltaTable.forPath(spark, path).alias("t").merge(changes.alias("s"), "t.id = s.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    rows = spark.read.format("delta").load(path).orderBy("id").collect()
    assert [tuple(row) for row in rows] == [("a", 1), ("b", 3), ("c", None)]


def test_an_instant_is_utc_on_both_sides(spark: SparkSession) -> None:
    noon = datetime.datetime(2024, 7, 1, 12)
    frame = spark.createDataFrame([(noon,)], "at timestamp")
    assert frame.selectExpr("CAST(unix_seconds(at) AS INT)", "at").first() == (1719835200, noon)
    (zone,) = spark.sql("SELECT java_method('java.util.TimeZone', 'getDefault')").collect()
    assert 'id="UTC"' in zone[0]


def test_bad_text_is_an_error_and_its_value_is_not_printed(
    spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(NumberFormatException):
        spark.sql("SELECT CAST(concat('hunter', id) AS INT) FROM range(2)").collect()
    printed = capfd.readouterr()
    assert "hunter" not in printed.out + printed.err


def test_a_flipped_byte_is_an_error_and_not_a_wrong_sum(spark: SparkSession, tmp_path: Path) -> None:
    path = tmp_path / "numbers"
    spark.range(20000).coalesce(1).write.option("compression", "none").parquet(str(path))
    (file,) = path.glob("*.parquet")
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 0xFF
    file.write_bytes(content)
    (path / f".{file.name}.crc").unlink()
    with pytest.raises(Exception, match=r"(?i)checksum|crc"):
        spark.read.parquet(str(path)).selectExpr("sum(id)").collect()


def test_files_are_compressed_with_zstd(spark: SparkSession, tmp_path: Path) -> None:
    spark.range(10).write.format("delta").save(str(tmp_path / "table"))
    assert [file.name for file in (tmp_path / "table").glob("*.parquet")]
    assert all(".zstd." in file.name for file in (tmp_path / "table").glob("*.parquet"))


def test_a_second_start_takes_the_session_that_runs(spark: SparkSession) -> None:
    again = start_session(SparkSettings(master="local[2]"), "again")
    assert again.sparkContext is spark.sparkContext


def test_python_workers_are_this_python(spark: SparkSession) -> None:
    assert os.environ["PYSPARK_PYTHON"] == sys.executable


def test_an_archive_is_not_made_while_a_session_runs(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(LakehouseError, match="in a process without a session"):
        make_class_archive(SparkSettings())


def test_spark_submit_is_given_what_a_session_has() -> None:
    file = properties(CHECKOUT / "conf" / "spark" / "local.conf")
    settings = load_settings("local", conf_dir=CHECKOUT / "conf").spark
    assert {name: value for name, value in file.items() if name in session_conf(settings)} == session_conf(settings)
    rest = {name: value for name, value in file.items() if name not in session_conf(settings)}
    assert rest == {
        "spark.driver.memory": settings.driver_memory,
        "spark.driver.extraJavaOptions": "-Duser.timezone=UTC",
        "spark.log.level": "ERROR",
    }


def test_settings_of_the_user_win_and_a_cluster_is_not_bound_to_one_machine() -> None:
    conf = session_conf(SparkSettings(shuffle_partitions=9, conf={"spark.sql.shuffle.partitions": "7", "spark.x": "y"}))
    assert conf == {
        **SESSION_CONF,
        "spark.databricks.delta.snapshotPartitions": "2",
        "spark.sql.shuffle.partitions": "7",
        "spark.x": "y",
    }
    assert LOCAL_CONF.items() <= session_conf(SparkSettings(master="local[1]")).items()


def test_quick_compile_keeps_room_for_compiled_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    quick = java_options(quick_compile=True, archive=None)
    assert {"-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256m", "-Duser.timezone=UTC"} <= set(quick)
    assert not [option for option in java_options(False, tmp_path / "absent.jsa") if option.startswith("-XX")]
    (tmp_path / "classes.jsa").touch()
    assert f"-XX:SharedArchiveFile={tmp_path}/classes.jsa" in java_options(False, tmp_path / "classes.jsa")


def test_another_jar_is_another_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    jar = tmp_path / "delta-spark.jar"
    jar.write_text("one")
    java = find_java()
    first = archive_file(java, [jar])
    assert first.parent == tmp_path / "cache" / "lakehouse"
    assert archive_file(java, [jar]) == first
    jar.write_text("other")
    assert archive_file(java, [jar]) != first


@pytest.mark.parametrize("jars", [[], ["some.jar"]])
def test_missing_jars_are_fetched_by_set_up(tmp_path: Path, jars: list[str]) -> None:
    for jar in jars:
        (tmp_path / jar).touch()
    with pytest.raises(LakehouseError, match=r"found \d jars\. Run `make setup`"):
        driver_jars(str(tmp_path))
    with pytest.raises(LakehouseError, match="found 0 jars"):
        driver_jars(str(tmp_path / "absent"))


def test_only_a_lake_on_s3_costs_the_jars_of_s3(spark: SparkSession) -> None:
    assert not [jar for jar in spark.conf.get("spark.jars").split(",") if "hadoop-aws" in jar]
    names = [jar.name for jar in s3_jars(None)]
    assert len([name for name in names if name.startswith("hadoop-aws-")]) == 1
    hadoop = next((Path(pyspark.__file__).parent / "jars").glob("hadoop-client-api-*.jar"))
    assert f"hadoop-aws-{hadoop.stem.removeprefix('hadoop-client-api-')}.jar" in names
    assert not {jar.name for jar in driver_jars(None)} & set(names)


def test_missing_jars_for_s3_are_fetched_by_set_up(tmp_path: Path) -> None:
    with pytest.raises(LakehouseError, match=r"no jars for S3 in .*/s3: expected hadoop-aws .* Run `make setup`"):
        s3_jars(str(tmp_path))


def test_no_java_on_an_empty_path_is_a_sentence_and_not_a_trace(tmp_path: Path) -> None:
    code = (
        "from lakehouse.errors import LakehouseError\n"
        "from lakehouse.settings import SparkSettings\n"
        "from lakehouse.storage.session import start_session\n"
        "try:\n    start_session(SparkSettings(master='local[1]'), 'none')\n"
        "except LakehouseError as error:\n    raise SystemExit(str(error))\n"
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("PATH", "JAVA_HOME")}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | {"PATH": ""}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr == (
        "Java 17 was not found on the PATH; Spark needs it. Install openjdk-17-jre-headless or set JAVA_HOME\n"
    )


def test_an_old_java_and_a_wrong_java_home_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(LakehouseError, match="not found in JAVA_HOME"):
        find_java()
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "java").touch(mode=0o755)
    for text, major in (('JAVA_VERSION="11.0.2"', "11"), ('JAVA_VERSION="1.8.0_392"', "8")):
        (tmp_path / "release").write_text(text)
        with pytest.raises(LakehouseError, match=f"is Java {major}\\."):
            find_java()
    for text in ('JAVA_VERSION="17.0.15"', 'JAVA_VERSION="21"', ""):
        (tmp_path / "release").write_text(text)
        assert find_java() == (tmp_path / "bin" / "java").resolve()


def test_a_start_prints_nothing(tmp_path: Path) -> None:
    code = (
        "from lakehouse.settings import SparkSettings\n"
        "from lakehouse.storage.session import start_session, stop_session\n"
        "session = start_session(SparkSettings(driver_memory='1g', class_archive=True, quick_compile=True), 'quiet')\n"
        "session.range(3).write.format('delta').save('table')\n"
        "session.sql('SHOW TABLES').collect()\n"
        "stop_session()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["table"]
