"""The answer key: what a correct pipeline must end up with, worked out from what was sent and not from any pipeline."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from lakehouse.demo.deliveries import has_extra_column
from lakehouse.demo.directory import PAYER_NAMES
from lakehouse.demo.row import DECODE_FAULTS, QUARANTINE_RULES, Row
from lakehouse.demo.script import DemoSpec, rows_by_delivery
from lakehouse.demo.settlement import Balance, ClaimMoney, settle

NETWORK: Final = "harbor"
TABLES: Final = {
    "claims": "silver.claim",
    "claim_lines": "silver.claim_line",
    "payments": "silver.payment",
    "adjustments": "silver.adjustment",
    "denial_codes": "silver.denial_code",
}
RevenueKey = tuple[date, str, str]
Versions = dict[tuple[object, ...], list[Row]]


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
    residual_amount: Decimal
    credit_amount: Decimal


@dataclass(frozen=True)
class QuarantinedRow:
    """One row that must stand in a quarantine.

    Attributes:
        table: Silver table it was meant for.
        rule: first rule it breaks: `parseable` or `required`. A required date that cannot be parsed may break both.
        fault: what is wrong with it, e.g. `unparseable_date`.
        delivery_date: date of the file that holds it.
    """

    table: str
    rule: str
    fault: str
    delivery_date: date


@dataclass(frozen=True)
class AnswerKey:
    """Expected state after all deliveries up to and including `as_of_date`.

    Attributes:
        as_of_date: date of the last delivery.
        rows_delivered: feed -> rows in all files, headers not counted, undecodable rows counted.
        undecodable_rows: (feed, fault) -> rows of files that cannot be read as rows.
        live_rows: Silver table -> rows in their newest state, tombstones apart.
        deleted_rows: Silver table -> keys whose newest state is a tombstone.
        quarantined: rows to be quarantined, one entry each.
        duplicates_in_file: feed -> surplus copies of a row within one file.
        duplicates_across_days: feed -> copies of a row sent in an earlier delivery.
        tied_keys: Silver table -> keys whose newest versions differ in content, not in (modified_at, source_sequence).
        extra_columns: (feed, file date) of deliveries with a column outside the contract.
        story: story -> how often it was sent; only stories that happened.
        revenue_by_payer: (service_month, network, payer_code) -> expected row.
    """

    as_of_date: date
    rows_delivered: Mapping[str, int]
    undecodable_rows: Mapping[tuple[str, str], int]
    live_rows: Mapping[str, int]
    deleted_rows: Mapping[str, int]
    quarantined: tuple[QuarantinedRow, ...]
    duplicates_in_file: Mapping[str, int]
    duplicates_across_days: Mapping[str, int]
    tied_keys: Mapping[str, int]
    extra_columns: tuple[tuple[str, date], ...]
    story: Mapping[str, int]
    revenue_by_payer: Mapping[RevenueKey, RevenueRow]

    def quarantined_by_rule(self) -> dict[tuple[str, str], int]:
        """(Silver table, rule) -> number of rows to be quarantined."""
        return dict(Counter((row.table, row.rule) for row in self.quarantined))


def answer_key(spec: DemoSpec, through_day: int) -> AnswerKey:
    """What must be true after deliveries 0 to `through_day`.

    Rules of money: every claim is a family of its own, and nothing is denied in this network.

    Raises:
        SettingsError: when the day is not one of the specification's.
    """
    spec.check_day(through_day)
    delivered = rows_by_delivery(spec, range(through_day + 1))
    rows = [row for day_rows in delivered.values() for row in day_rows]
    sound = [row for row in rows if row.fault is None]
    newest = {feed: _newest(row for row in sound if row.feed == feed) for feed in TABLES}
    as_of_date = spec.day_date(through_day)
    in_file, across_days = _duplicates(sound)
    return AnswerKey(
        as_of_date=as_of_date,
        rows_delivered=dict(Counter(row.feed for row in rows)),
        undecodable_rows=dict(Counter((row.feed, row.fault) for row in rows if row.fault in DECODE_FAULTS)),
        live_rows={TABLES[feed]: len(_live(versions)) for feed, versions in newest.items()},
        deleted_rows={TABLES[feed]: len(versions) - len(_live(versions)) for feed, versions in newest.items()},
        quarantined=_quarantined(spec, rows),
        duplicates_in_file=in_file,
        duplicates_across_days=across_days,
        tied_keys={TABLES[feed]: sum(len(row) > 1 for row in newest[feed].values()) for feed in TABLES},
        extra_columns=tuple((feed, spec.day_date(day)) for day, feed in delivered if has_extra_column(feed, day)),
        story=dict(sorted(Counter(row.story for row in rows if row.story).items())),
        revenue_by_payer=revenue_of(NETWORK, {feed: _live(newest[feed]) for feed in TABLES}, as_of_date),
    )


def _newest(rows: Iterable[Row]) -> Versions:
    """Key -> its newest version; more than one only when different contents share the first place."""
    versions: Versions = {}
    for row in rows:
        best = versions.setdefault(row.key, [row])
        if row.order() > best[0].order():
            versions[row.key] = [row]
        elif row.order() == best[0].order() and all(row.values != other.values for other in best):
            best.append(row)
    return versions


def _live(versions: Versions) -> list[Row]:
    return [rows[0] for rows in versions.values() if not rows[0].flag("is_deleted")]


def _quarantined(spec: DemoSpec, rows: Iterable[Row]) -> tuple[QuarantinedRow, ...]:
    found = [
        QuarantinedRow(TABLES[row.feed], QUARANTINE_RULES[row.fault], row.fault, spec.day_date(row.day))
        for row in rows
        if row.fault is not None and row.fault in QUARANTINE_RULES
    ]
    return tuple(sorted(found, key=lambda row: (row.table, row.delivery_date, row.rule, row.fault)))


def _duplicates(sound: Iterable[Row]) -> tuple[dict[str, int], dict[str, int]]:
    seen: set[tuple[str, tuple[object, ...]]] = set()
    seen_today: set[tuple[int, str, tuple[object, ...]]] = set()
    in_file: Counter[str] = Counter()
    across_days: Counter[str] = Counter()
    for row in sorted(sound, key=lambda row: row.day):
        content = tuple(sorted((column, str(value)) for column, value in row.values.items()))
        if (row.day, row.feed, content) in seen_today:
            in_file[row.feed] += 1
        elif (row.feed, content) in seen:
            across_days[row.feed] += 1
        seen.add((row.feed, content))
        seen_today.add((row.day, row.feed, content))
    return dict(in_file), dict(across_days)


def revenue_of(network: str, live: Mapping[str, Sequence[Row]], as_of_date: date) -> dict[RevenueKey, RevenueRow]:
    """The expected rows of gold.revenue_by_payer of one network, every claim a family of its own, nothing denied.

    Args:
        network: whose rows.
        live: feed -> the newest row of each key that is not deleted.
        as_of_date: what is dated later is ignored.
    """
    lines, payments = _by_claim(live["claim_lines"]), _by_claim(live["payments"])
    codes = dict(PAYER_NAMES)
    groups: dict[RevenueKey, list[ClaimMoney]] = defaultdict(list)
    for claim in live["claims"]:
        claim_id = claim.text("claim_id")
        service_from = claim.date("service_from_date") or date.min
        key = (service_from.replace(day=1), network, codes[claim.text("payer_name")])
        groups[key].append(settle(claim, lines.get(claim_id, []), payments.get(claim_id, []), as_of_date))
    return {key: _revenue_row(groups[key]) for key in sorted(groups)}


def _by_claim(rows: Iterable[Row]) -> dict[str, list[Row]]:
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.text("claim_id")].append(row)
    return grouped


def _revenue_row(claims: list[ClaimMoney]) -> RevenueRow:
    total = sum((claim.balance for claim in claims), Balance())
    return RevenueRow(
        claim_count=len(claims),
        line_count=sum(claim.line_count for claim in claims),
        claims_without_allowed=sum(claim.allowed is None for claim in claims),
        billed_amount=total.billed,
        allowed_amount=sum((claim.allowed or Decimal(0) for claim in claims), Decimal("0.00")),
        paid_amount=total.paid,
        patient_responsibility_amount=total.patient_responsibility,
        patient_paid_amount=sum((claim.patient_paid for claim in claims), Decimal("0.00")),
        contractual_amount=total.contractual,
        denied_amount=Decimal("0.00"),
        other_adjustment_amount=Decimal("0.00"),
        encounter_amount=total.encounter,
        outstanding_amount=total.outstanding,
        residual_amount=total.residual,
        credit_amount=total.credit,
    )
