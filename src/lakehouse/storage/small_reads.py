"""Small answers from Delta tables without a JVM, deletion vectors included: for a screen, not for builds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any  # cells of a table of any schema

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from lakehouse.storage.store import QUARANTINE_SUFFIX, Standing, Store

Cells = Mapping[str, Any]

_COUNT_BY_RULE = """
SELECT network, rule, owner, count(*) AS "rows", min(first_seen) AS first_seen_at
FROM (SELECT unnest("_failed_expectations") AS rule, "_network" AS network, "_owner" AS owner,
             "_first_seen_at" AS first_seen
      FROM t WHERE "_status" = 'open')
GROUP BY network, rule, owner ORDER BY network, rule, owner
"""
_ROWS = """
SELECT "_network" AS network, "_source" AS source, "_batch_id" AS batch_id, "_row_number" AS row_number,
       "_failed_expectations" AS rules, "_first_seen_at" AS first_seen_at, "_run_id" AS run_id, "_status" AS status,
       "_owner" AS owner, "_resolution" AS resolution, "_reason" AS reason, "_resolved_at" AS resolved_at{row}
FROM t WHERE {where} ORDER BY "_first_seen_at" DESC, "_source", "_row_number", "_part" LIMIT {limit}
"""
_UNKNOWN_CODES = """
SELECT network, group_code, reason_code, carc, adjustment_count, amount FROM t WHERE classified_by = 'unknown'
ORDER BY abs(amount) DESC NULLS LAST, adjustment_count DESC, network, group_code, reason_code
"""
_UNMAPPED_PAYERS = """
SELECT network, payer_name, count(*) AS claim_count, sum(billed_amount) AS billed_amount FROM t
WHERE NOT payer_is_mapped GROUP BY network, payer_name
ORDER BY billed_amount DESC NULLS LAST, claim_count DESC, network, payer_name
"""
# Texts of amounts in the forms that builds read (`lakehouse.spec.columns.parse_decimal`).
_AMOUNT = r"""
CASE WHEN regexp_like({c}, '^[-($\s]*([0-9][0-9,]*(\.[0-9]{{0,2}}0*)?|\.[0-9]{{1,2}}0*)[-)\s]*$')
     THEN (CASE WHEN regexp_like({c}, '[-(]') THEN -1 ELSE 1 END)
          * TRY_CAST(regexp_replace({c}, '[^0-9.]', '', 'g') AS DECIMAL(28, 2)) END
