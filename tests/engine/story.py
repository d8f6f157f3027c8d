"""One story of a lake, told once and looked at by many tests."""

from dataclasses import dataclass, field

from engine.world import BUSINESS, SILVER, Ran, World, sent

# In every column that may tell who someone is, so that one look finds a leak.
MARK = "PHIMARK"


def stamped(number: int | str, at: str, **columns: str) -> dict[str, str]:
    """A visit with marked identifiers and a sender's stamp, `at` in January 2026 as `05T10`."""
    named = {"episode_id": f"{MARK}-E{number}", "member_id": f"{MARK}M{number}", "modified_at": f"2026-01-{at}:00:00Z"}
    return sent(f"{MARK}-{number}", **(named | columns))


def tombstone(number: int | str, at: str) -> dict[str, str]:
    """A deleted visit that carries nothing but its key."""
    blank = dict.fromkeys(("episode_id", "member_id", "service_date", "amount", "payer_name"), "")
    return stamped(number, at, is_deleted="true", **blank)


BASE = [
    stamped(1, "05T10"),
    stamped(2, "05T10", amount="200.00"),
    stamped(3, "05T10"),
    stamped(4, "05T10"),
    stamped(4, "05T10"),
    stamped(5, "05T10"),
    stamped(6, "05T10", amount="61.00"),
    stamped(6, "05T10", amount="62.00"),
    stamped(7, "05T10", service_date="2025-12-31"),
    {**stamped(8, "05T10"), "visit_id": " "},
    stamped(9, "05T10", service_date=f"{MARK} 31.12."),
    stamped(10, "05T10", amount=f"{MARK} 12"),
    stamped(11, "05T10", amount="1000000.00", service_date="2026-02-30"),
    stamped(12, "05T10", payer_name="TEST"),
    stamped(13, "05T10", amount="-5.00"),
]
CHANGED = [
    stamped(1, "06T10", amount="150.00"),
    stamped(2, "04T10", amount="999.00"),
    tombstone(3, "06T10"),
    stamped(4, "06T11", amount="41.00"),
    stamped(4, "06T10", amount="40.00"),
    stamped(4, "06T11", amount="41.00"),
    stamped(5, "05T10", amount="51.00"),
    stamped(7, "06T10", service_date="2026-01-02"),
    stamped(14, "06T10"),
    tombstone(15, "06T10"),
]
REVIVED = [
    stamped(3, "07T10", amount="333.00"),
    stamped(15, "05T10", amount="15.00"),
]


@dataclass
class Story:
    """What happened, step by step.

    Attributes:
        world: as it is at the end.
        ran: step -> its run.
        visits: step -> business columns of `silver.visit` after it.
        versions: step -> newest version of every table after it.
    """

    world: World
    ran: dict[str, Ran] = field(default_factory=dict)
    visits: dict[str, dict[str, tuple[object, ...]]] = field(default_factory=dict)
    versions: dict[str, dict[str, int]] = field(default_factory=dict)

    def step(self, name: str, *tables: str) -> None:
        """Run, and remember what it did."""
        self.ran[name] = self.world.run(*tables)
        self.versions[name] = self.world.versions()
        if name not in ("again", "touched"):
            self.visits[name] = {str(r[1]).removeprefix(f"{MARK}-"): r for r in self.world.rows(SILVER, *BUSINESS)}

    def value(self, step: str, visit: int, column: str) -> object:
        """A column of a visit after a step."""
        return self.visits[step][str(visit)][BUSINESS.index(column)]
