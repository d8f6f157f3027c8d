"""Families, versions and what counts, on small frames; every expected answer is worked out by hand."""

import random

import pytest
from pyspark.sql import SparkSession

from lakehouse.silver.claim_family import claim_family
from silver.rows import Row, broken, claims, failing_count, networks

pytestmark = pytest.mark.spark

# What is not about links has no date and no number: only what a case names may link its claims.
BARE: Row = {"member_token": "t1", "billing_provider_id": "B1"}


def version(case: str, name: str, frequency: str | None = "1", submitted: str | None = None, **other: object) -> Row:
    """A claim of a case; names are made unique by the case."""
    replaces = other.pop("replaces", None)
    numbers = {k: f"{case}-{other.pop(k)}" for k in ("payer_control_number", "patient_control_number") if k in other}
    return {
        **BARE,
        "claim_id": f"{case}-{name}",
        "frequency_code": frequency,
        "submitted_date": submitted,
        "replaces_claim_id": f"{case}-{replaces}" if replaces else None,
        **numbers,
        **other,
    }


# case -> (claims, expected: claim -> (family, slot, state, counts, is_base))
CASES: dict[str, tuple[list[Row], dict[str, tuple[str, str, str, bool, bool]]]] = {
    "alone": ([version("alone", "A", None)], {"A": ("A", "-", "live", True, True)}),
    "replaced": (
        [
            version("replaced", "A", "1", "2026-01-01"),
            version("replaced", "B", "7", "2026-02-01", replaces="A"),
            version("replaced", "C", "Q", "2026-03-01", replaces="B"),
        ],
        {
            "A": ("A", "-", "superseded", False, False),
            "B": ("A", "-", "superseded", False, False),
            "C": ("A", "-", "live", True, True),
        },
    ),
    "same_day": (  # the links order what the dates do not
        [
            version("same_day", "A", "1", "2026-01-01"),
            version("same_day", "C", "7", "2026-01-01", replaces="A"),
            version("same_day", "B", "7", "2026-01-01", replaces="C"),
        ],
        {
            "A": ("A", "-", "superseded", False, False),
            "B": ("A", "-", "live", True, True),
            "C": ("A", "-", "superseded", False, False),
        },
    ),
    "void": (
        [version("void", "A", "1", "2026-01-01"), version("void", "B", "8", "2026-02-01", replaces="A")],
        {"A": ("A", "-", "voided", False, False), "B": ("A", "-", "void", False, True)},
    ),
    "billed_again": (  # a claim sent again after its void
        [
            version("billed_again", "A", "1", "2026-01-01"),
            version("billed_again", "B", "8", "2026-02-01", replaces="A"),
            version("billed_again", "C", "7", "2026-03-01", replaces="A"),
        ],
        {
            "A": ("A", "-", "superseded", False, False),
            "B": ("A", "-", "void", False, False),
            "C": ("A", "-", "live", True, True),
        },
    ),
    "void_alone": ([version("void_alone", "B", "8", replaces="A")], {"B": ("A", "-", "void", False, True)}),
    "original_missing": (
        [
            version("original_missing", "B", "7", "2026-02-01", replaces="A"),
            version("original_missing", "C", "7", "2026-03-01", replaces="A"),
        ],
        {"B": ("A", "-", "superseded", False, False), "C": ("A", "-", "live", True, True)},
    ),
    "cycle": (
        [
            version("cycle", "A", "7", "2026-01-01", replaces="B"),
            version("cycle", "B", "7", "2026-02-01", replaces="A"),
        ],
        {"A": ("A", "-", "superseded", False, False), "B": ("A", "-", "live", True, True)},
    ),
    "older": (  # a replacement made before its original does not win
        [version("older", "A", "1", "2026-02-01"), version("older", "B", "7", "2026-01-01", replaces="A")],
        {"A": ("A", "-", "live", True, True), "B": ("A", "-", "superseded", False, False)},
    ),
    "late_charge": (
        [
            version("late_charge", "A", "1", "2026-01-01"),
            version("late_charge", "B", "5", "2026-02-01", replaces="A"),
            version("late_charge", "C", "7", "2026-03-01", replaces="B"),  # acts on the late charge only
            version("late_charge", "D", "7", "2026-04-01", replaces="A"),
        ],
        {
            "A": ("A", "-", "superseded", False, False),
            "B": ("A", "B", "superseded", False, False),
            "C": ("A", "B", "live", True, False),
            "D": ("A", "-", "live", True, True),
        },
    ),
    "voided_with_late_charge": (
        [
            version("voided_with_late_charge", "A", "1", "2026-01-01"),
            version("voided_with_late_charge", "B", "5", "2026-02-01", replaces="A"),
            version("voided_with_late_charge", "C", "8", "2026-03-01", replaces="A"),
        ],
        {
            "A": ("A", "-", "voided", False, False),
            "B": ("A", "B", "voided", False, False),
            "C": ("A", "-", "void", False, True),
        },
    ),
    "late_charge_voided": (
        [
            version("late_charge_voided", "A", "1", "2026-01-01"),
            version("late_charge_voided", "B", "5", "2026-02-01", replaces="A"),
            version("late_charge_voided", "C", "8", "2026-03-01", replaces="B"),
        ],
        {
            "A": ("A", "-", "live", True, True),
            "B": ("A", "B", "voided", False, False),
            "C": ("A", "B", "void", False, False),
        },
    ),
    "stay": (  # interim bills of one stay share its number and admission; their days do not overlap
        [
            version(
                "stay",
                name,
                code,
                submitted,
                patient_control_number="N",
                claim_type="institutional",
                service_from_date=first,
                service_to_date=last,
                admission_date="2026-01-01",
            )
            for name, code, submitted, first, last in (
                ("A", "2", "2026-02-01", "2026-01-01", "2026-01-31"),
                ("B", "3", "2026-03-01", "2026-02-01", "2026-02-28"),
                ("C", "4", "2026-04-01", "2026-03-01", "2026-03-09"),
            )
        ],
        {
            "A": ("A", "A", "live", True, True),
            "B": ("A", "B", "live", True, False),
            "C": ("A", "C", "live", True, False),
        },
    ),
    "control": (  # the payer's number links where all agrees; the day after is another claim
        [
            version("control", "A", "1", "2026-01-01", payer_control_number="N", service_to_date="2026-01-12"),
            version("control", "B", "7", "2026-02-01", payer_control_number="N", service_from_date="2026-01-12"),
            version("control", "C", "1", "2026-02-01", payer_control_number="N", service_from_date="2026-01-13"),
            version("control", "D", "1", "2026-02-01", payer_control_number="N", member_token="t2"),
            version("control", "E", "1", "2026-02-01", payer_control_number="N", member_token=None),
            version("control", "F", "1", "2026-02-01", payer_control_number="N", claim_type="institutional"),
            version("control", "G", "1", "2026-02-01", payer_control_number="N", billing_provider_id="B2"),
        ],
        {
            "A": ("A", "-", "superseded", False, False),
            "B": ("A", "-", "live", True, True),
            **{alone: (alone, "-", "live", True, True) for alone in "CDEFG"},
        },
    ),
    "letters": (  # a payer's own letters are versions that count
        [
            version("letters", "A", "1", "2026-01-01", patient_control_number="N"),
            version("letters", "B", "G", "2026-02-01", patient_control_number="N"),
        ],
        {"A": ("A", "-", "superseded", False, False), "B": ("A", "-", "live", True, True)},
    ),
    "long": (
        [version("long", "V00", "1")]
        + [version("long", f"V{n:02}", "7", replaces=f"V{n - 1:02}") for n in range(1, 41)],
        {f"V{n:02}": ("V00", "-", "superseded", False, False) for n in range(40)}
        | {"V40": ("V00", "-", "live", True, True)},
    ),
}
OTHERS: dict[str, tuple[list[Row], dict[str, tuple[str, str, str, bool, bool]]]] = {
    "suffix": (  # A1234 -> A12341; A12350 has another member, and of A12399 no A1239 came
        [
            version("suffix", "1234", "1", "2026-01-01", network="suffixed"),
            version("suffix", "12341", "7", "2026-02-01", network="suffixed"),
            version("suffix", "1235", "1", "2026-01-01", network="suffixed"),
            version("suffix", "12350", "7", "2026-02-01", network="suffixed", member_token="t2"),
            version("suffix", "12399", "7", "2026-02-01", network="suffixed"),
        ],
        {
            "1234": ("1234", "-", "superseded", False, False),
            "12341": ("1234", "-", "live", True, True),
            "1235": ("1235", "-", "live", True, True),
            "12350": ("12350", "-", "live", True, True),
            "12399": ("12399", "-", "live", True, True),
        },
    ),
    "delta": (
        [
            version("delta", "A", "1", "2026-01-01", network="delta"),
            version("delta", "B", "7", "2026-02-01", replaces="A", network="delta"),
            version("delta", "C", "1", "2026-01-01", network="delta"),
            version("delta", "D", "8", "2026-02-01", replaces="C", network="delta"),
        ],
        {
            "A": ("A", "-", "superseded", True, False),
            "B": ("A", "-", "live", True, True),
            "C": ("C", "-", "voided", False, False),
            "D": ("C", "-", "void", False, True),
        },
    ),
}


