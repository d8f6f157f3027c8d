"""Daily files: their columns, formats, and bytes."""

import csv
import gzip
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lakehouse.demo.row import Row, cell

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "claims": (
        "claim_id", "payer_control_number", "patient_control_number", "replaces_claim_id", "frequency_code",
        "claim_type", "member_id", "payer_name", "plan_name", "line_of_business", "secondary_payer_name",
        "billing_provider_id", "rendering_provider_id", "facility_provider_id", "billing_npi", "rendering_npi",
        "service_from_date", "service_to_date", "admission_date", "discharge_date", "submitted_date", "received_date",
        "adjudicated_date", "closed_date", "is_closed", "appeal_date", "appeal_outcome", "bill_type_code",
        "diagnosis_codes", "claim_status", "payment_arrangement", "money_level", "billed_amount", "allowed_amount",
        "paid_amount", "patient_responsibility_amount", "modified_at", "source_sequence", "is_deleted",
    ),
    "claim_lines": (
        "claim_id", "line_id", "line_number", "service_from_date", "service_to_date", "procedure_code",
        "procedure_code_system", "modifiers", "revenue_code", "place_of_service_code", "units",
        "rendering_provider_id", "rendering_npi", "billed_amount", "allowed_amount", "paid_amount",
        "patient_responsibility_amount", "modified_at", "is_deleted",
    ),
    "payments": (
        "payment_id", "remittance_id", "payment_level", "payment_kind", "payer_sequence", "claim_id", "line_id",
        "payer_name", "remit_status_code", "remit_date", "trace_number", "reverses_remittance_id", "billed_amount",
        "allowed_amount", "paid_amount", "patient_responsibility_amount", "patient_paid_amount", "modified_at",
        "is_deleted",
    ),
    "adjustments": (
        "payment_id", "adjustment_id", "group_code", "reason_code", "amount", "modified_at",
    ),
    "providers": (
        "provider_id", "location_id", "npi", "entity_type", "provider_name", "taxonomy_code", "specialty", "state",
        "effective_date", "termination_date", "is_full_roster", "modified_at",
    ),
    "eligibility": (
        "member_id", "payer_name", "plan_name", "coverage_type", "coverage_start_date", "coverage_end_date",
        "line_of_business", "birth_date", "sex", "state", "zip_code", "is_full_file", "modified_at",
    ),
    "denial_codes": (
        "group_code", "denial_code", "carc", "description", "category", "is_denial", "is_preventable", "modified_at",
    ),
}  # fmt: skip
ENDINGS: Final = {
    "claims": "csv",
    "claim_lines": "csv.gz",
    "payments": "psv",
    "adjustments": "csv",
    "providers": "csv",
    "eligibility": "jsonl",
    "denial_codes": "csv",
}
FEEDS: Final = tuple(COLUMNS)
EXTRA_COLUMN: Final = "sender_batch_note"
EXTRA_COLUMN_FEED: Final = "claim_lines"
MISSING_CELLS: Final = 5


@dataclass(frozen=True)
class Layout:
    """Columns and delimiter of one file."""

    columns: tuple[str, ...]
    delimiter: str


def has_extra_column(feed: str, day: int) -> bool:
    """Whether this delivery of a feed carries a column nobody agreed on: every third day, from the second on."""
    return feed == EXTRA_COLUMN_FEED and day % 3 == 1


def file_name(feed: str, day_date: date) -> str:
    """Name of a delivery below the network's root, e.g. `claims/claims-2026-01-05.csv`."""
    return f"{feed}/{feed}-{day_date.isoformat()}.{ENDINGS[feed]}"


def file_bytes(feed: str, day: int, rows: Sequence[Row]) -> bytes:
    """The whole file. A row with a broken quote goes last, since it swallows whatever follows it."""
    ordered = sorted(rows, key=lambda row: row.fault == "broken_quote")
    if ENDINGS[feed] == "jsonl":
        return "".join(_json_line(row) for row in ordered).encode()
    columns = COLUMNS[feed] + ((EXTRA_COLUMN,) if has_extra_column(feed, day) else ())
    layout = Layout(columns, "|" if ENDINGS[feed] == "psv" else ",")
    body = _text_line(columns, layout).encode() + b"".join(_row_bytes(row, layout) for row in ordered)
    # No time and no name in the gzip header: the same rows always give the same bytes.
    return gzip.compress(body, mtime=0) if ENDINGS[feed].endswith("gz") else body


def _cells(row: Row, columns: Iterable[str]) -> list[str]:
    return [row.as_sent.get(column, cell(row.values.get(column))) for column in columns]


def _row_bytes(row: Row, layout: Layout) -> bytes:
    cells = _cells(row, layout.columns)
    if row.fault == "wrong_width":
        # Cut off, or one cell too many as when a delimiter stands in a text without quotes.
        cells = ["split", *cells] if layout.delimiter == "|" else cells[:-MISSING_CELLS]
    if row.fault == "broken_quote":
        cells[1] = f'"{cells[1]}'
        return (layout.delimiter.join(cells) + "\n").encode()
    if row.fault == "bad_encoding":
        return _text_line(cells, layout).encode("latin-1")
    if EXTRA_COLUMN in layout.columns:
        cells[-1] = "resubmitted by batch"
    return _text_line(cells, layout).encode()


def _text_line(cells: Iterable[str], layout: Layout) -> str:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=layout.delimiter, lineterminator="\n").writerow(cells)
    return buffer.getvalue()


def _json_line(row: Row) -> str:
    texts = {column: cell(row.values.get(column)) or None for column in COLUMNS[row.feed]}
    return json.dumps(texts, separators=(",", ":")) + "\n"
