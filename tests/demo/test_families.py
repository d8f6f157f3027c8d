"""Which claims the answer key takes for versions of one another, worked out by hand."""

from datetime import date

from lakehouse.demo.families import families_of
from lakehouse.demo.row import Row, Value


def claim(claim_id: str, frequency: str | None = None, replaces: str | None = None, day: int = 1, **more: Value) -> Row:
    own: dict[str, Value] = {"claim_id": claim_id, "frequency_code": frequency, "replaces_claim_id": replaces}
    return Row("claims", 0, {**own, "submitted_date": date(2026, 1, day), **more})


def found(*claims: Row) -> list[tuple[str, list[str]]]:
    """Base and states of every family."""
    return sorted((family.base.text("claim_id"), sorted(family.states())) for family in families_of(claims))


def test_claims_without_links_stay_apart() -> None:
    assert found(claim("A"), claim("B")) == [("A", ["live"]), ("B", ["live"])]


def test_last_of_a_chain_of_replacements_counts_in_whatever_order_they_come() -> None:
    chain = (claim("C", "7", "B", 3), claim("A"), claim("B", "7", "A", 2))
    assert found(*chain) == found(*reversed(chain)) == [("C", ["live", "superseded", "superseded"])]


def test_void_leaves_nothing_alive_and_waits_for_its_original() -> None:
    void = claim("V", "8", "A")
    assert found(void) == [("V", ["void"])]
    assert found(void, claim("A")) == [("V", ["void", "voided"])]
    assert all(family.is_void for family in families_of([void, claim("A")]))


def test_late_charge_adds_and_its_own_void_takes_away_it_alone() -> None:
    first, late = claim("A"), claim("L", "5", "A", 2)
    assert found(first, late) == [("A", ["live", "live"])]
    assert found(first, late, claim("V", "8", "L", 3)) == [("A", ["live", "void", "voided"])]


def test_bills_of_one_stay_are_one_family_and_of_another_stay_are_not() -> None:
    stay = {"patient_control_number": "ACC1", "member_id": "M", "claim_type": "institutional"}
    begun, other = {"admission_date": date(2025, 12, 1)}, {"admission_date": date(2025, 12, 9)}
    bills = (claim("A", "2", **stay, **begun), claim("B", "4", day=2, **stay, **begun))
    assert found(*bills, claim("C", "2", **stay, **other)) == [("A", ["live", "live"]), ("C", ["live"])]
