"""Control files: what a sender says a file holds, and whether it does.

A control file is small text in one of three forms. `rows` is always stated; the others are checked where they are.

- lines of `key=value`: `rows=1200`, `bytes=90210`, `sha256=<hex>`, `amount.paid_amount=10233.50`
- delimited text with a header line of the same keys (`,`, `|`, `;` or tab), a line
  for each file, told apart by `file`
- a JSON object `{"rows": 1200, "bytes": 90210, "sha256": "<hex>", "amounts": {"paid_amount": "10233.50"}}`, or a list
  of such objects, each with its `file`

`record_count`, `records` and `row_count` also mean `rows`, and `size` means `bytes`; keys are compared without case.
`bytes` and `sha256` are of the stored file; of the unpacked one where it lies in a zip archive.
"""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Context, Decimal, InvalidOperation, localcontext

import pyarrow as pa

from lakehouse.errors import SourceError
from lakehouse.storage.raw_rows import RawColumn, spelling, spellings

_ROWS = ("rows", "record_count", "records", "row_count")
_BYTES = ("bytes", "size")
_AMOUNT = "amount."
_DELIMITERS = ",|;\t"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DIGITS, _MOST_EXPONENT = 60, 30


@dataclass(frozen=True)
class Control:
    """What a sender says one file holds.

    Attributes:
        place: where it says so: the control file, or the trailer.
        rows: number of its records.
        size: its bytes; None when not stated.
        sha256: of its bytes, lower-case hex; None when not stated.
        amounts: header -> total of the column.
    """

    place: str
    rows: int
    size: int | None = None
    sha256: str | None = None
    amounts: Mapping[str, Decimal] = field(default_factory=dict)


def read_control(content: bytes, place: str, name: str) -> Control:
    """What a control file says of the file `name` (without folders).

    Raises:
        SourceError: it has none of the known forms, or says nothing or two things of the file. Nothing of its content
            is in the message.
    """
    entries = [_lowered(entry) for entry in _entries(content, place)]
    named = [e for e in entries if e.get("file") == name]
    chosen = named if any("file" in e for e in entries) else entries
    if len(chosen) != 1:
        raise SourceError(
            f"{place}: expected one entry for {name}, found {len(chosen)} among {len(entries)}. Ask for a control file "
            "that tells of it"
        )
    [entry] = chosen
    rows = next((entry[key] for key in _ROWS if key in entry), "")
    size = next((entry[key] for key in _BYTES if key in entry), None)
    amounts = {key.removeprefix(_AMOUNT): text for key, text in entry.items() if key.startswith(_AMOUNT)}
    sha256 = entry.get("sha256", "").lower() or None
    if sha256 is not None and not _SHA256.fullmatch(sha256):
        raise SourceError(f"{place}: expected 64 hexadecimal digits as sha256, found other text. Correct it")
    return Control(
        place=place,
        rows=_whole(rows, place, "rows"),
        size=None if not size else _whole(size, place, "bytes"),
        sha256=sha256,
        amounts={column: _amount(text, place) for column, text in amounts.items()},
    )


def check_control(control: Control, path: str, records: int, framing: int, size: int, checksum: str) -> None:
    """Compare a file with what its sender says of it, but for totals of amounts.

    Args:
        control: what the sender says.
        path: of the file, for the message.
        records: its records, those included that could not be decoded.
        framing: records the sender counts besides.
        size: its bytes.
        checksum: SHA-256 of its bytes.

    Raises:
        SourceError: naming the file, what was expected and what was found.
    """
    if control.size is not None and control.size != size:
        raise _differs(path, f"{control.size} bytes", control, f"{size}")
    if control.sha256 is not None and control.sha256 != checksum:
        raise _differs(path, f"SHA-256 {control.sha256}", control, checksum)
    if control.rows != records + framing:
        counted = f"{records}" if not framing else f"{records} and {framing} that frame them"
        raise _differs(path, f"{control.rows} rows", control, counted)


