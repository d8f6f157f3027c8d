"""What a sender says of a file, in all its forms, and whether it is so."""

import hashlib
from decimal import Decimal

import pyarrow as pa
import pytest

from lakehouse.errors import SourceError
from lakehouse.storage.control_files import Control, Totals, check_control, check_totals, read_control
from lakehouse.storage.raw_rows import RESCUED, RawColumn, staging_batch

COLUMNS = (RawColumn("claim_id"), RawColumn("paid_amount", aliases=("Paid Amt",)))
MARKER = "MARKER7431"
SUM = hashlib.sha256(b"x").hexdigest()
FULL = Control("x.ctl", 12, 340, SUM, {"Paid Amt": Decimal("10.50")})


@pytest.mark.parametrize(
    "text",
    [
        f"rows=12\nbytes=340\nsha256={SUM}\namount.Paid Amt=10.50\n",
        f"\ufeffRecord_Count = 12\r\n\r\nSIZE= 340\r\nSHA256={SUM.upper()}\r\nAmount.Paid Amt=10.50",
        f"file,rows,bytes,sha256,amount.Paid Amt\ny.csv,1,2,,3\nx.csv,12,340,{SUM},10.50\n",
        f"file|records|size|sha256|amount.Paid Amt\nx.csv|12|340|{SUM}|10.50\n",
        f'{{"rows": 12, "bytes": 340, "sha256": "{SUM}", "amounts": {{"Paid Amt": 10.50}}}}',
        f'[{{"file": "y.csv", "rows": 1}}, {{"file": "x.csv", "row_count": "12", "bytes": "340", "sha256": "{SUM}", '
        '"amounts": {"Paid Amt": "10.50"}}]',
    ],
)
def test_every_form_says_the_same(text: str) -> None:
    found = read_control(text.encode(), "x.ctl", "x.csv")
    amounts = {key.lower().replace(" ", "_"): value for key, value in found.amounts.items()}
    assert (found.rows, found.size, found.sha256, amounts) == (12, 340, SUM, {"paid_amt": Decimal("10.50")})


def test_rows_are_enough() -> None:
    assert read_control(b"rows=0", "x.ctl", "x.csv") == Control("x.ctl", 0)
    assert read_control(b"rows\n3\n", "x.ctl", "x.csv") == Control("x.ctl", 3)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "one entry for x.csv"),
        (f"file,rows\n{MARKER}.csv,12\n", "one entry for x.csv, found 0 among 1"),
        ("file,rows\nx.csv,12\nx.csv,13\n", "found 2 among 2"),
        ("rows\n12\n13\n", "found 2 among 2"),
        (f"bytes={MARKER}", "whole number as rows"),
        (f"rows=1\nbytes={MARKER}", "whole number as bytes"),
        ("rows=-1", "whole number as rows"),
        ("rows=1e3", "whole number as rows"),
        (f"rows={'9' * 5000}", "whole number as rows"),
        (f"rows=1\nsha256={MARKER}", "64 hexadecimal digits"),
        (f"rows=1\namount.paid_amount={MARKER}", "plain numbers"),
        ("rows=1\namount.paid_amount=NaN", "plain numbers"),
        ("rows=1\namount.paid_amount=1e999999", "plain numbers"),
        (f'{{"rows": {MARKER}', "none of these"),
        ("[" * 100_000, "none of these"),
        ("\xff", "none of these"),
    ],
)
def test_a_control_file_that_says_nothing_sure_is_refused_without_its_content(text: str, said: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_control(text.encode("latin-1"), "x.ctl", "x.csv")
    assert "x.ctl: " in str(caught.value)
    assert said in str(caught.value)
    assert MARKER not in str(caught.value)


def test_what_agrees_passes() -> None:
    check_control(FULL, "x.csv", 12, 0, 340, SUM)
    check_control(FULL, "x.csv", 10, 2, 340, SUM)
    check_control(Control("x.ctl", 12), "x.csv", 12, 0, 1, "other")


@pytest.mark.parametrize(
    ("records", "framing", "size", "checksum", "said"),
    [
        (11, 0, 340, SUM, "expected 12 rows as x.ctl says, found 11"),
        (11, 2, 340, SUM, "expected 12 rows as x.ctl says, found 11 and 2 that frame them"),
        (12, 0, 339, SUM, "expected 340 bytes as x.ctl says, found 339"),
        (12, 0, 340, "0" * 64, f"expected SHA-256 {SUM} as x.ctl says, found 0000"),
    ],
)
def test_what_differs_is_named_with_expected_and_found(
    records: int, framing: int, size: int, checksum: str, said: str
) -> None:
    with pytest.raises(SourceError) as caught:
        check_control(FULL, "x.csv", records, framing, size, checksum)
    assert str(caught.value).startswith(f"x.csv: {said}")


def total_of(*amounts: str | None) -> Totals:
    totals = Totals(FULL, "x.csv", COLUMNS)
    for amount in amounts:
        arrays = [pa.array(["1", "2"], pa.string()), pa.array([amount, None], pa.string())]
        totals.add(staging_batch(COLUMNS, arrays, pa.nulls(2, RESCUED), [1, 2], "x.csv"))
    return totals


def test_totals_are_exact_over_many_chunks() -> None:
    totals = total_of("10000000000000000000.01", "-10000000000000000000", " 10.49 ", "", None)
    check_totals(FULL, "x.csv", totals)


def test_another_total_is_told_without_amounts() -> None:
    with pytest.raises(SourceError) as caught:
        check_totals(FULL, "x.csv", total_of("10.49", MARKER, "1,000"))
    said = str(caught.value)
    assert "the total of column paid_amt" in said
    assert "2 of its values are no plain number" in said
    assert MARKER not in said
    assert "10.4" not in said
    assert "10.5" not in said


def test_a_total_of_an_undeclared_column_is_refused() -> None:
    with pytest.raises(SourceError, match=r"1 of other ones in x\.ctl"):
        Totals(Control("x.ctl", 1, amounts={MARKER: Decimal(1)}), "x.csv", COLUMNS)
