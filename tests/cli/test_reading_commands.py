"""Commands that only read state: their answers, their JSON, their exit codes. No Spark starts here."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from cli.lakes import CLAIMS_HEADER, LakeFolder, adjustment_codes, commit, lake_folder, quarantine, settled_claims
from engine.logs import delivery

MARKER = "ZZMEMBER99"


@pytest.fixture
def lake(tmp_path: Path) -> LakeFolder:
    return lake_folder(tmp_path)


def table_of(document: dict[str, object], name: str) -> dict[str, object]:
    tables = document["tables"]
    assert isinstance(tables, list)
    return next(t for t in tables if t["table"] == name)


def test_a_delivered_file_makes_its_table_due_and_its_readers_wait(lake: LakeFolder) -> None:
    lake.deliver("claims", "claims-2026-01-05.csv", CLAIMS_HEADER)
    document = lake.json("plan")
    assert document["format"] == "lakehouse-plan/1"
    claims = table_of(document, "bronze.harbor_claims")
    assert (claims["status"], claims["reasons"], claims["files"]) == ("due", ["1 of 1 files not landed yet"], 1)
    assert table_of(document, "bronze.harbor_payments")["status"] == "current"
    assert set(claims) == {"table", "status", "reasons", "notes", "files", "windows", "everything"}


def test_a_dry_run_answers_what_plan_answers(lake: LakeFolder) -> None:
    lake.deliver("claims", "claims-2026-01-05.csv", CLAIMS_HEADER)
    assert lake.json("run", "--dry-run", "-s", "bronze.*") == lake.json("plan", "-s", "bronze.*")
    assert not lake.lake.exists()


def test_plan_names_a_source_that_is_gone_and_ends_with_1(lake: LakeFolder) -> None:
    lake.drop.rmdir()
    answer = lake.call("plan", "-s", "bronze.harbor_claims")
    assert answer.exit_code == 1
    assert "failed" in answer.stdout


def test_a_selection_restricts_the_plan(lake: LakeFolder) -> None:
    document = lake.json("plan", "-s", "+silver.claim", "--exclude", "layer:silver")
    tables = document["tables"]
    assert isinstance(tables, list)
    assert [t["table"] for t in tables] == ["bronze.harbor_claims"]


@pytest.mark.parametrize("command", ["plan", "run", "status", "lineage", "check"])
def test_an_unknown_table_ends_with_2_and_the_nearest_name(lake: LakeFolder, command: str) -> None:
    answer = lake.call(command, "-s", "gold.revenue_by_pair")
    assert answer.exit_code == 2
    assert "gold.revenue_by_payer" in answer.stderr
    assert "Traceback" not in answer.output


def test_an_unknown_environment_ends_with_2_and_the_valid_ones(
    lake: LakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKEHOUSE_CONF_DIR", str(Path(__file__).parents[2] / "conf"))
    from typer.testing import CliRunner

    from lakehouse.cli import app

    answer = CliRunner().invoke(app, ["--env", "prd", "status"])
    assert answer.exit_code == 2
    assert "prod" in answer.stderr


def test_an_unknown_settings_key_ends_with_2_and_the_nearest_one(lake: LakeFolder) -> None:
    lake.config.write_text(lake.config.read_text() + 'adaptor = "standard"\n')
    answer = lake.call("status")
    assert answer.exit_code == 2
    assert "adapter" in answer.stderr


def test_env_and_config_together_end_with_2(lake: LakeFolder) -> None:
    answer = lake.call("status", "--env", "local")
    assert answer.exit_code == 2
    assert "choose one" in answer.stderr


@pytest.mark.parametrize(
    "arguments",
    [("paln",), ("run", "--strt", "2026-01-05"), ("run", "--start", "5 January"), ("status", "--output", "xml")],
)
def test_a_call_that_cannot_be_read_ends_with_2(lake: LakeFolder, arguments: tuple[str, ...]) -> None:
    assert lake.call(*arguments).exit_code == 2


def test_an_empty_range_of_days_ends_with_2(lake: LakeFolder) -> None:
    answer = lake.call("run", "--start", "2026-01-05", "--end", "2026-01-05")
    assert answer.exit_code == 2
    assert "--end is not included" in answer.stderr


def test_a_damaged_log_is_named_and_ends_status_with_3(lake: LakeFolder) -> None:
    commit(lake, "silver.claim", 0)
    (lake.lake / "silver" / "claim" / "_delta_log" / f"{1:020d}.json").touch()
    answer = lake.call("status")
    assert answer.exit_code == 3
    assert "commit 1 in its Delta log is empty" in answer.stdout


def test_an_error_nobody_foresaw_ends_with_3_without_its_text(
    lake: LakeFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: object, **options: object) -> None:
        raise ValueError(f"cannot read {MARKER}")

    monkeypatch.setattr("lakehouse.spec.registry.Registry.discover", broken)
    answer = lake.call("plan")
    assert answer.exit_code == 3
    assert "ValueError" in answer.stderr
    assert MARKER not in answer.output
    assert "Traceback" not in answer.output


def test_status_of_an_empty_lake_shows_that_nothing_was_built(lake: LakeFolder) -> None:
    document = lake.json("status")
    assert document["last_run"] is None
    claim = table_of(document, "silver.claim")
    assert (claim["version"], claim["built_at"], claim["freshness"]) == (None, None, "stale")
    assert table_of(document, "bronze.harbor_claims")["freshness"] is None


def test_status_shows_an_input_that_was_not_consumed(lake: LakeFolder) -> None:
    commit(lake, "bronze.harbor_claims", 0)
    commit(lake, "bronze.harbor_claims", 1)
    commit(lake, "silver.claim", 0, counts={"inserted": 3}, consumed={"bronze.harbor_claims": 0})
    claim = table_of(lake.json("status"), "silver.claim")
    assert claim["behind"] == {"bronze.harbor_claims": [0, 1]}
    assert claim["counts"] == {"inserted": 3}


def test_a_marker_of_an_input_leaves_nobody_behind(lake: LakeFolder) -> None:
    commit(lake, "bronze.harbor_claims", 0)
    commit(lake, "bronze.harbor_claims", 1, changes_data=False)
    commit(lake, "silver.claim", 0, consumed={"bronze.harbor_claims": 0})
    assert table_of(lake.json("status"), "silver.claim")["behind"] == {}


@pytest.mark.parametrize(("hours", "expected"), [(25.9, "fresh"), (26.1, "stale")])
def test_a_table_is_stale_when_its_newest_build_is_too_old(lake: LakeFolder, hours: float, expected: str) -> None:
    commit(lake, "gold.revenue_by_payer", 0, hours_ago=hours)
    assert table_of(lake.json("status"), "gold.revenue_by_payer")["freshness"] == expected


def test_a_build_that_changed_nothing_keeps_a_table_fresh(lake: LakeFolder) -> None:
    commit(lake, "gold.revenue_by_payer", 0, hours_ago=100)
    commit(lake, "gold.revenue_by_payer", 1, hours_ago=2, changes_data=False)
    assert table_of(lake.json("status"), "gold.revenue_by_payer")["freshness"] == "fresh"
    assert "4 days old" in lake.call("status", "-s", "gold.revenue_by_payer").stdout


def test_freshness_fails_when_tables_are_stale_and_names_the_reports(lake: LakeFolder) -> None:
    commit(lake, "silver.payment", 0, hours_ago=1)
    commit(lake, "silver.adjustment", 0, hours_ago=30)
    fresh = lake.call("freshness", "-s", "silver.payment")
    assert (fresh.exit_code, fresh.stdout) == (0, "1 tables are fresh, 0 are stale\n")
    stale = lake.json("freshness", "-s", "silver.payment", "-s", "silver.adjustment", "-s", "gold.revenue_by_payer")
    assert stale["format"] == "lakehouse-freshness/1"
    assert table_of(stale, "silver.payment")["is_stale"] is False
    assert table_of(stale, "silver.adjustment")["cause"] == "no run has looked at it"
    assert table_of(stale, "gold.revenue_by_payer")["cause"] == "never built"
    (report,) = stale["reports"]  # type: ignore[misc]  # parsed JSON
    assert (report["name"], report["stale"]) == ("Revenue by payer", ["silver.adjustment", "gold.revenue_by_payer"])
    answer = lake.call("freshness", "-s", "silver.adjustment")
    assert answer.exit_code == 1
    assert "stale: no run has looked at it" in answer.stdout


def test_freshness_says_which_days_a_due_time_is_for(lake: LakeFolder) -> None:
    commit(lake, "gold.payment_lag", 0, hours_ago=24 * 14)
    document = lake.json("freshness", "-s", "gold.payment_lag")
    (report,) = document["reports"]  # type: ignore[misc]  # parsed JSON
    limit = table_of(document, "gold.payment_lag")["limit"]
    assert isinstance(limit, dict)
    assert (report["holidays"], limit["holidays"], limit["due"]) == ("us_federal", "us_federal", "08:00")
    assert "by 08:00 America/New_York" in lake.call("status", "-s", "gold.payment_lag").stdout
    assert "no run has looked at it" in lake.call("freshness", "-s", "gold.payment_lag").stdout


def test_unusual_volume_is_shown_and_makes_no_exit_code(lake: LakeFolder) -> None:
    today = datetime.now(UTC).date()
    days = [today - timedelta(weeks=weeks) for weeks in range(4, -1, -1)]
    files = [delivery(f"claims-{d}.csv", str(d), rows=40 if d == today else 100) for d in days]
    for version, file in enumerate(files):
        commit(lake, "bronze.harbor_claims", version, deliveries=[file])
    answer = lake.call("freshness", "-s", "bronze.harbor_claims")
    assert answer.exit_code == 0
    assert f"bronze.harbor_claims of {today}: 40 rows, usually 100" in answer.stdout
    (volume,) = lake.json("freshness", "-s", "bronze.harbor_claims")["volumes"]  # type: ignore[misc]  # parsed JSON
    assert {**volume, "owners": None} == {
        "table": "bronze.harbor_claims", "owners": None, "day": today.isoformat(), "rows": 40, "usual": 100,
        "unusual": "fewer rows than usual",
    }  # fmt: skip
    assert "finance" in volume["owners"]
    lake.config.write_text(f"{lake.config.read_text()}\n[networks.harbor.checks]\nleast_volume = 0.4\n")
    assert "unusual" not in lake.call("freshness", "-s", "bronze.harbor_claims").stdout


def test_freshness_of_a_broken_log_is_told_and_hides_no_other(lake: LakeFolder) -> None:
    commit(lake, "silver.payment", 0, hours_ago=1)
    commit(lake, "silver.adjustment", 0, hours_ago=1)
    next((lake.root / "lake" / "silver" / "adjustment" / "_delta_log").glob("*.json")).write_text("")
    found = lake.json("freshness", "-s", "silver.payment", "-s", "silver.adjustment")
    assert table_of(found, "silver.adjustment")["cause"] == "its log cannot be trusted"
    assert table_of(found, "silver.payment")["is_stale"] is False


def test_a_run_that_looks_at_tables_keeps_them_fresh(lake: LakeFolder) -> None:
    commit(lake, "silver.payment", 0, hours_ago=100, changes_data=False)
    assert table_of(lake.json("freshness", "-s", "silver.payment"), "silver.payment")["is_stale"] is True
    assert lake.json("run", "-s", "silver.payment")["exit_code"] == 0
    assert table_of(lake.json("freshness", "-s", "silver.payment"), "silver.payment")["is_stale"] is False


def test_a_run_with_nothing_due_is_recorded_and_status_shows_it(lake: LakeFolder) -> None:
    run = lake.json("run", "-s", "bronze.*")
    assert (run["format"], run["nothing_due"], run["exit_code"]) == ("lakehouse-run/1", True, 0)
    assert "bronze.harbor_claims" in str(run["current"])
    last = lake.json("status")["last_run"]
    assert isinstance(last, dict)
    assert last["run_id"] == run["run_id"]


def test_a_run_away_from_a_terminal_writes_one_line_of_pairs_for_each_table(lake: LakeFolder) -> None:
    answer = lake.call("run", "-s", "bronze.harbor_claims", "-s", "bronze.harbor_payments")
    lines = [line for line in answer.stdout.splitlines() if line.startswith("run_id=")]
    assert answer.exit_code == 0
    assert [dict(pair.split("=") for pair in line.split())["outcome"] for line in lines] == ["current", "current"]
    assert "nothing was due: 2 current" in answer.stdout


def test_a_failure_names_what_waits_its_report_and_the_shortest_rerun(lake: LakeFolder) -> None:
    commit(lake, "gold.revenue_by_payer", 0, hours_ago=50)
    lake.drop.rmdir()
    answer = lake.call("run", "-s", "bronze.harbor_claims", "-s", "bronze.harbor_payments")
    assert answer.exit_code == 1
    for said in ("2 failed", "waiting: ", "'Revenue by payer'", "owner finance", "version 0, 2 days old"):
        assert said in answer.stdout
    assert "lakehouse run -s bronze.harbor_claims+ -s bronze.harbor_payments+" in answer.stdout


def test_the_json_of_a_failed_run_is_one_document_with_its_impact(lake: LakeFolder) -> None:
    commit(lake, "silver.claim", 0)
    lake.drop.rmdir()
    run = lake.json("run", "-s", "bronze.harbor_claims", "-s", "silver.claim")
    impact = run["impact"]
    assert run["exit_code"] == 1
    assert isinstance(impact, dict)
    assert impact["origins"] == ["bronze.harbor_claims"]
    assert impact["rerun"] == "lakehouse run -s bronze.harbor_claims+"
    assert table_of(run, "silver.claim")["outcome"] == "blocked"


def test_lineage_goes_from_the_source_to_the_report(lake: LakeFolder) -> None:
    document = lake.json("lineage", "-s", "+gold.revenue_by_payer")
    edges = document["edges"]
    assert isinstance(edges, list)
    pairs = {(edge["from"], edge["to"]) for edge in edges}
    assert {
        ("source:harbor/claims", "bronze.harbor_claims"),
        ("bronze.harbor_claims", "silver.claim"),
        ("silver.claim", "silver.claim_final"),
        ("gold.revenue_by_payer", "report:Revenue by payer"),
    } <= pairs
    text = lake.call("lineage").stdout
    way = ("harbor/adjustments", "bronze.harbor_adjustments", "silver.adjustment", "report 'Revenue by payer'")
    assert sorted(way, key=text.index) == list(way)
    assert "owner finance, due 07:00 America/New_York" in text


def test_lineage_draws_a_branch_once(lake: LakeFolder) -> None:
    text = lake.call("lineage").stdout
    assert text.count("report 'Revenue by payer'") == 1
    assert "silver.claim_final (see above)" in text


def test_a_restricted_lineage_has_no_edge_to_tables_left_out(lake: LakeFolder) -> None:
    edges = lake.json("lineage", "-s", "silver.claim")["edges"]
    assert edges == []


def test_impact_names_everything_made_of_a_table(lake: LakeFolder) -> None:
    commit(lake, "gold.revenue_by_payer", 0)
    impact = lake.json("lineage", "--impact", "bronze.harbor_claims")["impact"]
    assert isinstance(impact, dict)
    serving = {t["table"]: t["version"] for t in impact["tables"]}
    assert serving["gold.revenue_by_payer"] == 0
    assert serving["silver.claim"] is None
    assert {r["name"] for r in impact["reports"]} == {
        "Revenue by payer", "Denial rates by procedure code", "A/R aging", "Provider performance scorecards",
        "Payment lag",
    }  # fmt: skip
    text = lake.call("lineage", "--impact", "bronze.harbor_claims").stdout
    assert "rebuild all of it: lakehouse run -s bronze.harbor_claims+" in text


@pytest.mark.parametrize("feed", ["claims", "payments", "eligibility", "denial_codes"])
def test_impact_names_exactly_the_reports_that_lineage_leads_to(lake: LakeFolder, feed: str) -> None:
    edges = lake.json("lineage")["edges"]
    assert isinstance(edges, list)
    reached = {f"bronze.harbor_{feed}"}
    while further := {e["to"] for e in edges if e["from"] in reached} - reached:
        reached |= further
    impact = lake.json("lineage", "--impact", f"bronze.harbor_{feed}")["impact"]
    assert isinstance(impact, dict)
    assert {f"report:{r['name']}" for r in impact["reports"]} == {n for n in reached if n.startswith("report:")}
    tables = {n for n in reached if n.partition(".")[0] in ("silver", "gold")}
    assert {t["table"] for t in impact["tables"]} == tables


def test_a_lake_without_quarantines_says_so(lake: LakeFolder) -> None:
    assert "no row is set aside" in lake.call("quarantine", "list").stdout
    assert lake.call("quarantine", "show", "silver.claim").exit_code == 0
    assert lake.call("quarantine", "show", "silver.clam").exit_code == 2


def test_a_row_that_breaks_two_rules_counts_under_both_and_once_in_all(lake: LakeFolder) -> None:
    quarantine(
        lake,
        "silver.claim",
        {"_row_number": 1, "_failed_expectations": ["parseable", "claim_id_required"]},
        {"_row_number": 2},
        {"_row_number": 3, "_status": "resolved"},
    )
    document = lake.json("quarantine", "list")
    claim = table_of(document, "silver.claim")
    rules = claim["rules"]
    assert isinstance(rules, list)
    assert claim["rows"] == 2
    assert {(r["network"], r["rule"], r["owner"]): r["rows"] for r in rules} == {
        ("harbor", "parseable", None): 2,
        ("harbor", "claim_id_required", None): 1,
    }
    assert {r["age_days"] for r in rules} == {(datetime.now(UTC) - datetime(2026, 1, 5, 8, tzinfo=UTC)).days}
    assert "silver.claim: 2 rows" in lake.call("quarantine", "list").stdout


def test_set_aside_values_are_shown_only_when_asked_for(lake: LakeFolder) -> None:
    quarantine(lake, "silver.claim", {"_row_number": 7, "row": [("member_id", MARKER), ("billed_amount", "12,3x")]})
    for arguments in (("list",), ("show", "silver.claim"), ("show", "silver.claim", "--output", "json")):
        answer = lake.call("quarantine", *arguments)
        assert answer.exit_code == 0
        assert MARKER not in answer.output
        assert "parseable" in answer.stdout
    asked = lake.call("quarantine", "show", "silver.claim", "--show-values")
    assert MARKER in asked.stdout
    assert "protected health information" in asked.stderr


def test_no_more_rows_are_shown_than_asked_for(lake: LakeFolder) -> None:
    quarantine(lake, "silver.claim", *({"_row_number": n} for n in range(1, 6)))
    shown = lake.json("quarantine", "show", "silver.claim", "--limit", "2")
    rows = shown["rows"]
    assert isinstance(rows, list)
    assert (shown["total"], [r["row_number"] for r in rows]) == (5, [1, 2])


def test_codes_and_payer_names_without_a_decision_are_listed_with_the_place_to_write_it(lake: LakeFolder) -> None:
    own = {"network": "harbor", "group_code": "CO", "adjustment_count": 2, "classified_by": "unknown"}
    adjustment_codes(
        lake,
        {**own, "reason_code": "NOPAY", "amount": Decimal("12.50")},
        {**own, "reason_code": "59", "carc": "59", "amount": Decimal("-1500.00")},
        {**own, "reason_code": "Z9", "amount": None, "network": "elsewhere"},
        {**own, "reason_code": "45", "carc": "45", "amount": Decimal("9000.00"), "classified_by": "reference"},
    )
    claim = {"network": "harbor", "payer_name": "Lakeside Trust", "payer_is_mapped": False}
    settled_claims(
        lake,
        {**claim, "billed_amount": Decimal("100.00")},
        {**claim, "billed_amount": Decimal("1900.10")},
        {**claim, "payer_name": "Old Mutual"},
        {**claim, "payer_name": "Aetna", "payer_is_mapped": True, "billed_amount": Decimal("5.00")},
    )
    document = lake.json("codes")
    found, payers = document["codes"], document["payers"]
    assert isinstance(found, list)
    assert isinstance(payers, list)
    assert (document["format"], document["not_built"]) == ("lakehouse-codes/1", [])
    reference = "src/lakehouse/reference/"
    assert [(c["reason_code"], c["adjustment_count"], c["amount"], c["extend"]) for c in found] == [
        ("59", 2, "-1500.00", f"{reference}adjustment_reason.csv"),
        ("NOPAY", 2, "12.50", "feed denial_codes of harbor"),
        ("Z9", 2, None, "adapter of elsewhere"),
    ]
    assert [(p["payer_name"], p["claim_count"], p["billed_amount"], p["extend"]) for p in payers] == [
        ("Lakeside Trust", 2, "2000.10", f"{reference}payer_mapping.csv"),
        ("Old Mutual", 1, None, f"{reference}payer_mapping.csv"),
    ]
    text = lake.call("codes").stdout
    for said in (
        "NOPAY",
        "-1,500.00",
        "feed denial_codes of harbor",
        "Lakeside Trust",
        "2,000.10",
        "payer_mapping.csv",
    ):
        assert said in text
    assert "Aetna" not in text


def test_codes_of_an_empty_lake_says_what_to_build(lake: LakeFolder) -> None:
    answer = lake.call("codes")
    assert answer.exit_code == 0
    assert "lakehouse run -s +silver.adjustment_code" in answer.stdout
    assert "every" not in answer.stdout
    assert lake.json("codes")["not_built"] == ["silver.adjustment_code", "silver.claim_final"]


def test_codes_with_every_decision_taken_says_so(lake: LakeFolder) -> None:
    adjustment_codes(lake, {"network": "harbor", "reason_code": "45", "classified_by": "reference"})
    settled_claims(lake, {"network": "harbor", "payer_name": "Aetna", "payer_is_mapped": True})
    text = lake.call("codes").stdout
    assert "every adjustment code in use is classified" in text
    assert "every payer name is mapped" in text


def test_check_of_an_empty_lake_starts_no_spark_and_is_good(lake: LakeFolder) -> None:
    assert lake.json("check") == {"format": "lakehouse-check/1", "full": False, "tables": []}


def test_reading_commands_load_neither_a_session_nor_a_jvm(lake: LakeFolder) -> None:
    commit(lake, "bronze.harbor_claims", 0, deliveries=[delivery("claims-2026-01-05.csv", "2026-01-05")])
    commands = [["plan"], ["status"], ["freshness"], ["lineage"], ["run"], ["quarantine", "list"], ["codes"]]
    script = f"""
