"""What payers deny, and what becomes of it. One function, one story. X12 835 CLP02, CAS."""

from decimal import Decimal
from typing import Final

from lakehouse.demo.case import ZERO, Case, Figures, cents, summed
from lakehouse.demo.remit import send_remittance, send_remittance_again
from lakehouse.demo.stories_money import close

DENIED: Final = "4"


def deny_in_full(case: Case) -> None:
    """Sent after the payer's limit: nothing is paid, and the claim is still worked."""
    case.send(0, "denied")
    send_remittance(case, 0, _denied(case, "CO", "29"), status=DENIED)


def deny_and_close(case: Case) -> None:
    """As `deny_in_full`, and given up next day: the denial is final."""
    case.send()
    send_remittance(case, 0, _denied(case, "CO", "29"), status=DENIED)
    close(case, 1, "denied_and_closed")


def deny_without_status(case: Case) -> None:
    """Denied with a code of the network's own; the payer's status says processed as primary."""
    case.send()
    code = case.rng.choice(("D-16", "NOAUTH", "NOREF"))
    send_remittance(case, 0, _denied(case, "CO", code), story="denied_by_own_code")


def deny_line(case: Case) -> None:
    """One line is denied as part of another, the others are paid."""
    _split_line(case)
    case.send()
    answer = [*_denied(case, "CO", "97")[:1], *case.figures[1:]]
    send_remittance(case, 0, answer, style="line", story="denied_in_part")


def deny_line_and_close(case: Case) -> None:
    """As `deny_line`, and given up next day."""
    deny_line(case)
    close(case, 1, "denied_in_part_and_closed")


def deny_part_of_line(case: Case) -> None:
    """A quarter of the first line is denied, the rest of it and the other lines are paid."""
    case.send()
    first = case.figures[0]
    denied = cents(first.billed / 4)
    left = first.billed - denied
    answer = [Figures(first.billed, left, left, ZERO, (("CO", "97", denied),)), *case.figures[1:]]
    send_remittance(case, 0, answer, style="line", story="line_denied_in_part")


def deny_part_of_claim(case: Case) -> None:
    """As `deny_line`, but the payer answers the claim as a whole: of no line is it said what became of it."""
    _split_line(case)
    case.send()
    answer = [*_denied(case, "CO", "97")[:1], *case.figures[1:]]
    send_remittance(case, 0, answer, story="denied_in_part_without_lines")


def overturn(case: Case) -> None:
    """Denied, appealed, paid: the denial was the first answer and is not the last."""
    case.send()
    send_remittance(case, 0, _denied(case, "CO", "NOAUTH"), status=DENIED)
    case.claim["appeal_date"] = case.delivery_date(1)
    case.claim["appeal_outcome"] = "overturned"
    case.send_claim(1, "appealed")
    send_remittance(case, 2, story="denial_overturned")


def deny_as_duplicate(case: Case) -> None:
    """Paid; a day later the same claim is answered once more as sent before, which decides nothing."""
    case.send()
    send_remittance(case)
    send_remittance(case, 1, _denied(case, "OA", "18"), status=DENIED, story="denied_as_duplicate")


def send_answer_twice(case: Case) -> None:
    """The payer's answer comes again in the next delivery, the same check under other ids: it counts once."""
    case.send()
    send_remittance(case)
    send_remittance_again(case, 1, "remittance_again")


def adjust_by_unknown_code(case: Case) -> None:
    """Paid, but what was written off has a code that nobody explained: it is no denial."""
    case.send()
    answer = [_recoded(one, "ZZ7") for one in case.figures]
    send_remittance(case, 0, [summed(answer)], story="unknown_code")


def deny_by_unknown_code(case: Case) -> None:
    """Nothing paid, nothing left to the patient, and a code that nobody explained: a denial."""
    case.send()
    send_remittance(case, 0, _denied(case, "CO", "ZZ8"), story="denied_by_unknown_code")


def hold_back(case: Case) -> None:
    """A small part is held back for a programme, which is neither contract nor denial."""
    case.send()
    held = min(Decimal("1.50"), case.figures[0].paid)
    first = case.figures[0]
    kept = (*first.adjustments, ("OA", "QHOLD", held))
    less = Figures(first.billed, first.allowed, first.paid - held, first.patient_responsibility, kept)
    send_remittance(case, 0, [less, *case.figures[1:]], story="held_back")


def reverse_what_never_came(case: Case) -> None:
    """The payer takes back a payment from before the first delivery: a reversal without what it reverses."""
    case.send()
    back = Figures(Decimal("-40.00"), Decimal("-40.00"), Decimal("-40.00"), ZERO)
    send_remittance(case, 1, [back], reverses=f"R0{case.claim_id}", story="orphan_reversal")


def _denied(case: Case, group: str, reason: str) -> list[Figures]:
    return [Figures(one.billed, ZERO, ZERO, ZERO, ((group, reason, one.billed),)) for one in case.figures]


def _recoded(one: Figures, reason: str) -> Figures:
    renamed = tuple((group, reason if group == "CO" else code, amount) for group, code, amount in one.adjustments)
    return Figures(one.billed, one.allowed, one.paid, one.patient_responsibility, renamed)


def _split_line(case: Case) -> None:
    """At least two lines: a copy under another id where there is one only."""
    if len(case.lines) == 1:
        case.lines.append({**case.lines[0], "line_id": "02", "line_number": "2", "procedure_code": "36415"})
        case.figures.append(case.figures[0])
        case.fill_amounts()
