"""Random histories of settled claims, as the Silver tables hold them that Gold reads.

A history is a few claims that own some months: of service, submission, adjudication and posting. No other history has
rows in these months, so a month that a build missed shows. Its rows keep what Silver promises of them: money adds up,
lines, denial reasons and postings carry the months and dates of their claim; voided claims and copies have none.
"""

import random
from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from lakehouse.reference.payer_mapping import PAYER_CODES
from lakehouse.silver.claim_copies import CONFLICT, EXACT, POSSIBLE
from lakehouse.silver.claim_copy import MONTHS, claim_copy
from lakehouse.silver.claim_final import claim_final
from lakehouse.silver.coverage import ELIG_STATUSES
from lakehouse.silver.denial_reason import denial_reason
from lakehouse.silver.family_settlement import FINAL_STATUSES
from lakehouse.silver.held_payment import REASONS, held_payment
from lakehouse.silver.line_outcome import line_outcome
from lakehouse.silver.payment import payment
from lakehouse.silver.posting import posting
from lakehouse.silver.remittances import CLEAN, FULL, PARTIAL
from lakehouse.spec.table import Table

TABLES: tuple[Table, ...] = (claim_final, claim_copy, line_outcome, denial_reason, posting, held_payment, payment)
SENDERS: Mapping[str, Mapping[str, str]] = {
    "harbor": {"ledger": "provider", "denial_evidence": "adjustments"},
    "lantern": {"ledger": "payer_extract", "denial_evidence": "line_code"},
    "meridian": {"ledger": "provider", "denial_evidence": "none"},
}
PAYER_NAMES = ("Aetna", "Cigna", "Nobody's Health", None)
OUTCOMES = (FULL, PARTIAL, CLEAN, None)
OF_DECISION = ("initial_denial_outcome", "initially_denied_amount", "initially_paid_amount", "final_denial_outcome")

Value = object
Row = dict[str, Value]
Key = tuple[Value, ...]
Rows = dict[str, dict[Key, Row]]


def month(day: Value) -> date | None:
    """First day of the month of a date."""
    return day.replace(day=1) if isinstance(day, date) else None


@dataclass
class Claim:
    """One claim family: its parts (see `PARTS`), each made anew as a whole."""

    family_id: str
    parts: dict[str, list[Row]] = field(default_factory=dict)


