"""What only a database does to claims: stamps that go back, rows that come back, rows saved anew, no stamp at all.

One function, one story. A row that is deleted and sent on the same day is so in one transaction.
"""

from datetime import timedelta
from typing import Final

from lakehouse.demo.case import Case
from lakehouse.demo.opening import draw_figures
from lakehouse.demo.remit import send_remittance

LONG_AGO: Final = timedelta(days=40)


def insert_again(case: Case) -> None:
    """The claim is deleted, and a day later inserted again with a stamp older than everything before: it lives."""
    old = case.stamp(0) - LONG_AGO
    case.send()
    case.send_tombstone("claims", 1, {"claim_id": case.claim_id}, "claim_deleted")
    case.send_claim(2, "inserted_again", modified_at=old)


def insert_again_at_once(case: Case) -> None:
    """As `insert_again`, but the row is back before anyone looked."""
    case.send()
    case.send_tombstone("claims", 1, {"claim_id": case.claim_id}, "")
    case.send_claim(1, "inserted_again_at_once")


def update_back_dated(case: Case) -> None:
    """The last update is stamped long before the first, by another clock: it is the newest all the same."""
    case.send()
    send_remittance(case)
    case.claim["payer_name"] = "Humana" if case.claim["payer_name"] != "Humana" else "BCBS"
    case.claim["line_of_business"] = "commercial"
    case.send_claim(1, "back_dated_update", modified_at=case.stamp(0) - LONG_AGO)


def insert_back_dated(case: Case) -> None:
    """Claim and lines come in with stamps from weeks ago, as from an import of old work."""
    case.send_claim(0, "back_dated_insert", modified_at=case.stamp(0) - LONG_AGO)
    case.send_lines()
    send_remittance(case, 1)


def insert_without_stamp(case: Case) -> None:
    """The claim's row has no stamp at all."""
    case.send_claim(0, "no_stamp", values={"modified_at": None})
    case.send_lines()


def replace_rows(case: Case) -> None:
    """Header and lines are deleted and inserted anew with other money, as some applications save."""
    case.send()
    case.send_tombstone("claims", 1, {"claim_id": case.claim_id}, "")
    for line in case.lines:
        case.send_tombstone("claim_lines", 1, {key: line[key] for key in ("claim_id", "line_id")}, "")
    case.figures = draw_figures(case.rng, len(case.lines))
    case.fill_amounts()
    case.send(1, "replaced_rows")
    send_remittance(case, 1, style="line")


def renumber_line(case: Case) -> None:
    """A key is updated: the row under the old one is gone."""
    case.send()
    old = case.lines[0]
    case.send_tombstone("claim_lines", 1, {key: old[key] for key in ("claim_id", "line_id")}, "line_renumbered")
    case.lines[0] = {**old, "line_id": "80", "line_number": "80"}
    case.send_lines(1)
