"""The made-up network: its files are repeatable, and its answer key agrees with what stands in them."""

import gzip
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from demo.second_opinion import AMOUNTS, plain_claims, plain_revenue, rows_of, settle, stranger, totals, totals_of
from lakehouse.demo.answers import live_of, newest_of
from lakehouse.demo.directory import npi_with_check_digit
from lakehouse.demo.harbor import PAYER_NAMES, AnswerKey, DemoSpec, RevenueRow, answer_key, write_deliveries
from lakehouse.demo.revenue import network_key
from lakehouse.demo.script import rows_by_delivery
from lakehouse.errors import SettingsError

SMALL = DemoSpec(seed=11, claims_per_day=150)

# The header is read apart and no dialect is guessed: guessing gives up on bytes and quotes that are broken on purpose.
READ_FILE = """select * from read_csv('{path}', delim = '{delimiter}', quote = '"', escape = '"', skip = 1,
    header = false, ignore_errors = true, auto_detect = false, columns = {columns})"""
NEWEST = """
create table sound_claims as from claims where claim_id is not null
    and not (bad_date(service_from_date) or bad_date(service_to_date) or bad_money(billed_amount))
    and (is_deleted = 'true' or service_from_date is not null);
create table claim as select * exclude (n) from (select *, row_number() over
    (partition by claim_id order by modified_at desc, source_sequence desc) n from sound_claims)
    where n = 1 and is_deleted = 'false';
create table line as select * exclude (n) from (select *, row_number() over
    (partition by claim_id, line_id order by modified_at desc) n from claim_lines
    where claim_id is not null and not (bad_money(billed_amount) or bad_date(service_from_date)))
    where n = 1 and is_deleted = 'false';
create table payment as select * exclude (n) from (select *, row_number() over
    (partition by payment_id order by modified_at desc) n from payments
    where not (bad_money(paid_amount) or bad_date(remit_date)) and (is_deleted = 'true' or remittance_id is not null))
    where n = 1 and is_deleted = 'false';
create table adjustment as select distinct on (payment_id, adjustment_id) * from adjustments order by modified_at desc;
"""


@pytest.fixture(scope="module")
def drop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("harbor")
    write_deliveries(SMALL, root)
    return root


def files_of(root: Path) -> dict[str, bytes]:
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def in_duckdb(root: Path) -> duckdb.DuckDBPyConnection:
    connection = stranger()
    for feed in ("claims", "claim_lines", "payments", "adjustments"):
        files = " union all by name ".join(f"({read_file(path)})" for path in sorted((root / feed).iterdir()))
        connection.execute(f"create table {feed} as {files}")
    connection.execute(NEWEST)
    return connection


def read_file(path: Path) -> str:
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    delimiter = "|" if path.suffix == ".psv" else ","
    names = content.splitlines()[0].decode().split(delimiter)
    columns = "{" + ", ".join(f"'{name}': 'VARCHAR'" for name in names) + "}"
    return READ_FILE.format(path=path, delimiter=delimiter, columns=columns)


def balance(row: RevenueRow) -> Decimal:
    return (
        row.paid_amount
        + row.patient_responsibility_amount
        + row.contractual_amount
        + row.denied_amount
        + row.other_adjustment_amount
        + row.encounter_amount
        + row.outstanding_amount
        + row.residual_amount
        + row.credit_amount
    )


def total(key: AnswerKey, column: str) -> Decimal:
    return sum((getattr(row, column) for row in key.revenue_by_payer.values()), Decimal(0))


def test_the_same_specification_gives_the_same_bytes(drop: Path, tmp_path: Path) -> None:
    write_deliveries(SMALL, tmp_path)

    assert files_of(tmp_path) == files_of(drop)


def test_another_seed_gives_other_claims(drop: Path, tmp_path: Path) -> None:
    write_deliveries(replace(SMALL, seed=12), tmp_path, days=[0])

    name = "claims/claims-2026-01-05.csv"
    assert files_of(tmp_path)[name] != files_of(drop)[name]


def test_a_day_does_not_depend_on_the_days_asked_for(drop: Path, tmp_path: Path) -> None:
    for day in (2, 0, 1):
        write_deliveries(SMALL, tmp_path, days=[day])

    assert files_of(tmp_path) == files_of(drop)


