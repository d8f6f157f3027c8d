"""Rules about dates that every merged claims table has: no older than the sender can mean, no further ahead than
planned care."""

from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F

from lakehouse.spec.expectations import QUARANTINE, Expectation, Sender, row, row_of_sender

MONTHS_AHEAD = 12


def last_plausible_date() -> Column:
    """A year after the row was last changed: planned care and posting dates pass, mistyped years do not."""
    return F.add_months(F.to_date("modified_at"), MONTHS_AHEAD)


def dates_not_too_early(*columns: str) -> Expectation:
    """domain.md B11: no date lies before the network's `earliest_date`; absent dates pass."""

    def condition(sender: Sender) -> Column:
        return _every([F.col(c) >= F.lit(sender.earliest_date) for c in columns])

    meaning = f"{_listed(columns)} not before the network's earliest_date (1900-01-01 unless set), or absent."
    return row_of_sender("dates_not_too_early", condition, on_failure=QUARANTINE, meaning=meaning, source="B11")


def dates_not_far_ahead(*columns: str) -> Expectation:
    """domain.md B11: no date lies more than a year after the row was last changed; absent dates pass."""

    def condition() -> Column:
        return _every([F.col(c) <= last_plausible_date() for c in columns])

    meaning = f"{_listed(columns)} at most {MONTHS_AHEAD} months after modified_at, or absent."
    return row("dates_not_far_ahead", condition, on_failure=QUARANTINE, meaning=meaning, source="B11")


def _every(conditions: list[Column]) -> Column:
    return reduce(Column.__and__, [F.coalesce(condition, F.lit(True)) for condition in conditions])


def _listed(columns: tuple[str, ...]) -> str:
    return f"{', '.join(columns)} {'are' if len(columns) > 1 else 'is'}"
