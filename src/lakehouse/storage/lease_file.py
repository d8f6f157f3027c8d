"""The files of a lease: `<root>/_leases/<name>/<token>.json`, the greatest token the one that counts."""

import json
import os
import re
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Self

from lakehouse.errors import LeaseError
from lakehouse.storage.store import Store

FOLDER = "_leases"
_FILE = re.compile(r"(\d{20})\.json\Z")
_HOLDER = re.compile(r".*@(.+):(\d+)")


@dataclass(frozen=True)
class Claim:
    """What a file says: who holds the lease, and until when.

    Attributes:
        holder: `user@host:process`.
        run_id: the run it is held for.
        since, expires_at: instants with their zone; the lease is free again from `expires_at`.
        released: given back before that.
        nonce: chance, so that no two claims are alike.
    """

    holder: str
    run_id: str
    since: datetime
    expires_at: datetime
    released: bool = False
    nonce: str = ""

    def __str__(self) -> str:
        """Who, for which run, since when and until when."""
        return (
            f"{self.holder} for run {self.run_id} since {shown(self.since)}, until {shown(self.expires_at)} or longer"
        )

    def is_live(self, now: datetime) -> bool:
        """Whether the holder may still write."""
        return not self.released and now < self.expires_at

    def to_json(self) -> bytes:
        """Content of the file."""
        times = {"since": self.since.isoformat(), "expires_at": self.expires_at.isoformat()}
        return json.dumps(asdict(self) | times, sort_keys=True).encode()

    @classmethod
    def from_json(cls, content: bytes) -> Self:
        """The claim in a file; raises ValueError, KeyError or TypeError when it holds none."""
        read = json.loads(content)
        return cls(**(read | {key: datetime.fromisoformat(read[key]) for key in ("since", "expires_at")}))


@dataclass(frozen=True)
class LeaseFolder:
    """The files of one lease.

    Attributes:
        store: the lake's root.
        name: `core` or `bronze:<network>`.
    """

    store: Store
    name: str

    @property
    def _parts(self) -> tuple[str, str]:
        return FOLDER, self.name.replace(":", "-")

    def _tokens(self) -> list[int]:
        return [int(matched[1]) for file in self.store.names(*self._parts) if (matched := _FILE.match(file))]

    def highest(self) -> int:
        """The greatest token; 0 when the lease was never taken."""
        return max(self._tokens(), default=0)

    def newest(self) -> tuple[int, Claim] | None:
        """The greatest token with its claim; None when the lease was never taken.

        Raises:
            LeaseError: the file is damaged.
        """
        while token := self.highest():
            try:
                return token, Claim.from_json(self.store.read_changing(*self._parts, f"{token:020d}.json"))
            except FileNotFoundError:
                continue  # two others took the lease since it was listed, and the second swept up
            except (ValueError, KeyError, TypeError):
                file = self.store.uri(*self._parts, f"{token:020d}.json")
                raise LeaseError(
                    f"lease {self.name}: {file} is damaged, so nobody can tell who holds it. Make sure that no run "
                    "works on this lake, then delete this file."
                ) from None
        return None

    def create(self, token: int, claim: Claim) -> bool:
        """Take the lease under a new token; whether this call did."""
        return self.store.create(claim.to_json(), *self._parts, f"{token:020d}.json")

    def write(self, token: int, claim: Claim) -> None:
        """Change one's own claim."""
        self.store.write(claim.to_json(), *self._parts, f"{token:020d}.json")

    def sweep(self, token: int) -> None:
        """Remove claims older than the one before `token`; that one stays for whoever asks what happened."""
        for old in self._tokens():
            if old < token - 1:
                with suppress(OSError):
                    self.store.remove(*self._parts, f"{old:020d}.json")


def keeps_out(claim: Claim, now: datetime, is_gone: Callable[[str], bool]) -> bool:
    """Whether others must wait: the claim is live, and its holder is not known to be gone."""
    return claim.is_live(now) and not is_gone(claim.holder)


def gone_from_here(holder: str) -> bool:
    """Whether `user@host:process` names a process of this machine that no longer runs.

    To be asked of a lake in a folder only: many machines that share a lake on S3 may have one name.
    """
    matched = _HOLDER.fullmatch(holder)
    if matched is None or matched[1] != socket.gethostname():
        return False
    try:
        os.kill(int(matched[2]), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def shown(instant: datetime) -> str:
    """An instant for a message, to the second."""
    return instant.isoformat(timespec="seconds")
