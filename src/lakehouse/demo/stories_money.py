"""How claims are paid: by the payer, again, by a second payer, by the patient, or not. One function, one story."""

from datetime import date, timedelta
from decimal import Decimal

from lakehouse.demo.case import ZERO, Case, Figures, cents, priced, summed
from lakehouse.demo.remit import (
    next_remittance_id,
    secondary_answer,
    send_patient_payment,
    send_remittance,
    send_write_off,
)
from lakehouse.demo.row import Value


def pay_by_line(case: Case) -> None:
    """The payer answers on the day or the day after, row by line, by claim, or both."""
    case.send()
    style = case.rng.choice(("claim", "line", "both"))
    send_remittance(case, case.rng.randrange(2), style=style, states_adjustments=case.rng.random() < 0.8)


def pay_by_claim(case: Case) -> None:
    """Institutional money lives on the header, and so does the answer."""
    case.send()
    send_remittance(case, case.rng.randrange(2), story="header_money")


def leave_unadjudicated(case: Case) -> None:
    """No payer has answered; nothing is stated but the charge."""
    case.send(0, "unadjudicated")


def leave_for_months(case: Case) -> None:
    """Served and sent to the payer a hundred days before it came to us, and not answered yet."""
    for row in (case.claim, *case.lines):
        row.update({column: day - timedelta(days=100) for column, day in row.items() if isinstance(day, date)})
    case.send(0, "unadjudicated_for_months")


def settle_with_provider(case: Case) -> None:
    """Paid; and the payer takes back an old overpayment from the provider, outside of any claim."""
    case.send()
    send_remittance(case)
    taken: dict[str, Value] = {
        "claim_id": None,
        "remittance_id": next_remittance_id(case),
        "payment_kind": "provider_level",
        "paid_amount": Decimal("-12.50"),
    }
    case.send_payment(1, taken, story="provider_level")


def pay_without_allowed(case: Case) -> None:
    """The whole charge is paid; the claim states no allowed amount and no adjustment is sent."""
    case.figures = [priced(one.billed, one.billed, ZERO, "2") for one in case.figures]
    case.send(0, "paid_without_allowed")
    send_remittance(case, 1)


def repeat_header_money(case: Case) -> None:
    """An institutional sender repeats the header's allowed amount on each of its lines: it counts once."""
    total = case.total()
    for line in case.lines:
        line["allowed_amount"] = total.allowed
    case.send(0, "repeated_header_money")
    send_remittance(case)


def reverse_and_correct(case: Case) -> None:
    """Paid, taken back (negative amounts, status 22), paid again with other figures."""
    case.send()
    first = send_remittance(case, style="line")
    back = [one.negated() for one in case.figures]
    send_remittance(case, 1, back, style="line", reverses=first, story="reversal")
    again = [_with_patient_part(one, one.allowed / 4) for one in case.figures]
    send_remittance(case, 1, again, style="line", story="corrected_payment")


def reverse_in_parentheses(case: Case) -> None:
    """A reversal whose amounts are written in parentheses; the corrected payment comes a day later."""
    case.send()
    first = send_remittance(case)
    back = [one.negated() for one in case.figures]
    send_remittance(case, 1, back, reverses=first, story="reversal_in_parentheses", money_text=in_parentheses)
    send_remittance(case, 2, [_with_patient_part(one, ZERO) for one in case.figures])


def settle_with_patient(case: Case) -> None:
    """Payer pays short, patient pays part of what he owes, the rest is written off and the claim closed."""
    case.figures = [_with_patient_part(one, one.allowed / 5) for one in case.figures]
    case.send()
    owed = case.total().patient_responsibility
    send_remittance(case, 0, [_underpaid(one) for one in case.figures])
    send_patient_payment(case, 1, cents(owed / 2), "patient_payment")
    send_write_off(case, 1, owed - cents(owed / 2))
    close(case, 1)


def pay_secondary(case: Case) -> None:
    """A second payer takes half of what the first left to the patient."""
    _secondary(case, Decimal("0.5"), ZERO, "secondary_payer")


def overpay_secondary(case: Case) -> None:
    """A second payer pays more than was left: the claim ends in credit."""
    _secondary(case, Decimal("1"), Decimal("35.00"), "credit")


