"""Secrets by reference: settings hold a name, and the value is fetched here at the moment of use.

A value never stands in settings, in an error, in a log or on a command line.
"""

import os
import re
import secrets
import tempfile
from pathlib import Path

from lakehouse.errors import SettingsError

LOCAL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
DEFAULT_LOCAL_NAME = "development"
KEY_BYTES = 32


def resolve(reference: str, *, local_folder: Path | None = None) -> str:
    """The value of the secret that `reference` names.

    Args:
        reference: `env:NAME`, an environment variable; `secretsmanager:ID`, the text of a secret in AWS Secrets Manager
            (name or ARN); `local:NAME`, a random key of 32 bytes in hexadecimal for development, made at its first
            use (`local:` alone is one named `development`).
        local_folder: where local keys are files `NAME.key` that only their owner may read; None refuses them.

    Raises:
        SettingsError: no such kind of reference, an unset variable, no such secret, a local key where none may be.
    """
    kind, colon, name = reference.partition(":")
    if colon and kind == "env" and name:
        return _from_environment(name)
    if colon and kind == "secretsmanager" and name:
        return _from_secrets_manager(name)
    if colon and kind == "local":
        return _local_key(name or DEFAULT_LOCAL_NAME, local_folder)
    raise SettingsError("a secret is written env:<NAME>, secretsmanager:<id> or local:<name>; found another form")


def _from_environment(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        raise SettingsError(f"secret env:{name}: the environment variable {name} is not set or empty; set it")
    return value


def _from_secrets_manager(secret_id: str) -> str:
    import boto3
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        answer = boto3.client("secretsmanager").get_secret_value(SecretId=secret_id)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown error")
        raise SettingsError(
            f"secret secretsmanager:{secret_id}: {code}; check the id, the region and the permission GetSecretValue"
        ) from None
    except BotoCoreError as error:
        raise SettingsError(
            f"secret secretsmanager:{secret_id}: {type(error).__name__}; check the AWS region and credentials"
        ) from None
    text = answer.get("SecretString")
    if not isinstance(text, str) or not text:
        raise SettingsError(f"secret secretsmanager:{secret_id}: expected text, found none; store it as SecretString")
    return text


def _local_key(name: str, folder: Path | None) -> str:
    if not LOCAL_NAME.fullmatch(name):
        raise SettingsError("a local key's name has letters, digits, `_`, `-` and `.`, a letter or digit first")
    if folder is None:
        raise SettingsError(f"secret local:{name}: a lake on S3 has no local keys; name one with secretsmanager:<id>")
    file = folder / f"{name}.key"
    if not file.exists():
        _make_key(file)
    value = file.read_text(encoding="ascii").strip()
    if not value:
        raise SettingsError(f"secret local:{name}: {file} is empty; restore it from a copy: a new key makes new tokens")
    return value


def _make_key(file: Path) -> None:
    """Write the whole key before it gets its name, so that two processes that start together end up with one key."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, draft = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(secrets.token_hex(KEY_BYTES))
            opened.flush()
            os.fsync(opened.fileno())
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)
