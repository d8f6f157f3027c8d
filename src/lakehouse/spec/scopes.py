"""What a transform is given of its inputs, and how its result is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lakehouse.errors import DeclarationError
from lakehouse.spec.contracts import Contract
from lakehouse.spec.sources import FileSource, ResourceSource, SqlSource

if TYPE_CHECKING:
    from lakehouse.spec.feed import Feed
    from lakehouse.spec.table import Table


@dataclass(frozen=True)
class Conformed:
    """All networks' feeds of one contract, conformed and cast to the contract's types."""

    contract: Contract


@dataclass(frozen=True)
class Changes:
    """Only the rows that no earlier build of this table consumed."""

    of: "Conformed | Feed"


@dataclass(frozen=True)
class Groups:
    """All rows of every group in which any row changed since the last build; groups go by the columns `by`.

    Rows whose group is null belong to none and are not given. Deleted rows are hidden.
    """

    of: "Table"
    by: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """The whole input as it is now. A change of it makes everything due: for small look-ups.

    Of a Bronze feed it is the newest row of each of the feed's keys. Deleted rows are hidden.
    """

    of: "Table | Feed"


@dataclass(frozen=True)
class LogicalDate:
    """The date the run is for, as a plain `datetime.date`; never the clock."""


@dataclass(frozen=True)
class NetworkSettings:
    """One row per configured network, disabled ones too.

    Columns: network, ledger, denial_evidence, version_mode, closes_claims, days_to_close.
    A change of these settings makes everything due.
    """


@dataclass(frozen=True)
class Resource:
    """The rows of a CSV file that ships in the package, every column text."""

    source: ResourceSource


ReadScope = Changes | Groups | Snapshot | LogicalDate | NetworkSettings | Resource | FileSource | SqlSource


def conformed(contract: Contract) -> Conformed:
    """Every enabled network's rows of `contract`; networks whose adapter does not send it are absent."""
    return Conformed(contract)


def changes(of: "Conformed | Feed") -> Changes:
    """Read scope: rows not consumed yet. See `Changes`."""
    return Changes(of)


def groups(of: "Table", by: str | Sequence[str]) -> Groups:
    """Read scope: touched groups, whole. See `Groups`.

    Raises:
        DeclarationError: a column of `by` is not a field of the table.
    """
    columns = (by,) if isinstance(by, str) else tuple(by)
    unknown = [c for c in columns if c not in of.field_names]
    if unknown:
        raise DeclarationError(f"groups({of.name}): {', '.join(unknown)} is no field of it. Group by a declared field.")
    return Groups(of, columns)


def snapshot(of: "Table | Feed") -> Snapshot:
    """Read scope: the whole input. See `Snapshot`."""
    return Snapshot(of)


def logical_date() -> LogicalDate:
    """Read scope: the run's logical date."""
    return LogicalDate()


def network_settings() -> NetworkSettings:
    """Read scope: what `conf/` says of each sender. See `NetworkSettings`."""
    return NetworkSettings()


def resource(package: str, file: str) -> Resource:
    """Read scope: a packaged CSV file. See `Resource`."""
    return Resource(ResourceSource(package, file))


@dataclass(frozen=True)
class Append:
    """Rows are added, never changed. Bronze."""


@dataclass(frozen=True)
class Merge:
    """One row per key, the greatest by `sequence_by`, then by content hash. Words as in Spark's AUTO CDC.

    Attributes:
        keys: business key; no part may be null.
        sequence_by: columns that order the versions of a key, most significant first.
        apply_as_deletes: boolean column that marks a tombstone; the row is kept and hidden.
        scd_type: 1 keeps the newest state only.
    """

    keys: tuple[str, ...]
    sequence_by: tuple[str, ...] = ("modified_at", "source_sequence")
    apply_as_deletes: str = "is_deleted"
    scd_type: int = 1


@dataclass(frozen=True)
class ReplaceGroups:
    """Every touched group is replaced as a whole, in one commit: rows that vanished from it are deleted.

    Attributes:
        by: columns of the result that name its group, in the order of the reads' `by`.
        keys: key of a row within the table; the group itself when each group is one row.
    """

    by: tuple[str, ...]
    keys: tuple[str, ...] = ()

    @property
    def row_keys(self) -> tuple[str, ...]:
        """The table's key."""
        return self.keys or self.by


@dataclass(frozen=True)
class ReplacePartitions:
    """The touched values of column `on` are replaced in one commit; without `on` the whole table is.

    Attributes:
        on: column of the result that names its partition, equal to the reads' group.
        keys: key of a row within the table.
    """

    on: str | None = None
    keys: tuple[str, ...] = ()


WriteMode = Append | Merge | ReplaceGroups | ReplacePartitions


@dataclass(frozen=True)
class Period:
    """Physical partition by year or month of a date column (a setting of the lake); the engine adds `_period`."""

    of: str


def period_of(column: str) -> Period:
    """Partition by the year (or month, or not at all: setting `lake.silver_partition`) of `column`."""
    return Period(column)
