"""Lands what changed, step by step: `lakehouse.engine.windows` decides what is read, the rest is as in a run.

Between two steps (`yield`) anything may happen: the database goes on, another poller does its steps, this one is gone.
"""

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import timedelta

from lakehouse.engine import windows
from lakehouse.storage.notes import CommitNote, Delivery, TableState
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION, Window
from simulator.bronze import Bronze, Lease, Order
from simulator.source import Row, Source

BEFORE_ALL = -(10**9)
MOMENT = 1e-6
"""Ticks by which a tombstone's stamp is later than the row's and the clock."""


def stamp_of(row: Row) -> float:
    """The stamp; of a row without one, when it was read."""
    return row.read_at if row.stamp is None else row.stamp


def hash_of(row: Row) -> int:
    """Stands for the content hash, in which a tombstone may be anything."""
    return -1 if row.content is None else row.content


class Poller:
    """The product's way.

    Attributes:
        order: which row of a key is the newest.
        is_by_landing: the number of a row is that of its landing, not the source's.
        lag: given to a window of `modified_date`.
    """

    is_by_landing = True
    order: Order = staticmethod(lambda row: (row.sequence, stamp_of(row), hash_of(row)))

    def __init__(self, source: Source, bronze: Bronze, lease: Lease, lag: int, window_rows: int) -> None:
        self.source = source
        self.bronze = bronze
        self.lease = lease
        self.lag = timedelta(seconds=lag)
        self.window_rows = window_rows

    @property
    def drops_known(self) -> bool:
        """Rows whose newest landed content is the same are not landed again."""
        return self.source.signal == MODIFIED_DATE

    def run(self, compares_keys: bool) -> Generator[None, None, None]:
        """One run; ends early when the lease is another's or a commit was refused."""
        token = self.lease.take()
        if token is None:
            return
        yield
        state = self.bronze.state()
        due = self.due(state)
        yield
        for piece in due:
            rows = self.source.read(piece)
            yield
            if not self.lease.renew(token):
                return
            yield
            state = replace(state, sequence=state.sequence + 1, position=self.position(piece, due, rows))
            if not self.land(state, "rows", self.unknown(rows), piece, token):
                return
            yield
        if compares_keys and state.position is not None:
            yield from self.compare_keys(state, token)
        self.lease.give_back(token)

    def due(self, state: TableState) -> Sequence[Window]:
        """What is read, in pieces."""
        return windows.due_windows(self.source, state, self.lag, self.window_rows).windows

    def position(self, piece: Window, due: Sequence[Window], rows: Sequence[Row]) -> Window:
        """What the commit of a piece says of where the next window begins."""
        return windows.position_after(self.bronze.state().position, piece)

    def unknown(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Rows that are landed."""
        if not self.drops_known:
            return rows
        known = self.bronze.newest_landed()
        return [r for r in rows if r.key not in known or content_of(known[r.key]) != content_of(r)]

    def land(self, state: TableState, kind: str, rows: Sequence[Row], window: Window | None, token: int) -> bool:
        """One commit; False when its sequence is taken."""
        if self.is_by_landing or self.source.signal == MODIFIED_DATE:
            rows = [row._replace(sequence=state.sequence) for row in rows]
        delivery = Delivery("Claims", 0, "", "", "", "", "", len(rows), 0, window=window, kind=kind)
        return self.bronze.commit(CommitNote("", "land", state, (delivery,), {"rows": len(rows)}, lease=token), rows)

    def compare_keys(self, state: TableState, token: int) -> Generator[None, None, None]:
        """Tombstones for the keys that are gone. Keys are read after the rows of `state` were."""
        keys, read_at = self.keys(), self.source.clock
        yield
        gone = [row for key, row in self.bronze.winners(self.order).items() if key not in keys and not row.is_deleted]
        if not gone or not self.lease.renew(token):
            return
        yield
        state = replace(state, sequence=state.sequence + 1)
        self.land(state, "keys", [self.tombstone(row, state, read_at) for row in gone], None, token)

    def keys(self) -> set[int]:
        """Every key of the source."""
        return self.source.keys()

    def tombstone(self, row: Row, state: TableState, read_at: int) -> Row:
        """Stands after the row it deletes, and before whatever the source makes of the key next.

        What landed has a number below the end of the newest landed window, the key inserted again one not below it.
        """
        assert state.position is not None
        number = int(state.position.hi) - 1 if state.position.signal == ROWVERSION else row.sequence
        stamp = max(stamp_of(row), read_at) + MOMENT
        return row._replace(write=0, content=None, stamp=stamp, sequence=number, read_at=read_at)


def content_of(row: Row) -> tuple[float | None, int | None]:
    """What tells a row from another of its key."""
    return row.stamp, row.content
