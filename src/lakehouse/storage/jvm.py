"""The Java process of a local session: which Java, which jars, from which archive of classes, and what it may print."""

import contextlib
import hashlib
import os
import re
import shutil
import sys
import tempfile
import threading
from importlib.metadata import version
from pathlib import Path

import pyspark

from lakehouse.errors import LakehouseError

LEAST_JAVA = 17
# Spark asks for this module and every start says so; it is no news to anyone.
EXPECTED_LINE = b"WARNING: Using incubator modules: jdk.incubator.vector"

# Errors only. A failed task is not logged at all: its exception reaches Python anyway, and its text quotes the value
# that failed, which may be PHI. The gateway is named because its level becomes everyone's; unset, that would be WARN.
LOG_SETTINGS = """\
status = off
appender.console.type = Console
appender.console.name = console
appender.console.target = SYSTEM_ERR
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{yyyy-MM-dd HH:mm:ss} %p %c{1}: %m%n%ex{short}
rootLogger.level = error
rootLogger.appenderRef.console.ref = console
logger.gateway.name = org.apache.spark.api.python.PythonGatewayServer
logger.gateway.level = error
logger.executor.name = org.apache.spark.executor.Executor
logger.executor.level = off
logger.tasks.name = org.apache.spark.scheduler.TaskSetManager
logger.tasks.level = off
logger.writer.name = org.apache.spark.sql.execution.datasources
logger.writer.level = off
logger.commands.name = org.apache.spark.sql.delta.commands
logger.commands.level = off
logger.cleanup.name = org.apache.spark.util.Utils
logger.cleanup.level = off
"""


def find_java() -> Path:
    """The `java` that Spark will use, with links followed.

    Raises:
        LakehouseError: none in JAVA_HOME or on the PATH, or one older than 17.
    """
    home = os.environ.get("JAVA_HOME")
    found = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if found is None or not os.access(found, os.X_OK):
        where = f"in JAVA_HOME ({home})" if home else "on the PATH"
        raise LakehouseError(
            f"Java {LEAST_JAVA} was not found {where}; Spark needs it. Install openjdk-17-jre-headless or set JAVA_HOME"
        )
    java = Path(found).resolve()
    major = re.search(r'^JAVA_VERSION="(?:1\.)?(\d+)', release_of(java), re.MULTILINE)
    if major and int(major[1]) < LEAST_JAVA:
        raise LakehouseError(
            f"Java {LEAST_JAVA} was not found; {java} is Java {major[1]}. "
            "Install openjdk-17-jre-headless or set JAVA_HOME"
        )
    return java


def release_of(java: Path) -> str:
    """Text of the `release` file of a Java installation; empty where it has none."""
    try:
        return (java.parents[1] / "release").read_text(encoding="utf-8")
    except OSError:
        return ""


def driver_jars(jars_folder: str | None) -> list[Path]:
    """The jars of `jars_folder` (None: `jars` in the running Python environment), sorted by name, as absolute paths.

    Raises:
        LakehouseError: no such folder, or no Delta jar in it.
    """
    folder = _jars_folder(jars_folder)
    jars = sorted(folder.resolve().glob("*.jar"))
    if not any(jar.name.startswith("delta-spark") for jar in jars):
        raise LakehouseError(
            f"no Delta jars in {folder}: expected delta-spark and delta-storage, found {len(jars)} jars. "
            "Run `make setup`, or set spark.jars_folder"
        )
    return jars


def s3_jars(jars_folder: str | None) -> list[Path]:
    """The jars of the folder `s3` beside those of `driver_jars`, for a session whose lake is on S3.

    They are apart because every jar costs every start, and they are in no archive of classes.

    Raises:
        LakehouseError: no such folder, or not Hadoop's client of S3 in it.
    """
    folder = _jars_folder(jars_folder) / "s3"
    jars = sorted(folder.resolve().glob("*.jar"))
    if not any(jar.name.startswith("hadoop-aws") for jar in jars):
        raise LakehouseError(
            f"no jars for S3 in {folder}: expected hadoop-aws and AWS's SDK, found {len(jars)} jars. "
            "Run `make setup`, or put them beside the jars in spark.jars_folder"
        )
    return jars


def _jars_folder(given: str | None) -> Path:
    return Path(sys.prefix) / "jars" if given is None else Path(given)


def java_options(quick_compile: bool, archive: Path | None) -> list[str]:
    """Options of the driver's JVM.

    Args:
        quick_compile: leave out the optimising compiler and the parallel collector: little data needs neither.
        archive: of classes to start from; one that does not fit is passed over without a word.
    """
    options = ["-Duser.timezone=UTC", f"-Dlog4j2.configurationFile={_log_settings_file().as_uri()}"]
    if quick_compile:
        # Without the second option the code cache shrinks to 48 MB, fills up, and compilation stops.
        options += ["-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=256m", "-XX:+UseSerialGC"]
    if archive is not None and archive.is_file():
        options += [f"-XX:SharedArchiveFile={archive}", "-Xshare:auto", *quiet_java()]
    return options


def quiet_java() -> list[str]:
    """Options that keep the JVM's own warnings, which it would print to standard output, to itself."""
    return ["-Xlog:disable", "-Xlog:all=error:stderr"]


def archive_file(java: Path, jars: list[Path]) -> Path:
    """Where the archive of loaded classes of this Java, this pyspark and these jars is, or would be.

    The JVM refuses an archive after any change of its class path, so the name holds a digest of all of that.
    """
    spark_jars = Path(pyspark.__file__).parent / "jars"
    parts = [str(java), release_of(java), version("pyspark"), str(spark_jars), str(spark_jars.stat().st_mtime_ns)]
    parts += [f"{jar} {jar.stat().st_size} {jar.stat().st_mtime_ns}" for jar in jars]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return cache_folder() / f"classes-{digest}.jsa"


def cache_folder() -> Path:
    """`lakehouse` below XDG_CACHE_HOME or `~/.cache`: things that can be made again."""
    configured = os.environ.get("XDG_CACHE_HOME")
    return (Path(configured) if configured else Path.home() / ".cache").absolute() / "lakehouse"


def quiet_stderr() -> int:
    """Write end of a pipe to standard error of this process that drops the one line every start of Spark prints.

    Give it to the JVM and close it here; what the JVM writes is passed on until it ends.
    """
    reading, writing = os.pipe()
    threading.Thread(target=_forward, args=(reading,), name="jvm-stderr", daemon=True).start()
    return writing


def _forward(reading: int) -> None:
    with os.fdopen(reading, "rb") as lines:
        for line in lines:
            if line.strip() != EXPECTED_LINE:
                with contextlib.suppress(OSError):
                    os.write(2, line)


def _log_settings_file() -> Path:
    """Written where it can be: the package itself may lie in an archive, where Java cannot read it."""
    name = f"log4j2-{hashlib.sha256(LOG_SETTINGS.encode()).hexdigest()[:16]}.properties"
    file = cache_folder() / name
    if file.is_file():
        return file
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f".{name}.{os.getpid()}")
        draft.write_text(LOG_SETTINGS, encoding="utf-8")
        draft.replace(file)
    except OSError:
        file = Path(tempfile.mkdtemp(prefix="lakehouse-")) / name
        file.write_text(LOG_SETTINGS, encoding="utf-8")
    return file
