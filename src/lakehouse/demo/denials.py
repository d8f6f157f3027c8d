"""What payers answered, for the answer key: adjustments classed by a table written by hand, remittances, denials.

A remittance is one payer's answer about one claim. Source of the classes: X12 835 CAS, contracts of the feeds.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from lakehouse.demo.row import Row

ZERO: Final = Decimal("0.00")
PATIENT, PRIOR_PAYER, DENIAL, CONTRACTUAL, OTHER = "patient", "prior_payer", "denial", "contractual", "other"
FULL, PARTIAL, CLEAN = "full", "partial", "clean"
CLASSES: Final[Mapping[tuple[str, str], str]] = {
    ("PR", "1"): PATIENT,
    ("PR", "2"): PATIENT,
    ("PR", "3"): PATIENT,
    ("OA", "23"): PRIOR_PAYER,
    ("CO", "45"): CONTRACTUAL,
    ("CO", "FEEADJ"): CONTRACTUAL,
    ("CO", "QHOLD"): CONTRACTUAL,
    ("OA", "QHOLD"): OTHER,
    ("CO", "D-16"): DENIAL,
    ("OA", "18"): DENIAL,
    ("CO", "29"): DENIAL,
    ("CO", "97"): DENIAL,
    ("CO", "NOAUTH"): DENIAL,
    ("CO", "NOREF"): DENIAL,
}
"""What is in it nobody needs to guess; any other code is unknown."""
DUPLICATE_REASON: Final = "18"
REVERSAL_STATUS, DENIED_STATUS = "22", "4"


@dataclass(frozen=True)
class Answer:
    """One remittance of a payer, its rows combined; US dollars.

    Attributes:
        classes: class -> sum of its adjustments, absent where none was sent.
        is_decision: the payer decided; a reversal does not, nor does an answer that only says "sent before".
    """

    remittance_id: str
    claim_id: str
    sequence: int
    remit_date: date
    reverses: str
    paid: Decimal
    allowed: Decimal | None
    patient_stated: Decimal | None
    classes: Mapping[str, Decimal]
    is_denied_status: bool
    is_reversal: bool
    is_decision: bool

    @property
    def denied(self) -> Decimal:
        """Denied by it."""
        return self.classes.get(DENIAL, ZERO)

    @property
    def outcome(self) -> str:
        """Whether it denied in full, in part, or not."""
        return outcome_of(self.paid, self.classes.get(PATIENT, ZERO), self.denied, is_denied=self.is_denied_status)


def outcome_of(paid: Decimal, patient: Decimal, denied: Decimal, *, is_denied: bool) -> str:
    """Full: status 4, or nothing paid, nothing left to the patient, something denied. Partial: something denied."""
    if is_denied or (paid == 0 and patient == 0 and denied > 0):
        return FULL
    return PARTIAL if denied > 0 else CLEAN


def answers_of(payments: Sequence[Row], adjustments: Mapping[str, Sequence[Row]]) -> list[Answer]:
    """The answers of payers among the payments, said twice counted once; those that decide nothing are left out."""
    again = said_again(payments, adjustments)
    grouped: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in payments:
        if row.text("payment_kind") == "payer" and row.text("payment_id") not in again:
            grouped[row.text("claim_id"), row.text("remittance_id")].append(row)
    found = [_answer(rows, [a for row in rows for a in _of(row, adjustments)]) for rows in grouped.values()]
    return [answer for answer in found if answer.is_decision or answer.is_reversal]


def said_again(payments: Sequence[Row], adjustments: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """Payment id -> remittance id of rows that another delivery said before under other ids (domain.md X05)."""
    same: dict[tuple[object, ...], list[Row]] = defaultdict(list)
    for row in payments:
        if row.text("payment_kind") == "payer" and row.text("trace_number"):
            same[_said(row, _of(row, adjustments))].append(row)
    again: dict[str, str] = {}
    for rows in same.values():
        first = min(rows, key=lambda row: (row.order()[0], row.text("payment_id")))
        again |= {row.text("payment_id"): row.text("remittance_id") for row in rows if row.day != first.day}
    return again


def reversal_matches(answers: Sequence[Answer]) -> list[str]:
    """Of each reversal: exact (takes back to the cent what it names), inexact, or orphan (what it names never came)."""
    decided: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for answer in answers:
        if answer.is_decision:
            decided[answer.claim_id, answer.remittance_id].append(answer.paid)
    found = []
    for back in answers:
        if back.is_reversal:
            meant = decided.get((back.claim_id, back.reverses), [])
            found.append("exact" if -back.paid in meant else "inexact" if meant else "orphan")
    return found


def _of(row: Row, adjustments: Mapping[str, Sequence[Row]]) -> Sequence[Row]:
    return adjustments.get(row.text("payment_id"), ())


def _said(row: Row, adjustments: Sequence[Row]) -> tuple[object, ...]:
    columns = (
        "claim_id", "payer_name", "trace_number", "line_id", "payment_level", "remit_status_code", "billed_amount",
        "allowed_amount", "paid_amount", "patient_responsibility_amount", "patient_paid_amount",
    )  # fmt: skip
    codes = sorted((a.text("group_code"), a.text("reason_code"), a.amount("amount") or ZERO) for a in adjustments)
    return (*(row.values.get(column) for column in columns), tuple(codes))


def _answer(rows: Sequence[Row], adjustments: Sequence[Row]) -> Answer:
    first = rows[0]
    status, paid = first.text("remit_status_code"), _stated(rows, "paid_amount") or ZERO
    classes = _classes(adjustments, is_paid=paid != 0)
    is_denied = status == DENIED_STATUS
    if is_denied and DENIAL not in classes:
        classes[DENIAL] = _stated(rows, "billed_amount") or ZERO
    denying = {a.text("reason_code") for a in adjustments if _class_of(a) in (DENIAL, None)}
    says_nothing = paid == 0 and denying == {DUPLICATE_REASON}
    return Answer(
        remittance_id=first.text("remittance_id"),
        claim_id=first.text("claim_id"),
        sequence=int(first.text("payer_sequence") or "1"),
        remit_date=first.date("remit_date") or date.min,
        reverses=first.text("reverses_remittance_id"),
        paid=paid,
        allowed=_stated(rows, "allowed_amount"),
        patient_stated=_stated(rows, "patient_responsibility_amount"),
        classes=classes,
        is_denied_status=is_denied,
        is_reversal=status == REVERSAL_STATUS,
        is_decision=status != REVERSAL_STATUS and not says_nothing,
    )


def _classes(adjustments: Sequence[Row], *, is_paid: bool) -> dict[str, Decimal]:
    """Class -> sum. A code nobody knows denies only where nothing was paid and nothing was left to the patient."""
    leaves_patient = any(_class_of(a) == PATIENT for a in adjustments)
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for adjustment in adjustments:
        unknown = CONTRACTUAL if adjustment.text("group_code") in ("CO", "PI") else OTHER
        if not is_paid and not leaves_patient:
            unknown = DENIAL
        sums[_class_of(adjustment) or unknown] += adjustment.amount("amount") or ZERO
    return dict(sums)


def _class_of(adjustment: Row) -> str | None:
    return CLASSES.get((adjustment.text("group_code"), adjustment.text("reason_code")))


def _stated(rows: Sequence[Row], column: str) -> Decimal | None:
    """What the claim's own row states, else the sum of what the lines do; None when nobody states it."""
    by_level: dict[bool, list[Decimal]] = defaultdict(list)
    for row in rows:
        amount = row.amount(column)
        if amount is not None:
            by_level[row.text("payment_level") == "claim"].append(amount)
    stated = by_level[True] or by_level[False]
    return sum(stated, ZERO) if stated else None


def by_payment(adjustments: Iterable[Row]) -> dict[str, list[Row]]:
    """Payment id -> its adjustments."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in adjustments:
        grouped[row.text("payment_id")].append(row)
    return grouped