import sys
from typer.testing import CliRunner
from lakehouse.cli import app
for command in {commands}:
    if command in (["run"], ["freshness"]):
        command += ["-s", "bronze.*"]
    answer = CliRunner().invoke(app, ["--config", {str(lake.config)!r}, *command])
    assert answer.exit_code == 0, answer.output
from pyspark import SparkContext
assert SparkContext._gateway is None
assert "lakehouse.storage.session" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_status_tells_a_missing_file_from_one_that_waits_to_be_read(lake: LakeFolder) -> None:
    today = datetime.now(UTC).date()
    expects = f'expect = [{{ feed = "claims", by = "00:00", first_day = {today - timedelta(days=2)} }}]'
    lake.config.write_text(f"{lake.config.read_text()}\n[networks.harbor.files]\n{expects}\n")
    lake.deliver("claims", f"claims-{today}.csv", CLAIMS_HEADER)
    deliveries = lake.json("status")["deliveries"]
    assert isinstance(deliveries, list)
    assert (deliveries[-1]["day"], deliveries[-1]["standing"]) == (today.isoformat(), "unread")
    assert [d["standing"] for d in deliveries[:-1]] == ["missing", "missing"]
    yesterday = today - timedelta(days=1)
    assert f"harbor/claims of {yesterday}, due {yesterday} 00:00 UTC: missing" in lake.call("status").stdout
    assert "harbor/claims" not in lake.call("status", "-s", "silver.claim").stdout
