"""Usual ways to poll, and rules near at hand for the newest row of a key; each is compared with ours."""

from collections.abc import Sequence

from lakehouse.storage.notes import TableState
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION, Window
from simulator.poller import BEFORE_ALL, Poller
from simulator.source import ENDLESS, XID, Row, text_of, tick_of
from simulator.world import Way

FIRST, LAST = -1, 9
"""A tombstone's content hash may be any: smaller or greater than every row's."""


class StampQuery(Poller):
    """A query that jobs usually ask: rows from the greatest stamp that was seen, less an overlap, and the unstamped.

    Attributes:
        begins: ticks from the greatest stamp seen to the first one asked for: 1 is `>`, 0 is `>=`, less an overlap.
        ends_below_open: asks only for stamps before the transaction that is open longest began.
    """

    begins = 1
    ends_below_open = False
    drops_known = False

    def due(self, state: TableState) -> Sequence[Window]:
        """One window; with nothing in it, none."""
        lo = None if state.position is None else text_of(tick_of(state.position.hi) + self.begins)
        oldest = self.source.oldest_open() if self.ends_below_open else None
        window = Window(MODIFIED_DATE, lo, ENDLESS if oldest is None else text_of(oldest), True)
        return (window,) if self.source.count(window) else ()

    def position(self, piece: Window, due: Sequence[Window], rows: Sequence[Row]) -> Window:
        """The greatest stamp seen, so far or among these rows."""
        position = self.bronze.state().position
        seen = [row.stamp for row in rows if row.stamp is not None]
        before = BEFORE_ALL if position is None else tick_of(position.hi)
        return Window(MODIFIED_DATE, piece.lo, text_of(max([before, *seen])))


class AtLeast(StampQuery):
    """`stamp >= max seen`."""

    begins = 0


class Overlap2(StampQuery):
    """Two ticks of overlap."""

    begins = -2


class Overlap5(StampQuery):
    """Five ticks of overlap."""

    begins = -5


class Overlap15(StampQuery):
    """Fifteen ticks of overlap."""

    begins = -15


class OverlapLag(StampQuery):
    """As much overlap as the product's window of `modified_date` has."""

    @property
    def begins(self) -> int:  # type: ignore[override]  # fixed for a world
        """The world's lag below the greatest stamp seen."""
        return -int(self.lag.total_seconds())


class BelowOpen(StampQuery):
    """An upper bound below the oldest open transaction."""

    begins = 0
    ends_below_open = True


class BelowOpenOverlap5(BelowOpen):
    """The same, and five ticks of overlap."""

    begins = -5


USUAL_QUERIES = (
    Way("stamp > max seen", MODIFIED_DATE, StampQuery),
    Way("stamp >= max seen", MODIFIED_DATE, AtLeast),
    Way(">= less 2 ticks", MODIFIED_DATE, Overlap2),
    Way(">= less 5 ticks", MODIFIED_DATE, Overlap5),
    Way(">= less 15 ticks", MODIFIED_DATE, Overlap15),
    Way(">= less the lag of our window", MODIFIED_DATE, OverlapLag),
    Way(">=, below the oldest open transaction", MODIFIED_DATE, BelowOpen),
    Way("the same, less 5 ticks", MODIFIED_DATE, BelowOpenOverlap5),
)


def stamp_of(row: Row) -> int:
    """The stamp; of a row without one, when it was read."""
    return row.read_at if row.stamp is None else row.stamp


class NumberStampHash(Poller):
    """Number, stamp, hash. A tombstone has the end of the newest landed window and the server's clock.

    Attributes:
        before_end: how far below the end its number is.
    """

    before_end = 0
    order = staticmethod(lambda row: (row.sequence, stamp_of(row), LAST if row.is_deleted else row.content))

    def tombstone(self, row: Row, state: TableState, read_at: int) -> Row:
        """As the class says; on a source without numbers its commit is the number."""
        number = state.sequence
        if state.position is not None and state.position.signal == ROWVERSION:
            number = int(state.position.hi) - self.before_end
        return row._replace(write=0, content=None, stamp=read_at, read_at=read_at, sequence=number)


class LastNumberInside(NumberStampHash):
    """The last number of the landed windows: one below their end."""

    before_end = 1
    order = staticmethod(lambda row: (row.sequence, stamp_of(row), FIRST if row.is_deleted else row.content))


class StampFirst(NumberStampHash):
    """Stamp, number, hash."""

    order = staticmethod(lambda row: (stamp_of(row), row.sequence, LAST if row.is_deleted else row.content))


class StampOfTheDeleted(Poller):
    """Stamp, deletion, hash; a tombstone has the stamp of the row it deletes."""

    order = staticmethod(lambda row: (stamp_of(row), row.is_deleted, row.content or 0))


RULES = (
    Way("number, deletion, stamp; tombstone numbered as its row", ROWVERSION),
    Way("number, stamp; tombstone numbered hi, server's clock", ROWVERSION, NumberStampHash),
    Way("number, stamp; tombstone numbered hi - 1, server's clock", ROWVERSION, LastNumberInside),
    Way("stamp, number; tombstone numbered hi, server's clock", ROWVERSION, StampFirst),
    Way("xid: number, deletion, stamp; tombstone numbered as its row", XID),
    Way("xid: number, stamp; tombstone numbered hi, server's clock", XID, NumberStampHash),
    Way("xid: number, stamp; tombstone numbered hi - 1, server's clock", XID, LastNumberInside),
    Way("xid: stamp, number; tombstone numbered hi, server's clock", XID, StampFirst),
    Way("no number: landing, deletion, stamp; tombstone as its row", MODIFIED_DATE),
    Way("no number: stamp; tombstone at the server's clock", MODIFIED_DATE, StampFirst),
    Way("no number: stamp, deletion; tombstone stamped as its row", MODIFIED_DATE, StampOfTheDeleted),
)
