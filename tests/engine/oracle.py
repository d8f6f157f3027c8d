"""What Silver and Gold must hold, worked out in plain Python from the rows that were sent."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from engine.world import DAYS_TO_PAY, Sent


@dataclass(frozen=True)
class Delivered:
    """One row as it arrived.

    Attributes:
        row: as sent.
        delivered_at: of its file.
    """

    row: Sent
    delivered_at: datetime

    @property
    def content(self) -> tuple[str, ...]:
        """What the sender says, its stamp and number included."""
        return tuple(sorted(f"{k}={v}" for k, v in self.row.items()))

    @property
    def is_stamped(self) -> bool:
        """The sender says when the row changed."""
        return self.row["modified_at"] != ""

    @property
    def order(self) -> tuple[datetime, int]:
        """Place among the versions of the key; a missing number comes first."""
        stamp = self.row["modified_at"]
        at = datetime.fromisoformat(stamp).replace(tzinfo=None) if stamp else self.delivered_at
        number = self.row["source_sequence"]
        return at, int(number) if number else -1


@dataclass(frozen=True)
class Visit:
    """The newest state of a visit."""

    row: Sent
    modified_at: datetime

    @property
    def is_deleted(self) -> bool:
        """It is a tombstone."""
        return self.row["is_deleted"] == "true"


def newest(versions: Sequence[Delivered]) -> list[Visit]:
    """The states one key may be in: one, or one per content when the greatest order is shared by several."""
    by_order = sorted(versions, key=lambda v: v.order, reverse=True)
    first = [v for v in by_order if v.order == by_order[0].order]
    found: list[Visit] = []
    for winner in {v.content: v for v in first}.values():
        if winner.is_stamped:
            found.append(Visit(winner.row, winner.order[0]))
            continue
        same = list(itertools.takewhile(lambda v, c=winner.content: v.content == c, _after(by_order, winner)))
        found.append(Visit(winner.row, same[-1].order[0]))
    return found


def _after(by_order: Sequence[Delivered], winner: Delivered) -> list[Delivered]:
    """Versions from the winner down, those that merely share its order left out."""
    shared = [v for v in by_order if v.order == winner.order and v.content != winner.content]
    return [v for v in by_order if v not in shared]


def silver(log: Iterable[Delivered]) -> dict[str, list[Visit]]:
    """Visit -> the states it may be in."""
    by_key: dict[str, list[Delivered]] = defaultdict(list)
    for delivered in log:
        by_key[delivered.row["visit_id"]].append(delivered)
    return {key: newest(versions) for key, versions in by_key.items()}


def episodes(visits: Iterable[Sent]) -> dict[str, tuple[date, date, int, Decimal]]:
    """Episode -> month, due date, visits, amount, over visits that are not deleted."""
    by_episode: dict[str, list[Sent]] = defaultdict(list)
    for visit in visits:
        if visit["is_deleted"] != "true" and visit["episode_id"]:
            by_episode[visit["episode_id"]].append(visit)
    found: dict[str, tuple[date, date, int, Decimal]] = {}
    for name, rows in by_episode.items():
        began = min(date.fromisoformat(r["service_date"]) for r in rows)
        due = began + timedelta(days=DAYS_TO_PAY)
        found[name] = (began.replace(day=1), due, len(rows), sum((Decimal(r["amount"]) for r in rows), Decimal(0)))
    return found


def months(found: Iterable[tuple[date, date, int, Decimal]], as_of: date) -> list[tuple[object, ...]]:
    """Rows of `gold.month` on a date."""
    by_month: dict[date, list[tuple[date, Decimal]]] = defaultdict(list)
    for month, due, _, amount in found:
        by_month[month].append((due, amount))
    return sorted(
        (
            month,
            len(parts),
            sum((a for _, a in parts), Decimal(0)),
            sum((a for due, a in parts if due <= as_of), Decimal("0.00")),
            min((due for due, _ in parts if due > as_of), default=None),
        )
        for month, parts in by_month.items()
    )