def test_more_days_leave_the_first_ones_as_they_were(drop: Path, tmp_path: Path) -> None:
    write_deliveries(replace(SMALL, days=9), tmp_path, days=[0, 1, 2, 2])

    assert files_of(tmp_path) == files_of(drop)


def test_each_day_has_one_file_per_feed_in_order(tmp_path: Path) -> None:
    written = write_deliveries(SMALL, tmp_path, days=[1])

    assert [path.relative_to(tmp_path).as_posix() for path in written] == [
        "claims/claims-2026-01-06.csv",
        "claim_lines/claim_lines-2026-01-06.csv.gz",
        "payments/payments-2026-01-06.psv",
        "adjustments/adjustments-2026-01-06.csv",
        "providers/providers-2026-01-06.csv",
        "eligibility/eligibility-2026-01-06.jsonl",
        "denial_codes/denial_codes-2026-01-06.csv",
    ]


@pytest.mark.parametrize("day", [-1, 3])
def test_a_day_outside_the_specification_is_refused_before_anything_is_written(tmp_path: Path, day: int) -> None:
    with pytest.raises(SettingsError, match="from 0 to 2"):
        write_deliveries(SMALL, tmp_path, days=[0, day])
    with pytest.raises(SettingsError, match="from 0 to 2"):
        answer_key(SMALL, day)
    assert files_of(tmp_path) == {}


@pytest.mark.parametrize("numbers", [{"days": 0}, {"claims_per_day": 0}])
def test_a_specification_without_days_or_claims_is_refused(numbers: Mapping[str, int]) -> None:
    with pytest.raises(SettingsError, match="at least 1"):
        DemoSpec(**numbers)


def test_one_claim_on_one_day_is_enough(tmp_path: Path) -> None:
    spec = DemoSpec(claims_per_day=1, days=1)

    assert len(write_deliveries(spec, tmp_path)) == 7
    assert answer_key(spec, 0).live_rows["silver.claim"] > 0


@pytest.mark.parametrize("first_day", [date(2026, 1, 1), date(2024, 2, 28), date(2025, 12, 30)])
def test_every_service_date_lies_before_its_delivery(tmp_path: Path, first_day: date) -> None:
    spec = replace(SMALL, first_day=first_day)
    write_deliveries(spec, tmp_path)

    early = in_duckdb(tmp_path).execute(
        "select count(*) from claim where service_from_date::date > modified_at::timestamp::date "
        "or submitted_date < service_from_date or service_to_date < service_from_date"
    )

    assert early.fetchall() == [(0,)]


@pytest.mark.parametrize("through_day", [0, 1, 2])
def test_every_row_of_the_key_balances_to_the_cent(through_day: int) -> None:
    key = answer_key(DemoSpec(), through_day)

    assert key.revenue_by_payer
    for group, row in key.revenue_by_payer.items():
        assert balance(row) == row.billed_amount, group
        assert all(getattr(row, column) == getattr(row, column).quantize(Decimal("0.01")) for column in AMOUNTS)


@pytest.mark.parametrize("through_day", [0, 1, 2])
def test_the_key_agrees_with_a_second_computation_from_the_files(tmp_path: Path, through_day: int) -> None:
    write_deliveries(SMALL, tmp_path, days=range(through_day + 1))
    key, connection = answer_key(SMALL, through_day), in_duckdb(tmp_path)
    settle(connection, key.as_of_date)

    assert totals(connection) == totals_of(key.revenue_by_payer)
    plain = plain_claims(connection)
    rows = [row for day in rows_by_delivery(SMALL, range(through_day + 1)).values() for row in day if not row.fault]
    live = {feed: live_of(versions) for feed, versions in newest_of(rows).items()}
    live["claims"] = [row for row in live["claims"] if row.text("claim_id") in plain]
    alone = network_key("harbor", live, {"providers": [], "eligibility": []}, key.as_of_date, SMALL.day_date)
    assert plain_revenue(connection, "harbor") == rows_of(alone.revenue)
    assert len(plain) > 100


def test_the_key_counts_the_live_rows_of_the_files(drop: Path) -> None:
    key, connection = answer_key(SMALL, 2), in_duckdb(drop)

    live = {
        f"silver.{table}": connection.table(table.removeprefix("claim_") if table == "claim_line" else table).shape[0]
        for table in ("claim", "claim_line", "payment")
    }

    assert live == {table: key.live_rows[table] for table in live}


