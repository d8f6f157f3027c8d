"""The command line, with one moment of it that ends badly: `faulty_run.py <fault point>:<kind>@<occurrence> ARGUMENTS`.

`kill`: the process group dies by SIGKILL. `stop`: this process stops (SIGSTOP) until someone lets it go on.
"""

import os
import signal
import sys

from lakehouse.cli import main
from lakehouse.faults import at_fault_points

point, _, what = sys.argv.pop(1).partition(":")
kind, _, occurrence = what.partition("@")
reached = 0


def end_badly(name: str) -> None:
    """Called at every fault point."""
    global reached
    reached += name == point
    if name == point and reached == int(occurrence or 1):
        if kind == "kill":
            os.killpg(0, signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGSTOP)


at_fault_points(end_badly)
main()
