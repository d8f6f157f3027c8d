"""Commits to one table on S3 that go wrong on the way: `s3_commits.py lost|late ENDPOINT REGION BUCKET`.

A process of its own, since a JVM gets the jars for S3 only at its start. Prints what came of it as JSON.
"""

import json
import re
import sys
import threading
import time

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from lakehouse.settings import LakeSettings, S3Settings, SparkSettings
from lakehouse.spec.field import Field
from lakehouse.storage.lake import Lake, Layout, MergeShape
from lakehouse.storage.notes import CommitNote, TableState
from lakehouse.storage.session import start_session
from servers.s3_proxy import Answer, S3Proxy

TABLE = "silver.claim"
LAYOUT = Layout(TABLE, (Field("id", T.LongType(), "id"), Field("name", T.StringType(), "name")), merge_on_read=True)
# More than the client has tries, so that it gives up: its own repetition would hide the loss.
LOST = [Answer.DROP_AFTER] * 100
FEW_TRIES = {"spark.hadoop.fs.s3a.attempts.maximum": "1", "spark.hadoop.fs.s3a.retry.limit": "1"}
LAST = 12  # Delta writes a checkpoint every ten commits


def note(sequence: int, kind: str, run_id: str = "run-1") -> CommitNote:
    """What a commit says of itself."""
    return CommitNote(run_id, kind, TableState(sequence=sequence))


def rows(session: SparkSession, first: int, end: int) -> DataFrame:
    """Rows `first` to `end`, the latter not included."""
    return session.range(first, end).withColumn("name", F.lit(f"from {first}"))


def lost_answers(session: SparkSession, lake: Lake) -> dict[str, object]:
    """A commit of each kind without an answer, then more of them with one."""
    lake.ensure(session, LAYOUT)
    changes = rows(session, 5, 15).withColumn("_is_removal", F.col("id") == 5)
    versions = [
        lake.append(session, TABLE, rows(session, 0, 10), note(1, "append")),
        lake.merge(session.newSession(), TABLE, changes, MergeShape(("id",)), note(2, "merge")),
        lake.replace(session, TABLE, rows(session, 20, 23), None, note(3, "replace")),
        lake.mark(session, TABLE, note(4, "marker")),
    ]
    for number in range(5, LAST + 1):
        versions.append(
            lake.append(session, TABLE, rows(session, number * 100, number * 100 + 1), note(number, "append"))
        )
    return {"versions": versions, "count": lake.read(session, TABLE).count()}


def late_list(session: SparkSession, lake: Lake, proxy: S3Proxy) -> dict[str, object]:
    """A commit by a run that is told of the newest one only when it finds its place taken, after planning it again."""
    newest = f"{LAST:020d}.json"
    proxy.hidden = re.escape(newest)
    known = lake.logs[TABLE].version
    threading.Thread(target=show_once_asked_for, args=(proxy, newest), daemon=True).start()
    try:
        lake.append(session, TABLE, rows(session, 0, 10), note(LAST, "append", "run-2"))
        refused = ""
    except Py4JJavaError as error:
        refused = error.java_exception.getClass().getSimpleName()
    return {"known": known, "refused": refused, "version": lake.logs.forget(TABLE).version}


def show_once_asked_for(proxy: S3Proxy, name: str) -> None:
    """Lists are whole again once the file itself was asked for: the log store looks there before it writes."""
    while not any(request.startswith("HEAD") and request.endswith(name) for request in list(proxy.seen)):
        time.sleep(0.05)
    proxy.hidden = None


def main(mode: str, endpoint: str, region: str, bucket: str) -> None:
    """Do what `mode` says to `s3://<bucket>/lake`."""
    rules = {r"PUT .*/_delta_log/0{19}[1-4]\.json": LOST} if mode == "lost" else {}
    with S3Proxy(endpoint, rules) as proxy:
        s3 = S3Settings(endpoint=proxy.endpoint, region=region, path_style=True)
        lake = Lake(LakeSettings(root=f"s3://{bucket}/lake", s3=s3))
        settings = SparkSettings(
            master="local[2]", driver_memory="1g", class_archive=True, quick_compile=True, conf=FEW_TRIES
        )
        session = start_session(settings, "commits", lake.settings)
        done = lost_answers(session, lake) if mode == "lost" else late_list(session, lake, proxy)
        sys.stdout.write(json.dumps(done | {"dropped": proxy.done[Answer.DROP_AFTER]}) + "\n")
        session.stop()


main(*sys.argv[1:])
