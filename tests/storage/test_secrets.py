"""Secrets: found by reference, made once, and in no error."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from lakehouse.errors import SettingsError
from lakehouse.storage.secrets import resolve


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that reach no account."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


def test_a_secret_is_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MERIDIAN_CONNECTION", "DSN=claims;PWD=hunter2")
    assert resolve("env:MERIDIAN_CONNECTION") == "DSN=claims;PWD=hunter2"


@pytest.mark.parametrize("value", [None, ""])
def test_an_unset_or_empty_variable_is_named(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    monkeypatch.delenv("MERIDIAN_CONNECTION", raising=False)
    if value is not None:
        monkeypatch.setenv("MERIDIAN_CONNECTION", value)
    with pytest.raises(SettingsError, match="variable MERIDIAN_CONNECTION is not set or empty"):
        resolve("env:MERIDIAN_CONNECTION")


def test_a_local_key_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = tmp_path / "lake" / "secrets"
    key = resolve("local:member_token", local_folder=folder)
    assert len(bytes.fromhex(key)) == 32
    assert resolve("local:member_token", local_folder=folder) == key
    assert [file.name for file in folder.iterdir()] == ["member_token.key"]
    assert stat.S_IMODE((folder / "member_token.key").stat().st_mode) == 0o600


def test_two_names_have_two_keys_and_no_name_is_development(tmp_path: Path) -> None:
    assert resolve("local:a", local_folder=tmp_path) != resolve("local:b", local_folder=tmp_path)
    assert resolve("local:", local_folder=tmp_path) == (tmp_path / "development.key").read_text()


def test_readers_that_start_together_get_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: resolve("local:shared", local_folder=tmp_path), range(32)))
    assert len(keys) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["shared.key"]


def test_a_local_key_needs_a_folder() -> None:
    with pytest.raises(SettingsError, match="a lake on S3 has no local keys"):
        resolve("local:member_token", local_folder=None)


@pytest.mark.parametrize("name", ["../key", ".hidden", "a/b", "a b"])
def test_a_local_name_stays_in_its_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="a local key's name"):
        resolve(f"local:{name}", local_folder=tmp_path / "inner")
    assert list(tmp_path.iterdir()) == []


def test_an_emptied_local_key_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.key").write_text("\n")
    with pytest.raises(SettingsError, match="a new key makes new tokens"):
        resolve("local:a", local_folder=tmp_path)


@pytest.mark.parametrize("reference", ["hunter2", "env:", "secretsmanager:", "", "vault:hunter2", "ENV:hunter2"])
def test_what_is_no_reference_is_refused_and_not_shown(reference: str) -> None:
    with pytest.raises(SettingsError, match="a secret is written env:") as raised:
        resolve(reference)
    assert "hunter2" not in str(raised.value)


@mock_aws
def test_a_secret_is_read_from_secrets_manager(aws: None) -> None:
    boto3.client("secretsmanager").create_secret(Name="claims/meridian", SecretString="DSN=claims;PWD=hunter2")
    assert resolve("secretsmanager:claims/meridian") == "DSN=claims;PWD=hunter2"


@mock_aws
def test_a_secret_that_is_not_there_is_named(aws: None) -> None:
    with pytest.raises(SettingsError, match="secretsmanager:claims/absent: ResourceNotFoundException"):
        resolve("secretsmanager:claims/absent")


@mock_aws
def test_a_binary_secret_is_refused(aws: None) -> None:
    boto3.client("secretsmanager").create_secret(Name="key", SecretBinary=b"hunter2")
    with pytest.raises(SettingsError, match="expected text") as raised:
        resolve("secretsmanager:key")
    assert "hunter2" not in str(raised.value)


def test_without_a_region_the_error_says_what_to_check(aws: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/absent")
    with pytest.raises(SettingsError, match="check the AWS region"):
        resolve("secretsmanager:claims/meridian")
