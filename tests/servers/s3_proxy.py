"""An HTTP proxy in front of a test's S3 that answers badly on purpose: named requests by rules, the rest by seed.

It forwards requests as they are, so it serves servers that do not verify signatures.
"""

import os
import random
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Final, Self

from lakehouse.settings import S3Settings

DELAY_SECONDS: Final = 0.3
REFUSALS: Final = {"slow down": (503, "SlowDown"), "expired": (403, "ExpiredToken")}
# They speak of one connection, and the proxy has two.
HOP_BY_HOP: Final = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server", "expect"}


class Answer(StrEnum):
    """What the proxy does with a request."""

    PASS = "pass"
    SLOW_DOWN = "slow down"  # 503, nothing forwarded
    RESET = "reset"  # the connection breaks, nothing forwarded
    DROP_AFTER = "drop after"  # forwarded and done, and the connection closes without an answer
    DELAY = "delay"  # forwarded after a pause
    EXPIRED = "expired"  # 403, nothing forwarded


class S3Proxy:
    """A context manager: it listens on a free port of 127.0.0.1 inside the block.

    Attributes:
        done: how often each answer was given.
        seen: every request as `METHOD path?query`, in order.
        hidden: requests to list find no key that matches this; None hides nothing. May be changed meanwhile.
    """

    def __init__(
        self,
        upstream: str,
        rules: Mapping[str, Sequence[Answer]] | None = None,
        *,
        odds: Mapping[Answer, float] | None = None,
        seed: int = 0,
        hidden: str | None = None,
    ) -> None:
        """Nothing listens yet.

        Args:
            upstream: address of the server, `http://host:port`.
            rules: pattern of a whole `METHOD path?query` -> answers to the first such requests; later ones pass.
            odds: answer -> its probability, for requests that no rule has an answer for.
            seed: of that chance.
            hidden: see the attribute.
        """
        self.done: Counter[Answer] = Counter()
        self.seen: list[str] = []
        self.hidden = hidden
        self._upstream = upstream.removeprefix("http://")
        self._rules = [(re.compile(pattern), list(answers)) for pattern, answers in (rules or {}).items()]
        self._odds = dict(odds or {})
        self._chance = random.Random(seed)
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _handler(self))

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def settings(self, s3: S3Settings) -> S3Settings:
        """The same S3, reached through this proxy."""
        return s3.model_copy(update={"endpoint": self.endpoint})

    def decide(self, request: str) -> Answer:
        """The answer to a request; counts it."""
        with self._lock:
            self.seen.append(request)
            answer = self._by_rule(request) or self._by_chance()
            self.done[answer] += 1
            return answer

    def _by_rule(self, request: str) -> Answer | None:
        waiting = (answers for pattern, answers in self._rules if answers and pattern.fullmatch(request))
        found = next(waiting, None)
        return found.pop(0) if found else None

    def _by_chance(self) -> Answer:
        drawn = self._chance.random()
        for answer, share in self._odds.items():
            if drawn < share:
                return answer
            drawn -= share
        return Answer.PASS

    def forward(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> "_Reply":
        """What the server says."""
        connection = HTTPConnection(self._upstream, timeout=60)
        try:
            connection.request(method, path, body=body, headers=dict(headers))
            reply = connection.getresponse()
            content = reply.read()
            if self.hidden is not None and method == "GET" and b"<ListBucketResult" in content:
                content = _without(content, self.hidden)
            return _Reply(reply.status, reply.getheaders(), content)
        finally:
            connection.close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), name="s3 proxy", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Reply:
    def __init__(self, status: int, headers: list[tuple[str, str]], content: bytes) -> None:
        self.status = status
        self.headers = [(name, value) for name, value in headers if name.lower() not in HOP_BY_HOP]
        # The answer to a HEAD has a length and no content.
        told = next((int(value) for name, value in headers if name.lower() == "content-length"), 0)
        self.length = len(content) or told
        self.content = content


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is none of the test's concern."""


def _handler(proxy: S3Proxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one(self) -> None:
            body = self._body()
            answer = proxy.decide(f"{self.command} {self.path}")
            if answer is Answer.RESET:
                self._break_off()
                return
            if answer in REFUSALS:
                status, code = REFUSALS[answer]
                content = f"<Error><Code>{code}</Code><Message>On purpose.</Message></Error>".encode()
                self._send(_Reply(status, [("Content-Type", "application/xml")], content))
                return
            if answer is Answer.DELAY:
                time.sleep(DELAY_SECONDS)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP_BY_HOP}
            reply = proxy.forward(self.command, self.path, headers, body)
            if answer is Answer.DROP_AFTER:
                self._break_off()
            else:
                self._send(reply)

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_one

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            pieces = []
            while size := int(self.rfile.readline().split(b";")[0], 16):
                pieces.append(self.rfile.read(size))
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return b"".join(pieces)

        def _send(self, reply: _Reply) -> None:
            self.send_response_only(reply.status)
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status not in (204, 304):
                self.send_header("Content-Length", str(reply.length))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.content)

        def _break_off(self) -> None:
            """Close with a reset and without a word."""
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(self.connection.detach())

        def log_message(self, format: str, *args: object) -> None:
            """Nothing: the proxy counts, and its test tells."""

    return Handler


def _without(listing: bytes, hidden: str) -> bytes:
    """An answer to a LIST without the keys that match."""
    pattern = re.compile(hidden)

    def kept(entry: re.Match[bytes]) -> bytes:
        key = re.search(rb"<Key>(.*?)</Key>", entry[0], re.DOTALL)
        return b"" if key and pattern.search(key[1].decode()) else entry[0]

    return re.sub(rb"<Contents>.*?</Contents>", kept, listing, flags=re.DOTALL)