def test_every_dirty_row_of_the_files_is_in_the_key(drop: Path) -> None:
    key, connection = answer_key(SMALL, 2), in_duckdb(drop)

    def count(table: str, condition: str) -> int:
        return len(connection.execute(f"select 1 from {table} where {condition}").fetchall())

    not_deleted = "coalesce(is_deleted, '') <> 'true'"
    bad_claim = "bad_date(service_from_date) or bad_date(service_to_date) or bad_money(billed_amount)"
    assert key.quarantined_by_rule() == {
        ("silver.claim", "parseable"): count("claims", bad_claim),
        ("silver.claim", "required"): count(
            "claims", f"claim_id is null or ({not_deleted} and service_from_date is null)"
        ),
        ("silver.claim_line", "parseable"): count(
            "claim_lines", "bad_money(billed_amount) or bad_date(service_from_date)"
        ),
        ("silver.claim_line", "required"): count("claim_lines", "claim_id is null"),
        ("silver.payment", "parseable"): count("payments", "bad_money(paid_amount) or bad_date(remit_date)"),
        ("silver.payment", "required"): count("payments", f"{not_deleted} and remittance_id is null"),
    }


def test_each_reason_for_setting_rows_aside_is_in_the_key() -> None:
    assert {reason: number / SMALL.days for reason, number in answer_key(SMALL, 2).reasons.items()} == {
        ("bronze.harbor_claims", "wrong_width"): 1,
        ("bronze.harbor_claims", "broken_quoting"): 1,
        ("bronze.harbor_claims", "bad_encoding"): 1,
        ("bronze.harbor_claim_lines", "bad_encoding"): 1,
        ("bronze.harbor_payments", "wrong_width"): 1,
        ("silver.claim", "claim_id_required"): 1,
        ("silver.claim", "service_from_date_required"): 2,  # one is missing, one is no date
        ("silver.claim", "parseable"): 8 / 3,  # the correction that cannot be read comes a day later
        ("silver.claim_line", "claim_id_required"): 1,
        ("silver.claim_line", "parseable"): 2,
        ("silver.payment", "parseable"): 2,
        ("silver.payment", "remit_date_required"): 1,
        ("silver.payment", "remittance_id_required"): 1,
    }


def test_what_cannot_be_read_as_a_row_is_counted_by_kind(drop: Path) -> None:
    key, connection = answer_key(SMALL, 2), in_duckdb(drop)

    for feed in ("claims", "claim_lines", "payments"):
        undecodable = sum(number for (where, _), number in key.undecodable_rows.items() if where == feed)
        assert connection.table(feed).shape[0] + undecodable == key.rows_delivered[feed]
    assert set(key.undecodable_rows) == {
        ("claims", "broken_quote"),
        ("claims", "wrong_width"),
        ("claims", "bad_encoding"),
        ("claim_lines", "bad_encoding"),
        ("payments", "wrong_width"),
    }


def test_the_broken_quote_is_the_last_row_so_it_swallows_no_other(drop: Path) -> None:
    last = (drop / "claims/claims-2026-01-06.csv").read_bytes().splitlines()[-1]

    assert last.count(b'"') == 1


def test_duplicates_of_the_files_are_in_the_key(drop: Path) -> None:
    key = answer_key(SMALL, 2)

    for feed, ending in (("claims", "csv"), ("payments", "psv")):
        rows = [path.read_bytes().splitlines()[1:] for path in sorted((drop / feed).glob(f"*.{ending}"))]
        in_file = sum(len(lines) - len(set(lines)) for lines in rows)
        across = sum(len(set(lines)) for lines in rows) - len({line for lines in rows for line in lines})
        assert in_file == key.duplicates_in_file[feed] > 0
        assert across == key.duplicates_across_days[feed] > 0


