"""Copies of claims in several networks, on small frames; every expected answer is worked out by hand."""

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import count

import pytest
from pyspark.sql import DataFrame, SparkSession

from lakehouse.silver.claim_copies import copies_left_out, copy_hubs
from lakehouse.silver.claim_copy import claim_copy
from lakehouse.silver.claim_final import claim_final
from silver import rows
from silver.rows import Row

pytestmark = pytest.mark.spark

NETWORKS = {"N": "north", "S": "south", "W": "west", "G": "gone"}
SETTINGS: tuple[Row, ...] = ({"network": "north"}, {"network": "south"}, {"network": "west", "source_rank": 50})
SETTLED: Row = {
    "claim_type": "professional", "payer_name": "Aetna", "payer_code": "AETNA", "billing_npi": "1000000004",
    "service_from_date": "2026-01-10", "service_month": "2026-01-01", "billed_amount": "100.00", "paid_amount": "60.00",
    "final_status": "paid", "is_void_family": False, "modified_at": "2026-01-20T06:00:00",
}  # fmt: skip
SHORT = {"icn": "payer_control_number", "pcn": "patient_control_number", "member": "member_token"}
ICN, PCN, LOOK = "payer_control_number", "patient_control_number", "fingerprint"
FEBRUARY: Row = {"service_from_date": "2026-02-10"}
NO_NPI: Row = {"billing_npi": None}
Told = tuple[str, str, bool, str, str]  # evidence, outcome, is_kept, senders, first of the set


def each(evidence: str, outcome: str, senders: str, first: str, kept: str, *names: str) -> dict[str, Told]:
    """The same of several families, of which those named in `kept` count."""
    return {name: (evidence, outcome, name in kept.split(), senders, first) for name in names}


def pair(a: Row, b: Row, evidence: str, outcome: str, kept: str) -> tuple[dict[str, Row], dict[str, Told]]:
    """A family of north and one of south, and what both are."""
    return {"N1": a, "S1": b}, each(evidence, outcome, "NS", "N1", kept, "N1", "S1")


