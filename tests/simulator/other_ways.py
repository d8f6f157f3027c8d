"""Usual ways to poll, and rules near at hand for the newest row of a key; each is compared with ours."""

from collections.abc import Sequence

from lakehouse.storage.notes import TableState
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION, Window
from simulator.bronze import Order
from simulator.poller import BEFORE_ALL, Poller, hash_of, stamp_of
from simulator.source import ENDLESS, XID, Row, text_of, tick_of
from simulator.world import Way


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


class ByNumber(Poller):
    """The source's number decides, then the stamp."""

    is_by_landing = False


class AtTheEnd(ByNumber):
    """A tombstone has the end of the newest landed window for a number, and the server's clock.

    Attributes:
        below: how far below the end its number is.
    """

    below = 0

    def tombstone(self, row: Row, state: TableState, read_at: int) -> Row:
        """As the class says; on a source without numbers only the clock."""
        made = super().tombstone(row, state, read_at)
        number = made.sequence if self.source.signal == MODIFIED_DATE else made.sequence + 1 - self.below
        return made._replace(stamp=read_at, sequence=number)


class BelowTheEnd(AtTheEnd):
    """Its number is one below the end, its stamp the server's clock."""

    below = 1


class StampFirst(AtTheEnd):
    """The stamp decides, then the number."""

    order: Order = staticmethod(lambda row: (stamp_of(row), row.sequence, hash_of(row)))


class AsItsRow(ByNumber):
    """A tombstone stands where its row stands, and the deletion decides."""

    order: Order = staticmethod(lambda row: (row.sequence, row.is_deleted, stamp_of(row), hash_of(row)))

    def tombstone(self, row: Row, state: TableState, read_at: int) -> Row:
        """Number and stamp of the row."""
        return row._replace(write=0, content=None, read_at=read_at)


class ByStamp(Poller):
    """Without numbers the stamp decides which row of a key is the newest."""

    order: Order = staticmethod(lambda row: (stamp_of(row), hash_of(row)))


class AsItsRowByStamp(AsItsRow):
    """The same without numbers: the stamp decides, then the deletion."""

    order: Order = staticmethod(lambda row: (stamp_of(row), row.is_deleted, hash_of(row)))


BY_STAMP = Way("no number: stamp; tombstone at a later stamp", MODIFIED_DATE, ByStamp)
"""Where a source has no numbers the product's landing numbers its rows: what was read later is newer. This does not."""

RULES = (
    *(
        Way(f"{kind}: {name}", kind, poller)
        for kind in (ROWVERSION, XID)
        for name, poller in (
            ("number, stamp; tombstone at hi - 1, later stamp", ByNumber),
            ("number, deletion, stamp; tombstone as its row", AsItsRow),
            ("number, stamp; tombstone at hi - 1, clock", BelowTheEnd),
            ("number, stamp; tombstone at hi, clock", AtTheEnd),
            ("stamp, number; tombstone at hi, clock", StampFirst),
        )
    ),
    Way("no number: landing, stamp", MODIFIED_DATE),
    BY_STAMP,
    Way("no number: stamp, deletion; tombstone as its row", MODIFIED_DATE, AsItsRowByStamp),
)
