"""Money of one claim for the answer key, in plain decimals."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from lakehouse.demo.row import Row

ZERO: Final = Decimal("0.00")


@dataclass(frozen=True)
class Balance:
    """Where a claim's charge went, US dollars: all the other parts together are `billed`."""

    billed: Decimal = ZERO
    paid: Decimal = ZERO
    patient_responsibility: Decimal = ZERO
    contractual: Decimal = ZERO
    encounter: Decimal = ZERO
    outstanding: Decimal = ZERO
    residual: Decimal = ZERO
    credit: Decimal = ZERO

    def __add__(self, other: "Balance") -> "Balance":
        return Balance(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True)
class ClaimMoney:
    """A claim's balance and what stands beside it; `allowed` is None when neither claim nor lines state it."""

    balance: Balance
    line_count: int
    allowed: Decimal | None
    patient_paid: Decimal


def settle(claim: Row, lines: Sequence[Row], payments: Sequence[Row], as_of_date: date) -> ClaimMoney:
    """Work out one live claim from its live lines and payments."""
    billed = _own(claim, lines, "billed_amount") or ZERO
    allowed = _own(claim, lines, "allowed_amount")
    remittances = _remittances([row for row in payments if row.text("payment_kind") == "payer"])
    patient_paid = _total(payments, "patient_paid_amount") or ZERO
    paid = _paid(claim, lines, remittances)
    patient = _patient_part(claim, lines, remittances, patient_paid)
    contractual = ZERO if allowed is None else billed - allowed
    remainder = billed - paid - patient - contractual
    parts = dict.fromkeys(("encounter", "outstanding", "residual", "credit"), ZERO)
    parts[_class_of_remainder(claim, remainder, as_of_date)] = remainder
    return ClaimMoney(Balance(billed, paid, patient, contractual, **parts), len(lines), allowed, patient_paid)


def _class_of_remainder(claim: Row, remainder: Decimal, as_of_date: date) -> str:
    if remainder < 0:
        return "credit"
    if claim.text("payment_arrangement") == "capitated":
        return "encounter"
    closed_date = claim.date("closed_date")
    is_closed = claim.flag("is_closed") and closed_date is not None and closed_date <= as_of_date
    return "residual" if is_closed else "outstanding"


def _total(rows: Iterable[Row], column: str) -> Decimal | None:
    """Sum of the stated amounts, None when none is stated."""
    stated = [amount for row in rows if (amount := row.amount(column)) is not None]
    return sum(stated, ZERO) if stated else None


def _own(claim: Row, lines: Sequence[Row], column: str) -> Decimal | None:
    """The claim's own figure, from where this claim's money lives; a header figure that no line states counts too."""
    on_lines = _total(lines, column) if claim.text("money_level") == "line" else None
    return claim.amount(column) if on_lines is None else on_lines


def _remittances(payer_rows: Sequence[Row]) -> list[list[Row]]:
    """The rows that speak for each remittance: its claim-level row, else its lines."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in payer_rows:
        grouped[row.text("remittance_id")].append(row)
    speaking = []
    for rows in grouped.values():
        claim_level = [row for row in rows if row.text("payment_level") == "claim"]
        speaking.append(claim_level or rows)
    return speaking


def _paid(claim: Row, lines: Sequence[Row], remittances: Sequence[Sequence[Row]]) -> Decimal:
    if not remittances:
        return _own(claim, lines, "paid_amount") or ZERO
    return sum((_total(rows, "paid_amount") or ZERO for rows in remittances), ZERO)


def _patient_part(claim: Row, lines: Sequence[Row], remittances: Sequence[list[Row]], patient_paid: Decimal) -> Decimal:
    last = max((int(rows[0].text("payer_sequence")) for rows in remittances), default=0)
    settling = [row for rows in remittances if int(rows[0].text("payer_sequence")) == last for row in rows]
    stated = _total(settling, "patient_responsibility_amount")
    own = _own(claim, lines, "patient_responsibility_amount")
    if stated is not None:
        return stated
    return patient_paid if own is None else own
