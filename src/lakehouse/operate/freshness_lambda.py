"""Freshness asked from outside of the pipeline: an AWS Lambda handler, so that a scheduler that died is noticed.

It reads Delta logs and run records only, starts no JVM and writes nothing but what it told to whom. Packaged as a
container image, since the package brings Spark's Python library along. Settings are found as on the command line:
`LAKEHOUSE_ENV`, `LAKEHOUSE_CONF_DIR`, `LAKEHOUSE_<SECTION>__<KEY>`.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from lakehouse.engine.record import read_records
from lakehouse.operate.alerts import tell_freshness
from lakehouse.operate.freshness import lake_freshness
from lakehouse.operate.volume import lake_volumes
from lakehouse.settings import load_settings
from lakehouse.spec.registry import Registry
from lakehouse.storage.log import Logs
from lakehouse.storage.store import Store


def handler(event: Mapping[str, object], context: object) -> dict[str, object]:
    """Look at every table and tell the alert targets what began, changed or is over.

    Args:
        event: of the schedule; not looked at.
        context: Lambda's.

    Returns:
        `stale` (tables), `reports` (stale ones), `unusual` (feeds by their volume), `problems` (targets that could not
        be told).

    Raises:
        SettingsError: the settings are wrong; Lambda reports the failed invocation.
    """
    settings = load_settings()
    registry = Registry.discover(settings.networks)
    logs = Logs(Store(settings.lake.root, settings.lake.s3))
    records = read_records(logs.store)
    names, now = list(registry.tables), datetime.now(UTC)
    found = lake_freshness(registry, names, logs, records, now)
    volumes = lake_volumes(registry, names, logs, settings.networks, now)
    problems = tell_freshness(settings.alerts, settings.env, logs.store, found, volumes)
    return {
        "stale": [t.table for t in found.stale],
        "reports": [r.report.name for r in found.reports if r.stale],
        "unusual": [v.table for v in volumes if v.unusual],
        "problems": problems,
    }
