"""Adjustment codes of the networks: how senders spell them, and the codes of their own that they explain in a feed."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Final

from lakehouse.demo.row import Row

CodeRow = tuple[str, str, str | None, str, str | None, bool, bool]
OWN_CODES: Final[tuple[CodeRow, ...]] = (
    ("CO", "D-16", "16", "claim lacks information", "documentation", True, True),
    ("CO", "NOAUTH", "197", "no authorization on file", "authorization", True, True),
    ("CO", "50", None, "not deemed a medical necessity", "medical necessity", True, False),
    ("CO", "45", None, "charge exceeds the fee schedule", None, False, False),
    ("CO", "FEEADJ", "45", "fee schedule of the regional contract", "contractual", False, False),
    ("-", "QHOLD", None, "held back for the quality programme", "withholding", False, False),
)
"""Group, code, the X12 reason it stands for, description, category, whether a denial, whether preventable."""
LATER_CODE: Final[CodeRow] = ("CO", "NOREF", "288", "no referral on file", "authorization", True, True)
"""A code that is first explained on the second day."""


def spelled(group: str, reason: str, number: int) -> dict[str, str]:
    """How a sender writes a code, by turns: plain, `co` + `45`, `CO` + `CO-45`, `CO45` alone, or `045`.

    A sender's own word is always written the same.
    """
    if not re.fullmatch(r"[A-Z]?\d+", reason):
        return {}
    ways: tuple[dict[str, str], ...] = (
        {},
        {"group_code": group.lower()},
        {"reason_code": f"{group}-{reason}"},
        {"group_code": "", "reason_code": f"{group}{reason}"},
        {"reason_code": reason.zfill(3) if reason.isdigit() else reason.lower()},
    )
    return ways[number % len(ways)]


def denial_code_rows(day: int, day_date: date) -> Iterator[Row]:
    """The sender's list of its codes: whole on day 0, afterwards the one that came later, always the same."""
    said = date.fromordinal(day_date.toordinal() - day + min(day, 1))
    stamp = datetime.combine(said, time(5), UTC)
    for group, code, carc, description, category, is_denial, is_preventable in OWN_CODES if day == 0 else (LATER_CODE,):
        values = {"group_code": group, "denial_code": code, "carc": carc, "description": description}
        flags = {"category": category, "is_denial": is_denial, "is_preventable": is_preventable}
        yield Row("denial_codes", day, {**values, **flags, "modified_at": stamp})
