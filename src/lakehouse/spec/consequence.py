"""What a broken rule does, how much it tolerates, and what it may know of the sender of a row."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from lakehouse.errors import DeclarationError


class Consequence(StrEnum):
    """What happens to a build or row when a rule does not hold."""

    WARN = "warn"  # kept and reported
    DROP = "drop"  # left out and counted
    QUARANTINE = "quarantine"  # set aside with its reasons
    FAIL = "fail"  # nothing is written


@dataclass(frozen=True)
class Tolerance:
    """How many failing rows are accepted before the rule counts as broken.

    Attributes:
        rows: absolute number, or None.
        share: of the rows looked at, or None.
    """

    rows: int | None = None
    share: Decimal | None = None

    @classmethod
    def parse(cls, text: str | int) -> "Tolerance":
        """`5` rows or `"1%"` of the rows.

        Raises:
            DeclarationError: neither a count nor a percentage from 0 to 100.
        """
        if isinstance(text, int) and text >= 0:
            return cls(rows=text)
        text = str(text)
        if text.isdecimal():
            return cls(rows=int(text))
        match = re.fullmatch(r"(\d{1,3}(?:\.\d+)?)%", text)
        if not match or Decimal(match[1]) > 100:
            raise DeclarationError(f"at_most={text!r}: expected a number of rows or a share such as '1%'.")
        return cls(share=Decimal(match[1]) / 100)

    def accepts(self, failed: int, total: int) -> bool:
        """Whether `failed` of `total` rows is within the tolerance."""
        return failed <= (self.rows if self.rows is not None else (self.share or Decimal(0)) * total)


@dataclass(frozen=True)
class Sender:
    """What a rule may know of the network that sent a row; the defaults are those of its settings.

    Attributes:
        version_mode: how the sender corrects a claim.
        earliest_date: no date of its rows lies before.
    """

    version_mode: str = "replace"
    earliest_date: date = date(1900, 1, 1)
