"""Where a poller lands rows: a store that takes a number once, the table's commits in it, and a lease beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from lakehouse.storage.notes import CommitNote, TableState
from simulator.source import Row

Order = Callable[[Row], tuple[object, ...]]
"""What decides which row of a key is the newest."""


@dataclass(frozen=True)
class Landing:
    """One commit: its note, as text where it was written so, and its rows."""

    note: CommitNote | str
    rows: tuple[Row, ...]

    @property
    def said(self) -> CommitNote:
        """The note as a reader finds it."""
        found = CommitNote.from_json(self.note) if isinstance(self.note, str) else self.note
        assert found is not None
        return found


class Store:
    """Commits by their number; a number that is taken stays as it is."""

    def __init__(self) -> None:
        self._objects: dict[int, Landing] = {}

    def put_if_absent(self, number: int, landing: Landing) -> bool:
        """Whether the number was free."""
        return self._objects.setdefault(number, landing) is landing

    def in_order(self) -> Sequence[Landing]:
        """Every commit, oldest first; numbers are taken one after the other."""
        return tuple(self._objects.values())


class Bronze:
    """The commits of a table, in order of their sequence."""

    def __init__(self, store: Store, notes_as_text: bool) -> None:
        self.store = store
        self.notes_as_text = notes_as_text

    def commit(self, note: CommitNote, rows: Sequence[Row]) -> bool:
        """Land the rows; False when another commit took the sequence."""
        landing = Landing(note.to_json() if self.notes_as_text else note, tuple(rows))
        return self.store.put_if_absent(note.state.sequence, landing)

    def landings(self) -> list[Landing]:
        """Every commit, oldest first."""
        return list(self.store.in_order())

    def state(self) -> TableState:
        """As the newest commit says."""
        landings = self.store.in_order()
        return landings[-1].said.state if landings else TableState()

    def rows(self) -> list[Row]:
        """Every landed row, oldest first."""
        return [row for landing in self.store.in_order() for row in landing.rows]

    def newest_landed(self) -> dict[int, Row]:
        """By key, the row that landed last."""
        return {row.key: row for row in self.rows()}

    def winners(self, order: Order) -> dict[int, Row]:
        """By key, the row that `order` puts last: what Silver shows."""
        best: dict[int, Row] = {}
        for row in self.rows():
            if row.key not in best or order(row) > order(best[row.key]):
                best[row.key] = row
        return best


class Lease:
    """Held for some events from its last renewal; every holder gets a greater token."""

    def __init__(self, events: int | None) -> None:
        self.events = events
        self.now = 0
        self._token = 0
        self._until = 0

    def take(self) -> int | None:
        """A token; None while another holds it. Without a lease every poller gets one."""
        if self.events is not None and self.now < self._until:
            return None
        self._token += 1
        self._until = self.now + (self.events or 0)
        return self._token

    def renew(self, token: int) -> bool:
        """Whether `token` still holds it; if so, for longer."""
        if self.events is None:
            return True
        if token != self._token or self.now >= self._until:
            return False
        self._until = self.now + self.events
        return True

    def give_back(self, token: int) -> None:
        """Others may take it at once."""
        if token == self._token:
            self._until = self.now