def capitate(case: Case) -> None:
    """An encounter under capitation: no allowed amount, no remittance, never A/R."""
    case.claim["payment_arrangement"] = "capitated"
    case.send(0, "capitated")


def capitate_with_copay(case: Case) -> None:
    """An encounter under capitation for which the patient paid a copay."""
    capitate(case)
    send_patient_payment(case, 0, Decimal("20.00"))


def state_own_figures(case: Case) -> None:
    """No remittance is ever sent; the claim itself says what was paid and what the patient owes."""
    case.claim["adjudicated_date"] = case.claim["received_date"]
    if case.claim["money_level"] == "header":
        total = case.total()
        case.claim["paid_amount"] = total.paid
        case.claim["patient_responsibility_amount"] = total.patient_responsibility
    else:
        for line, one in zip(case.lines, case.figures, strict=True):
            line["paid_amount"], line["patient_responsibility_amount"] = one.paid, one.patient_responsibility
    case.send(0, "own_figures")
    close(case, 1)


def take_patient_part_from_claim(case: Case) -> None:
    """The payer's answer does not state the patient's part, the claim does."""
    case.figures = [_with_patient_part(one, one.allowed / 10) for one in case.figures]
    case.claim["patient_responsibility_amount"] = case.total().patient_responsibility
    case.send(0, "patient_part_from_claim")
    send_remittance(case, 1, states_patient=False, states_adjustments=False)


def take_patient_part_from_payments(case: Case) -> None:
    """Neither answer nor claim states the patient's part; what the patient paid stands for it."""
    case.figures = [_with_patient_part(one, one.allowed / 10) for one in case.figures]
    case.send(0, "patient_part_from_payments")
    send_remittance(case, 0, states_patient=False, states_adjustments=False)
    send_patient_payment(case, 1, cents(case.total().patient_responsibility / 2))


def underpay_open(case: Case) -> None:
    """Paid short, still worked: the rest is outstanding."""
    case.send(0, "underpaid_open")
    send_remittance(case, 0, [_underpaid(one) for one in case.figures])


def underpay_closed(case: Case) -> None:
    """Paid short and closed next day: the rest is residual."""
    case.send()
    send_remittance(case, 0, [_underpaid(one) for one in case.figures])
    close(case, 1, "underpaid_closed")


def close_tomorrow(case: Case) -> None:
    """Closed with tomorrow's date: outstanding today, residual from tomorrow on, with no new row."""
    case.claim["is_closed"] = True
    case.claim["closed_date"] = case.delivery_date() + timedelta(days=1)
    case.send(0, "closes_tomorrow")
    send_remittance(case, 0, [_underpaid(one) for one in case.figures])


def pay_self(case: Case) -> None:
    """No insurer at all; what the patient paid so far is the patient's part."""
    case.claim["payer_name"] = case.rng.choice(("Self Pay", None))
    case.claim["plan_name"] = case.claim["line_of_business"] = None
    case.send(0, "self_pay")
    send_patient_payment(case, 1, cents(case.total().billed / 3))


def in_parentheses(amount: Decimal) -> str:
    """Accounting style: a negative amount stands in parentheses."""
    return f"({-amount:.2f})" if amount < 0 else f"{amount:.2f}"


def close(case: Case, offset: int, story: str = "closed") -> None:
    """Send the claim closed."""
    case.claim["is_closed"] = True
    case.claim["closed_date"] = case.delivery_date(offset)
    case.send_claim(offset, story)


def _secondary(case: Case, share: Decimal, extra: Decimal, story: str) -> None:
    case.figures = [_with_patient_part(one, one.allowed / 5) for one in case.figures]
    case.claim["secondary_payer_name"] = "Humana"
    case.send()
    send_remittance(case)
    answer = secondary_answer(summed(case.figures), share, extra)
    send_remittance(case, 1, [answer], sequence=2, story=story)


def _with_patient_part(one: Figures, patient: Decimal) -> Figures:
    return priced(one.billed, one.allowed, cents(patient), "2")


def _underpaid(one: Figures) -> Figures:
    patient = one.patient_responsibility
    return priced(one.billed, one.allowed, patient, "2", cents((one.allowed - patient) * Decimal("0.7")))