ONE, OWN, SEEN = {"icn": "1"}, {"pcn": "1"}, {"member": "t"}
VOID: Row = {"final_status": "void", "is_void_family": True, "billed_amount": "0.00", "paid_amount": "0.00"}
# case -> (families by network and number, what is told of them): families of which nothing is told have no row.
CASES: dict[str, tuple[Mapping[str, Row], Mapping[str, Told]]] = {
    "alone": ({"N1": {**ONE, **OWN, **SEEN}}, {}),
    "exact": pair(ONE, ONE, ICN, "exact", "N1"),
    "exact_by_patient_number": pair(OWN, OWN, PCN, "exact", "N1"),
    "exact_without_payment": pair({**ONE, "paid_amount": None}, {**ONE, "paid_amount": None}, ICN, "exact", "N1"),
    "exact_void": pair({**ONE, **VOID}, {**ONE, **VOID}, ICN, "exact", "N1"),
    "exact_whatever_the_answers": pair(
        {**ONE, "last_adjudicated_date": "2026-02-01"},
        {**ONE, "last_adjudicated_date": "2026-03-01"},
        ICN, "exact", "N1",
    ),
    "exact_by_rank": ({"N1": ONE, "W1": ONE}, each(ICN, "exact", "NW", "N1", "W1", "N1", "W1")),
    "unknown_rank_is_last": ({"G1": ONE, "N1": ONE}, each(ICN, "exact", "GN", "G1", "N1", "G1", "N1")),
    "another_charge": pair(ONE, {**ONE, "billed_amount": "100.01"}, ICN, "conflict", "N1"),
    "newer_answer": pair(
        {**ONE, "last_adjudicated_date": "2026-02-01"},
        {**ONE, "last_adjudicated_date": "2026-02-02", "paid_amount": "60.01"},
        ICN, "conflict", "S1",
    ),
    "an_answer_before_none": pair(
        ONE, {**ONE, "last_adjudicated_date": "1969-12-31", "final_status": "denied"}, ICN, "conflict", "S1"
    ),
    "payment_before_none": pair({**OWN, "paid_amount": None}, OWN, PCN, "conflict", "N1"),
    "rank_before_answer": (
        {"N1": {**ONE, "last_adjudicated_date": "2026-02-01", "paid_amount": "1.00"}, "W1": ONE},
        each(ICN, "conflict", "NW", "N1", "W1", "N1", "W1"),
    ),
    "three": (
        {"N1": {**ONE, **OWN}, "S1": ONE, "W1": OWN},
        {**each(ICN, "exact", "NSW", "N1", "W1", "N1", "S1"), **each(PCN, "exact", "NSW", "N1", "W1", "W1")},
    ),
    "three_and_one_differs": (
        {"N1": ONE, "S1": ONE, "W1": {**ONE, "paid_amount": "0.00"}},
        each(ICN, "conflict", "NSW", "N1", "W1", "N1", "S1", "W1"),
    ),
    "chain_of_four": (
        {"S1": ONE, "W1": {**ONE, **OWN}, "G1": {"icn": "2", **OWN}, "N1": {"icn": "2"}},
        each(ICN, "exact", "GNSW", "G1", "W1", "S1", "W1", "G1", "N1"),
    ),
    "look_alike": pair(SEEN, SEEN, LOOK, "possible", "N1 S1"),
    "look_alike_by_rendering": pair(
        {**SEEN, **NO_NPI, "rendering_npi": "2"}, {**SEEN, **NO_NPI, "rendering_npi": "2"}, LOOK, "possible", "N1 S1"
    ),
    "look_alikes_of_one_network": ({"N1": SEEN, "N2": SEEN, "N3": {**SEEN, **ONE}}, {}),
    "number_of_one_network": ({"N1": ONE, "N2": ONE}, {}),
    "number_that_does_not_tell_which": (
        {"N1": ONE, "N2": ONE, "S1": ONE}, each(ICN, "possible", "NS", "N1", "N1 N2 S1", "N1", "N2", "S1"),
    ),
    "number_of_a_patient_on_two_days": (
        {"N1": OWN, "S1": OWN, "N2": {**OWN, **FEBRUARY}, "S2": {**OWN, **FEBRUARY}},
        {**each(PCN, "exact", "NS", "N1", "N1", "N1", "S1"), **each(PCN, "exact", "NS", "N2", "N2", "N2", "S2")},
    ),
    "look_alikes_told_apart_by_number": (
        {"N1": {**ONE, **SEEN}, "S1": {**ONE, **SEEN}, "N2": {"icn": "2", **SEEN}, "S2": {"icn": "2", **SEEN}},
        {**each(ICN, "exact", "NS", "N1", "N1", "N1", "S1"), **each(ICN, "exact", "NS", "N2", "N2", "N2", "S2")},
    ),
    "looks_like_a_pair": (
        {"N1": {**ONE, **SEEN}, "S1": {**ONE, **SEEN}, "W1": SEEN},
        {**each(ICN, "exact", "NS", "N1", "N1", "N1", "S1"), **each(LOOK, "possible", "NSW", "N1", "W1", "W1")},
    ),
    "day_after": pair(ONE, {**ONE, "service_from_date": "2026-01-11"}, ICN, "possible", "N1 S1"),
    "last_day": pair(
        {**ONE, "service_to_date": "2026-01-12"}, {**ONE, "service_from_date": "2026-01-12"}, ICN, "exact", "N1"
    ),
    "another_type": pair(ONE, {**ONE, "claim_type": "institutional"}, ICN, "possible", "N1 S1"),
    "type_not_known": pair({**ONE, "claim_type": "undetermined"}, {**ONE, "claim_type": None}, ICN, "exact", "N1"),
    "another_billing_provider": pair(ONE, {**ONE, "billing_npi": "2"}, ICN, "possible", "N1 S1"),
    "billing_provider_not_known": pair(ONE, {**ONE, **NO_NPI}, ICN, "possible", "N1 S1"),
    "spelling": pair({"icn": "x1 "}, {"icn": "X1"}, ICN, "exact", "N1"),
    "another_payer": ({"N1": {**ONE, **OWN}, "S1": {**ONE, **OWN, "payer_code": "CIGNA"}}, {}),
    "other_payers_by_name": pair(
        {**ONE, "payer_code": "OTHER", "payer_name": "Humana, Inc."},
        {**ONE, "payer_code": "OTHER", "payer_name": "HUMANA INC"},
        ICN, "exact", "N1",
    ),
    "two_other_payers": (
        {n: {**ONE, "payer_code": "OTHER", "payer_name": p} for n, p in (("N1", "Humana"), ("S1", "Oscar"))}, {},
    ),
    "other_payers_without_name": (
        {n: {**ONE, "payer_code": "OTHER", "payer_name": p} for n, p in (("N1", None), ("S1", " "), ("W1", None))}, {},
    ),
    "patient_number_without_provider": ({"N1": {**OWN, **NO_NPI}, "S1": {**OWN, **NO_NPI}}, {}),
    "nothing_known": ({"N1": NO_NPI, "S1": NO_NPI}, {}),
    "look_without_charge": ({"N1": {**SEEN, **VOID}, "S1": {**SEEN, **VOID}}, {}),
    "look_without_provider": ({"N1": {**SEEN, **NO_NPI}, "S1": {**SEEN, **NO_NPI}}, {}),
    "look_with_another_charge": ({"N1": SEEN, "S1": {**SEEN, "billed_amount": "100.01"}}, {}),
    "look_with_another_day": ({"N1": SEEN, "S1": {**SEEN, "service_to_date": "2026-01-11"}}, {}),
}  # fmt: skip


