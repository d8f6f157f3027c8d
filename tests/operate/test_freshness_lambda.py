"""The handler as Lambda calls it: settings from the environment, nothing else; a webhook stands for the people."""

from datetime import date
from pathlib import Path

import pytest

from engine.logs import HandLog, delivery
from lakehouse.errors import SettingsError
from lakehouse.operate.freshness_lambda import handler
from servers.webhook import Webhook


def test_the_handler_finds_its_settings_and_tells_once(
    tmp_path: Path, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base.toml").write_text("")
    (tmp_path / "prod.toml").write_text(
        f'[lake]\nroot = "{tmp_path / "lake"}"\n[networks.harbor]\nadapter = "standard"\nroot = "{tmp_path}"\n'
        '[alerts.targets.channel]\nkind = "slack"\nurl = "env:CHANNEL_URL"\n'
    )
    mondays = [date(2026, 2, day) for day in (2, 9, 16, 23)]
    files = [delivery(f"claims-{day}.csv", str(day), rows=100) for day in mondays]
    HandLog(tmp_path / "lake", "bronze.harbor_claims").land(*files)  # and no Monday after them
    monkeypatch.setenv("LAKEHOUSE_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_ENV", "prod")
    monkeypatch.setenv("CHANNEL_URL", webhook.url)
    found = handler({}, None)
    assert "gold.revenue_by_payer" in found["stale"]  # type: ignore[operator]  # a list
    assert set(found["reports"]) >= {"Revenue by payer", "A/R aging"}  # type: ignore[call-overload]  # a list
    assert (found["unusual"], found["problems"]) == (["bronze.harbor_claims"], [])
    stale, volume = (body["text"] for body in webhook.bodies)
    assert "stale, never built" in stale.splitlines()[0]
    assert "owners: finance" in stale
    assert volume.startswith("prod: unusual volume of bronze.harbor_claims")
    handler({}, None)
    assert len(webhook.bodies) == 2


def test_wrong_settings_fail_the_invocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_CONF_DIR", str(tmp_path))
    with pytest.raises(SettingsError):
        handler({}, None)
