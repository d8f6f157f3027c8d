"""An ordinary claim before anything is sent: who, what, when, how much."""

import random
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

from lakehouse.demo.case import Case, Figures, cents, priced
from lakehouse.demo.directory import Directory, Member, line_of_business, payer_names
from lakehouse.demo.row import Value

PROCEDURES: Final = (
    ("99213", "cpt"), ("99214", "cpt"), ("93000", "cpt"), ("71046", "cpt"), ("80053", "cpt"),
    ("36415", "cpt"), ("G0439", "hcpcs"), ("J3420", "hcpcs"), ("A4550", "hcpcs"),
)  # fmt: skip
REVENUE_CODES: Final = ("0120", "0250", "0300", "0450")
DIAGNOSES: Final = ("E119", "I10", "J069", "Z0000", "M5450", "E11.9", "R05.1")
COST_SHARES: Final = (("0", "2"), ("0.10", "2"), ("0.20", "2"), ("0.15", "1"), ("0.12", "3"))
INSTITUTIONAL: Final = "institutional"
PROFESSIONAL: Final = "professional"


def open_case(
    directory: Directory,
    rng: random.Random,
    first_day: date,
    day: int,
    claim_id: str,
    *,
    claim_type: str = PROFESSIONAL,
    states_allowed: bool = True,
    service_from: date | None = None,
    allow_header_copy: bool = True,
) -> Case:
    """Draw a claim whose first delivery is `day`: professional money lives on the lines, institutional on the header.

    With `allow_header_copy` some professional claims repeat the sum of their lines on the header, as real senders do.
    """
    member = rng.choice(directory.members)
    delivered = first_day + timedelta(days=day)
    service_from = service_from or delivered - timedelta(days=rng.randrange(3, 60))
    claim = _parties(directory, rng, member, claim_id, claim_type)
    claim.update(_dates(rng, service_from, delivered, claim_type))
    line_count = rng.randrange(2, 5) if claim_type == INSTITUTIONAL else rng.randrange(1, 4)
    lines = [_line(rng, claim, number) for number in range(1, line_count + 1)]
    case = Case(rng, first_day, day, f"{day:04d}{claim_id[-6:]}", claim, lines, draw_figures(rng, line_count))
    case.states_allowed = states_allowed
    case.start_second = rng.randrange(36_000)
    case.states_header = allow_header_copy and rng.random() < 0.3
    case.fill_amounts()
    return case


def draw_figures(rng: random.Random, line_count: int) -> list[Figures]:
    """Prices of as many lines; one cost share for the claim, so equal lines stay possible."""
    share, reason = rng.choice(COST_SHARES)
    return [_draw_line_figures(rng, Decimal(share), reason) for _ in range(line_count)]


def _draw_line_figures(rng: random.Random, share: Decimal, reason: str) -> Figures:
    billed = Decimal(rng.randrange(4_000, 60_000)) / 100
    allowed = cents(billed * rng.randrange(45, 101) / 100)
    return priced(billed, allowed, cents(allowed * share), reason)


def _parties(
    directory: Directory, rng: random.Random, member: Member, claim_id: str, claim_type: str
) -> dict[str, Value]:
    billing, rendering = rng.choice(directory.organizations), rng.choice(directory.individuals)
    is_institutional = claim_type == INSTITUTIONAL
    return {
        "claim_id": claim_id,
        "payer_control_number": f"PCN{claim_id}",
        "patient_control_number": f"ACC{claim_id}",
        "frequency_code": rng.choice(("1", "1", "1", None)),
        "claim_type": claim_type,
        "member_id": member.member_id,
        "payer_name": rng.choice(payer_names(member.payer_code)),
        "plan_name": "Standard",
        "line_of_business": line_of_business(member.payer_code),
        "billing_provider_id": billing.provider_id,
        "billing_npi": billing.npi,
        "rendering_provider_id": rendering.provider_id,
        "rendering_npi": rendering.npi,
        "facility_provider_id": billing.provider_id if is_institutional else None,
        "bill_type_code": "0131" if is_institutional else None,
        "diagnosis_codes": tuple(rng.sample(DIAGNOSES, rng.randrange(1, 4))),
        "claim_status": rng.choice(("submitted", "in process", "finalized")),
        "payment_arrangement": rng.choice(("fee_for_service", None)),
        "money_level": "header" if is_institutional else "line",
        "is_closed": False,
    }


def _dates(rng: random.Random, service_from: date, delivered: date, claim_type: str) -> dict[str, Value]:
    stay = rng.randrange(1, 3) if claim_type == INSTITUTIONAL else 0
    service_to = service_from + timedelta(days=stay)
    submitted = min(service_to + timedelta(days=rng.randrange(1, 6)), delivered)
    return {
        "service_from_date": service_from,
        "service_to_date": service_to,
        "admission_date": service_from if stay else None,
        "discharge_date": service_to if stay else None,
        "submitted_date": submitted,
        "received_date": min(submitted + timedelta(days=1), delivered),
    }


def _line(rng: random.Random, claim: dict[str, Value], number: int) -> dict[str, Value]:
    procedure_code, system = rng.choice(PROCEDURES)
    is_institutional = claim["claim_type"] == INSTITUTIONAL
    return {
        "claim_id": claim["claim_id"],
        "line_id": f"{number:02d}",
        "line_number": str(number),
        "service_from_date": claim["service_from_date"],
        "service_to_date": claim["service_from_date"],
        "procedure_code": procedure_code,
        "procedure_code_system": system,
        "modifiers": _modifiers(rng),
        "revenue_code": rng.choice(REVENUE_CODES) if is_institutional else None,
        "place_of_service_code": None if is_institutional else "11",
        "units": str(rng.choice((1, 1, 1, 2))),
        "rendering_provider_id": claim["rendering_provider_id"],
        "rendering_npi": claim["rendering_npi"],
        "is_deleted": False,
    }


def _modifiers(rng: random.Random) -> tuple[str, ...]:
    choices: Sequence[tuple[str, ...]] = ((), (), (), ("25",), ("25", "59"))
    return rng.choice(choices)
