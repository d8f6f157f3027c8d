"""Money of one slot of a family for the answer key, in plain decimals.

A slot is the claim itself or one bill that adds to it, with all versions.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from lakehouse.demo.denials import (
    CLEAN,
    CONTRACTUAL,
    DENIAL,
    OTHER,
    PATIENT,
    PRIOR_PAYER,
    ZERO,
    Answer,
    outcome_of,
)
from lakehouse.demo.families import Slot
from lakehouse.demo.row import Row

_OWN: Final = ("billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount")


@dataclass(frozen=True)
class SlotMoney:
    """US dollars; billed = paid + patient + contractual + denied + other + encounter + remainder.

    Attributes:
        allowed: None when neither claim nor payer states it.
        adjudicated_on: first day a payer decided, else the claim's own date.
        outcome: of what stands now; None while nobody decided or where there is no denial to speak of.
        initial_outcome: of the first payer's first decision.
    """

    billed: Decimal
    allowed: Decimal | None
    paid: Decimal
    patient: Decimal
    patient_paid: Decimal
    contractual: Decimal
    denied: Decimal
    other: Decimal
    encounter: Decimal
    remainder: Decimal
    line_count: int
    is_live: bool
    is_adjudicated: bool
    adjudicated_on: date | None
    outcome: str | None
    initial_outcome: str | None


@dataclass(frozen=True)
class _Said:
    """What the payer that settles says of the charge, its answers summed; no class is there that was not sent."""

    stands: bool
    paid: Decimal
    paid_before: Decimal
    allowed: Decimal | None
    patient_stated: Decimal | None
    classes: Mapping[str, Decimal]
    is_denied: bool


def settle(slot: Slot, lines: Mapping[str, Sequence[Row]], answers: Sequence[Answer], patient: list[Row]) -> SlotMoney:
    """Work out a slot from the lines of its claims, what payers answered about any version, and patients' payments."""
    claim = slot.last
    own_lines = lines.get(claim.text("claim_id"), ())
    own = {column: _own(claim, own_lines, column) for column in _OWN} if slot.is_live else dict.fromkeys(_OWN)
    said = _said(answers) if answers else None
    patient_paid = _total(patient, "patient_paid_amount") or ZERO
    paid = sum((answer.paid for answer in answers), ZERO) if answers else own["paid_amount"] or ZERO
    billed = own["billed_amount"] or ZERO
    allowed = own["allowed_amount"] if own["allowed_amount"] is not None or said is None else said.allowed
    decided = said.stands if said else bool(claim.date("adjudicated_date") or own["paid_amount"])
    is_capitated = claim.text("payment_arrangement") == "capitated"
    has_outcome = decided and slot.is_live and not is_capitated
    denial = max(said.classes.get(DENIAL, ZERO), ZERO) if said and has_outcome else ZERO
    patient_part = _patient_part(said, own["patient_responsibility_amount"], patient_paid) if slot.is_live else ZERO
    contractual = _contractual(said, billed, allowed, denial) if slot.is_live else ZERO
    other = said.classes.get(OTHER, ZERO) if said and slot.is_live else ZERO
    rest = billed - paid - patient_part - contractual - other
    denied = min(denial, max(rest, ZERO))
    encounter = max(rest - denied, ZERO) if is_capitated else ZERO
    return SlotMoney(
        billed=billed,
        allowed=allowed if slot.is_live else None,
        paid=paid,
        patient=patient_part,
        patient_paid=patient_paid,
        contractual=contractual,
        denied=denied,
        other=other,
        encounter=encounter,
        remainder=rest - denied - encounter,
        line_count=len(own_lines) if slot.is_live else 0,
        is_live=slot.is_live,
        is_adjudicated=decided,
        adjudicated_on=_first_decision(answers) or claim.date("adjudicated_date"),
        outcome=_outcome(said) if has_outcome else None,
        initial_outcome=None if is_capitated else _initial(answers, said, decided=decided),
    )


