"""Ten thousand worlds: nothing is lost, nothing doubled, and the newest row of every key is the source's.

A failing seed is told with the line that replays it. That a loss would be seen at all is shown twice: the usual query
loses rows in the same schedules, and `test_mistakes.py` gets the product's windows and the landing wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lakehouse.engine import windows
from lakehouse.storage.window import MODIFIED_DATE, ROWVERSION, Window
from simulator.bronze import Bronze, Lease, Store
from simulator.other_ways import BY_STAMP, USUAL_QUERIES
from simulator.ours import OURS
from simulator.poller import Poller, content_of
from simulator.schedule import End, Schedule, Write, schedule
from simulator.source import XID, Source, pieces, tick_of
from simulator.world import Verdict, Way, World

SCHEDULES = 10_000


@pytest.fixture(scope="module")
def verdicts() -> Mapping[str, list[Verdict]]:
    """What the audit found, by way and seed."""
    ways = (*OURS, USUAL_QUERIES[0])
    found: dict[str, list[Verdict]] = {way.name: [] for way in ways}
    for seed in range(SCHEDULES):
        of = schedule(seed)
        for way in ways:
            found[way.name].append(World(of, way).run())
    return found


def replays(way: Way, found: Sequence[Verdict], *counts: str) -> str:
    """The first seeds in which something was counted, each as the line that tells its world step by step."""
    bad = [(seed, v) for seed, v in enumerate(found) if any(getattr(v, name) for name in counts)]
    lines = [f'python tests/benchmarks/watermark.py --seed {seed} --way "{way.name}"  # {v}' for seed, v in bad[:3]]
    return "\n".join([f"{len(bad)} of {len(found)} worlds", *lines] if bad else [])


@pytest.mark.parametrize("way", OURS, ids=lambda way: way.kind)
def test_no_schedule_loses_a_row(way: Way, verdicts: Mapping[str, list[Verdict]]) -> None:
    assert not replays(way, verdicts[way.name], "lost")


@pytest.mark.parametrize("way", OURS[:2], ids=lambda way: way.kind)
def test_no_schedule_lands_a_numbered_row_twice(way: Way, verdicts: Mapping[str, list[Verdict]]) -> None:
    assert not replays(way, verdicts[way.name], "doubled")


@pytest.mark.parametrize("way", OURS, ids=lambda way: way.kind)
def test_the_newest_row_of_every_key_is_the_source_s_deletes_included(
    way: Way, verdicts: Mapping[str, list[Verdict]]
) -> None:
    assert not replays(way, verdicts[way.name], "wrong")


def test_did_stamps_decide_a_row_dated_back_would_not_be_shown() -> None:
    """Why the landing decides before the stamp: no row would be lost, but Silver would show an older one of its key."""
    found = [World(schedule(seed), BY_STAMP).run() for seed in range(SCHEDULES // 10)]
    assert any(v.wrong for v in found)
    assert not any(v.lost for v in found)


@pytest.mark.parametrize("way", OURS, ids=lambda way: way.kind)
def test_a_second_quiet_run_lands_nothing(way: Way, verdicts: Mapping[str, list[Verdict]]) -> None:
    assert not replays(way, verdicts[way.name], "restless")


def test_the_usual_query_loses_rows_in_the_same_schedules(verdicts: Mapping[str, list[Verdict]]) -> None:
    losing = sum(v.lost > 0 for v in verdicts[USUAL_QUERIES[0].name])
    assert losing > SCHEDULES // 10


@st.composite
def any_cut(draw: st.DrawFn) -> type[Source]:
    """A source that cuts its windows anywhere, at values that no row may have."""
    points = sorted(draw(st.sets(st.integers(0, 160), max_size=6)))

    class CutAnywhere(Source):
        def cut(self, window: Window, most_rows: int) -> Sequence[Window]:
            parse = tick_of if self.signal == MODIFIED_DATE else int
            inside = [p for p in points if (window.lo is None or p > parse(window.lo)) and p < parse(window.hi)]
            return pieces(window, [self._text(point) for point in inside])

    return CutAnywhere


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), way=st.sampled_from(OURS), source=any_cut())
def test_a_window_may_be_cut_anywhere(seed: int, way: Way, source: type[Source]) -> None:
    of = replace(schedule(seed), window_rows=1)
    verdict = World(of, replace(way, source=source)).run()
    assert (verdict.lost, verdict.wrong, verdict.restless) == (0, 0, 0)
    assert way.kind == MODIFIED_DATE or verdict.doubled == 0


@settings(max_examples=150, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from([ROWVERSION, XID, MODIFIED_DATE]), most=st.integers(1, 9))
def test_any_split_of_a_window_lands_the_same_rows(seed: int, kind: str, most: int) -> None:
    source = quiet_source(schedule(seed), kind)
    whole, split = landed(source, window_rows=10**6), landed(source, most)
    assert sorted(row.write for row in split.rows()) == sorted(made.write for made in source.rows.values())
    assert {key: content_of(row) for key, row in split.newest_landed().items()} == {
        key: content_of(row) for key, row in whole.newest_landed().items()
    }
    assert end_of(split) == end_of(whole)


def end_of(bronze: Bronze) -> str | None:
    """Where the next window begins."""
    position = bronze.state().position
    return position.hi if position else None


def quiet_source(of: Schedule, kind: str) -> Source:
    """The source after everything that happens in a schedule."""
    source = Source(kind, lambda: None)
    for event in of.events:
        if isinstance(event, Write | End):
            source.apply(event)
    source.clock = of.end
    return source


def landed(source: Source, window_rows: int) -> Bronze:
    """Bronze after a first load."""
    bronze = Bronze(Store(), notes_as_text=True)
    for _ in Poller(source, bronze, Lease(None), 0, window_rows).run(compares_keys=False):
        pass
    return bronze


FIRST_LOAD_ROWS, FIRST_LOAD_PIECES = 200, 20


def first_load(kind: str) -> Source:
    """A table of rows from as many transactions, a tick apart."""
    source = Source(kind, lambda: None)
    for n in range(1, FIRST_LOAD_ROWS + 1):
        source.apply(Write(n, n, n, n, n, n, n, n))
        source.apply(End(n, n, commits=True))
    source.clock = FIRST_LOAD_ROWS + 1
    return source


@pytest.mark.parametrize("kind", [ROWVERSION, XID])
@pytest.mark.parametrize("commits", range(FIRST_LOAD_PIECES + 1))
def test_a_first_load_that_crashed_goes_on_at_the_next_window(kind: str, commits: int) -> None:
    source, bronze = first_load(kind), Bronze(Store(), notes_as_text=True)
    poller = Poller(source, bronze, Lease(None), 0, FIRST_LOAD_ROWS // FIRST_LOAD_PIECES)
    crashing = poller.run(compares_keys=False)
    while len(bronze.landings()) < commits:
        next(crashing)
    crashing.close()
    assert len(poller.due(bronze.state())) == FIRST_LOAD_PIECES - commits
    before = source.rows_read
    for _ in poller.run(compares_keys=False):
        pass
    assert source.rows_read - before == FIRST_LOAD_ROWS * (FIRST_LOAD_PIECES - commits) // FIRST_LOAD_PIECES
    assert [row.write for row in bronze.rows()] == list(range(1, FIRST_LOAD_ROWS + 1))


def test_a_first_load_by_stamp_that_crashed_reads_no_more_than_the_lag_again() -> None:
    source, bronze = first_load(MODIFIED_DATE), Bronze(Store(), notes_as_text=True)
    lag, piece_rows = 5, FIRST_LOAD_ROWS // FIRST_LOAD_PIECES
    for _ in range(FIRST_LOAD_PIECES):
        crashing = Poller(source, bronze, Lease(None), lag, piece_rows).run(compares_keys=False)
        before = len(bronze.landings())
        while len(bronze.landings()) == before:
            next(crashing)
        crashing.close()
    for _ in Poller(source, bronze, Lease(None), lag, piece_rows).run(compares_keys=False):
        pass
    assert [row.write for row in bronze.rows()] == list(range(1, FIRST_LOAD_ROWS + 1))
    assert source.rows_read <= FIRST_LOAD_ROWS + lag * (FIRST_LOAD_PIECES + 1)


def test_another_signal_reads_everything_again_and_loses_nothing() -> None:
    numbered = first_load(ROWVERSION)
    bronze = landed(numbered, 50)
    stamped = first_load(MODIFIED_DATE)
    due = windows.due_windows(stamped, bronze.state(), timedelta(0), 50)
    assert due.why_whole
    assert [row.write for piece in due.windows for row in stamped.read(piece)] == sorted(numbered.rows)
