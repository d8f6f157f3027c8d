"""Fault points are silent until a test listens."""

import ast
from pathlib import Path

from lakehouse.faults import POINTS, at_fault_points, fault_point

SOURCE = Path(__file__).parents[1] / "src" / "lakehouse"


def test_nothing_happens_unless_a_test_listens() -> None:
    heard: list[str] = []
    fault_point("before_plan")
    at_fault_points(heard.append)
    try:
        fault_point("after_plan")
    finally:
        at_fault_points(None)
    fault_point("before_plan")
    assert heard == ["after_plan"]


def test_every_listed_moment_is_one_that_the_code_names() -> None:
    named: set[str] = set()
    for file in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "fault_point":
                argument = node.args[0]
                if isinstance(argument, ast.Constant):
                    named.add(argument.value)
    of_a_commit = {p for p in POINTS if p.endswith("_commit")}
    assert set(POINTS) - of_a_commit == named
