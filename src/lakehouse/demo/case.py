"""One claim and everything that is ever sent about it: versions, lines, remittances, patient payments."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby
from typing import Final

from lakehouse.demo.codes import spelled
from lakehouse.demo.row import Row, Value

CENT: Final = Decimal("0.01")
ZERO: Final = Decimal("0.00")
Adjustment = tuple[str, str, Decimal]


@dataclass(frozen=True)
class Figures:
    """What a payer answers about one line, US dollars: billed = paid + sum of the adjustments."""

    billed: Decimal
    allowed: Decimal
    paid: Decimal
    patient_responsibility: Decimal
    adjustments: tuple[Adjustment, ...] = ()

    def negated(self) -> "Figures":
        """The figures of a reversal."""
        taken_back = tuple((group, reason, -amount) for group, reason, amount in self.adjustments)
        return Figures(-self.billed, -self.allowed, -self.paid, -self.patient_responsibility, taken_back)


def cents(value: Decimal) -> Decimal:
    """Rounded half up to whole cents."""
    return value.quantize(CENT, ROUND_HALF_UP)


def priced(
    billed: Decimal, allowed: Decimal, patient: Decimal, patient_reason: str, paid: Decimal | None = None
) -> Figures:
    """A primary payer's answer: CO-45 down to allowed, PR for the patient's part, the rest paid.

    `paid` less than the rest is an underpayment no adjustment explains.
    """
    adjustments = []
    if billed > allowed:
        adjustments.append(("CO", "45", billed - allowed))
    if patient > 0:
        adjustments.append(("PR", patient_reason, patient))
    return Figures(billed, allowed, allowed - patient if paid is None else paid, patient, tuple(adjustments))


def summed(figures: Sequence[Figures]) -> Figures:
    """Several lines as one claim-level answer; adjustments with the same group and reason become one."""
    every = sorted(adjustment for one in figures for adjustment in one.adjustments)
    merged = tuple(
        (group, reason, sum((amount for _, _, amount in same), ZERO))
        for (group, reason), same in groupby(every, key=lambda adjustment: adjustment[:2])
    )
    return Figures(
        sum((one.billed for one in figures), ZERO),
        sum((one.allowed for one in figures), ZERO),
        sum((one.paid for one in figures), ZERO),
        sum((one.patient_responsibility for one in figures), ZERO),
        merged,
    )


@dataclass
class Case:
    """A claim under construction. `claim` and `lines` hold the sender's newest state; `rows` was sent so far."""

    rng: random.Random
    first_day: date
    day: int
    sequence_base: str
    claim: dict[str, Value]
    lines: list[dict[str, Value]]
    figures: list[Figures]
    rows: list[Row] = field(default_factory=list)
    states_header: bool = False
    states_allowed: bool = True
    start_second: int = 0
    versions: int = 0
    remittances: int = 0
    payments: int = 0

    @property
    def claim_id(self) -> str:
        """The sender's claim identifier."""
        return str(self.claim["claim_id"])

    def delivery_date(self, offset: int = 0) -> date:
        """Date of the delivery `offset` days after the first one about this claim."""
        return self.first_day + timedelta(days=self.day + offset)

    def stamp(self, offset: int) -> datetime:
        """A `modified_at` on the day of that delivery; later than all stamps given before for that day or earlier."""
        self.versions += 1
        midnight = datetime.combine(self.delivery_date(offset), time(), UTC)
        return midnight + timedelta(hours=6, seconds=self.start_second + 13 * self.versions)

    def total(self) -> Figures:
        """Money of the whole claim."""
        return summed(self.figures)

    def fill_amounts(self) -> None:
        """Write the figures where this sender keeps them: on the lines, or on the header."""
        total, is_header = self.total(), self.claim["money_level"] == "header"
        for line, one in zip(self.lines, self.figures, strict=True):
            line["billed_amount"] = one.billed
            line["allowed_amount"] = one.allowed if self.states_allowed and not is_header else None
        states_header = is_header or self.states_header
        self.claim["billed_amount"] = total.billed if states_header else None
        self.claim["allowed_amount"] = total.allowed if states_header and self.states_allowed else None

    def send_claim(
        self, offset: int = 0, story: str = "", *, values: Mapping[str, Value] | None = None,
        as_sent: Mapping[str, str] | None = None, fault: str | None = None, modified_at: datetime | None = None,
    ) -> Row:  # fmt: skip
        """Send the header. `values` replaces single columns in this row only; `modified_at` back-dates the version."""
        stamp = modified_at or self.stamp(offset)
        own: dict[str, Value] = {"modified_at": stamp}
        own |= {"source_sequence": f"{self.sequence_base}{self.versions:02d}", "is_deleted": False}
        return self._send("claims", offset, {**self.claim, **own, **(values or {})}, story, as_sent, fault)

    def send_lines(self, offset: int = 0, story: str = "", *, as_sent: Mapping[str, str] | None = None) -> None:
        """Send every line as it stands; the story is told once."""
        stamp = self.stamp(offset)
        for number, line in enumerate(self.lines):
            self._send("claim_lines", offset, {**line, "modified_at": stamp}, story if number == 0 else "", as_sent)

    def send_tombstone(self, feed: str, offset: int, key: Mapping[str, Value], story: str) -> None:
        """Send a deletion that carries nothing but its key."""
        self._send(feed, offset, {**key, "modified_at": self.stamp(offset), "is_deleted": True}, story)

    def send(self, offset: int = 0, story: str = "") -> None:
        """Send header and lines in one delivery."""
        self.send_claim(offset, story)
        self.send_lines(offset)

    def send_payment(
        self, offset: int, values: Mapping[str, Value], adjustments: Sequence[Adjustment] = (), story: str = "",
        as_sent: Mapping[str, str] | None = None, fault: str | None = None,
    ) -> Row:  # fmt: skip
        """Send one payment row and its adjustments."""
        self.payments += 1
        stamp = self.stamp(offset)
        payment_id = f"P{self.claim_id}{self.payments:02d}"
        own: dict[str, Value] = {
            "payment_id": payment_id,
            "claim_id": self.claim_id,
            "payer_name": self.claim.get("payer_name"),
            "payment_level": "claim",
            "remit_date": self.delivery_date(offset),
            "modified_at": stamp,
            "is_deleted": False,
        }
        row = self._send("payments", offset, {**own, **values}, story, as_sent, fault)
        for number, (group, reason, amount) in enumerate(adjustments, start=1):
            adjustment: dict[str, Value] = {
                "payment_id": payment_id,
                "adjustment_id": f"{number}",
                "group_code": group,
                "reason_code": reason,
                "amount": amount,
                "modified_at": stamp,
            }
            self._send("adjustments", offset, adjustment, "", spelled(group, reason, self.payments + number))
        return row

    def _send(
        self, feed: str, offset: int, values: Mapping[str, Value], story: str,
        as_sent: Mapping[str, str] | None = None, fault: str | None = None,
    ) -> Row:  # fmt: skip
        row = Row(feed, self.day + offset, values, as_sent or {}, fault, story)
        self.rows.append(row)
        return row
