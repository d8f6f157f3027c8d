"""Lost rows by the way of polling, over the same random schedules: open transactions, ties, skewed stamps, crashes.

The product's own planning of windows runs on the simulated world of `tests/simulator`, beside the queries that jobs
usually ask of a stamp; then rules for the newest row of a key are compared. The shares depend on the generator, which
makes awkward schedules; the ranking does not.

    python tests/benchmarks/watermark.py [schedules] [--seed 4711 --way "stamp > max seen"]

10,000 schedules take about half a minute on one core. With a seed, one world is told step by step.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path

from _measure import print_json, print_table

sys.path.insert(0, str(Path(__file__).parents[1]))
from simulator.other_ways import RULES, USUAL_QUERIES
from simulator.ours import OURS
from simulator.schedule import Schedule, schedule
from simulator.world import Verdict, Way, World

COLUMNS = ("", "schedules with a lost row", "lost rows each", "rows landed twice each", "rows read again each")
RULE_COLUMNS = ("newest row of a key by", "schedules in which Silver differs from the source")


def compared(schedules: Sequence[Schedule], ways: Iterable[Way]) -> dict[str, list[Verdict]]:
    """What the audit found, by way."""
    return {way.name: [World(of, way).run() for of in schedules] for way in ways}


def share(found: Sequence[Verdict], name: str) -> str:
    """Percent of the worlds in which something was counted."""
    return f"{sum(getattr(v, name) > 0 for v in found) / len(found):.2%}"


def mean(found: Sequence[Verdict], name: str) -> str:
    """A count for each world."""
    return f"{sum(getattr(v, name) for v in found) / len(found):.2f}"


def print_losses(found: dict[str, list[Verdict]]) -> None:
    """The table of ways to poll."""
    rows = [(n, share(v, "lost"), *(mean(v, of) for of in ("lost", "doubled", "reread"))) for n, v in found.items()]
    print_table(COLUMNS, rows)


def tell_one(seed: int, name: str) -> None:
    """One world, step by step."""
    way = next(way for way in (*OURS, *USUAL_QUERIES, *RULES) if way.name == name)
    print(World(schedule(seed), way, tell=print).run())


def main() -> None:
    """Print the tables, or tell one world."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("schedules", type=int, nargs="?", default=10_000)
    asked.add_argument("--seed", type=int)
    asked.add_argument("--way", default=OURS[0].name)
    arguments = asked.parse_args()
    if arguments.seed is not None:
        tell_one(arguments.seed, arguments.way)
        return
    began = time.perf_counter()
    schedules = [schedule(seed) for seed in range(arguments.schedules)]
    polled = compared(schedules, (*OURS, *USUAL_QUERIES))
    print_losses(polled)
    print()
    ruled = compared(schedules, RULES)
    print_table(RULE_COLUMNS, [(name, share(found, "wrong")) for name, found in ruled.items()])
    totals = {
        name: {f.name: sum(getattr(v, f.name) > 0 for v in found) for f in fields(Verdict)}
        for name, found in {**polled, **ruled}.items()
    }
    seconds = round(time.perf_counter() - began, 1)
    print_json("watermark", schedules=arguments.schedules, seconds=seconds, worlds_with=totals)


if __name__ == "__main__":
    main()
