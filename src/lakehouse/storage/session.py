"""The one way to start Spark: what a session must have for the tables to be right, and how it starts fast and quiet.

`python -m lakehouse.storage.session` makes the archive of classes that `SparkSettings.class_archive` starts from.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pyspark
from delta.tables import DeltaTable
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.java_gateway import launch_gateway
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from lakehouse.errors import LakehouseError
from lakehouse.settings import LakeSettings, SparkSettings
from lakehouse.storage.jvm import archive_file, driver_jars, find_java, java_options, quiet_java, quiet_stderr, s3_jars
from lakehouse.storage.s3 import spark_conf

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
# Beside `quick_compile` where a session lives for minutes: then the optimising compiler pays after all, and needs room.
MANY_MINUTES = {JAVA_OPTIONS: "-XX:TieredStopAtLevel=4 -XX:ReservedCodeCacheSize=512m"}
ARCHIVE_SECONDS = 300
VALUE_LOGGERS = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")

# Every session has these, whoever starts its JVM; conf/spark/local.conf repeats them for a bare spark-submit.
SESSION_CONF = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    # One meaning for every instant; bad text is an error and not a null.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # Off by default, and then a flipped byte is read as a wrong sum.
    "spark.hadoop.parquet.page.verify-checksum.enabled": "true",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.hadoop.parquet.compression.codec.zstd.level": "1",
    "spark.sql.adaptive.enabled": "true",
    # A default VACUUM lists with 10,000 tasks and deletes one file at a time.
    "spark.databricks.delta.vacuum.parallelDelete.enabled": "true",
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "16",
    "spark.ui.showConsoleProgress": "false",
}
# A session on one machine: nothing listens on the network, and no page is served. Delta's usual log store starts a
# process, `readlink`, several times a commit. Both rename a whole file into place, and refuse to replace one.
LOCAL_CONF = {
    "spark.delta.logStore.file.impl": "io.delta.storage.LocalLogStore",
    "spark.ui.enabled": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
}

# Where we start the JVM ourselves its client of S3 asks AWS's whole chain, profiles included, as the other clients do.
LOCAL_S3_CONF = {
    "spark.hadoop.fs.s3a.aws.credentials.provider": (
        "software.amazon.awssdk.auth.credentials.DefaultCredentialsProvider"
    ),
}

# Without generated code, plan texts, notes of the Python line that made each column, plans changed midway and pages of
# many megabytes, a query on little data starts sooner: a third of a small run's time.
QUICK_CONF = {
    "spark.sql.adaptive.enabled": "false",
    "spark.python.sql.dataFrameDebugging.enabled": "false",
    "spark.buffer.pageSize": "1m",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.maxPlanStringLength": "1000",
}


def start_session(settings: SparkSettings, app_name: str, lake: LakeSettings | None = None) -> SparkSession:
    """Start Spark, or take the session that runs in this process and give it these settings.

    The time zone of this process becomes UTC as well: pyspark reads and writes naive Python datetimes in it. Two of
    pyspark's loggers are switched off: they print every failed query with the value that failed, which may be PHI.

    Args:
        settings: sizes, jars and switches. Under spark-submit the JVM runs already, with the memory, options and jars
            that spark-submit was given.
        app_name: name of the application in Spark's logs and pages.
        lake: what the session will work on. Only a session started for a lake on S3 has the jars for S3 and knows how
            to reach it; a session that runs already keeps what it was started with.

    Raises:
        LakehouseError: no Java 17, no Delta jars, no jars for S3 where they are needed, or a JVM that does not start.
    """
    os.environ["TZ"] = "UTC"
    time.tzset()
    for name in VALUE_LOGGERS:
        PySparkLogger.getLogger(name).disabled = True
    s3_conf = spark_conf(lake) if lake else {}
    if _jvm_runs():
        return _session(s3_conf | session_conf(settings) | {"spark.app.name": app_name})
    jars, java = driver_jars(settings.jars_folder), find_java()
    archive = archive_file(java, jars) if settings.class_archive else None
    if lake and lake.is_s3:
        jars += s3_jars(settings.jars_folder)
        s3_conf = LOCAL_S3_CONF | s3_conf
    return _launch(settings, app_name, jars, java_options(settings.quick_compile, archive), s3_conf)


def new_session(root: SparkSession, settings: SparkSettings) -> SparkSession:
    """A session of its own in the application of `root`, with our settings even where a notebook started Spark."""
    child = root.newSession()
    for key, value in session_conf(settings).items():
        if child.conf.isModifiable(key):
            child.conf.set(key, value)
    return child


def stop_session() -> None:
    """Stop the session of this process, if one runs. Its JVM stays for the next one and ends with the process."""
    context = SparkContext._active_spark_context
    if context is not None:
        SparkSession.builder.getOrCreate().stop()


def session_conf(settings: SparkSettings) -> dict[str, str]:
    """Spark settings of a session, those of `settings.conf` last and strongest."""
    conf = dict(SESSION_CONF)
    if settings.master is not None:
        conf["spark.master"] = settings.master
        conf |= LOCAL_CONF if settings.master.startswith("local") else {}
    conf |= QUICK_CONF if settings.quick_compile else {}
    conf["spark.sql.shuffle.partitions"] = str(settings.shuffle_partitions)
    conf["spark.databricks.delta.snapshotPartitions"] = str(settings.snapshot_partitions)
    return conf | {key: value for key, value in settings.conf.items() if key != JAVA_OPTIONS}


def make_class_archive(settings: SparkSettings) -> Path:
    """Make the archive of classes that a session with these jars loads, unless there is one. Takes half a minute.

    Raises:
        LakehouseError: no Java 17, no Delta jars, a session runs in this process, or the JVM wrote no archive.
    """
    jars, java = driver_jars(settings.jars_folder), find_java()
    archive = archive_file(java, jars)
    if archive.is_file():
        return archive
    if _jvm_runs():
        raise LakehouseError("an archive of classes is written when a JVM ends; make it in a process without a session")
    archive.parent.mkdir(parents=True, exist_ok=True)
    draft = archive.with_name(f".{archive.name}.{os.getpid()}")
    try:
        options = [*java_options(settings.quick_compile, None), f"-XX:ArchiveClassesAtExit={draft}", *quiet_java()]
        session = _launch(settings, "class archive", jars, options, {})
        with tempfile.TemporaryDirectory() as folder:
            _use_what_runs_use(session, Path(folder) / "table")
        _end_jvm(session)
        if not draft.is_file():
            raise LakehouseError(f"Java wrote no class archive in {archive.parent}; is there room for 200 MB?")
        draft.replace(archive)
    finally:
        draft.unlink(missing_ok=True)
    return archive


def _jvm_runs() -> bool:
    return SparkContext._gateway is not None or "PYSPARK_GATEWAY_PORT" in os.environ


def _launch(
    settings: SparkSettings, app_name: str, jars: list[Path], options: list[str], s3_conf: Mapping[str, str]
) -> SparkSession:
    """Start a JVM with what it can be given at its start only, then the session in it."""
    local = settings if settings.master else settings.model_copy(update={"master": "local[*]"})
    own_options = settings.conf.get(JAVA_OPTIONS, "")
    conf = {
        "spark.driver.memory": settings.driver_memory,
        "spark.jars": ",".join(str(jar) for jar in jars),
        # Tables have paths and need no warehouse, but SHOW TABLES makes its folder, else in the working directory.
        "spark.sql.warehouse.dir": str(Path(tempfile.gettempdir()) / f"lakehouse-warehouse-{os.getuid()}"),
        **s3_conf,
        **session_conf(local),
        JAVA_OPTIONS: " ".join([*options, own_options]).strip(),
        "spark.app.name": app_name,
    }
    # Another Spark on this machine, and another Python on the PATH, are not the ones that were tested.
    os.environ["SPARK_HOME"] = str(Path(pyspark.__file__).parent)
    os.environ["PYSPARK_PYTHON"] = os.environ["PYSPARK_DRIVER_PYTHON"] = sys.executable
    launch: Callable[[SparkConf, dict[str, int]], object] = launch_gateway
    errors = quiet_stderr()
    try:
        gateway = launch(_spark_conf(conf), {"stderr": errors})
    except PySparkException as error:
        raise LakehouseError(
            f"Spark's JVM did not start with {settings.driver_memory} of memory; what it said stands above. "
            "Check spark.driver_memory and spark.conf"
        ) from error
    finally:
        os.close(errors)
    SparkContext(conf=_spark_conf(conf), gateway=gateway)
    return _session(conf)


def _spark_conf(conf: dict[str, str]) -> SparkConf:
    return SparkConf(loadDefaults=False).setAll(list(conf.items()))


def _session(conf: dict[str, str]) -> SparkSession:
    return SparkSession.builder.config(map=dict(conf)).getOrCreate()


def _use_what_runs_use(session: SparkSession, folder: Path) -> None:
    """Load the classes of a usual run: create, append, merge with deletion vectors, aggregate, read, history."""
    path = str(folder)
    rows = session.range(100).selectExpr("id", "CAST(id AS STRING) AS name", "CAST(id % 3 AS INT) AS part")
    rows.write.format("delta").partitionBy("part").option("delta.enableDeletionVectors", "true").save(path)
    rows.selectExpr("id + 100 AS id", "name", "part").write.format("delta").mode("append").save(path)
    changes = rows.selectExpr("id + 50 AS id", "name", "CAST(id % 3 AS INT) AS part")
    table = DeltaTable.forPath(session, path)
    merge = table.alias("t").merge(changes.alias("s"), "t.id = s.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()
    session.read.format("delta").load(path).groupBy("part").count().join(rows, "part").collect()
    table.history(1).collect()


def _end_jvm(session: SparkSession) -> None:
    """Stop the session and wait until its JVM has ended: only then is the archive complete."""
    gateway = session.sparkContext._gateway
    session.stop()
    if gateway is not None:
        gateway.proc.stdin.close()
        gateway.proc.wait(timeout=ARCHIVE_SECONDS)


if __name__ == "__main__":
    made = make_class_archive(SparkSettings(master="local[2]", driver_memory="1g", quick_compile=True))
    sys.stdout.write(f"class archive: {made}\n")
