import pytest

from lakehouse.storage.odbc.attempts import LONGEST_PAUSE_SECONDS, pause_before, persist
from lakehouse.storage.odbc.failures import DriverFailure, Kind


class Flaky:
    """Fails in the given ways, then answers."""

    def __init__(self, *kinds: Kind) -> None:
        self.kinds = list(kinds)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.kinds:
            raise DriverFailure(self.kinds.pop(0))
        return "answer"


def test_what_passes_is_tried_again_after_growing_pauses() -> None:
    pauses: list[float] = []
    action = Flaky(Kind.LOST, Kind.CONTENDED, Kind.UNREACHABLE)
    assert persist(action, 4, pauses.append) == "answer"
    assert action.calls == 4
    assert pauses == sorted(pauses)
    assert 0.25 <= pauses[0] <= 0.5


def test_the_last_failure_is_raised_when_attempts_are_used_up() -> None:
    action = Flaky(Kind.LOST, Kind.LOST, Kind.CONTENDED)
    with pytest.raises(DriverFailure) as raised:
        persist(action, 3, lambda seconds: None)
    assert raised.value.kind is Kind.CONTENDED
    assert action.calls == 3
    assert raised.value.__context__ is None


@pytest.mark.parametrize("kind", [Kind.REFUSED, Kind.TIMEOUT, Kind.OTHER, Kind.TOO_LONG])
def test_what_stays_is_not_tried_again(kind: Kind) -> None:
    action = Flaky(kind)
    with pytest.raises(DriverFailure):
        persist(action, 5, lambda seconds: None)
    assert action.calls == 1


def test_pauses_have_an_end() -> None:
    assert pause_before(50) <= LONGEST_PAUSE_SECONDS
