"""Remittances and patient payments about a case."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from lakehouse.demo.case import ZERO, Adjustment, Case, Figures, summed
from lakehouse.demo.row import Value

MoneyText = Callable[[Decimal], str]


def next_remittance_id(case: Case) -> str:
    """A fresh remittance identifier."""
    case.remittances += 1
    return f"R{case.claim_id}{case.remittances:02d}"


def send_remittance(
    case: Case,
    offset: int = 0,
    figures: Sequence[Figures] | None = None,
    *,
    style: str = "claim",
    sequence: int = 1,
    reverses: str | None = None,
    status: str | None = None,
    states_patient: bool = True,
    states_adjustments: bool = True,
    story: str = "",
    money_text: MoneyText | None = None,
) -> str:
    """Send one payer's answer and return its remittance id.

    `style` is `claim` (one row), `line` (a row per line) or `both` (the claim's row repeats the sum of its lines; the
    adjustments stand on the lines). `reverses` makes it a reversal (status 22, the figures must be negative already).
    `status` is the payer's word where it is not that it processed the claim in its place among the payers.
    `money_text` writes the amounts in the sender's own way, e.g. negative ones in parentheses.
    """
    answer = list(case.figures if figures is None else figures)
    remittance_id = next_remittance_id(case)
    shared: dict[str, Value] = {
        "remittance_id": remittance_id,
        "payment_kind": "payer",
        "payer_sequence": str(sequence),
        "remit_status_code": status or ("22" if reverses else str(sequence)),
        "trace_number": f"EFT{remittance_id[1:]}",
        "reverses_remittance_id": reverses,
    }
    levels: list[tuple[Figures, dict[str, Value], bool]] = []
    if style in {"claim", "both"}:
        levels.append((summed(answer), {"payment_level": "claim"}, style == "claim"))
    if style in {"line", "both"}:
        for line, one in zip(case.lines, answer, strict=True):
            levels.append((one, {"payment_level": "line", "line_id": line["line_id"]}, True))
    for number, (one, level, has_adjustments) in enumerate(levels):
        values = {**shared, **level, **_amounts(one, states_patient=states_patient)}
        sent = _spelled(values, money_text)
        adjustments = one.adjustments if has_adjustments and states_adjustments else ()
        case.send_payment(offset, values, adjustments, story if number == 0 else "", sent)
    return remittance_id


def secondary_answer(primary: Figures, share: Decimal, extra: Decimal = ZERO) -> Figures:
    """What a second payer answers: it takes `share` of the patient's part, plus `extra` dollars nobody owed."""
    takes = (primary.patient_responsibility * share).quantize(Decimal("0.01"))
    rest = primary.patient_responsibility - takes
    adjustments: list[Adjustment] = [("OA", "23", primary.billed - primary.patient_responsibility)]
    if rest > 0:
        adjustments.append(("PR", "2", rest))
    return Figures(primary.billed, primary.allowed, takes + extra, rest, tuple(adjustments))


def send_patient_payment(case: Case, offset: int, amount: Decimal, story: str = "") -> None:
    """Send money the patient paid."""
    values: dict[str, Value] = {
        "remittance_id": next_remittance_id(case),
        "payment_kind": "patient",
        "payer_name": None,
        "patient_paid_amount": amount,
    }
    case.send_payment(offset, values, (), story)


def send_write_off(case: Case, offset: int, amount: Decimal) -> None:
    """Send a write-off by the provider: no money moved, the amount stands in its adjustment."""
    values: dict[str, Value] = {
        "remittance_id": next_remittance_id(case),
        "payment_kind": "writeoff",
        "payer_name": None,
    }
    case.send_payment(offset, values, [("OA", "A1", amount)], "write_off")


def _amounts(one: Figures, *, states_patient: bool) -> dict[str, Value]:
    return {
        "billed_amount": one.billed,
        "allowed_amount": one.allowed,
        "paid_amount": one.paid,
        "patient_responsibility_amount": one.patient_responsibility if states_patient else None,
    }


def _spelled(values: dict[str, Value], money_text: MoneyText | None) -> dict[str, str]:
    if money_text is None:
        return {}
    return {column: money_text(value) for column, value in values.items() if isinstance(value, Decimal)}


def send_remittance_again(case: Case, offset: int, story: str) -> None:
    """Send every remittance so far once more: the same checks, other ids."""
    sent = [row for row in case.rows if row.feed in {"payments", "adjustments"}]
    stamp, again = case.stamp(offset), {"remittance_id": next_remittance_id(case)}
    for row in sent:
        values = {**row.values, "payment_id": f"{row.values['payment_id']}A", "modified_at": stamp}
        is_payment = row.feed == "payments"
        own = {**values, **again} if is_payment else values
        case.rows.append(replace(row, day=case.day + offset, values=own, story=story if is_payment else ""))
