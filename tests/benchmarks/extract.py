"""Rows out of PostgreSQL over ODBC into Bronze: this package against the loop that most hand-written jobs are.

Both read the same table with the same driver and write the same columns as text to a Delta table, in a process of their
own each, so that the peak of its memory is its own. Each does all of it once before it is timed, for the JVM compiles
as it goes. The loop is pyodbc's `fetchmany`, `createDataFrame` with a schema, append. The package's time includes its
probes, staging, hashes, lineage and proofs.

    python tests/benchmarks/extract.py [--rows 1000000] [--runs 1] [--batch 10000]
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

from _measure import print_json, print_table, spread

sys.path.insert(0, str(Path(__file__).parents[1]))

NETWORK, TABLE = "meridian", "bronze.meridian_payments"
CONNECTION = "BENCHMARK_CONNECTION"
FILL = """
INSERT INTO dbo."Payments" ("PaymentID", "RemittanceID", "PaymentLevel", "PaymentKind", "PayerSequence", "ClaimID",
    "LineID", "PayerName", "RemitStatusCode", "RemitDate", "TraceNumber", "BilledAmount", "AllowedAmount", "PaidAmount",
    "PatientResponsibilityAmount", "ModifiedDate")
SELECT 'P' || n, 'R' || (n / 3), 'line', 'payer', 1, 'C' || (n / 3), (n % 3)::text, 'Payer ' || (n % 40), '1',
    DATE '2025-01-01' + (n % 365), 'T' || (n / 50), n % 90000 / 100.0, n % 70000 / 100.0, n % 60000 / 100.0,
    n % 10000 / 100.0, TIMESTAMP '2025-06-01' + n * INTERVAL '1 second'
FROM generate_series({first}, {last}) AS n
"""


def main() -> None:
    """Fill a table, time both, print the ratio."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--runs", type=int, default=1)
    arguments.add_argument("--batch", type=int, default=10_000, help="rows of one fetchmany of the loop")
    arguments.add_argument("--one", choices=("loop", "lakehouse"))
    asked = arguments.parse_args()
    if asked.one:
        print(json.dumps(by_loop(asked.batch) if asked.one == "loop" else by_lakehouse()))
        return
    from servers.postgres import Postgres, missing

    if missing():
        sys.exit(f"this benchmark needs PostgreSQL: {missing()}")
    with Postgres() as server, tempfile.TemporaryDirectory() as folder:
        database = fill(server, asked.rows)
        taken: dict[str, list[dict[str, float]]] = {"loop": [], "lakehouse": []}
        for number in range(asked.runs):
            for one in taken:
                taken[one].append(
                    child(one, Path(folder) / f"{one}_{number}", server.connection_string(database), asked.batch)
                )
    rows = [
        (
            one,
            spread([t["seconds"] for t in found]),
            f"{asked.rows / min(t['seconds'] for t in found):,.0f}",
            f"{max(t['python_mb'] for t in found):,.0f}",
            f"{max(t['jvm_mb'] for t in found):,.0f}",
        )
        for one, found in taken.items()
    ]
    print_table(("", "seconds, warm", "rows/s", "peak MB, Python", "peak MB, JVM"), rows)
    ratio = min(t["seconds"] for t in taken["loop"]) / min(t["seconds"] for t in taken["lakehouse"])
    print(f"lakehouse is {ratio:.1f} times as fast as the loop")
    print_json(
        {"benchmark": "extract", "rows": asked.rows, "batch": asked.batch, "taken": taken, "ratio": round(ratio, 2)}
    )


def fill(server: object, rows: int) -> str:
    """A database with the adapter's tables and so many payments, in transactions of 100,000."""
    database: str = server.fresh_database()  # type: ignore[attr-defined]
    tables = (files("lakehouse.bronze.sqlserver") / "ddl" / "postgresql.sql").read_text()
    server.execute(tables, database=database)  # type: ignore[attr-defined]
    for first in range(1, rows + 1, 100_000):
        last = min(first + 99_999, rows)
        server.execute(FILL.format(first=first, last=last), database=database)  # type: ignore[attr-defined]
    server.execute("ANALYZE", database=database)  # type: ignore[attr-defined]
    return database


def child(one: str, folder: Path, connection: str, batch: int) -> dict[str, float]:
    """Run one of the two in a process of its own."""
    folder.mkdir(parents=True)
    environment = os.environ | {CONNECTION: connection}
    command = [sys.executable, __file__, "--one", one, "--batch", str(batch)]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    answer: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return answer


def measured(work: Callable[[str], None], jvm: int) -> dict[str, float]:
    """Seconds of the work, and the peaks of memory at its end."""
    work("warm_up")
    began = time.perf_counter()
    work("timed")
    seconds = time.perf_counter() - began
    peak = next(
        line.split()[1] for line in Path(f"/proc/{jvm}/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"seconds": round(seconds, 2), "python_mb": round(own / 1024), "jvm_mb": round(int(peak) / 1024)}


def started() -> tuple[object, int]:
    """A session like a small cluster's driver, and its JVM."""
    from lakehouse.settings import SparkSettings
    from lakehouse.storage.session import start_session

    session = start_session(SparkSettings(master="local[2]", driver_memory="2g", class_archive=True), "extract")
    session.range(10).count()
    return session, session.sparkContext._gateway.proc.pid  # type: ignore[union-attr]


def by_loop(batch: int) -> dict[str, float]:
    """The loop that most hand-written jobs are."""
    import pyodbc
    from pyspark.sql import types as T

    session, jvm = started()

    def work(name: str) -> None:
        connection = pyodbc.connect(os.environ[CONNECTION])
        cursor = connection.cursor()
        cursor.execute('SELECT * FROM dbo."Payments"')
        schema = T.StructType([T.StructField(c[0], T.StringType()) for c in cursor.description])
        while rows := cursor.fetchmany(batch):
            texts = [tuple(None if v is None else str(v) for v in row) for row in rows]
            frame = session.createDataFrame(texts, schema)  # type: ignore[attr-defined]
            frame.write.format("delta").mode("append").save(f"{name}_payments")
        connection.close()

    return measured(work, jvm)


def by_lakehouse() -> dict[str, float]:
    """One run of the Bronze table, first load."""
    from lakehouse.engine.run import Run
    from lakehouse.engine.work import Request
    from lakehouse.settings import LakeSettings, Settings
    from lakehouse.settings_networks import NetworkSettings, SqlSettings
    from lakehouse.spec.registry import Registry

    session, jvm = started()
    sql = SqlSettings(dbms="postgresql", parallel_reads=2, split_rows=100_000)
    network = NetworkSettings(adapter="sqlserver", connection=f"env:{CONNECTION}", sql=sql)

    def work(name: str) -> None:
        settings = Settings(env="benchmark", lake=LakeSettings(root=name), networks={NETWORK: network})
        registry = Registry.discover(settings.networks)
        request = Request("extract", date(2026, 1, 1), datetime.now(UTC))
        with Run(settings, registry, request, lambda: session) as run:  # type: ignore[arg-type, return-value]
            report = run.execute([TABLE])
        if report.exit_code:
            sys.exit(str([o.error for o in report.failed]))

    return measured(work, jvm)


if __name__ == "__main__":
    main()