class History:
    """Claims, held payments and provider-level payments of one network within months of their own."""

    def __init__(self, number: int, months: Sequence[date], seed: str, today: date) -> None:
        self.rng = random.Random(seed)
        self.name, self.months, self.today = f"H{number}", months, today
        self.network = self.rng.choice(sorted(SENDERS))
        self.claims: list[Claim] = []
        self.held: list[Row] = []
        self.paid: list[Row] = []
        self._made = 0
        for _ in range(self.rng.randint(1, 4)):
            self._add_claim()
        self._renew_cash()

    def change(self, today: date) -> None:
        """One to three things happen on a day."""
        self.today = today
        for _ in range(self.rng.randint(1, 3)):
            happens = self.rng.choice((self._add_claim, self._delete_claim, self._renew_cash, *[self._renew_part] * 5))
            happens()

    def rows(self) -> Rows:
        """Table -> key -> row, absent columns null. A deleted payment stays as a tombstone."""
        found: Rows = {table.name: {} for table in TABLES}

        def put(table: Table, row: Row) -> None:
            row = {"network": self.network, **row}
            found[table.name][tuple(row[key] for key in table.keys)] = row

        for claim in self.claims:
            self._put_claim(put, claim)
        for row in self.held:
            put(held_payment, row)
        for row in self.paid:
            put(payment, row)
        return found

    def _put_claim(self, put: Callable[[Table, Row], None], claim: Claim) -> None:
        final = self._final(claim)
        put(claim_final, final)
        copy = claim.parts["copy"][0]
        if copy["outcome"] is not None:
            put(claim_copy, {**copy, **{c: final[c] for c in ("family_id", *MONTHS)}})
        if final["is_void_family"] or (copy["outcome"] in (EXACT, CONFLICT) and not copy["is_kept"]):
            return
        of_claim = {c: final[c] for c in ("claim_id", "family_id", "payer_code")}
        for row in claim.parts["postings"]:
            put(posting, {**of_claim, "service_month": final["service_month"], **row})
        if final["first_adjudicated_date"] is None:
            return
        decided = ("first_adjudicated_date", "adjudication_month", "closes_on", "denial_final_on")
        for row in claim.parts["lines"]:
            put(line_outcome, {**of_claim, **{c: final[c] for c in decided}, **row})
        if final["initial_denial_outcome"] in (FULL, PARTIAL):
            for row in claim.parts["reasons"]:
                dated = {c: final[c] for c in ("initially_denied_date", "denial_final_on")}
                put(denial_reason, {**of_claim, **dated, "initially_denied_month": month(dated[DENIED_ON]), **row})

    def _final(self, claim: Claim) -> Row:
        """The row of silver.claim_final."""
        row: Row = {"family_id": claim.family_id, "claim_id": claim.family_id}
        for part in ("who", "dates", "calendar", "money", "decision", "state"):
            row |= claim.parts[part][0]
        if row["first_adjudicated_date"] is None:
            row |= {**dict.fromkeys(OF_DECISION), "is_adjudicated": False}
        if row["is_void_family"]:
            paid = row["paid_amount"]
            assert isinstance(paid, Decimal)
            row |= {**dict.fromkeys(_MONEY, Decimal(0)), "paid_amount": paid, "remainder_amount": -paid}
        is_denied = row["initial_denial_outcome"] in (FULL, PARTIAL)
        return row | {DENIED_ON: row["first_adjudicated_date"] if is_denied else None}

    def _add_claim(self) -> None:
        self._made += 1
        claim = Claim(f"{self.name}-{self._made}")
        for name, make in PARTS.items():
            claim.parts[name] = make(self)
        self.claims.append(claim)

    def _delete_claim(self) -> None:
        if self.claims:
            self.claims.pop(self.rng.randrange(len(self.claims)))

    def _renew_part(self) -> None:
        """One part of one claim is another from now on: its money, its dates, its payer ..."""
        if self.claims:
            name = self.rng.choice(sorted(PARTS))
            self.rng.choice(self.claims).parts[name] = PARTS[name](self)

    def _renew_cash(self) -> None:
        """Payments that belong to no claim come, change and go."""
        self.held = [self._held(number) for number in range(self.rng.randint(0, 2))]
        for row in self.paid:
            row["is_deleted"] = row["is_deleted"] or self.rng.random() < 0.5
        self._made += 1
        self.paid.append(
            {
                "payment_id": f"{self.name}-{self._made}",
                "payment_kind": self.rng.choice(("provider_level", "provider_level", "payer")),
                "is_deleted": False,
                **self._paid(),
            }
        )

    def _held(self, number: int) -> Row:
        return {
            "claim_id": f"{self.name}-unknown-{number}",
            "remittance_id": f"{self.name}-held-{number}",
            "payment_kind": self.rng.choice(("payer", "payer", "patient")),
            "is_duplicate": self.rng.random() < 0.2,
            "reason": self.rng.choice((*REASONS, *[REASONS[0]] * 4)),
            **self._paid(),
        }

    def _paid(self) -> Row:
        day = self.day()
        amount = self.cents(-20_000, 20_000)
        name = self.rng.choice(PAYER_NAMES)
        return {"remit_date": day, "remit_month": month(day), "paid_amount": amount, "payer_name": name}

    def day(self) -> date:
        """A day of the own months; their first and last days more often than others."""
        first = self.rng.choice(self.months)
        last = monthrange(first.year, first.month)[1]
        return first.replace(day=self.rng.choice((1, last, self.rng.randint(1, last))))

    def near(self) -> date:
        """A day about today, mostly ahead."""
        return self.today + timedelta(days=self.rng.randint(-20, 100))

    def cents(self, least: int, most: int) -> Decimal:
        """An amount between so many cents."""
        return Decimal(self.rng.randint(least, most)).scaleb(-2)

    def maybe(self, share: float, value: Value) -> Value:
        """The value with this probability, else null."""
        return value if self.rng.random() < share else None


DENIED_ON = "initially_denied_date"
_MONEY = (
    "billed_amount", "allowed_amount", "paid_amount", "patient_responsibility_amount", "patient_paid_amount",
    "contractual_amount", "denied_amount", "other_adjustment_amount", "encounter_amount", "remainder_amount",
)  # fmt: skip
_OF_IDENTITY = (
    "paid_amount", "patient_responsibility_amount", "contractual_amount", "denied_amount", "other_adjustment_amount",
    "encounter_amount",
)  # fmt: skip


def _who(of: History) -> list[Row]:
    specialty = of.maybe(0.8, of.rng.choice(("cardiology", "surgery")))
    row: Row = {
        "payer_name": of.rng.choice(PAYER_NAMES),
        "payer_code": of.rng.choice(PAYER_CODES[:3]),
        "owing_payer_name": of.rng.choice(PAYER_NAMES),
        "rendering_provider_id": of.maybe(0.9, f"D{of.rng.randint(1, 3)}"),
        "attributed_specialty": specialty,
        "elig_status": of.rng.choice(ELIG_STATUSES),
    }
    return [row]


def _dates(of: History) -> list[Row]:
    served, submitted, decided = of.day(), of.maybe(0.8, of.day()), of.maybe(0.8, of.day())
    row: Row = {
        "service_from_date": served,
        "service_to_date": of.maybe(0.5, of.day()),
        "service_month": month(served),
        "submitted_date": submitted,
        "submission_month": month(submitted or of.maybe(0.7, of.day())),
        "first_adjudicated_date": decided,
        "adjudication_month": month(decided),
        "first_paid_date": of.maybe(0.6, of.day()),
    }
    return [row]


