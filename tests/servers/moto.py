"""A server of the tests' own that speaks S3, DynamoDB and more of AWS, in memory, on a free port of 127.0.0.1.

It is stopped by the process id that was started here. Its credentials are made up. Inside the block they stand in this
process's environment in place of this machine's AWS settings; `environment` gives the same to children.
"""

import itertools
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import boto3
import pytest
from botocore.config import Config

from lakehouse.settings import S3Settings

REGION: Final = "us-east-2"
START_SECONDS: Final = 30
CREDENTIALS: Final = {
    "AWS_ACCESS_KEY_ID": "made-up",
    "AWS_SECRET_ACCESS_KEY": "made-up-too",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}


class Moto:
    """One server. A context manager: it runs inside the block.

    Attributes:
        endpoint: its address.
    """

    def __init__(self) -> None:
        self.endpoint = f"http://127.0.0.1:{free_port()}"
        self._process: subprocess.Popen[bytes] | None = None
        self._saved: dict[str, str] = {}
        self._numbers = itertools.count(1)

    @property
    def pid(self) -> int | None:
        """Process id of the running server; None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    @property
    def s3(self) -> S3Settings:
        """How a lake reaches it."""
        return S3Settings(endpoint=self.endpoint, region=REGION, path_style=True)

    def environment(self) -> Mapping[str, str]:
        """What a child process needs in place of the `AWS_` variables of this one."""
        return {name: value for name, value in os.environ.items() if not name.startswith("AWS_")} | CREDENTIALS

    def client(self, service: str = "s3") -> Any:
        """boto3's client for the test's own requests; made at run time, so without a type."""
        keys = {"aws_access_key_id": "made-up", "aws_secret_access_key": "made-up-too"}
        # A machine that stops for a moment loses one answer, not the five minutes of boto3's own patience.
        patience = Config(connect_timeout=10, read_timeout=20, retries={"mode": "standard", "max_attempts": 5})
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, config=patience, **keys)

    def fresh_bucket(self) -> str:
        """Name of a new, empty bucket."""
        name = f"test-{next(self._numbers)}"
        self.client().create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
        return name

    def keys(self, bucket: str, prefix: str = "") -> list[str]:
        """Names of all objects of a bucket below a prefix, sorted."""
        pages = self.client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return sorted(found["Key"] for page in pages for found in page.get("Contents", []))

    def download(self, bucket: str, folder: Path) -> None:
        """Put every object of a bucket into a folder, as a local lake would lie there."""
        client = self.client()
        for key in self.keys(bucket):
            if not key.endswith("/"):
                (folder / key).parent.mkdir(parents=True, exist_ok=True)
                client.download_file(bucket, key, str(folder / key))

    def __enter__(self) -> Self:
        self._saved = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        for name in self._saved:
            del os.environ[name]
        os.environ.update(CREDENTIALS)
        host, port = self.endpoint.removeprefix("http://").split(":")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", host, "-p", port],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _wait(self) -> None:
        until = time.monotonic() + START_SECONDS
        while self.pid is not None and time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.endpoint}/moto-api/", timeout=5):
                    return
            except OSError:
                time.sleep(0.03)
        raise RuntimeError("moto's server does not answer")

    def _end(self) -> None:
        if self._process is not None:
            if self._process.poll() is None:
                self._process.kill()
            self._process.wait(30)
        for name in CREDENTIALS:
            os.environ.pop(name, None)
        os.environ.update(self._saved)


@pytest.fixture(scope="module")
def moto() -> Iterator[Moto]:
    """One server for the tests of a module; it starts in half a second. Import this name into a `conftest.py`."""
    with Moto() as server:
        yield server


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
