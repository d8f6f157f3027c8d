"""The handler as Lambda calls it: settings from the environment, nothing else; a webhook stands for the people."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from lakehouse.errors import SettingsError
from lakehouse.operate.freshness_lambda import handler


class People(BaseHTTPRequestHandler):
    """Reads what is posted."""

    read: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.read.append(json.loads(body)["text"])
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def channel() -> Iterator[str]:
    """URL of a webhook on loopback."""
    People.read = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), People)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_handler_finds_its_settings_and_tells_once(
    tmp_path: Path, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "base.toml").write_text("")
    (tmp_path / "prod.toml").write_text(
        f'[lake]\nroot = "{tmp_path / "lake"}"\n[networks.harbor]\nadapter = "standard"\nroot = "{tmp_path}"\n'
        '[alerts.targets.channel]\nkind = "slack"\nurl = "env:CHANNEL_URL"\n'
    )
    monkeypatch.setenv("LAKEHOUSE_CONF_DIR", str(tmp_path))
    monkeypatch.setenv("LAKEHOUSE_ENV", "prod")
    monkeypatch.setenv("CHANNEL_URL", channel)
    found = handler({}, None)
    assert "gold.revenue_by_payer" in found["stale"]  # type: ignore[operator]  # a list
    assert set(found["reports"]) >= {"Revenue by payer", "A/R aging"}  # type: ignore[call-overload]  # a list
    assert found["problems"] == []
    (told,) = People.read
    assert "stale, never built" in told.splitlines()[0]
    assert "owners: finance" in told
    handler({}, None)
    assert len(People.read) == 1


def test_wrong_settings_fail_the_invocation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKEHOUSE_CONF_DIR", str(tmp_path))
    with pytest.raises(SettingsError):
        handler({}, None)
