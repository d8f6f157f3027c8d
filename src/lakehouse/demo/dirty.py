"""Rows that must not reach Silver, or cannot even be read, each with its place in the answer key."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Final

from lakehouse.demo.case import Case
from lakehouse.demo.remit import send_remittance
from lakehouse.demo.row import Row, Value

BAD_AMOUNT: Final = "12,3x"
BAD_DATE: Final = "2026-02-30"
OpenCase = Callable[[int, str], Case]


def dirty_rows(open_dirty: OpenCase, copies: int) -> Iterator[Row]:
    """All dirty rows of the cases that start on one day, with the sound rows around them.

    Args:
        open_dirty: makes a case from a number unique on the day and a claim type.
        copies: how many of each quarantined row.
    """
    for copy in range(copies):
        for number, spoil in enumerate(SPOILERS):
            case = open_dirty(copy * len(SPOILERS) + number, "institutional" if number % 2 else "professional")
            spoil(case)
            yield from case.rows
    for number, undecodable in enumerate(UNDECODABLE, start=900):
        case = open_dirty(number, "institutional")
        undecodable(case)
        yield from case.rows


def _bad_date_repaired(case: Case) -> None:
    """The claim is set aside for its date and comes right next day; its lines and payment wait for it."""
    case.send_claim(0, fault="unparseable_date", as_sent={"service_from_date": BAD_DATE})
    case.send_lines()
    send_remittance(case)
    case.send_claim(1, "repaired")


def _bad_amount(case: Case) -> None:
    """The header's charge is no number; nobody repairs it, the lines stay without a claim."""
    case.send_claim(0, fault="unparseable_amount", as_sent={"billed_amount": BAD_AMOUNT})
    case.send_lines()


def _missing_service_date(case: Case) -> None:
    case.send_claim(0, fault="missing_service_date", values={"service_from_date": None})
    case.send_lines()


def _missing_claim_id(case: Case) -> None:
    case.send_claim(0, fault="missing_claim_id", values={"claim_id": None})


def _bad_correction(case: Case) -> None:
    """The correction cannot be read: the version before it stays the newest."""
    case.send()
    case.send_claim(
        1, fault="unparseable_date", values={"claim_status": "finalized"}, as_sent={"service_to_date": "not a date"}
    )


def _bad_line_amount(case: Case) -> None:
    case.send()
    _send_extra_line(case, "unparseable_amount", {}, {"billed_amount": BAD_AMOUNT})


def _bad_line_date(case: Case) -> None:
    case.send()
    _send_extra_line(case, "unparseable_date", {}, {"service_from_date": BAD_DATE})


def _line_without_claim_id(case: Case) -> None:
    case.send()
    _send_extra_line(case, "missing_claim_id", {"claim_id": None}, {})


def _bad_payment_amount(case: Case) -> None:
    case.send()
    _send_bad_payment(case, "unparseable_amount", {}, {"paid_amount": BAD_AMOUNT})


def _bad_payment_date(case: Case) -> None:
    case.send()
    _send_bad_payment(case, "unparseable_date", {}, {"remit_date": "31/31/2026"})


def _payment_without_remittance(case: Case) -> None:
    case.send()
    _send_bad_payment(case, "missing_remittance_id", {"remittance_id": None}, {})


def _wrong_width(case: Case) -> None:
    case.send_claim(0, fault="wrong_width")
    _send_bad_payment(case, "wrong_width", {}, {})


def _broken_quote(case: Case) -> None:
    case.send_claim(0, fault="broken_quote")


def _bad_encoding(case: Case) -> None:
    case.send_claim(0, fault="bad_encoding", values={"plan_name": "Régional"})
    case.lines = [{**case.lines[0], "rendering_provider_id": "HPé"}]
    case.send_lines()
    case.rows[-1] = replace(case.rows[-1], fault="bad_encoding")


def _send_extra_line(case: Case, fault: str, values: dict[str, Value], as_sent: dict[str, str]) -> None:
    line = {**case.lines[0], "line_id": "99", "line_number": "99", "modified_at": case.stamp(0), **values}
    case.rows.append(Row("claim_lines", case.day, line, as_sent, fault))


def _send_bad_payment(case: Case, fault: str, values: dict[str, Value], as_sent: dict[str, str]) -> None:
    own: dict[str, Value] = {
        "remittance_id": f"R{case.claim_id}99",
        "payment_kind": "payer",
        "payer_sequence": "1",
        "remit_status_code": "1",
        "paid_amount": Decimal("25.00"),
        "remit_date": case.delivery_date() - timedelta(days=1),
    }
    case.send_payment(0, {**own, **values}, (), "", as_sent, fault)


SPOILERS: Final[tuple[Callable[[Case], None], ...]] = (
    _bad_date_repaired,
    _bad_amount,
    _missing_service_date,
    _missing_claim_id,
    _bad_correction,
    _bad_line_amount,
    _bad_line_date,
    _line_without_claim_id,
    _bad_payment_amount,
    _bad_payment_date,
    _payment_without_remittance,
)
UNDECODABLE: Final[tuple[Callable[[Case], None], ...]] = (_wrong_width, _broken_quote, _bad_encoding)
