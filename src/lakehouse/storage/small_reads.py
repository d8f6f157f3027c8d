"""Small answers from Delta tables without a JVM, deletion vectors included: for a screen, not for builds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any  # cells of a table of any schema

import pyarrow as pa
from deltalake import DeltaTable, QueryBuilder

from lakehouse.storage.store import Store

Cells = Mapping[str, Any]

_OPEN = "\"_status\" = 'open'"
_COUNT_BY_RULE = f"""
SELECT rule, "_source" AS source, "_batch_id" AS batch_id, count(*) AS "rows", min(first_seen) AS first_seen_at
FROM (SELECT unnest("_failed_expectations") AS rule, "_source", "_batch_id", "_first_seen_at" AS first_seen
      FROM t WHERE {_OPEN})
GROUP BY rule, "_source", "_batch_id" ORDER BY rule, "_source", "_batch_id"
"""
_ROWS = f"""
SELECT "_source" AS source, "_batch_id" AS batch_id, "_row_number" AS row_number, "_failed_expectations" AS rules,
       "_first_seen_at" AS first_seen_at, "_run_id" AS run_id{{row}}
FROM t WHERE {_OPEN} ORDER BY "_first_seen_at" DESC, "_source", "_row_number", "_part" LIMIT {{limit}}
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


@dataclass(frozen=True)
class RuleCount:
    """Open rows of one quarantine that break one rule and came with one batch; a row may break several rules.

    Attributes:
        rule: name of the rule.
        source: file or source table.
        batch_id: the batch.
        rows: how many.
        first_seen_at: UTC time of the run that first set one of them aside.
    """

    rule: str
    source: str
    batch_id: str
    rows: int
    first_seen_at: datetime


@dataclass(frozen=True)
class SetAsideRow:
    """One open row of a quarantine.

    Attributes:
        source: file or source table.
        batch_id: batch it came with.
        row_number: record number within the source.
        rules: all rules it breaks.
        first_seen_at: UTC time of the run that set it aside.
        run_id: that run.
        values: column -> text as sent, which may be PHI; None unless asked for.
    """

    source: str
    batch_id: str
    row_number: int
    rules: tuple[str, ...]
    first_seen_at: datetime
    run_id: str
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
    """Open rows of an existing quarantine by rule and batch."""
    return [RuleCount(**found) for found in _query(store, quarantine, _COUNT_BY_RULE)]


def open_rows(store: Store, quarantine: str) -> int:
    """Number of open rows of an existing quarantine."""
    (found,) = _query(store, quarantine, f'SELECT count(*) AS "rows" FROM t WHERE {_OPEN}')
    return int(found["rows"])


def set_aside_rows(store: Store, quarantine: str, limit: int, *, with_values: bool = False) -> list[SetAsideRow]:
    """At most `limit` open rows of an existing quarantine, newest first; their values only when asked for."""
    column = ', "row" AS "values"' if with_values else ""
    found = _query(store, quarantine, _ROWS.format(limit=limit, row=column))
    return [SetAsideRow(**{**row, "rules": tuple(row["rules"]), "values": _texts(row.get("values"))}) for row in found]


def read_columns(store: Store, name: str, columns: Sequence[str]) -> list[Cells]:
    """All rows of a small table, the named columns only."""
    listed = ", ".join(f'"{column}"' for column in columns)
    return list(_query(store, name, f"SELECT {listed} FROM t"))


def _query(store: Store, name: str, sql: str) -> list[dict[str, Any]]:
    table = DeltaTable(store.table(name), storage_options=dict(store.log_reader_options))
    answer = QueryBuilder().register("t", table).execute(sql)
    rows: list[dict[str, Any]] = pa.table(answer.read_all()).to_pylist(maps_as_pydicts="strict")
    return rows


def _texts(found: object) -> dict[str, str] | None:
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, Mapping) else None
