"""Made-up claim lines in the columns of the `standard` format, the same for the same seed. No real data."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

FIRST_DAY = np.datetime64("2023-01-01")
MONTHS = 36
DAYS = 1096
LINES_PER_CLAIM = 3
PROCEDURES = [f"{code:05d}" for code in range(99000, 99500)]
REVENUE_CODES = ["0300", "0450", "0636", "0250", "0360"]
PLACES = ["11", "21", "22", "23", "81"]
UPDATES = 0.8


def write_lines(path: Path, ids: np.ndarray, total: int, seed: int, modified_at: datetime) -> None:
    """Write one delivery.

    Args:
        path: of the CSV file.
        ids: numbers of the lines; a line's key and its day of service depend on its number alone.
        total: lines of the whole table; numbers from there on are new lines of the last three months.
        seed: of the contents.
        modified_at: the sender's stamp on every line.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    options = pa.csv.WriteOptions(quoting_style="none")
    with pa.csv.CSVWriter(path, _lines(ids[:0], total, seed, modified_at).schema, write_options=options) as writer:
        for start in range(0, len(ids), 500_000):
            writer.write_table(_lines(ids[start : start + 500_000], total, seed + start, modified_at))


def hot_change(total: int, share: float, seed: int) -> np.ndarray:
    """Numbers of changed lines: `share` of the table, all in the last three months, 80 % known lines and 20 % new."""
    count, first = int(total * share), total * (MONTHS - 3) // MONTHS
    random = np.random.default_rng(seed)
    known = first + random.choice(total - first, int(count * UPDATES), replace=False)
    new = total + seed * count + np.arange(count - len(known))
    return np.sort(np.concatenate([known, new]))


def _lines(ids: np.ndarray, total: int, seed: int, modified_at: datetime) -> pa.Table:
    size, random = len(ids), np.random.default_rng(seed)
    recent = total * (MONTHS - 3) // MONTHS
    places = np.where(ids < total, ids, recent + ids % max(total - recent, 1))
    day = pa.array(FIRST_DAY + (places * DAYS // max(total, 1)).astype("timedelta64[D]"))
    billed = random.integers(1_000, 900_000, size)
    allowed = billed * random.integers(20, 95, size) // 100
    paid = allowed * random.integers(50, 100, size) // 100
    columns = {
        "claim_id": pc.binary_join_element_wise("C", _text(ids // LINES_PER_CLAIM), ""),
        "line_id": _text(ids % LINES_PER_CLAIM + 1),
        "line_number": _text(ids % LINES_PER_CLAIM + 1),
        "service_from_date": day,
        "service_to_date": day,
        "procedure_code": _picked(random, PROCEDURES, size),
        "procedure_code_system": _same("cpt", size),
        "modifiers": _picked(random, ["", "25", "59", "25|59"], size),
        "revenue_code": _picked(random, REVENUE_CODES, size),
        "place_of_service_code": _picked(random, PLACES, size),
        "units": _text(random.integers(1, 20, size)),
        "rendering_provider_id": pc.binary_join_element_wise("P", _text(random.integers(0, 60_000, size)), ""),
        "rendering_npi": _text(1_000_000_000 + random.integers(0, 60_000, size)),
        "billed_amount": pa.array(billed / 100),
        "allowed_amount": pa.array(allowed / 100),
        "paid_amount": pa.array(paid / 100),
        "patient_responsibility_amount": pa.array((allowed - paid) / 100),
        "denial_code": _picked(random, ["", "", "", "", "97"], size),
        "modified_at": _same(modified_at.strftime("%Y-%m-%dT%H:%M:%SZ"), size),
        "source_sequence": _text(ids),
        "is_deleted": _same("false", size),
    }
    return pa.table(columns)


def _text(values: np.ndarray) -> pa.Array:
    return pa.array(values.astype("int64")).cast(pa.string())


def _same(value: str, size: int) -> pa.Array:
    return pa.repeat(pa.scalar(value), size)


def _picked(random: np.random.Generator, values: Sequence[str], size: int) -> pa.Array:
    return pa.array(values).take(pa.array(random.integers(0, len(values), size)))
