"""Which claims are versions of one another, for the answer key: families, slots and what counts, in plain Python.

Claims are one family when one names the other as what it replaces, voids or adds to, or when they are interim bills
of one stay: same patient control number, member, claim type, billing provider and admission date. X12 837 CLM05-3.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lakehouse.demo.row import Row

INTERIM: Final = frozenset("234")
ADDITIVE: Final = INTERIM | {"5"}
VOID: Final = "8"
REPLACING: Final = frozenset({"7", VOID})
BASE: Final = "-"


@dataclass(frozen=True)
class Slot:
    """The claim itself or one bill that adds to it.

    Attributes:
        versions: in their order, the last is the newest.
        is_live: its last version counts.
    """

    versions: tuple[Row, ...]
    is_live: bool

    @property
    def last(self) -> Row:
        """The newest version."""
        return self.versions[-1]


@dataclass(frozen=True)
class Family:
    """A claim with all its versions and additions.

    Attributes:
        base: the version that describes the family.
        slots: at least one.
    """

    base: Row
    slots: tuple[Slot, ...]

    @property
    def is_void(self) -> bool:
        """Nothing of it counts."""
        return not any(slot.is_live for slot in self.slots)

    def states(self) -> list[str]:
        """What each version is: live, superseded, voided or void."""
        return [_state(slot, version) for slot in self.slots for version in slot.versions]


def families_of(claims: Sequence[Row]) -> list[Family]:
    """All families of the claims of one network, each the newest state of its row."""
    by_id = {claim.text("claim_id"): claim for claim in claims}
    groups = _Groups()
    stays: dict[tuple[object, ...], str] = {}
    for claim_id, claim in by_id.items():
        groups.join(claim_id, claim.text("replaces_claim_id") or claim_id)
        if claim.text("frequency_code") in INTERIM and claim.date("admission_date"):
            groups.join(claim_id, stays.setdefault(_stay(claim), claim_id))
    members: dict[str, list[str]] = defaultdict(list)
    for claim_id in by_id:
        members[groups.name(claim_id)].append(claim_id)
    return [_family({claim_id: by_id[claim_id] for claim_id in sorted(ids)}) for ids in members.values()]


class _Groups:
    """Names that were said to belong together."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def name(self, one: str) -> str:
        while self._above.get(one, one) != one:
            one = self._above[one]
        return one

    def join(self, one: str, other: str) -> None:
        self._above[self.name(one)] = self.name(other)


def _stay(claim: Row) -> tuple[object, ...]:
    columns = ("patient_control_number", "member_id", "claim_type", "billing_provider_id", "admission_date")
    return tuple(claim.values.get(column) for column in columns)


def _family(versions: Mapping[str, Row]) -> Family:
    by_slot: dict[str, list[tuple[tuple[object, ...], Row]]] = defaultdict(list)
    for claim_id, claim in versions.items():
        slot, depth = _place(claim_id, versions)
        by_slot[slot].append(((_made(claim), depth, _rank(claim), claim_id), claim))
    ordered = {slot: tuple(row for _, row in sorted(rows, key=lambda row: row[0])) for slot, rows in by_slot.items()}
    is_voided = BASE in ordered and _code(ordered[BASE][-1]) == VOID
    slots = {slot: Slot(rows, not is_voided and _code(rows[-1]) != VOID) for slot, rows in ordered.items()}
    first = slots.get(BASE) or min(slots.values(), key=lambda slot: (not slot.is_live, _made(slot.last)))
    return Family(first.last, tuple(slots.values()))


def _place(claim_id: str, versions: Mapping[str, Row]) -> tuple[str, int]:
    """The slot of a version, named by the first addition on the way down its links, and how many links there are."""
    slot, depth, here = BASE, 0, claim_id
    while here in versions:
        if slot == BASE and _code(versions[here]) in ADDITIVE:
            slot = here
        below = versions[here].text("replaces_claim_id")
        if not below:
            break
        here, depth = below, depth + 1
    return slot, depth


def _code(claim: Row) -> str:
    return claim.text("frequency_code") or "1"


def _rank(claim: Row) -> int:
    return 2 if _code(claim) == VOID else int(_code(claim) in REPLACING)


def _made(claim: Row) -> date:
    return claim.date("submitted_date") or claim.date("received_date") or date.min


def _state(slot: Slot, version: Row) -> str:
    if _code(version) == VOID:
        return "void"
    if not slot.is_live:
        return "voided"
    return "live" if version is slot.last else "superseded"


def by_claim(rows: Iterable[Row]) -> dict[str, list[Row]]:
    """Claim id -> its rows."""
    grouped: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        grouped[row.text("claim_id")].append(row)
    return grouped
