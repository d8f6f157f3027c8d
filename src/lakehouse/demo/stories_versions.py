"""Claims that are versions of one another, or add to one another. One function, one story. X12 837 CLM05-3."""

from lakehouse.demo.case import Case
from lakehouse.demo.opening import draw_figures
from lakehouse.demo.remit import send_remittance


def replace_paid(case: Case) -> None:
    """A replacement (7) of a paid claim: the payer takes the money back and pays the new version."""
    case.send()
    first = send_remittance(case)
    send_remittance(case, 1, [one.negated() for one in case.figures], reverses=first, story="replaced_payment_reversed")
    _next_version(case, 1, "7")
    _charge_anew(case)
    case.send(1, "replacement")
    send_remittance(case, 2, style="line")


def replace_twice(case: Case) -> None:
    """A replacement of a replacement; nobody paid before the last."""
    case.send()
    for offset in (1, 2):
        _next_version(case, offset, "7")
        _charge_anew(case)
        case.send(offset, "replacement")
    send_remittance(case, 2)


def void_before_original(case: Case) -> None:
    """The void (8) comes a day before the claim it voids; what was paid is taken back."""
    original, lines = case.claim, case.lines
    _next_version(case, 0, "8")
    case.send_claim(0, "void_before_original")
    case.claim, case.lines = original, lines
    case.send(1)
    first = send_remittance(case, 1)
    send_remittance(case, 2, [one.negated() for one in case.figures], reverses=first, story="voided_payment_reversed")


def void_paid(case: Case) -> None:
    """A paid claim is voided and nobody takes the money back: it is owed to the payer."""
    case.send()
    send_remittance(case)
    _next_version(case, 1, "8")
    case.send_claim(1, "void")


def charge_late(case: Case) -> None:
    """A charge that was forgotten comes next day as a claim of its own (5) that adds to the first."""
    case.send()
    send_remittance(case)
    _next_version(case, 1, "5")
    case.lines, case.figures = case.lines[:1], draw_figures(case.rng, 1)
    case.fill_amounts()
    case.send(1, "late_charge")
    send_remittance(case, 2)


def bill_in_parts(case: Case) -> None:
    """One stay in two bills, the first (2) and the last (4): each is a claim, and both count."""
    begun = case.claim["service_from_date"]
    case.claim |= {"frequency_code": "2", "admission_date": begun, "discharge_date": None}
    case.send(0, "interim_bill")
    send_remittance(case)
    _next_version(case, 1, "4")
    case.claim |= {"replaces_claim_id": None, "payer_control_number": f"PCN{case.claim_id}"}
    last_days, end = case.delivery_date(), case.delivery_date(1)
    case.claim |= {"service_from_date": last_days, "service_to_date": end, "discharge_date": end}
    case.lines = [{**line, "service_from_date": last_days, "service_to_date": last_days} for line in case.lines]
    _charge_anew(case)
    case.send(1, "interim_bill")
    send_remittance(case, 2)


def _next_version(case: Case, offset: int, frequency_code: str) -> None:
    """The case goes on under another claim id that names the one so far; its control numbers stay."""
    before = case.claim_id
    stem, _, number = before.partition("-")
    claim_id = f"{stem}-{int(number or 1) + 1}"
    sent = {"submitted_date": case.delivery_date(offset), "received_date": case.delivery_date(offset)}
    own = {"claim_id": claim_id, "replaces_claim_id": before, "frequency_code": frequency_code}
    case.claim = {**case.claim, **own, **sent}
    case.lines = [{**line, "claim_id": claim_id} for line in case.lines]


def _charge_anew(case: Case) -> None:
    case.figures = draw_figures(case.rng, len(case.lines))
    case.fill_amounts()
