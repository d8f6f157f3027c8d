"""What a steward decides, through the command line: what is refused, chosen and run. No Spark starts here."""

from pathlib import Path

import pytest
from deltalake import DeltaTable, write_deltalake

from cli.lakes import LakeFolder, lake_folder, quarantine
from lakehouse.commands import steward
from lakehouse.commands.edge import Opened
from lakehouse.engine.work import Reopening, Request
from lakehouse.storage.small_reads import Chosen

CLAIM = "silver.claim"


@pytest.fixture
def lake(tmp_path: Path) -> LakeFolder:
    """A lake with four claims set aside: two open of one network, one open of another, one discarded."""
    lake = lake_folder(tmp_path)
    quarantine(
        lake,
        CLAIM,
        {"_row_number": 1, "_owner": "claims desk"},
        {"_row_number": 2, "_failed_expectations": ["service_dates_in_order"], "_source": "claims/o'hara.csv"},
        {"_row_number": 3, "_network": "lakeside"},
        {"_row_number": 4, "_status": "discarded", "_reason": "a test"},
    )
    return lake


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], Request]]:
    """Tables and requests of the runs that commands start."""
    runs: list[tuple[list[str], Request]] = []

    def run_and_show(opened: Opened, request: Request, output: object, wait: float) -> int:
        runs.append((list(opened.names), request))
        return 0

    monkeypatch.setattr(steward, "run_and_show", run_and_show)
    return runs


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("discard", CLAIM), "--reason"),
        (("discard", CLAIM, "--reason", " "), "--reason is empty"),
        (("release", CLAIM), "--reason"),
        (("release", CLAIM, "--reason", "x", "--rule", "parseable"), "parseable can never be released"),
        (("release", CLAIM, "--reason", "x", "--rule", "claim_id_required"), "claim_id_required can never be released"),
        (("assign", CLAIM), "--owner"),
        (("retry", "bronze.harbor_claims"), "could not be decoded"),
        (("retry", "silver.clam"), "silver.claim"),
        (("show", CLAIM, "--status", "shut"), "shut"),
    ],
)
def test_what_cannot_be_decided_ends_with_2(
    lake: LakeFolder, ran: list[object], arguments: tuple[str, ...], said: str
) -> None:
    answer = lake.call("quarantine", *arguments)
    assert (answer.exit_code, ran) == (2, [])
    assert said in answer.output


def test_a_retry_runs_the_table_and_all_that_is_made_of_it(
    lake: LakeFolder, ran: list[tuple[list[str], Request]]
) -> None:
    answer = lake.call("quarantine", "retry", CLAIM, "--network", "harbor", "--rule", "parseable")
    ((names, request),) = ran
    assert request.reopen == Reopening(CLAIM, Chosen("harbor", "parseable"))
    assert names[0] == CLAIM
    assert "gold.revenue_by_payer" in names
    assert not [name for name in names if name.startswith("bronze.")]
    assert f"{CLAIM}: 0 of 1 rows are resolved, 1 stay open." in answer.stdout


def test_a_release_says_what_it_can_never_waive(lake: LakeFolder, ran: list[tuple[list[str], Request]]) -> None:
    options = ("--reason", " right ", "--source", "claims/o'hara.csv", "--row", "2")
    answer = lake.call("quarantine", "release", CLAIM, *options)
    chosen = Chosen(source="claims/o'hara.csv", row_number=2)
    assert ran[0][1].reopen == Reopening(CLAIM, chosen, releases=True, reason="right")
    assert "1 stay open. parseable, modified_at_not_ahead, network_required, claim_id_required" in answer.stdout


def test_nothing_starts_when_no_open_row_is_chosen(lake: LakeFolder, ran: list[object]) -> None:
    for arguments in (("retry",), ("discard", "--reason", "x"), ("assign", "--owner", "x")):
        answer = lake.call("quarantine", arguments[0], CLAIM, *arguments[1:], "--rule", "no_such_rule")
        assert (answer.exit_code, answer.stdout) == (0, f"{CLAIM}: no open row is chosen\n")
    assert ran == []
    assert lake.json("quarantine", "retry", CLAIM, "--rule", "no_such_rule")["resolved"] == 0


def test_owner_and_standing_are_shown(lake: LakeFolder) -> None:
    listed = lake.call("quarantine", "list").stdout
    assert "claims desk" in listed
    assert "oldest, days" in listed
    counts = {s: lake.json("quarantine", "show", CLAIM, "--status", s)["total"] for s in ("open", "discarded", "all")}
    assert counts == {"open": 3, "discarded": 1, "all": 4}
    assert "a test" in lake.call("quarantine", "show", CLAIM, "--status", "discarded").stdout


def test_a_quarantine_without_the_newer_columns_is_shown(lake: LakeFolder) -> None:
    path = str(lake.lake / "silver" / "claim__quarantine")
    old = DeltaTable(path).to_pyarrow_table().drop_columns(["_owner", "_resolution", "_reason", "_resolved_at"])
    write_deltalake(path, old, mode="overwrite", schema_mode="overwrite")
    assert f"{CLAIM}: 3 rows" in lake.call("quarantine", "list").stdout
    assert lake.json("quarantine", "show", CLAIM)["total"] == 3
