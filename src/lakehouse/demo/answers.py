"""The answer key: what a correct pipeline must end up with, worked out from what was sent and not from any pipeline."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lakehouse.demo.deliveries import has_extra_column
from lakehouse.demo.revenue import RevenueKey, RevenueRow, Tally, network_key
from lakehouse.demo.row import DECODE_FAULTS, QUARANTINE_RULES, Row
from lakehouse.demo.script import DemoSpec, rows_by_delivery

NETWORK: Final = "harbor"
TABLES: Final = {
    "claims": "silver.claim",
    "claim_lines": "silver.claim_line",
    "payments": "silver.payment",
    "adjustments": "silver.adjustment",
    "denial_codes": "silver.denial_code",
}
STATED_FEEDS: Final = ("providers", "eligibility")
Versions = dict[tuple[object, ...], list[Row]]


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
        reasons: (table, rule) -> rows set aside that break it; one row may break several.
        duplicates_in_file: feed -> surplus copies of a row within one file.
        duplicates_across_days: feed -> copies of a row sent in an earlier delivery.
        tied_keys: Silver table -> keys whose newest versions differ in content, not in (modified_at, source_sequence).
        extra_columns: (feed, file date) of deliveries with a column outside the contract.
        story: story -> how often it was sent; only stories that happened.
        revenue_by_payer: (service_month, network, payer_code) -> expected row.
        tallies: what is counted of Silver, network, value -> how many.
    """

    as_of_date: date
    rows_delivered: Mapping[str, int]
    undecodable_rows: Mapping[tuple[str, str], int]
    live_rows: Mapping[str, int]
    deleted_rows: Mapping[str, int]
    quarantined: tuple[QuarantinedRow, ...]
    reasons: Mapping[tuple[str, str], int]
    duplicates_in_file: Mapping[str, int]
    duplicates_across_days: Mapping[str, int]
    tied_keys: Mapping[str, int]
    extra_columns: tuple[tuple[str, date], ...]
    story: Mapping[str, int]
    revenue_by_payer: Mapping[RevenueKey, RevenueRow]
    tallies: Mapping[Tally, int]

    def quarantined_by_rule(self) -> dict[tuple[str, str], int]:
        """(Silver table, rule) -> number of rows to be quarantined."""
        return dict(Counter((row.table, row.rule) for row in self.quarantined))


def answer_key(spec: DemoSpec, through_day: int) -> AnswerKey:
    """What must be true after deliveries 0 to `through_day`.

    Raises:
        SettingsError: when the day is not one of the specification's.
    """
    spec.check_day(through_day)
    delivered = rows_by_delivery(spec, range(through_day + 1))
    rows = [row for day_rows in delivered.values() for row in day_rows]
    sound = [row for row in rows if row.fault is None]
    newest = newest_of(sound)
    as_of_date = spec.day_date(through_day)
    said = {feed: [row for row in sound if row.feed == feed] for feed in STATED_FEEDS}
    key = network_key(NETWORK, {f: live_of(newest[f]) for f in TABLES}, said, as_of_date, spec.day_date)
    in_file, across_days = _duplicates(sound)
    return AnswerKey(
        as_of_date=as_of_date,
        rows_delivered=dict(Counter(row.feed for row in rows)),
        undecodable_rows=dict(Counter((row.feed, row.fault) for row in rows if row.fault in DECODE_FAULTS)),
        live_rows={TABLES[feed]: len(live_of(versions)) for feed, versions in newest.items()},
        deleted_rows={TABLES[feed]: len(versions) - len(live_of(versions)) for feed, versions in newest.items()},
        quarantined=_quarantined(spec, rows),
        reasons=_reasons(rows),
        duplicates_in_file=in_file,
        duplicates_across_days=across_days,
        tied_keys={TABLES[feed]: sum(len(row) > 1 for row in newest[feed].values()) for feed in TABLES},
        extra_columns=tuple((feed, spec.day_date(day)) for day, feed in delivered if has_extra_column(feed, day)),
        story=dict(sorted(Counter(row.story for row in rows if row.story).items())),
        revenue_by_payer=key.revenue,
        tallies=key.tallies,
    )


def newest_of(sound: Sequence[Row]) -> dict[str, Versions]:
    """Feed -> the newest version of each of its keys."""
    return {feed: _newest(row for row in sound if row.feed == feed) for feed in TABLES}


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


def live_of(versions: Versions) -> list[Row]:
    """The rows that are not deleted."""
    return [rows[0] for rows in versions.values() if not rows[0].flag("is_deleted")]


def _quarantined(spec: DemoSpec, rows: Iterable[Row]) -> tuple[QuarantinedRow, ...]:
    found = [
        QuarantinedRow(TABLES[row.feed], QUARANTINE_RULES[row.fault], row.fault, spec.day_date(row.day))
        for row in rows
        if row.fault is not None and row.fault in QUARANTINE_RULES
    ]
    return tuple(sorted(found, key=lambda row: (row.table, row.delivery_date, row.rule, row.fault)))


def _reasons(rows: Iterable[Row]) -> dict[tuple[str, str], int]:
    counted: Counter[tuple[str, str]] = Counter()
    for row in rows:
        table = f"bronze.{NETWORK}_{row.feed}" if row.fault in DECODE_FAULTS else TABLES.get(row.feed, row.feed)
        counted.update((table, rule) for rule in row.broken_rules())
    return dict(counted)


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
