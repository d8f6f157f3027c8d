"""Feeds of an adapter: the raw columns as sent, where they come from, and how they conform to a contract."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute

from pyspark.sql import DataFrame

from lakehouse.errors import DeclarationError
from lakehouse.spec.columns import ISO_DATES, ISO_TIMESTAMPS
from lakehouse.spec.contracts import Contract
from lakehouse.spec.field import BRONZE_LINEAGE, RESCUED, STRING, Field, Phi
from lakehouse.spec.freshness import Freshness
from lakehouse.spec.scopes import Append, Changes, Snapshot
from lakehouse.spec.sources import FileSource, SqlSource
from lakehouse.spec.table import Table


@dataclass(frozen=True)
class RawField:
    """A column as sent: always text.

    Attributes:
        name: the header in lower case, blanks and dashes as `_`.
        meaning: one line.
        aliases: other headers that mean the same, e.g. of an older version of the format.
        required: the delivery is refused when the column is missing.
        phi: sensitivity class.
    """

    name: str
    meaning: str
    aliases: tuple[str, ...] = ()
    required: bool = False
    phi: Phi | None = None


@dataclass(frozen=True, eq=False)
class Feed:
    """One kind of delivery of an adapter. Every network that uses the adapter gets a Bronze table of it.

    Attributes:
        adapter: folder under `lakehouse/bronze`.
        name: e.g. `claims`; the table is `bronze.<network>_<name>`.
        fields: the raw columns.
        source: where the rows come from.
        key: raw columns that name a row; the newest row of each is what `snapshot(feed)` gives.
        description: one line.
    """

    adapter: str
    name: str
    fields: tuple[RawField, ...]
    source: FileSource | SqlSource
    key: tuple[str, ...]
    description: str
    freshness: Freshness | None = None
    owner: str = "claims-data"

    def for_network(self, network: str) -> Table:
        """The Bronze table of this feed for `network`: append only, every business column text."""
        business = [Field(f.name, STRING, f.meaning, phi=f.phi) for f in self.fields]
        return Table(
            name=f"bronze.{network}_{self.name}",
            reads={"rows": self.source},
            fields=(*business, RESCUED, *BRONZE_LINEAGE),
            write=Append(),
            partition_by="_ingest_date",
            freshness=self.freshness,
            owner=self.owner,
            description=self.description,
            network=network,
            feed=self,
        )


def raw(
    name: str, meaning: str, *, aliases: Sequence[str] = (), required: bool = False, phi: Phi | None = None
) -> RawField:
    """Declare a raw column; see `RawField`."""
    return RawField(name, meaning, tuple(aliases), required, phi)


def feed(
    adapter: str,
    name: str,
    description: str,
    *,
    fields: Sequence[RawField],
    source: FileSource | SqlSource,
    key: Sequence[str],
    freshness: Freshness | None = None,
    owner: str = "claims-data",
) -> Feed:
    """Declare a feed; see `Feed`.

    Raises:
        DeclarationError: a key is not a field, or two columns claim one header.
    """
    headers = [h for f in fields for h in (f.name, *f.aliases)]
    doubled = sorted({h for h in headers if headers.count(h) > 1})
    if doubled:
        raise DeclarationError(f"feed {adapter}/{name}: header {', '.join(doubled)} is claimed twice.")
    unknown = [k for k in key if k not in {f.name for f in fields}]
    if unknown:
        raise DeclarationError(f"feed {adapter}/{name}: key {', '.join(unknown)} is no field of it.")
    return Feed(adapter, name, tuple(fields), source, tuple(key), description, freshness, owner)


@dataclass(frozen=True, eq=False)
class Conform:
    """How an adapter's rows become a contract's: a pure function from raw frames to the contract's columns as text.

    Attributes:
        contract: what it returns.
        reads: exactly one `changes(feed)`, any number of `snapshot(feed)`.
        money: raw column -> contract columns that together hold its amounts; the conform ledger proves it.
        dates: Spark patterns of the sender's dates.
        timestamps: Spark patterns of the sender's instants.
        sequenced: `source_sequence` numbers the states of a row in the order they were in at the source, so it decides
            before the stamp, which a sender may set back.
        elsewhere: why a row that is used may leave amounts of `money` out: another row or another contract states them.
            The function returns what a used row leaves out in `elsewhere_column(raw column)`, null where it leaves
            nothing out, and the conform ledger counts it under this reason. None: nothing is left out.
        transform: the function. It keeps every input row: a row it does not use gets a `_drop_reason`. It passes the
            lineage columns (those whose names start with `_`) of its main input on.
    """

    contract: Contract
    reads: Mapping[str, Changes | Snapshot]
    transform: Callable[..., DataFrame]
    money: Mapping[str, tuple[str, ...]] = attribute(default_factory=dict)
    dates: tuple[str, ...] = ISO_DATES
    timestamps: tuple[str, ...] = ISO_TIMESTAMPS
    sequenced: bool = False
    elsewhere: str | None = None

    def __call__(self, **frames: DataFrame) -> DataFrame:
        """Run the bare function on the frames given."""
        return self.transform(**frames)

    @property
    def main_input(self) -> str:
        """Name of the input whose rows are conformed."""
        return next(name for name, scope in self.reads.items() if isinstance(scope, Changes))

    @property
    def main(self) -> Feed:
        """Feed whose rows are conformed."""
        of = self.reads[self.main_input].of
        assert isinstance(of, Feed)
        return of

    @property
    def elsewhere_columns(self) -> tuple[str, ...]:
        """Columns in which the function returns what used rows leave out, in the order of `money`."""
        return tuple(elsewhere_column(raw) for raw in self.money) if self.elsewhere else ()

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """Every feed read, by input name."""
        return {name: scope.of for name, scope in self.reads.items() if isinstance(scope.of, Feed)}


def elsewhere_column(raw_column: str) -> str:
    """Column in which a conform function returns the part of a raw amount that its row leaves out."""
    return f"_elsewhere_{raw_column}"


def conforms(
    contract: Contract,
    *,
    reads: Mapping[str, Changes | Snapshot],
    money: Mapping[str, Sequence[str]] | None = None,
    dates: Sequence[str] = ISO_DATES,
    timestamps: Sequence[str] = ISO_TIMESTAMPS,
    sequenced: bool = False,
    elsewhere: str | None = None,
) -> Callable[[Callable[..., DataFrame]], Conform]:
    """Declare how a feed conforms to `contract`; see `Conform`.

    Raises:
        DeclarationError: parameters differ from `reads`, an input is no feed, there is not exactly one `changes`, or
            money names an unknown column.
    """

    def declare(function: Callable[..., DataFrame]) -> Conform:
        place = f"{function.__module__}.{getattr(function, '__name__', '?')}"
        parameters = list(inspect.signature(function).parameters)
        if parameters != list(reads):
            raise DeclarationError(
                f"{place}: parameters {parameters} differ from reads {list(reads)}. Make them equal."
            )
        if not (function.__doc__ or "").strip():
            raise DeclarationError(f"{place}: the docstring is missing. Say how rows become {contract.name}.")
        foreign = [name for name, scope in reads.items() if not isinstance(scope.of, Feed)]
        if foreign:
            raise DeclarationError(
                f"{place}: {', '.join(foreign)} reads no feed; give changes(feed) or snapshot(feed)."
            )
        main = [name for name, scope in reads.items() if isinstance(scope, Changes)]
        if len(main) != 1:
            raise DeclarationError(f"{place}: expected exactly one changes(feed) in reads, found {len(main)}.")
        sums = {column: tuple(into) for column, into in (money or {}).items()}
        result = Conform(contract, dict(reads), function, sums, tuple(dates), tuple(timestamps), sequenced, elsewhere)
        ledger = {f.name for f in contract.fields if f.ledger}
        raws = {f.name for f in result.main.fields}
        wrong = [c for c in sums if c not in raws] + [c for into in sums.values() for c in into if c not in ledger]
        if wrong:
            raise DeclarationError(
                f"{place}: money names {', '.join(wrong)}, no raw column or no ledger field of {contract.name}."
            )
        return result

    return declare