def settled(case: str, name: str, said: Row) -> Row:
    """A row of claim_final; numbers and members are made unique by the case."""
    named = {SHORT.get(k, k): f"{case}-{v}" if k in SHORT else v for k, v in said.items()}
    return {**SETTLED, "network": NETWORKS[name[0]], "family_id": f"{case}-{name}", **named}


def families(spark: SparkSession, every: Iterable[Row]) -> DataFrame:
    return rows.frame(spark, claim_final.fields, *every)


def copies(spark: SparkSession, every: Iterable[Row]) -> DataFrame:
    return claim_copy(families=families(spark, every), networks=rows.networks(spark, *SETTINGS))


def test_copies_of_every_kind(spark: SparkSession) -> None:
    given = [settled(case, name, said) for case, (sent, _) in CASES.items() for name, said in sent.items()]
    random.Random(7).shuffle(given)
    result = copies(spark, given).localCheckpoint()
    told: dict[str, dict[str, Told]] = {case: {} for case in CASES}
    for r in result.collect():
        case, _, name = r["family_id"].rpartition("-")
        assert r["is_complete"]
        assert r["copy_id"] >= r["related_id"]
        senders = "".join(n[0].upper() for n in r["senders"])
        first = r["copy_id"].rpartition("-")[2]
        told[case][name] = (r["evidence"], r["outcome"], r["is_kept"], senders, first)
    assert told == {case: dict(expected) for case, (_, expected) in CASES.items()}

    left_out = {tuple(r) for r in copies_left_out(result).collect()}
    assert left_out == {
        (NETWORKS[name[0]], f"{case}-{name}")
        for case, (_, expected) in CASES.items()
        for name, (_, outcome, kept, _, _) in expected.items()
        if not kept
    }
    assert rows.failing_count(result, claim_copy, "one_kept_per_copy") == 0
    assert rows.failing_count(result.where("family_id <> 'exact-N1'"), claim_copy, "one_kept_per_copy") == 1