def test_each_version_has_its_place_whatever_the_order_of_the_rows(spark: SparkSession) -> None:
    every = CASES | OTHERS
    rows = [row for given, _ in every.values() for row in given]
    random.Random(7).shuffle(rows)
    senders = ({}, {"network": "suffixed", "version_suffix": "[0-9]"}, {"network": "delta", "version_mode": "delta"})
    found = claim_family(claims=claims(spark, *rows), networks=networks(spark, *senders)).persist()
    try:
        _assert_places(found.collect(), every)
        flagged = {
            rule: {r["claim_id"] for r in found.where(f"not ({condition})").collect()}
            for rule, condition in (
                ("link_resolved", "not is_pending"), ("chain_ends", "not is_in_cycle"),
                ("replacement_not_older", "not is_older_than_replaced"),
                ("control_number_agrees", "not is_number_shared_apart"), ("links_followed", "is_complete"),
            )
        }  # fmt: skip
        assert flagged == {
            "link_resolved": {
                "void_alone-B",
                "original_missing-B",
                "original_missing-C",
                "suffix-12350",
                "suffix-12399",
            },
            "chain_ends": {"cycle-A", "cycle-B"},
            "replacement_not_older": {"older-B", "cycle-A"},
            "control_number_agrees": {f"control-{name}" for name in "ABCDEFG"},
            "links_followed": set(),
        }
        assert broken(found, claim_family) == set(flagged) - {"links_followed"}
        assert failing_count(found, claim_family, "one_base_per_family") == 0
    finally:
        found.unpersist()


def _assert_places(found: list[object], every: dict[str, tuple[list[Row], dict[str, tuple[object, ...]]]]) -> None:
    columns = ("family_id", "slot", "version_state", "counts", "is_base")
    places = {r["claim_id"]: tuple(r[c] for c in columns) for r in found}  # type: ignore[index]
    expected = {}
    for case, (_, answers) in every.items():
        for name, (family, slot, *rest) in answers.items():
            expected[f"{case}-{name}"] = (f"{case}-{family}", slot if slot == "-" else f"{case}-{slot}", *rest)
    assert {k: v for k, v in places.items() if expected.get(k) != v} == {}
    assert places == expected
