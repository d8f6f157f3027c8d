"""What a rule is: a name, a condition, a consequence.

A row rule is a function that makes a boolean Column, true when the row is fine. A batch rule is a function from the
frame to its failing rows. Both answer `failing_rows(df)`. A row rule that gives null counts as a failure unless it
says `nulls="pass"`. Every rule says in one line what it means, and where it comes from.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from lakehouse.errors import DeclarationError
from lakehouse.spec.consequence import Consequence, Sender, Tolerance

if TYPE_CHECKING:
    from lakehouse.spec.table import Table

Nulls = Literal["fail", "pass"]


WARN, DROP, QUARANTINE, FAIL = Consequence.WARN, Consequence.DROP, Consequence.QUARANTINE, Consequence.FAIL


WHOLE = "whole"
"""Name under which a rule that sees the whole table is given it."""


@dataclass(frozen=True)
class CheckContext:
    """What a batch rule may look at besides the rows: the logical date and whole tables, by the names of `needs`, and
    as `WHOLE` its own table as it will be after the write."""

    as_of: date
    frames: Mapping[str, DataFrame] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Expectation:
    """A named rule; exactly one of `condition`, `of_sender` (row rules) and `failing` (batch rule) is set.

    Attributes:
        name: says what is true when it holds, e.g. `service_dates_in_order`.
        on_failure: consequence. Failing rows of `quarantine` and `drop` are always set aside; `at_most` says how
            many of them a build tolerates before it fails. For `warn` and `fail`, up to `at_most` failing rows count
            as holding. A row rule is counted for each network apart.
        nulls: what a row rule that gives null means.
        condition, of_sender: make the condition of a row, the latter from what is known of its sender.
        needs: tables a batch rule compares with, by frame name.
        sees_whole: a batch rule is also given its own table as it will be after the write: a build has only the rows
            of the partitions it replaces.
        named_by: columns of the failing rows by which results name them; none of a PHI class.
        meaning: what holds, in one line.
        source: where the rule comes from, e.g. `B12`, a row of domain.md, and a standard or law.
        version_modes: the rule is for senders that correct claims in one of these ways; empty, for all.
        sender: whose rows are judged; unnamed, one with the usual settings.
        networks: the rule as the settings of single networks have it, where they change it.
    """

    name: str
    on_failure: Consequence
    nulls: Nulls = "fail"
    at_most: str | int | None = None
    condition: Callable[[], Column] | None = None
    failing: Callable[[DataFrame, CheckContext], DataFrame] | None = None
    needs: "Mapping[str, Table]" = field(default_factory=dict)
    of_sender: Callable[[Sender], Column] | None = None
    meaning: str = ""
    source: str = ""
    version_modes: tuple[str, ...] = ()
    sender: Sender = field(default_factory=Sender)
    networks: "Mapping[str, Expectation]" = field(default_factory=dict)
    sees_whole: bool = False
    named_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.condition, self.of_sender, self.failing)) != 1:
            raise DeclarationError(f"expectation {self.name}: give either a condition or a failing-rows function.")
        if self.failing is not None and self.on_failure in (DROP, QUARANTINE):
            raise DeclarationError(
                f"expectation {self.name}: a batch rule can only warn or fail, found {self.on_failure}."
            )
        if self.is_row_rule and (self.sees_whole or self.named_by):
            raise DeclarationError(f"expectation {self.name}: sees_whole and named_by are for batch rules.")
        if self.at_most is not None:
            Tolerance.parse(self.at_most)

    @property
    def is_row_rule(self) -> bool:
        """Decides row by row."""
        return self.failing is None

    @property
    def is_for_sender(self) -> bool:
        """Judges the rows of `sender` at all."""
        return not self.version_modes or self.sender.version_mode in self.version_modes

    @property
    def tolerance(self) -> Tolerance | None:
        """Parsed `at_most`; None when nothing was said."""
        return None if self.at_most is None else Tolerance.parse(self.at_most)

    def for_network(self, network: str) -> "Expectation":
        """The rule as it is for the rows of one network."""
        return self.networks.get(network, self)

    def holds(self) -> Column:
        """The row rule as a Column that is never null, for each row as its network's settings have it.

        Raises:
            TypeError: this is a batch rule.
        """
        verdict = self._holds()
        for network, own in self.networks.items():
            if own.sender != self.sender and (self.of_sender or self.version_modes):
                verdict = F.when(F.col("network") == network, own._holds()).otherwise(verdict)
        return verdict

    def _holds(self) -> Column:
        if not self.is_for_sender:
            return F.lit(True)
        if self.of_sender is not None:
            condition = self.of_sender(self.sender)
        elif self.condition is not None:
            condition = self.condition()
        else:
            raise TypeError(f"expectation {self.name} is a batch rule; use failing_rows")
        return F.coalesce(condition, F.lit(self.nulls == "pass"))

    def failing_rows(self, df: DataFrame, context: CheckContext | None = None) -> DataFrame:
        """The rows (or, for batch rules, groups) that break the rule; empty when it holds."""
        if self.failing is not None:
            return self.failing(df, context or CheckContext(date.max))
        return df.where(~self.holds())


def row(
    name: str,
    condition: Callable[[], Column],
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    at_most: str | int | None = None,
    meaning: str | None = None,
    source: str = "",
    version_modes: Sequence[str] = (),
) -> Expectation:
    """A row rule from a function that makes its condition; its meaning is what the function says of itself."""
    said = first_paragraph(condition) if meaning is None else meaning
    modes = tuple(version_modes)
    return Expectation(name, on_failure, nulls, at_most, condition, meaning=said, source=source, version_modes=modes)


def row_of_sender(
    name: str,
    condition: Callable[[Sender], Column],
    *,
    on_failure: Consequence,
    nulls: Nulls = "fail",
    meaning: str | None = None,
    source: str = "",
) -> Expectation:
    """A row rule whose condition depends on what the settings say of the row's network."""
    said = first_paragraph(condition) if meaning is None else meaning
    return Expectation(name, on_failure, nulls, of_sender=condition, meaning=said, source=source)


def batch(
    name: str,
    failing: Callable[[DataFrame, CheckContext], DataFrame],
    *,
    on_failure: Consequence,
    at_most: str | int | None = None,
    needs: "Mapping[str, Table] | None" = None,
    sees_whole: bool = False,
    named_by: Sequence[str] = (),
    meaning: str | None = None,
    source: str = "",
) -> Expectation:
    """A batch rule from a function that finds the failing rows; its meaning is what the function says of itself."""
    said = first_paragraph(failing) if meaning is None else meaning
    return Expectation(
        name,
        on_failure,
        at_most=at_most,
        failing=failing,
        needs=needs or {},
        meaning=said,
        source=source,
        sees_whole=sees_whole,
        named_by=tuple(named_by),
    )


def first_paragraph(function: Callable[..., object]) -> str:
    """Docstring of a function up to its first blank line, in one line; empty where there is none."""
    return " ".join((inspect.getdoc(function) or "").split("\n\n")[0].split())
