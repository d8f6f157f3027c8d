"""Gold worked out a second time, by DuckDB over stored Silver, and held against the stored tables to the cent.

The queries in `gold_oracle/` are written from docs/metrics.md, not from the Spark code, and share nothing with it. Of
Silver they read what the networks sent (claim lines, payments, adjustments and the classes of their codes), families,
copies, and of a settled claim its dates, payer, provider, coverage and amounts. Every answer of a payer, every first
and standing decision, the outcome of each line and the reasons of denials are worked out again. Not worked out again:
which versions count, the amounts of a settled claim, who owes what is open, and codes that lines bear themselves; a
lake with lines denied so is refused.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

from independent_reader import delta_reader
from lakehouse.settings_networks import NetworkSettings

QUERIES = Path(__file__).with_name("gold_oracle")
STEPS = ("common", "answers", "decisions", "line_outcomes", "denial_reasons")
SILVER = (
    "claim", "claim_line", "payment", "adjustment", "adjustment_code", "claim_family", "claim_copy", "claim_final",
)  # fmt: skip
KEYS: Mapping[str, int] = {
    "revenue_by_payer": 3,
    "cash_by_payer": 3,
    "denial_rate_by_procedure": 5,
    "denial_summary": 3,
    "denial_by_reason": 7,
    "ar_aging": 5,
    "provider_scorecard": 3,
    "payment_triangle": 4,
    "payment_lag": 4,
}
"""Gold table -> how many of its first columns are its key."""
DENIAL_FIGURES = {
    "gold.denial_rate_by_procedure": (
        "lines_initially_denied_full", "lines_initially_denied_partial", "lines_outcome_unknown",
        "lines_adjudicated_final", "lines_finally_denied", "initially_denied_amount", "finally_denied_amount",
        "initially_denied_charge_amount", "outcome_unknown_charge_amount", "initial_line_denial_rate",
        "final_line_denial_rate", "initial_dollar_denial_rate",
    ),
    "gold.denial_summary": (
        "claims_initially_denied", "claims_finally_denied", "claims_overturned", "claims_appealed",
        "initially_denied_amount", "initially_denied_charge_amount", "recovered_amount",
        "initial_denial_rate_submitted", "initial_denial_rate_adjudicated", "initial_denial_rate_dollars",
        "final_denial_rate_adjudicated",
    ),
    "gold.provider_scorecard": (
        "claims_with_outcome", "claims_initially_denied", "first_pass_count", "initial_denial_rate",
        "expected_denial_rate", "first_pass_rate", "peer_percentile",
    ),
}  # fmt: skip
"""Columns that are null, never 0, where a network sends nothing that shows a denial."""

Values = tuple[object, ...]


class IndependentGold:
    """What each Gold table should hold on a day.

    Args:
        lake: root of the lake; kept as `lake`.
        networks: settings of its networks; kept as `networks`.
        as_of: the day.
    """

    def __init__(self, lake: Path, networks: Mapping[str, NetworkSettings], as_of: date) -> None:
        self.lake, self.networks = lake, networks
        self._as_of = as_of
        self._reader = delta_reader()
        self._reader.execute("SET VARIABLE as_of = ?::DATE", [as_of])
        for name in SILVER:
            self._view(name, f"silver/{name}")
        self._view("payer_mapping", "reference/payer_mapping")
        self._reader.execute("CREATE TABLE sender (network VARCHAR, has_evidence BOOLEAN, has_receivables BOOLEAN)")
        for name, settings in networks.items():
            said = [name, settings.denial_evidence != "none", settings.ledger == "provider"]
            self._reader.execute("INSERT INTO sender VALUES (?, ?, ?)", said)
        coded = self._reader.sql("SELECT count(*) FROM claim_line WHERE denial_code IS NOT NULL").fetchall()
        assert coded == [(0,)], "lines bear denial codes of their own, which these queries do not classify"
        for step in STEPS:
            self._reader.execute((QUERIES / f"{step}.sql").read_text())

    def _view(self, name: str, folder: str) -> None:
        """The live rows of a stored table."""
        rows = self._reader.sql(f"SELECT * FROM delta_scan('{self.lake / folder}')")
        live = "WHERE NOT is_deleted" if "is_deleted" in rows.columns else ""
        self._reader.execute(f"CREATE TABLE {name} AS SELECT * FROM delta_scan('{self.lake / folder}') {live}")

    def differences(self, table: str) -> list[str]:
        """Where the stored table `table` is not what it should be: table, key, column and both values."""
        expected = self._reader.sql((QUERIES / f"{table}.sql").read_text())
        source = f"delta_scan('{self.lake / 'gold' / table}')"
        of_day = f"WHERE as_of_date = DATE '{self._as_of}'" if table == "ar_aging" else ""
        stored = self._reader.sql(f"SELECT * FROM {source} {of_day}")
        columns = [c for c in stored.columns if not c.startswith("_")]
        if sorted(columns) != sorted(expected.columns):
            return [f"{table}: stored columns {columns}, expected {expected.columns}"]
        picked = ", ".join(columns)
        found, wanted = stored.select(picked).fetchall(), expected.select(picked).fetchall()
        return list(_told(table, columns, found, wanted))

    def all_differences(self) -> list[str]:
        """`differences` of every Gold table."""
        return [told for table in KEYS for told in self.differences(table)]

    def stored(self, table: str) -> list[dict[str, object]]:
        """The rows of the stored table `table`."""
        found = self._reader.sql(f"SELECT * FROM delta_scan('{self.lake / 'gold' / table}')")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]

    def answer(self, query: str, *values: object) -> Values:
        """The one row that `query` gives over Silver and what the steps in `gold_oracle/` make of it."""
        (row,) = self._reader.execute(query, list(values)).fetchall()
        return tuple(row)


def _told(table: str, columns: Sequence[str], found: list[Values], wanted: list[Values]) -> Iterator[str]:
    length = KEYS[table]
    stored, expected = ({row[:length]: row for row in rows} for rows in (found, wanted))
    assert len(stored) == len(found), f"{table}: a key stands twice in the stored table"
    assert len(expected) == len(wanted), f"{table}: a key is computed twice"
    for key in sorted(stored.keys() | expected.keys(), key=str):
        name = " ".join(str(part) for part in key)
        if key not in stored or key not in expected:
            yield f"{table} {name}: {'computed, not stored' if key in expected else 'stored, not computed'}"
            continue
        for column, value, should in zip(columns, stored[key], expected[key], strict=True):
            if value != should:
                yield f"{table} {name}: {column} is stored as {value}, computed as {should}"
