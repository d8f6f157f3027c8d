"""Leases: who may write which tables now. They keep people and schedules apart.

A lease has a holder and a token, a number that rises with each holder. Taking it over is creating the file of the next
token, which only one of many can do. A holder that was paused past its end finds the greater token, or its own end,
when it checks right before a commit; what happens after that check only the table's log store can refuse.

Machines are compared by their clocks: they must agree much better than to the seconds of a lease.
"""

import getpass
import os
import re
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from lakehouse.errors import LeaseError
from lakehouse.storage.lease_file import Claim, LeaseFolder, gone_from_here, keeps_out, shown
from lakehouse.storage.store import Store

_NAME = re.compile(r"core|bronze:[a-z][a-z0-9_]*")
# A lease is renewed so often within its time, and looked at so often by those who wait for it.
_RENEWALS, _LOOKS = 3, 20
_LONGEST_PAUSE_SECONDS = 2.0


class Lease:
    """One lease that is held.

    Attributes:
        name: `core` or `bronze:<network>`.
        token: greater than that of every earlier holder.
    """

    def __init__(self, folder: LeaseFolder, token: int, claim: Claim, clock: Callable[[], datetime]) -> None:
        self.name = folder.name
        self.token = token
        self._folder = folder
        self._claim = claim
        self._clock = clock
        self._lock = threading.Lock()

    def check(self) -> None:
        """It is still held; asked right before a commit.

        Raises:
            LeaseError: its time is over, or someone has taken it over.
        """
        highest = self._folder.highest()
        if highest > self.token:
            raise LeaseError(
                f"lease {self.name}: another run took it over (token {highest}, this run's is {self.token}), because "
                "this one did not renew it in time. This run commits nothing more; run again."
            )
        if highest < self.token or not self._claim.is_live(self._clock()):
            raise LeaseError(
                f"lease {self.name}: no longer held; its time ended at {shown(self._claim.expires_at)}, because this "
                "run was paused or could not reach the lake to renew it. This run commits nothing more; run again."
            )

    def renew(self, seconds: float) -> None:
        """Hold it for `seconds` from now. One that is over, taken over or given back stays so.

        Raises:
            OSError: the lake cannot be reached.
        """
        with self._lock:
            now = self._clock()
            if self._claim.is_live(now) and self._folder.highest() == self.token:
                renewed = replace(self._claim, expires_at=now + timedelta(seconds=seconds))
                self._folder.write(self.token, renewed)
                self._claim = renewed

    def release(self) -> None:
        """Give it back; nothing happens when it is no longer held.

        Raises:
            OSError: the lake cannot be reached.
        """
        with self._lock:
            given_back, self._claim = self._claim.released, replace(self._claim, released=True)
            if not given_back and self._folder.highest() == self.token:
                self._folder.write(self.token, self._claim)


class Leases:
    """The leases of one run. A context manager: they are given back at its end."""

    def __init__(
        self, store: Store, holder: str, run_id: str, ttl_seconds: float, clock: Callable[[], datetime]
    ) -> None:
        """Nothing is taken yet.

        Args:
            store: the lake.
            holder: `user@host:process`; see `this_process`.
            run_id: the run that will hold them.
            ttl_seconds: a lease that was not renewed for so long is free.
            clock: instants with their zone.
        """
        self._store = store
        self._holder = holder
        self._run_id = run_id
        self._ttl = ttl_seconds
        self._clock = clock
        self._held: dict[str, Lease] = {}
        self._ended = threading.Event()
        self._heartbeat: threading.Thread | None = None

    def acquire(
        self, names: Sequence[str], wait_seconds: float = 0, tell: Callable[[str], None] = lambda text: None
    ) -> None:
        """Take all of them, or none.

        Args:
            names: `core` or `bronze:<network>`.
            wait_seconds: how long to wait, in all, for those that others hold.
            tell: is told once of each lease that is waited for.

        Raises:
            LeaseError: another run holds one of them.
            OSError: the lake cannot be reached.
        """
        deadline = time.monotonic() + wait_seconds
        try:
            # Everyone takes them in one order, so that no two runs wait for each other.
            for name in sorted(set(names) - self._held.keys()):
                self._held[name] = self._taken(name, deadline, tell)
                self._keep_renewing()
        except BaseException:
            self.release()
            raise

    def token(self, name: str) -> int:
        """The token of a lease that is still held: asked right before a commit, and written into it.

        Raises:
            LeaseError: it is no longer held, or never was.
        """
        if name not in self._held:
            raise LeaseError(f"lease {name}: this run did not take it; it holds {', '.join(self._held) or 'none'}.")
        self._held[name].check()
        return self._held[name].token

    def release(self) -> None:
        """Give all of them back."""
        self._ended.set()
        if self._heartbeat is not None:
            self._heartbeat.join()
        while self._held:
            _, lease = self._held.popitem()
            # One that cannot be given back ends by itself: no reason to fail a run whose work is done.
            with suppress(OSError):
                lease.release()
        self._ended, self._heartbeat = threading.Event(), None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _taken(self, name: str, deadline: float, tell: Callable[[str], None]) -> Lease:
        if not _NAME.fullmatch(name):
            raise ValueError(f"a lease is named core or bronze:<network>, found {name}")
        folder, told = LeaseFolder(self._store, name), False
        while (lease := self._tried(folder)) is None:
            holder = folder.newest()
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise LeaseError(
                    f"lease {name}: held by {holder[1] if holder else 'another run'}. This run stops before it writes "
                    "anything. Wait until that run ends, or let --wait do so; if that run is gone, run again once its "
                    "time is over."
                )
            if holder and not told:
                told = True
                tell(f"waiting for lease {name}, held by {holder[1]}")
            time.sleep(min(self._ttl / _LOOKS, _LONGEST_PAUSE_SECONDS, remaining))
        return lease

    def _tried(self, folder: LeaseFolder) -> Lease | None:
        """The lease, if it is free and nobody is quicker."""
        now, held = self._clock(), folder.newest()
        is_gone = gone_from_here if self._store.is_local else lambda holder: False
        if held and keeps_out(held[1], now, is_gone):
            return None
        token = held[0] + 1 if held else 1
        claim = Claim(self._holder, self._run_id, now, now + timedelta(seconds=self._ttl), nonce=secrets.token_hex(8))
        if not folder.create(token, claim):
            return None
        folder.sweep(token)
        return Lease(folder, token, claim, self._clock)

    def _keep_renewing(self) -> None:
        if self._heartbeat is None:
            self._heartbeat = threading.Thread(target=self._renew, name="leases", daemon=True)
            self._heartbeat.start()

    def _renew(self) -> None:
        while not self._ended.wait(self._ttl / _RENEWALS):
            for lease in list(self._held.values()):
                # One that failed is tried again at the next beat; when none comes through, check() says so.
                with suppress(OSError):
                    lease.renew(self._ttl)


def this_process() -> str:
    """`user@host:process` of this process, as the holder of its leases."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}:{os.getpid()}"
