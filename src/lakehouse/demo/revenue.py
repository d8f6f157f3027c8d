"""What the claims of one network come to, for the answer key: revenue by payer, and how many claims ended how."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from typing import Final

from lakehouse.demo.coverage import Belief, DayOf, beliefs_of, elig_status, spans_now
from lakehouse.demo.denials import CLEAN, FULL, PARTIAL, ZERO, answers_of, by_payment, reversal_matches, said_again
from lakehouse.demo.directory import PAYER_NAMES
from lakehouse.demo.families import Family, by_claim, families_of
from lakehouse.demo.roster import provider_versions
from lakehouse.demo.row import Row
from lakehouse.demo.settlement import SlotMoney, settle

OUTSIDE_COVERAGE: Final = ("gap", "before_first", "after_last", "lost_retroactively")
RevenueKey = tuple[date, str, str]
Tally = tuple[str, str, str]
"""What is counted, network, value: (`final_status`, `harbor`, `paid`)."""
_SUMMED: Final = (
    "billed", "paid", "patient", "patient_paid", "contractual", "denied", "other", "encounter", "remainder",
)  # fmt: skip


@dataclass(frozen=True)
class RevenueRow:
    """One expected row of gold.revenue_by_payer; amounts in US dollars.

    Money nobody stated counts as 0.00: an allowed amount of 0.00 may be null in a table that keeps the difference.
    """

    claim_count: int
    line_count: int
    claims_without_allowed: int
    billed_amount: Decimal
    allowed_amount: Decimal
    paid_amount: Decimal
    patient_responsibility_amount: Decimal
    patient_paid_amount: Decimal
    contractual_amount: Decimal
    denied_amount: Decimal
    other_adjustment_amount: Decimal
    encounter_amount: Decimal
    outstanding_amount: Decimal
    outstanding_unadjudicated_amount: Decimal
    outstanding_in_denial_amount: Decimal
    outstanding_unexplained_amount: Decimal
    residual_amount: Decimal
    credit_amount: Decimal
    claims_outside_coverage: int
    paid_outside_coverage_amount: Decimal


@dataclass(frozen=True)
class NetworkKey:
    """What the claims of one network come to.

    Attributes:
        revenue: (service_month, network, payer_code) -> expected row.
        tallies: what is counted of Silver, network, value -> how many.
    """

    revenue: Mapping[RevenueKey, RevenueRow]
    tallies: Mapping[Tally, int]


@dataclass(frozen=True)
class SettledFamily:
    """A family with the money of its slots and whether its member was covered."""

    family: Family
    slots: tuple[SlotMoney, ...]
    elig_status: str

    @property
    def is_adjudicated(self) -> bool:
        """Every slot that counts was decided, and one was."""
        decided = [slot.is_adjudicated for slot in self.slots if slot.is_live]
        return all(decided) and any(slot.is_adjudicated for slot in self.slots)

    @property
    def final_status(self) -> str:
        """void, unadjudicated, denied, partially_denied or paid."""
        if self.family.is_void:
            return "void"
        if not self.is_adjudicated:
            return "unadjudicated"
        words = {FULL: "denied", PARTIAL: "partially_denied"}
        return words.get(_together(slot.outcome for slot in self.slots) or CLEAN, "paid")

    @property
    def initial_outcome(self) -> str:
        """full, partial or clean, of the first decisions; `none` while there is none."""
        return _together(slot.initial_outcome for slot in self.slots) or "none"

    def row(self, as_of_date: date) -> RevenueRow:
        """Its part of a row of revenue by payer."""
        total = {name: sum((getattr(slot, name) for slot in self.slots), ZERO) for name in _SUMMED}
        base = self.family.base
        closed_on = base.date("closed_date") if base.flag("is_closed") else None
        is_closed = closed_on is not None and closed_on <= as_of_date
        allowed = [slot.allowed for slot in self.slots if slot.allowed is not None]
        rest, denied = total["remainder"], total["denied"]
        still_open = max(rest, ZERO) if not is_closed else ZERO
        in_denial = ZERO if is_closed else denied
        is_outside = self.elig_status in OUTSIDE_COVERAGE and not self.family.is_void
        return RevenueRow(
            claim_count=int(not self.family.is_void),
            line_count=sum(slot.line_count for slot in self.slots),
            claims_without_allowed=int(not allowed and not self.family.is_void),
            billed_amount=total["billed"],
            allowed_amount=sum(allowed, ZERO),
            paid_amount=total["paid"],
            patient_responsibility_amount=total["patient"],
            patient_paid_amount=total["patient_paid"],
            contractual_amount=total["contractual"],
            denied_amount=denied - in_denial,
            other_adjustment_amount=total["other"],
            encounter_amount=total["encounter"],
            outstanding_amount=still_open + in_denial,
            outstanding_unadjudicated_amount=ZERO if self.is_adjudicated else still_open,
            outstanding_in_denial_amount=in_denial,
            outstanding_unexplained_amount=still_open if self.is_adjudicated else ZERO,
            residual_amount=max(rest, ZERO) - still_open,
            credit_amount=min(rest, ZERO),
            claims_outside_coverage=int(is_outside),
            paid_outside_coverage_amount=total["paid"] if is_outside else ZERO,
        )


def _together(outcomes: Iterable[str | None]) -> str | None:
    """Of several decisions: full or clean if all are, else partial; None without any."""
    known = {outcome for outcome in outcomes if outcome is not None}
    return None if not known else known.pop() if len(known) == 1 else PARTIAL


def network_key(
    network: str, live: Mapping[str, Sequence[Row]], said: Mapping[str, Sequence[Row]], as_of_date: date, day_of: DayOf
) -> NetworkKey:
    """Work out what must stand in the lake about one network.

    Args:
        network: whose rows.
        live: claims, claim_lines, payments, adjustments -> the newest row of each key that is not deleted.
        said: providers, eligibility -> all rows ever sent.
        as_of_date: what is dated later is ignored.
        day_of: day from which the eligibility delivery of an index counts as known.
    """
    beliefs = beliefs_of(said["eligibility"], day_of)
    settled = settled_families(live, beliefs)
    codes = dict(PAYER_NAMES)
    groups: dict[RevenueKey, list[RevenueRow]] = defaultdict(list)
    for one in settled:
        base = one.family.base
        month = (base.date("service_from_date") or date.min).replace(day=1)
        groups[month, network, codes[base.text("payer_name")]].append(one.row(as_of_date))
    counted = _claim_tallies(settled) + _remittance_tallies(live) + _directory_tallies(beliefs, said["providers"])
    return NetworkKey(
        {key: _sum(groups[key]) for key in sorted(groups)},
        {(what, network, value): number for (what, value), number in sorted(counted.items())},
    )


def settled_families(live: Mapping[str, Sequence[Row]], beliefs: Mapping[str, Sequence[Belief]]) -> list[SettledFamily]:
    """Every family of the live claims, settled; payments and lines whose claim has not come are in none."""
    lines, payments = by_claim(live["claim_lines"]), by_claim(live["payments"])
    adjustments = by_payment(live["adjustments"])
    found = []
    for family in families_of(live["claims"]):
        slots = []
        for slot in family.slots:
            about = [row for version in slot.versions for row in payments.get(version.text("claim_id"), ())]
            patient = [row for row in about if row.text("payment_kind") == "patient"]
            slots.append(settle(slot, lines, answers_of(about, adjustments), patient))
        days = [slot.adjudicated_on for slot in slots if slot.adjudicated_on]
        status = elig_status(family.base, min(days, default=None), beliefs)
        found.append(SettledFamily(family, tuple(slots), status))
    return found


def _claim_tallies(settled: Sequence[SettledFamily]) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for one in settled:
        counted["final_status", one.final_status] += 1
        counted["initial_denial_outcome", one.initial_outcome] += 1
        counted["elig_status", one.elig_status] += 1
        counted.update(("version_state", state) for state in one.family.states())
    return counted


def _remittance_tallies(live: Mapping[str, Sequence[Row]]) -> Counter[tuple[str, str]]:
    adjustments = by_payment(live["adjustments"])
    answers = answers_of(live["payments"], adjustments)
    counted = Counter(("remittance", f"reversal {match}") for match in reversal_matches(answers))
    counted["remittance", "said again"] = len(set(said_again(live["payments"], adjustments).values()))
    return +counted


def _directory_tallies(beliefs: Mapping[str, Sequence[Belief]], roster: Sequence[Row]) -> Counter[tuple[str, str]]:
    spans = [
        span_text(b.product[1], b.product[2], b.start, None if b.end == date.max else b.end) for b in spans_now(beliefs)
    ]
    versions = [
        version_text(v.provider_id, v.location_id, v.valid_from, v.valid_to, v.specialty)
        for v in provider_versions(roster)
    ]
    return Counter([*(("span", text) for text in spans), *(("provider", text) for text in versions)])


def span_text(payer_name: object, plan_name: object, start: object, end: object) -> str:
    """A span as it is counted and shown."""
    return f"{payer_name}, {plan_name}: {start} to {end or 'open'}"


def version_text(provider_id: object, location_id: object, start: object, end: object, specialty: object) -> str:
    """A roster row as it is counted and shown."""
    return f"{provider_id} at {location_id}: {start} to {end or 'open'}, {specialty}"


def _sum(rows: Sequence[RevenueRow]) -> RevenueRow:
    return RevenueRow(**{f.name: sum(getattr(row, f.name) for row in rows) for f in fields(RevenueRow)})
