"""Leases, in a folder and on S3: one holder at a time, tokens that rise, and a paused holder that finds out."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.errors import LeaseError
from lakehouse.storage.lease import Leases, this_process
from lakehouse.storage.lease_file import Claim, LeaseFolder
from lakehouse.storage.store import Store
from servers.moto import Moto
from servers.s3_proxy import Answer, S3Proxy

TTL = 60.0
START = datetime(2026, 1, 7, 12, tzinfo=UTC)


class Clock:
    """Stands still until it is told the time."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(str(tmp_path / "lake"))
    moto: Moto = request.getfixturevalue("moto")
    return Store(f"s3://{moto.fresh_bucket()}/lake", moto.s3)


@pytest.fixture
def clock() -> Clock:
    return Clock()


MADE: list[Leases] = []


@pytest.fixture(autouse=True)
def _all_are_given_back() -> Iterator[None]:
    yield
    while MADE:
        MADE.pop().release()


def run(
    store: Store, clock: Callable[[], datetime], number: int = 1, ttl: float = TTL, holder: str | None = None
) -> Leases:
    """Leases that are given back at the end of the test, whatever comes between."""
    MADE.append(Leases(store, holder or f"somebody@elsewhere:{number}", f"run-{number}", ttl, clock))
    return MADE[-1]


def test_tokens_rise_from_holder_to_holder(store: Store, clock: Clock) -> None:
    for number in (1, 2, 3):
        with run(store, clock, number) as leases:
            leases.acquire(["core", "bronze:harbor"])
            assert (leases.token("core"), leases.token("bronze:harbor")) == (number, number)
    # One that is over stays for whoever asks what happened.
    assert store.names("_leases", "core") == [f"{2:020d}.json", f"{3:020d}.json"]
    assert store.folders("_leases") == ["bronze-harbor", "core"]


def test_a_file_says_who_holds_it_and_until_when(store: Store, clock: Clock) -> None:
    with run(store, clock) as leases:
        leases.acquire(["core"])
        said = json.loads(store.read("_leases", "core", f"{1:020d}.json"))
        assert said.pop("nonce")
        assert said == {
            "holder": "somebody@elsewhere:1",
            "run_id": "run-1",
            "since": "2026-01-07T12:00:00+00:00",
            "expires_at": "2026-01-07T12:01:00+00:00",
            "released": False,
        }
    assert json.loads(store.read("_leases", "core", f"{1:020d}.json"))["released"] is True


def test_a_second_run_is_refused_and_told_by_whom(store: Store, clock: Clock) -> None:
    with run(store, clock) as first, run(store, clock, 2) as second:
        first.acquire(["core"])
        with pytest.raises(LeaseError) as refused:
            second.acquire(["core"])
        assert str(refused.value) == (
            "lease core: held by somebody@elsewhere:1 for run run-1 since 2026-01-07T12:00:00+00:00, until "
            "2026-01-07T12:01:00+00:00 or longer. This run stops before it writes anything. Wait until that run ends, "
            "or let --wait do so; if that run is gone, run again once its time is over."
        )
        assert refused.value.exit_code == 3
        assert first.token("core") == 1


def test_runs_with_other_leases_do_not_meet(store: Store, clock: Clock) -> None:
    with run(store, clock) as first, run(store, clock, 2) as second:
        first.acquire(["bronze:harbor"])
        second.acquire(["bronze:meridian", "core"])
        assert (first.token("bronze:harbor"), second.token("core")) == (1, 1)


def test_all_are_taken_or_none(store: Store, clock: Clock) -> None:
    with run(store, clock) as first, run(store, clock, 2) as second, run(store, clock, 3) as third:
        first.acquire(["core"])
        with pytest.raises(LeaseError, match="lease core: held by"):
            second.acquire(["core", "bronze:harbor"])
        third.acquire(["bronze:harbor"])
        with pytest.raises(LeaseError, match=r"lease bronze:harbor: this run did not take it; it holds none\."):
            second.token("bronze:harbor")


def test_a_lease_is_taken_over_from_its_end_on_and_not_before(store: Store, clock: Clock) -> None:
    first, second = run(store, clock), run(store, clock, 2)
    first.acquire(["core"])
    clock.forward(TTL - 0.001)
    with pytest.raises(LeaseError, match="held by somebody@elsewhere:1"):
        second.acquire(["core"])
    clock.forward(0.001)
    second.acquire(["core"])
    assert second.token("core") == 2
    second.release()
    first.release()


