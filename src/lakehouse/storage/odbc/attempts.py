"""Tries again what failed for a reason that passes, with growing pauses; then says it in one sentence."""

import random
from collections.abc import Callable
from itertools import count
from typing import Final, TypeVar

from lakehouse.storage.odbc.failures import DriverFailure

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 30.0

T = TypeVar("T")


def pause_before(attempt: int) -> float:
    """Seconds before an attempt (2 for the second): doubling, and drawn by chance so that readers do not meet again."""
    longest = min(FIRST_PAUSE_SECONDS * 2 ** (attempt - 2), LONGEST_PAUSE_SECONDS)
    return random.uniform(longest / 2, longest)


def persist(action: Callable[[], T], attempts: int, pause: Callable[[float], None]) -> T:
    """What `action` gives, tried again while its failure may pass.

    Args:
        action: must be safe to run again from its beginning.
        attempts: at most.
        pause: waits for so many seconds.

    Raises:
        DriverFailure: of the last attempt; nothing else hangs on to it.
    """
    for attempt in count(1):
        try:
            return action()
        except DriverFailure as failure:
            failed = failure
        if not failed.is_transient or attempt >= attempts:
            break
        pause(pause_before(attempt + 1))
    raise failed
