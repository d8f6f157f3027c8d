"""Alerts of `lakehouse run`: who is told, and what becomes of a run whose target is down."""

import shutil
from pathlib import Path

import pytest

from cli.lakes import LakeFolder, lake_folder
from servers.webhook import Webhook

FEED = "bronze.harbor_claims"


@pytest.fixture
def lake(tmp_path: Path) -> LakeFolder:
    made = lake_folder(tmp_path)
    targets = '[alerts]\ntimeout_seconds = 5\n[alerts.targets.channel]\nkind = "slack"\nurl = "env:CHANNEL_URL"\n'
    made.config.write_text(made.config.read_text() + targets)
    return made


def test_a_failed_run_tells_once_and_a_good_one_tells_that_it_is_over(
    lake: LakeFolder, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHANNEL_URL", webhook.url)
    shutil.move(lake.drop, lake.root / "elsewhere")
    assert [lake.call("run", "-s", FEED).exit_code for _ in range(2)] == [1, 1]
    (told,) = (str(body["text"]) for body in webhook.bodies)
    assert told.splitlines()[0] == f"lake: {FEED} failed, 5 reports wait"
    assert told.splitlines()[-1] == f"rerun: lakehouse run -s {FEED}+"
    shutil.move(lake.root / "elsewhere", lake.drop)
    assert lake.call("run", "-s", "bronze.harbor_payments").exit_code == 0
    assert len(webhook.bodies) == 1
    assert lake.call("run", "-s", FEED).exit_code == 0
    assert webhook.bodies[-1] == {"text": f"over: lake: {FEED} failed, 5 reports wait"}


@pytest.mark.parametrize("fails", [False, True], ids=["green", "failed"])
def test_a_target_that_is_down_changes_no_exit_code_and_is_reported(
    lake: LakeFolder, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    monkeypatch.setenv("CHANNEL_URL", "http://127.0.0.1:9/secret-path")
    if fails:
        shutil.move(lake.drop, lake.root / "elsewhere")
    answer = lake.call("run", "-s", FEED)
    assert answer.exit_code == int(fails)
    assert ("alert target channel: it does not answer" in answer.stderr) is fails
    assert "secret-path" not in answer.output + answer.stderr


def test_alerts_of_freshness_are_about_the_whole_lake(lake: LakeFolder) -> None:
    answer = lake.call("freshness", "-s", FEED, "--alert")
    assert answer.exit_code == 2
    assert "--alert looks at every table" in answer.output + answer.stderr
