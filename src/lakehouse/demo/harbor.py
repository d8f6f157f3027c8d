"""A made-up provider network, `harbor`: daily files for the `standard` adapter, and the answers a correct lake gives.

Nobody in it exists. The same specification always gives the same bytes, and a delivery does not depend on which
other days are asked for.
"""

from collections.abc import Iterable
from pathlib import Path

from lakehouse.demo.answers import NETWORK, AnswerKey, QuarantinedRow, answer_key
from lakehouse.demo.deliveries import FEEDS, file_bytes, file_name
from lakehouse.demo.directory import PAYER_NAMES
from lakehouse.demo.revenue import RevenueRow
from lakehouse.demo.script import DemoSpec, rows_by_delivery

__all__ = [
    "NETWORK",
    "PAYER_NAMES",
    "AnswerKey",
    "DemoSpec",
    "QuarantinedRow",
    "RevenueRow",
    "answer_key",
    "write_deliveries",
]


def write_deliveries(spec: DemoSpec, root: Path, days: Iterable[int] | None = None) -> list[Path]:
    """Write the daily files below `root`, one folder per feed, one file per feed and day.

    Args:
        spec: what to generate.
        root: root folder of the network's drop; made when missing. Files of the same name are replaced.
        days: indexes of the deliveries to write, 0 is the first; None writes all of them.

    Returns:
        The files written, by day and then by feed.

    Raises:
        SettingsError: when a day is not one of the specification's; nothing is written then.
    """
    wanted = sorted(set(range(spec.days) if days is None else days))
    for day in wanted:
        spec.check_day(day)
    written = []
    for day in wanted:
        delivered = rows_by_delivery(spec, range(day, day + 1))
        for feed in FEEDS:
            path = root / file_name(feed, spec.day_date(day))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file_bytes(feed, day, delivered[day, feed]))
            written.append(path)
    return written
