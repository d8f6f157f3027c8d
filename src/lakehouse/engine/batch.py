"""A staged delivery: where its rows wait, and what its commit will say of it."""

import hashlib
from dataclasses import dataclass

from lakehouse.storage.notes import Delivery
from lakehouse.storage.window import Window


@dataclass(frozen=True)
class Batch:
    """Rows of one delivery in the staging folder.

    Attributes:
        delivery: its entry in the commit.
        rows_paths: Parquet files of its rows as text, with `_rescued`, `_source` and `_row_number`.
        rejected_paths: Parquet files of the records that could not be decoded.
        filled: raw columns that hold a value in it.
        absent, extra: declared columns it lacks, and columns nobody declared.
        told: what people should know of it, without values; empty when nothing.
    """

    delivery: Delivery
    rows_paths: tuple[str, ...]
    rejected_paths: tuple[str, ...] = ()
    filled: frozenset[str] = frozenset()
    absent: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    told: str = ""


@dataclass(frozen=True)
class Step:
    """What one Bronze commit is made of.

    Attributes:
        batches: its deliveries.
        position: the source's position after it; None leaves it.
        keys_compared_on: day of a comparison of keys, ISO; None leaves it.
        drops_known: rows whose key was landed last with the same content are not landed again.
        known_since: first ingest date of what it can have in common with earlier deliveries, ISO; None for all.
    """

    batches: tuple[Batch, ...]
    position: Window | None = None
    keys_compared_on: str | None = None
    drops_known: bool = False
    known_since: str | None = None


def id_of(table: str, sequence: int, *parts: str) -> str:
    """Id of a delivery's rows: the same for every retry of one landing, another when it is read again on purpose.

    Args:
        table: Bronze table.
        sequence: of the table's write that lands it.
        parts: what tells the delivery from every other.
    """
    return hashlib.sha256("\n".join((table, *parts, str(sequence))).encode()).hexdigest()[:20]