def test_a_paused_holder_finds_out_before_it_commits(store: Store, clock: Clock) -> None:
    first, second = run(store, clock), run(store, clock, 2)
    first.acquire(["core"])
    clock.forward(TTL)
    with pytest.raises(LeaseError, match=r"lease core: no longer held; its time ended at 2026-01-07T12:01:00\+00:00"):
        first.token("core")
    second.acquire(["core"])
    with pytest.raises(LeaseError, match=r"another run took it over \(token 2, this run's is 1\)"):
        first.token("core")
    # Given back late, it takes nothing from the holder of now.
    first.release()
    assert second.token("core") == 2
    with pytest.raises(LeaseError, match="held by somebody@elsewhere:2"):
        run(store, clock, 3).acquire(["core"])
    second.release()


def test_a_late_release_leaves_no_file_that_was_swept_up(store: Store, clock: Clock) -> None:
    first = run(store, clock)
    first.acquire(["core"])
    for number in (2, 3):
        clock.forward(TTL)
        run(store, clock, number).acquire(["core"])
    first.release()
    assert store.names("_leases", "core") == [f"{2:020d}.json", f"{3:020d}.json"]


def test_a_holder_is_not_brought_back_by_a_late_renewal(store: Store, clock: Clock) -> None:
    leases = run(store, clock)
    leases.acquire(["core"])
    lease = leases._held["core"]
    clock.forward(TTL / 2)
    lease.renew(TTL)
    clock.forward(TTL / 2)
    lease.check()
    clock.forward(TTL / 2)
    lease.renew(TTL)
    with pytest.raises(LeaseError, match="no longer held"):
        lease.check()
    run(store, clock, 2).acquire(["core"])
    leases.release()


def test_a_run_at_work_keeps_its_lease_beyond_its_first_end(store: Store) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    with run(store, now, ttl=1.0) as first:
        first.acquire(["core", "bronze:harbor"])
        until = time.monotonic() + 1.3
        while time.monotonic() < until:
            with pytest.raises(LeaseError, match="held by somebody@elsewhere:1"):
                run(store, now, 2).acquire(["core"])
            assert first.token("bronze:harbor") == 1
            time.sleep(0.05)


def test_one_who_waits_gets_the_lease_when_it_is_given_back(store: Store, clock: Clock) -> None:
    first, second, told = run(store, clock), run(store, clock, 2, ttl=1.0), list[str]()
    first.acquire(["core"])
    threading.Timer(0.3, first.release).start()
    second.acquire(["core"], wait_seconds=20, tell=told.append)
    assert second.token("core") == 2
    assert [text.split(" for run ")[0] for text in told] == ["waiting for lease core, held by somebody@elsewhere:1"]
    second.release()


def test_a_claim_is_read_whole_while_its_holder_rewrites_it(store: Store, clock: Clock) -> None:
    folder, ends = LeaseFolder(store, "core"), threading.Event()
    claims = [Claim(f"holder{'x' * size}@elsewhere:1", "run-1", clock(), clock(), nonce="n") for size in (0, 900)]
    folder.create(1, claims[0])

    def rewrite() -> None:
        while not ends.is_set():
            for claim in claims:
                folder.write(1, claim)

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        for _ in range(60):
            found = folder.newest()
            assert found is not None
            assert found[1] in claims
    finally:
        ends.set()
        writer.join()


def test_waiting_ends(store: Store, clock: Clock) -> None:
    with run(store, clock) as first, run(store, clock, 2) as second:
        first.acquire(["core"])
        began = time.monotonic()
        with pytest.raises(LeaseError, match="lease core: held by"):
            second.acquire(["core"], wait_seconds=0.2)
        assert 0.2 <= time.monotonic() - began < 5


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(2, 6), min_size=1, max_size=4))
def test_of_runs_that_race_exactly_one_wins_each_round(
    tmp_path_factory: pytest.TempPathFactory, rounds: list[int]
) -> None:
    race(Store(str(tmp_path_factory.mktemp("race"))), rounds)


def test_of_runs_that_race_on_s3_exactly_one_wins_each_round(moto: Moto) -> None:
    race(Store(f"s3://{moto.fresh_bucket()}/lake", moto.s3), [6, 2, 4])


