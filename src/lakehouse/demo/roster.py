"""Which roster row of a provider holds when, for the answer key: plain Python over what was sent. domain.md 1.11."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from lakehouse.demo.row import Row


@dataclass(frozen=True)
class ProviderVersion:
    """A provider at a location, from the first to the last day the row holds; None while it does."""

    provider_id: str
    location_id: str
    valid_from: date
    valid_to: date | None
    specialty: str


def provider_versions(statements: Sequence[Row]) -> list[ProviderVersion]:
    """All versions, by all rows ever sent of the roster feed.

    What was said last of one effective date holds. It ends when it was terminated, or on the day before the next
    effective date of the place.
    """
    places: dict[tuple[str, str], dict[date, Row]] = defaultdict(dict)
    for row in sorted(statements, key=lambda row: row.day):
        places[row.text("provider_id"), row.text("location_id")][row.date("effective_date") or date.min] = row
    found = []
    for (provider_id, location_id), by_date in places.items():
        starts = sorted(by_date)
        for start, following in zip(starts, [*starts[1:], None], strict=True):
            row = by_date[start]
            ends = [row.date("termination_date"), following and following - timedelta(days=1)]
            end = min((day for day in ends if day), default=None)
            if end is None or end >= start:
                found.append(ProviderVersion(provider_id, location_id, start, end, row.text("specialty")))
    return found
