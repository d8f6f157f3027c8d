"""What a transform is given of its inputs, and how its result is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import Column

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
class Linked:
    """What may belong together is only known from the rows themselves, e.g. the versions of a claim.

    The transform is given the changed rows, every row that shares a hub with one of them, before or after the change,
    and the stored sets of all these, whole. So sets that lie within hubs can be computed from the given rows alone.

    Attributes:
        hubs: makes an array<string> Column of a row of the input, with the settings of its network where the table
            reads them. Rows that share a hub may belong together; rows that share none do not, directly.
        kept_in: columns of the table being built that name a row's set.
    """

    hubs: Callable[[], Column]
    kept_in: tuple[str, ...]


@dataclass(frozen=True)
class Groups:
    """All rows of every group in which any row changed since the last build; groups go by the columns `by`.

    Rows whose group is null belong to none and are not given. Deleted rows are hidden.

    Attributes:
        of: the input.
        by: columns that name a group: of the input, or of `through`.
        through: table that says which groups a row of the input belongs to: those of its rows with equal `on` columns.
            The transform is given the `by` columns too. A row without such rows belongs to no group until they come.
        on: pairs of a column of the input and the column of `through` it equals.
        linked: a group is a row of the input, and is due together with all it may belong to.
        lineage: stored lineage columns (`_batch_id` ...) that the transform is given besides the declared ones.
    """

    of: "Table"
    by: tuple[str, ...]
    through: "Table | None" = None
    on: tuple[tuple[str, str], ...] = ()
    linked: Linked | None = None
    lineage: tuple[str, ...] = ()


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

    Columns: network, ledger, denial_evidence, version_mode, version_suffix, closes_claims, days_to_close, source_rank.
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


def groups(
    of: "Table",
    by: str | Sequence[str],
    *,
    through: "Table | None" = None,
    on: Sequence[str] | Mapping[str, str] = (),
    linked: Linked | None = None,
    lineage: Sequence[str] = (),
) -> Groups:
    """Read scope: touched groups, whole. See `Groups`; `on` names columns that are called alike, or maps those of the
    input to those of `through`.

    Raises:
        DeclarationError: a column is no field of the table it must be of.
    """
    columns = (by,) if isinstance(by, str) else tuple(by)
    pairs = tuple(on.items()) if isinstance(on, Mapping) else tuple((name, name) for name in on)
    place = f"groups({of.name})"
    _refuse_unknown(place, "on", of, [ours for ours, _ in pairs])
    if through is None:
        if pairs:
            raise DeclarationError(f"{place}: on belongs to through; name the table that knows the groups.")
        _refuse_unknown(place, "by", of, columns)
    else:
        if not pairs:
            raise DeclarationError(f"{place}: through {through.name} needs on; say which columns are equal.")
        _refuse_unknown(place, "by", through, columns)
        _refuse_unknown(place, "on", through, [theirs for _, theirs in pairs])
        unclear = [c for c in columns if c in of.field_names and (c, c) not in pairs]
        if unclear:
            raise DeclarationError(
                f"{place}: {', '.join(unclear)} is a field of it and of {through.name}, and the two may differ. "
                "Add it to on."
            )
    if linked is not None and columns != of.keys:
        raise DeclarationError(f"{place}: linked rows go by the key of the input, {', '.join(of.keys)}.")
    return Groups(of, columns, through, pairs, linked, tuple(lineage))


def _refuse_unknown(place: str, role: str, of: "Table", columns: Sequence[str]) -> None:
    unknown = [c for c in columns if c not in of.field_names]
    if unknown:
        raise DeclarationError(f"{place}: {role} {', '.join(unknown)} is no field of {of.name}. Name a declared field.")


def linked(hubs: Callable[[], Column], kept_in: str | Sequence[str]) -> Linked:
    """What makes rows of `groups(..., linked=...)` due together; see `Linked`."""
    return Linked(hubs, (kept_in,) if isinstance(kept_in, str) else tuple(kept_in))


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

    Where nothing is read by groups, `on` is the day of a photograph: a build replaces that of its logical date, and
    those of the past stay as they were.

    Attributes:
        on: column of the result that names its partition, equal to the reads' group, or the day of a photograph.
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