def _calendar(of: History) -> list[Row]:
    """Dates by which figures mature, long past or about today."""
    served_until = of.near() - timedelta(days=91)
    row: Row = {
        "closes_on": of.rng.choice((None, of.day(), of.near())),
        "denial_final_on": of.rng.choice((None, of.day(), of.near())),
        "appeal_date": of.rng.choice((None, None, of.day(), of.near())),
        "discharge_date": of.maybe(0.2, served_until),
    }
    return [row]


def _money(of: History) -> list[Row]:
    """Amounts that add up: billed is their sum and what remains, which may be a credit or nothing."""
    row: Row = {name: of.rng.choice((Decimal(0), of.cents(0, 90_000))) for name in _OF_IDENTITY}
    parts = sum((v for v in row.values() if isinstance(v, Decimal)), Decimal(0))
    remainder = of.rng.choice((Decimal(0), of.cents(1, 50_000), -of.cents(0, int(parts * 100))))
    row |= {"remainder_amount": remainder, "billed_amount": parts + remainder}
    return [row | {"allowed_amount": of.maybe(0.7, of.cents(0, 90_000)), "patient_paid_amount": of.cents(0, 9_000)}]


def _decision(of: History) -> list[Row]:
    row: Row = {
        "initial_denial_outcome": of.rng.choice(OUTCOMES),
        "initially_denied_amount": of.cents(0, 60_000),
        "initially_paid_amount": of.maybe(0.5, of.cents(0, 30_000)),
        "final_denial_outcome": of.rng.choice(OUTCOMES),
        "is_adjudicated": of.rng.random() < 0.8,
    }
    return [row]


def _state(of: History) -> list[Row]:
    row: Row = {
        "is_void_family": of.rng.random() < 0.15,
        "version_count": of.rng.randint(1, 3),
        "live_claim_count": 1,
        "line_count": of.rng.randint(0, 5),
        "final_status": of.rng.choice(FINAL_STATUSES),
    }
    return [row]


def _copy(of: History) -> list[Row]:
    outcome = of.maybe(0.3, of.rng.choice((EXACT, CONFLICT, POSSIBLE)))
    return [{"outcome": outcome, "is_kept": outcome == POSSIBLE or of.rng.random() < 0.4}]


def _lines(of: History) -> list[Row]:
    rows: list[Row] = []
    for number in range(of.rng.randint(1, 3)):
        billed = of.cents(1, 50_000)
        denied = min(billed, of.cents(0, 50_000))
        is_initial, is_final = of.rng.choice(((True, True), (True, False), (False, True)))
        row: Row = {
            "line_id": str(number),
            "procedure_code_system": of.maybe(0.9, "cpt"),
            "procedure_code": of.maybe(0.9, of.rng.choice(("99213", "80053"))),
            "billed_amount": billed,
            "is_initial": is_initial,
            "initial_outcome": of.rng.choice(OUTCOMES),
            "initially_denied_amount": of.maybe(0.9, denied),
            "is_final": is_final,
            "final_outcome": of.rng.choice(OUTCOMES),
            "final_denied_amount": of.maybe(0.9, denied),
        }
        rows.append(row)
    return rows


def _reasons(of: History) -> list[Row]:
    rows: list[Row] = []
    for carc in of.rng.sample(("29", "50", "97", "-"), of.rng.randint(1, 2)):
        denied = of.cents(0, 40_000)
        row: Row = {
            "group_code": of.rng.choice(("CO", "-")),
            "carc": carc,
            "category": of.rng.choice(("TIMELY_FILING", "UNKNOWN")),
            "is_preventable": of.rng.choice((True, False, None)),
            "line_count": of.rng.randint(0, 3),
            "denied_amount": denied,
            "still_denied_amount": of.rng.choice((Decimal(0), denied, min(denied, of.cents(0, 40_000)))),
        }
        rows.append(row)
    return rows


def _postings(of: History) -> list[Row]:
    rows: list[Row] = []
    for number in range(of.rng.randint(0, 3)):
        day, is_reversal, amount = of.maybe(0.95, of.day()), of.rng.random() < 0.2, of.cents(0, 40_000)
        row: Row = {
            "remittance_id": f"R{number}",
            "remit_date": day,
            "remit_month": month(day),
            "is_reversal": is_reversal,
            "paid_amount": -amount if is_reversal else amount,
            "posting_payer_code": of.rng.choice(PAYER_CODES[:3]),
        }
        rows.append(row)
    return rows


PARTS: Mapping[str, Callable[[History], list[Row]]] = {
    "who": _who, "dates": _dates, "calendar": _calendar, "money": _money, "decision": _decision, "state": _state,
    "copy": _copy, "lines": _lines, "reasons": _reasons, "postings": _postings,
}  # fmt: skip
