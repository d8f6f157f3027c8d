"""What happens to claims over the days: corrections, deletions, lateness, duplicates. One function, one story."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from lakehouse.demo.case import Case, cents, priced
from lakehouse.demo.opening import draw_figures
from lakehouse.demo.remit import send_remittance
from lakehouse.demo.row import Value


def correct_amounts(case: Case) -> None:
    """Header and lines come again next day with other money; the payer answers the corrected claim a day later."""
    case.send()
    case.figures = draw_figures(case.rng, len(case.lines))
    case.fill_amounts()
    case.send(1, "correction_amount")
    send_remittance(case, 2, style="line")


def correct_month(case: Case) -> None:
    """The service date moves to an earlier month of the same year; the lines are not sent again."""
    year = case.delivery_date().year - 1
    _move_service(case, date(year, 11, case.rng.randrange(1, 29)))
    case.send()
    send_remittance(case)
    _move_service(case, date(year, 10, case.rng.randrange(1, 29)))
    case.send_claim(1, "correction_month")


def correct_year(case: Case) -> None:
    """The service date moves from January back to December; the lines are not sent again."""
    delivered = case.delivery_date()
    latest = min(delivered, date(delivered.year, 1, 28))
    _move_service(case, latest - timedelta(days=case.rng.randrange(latest.day)))
    case.send()
    send_remittance(case)
    _move_service(case, date(delivered.year - 1, 12, case.rng.randrange(1, 29)))
    case.send_claim(1, "correction_year")


def correct_payer(case: Case) -> None:
    """The claim turns out to be another payer's: it leaves one group and joins another."""
    case.send()
    case.claim["payer_name"] = "Cigna" if case.claim["payer_name"] != "Cigna" else "BCBS"
    case.claim["line_of_business"] = "commercial"
    case.send_claim(1, "correction_payer")


def delete_with_lines(case: Case) -> None:
    """Claim and lines are withdrawn next day."""
    case.send()
    case.send_tombstone("claims", 1, {"claim_id": case.claim_id}, "claim_deleted")
    for line in case.lines:
        case.send_tombstone("claim_lines", 1, _line_key(line), "line_deleted")


def delete_then_stale(case: Case) -> None:
    """Only the claim is withdrawn; an older version delivered afterwards must not bring it back."""
    case.send()
    old = case.stamp(0)
    case.send_tombstone("claims", 1, {"claim_id": case.claim_id}, "claim_deleted")
    case.send_claim(2, "stale_after_delete", modified_at=old, values={"claim_status": "in process"})


def delete_line(case: Case) -> None:
    """One line is withdrawn next day; the claim lives on with the others."""
    withdrawn = {**case.lines[0], "line_id": "90", "line_number": "90"}
    case.lines.append(withdrawn)
    case.figures.append(case.figures[0])
    case.fill_amounts()
    case.send()
    case.lines.pop()
    case.figures.pop()
    case.send_tombstone("claim_lines", 1, _line_key(withdrawn), "line_deleted")
    send_remittance(case, 2, style="line")


def delete_payment(case: Case) -> None:
    """A posted remittance is withdrawn next day: the claim is unpaid again."""
    case.send()
    send_remittance(case, states_adjustments=False)
    payment_id = next(row.values["payment_id"] for row in case.rows if row.feed == "payments")
    case.send_tombstone("payments", 1, {"payment_id": payment_id}, "payment_deleted")


def arrive_late(case: Case) -> None:
    """Service happened months before the claim came."""
    _move_service(case, case.delivery_date() - timedelta(days=case.rng.randrange(120, 400)))
    case.send(0, "late_service")
    send_remittance(case, style="both")


def send_lines_first(case: Case) -> None:
    """The lines come a day before their claim."""
    case.send_lines(0, "lines_before_claim")
    case.send_claim(1)


def send_payment_first(case: Case) -> None:
    """The payment comes a day before claim and lines."""
    send_remittance(case, story="payment_before_claim")
    case.send(1)


def send_payment_only(case: Case) -> None:
    """The claim of a payment never comes."""
    send_remittance(case, story="payment_without_claim")


def send_stale(case: Case) -> None:
    """Next day brings an older version with other money and another payer: it must lose."""
    old = case.stamp(0)
    case.send()
    wrong = case.total().billed + Decimal("500.00")
    older: dict[str, Value] = {"payer_name": "Humana", "money_level": "header", "billed_amount": wrong}
    case.send_claim(1, "stale_version", modified_at=old, values=older)
    send_remittance(case, 1)


def send_twice_in_file(case: Case) -> None:
    """Every row of the claim stands twice in the same file."""
    case.send()
    send_remittance(case)
    twice = [row for row in case.rows if row.feed in {"claims", "payments"}]
    case.rows += [replace(row, story=f"duplicate_{row.feed}") for row in twice]


def send_again_next_day(case: Case) -> None:
    """Claim and payment come again unchanged next day."""
    case.send()
    send_remittance(case)
    again = [row for row in case.rows if row.feed in {"claims", "payments"}]
    case.rows += [replace(row, day=row.day + 1, story=f"resent_{row.feed}") for row in again]


def send_tie(case: Case) -> None:
    """Two contents under one `modified_at` and one sequence; money, payer and month agree, whoever wins."""
    case.send()
    first = next(row for row in case.rows if row.feed == "claims")
    other = {**first.values, "claim_status": "pending review", "plan_name": "Choice"}
    case.rows.append(replace(first, values=other, story="tie"))


def send_same_second(case: Case) -> None:
    """Two versions in one second: the greater sequence wins."""
    stamp = case.stamp(0)
    before = case.claim["payer_name"]
    case.send_claim(0, "same_second", modified_at=stamp, values={"payer_name": "Anthem", "claim_status": "submitted"})
    case.versions += 1
    case.send_claim(0, modified_at=stamp, values={"payer_name": before, "claim_status": "finalized"})
    case.send_lines()


def send_formatted_amounts(case: Case) -> None:
    """Amounts of the header with a currency sign and thousands separators."""
    case.figures[0] = priced(Decimal("1234.50"), Decimal("1000.00"), cents(Decimal("100")), "2")
    case.fill_amounts()
    total = case.total()
    texts = {"billed_amount": f"${total.billed:,}", "allowed_amount": f" {total.allowed:,} "}
    case.send_claim(0, "formatted_amount", as_sent=texts)
    case.send_lines(0)
    send_remittance(case, 1, money_text=lambda amount: f"${amount:,.2f}")


def send_untidy_text(case: Case) -> None:
    """Blanks around text and lower-case codes."""
    payer, status = case.claim["payer_name"], case.claim["claim_status"]
    case.send_claim(0, "untidy_text", as_sent={"payer_name": f"  {payer} ", "claim_status": f" {status}"})
    case.lines = [{**line, "procedure_code": "G0439", "procedure_code_system": "hcpcs"} for line in case.lines]
    case.send_lines(0, as_sent={"procedure_code": " g0439"})
    send_remittance(case, 1, style="line")


def _move_service(case: Case, service_from: date) -> None:
    case.claim["service_from_date"] = service_from
    case.claim["service_to_date"] = service_from
    submitted = min(service_from + timedelta(days=4), case.delivery_date())
    case.claim["submitted_date"] = submitted
    case.claim["received_date"] = min(submitted + timedelta(days=1), case.delivery_date())
    if not any(row.feed == "claim_lines" for row in case.rows):
        for line in case.lines:
            line["service_from_date"] = line["service_to_date"] = service_from


def _line_key(line: dict[str, Value]) -> dict[str, Value]:
    return {"claim_id": line["claim_id"], "line_id": line["line_id"]}