def _own(claim: Row, lines: Sequence[Row], column: str) -> Decimal | None:
    """The claim's own figure, from where this claim's money lives; a header figure that no line states counts too."""
    on_lines = _total(lines, column) if claim.text("money_level") == "line" else None
    return claim.amount(column) if on_lines is None else on_lines


def _total(rows: Iterable[Row], column: str) -> Decimal | None:
    """Sum of the stated amounts, None when none is stated."""
    stated = [amount for row in rows if (amount := row.amount(column)) is not None]
    return sum(stated, ZERO) if stated else None


def _said(answers: Sequence[Answer]) -> _Said:
    """Of the last payer with an answer that stands, else of the last that answered."""
    by_payer = {number: [a for a in answers if a.sequence == number] for number in {a.sequence for a in answers}}
    settling = max(by_payer, key=lambda number: (_stands(by_payer[number]), number))
    kept = _kept(by_payer[settling])
    allowed = [a.allowed for a in kept if a.allowed is not None]
    patient = [a.patient_stated for a in kept if a.patient_stated is not None]
    names = {name for answer in kept for name in answer.classes}
    decisions = [a for a in by_payer[settling] if a.is_decision]
    return _Said(
        stands=any(_stands(mine) for mine in by_payer.values()),
        paid=sum((a.paid for a in by_payer[settling]), ZERO),
        paid_before=sum((a.paid for a in answers if a.sequence < settling), ZERO),
        allowed=sum(allowed, ZERO) if allowed else None,
        patient_stated=sum(patient, ZERO) if patient else None,
        classes={name: sum((a.classes.get(name, ZERO) for a in kept), ZERO) for name in names},
        is_denied=bool(decisions) and max(decisions, key=_order).is_denied_status,
    )


def _stands(answers: Sequence[Answer]) -> bool:
    return sum(a.is_decision for a in answers) > sum(a.is_reversal for a in answers)


def _kept(answers: Sequence[Answer]) -> list[Answer]:
    """One payer's answers without those that paid nothing and were answered anew: nobody takes such a one back."""
    last = max((a for a in answers if a.is_decision), key=_order, default=None)
    return [
        answer
        for answer in answers
        if answer.paid or last is None or last.remittance_id in (answer.remittance_id, answer.reverses)
    ]


def _order(answer: Answer) -> tuple[date, str]:
    return answer.remit_date, answer.remittance_id


def _first_decision(answers: Sequence[Answer]) -> date | None:
    return min((a.remit_date for a in answers if a.is_decision), default=None)


def _patient_part(said: _Said | None, own: Decimal | None, patient_paid: Decimal) -> Decimal:
    """As adjusted, else as stated by the payer, else by the claim, else what the patient paid."""
    stated = (said.classes.get(PATIENT), said.patient_stated, own) if said else (own,)
    return next((amount for amount in stated if amount is not None), patient_paid)


def _contractual(said: _Said | None, billed: Decimal, allowed: Decimal | None, denial: Decimal) -> Decimal:
    """As sent, with what earlier payers wrote off (their part less payments); else billed less allowed and denied."""
    sent = [] if said is None or CONTRACTUAL not in said.classes else [said.classes[CONTRACTUAL]]
    if said is not None and PRIOR_PAYER in said.classes:
        sent.append(said.classes[PRIOR_PAYER] - said.paid_before)
    if sent:
        return sum(sent, ZERO)
    above = ZERO if allowed is None else billed - allowed
    return max(above - denial, min(above, ZERO))


def _outcome(said: _Said | None) -> str:
    if said is None:
        return CLEAN
    return outcome_of(
        said.paid, said.classes.get(PATIENT, ZERO), said.classes.get(DENIAL, ZERO), is_denied=said.is_denied
    )


def _initial(answers: Sequence[Answer], said: _Said | None, *, decided: bool) -> str | None:
    """What the first payer that decided said first; of a claim that only states its own figures: clean."""
    decisions = [a for a in answers if a.is_decision]
    if decisions:
        first_payer = min(a.sequence for a in decisions)
        return min((a for a in decisions if a.sequence == first_payer), key=_order).outcome
    return CLEAN if said is None and decided else None