"""
_OWN_COLUMNS = ("_owner", "_resolution", "_reason", "_resolved_at")
"""Columns that a quarantine gains with its next write, when it was created without them."""


@dataclass(frozen=True)
class Chosen:
    """Which rows of a quarantine are meant; what is None restricts nothing.

    Attributes:
        network: that sent them.
        rule: they break.
        source: file or source table they came from.
        row_number: record number within the source.
    """

    network: str | None = None
    rule: str | None = None
    source: str | None = None
    row_number: int | None = None

    def condition(self) -> str:
        """As SQL over a quarantine named `t`."""
        terms = [f'"_network" = {_quoted(self.network)}'] if self.network is not None else []
        if self.rule is not None:
            terms.append(f'array_has("_failed_expectations", {_quoted(self.rule)})')
        if self.source is not None:
            terms.append(f'"_source" = {_quoted(self.source)}')
        if self.row_number is not None:
            terms.append(f'"_row_number" = {int(self.row_number)}')
        return " AND ".join(terms) or "true"


@dataclass(frozen=True)
class RuleCount:
    """Open rows of one quarantine that one network sent, that break one rule and belong to one owner; a row may break
    several rules.

    Attributes:
        network: that sent them.
        rule: name of the rule.
        owner: who sees to them; None when nobody was named.
        rows: how many.
        first_seen_at: UTC time of the run that first set one of them aside.
    """

    network: str
    rule: str
    owner: str | None
    rows: int
    first_seen_at: datetime


@dataclass(frozen=True)
class SetAsideRow:
    """One row of a quarantine.

    Attributes:
        network: that sent it.
        source: file or source table.
        batch_id: batch it came with.
        row_number: record number within the source.
        rules: all rules it breaks.
        first_seen_at: UTC time of the run that set it aside.
        run_id: that run.
        status: open, resolved or discarded.
        owner: who sees to it.
        resolution, reason, resolved_at: how, why and when it was resolved or discarded.
        values: column -> text as sent, which may be PHI; None unless asked for.
    """

    network: str
    source: str
    batch_id: str
    row_number: int
    rules: tuple[str, ...]
    first_seen_at: datetime
    run_id: str
    status: str
    owner: str | None = None
    resolution: str | None = None
    reason: str | None = None
    resolved_at: datetime | None = None
    values: Mapping[str, str] | None = None


@dataclass(frozen=True)
class UnknownCode:
    """An adjustment code in use that neither its network nor the reference classifies.

    Attributes:
        network: who uses it.
        group_code: 835 CAS group, `-` where none is known.
        reason_code: the code.
        carc: the X12 reason it stands for or has the form of; None for a word of the sender's own.
        adjustment_count: adjustments that carry it.
        amount: sum of their amounts, US dollars; None where none states one.
    """

    network: str
    group_code: str
    reason_code: str
    carc: str | None
    adjustment_count: int
    amount: Decimal | None


@dataclass(frozen=True)
class UnmappedPayer:
    """A payer name that no steward has decided on, so that its claims count as OTHER.

    Attributes:
        network: who sent it.
        payer_name: as sent.
        claim_count: claim families under the name.
        billed_amount: their charges, US dollars.
    """

    network: str
    payer_name: str | None
    claim_count: int
    billed_amount: Decimal | None


def unknown_codes(store: Store, codes: str) -> list[UnknownCode]:
    """Unclassified codes of an existing list of codes in use, the greatest amount first."""
    return [UnknownCode(**found) for found in _query(store, codes, _UNKNOWN_CODES)]


def unmapped_payers(store: Store, claims: str) -> list[UnmappedPayer]:
    """Payer names without a mapping in an existing table of settled claims, the greatest charge first."""
    return [UnmappedPayer(**found) for found in _query(store, claims, _UNMAPPED_PAYERS)]


def rule_counts(store: Store, quarantine: str) -> list[RuleCount]:
    """Open rows of an existing quarantine by network, rule and owner."""
    return [RuleCount(**found) for found in _query(store, quarantine, _COUNT_BY_RULE)]


def status_counts(store: Store, quarantine: str, chosen: Chosen | None = None) -> dict[str, int]:
    """Rows of an existing quarantine by status."""
    where = (chosen or Chosen()).condition()
    sql = f'SELECT "_status" AS status, count(*) AS "rows" FROM t WHERE {where} GROUP BY "_status"'
    return {str(found["status"]): int(found["rows"]) for found in _query(store, quarantine, sql)}


def open_rows(store: Store, quarantine: str, chosen: Chosen | None = None) -> int:
    """Number of open rows of an existing quarantine."""
    return status_counts(store, quarantine, chosen).get(Standing.OPEN, 0)


def batches_of_open_rows(store: Store, quarantine: str, chosen: Chosen) -> frozenset[str]:
    """Batches of an existing quarantine that hold open rows."""
    where = f"\"_status\" = 'open' AND {chosen.condition()}"
    found = _query(store, quarantine, f'SELECT DISTINCT "_batch_id" AS batch_id FROM t WHERE {where}')
    return frozenset(str(row["batch_id"]) for row in found)


def set_aside_rows(
    store: Store, quarantine: str, limit: int, *, status: Standing | None = Standing.OPEN, with_values: bool = False
) -> list[SetAsideRow]:
    """At most `limit` rows of an existing quarantine, newest first, of one status or (None) of all; their values only
    when asked for."""
    column = ', "row" AS "values"' if with_values else ""
    where = f'"_status" = {_quoted(status)}' if status else "true"
    found = _query(store, quarantine, _ROWS.format(limit=limit, row=column, where=where))
    return [SetAsideRow(**{**row, "rules": tuple(row["rules"]), "values": _texts(row.get("values"))}) for row in found]


def sums_of_batches(
    store: Store, bronze: str, columns: Sequence[str], ingest_dates: Sequence[str], batches: Sequence[str]
) -> dict[str, Decimal]:
    """Column -> sum of its amounts over these batches of an existing Bronze table; columns without any are left out.

    Nothing of a table that cannot be read: a message tells the rest.

    Args:
        store: of the lake.
        bronze: the table.
        columns: raw columns that hold amounts as text; what is no amount counts nothing.
        ingest_dates: partitions that hold the batches, ISO.
        batches: their ids.
    """
    if not columns or not batches:
        return {}
    sums = ", ".join(f"sum({_AMOUNT.format(c=_name(c))}) AS {_name(c)}" for c in columns)
    days, ids = (", ".join(_quoted(text) for text in texts) for texts in (ingest_dates, batches))
    where = f'"_ingest_date" IN ({days}) AND "_batch_id" IN ({ids})'
    try:
        (found,) = _query(store, bronze, f"SELECT {sums} FROM t WHERE {where}")
    except Exception:  # the reader's errors have no class of their own
        return {}
    return {column: amount for column, amount in found.items() if amount is not None}


def read_columns(store: Store, name: str, columns: Sequence[str]) -> list[Cells]:
    """All rows of a small table, the named columns only."""
    listed = ", ".join(_name(column) for column in columns)
    return list(_query(store, name, f"SELECT {listed} FROM t"))


def _query(store: Store, name: str, sql: str) -> list[dict[str, Any]]:
    table = DeltaTable(store.table(name), storage_options=dict(store.log_reader_options))
    missing = (
        {*_OWN_COLUMNS} - {field.name for field in table.schema().fields} if name.endswith(QUARANTINE_SUFFIX) else set()
    )
    if missing:
        empty = ", ".join(f'CAST(NULL AS VARCHAR) AS "{column}"' for column in sorted(missing))
        sql = f"WITH t AS (SELECT *, {empty} FROM stored) {sql}"
    answer = QueryBuilder().register("stored" if missing else "t", table).execute(sql)
    rows: list[dict[str, Any]] = pa.table(answer.read_all()).to_pylist(maps_as_pydicts="strict")
    return rows


def _name(column: str) -> str:
    return f'"{column}"'


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _texts(found: object) -> dict[str, str] | None:
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else None