def check_totals(control: Control, path: str, totals: "Totals") -> None:
    """Compare the totals of a file's columns with what its sender says; raises SourceError, without the amounts."""
    for header, stated in control.amounts.items():
        if totals.of(header) != stated:
            unread = totals.unread(header)
            said = f"; {unread} of its values are no plain number" if unread else ""
            raise _differs(path, f"the total of column {spelling(header)}", control, f"another one{said}")


class Totals:
    """Sums of amount columns over the chunks of a file."""

    def __init__(self, control: Control, path: str, columns: Sequence[RawColumn]) -> None:
        """Begin at zero.

        Raises:
            SourceError: a total is stated of a column nobody declared.
        """
        known = spellings(columns)
        names = [column.name for column in columns]
        unknown = sorted(h for h in control.amounts if spelling(h) not in known)
        if unknown:
            raise SourceError(
                f"{path}: expected totals of declared columns, found {len(unknown)} of other ones in {control.place}. "
                "Declare the column, or have the total left out"
            )
        self._slots = {spelling(h): names.index(known[spelling(h)]) for h in control.amounts}
        self._sums = dict.fromkeys(self._slots, Decimal(0))
        self._unread = dict.fromkeys(self._slots, 0)

    def add(self, rows: pa.RecordBatch) -> None:
        """Add a batch of the staging schema."""
        with localcontext(Context(prec=_DIGITS)):
            for header, slot in self._slots.items():
                for text in rows.column(slot).drop_null().to_pylist():
                    amount = _number(text)
                    if amount is None:
                        self._unread[header] += 1
                    else:
                        self._sums[header] += amount

    def of(self, header: str) -> Decimal:
        """Sum of a column."""
        return self._sums[spelling(header)]

    def unread(self, header: str) -> int:
        """Values of a column that are no plain number; blank ones are zero."""
        return self._unread[spelling(header)]


def _entries(content: bytes, place: str) -> list[Mapping[str, object]]:
    try:
        text = content.decode("utf-8-sig").strip()
        if text.startswith(("{", "[")):
            read = json.loads(text, parse_float=Decimal)
            entries = read if isinstance(read, list) else [read]
            return [e for e in entries if isinstance(e, dict)]
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if lines and re.match(r"[A-Za-z0-9_. -]+=", lines[0]):
            return [{key: value for key, _, value in (line.partition("=") for line in lines)}]
        delimiter = next((d for d in _DELIMITERS if lines and d in lines[0]), ",")
        return [dict(row) for row in csv.DictReader(lines, delimiter=delimiter, restval="", restkey="")]
    except (ValueError, csv.Error, RecursionError):
        raise SourceError(
            f"{place}: expected a control file of key=value lines, delimited text or JSON, found none of these. "
            "Correct it, or control_name in the network's settings"
        ) from None


def _lowered(entry: Mapping[str, object]) -> dict[str, str]:
    lowered = {spelling(key): str(value).strip() for key, value in entry.items() if not isinstance(value, dict | list)}
    amounts = {spelling(key): value for key, value in entry.items()}.get("amounts")
    if isinstance(amounts, dict):
        lowered |= {f"{_AMOUNT}{key}": str(value).strip() for key, value in amounts.items()}
    return lowered


def _whole(text: str, place: str, key: str) -> int:
    if not re.fullmatch(r"[0-9]{1,18}", text):
        raise SourceError(f"{place}: expected a whole number as {key}, found none. Ask for a complete control file")
    return int(text)


def _amount(text: str, place: str) -> Decimal:
    amount = _number(text)
    if amount is None:
        raise SourceError(f"{place}: expected plain numbers as totals of columns, found another text. Correct it")
    return amount


def _number(text: str) -> Decimal | None:
    try:
        amount = Decimal(text.strip() or "0")
    except InvalidOperation:
        return None
    return amount if amount.is_finite() and amount.adjusted() < _MOST_EXPONENT else None


def _differs(path: str, expected: str, control: Control, found: str) -> SourceError:
    return SourceError(
        f"{path}: expected {expected} as {control.place} says, found {found}. Nothing of it was landed; ask for it to "
        "be sent again"
    )
