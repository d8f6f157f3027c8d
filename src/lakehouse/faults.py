"""Named moments of a run at which a test may stop it. Nothing happens at them unless a test asks for it."""

from collections.abc import Callable

Handler = Callable[[str], None]
"""Told the name of the moment that is reached; it may raise, or end the process."""

_handler: Handler | None = None


def fault_point(name: str) -> None:
    """The run has come to the moment `name`; see `POINTS`."""
    if _handler is not None:
        _handler(name)


def at_fault_points(handler: Handler | None) -> None:
    """Call `handler` at every moment from now on; None calls nothing again. For tests."""
    global _handler
    _handler = handler


POINTS = (
    "before_plan",
    "after_plan",
    "before_stage",
    "mid_read",
    "after_stage",
    "before_quarantine_commit",
    "after_quarantine_commit",
    "before_bronze_commit",
    "after_bronze_commit",
    "before_reference_commit",
    "after_reference_commit",
    "before_silver_commit",
    "after_silver_commit",
    "before_gold_commit",
    "after_gold_commit",
    "before_ops_commit",
    "after_ops_commit",
    "before_record",
    "after_record",
)
"""Every moment, in the order a run comes to them."""
