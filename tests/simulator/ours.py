"""How the product polls, once for each signal."""

from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION
from simulator.source import XID
from simulator.world import Way

OURS = (
    Way("rowversion, closed window", ROWVERSION),
    Way("xid, closed window", XID),
    Way("modified_date, closed window and lag", MODIFIED_DATE),
)