def race(store: Store, rounds: list[int]) -> None:
    """Rounds of so many runs each; a round begins when the time of the last winner, who never gives back, is over."""
    clock, tokens, winners = Clock(), list[int](), list[Leases]()
    for runs in rounds:
        start, won = threading.Barrier(runs), list[Leases]()

        def compete(start: threading.Barrier = start, won: list[Leases] = won) -> None:
            leases = run(store, clock)  # alike in all they say of themselves, and still told apart
            start.wait()
            try:
                leases.acquire(["core", "bronze:harbor"])
            except LeaseError:
                return
            won.append(leases)

        threads = [threading.Thread(target=compete) for _ in range(runs)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # Two may each hold one for a moment, so that none gets both; never may two get them.
        assert len(won) <= 1
        if won:
            tokens.append(won[0].token("core"))
            for earlier in winners:
                with pytest.raises(LeaseError, match="another run took it over"):
                    earlier.token("core")
            winners += won
        clock.forward(TTL)
    assert tokens
    assert tokens == sorted(set(tokens))
    for leases in winners:
        leases.release()


def test_a_killed_run_keeps_nobody_waiting_where_its_process_can_be_looked_for(tmp_path: Path, clock: Clock) -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    gone = f"somebody@{socket.gethostname()}:{child.pid}"
    run(Store(str(tmp_path)), clock, holder=gone).acquire(["core"])
    with run(Store(str(tmp_path)), clock, 2) as leases:
        leases.acquire(["core"])
        assert leases.token("core") == 2


def test_a_process_that_runs_is_not_taken_for_a_gone_one(tmp_path: Path, clock: Clock) -> None:
    assert this_process().endswith(f"@{socket.gethostname()}:{os.getpid()}")
    with run(Store(str(tmp_path)), clock, holder=this_process()) as first:
        first.acquire(["core"])
        with pytest.raises(LeaseError, match="held by"):
            run(Store(str(tmp_path)), clock, 2).acquire(["core"])


def test_on_s3_a_name_of_a_machine_proves_nothing(moto: Moto, clock: Clock) -> None:
    store = Store(f"s3://{moto.fresh_bucket()}/lake", moto.s3)
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    run(store, clock, holder=f"somebody@{socket.gethostname()}:{child.pid}").acquire(["core"])
    with pytest.raises(LeaseError, match="held by"):
        run(store, clock, 2).acquire(["core"])


def test_renewals_that_fail_end_the_lease_and_not_the_process(moto: Moto) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    rules = {r"PUT .*/_leases/.*": [Answer.PASS, *[Answer.EXPIRED] * 50]}
    with S3Proxy(moto.endpoint, rules) as proxy:
        leases = run(Store(f"s3://{moto.fresh_bucket()}/lake", proxy.settings(moto.s3)), now, ttl=0.6)
        leases.acquire(["core"])
        assert leases.token("core") == 1
        time.sleep(0.7)
        assert proxy.done[Answer.EXPIRED] >= 1
        with pytest.raises(LeaseError, match="could not reach the lake to renew it"):
            leases.token("core")
        leases.release()


def test_a_lost_answer_costs_neither_the_lease_nor_a_token(moto: Moto, clock: Clock) -> None:
    rules = {r"PUT .*/_leases/.*": [Answer.DROP_AFTER], r"GET .*_leases.*": [Answer.SLOW_DOWN, Answer.RESET]}
    with S3Proxy(moto.endpoint, rules) as proxy:
        store = Store(f"s3://{moto.fresh_bucket()}/lake", proxy.settings(moto.s3))
        with run(store, clock) as leases:
            leases.acquire(["core"])
            assert leases.token("core") == 1
        assert proxy.done[Answer.DROP_AFTER] == 1


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"holder": "x"}', b"\xff"])
def test_a_damaged_file_is_not_guessed_about(store: Store, clock: Clock, content: bytes) -> None:
    store.write(content, "_leases", "core", f"{7:020d}.json")
    with pytest.raises(LeaseError, match=r"lease core: .*/00000000000000000007\.json is damaged"):
        run(store, clock).acquire(["core"])


def test_a_lease_whose_files_are_gone_is_no_longer_held(store: Store, clock: Clock) -> None:
    with run(store, clock) as leases:
        leases.acquire(["core"])
        store.remove_folder("_leases", "core")
        with pytest.raises(LeaseError, match="no longer held"):
            leases.token("core")


@pytest.mark.parametrize("name", ["silver", "bronze:", "bronze:../x", "bronze-harbor", ""])
def test_there_are_no_other_leases(tmp_path: Path, clock: Clock, name: str) -> None:
    with pytest.raises(ValueError, match="a lease is named core or bronze:<network>"):
        run(Store(str(tmp_path)), clock).acquire([name])
