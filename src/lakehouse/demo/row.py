"""One row of a delivery: what the sender means by it, and how it looks in the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Final

Value = str | Decimal | date | datetime | bool | tuple[str, ...] | None

# What is wrong with a row, and the rule of the contract it breaks once it has been read.
QUARANTINE_RULES: Final[Mapping[str, str]] = {
    "unparseable_date": "parseable",
    "unparseable_amount": "parseable",
    "missing_service_date": "required",
    "missing_claim_id": "required",
    "missing_remittance_id": "required",
}
# Columns that the contract requires: one that cannot be read is also missing.
REQUIRED_COLUMNS: Final = frozenset({("claims", "service_from_date"), ("payments", "remit_date")})
# Faults whose rule is not named like them.
RULE_NAMES: Final[Mapping[str, str]] = {
    "missing_service_date": "service_from_date_required",
    "missing_claim_id": "claim_id_required",
    "missing_remittance_id": "remittance_id_required",
    "broken_quote": "broken_quoting",
}
# What keeps a row of a file from being read as a row at all.
DECODE_FAULTS: Final = frozenset({"wrong_width", "broken_quote", "bad_encoding"})

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "claims": ("claim_id",),
    "claim_lines": ("claim_id", "line_id"),
    "payments": ("payment_id",),
    "adjustments": ("payment_id", "adjustment_id"),
    "providers": ("provider_id", "location_id"),
    "eligibility": ("member_id", "payer_name", "plan_name", "coverage_type", "coverage_start_date"),
    "denial_codes": ("group_code", "denial_code"),
}


@dataclass(frozen=True)
class Row:
    """One row of one feed in one daily delivery.

    Attributes:
        feed: folder of the feed, e.g. `claim_lines`.
        day: index of the delivery that carries it, 0 is the first.
        values: column -> typed value; absent and None are both an empty cell.
        as_sent: column -> text of the cell where the sender does not write the plain form (`$1,234.50`, `12,3x`).
        fault: None for a sound row, else a key of `QUARANTINE_RULES` or a member of `DECODE_FAULTS`.
        story: what this row shows, counted in the answer key; empty for ordinary rows.
    """

    feed: str
    day: int
    values: Mapping[str, Value]
    as_sent: Mapping[str, str] = field(default_factory=dict)
    fault: str | None = None
    story: str = ""

    @property
    def key(self) -> tuple[Value, ...]:
        """Values of the key columns of the feed, without the network."""
        return tuple(self.values.get(column) for column in KEYS[self.feed])

    def text(self, column: str) -> str:
        """Text value of a column; empty when the cell is empty or holds another type."""
        value = self.values.get(column)
        return value if isinstance(value, str) else ""

    def amount(self, column: str) -> Decimal | None:
        """US dollars in a column, None when the cell is empty."""
        value = self.values.get(column)
        return value if isinstance(value, Decimal) else None

    def date(self, column: str) -> date | None:
        """Date in a column, None when the cell is empty."""
        value = self.values.get(column)
        return value if isinstance(value, date) else None

    def flag(self, column: str) -> bool:
        """Whether a column says true; an empty cell is false."""
        return self.values.get(column) is True

    def broken_rules(self) -> tuple[str, ...]:
        """Names of the rules that a spoiled row breaks and is set aside for; none of a sound one."""
        if self.fault is None:
            return ()
        if self.fault in DECODE_FAULTS or QUARANTINE_RULES[self.fault] == "required":
            return (RULE_NAMES.get(self.fault, self.fault),)
        missing = [column for column in self.as_sent if (self.feed, column) in REQUIRED_COLUMNS]
        return ("parseable", *(f"{column}_required" for column in missing))

    def order(self) -> tuple[datetime, str]:
        """Place among the versions of its key: `modified_at`, then `source_sequence`."""
        stamp = self.values["modified_at"]
        if not isinstance(stamp, datetime):
            raise TypeError(f"row of {self.feed}: expected modified_at to be an instant")
        return stamp, self.text("source_sequence")


def cell(value: Value) -> str:
    """The plain text form of a value: ISO dates, UTC instants with `Z`, amounts with two decimals, arrays as `a|b`."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%SZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return f"{value:.2f}"
    if isinstance(value, tuple):
        return "|".join(value)
    return value