def test_chain_that_is_too_long_removes_nothing_and_is_told(spark: SparkSession) -> None:
    numbers = [("1", None), ("1", "1"), ("2", "1"), ("2", "2"), ("3", "2"), ("3", None)]
    given = [
        {**settled("chain", f"N{n}", {"icn": icn, **({"pcn": pcn} if pcn else {})}), "network": f"n{n}"}
        for n, (icn, pcn) in enumerate(numbers)
    ]
    found = copies(spark, given).select("outcome", "is_kept", "is_complete").collect()
    assert [tuple(r) for r in found] == [("possible", True, False)] * 6


def test_outcomes_are_told_by_their_rules(spark: SparkSession) -> None:
    tried: tuple[Row, ...] = (
        {"outcome": "exact"},
        {"outcome": "conflict"},
        {"outcome": "possible"},
        {"outcome": "?"},
        {},
    )
    sample = rows.frame(spark, claim_copy.fields, *[{"evidence": ICN, "is_complete": True, **t} for t in tried])
    told = {name: rows.holds(sample, claim_copy, name) for name in rows.row_rules(claim_copy)}
    assert told == {
        "evidence_accepted_values": [True] * 5,
        "outcome_accepted_values": [True, True, True, False, False],
        "sent_once": [False, True, True, True, False],
        "networks_agree": [True, False, True, True, False],
        "no_possible_copy": [True, True, False, True, False],
        "links_followed": [True] * 5,
    }


def some_family(chance: random.Random, number: int) -> Row:
    """A family of one of many small worlds, in each of which numbers and looks are shared by few."""
    world = f"w{number // 6}"
    said = {k: chance.choice("12") for k in ("icn", "pcn", "member") if chance.random() < 0.45}
    paid = {"paid_amount": chance.choice(("60.00", "60.00", "0.00"))}
    return settled(world, f"{chance.choice('NSWG')}{number}", {**said, **paid})


def test_what_the_engine_gives_is_enough(spark: SparkSession) -> None:
    """Recomputed from changed rows, what shares a hub with them and the stored sets of these, as `Linked` has it, the
    table is what it would be from all rows."""
    chance, numbers = random.Random(16), count()
    before = {n: some_family(chance, n) for n in (next(numbers) for _ in range(180))}
    kept = {n: row for n, row in before.items() if chance.random() > 0.06}
    after = {n: some_family(chance, n) if chance.random() < 0.06 else row for n, row in kept.items()}
    after |= {n + 1000: some_family(chance, n) for n in range(180) if chance.random() < 0.06}
    changed = [v[n] for v, w in ((before, after), (after, before)) for n in v if v[n] is not w.get(n)]
    assert 20 < len(changed) < 90

    stored, whole = (by_key(copies(spark, v.values())) for v in (before, after))
    hubs = hubs_of(spark, [*before.values(), *after.values()])
    moved = {hub for row in changed for hub in hubs[identity(row)]}
    seeds = {key(row) for row in changed} | {key(r) for r in after.values() if moved & hubs[identity(r)]}
    sets = {stored[k]["related_id"] for k in seeds if k in stored}
    due = seeds | {k for k, row in stored.items() if row["related_id"] in sets}
    again = by_key(copies(spark, [row for row in reversed(after.values()) if key(row) in due]))
    assert {k: row for k, row in stored.items() if k not in due} | again == whole
    assert len(due) < len(after) * 0.8
    assert {row["outcome"] for row in whole.values()} == {"exact", "conflict", "possible"}
    assert all(row["is_complete"] for row in whole.values())


def key(row: Row) -> tuple[object, object]:
    return row["network"], row["family_id"]


def identity(row: Row) -> tuple[object, ...]:
    return tuple(row.get(c) for c in ("network", "family_id", *SHORT.values()))


def by_key(found: DataFrame) -> dict[tuple[object, object], Row]:
    return {key(r): r.asDict() for r in found.collect()}


def hubs_of(spark: SparkSession, every: Sequence[Row]) -> dict[object, set[str]]:
    columns = ("network", "family_id", *SHORT.values())
    found = families(spark, every).select(*columns, copy_hubs().alias("hubs")).collect()
    return {tuple(r[c] for c in columns): set(r["hubs"]) for r in found}
