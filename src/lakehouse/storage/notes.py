"""What a commit of ours says of itself in its `userMetadata`: what it holds, and the state of its table after it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any  # parsed JSON

from lakehouse.errors import LogError
from lakehouse.storage.window import Window

FORMAT = 1


@dataclass(frozen=True)
class Delivery:
    """One landed file, or one window of a database's table, as its commit lists it.

    Attributes:
        path: relative to the network's root; of a window the table.
        size: bytes.
        modified_at: modification time of the file, ISO UTC.
        checksum: SHA-256 of its bytes.
        batch_id: id of its rows in Bronze.
        delivered_at: ISO UTC; the date in its path, else `modified_at`.
        ingest_date: logical date of the run that landed it, ISO.
        rows: records landed.
        rejected: records that could not be decoded and were set aside.
        repeats: this is a known file under a new modification time; its rows landed before and were not landed again.
        window: what was read, when the rows come from a database.
        kind: `rows`; `keys` for the tombstones of a key comparison; `reload` for rows read again on purpose.
        part, is_last: number of this piece of a file too large for one commit, and whether no other follows.
    """

    path: str
    size: int
    modified_at: str
    checksum: str
    batch_id: str
    delivered_at: str
    ingest_date: str
    rows: int
    rejected: int
    repeats: bool = False
    window: Window | None = None
    kind: str = "rows"
    part: int = 0
    is_last: bool = True

    @classmethod
    def from_dict(cls, read: Mapping[str, Any]) -> "Delivery":
        """A delivery as its commit keeps it."""
        window = read.get("window")
        return cls(**{**read, "window": Window(**window) if window else None})


@dataclass(frozen=True)
class TableState:
    """Everything the planner must know of a table; repeated in each of its commits.

    Attributes:
        epoch: raised by a rollback; part of the transaction's application id.
        sequence: number of the write within the epoch; the transaction's version.
        fingerprint: of the declaration and code that wrote it.
        consumed: input -> version (tables) or checksum (resources, settings) that the rows were made of.
        stamped, unstamped: Bronze inputs that sent rows with, and without, a modification stamp.
        next_change_date: the first day on which a figure changes without a new row, ISO; None when there is none.
        position: end of the last window read, whose `hi` the next one begins at; None for files.
        filled: raw columns that held a value in some delivery (Bronze).
        keys_compared_on: day of the last comparison of all keys with the source, ISO.
        accounted: totals that proofs compare with what is there. Of a merged table: Bronze input -> its rows that
            merges read, and its quarantine -> rows set aside; of a quarantine: `set_aside`, `waived`, `discarded`.
    """

    epoch: int = 0
    sequence: int = 0
    fingerprint: str = ""
    consumed: Mapping[str, int | str] = field(default_factory=dict)
    stamped: tuple[str, ...] = ()
    unstamped: tuple[str, ...] = ()
    next_change_date: str | None = None
    position: Window | None = None
    filled: tuple[str, ...] = ()
    keys_compared_on: str | None = None
    accounted: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def from_dict(cls, read: Mapping[str, Any]) -> "TableState":
        """A state as a commit keeps it."""
        listed = {key: tuple(read.get(key, ())) for key in ("stamped", "unstamped", "filled")}
        position = read.get("position")
        return cls(**{**read, **listed, "position": Window(**position) if position else None})


@dataclass(frozen=True)
class CommitNote:
    """What one of our commits says of itself.

    Attributes:
        run_id: the run that made it.
        kind: `land`, `append`, `merge`, `replace` or `marker`.
        state: the table's state after it.
        deliveries: files whose rows it holds (Bronze).
        counts: rows by what happened to them.
        runs: run records folded into it (ops tables).
        lease: fencing token of the writer's lease; 0 where none was taken.
    """

    run_id: str
    kind: str
    state: TableState
    deliveries: tuple[Delivery, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    lease: int = 0

    def to_json(self) -> str:
        """The text that goes into `userMetadata`."""
        return json.dumps({"lakehouse": FORMAT, **asdict(self)}, separators=(",", ":"), sort_keys=True)

    @classmethod
    def from_json(cls, text: str | None) -> "CommitNote | None":
        """The note in a commit's `userMetadata`; None when the commit is not ours."""
        try:
            read = json.loads(text or "null")
        except ValueError:
            return None
        if not isinstance(read, dict) or "lakehouse" not in read:
            return None
        if read["lakehouse"] != FORMAT:
            raise LogError(
                f"commit note of format {read['lakehouse']} found, this version reads {FORMAT}. Update lakehouse."
            )
        state = TableState.from_dict(read["state"])
        deliveries = tuple(Delivery.from_dict(d) for d in read["deliveries"])
        return cls(
            read["run_id"],
            read["kind"],
            state,
            deliveries,
            read["counts"],
            tuple(read["runs"]),
            read.get("lease", 0),
        )