def test_the_default_run_tells_every_story() -> None:
    key = answer_key(DemoSpec(), 2)

    expected = """
        appealed capitated claim_deleted closes_tomorrow corrected_payment correction_amount correction_month
        correction_payer correction_year coverage_lost coverage_lost_after_payment coverage_plan_changed
        coverage_renewed coverage_retro_terminated credit denial_overturned denied denied_and_closed
        denied_as_duplicate denied_by_own_code denied_by_unknown_code denied_in_part denied_in_part_and_closed
        denied_in_part_without_lines line_denied_in_part provider_level unadjudicated_for_months
        duplicate_claims duplicate_payments formatted_amount header_money held_back interim_bill late_charge
        late_service line_deleted lines_before_claim orphan_reversal own_figures paid_without_allowed
        patient_part_from_claim patient_part_from_payments patient_payment payment_before_claim payment_deleted
        payment_without_claim provider_changed provider_moved provider_terminated remittance_again repaired
        repeated_header_money replaced_payment_reversed replacement resent_claims resent_payments reversal
        reversal_in_parentheses same_second secondary_payer self_pay served_after_coverage served_before_coverage
        served_in_gap stale_after_delete stale_version tie unadjudicated underpaid_closed underpaid_open
        unknown_code unknown_member untidy_text void void_before_original voided_payment_reversed write_off
    """
    assert set(expected.split()) <= set(key.story)
    assert key.tied_keys["silver.claim"] == key.story["tie"]
    assert key.deleted_rows["silver.claim"] == key.story["claim_deleted"]
    assert key.extra_columns == (("claim_lines", date(2026, 1, 6)),)
    for column in (
        "denied_amount", "other_adjustment_amount", "encounter_amount", "outstanding_amount",
        "outstanding_in_denial_amount", "residual_amount", "credit_amount", "claims_outside_coverage",
    ):  # fmt: skip
        assert total(key, column) != 0, column


def test_the_extra_column_stands_in_one_delivery_only(drop: Path) -> None:
    headers = {
        path.name: gzip.decompress(path.read_bytes()).splitlines()[0].split(b",")
        for path in (drop / "claim_lines").glob("*.csv.gz")
    }

    with_extra = [name for name, header in headers.items() if b"sender_batch_note" in header]
    assert with_extra == ["claim_lines-2026-01-06.csv.gz"]


def test_adjustments_never_explain_more_than_was_left_unpaid(drop: Path) -> None:
    connection = in_duckdb(drop)

    unexplained = connection.execute(
        "select payment_id, remit_status_code = '22' is_reversal, billed - paid - adjusted from (select payment_id, "
        "remit_status_code, any_value(money(billed_amount)) billed, any_value(money(paid_amount)) paid, "
        "sum(money(amount)) adjusted from payment join adjustments using (payment_id) "
        "where payment_kind = 'payer' and payer_sequence = '1' group by all)"
    ).fetchall()
    spellings = connection.execute("select distinct group_code, reason_code from adjustments").fetchall()

    assert len(unexplained) > 100
    assert all(rest == 0 if is_reversal else rest >= 0 for _, is_reversal, rest in unexplained)
    assert {"CO-45", "OA-23", "OA-A1", "PR-1", "PR-2", "PR-3"} <= {code_of(*spelling) for spelling in spellings}
    assert {("CO", "45"), ("co", "45"), ("CO", "CO-45"), (None, "CO45"), ("CO", "045")} <= set(spellings)


def code_of(group: str | None, reason: str) -> str:
    """`CO-45`, however the sender writes it."""
    found = re.fullmatch(r"(?:(CO|PR|OA)-?)?0*([A-Z]?\d+)", reason.upper())
    own_group, code = (found[1], found[2]) if found else (None, reason)
    return f"{group.upper() if group else own_group}-{code}"


def test_codes_of_the_network_are_explained_in_a_feed_of_its_own(drop: Path) -> None:
    first, *later = [path.read_text().splitlines() for path in sorted((drop / "denial_codes").iterdir())]

    assert first[0].startswith("group_code,denial_code,carc,description,category,is_denial,is_preventable,")
    assert any(line.startswith("CO,D-16,16,") for line in first)
    assert [len(lines) for lines in later] == [2, 2]
    assert later[0] == later[1]


def test_every_payer_name_of_the_files_has_a_standard_payer(drop: Path) -> None:
    names = in_duckdb(drop).execute("select distinct coalesce(text_of(payer_name), '') from claim").fetchall()

    assert {name for (name,) in names} <= {name for name, _ in PAYER_NAMES}
    assert len(dict(PAYER_NAMES)) == len(PAYER_NAMES)


def test_provider_numbers_carry_a_valid_check_digit() -> None:
    assert npi_with_check_digit("123456789") == "1234567893"  # the worked example of the NPI standard


def test_the_default_run_is_generated_in_well_under_a_second_of_work(tmp_path: Path) -> None:
    started = time.process_time()
    write_deliveries(DemoSpec(), tmp_path)
    answer_key(DemoSpec(), 2)

    assert time.process_time() - started < 3  # about 0.8 s when nothing else runs
