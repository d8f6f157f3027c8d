"""Staging a file as text, whole and in parts."""

import csv
import gzip
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lakehouse.errors import DeclarationError, LakehouseError, SourceError
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.drop_listing import list_drop
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.files import RawColumn, Staged, stage_parts

ANY = FileSource()
COLUMNS = (RawColumn("claim_id", required=True), RawColumn("amount", aliases=("paid amount",)))
MARKER = "MARKER7431"

Row = Mapping[str, object]


def put(root: Path, name: str, content: bytes) -> FoundFile:
    path = root / "in" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    [found] = [file for file in list_drop(Drop(str(root / "in")), ANY, FileSettings()).ready if file.path == name]
    return found


def staged(
    root: Path, name: str, content: bytes, columns: Sequence[RawColumn] = COLUMNS, source: FileSource = ANY
) -> Staged:
    return only(root, put(root, name, content), source, columns)


def only(root: Path, file: FoundFile, source: FileSource = ANY, columns: Sequence[RawColumn] = COLUMNS) -> Staged:
    [part] = stage_parts(Drop(str(root / "in")), file, source, columns, str(root / "out"), FileSettings())
    return part


def rows_of(done: Staged) -> list[Row]:
    rows: list[Row] = pq.read_table(done.rows_path).to_pylist()
    return rows


def values_of(done: Staged, columns: Sequence[RawColumn] = COLUMNS) -> list[tuple[object, ...]]:
    return [tuple(row[column.name] for column in columns) for row in rows_of(done)]


def rejects_of(done: Staged) -> list[Row]:
    assert done.rejected_path is not None
    rows: list[Row] = pq.read_table(done.rejected_path).to_pylist()
    return rows


def refused(root: Path, name: str, content: bytes, columns: Sequence[RawColumn] = COLUMNS) -> str:
    with pytest.raises(SourceError) as caught:
        staged(root, name, content, columns)
    assert name in str(caught.value)
    assert not list((root / "out").iterdir())
    return str(caught.value)


def parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=2)
    return out.getvalue()


def test_a_uri_is_read_like_a_path(tmp_path: Path) -> None:
    file = put(tmp_path, "x.csv", b"claim_id\n1\n")
    root, out = (tmp_path / "in").as_uri() + "/", (tmp_path / "out").as_uri()
    assert list_drop(Drop(root), ANY, FileSettings()).ready == (file,)
    [done] = stage_parts(Drop(root), file, ANY, COLUMNS, out, FileSettings())
    assert done.rows_path.startswith(out)
    assert (tmp_path / "out" / Path(done.rows_path).name).exists()


def test_staged_rows_carry_their_origin(tmp_path: Path) -> None:
    content = b"claim_id,amount\n1,2.50\n1,2.50\nbad\n3,\n"
    done = staged(tmp_path, "day/claims.csv", content)
    own = {"_rescued": None, "_source": "day/claims.csv"}
    assert rows_of(done) == [
        {"claim_id": "1", "amount": "2.50", **own, "_row_number": 1},
        {"claim_id": "1", "amount": "2.50", **own, "_row_number": 2},
        {"claim_id": "3", "amount": "", **own, "_row_number": 4},
    ]
    assert rejects_of(done) == [
        {"_source": "day/claims.csv", "_row_number": 3, "_line": 4, "_reason": "wrong_width", "_text": "bad"}
    ]
    assert (done.rows, done.rejected) == (3, 1)
    assert done.checksum == hashlib.sha256(content).hexdigest()


def test_the_staged_schema_does_not_depend_on_the_data(tmp_path: Path) -> None:
    expected = pa.schema(
        [
            ("claim_id", pa.string()),
            ("amount", pa.string()),
            ("_rescued", pa.map_(pa.string(), pa.string())),
            ("_source", pa.string()),
            ("_row_number", pa.int64()),
        ]
    )
    table = pa.table({"claim_id": [1]})
    sent = {"a.csv": b"claim_id\n", "b.jsonl": b"", "c.parquet": parquet(table), "d.csv": b"claim_id,new\n1,2\n"}
    for name, content in sent.items():
        assert pq.read_schema(staged(tmp_path, name, content).rows_path).equals(expected)


def test_no_rejects_leave_no_rejected_file(tmp_path: Path) -> None:
    assert staged(tmp_path, "x.csv", b"claim_id,amount\nbad\n").rejected_path is not None
    done = staged(tmp_path, "x.csv", b"claim_id,amount\n1,2\n")
    assert done.rejected_path is None
    assert [path.name for path in (tmp_path / "out").iterdir()] == [Path(done.rows_path).name]


def test_files_of_one_name_in_two_folders_share_a_staging_folder(tmp_path: Path) -> None:
    first = staged(tmp_path, "a/x.csv", b"claim_id\n1\n")
    second = staged(tmp_path, "b/x.csv", b"claim_id\n2\n")
    assert (rows_of(first)[0]["claim_id"], rows_of(second)[0]["claim_id"]) == ("1", "2")


def test_headers_match_without_case_blanks_dashes_and_byte_order_mark(tmp_path: Path) -> None:
    done = staged(tmp_path, "x.csv", b'\xef\xbb\xbf Claim-ID ,"PAID  Amount"\n1,2\n')
    assert values_of(done) == [("1", "2")]
    assert (done.absent_columns, done.extra_columns) == ((), ())


def test_columns_come_in_declared_order(tmp_path: Path) -> None:
    assert values_of(staged(tmp_path, "x.csv", b"amount,claim_id\n2,1\n")) == [("1", "2")]


def test_an_absent_optional_column_is_null_and_reported(tmp_path: Path) -> None:
    done = staged(tmp_path, "x.csv", b"claim_id\n1\n")
    assert values_of(done) == [("1", None)]
    assert done.absent_columns == ("amount",)


def test_unknown_columns_are_rescued(tmp_path: Path) -> None:
    done = staged(tmp_path, "x.csv", b'New One,claim_id,,z\na,1,b,"c,d"\n,2,,\n')
    assert [row["_rescued"] for row in rows_of(done)] == [
        [("new_one", "a"), ("column_3", "b"), ("z", "c,d")],
        [("new_one", ""), ("column_3", ""), ("z", "")],
    ]
    assert done.extra_columns == ("new_one", "column_3", "z")


def test_a_renamed_required_column_is_refused_with_a_hint(tmp_path: Path) -> None:
    message = refused(tmp_path, "x.csv", f"claimid,amount\n{MARKER},1\n".encode())
    assert "required columns missing: claim_id (nearest header: claimid)" in message
    assert "Expected columns: claim_id, amount" in message
    assert "Found columns: claimid, amount" in message
    assert MARKER not in message


@pytest.mark.parametrize("columns", [COLUMNS, (RawColumn("claim_id"),)])
def test_a_file_without_its_header_line_shows_no_value(tmp_path: Path, columns: tuple[RawColumn, ...]) -> None:
    message = refused(tmp_path, "x.csv", f"{MARKER.lower()},1\nb,2\n".encode(), columns)
    assert MARKER.lower() not in message
    assert "header line" in message


@pytest.mark.parametrize("header", ["claim_id,Claim ID", "claim_id,amount,paid-amount", "claim_id,x,X"])
def test_two_headers_for_one_column_are_refused(tmp_path: Path, header: str) -> None:
    assert "expected each header once" in refused(tmp_path, "x.csv", f"{header}\n1,2,3\n".encode())


def test_two_columns_that_share_a_header_are_a_wrong_declaration(tmp_path: Path) -> None:
    columns = (RawColumn("a"), RawColumn("b", aliases=("A",)))
    with pytest.raises(DeclarationError, match="a and b"):
        staged(tmp_path, "x.csv", b"a\n1\n", columns)


@pytest.mark.parametrize(
    ("name", "delimiter", "sent"),
    [("x.csv", None, ","), ("x.psv", None, "|"), ("x.TXT", None, "|"), ("x.tsv", None, "\t"), ("x.csv", ";", ";")],
)
def test_the_delimiter_comes_from_the_source_or_the_ending(
    tmp_path: Path, name: str, delimiter: str | None, sent: str
) -> None:
    content = f"claim_id{sent}amount\n1{sent}2\n".encode()
    assert values_of(staged(tmp_path, name, content, source=FileSource(delimiter=delimiter))) == [("1", "2")]


def test_a_gzip_file_of_several_members_is_read_and_hashed_as_stored(tmp_path: Path) -> None:
    content = gzip.compress(b"claim_id,amount\n1,2\n") + gzip.compress(b"3,4\n")
    done = staged(tmp_path, "x.csv.gz", content)
    assert values_of(done) == [("1", "2"), ("3", "4")]
    assert done.checksum == hashlib.sha256(content).hexdigest()


def test_a_damaged_gzip_file_is_refused(tmp_path: Path) -> None:
    content = gzip.compress(b"claim_id,amount\n" + os.urandom(500).hex().encode() + b",4\n")
    for damaged in (content[:-20], content[:50] + b"\0\0\0\0" + content[54:], b"claim_id\n1\n", content + b"rest"):
        assert "gzip" in refused(tmp_path, "x.csv.gz", damaged)


def test_an_empty_text_file_is_refused_and_a_header_alone_is_not(tmp_path: Path) -> None:
    assert "empty file" in refused(tmp_path, "x.csv", b"")
    assert "empty file" in refused(tmp_path, "x.csv.gz", gzip.compress(b""))
    assert staged(tmp_path, "x.csv", b"claim_id,amount\n").rows == 0


def test_a_file_that_changed_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    file = put(tmp_path, "x.csv", b"claim_id\n1\n")
    put(tmp_path, "x.csv", b"claim_id\n1\n2\n")
    with pytest.raises(SourceError, match="expected 11 bytes as listed, found 13"):
        only(tmp_path, file)
    (tmp_path / "in" / "x.csv").unlink()
    with pytest.raises(SourceError, match=r"x\.csv: could not be opened"):
        only(tmp_path, file)
    assert not list((tmp_path / "out").iterdir())


def test_json_values_keep_their_digits_and_nulls(tmp_path: Path) -> None:
    columns = tuple(RawColumn(name) for name in "abcdefgh")
    line = b'{"a": 1.50, "b": 12345678901234567890123, "c": true, "d": null, "E": "", "f": 1e5, '
    line += '"g": {"x": [1.0, false, null, "\u00fc\\""]}, "h": [], "new": null, "x y": 0.10}'.encode()
    done = staged(tmp_path, "x.jsonl", line + b'\r\n\n{"a": "0"}\n', columns)
    nested = '{"x":[1.0,false,null,"\u00fc\\""]}'
    assert values_of(done, columns) == [
        ("1.50", "12345678901234567890123", "true", None, "", "1e5", nested, "[]"),
        ("0", *[None] * 7),
    ]
    assert [row["_rescued"] for row in rows_of(done)] == [[("new", None), ("x_y", "0.10")], None]
    assert (done.absent_columns, done.extra_columns) == ((), ("new", "x_y"))


def test_json_lines_that_cannot_be_decoded_are_set_aside_alone(tmp_path: Path) -> None:
    bad = [
        b"[1]",
        b"nonsense",
        b'{"claim_id": 1',
        b'{"claim_id": 1, "claim_id": 2}',
        b'{"amount": 1, "PAID AMOUNT": 2}',
    ]
    bad += [b'{"claim_id": "\xff"}', b'{"claim_id": "\\ud800"}', b"[" * 100_000, b'{"claim_id": {"x": 1, "x": 2}}']
    lines = [b'{"claim_id": 0}', *bad, b'{"claim_id": "\\ud83d\\ude00"}']
    done = staged(tmp_path, "x.ndjson", b"\n".join(lines))
    reasons = [(row["_row_number"], row["_line"], row["_reason"]) for row in rejects_of(done)]
    kinds = ["bad_json"] * 5 + ["bad_encoding"] * 2 + ["bad_json"] * 2
    assert reasons == [(number, number, kind) for number, kind in enumerate(kinds, start=2)]
    assert [(row["claim_id"], row["_row_number"]) for row in rows_of(done)] == [("0", 1), ("\U0001f600", 11)]


def test_json_without_a_required_key_in_any_record_is_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, "x.jsonl", f'{{"claimid": "{MARKER}", "amount": 1}}\n'.encode())
    assert "claim_id (nearest header: claimid)" in message
    assert MARKER not in message
    assert staged(tmp_path, "x.jsonl", b"").rows == 0
    assert staged(tmp_path, "x.jsonl.gz", gzip.compress(b'{"amount": 1}\n{"claim_id": 1}')).rows == 2


def test_parquet_values_are_rendered_the_same_way_each_time(tmp_path: Path) -> None:
    moment = datetime(2026, 1, 31, 23, 59, 59, 120_000)
    sent: dict[str, tuple[pa.DataType, object, object]] = {
        "money": (pa.decimal128(20, 10), Decimal("0.0000000001"), "0.0000000001"),
        "whole": (pa.decimal128(10, 0), Decimal("1200"), "1200"),
        "day": (pa.date32(), date(1, 2, 3), "0001-02-03"),
        "naive": (pa.timestamp("us"), moment, "2026-01-31T23:59:59.120000"),
        "seconds": (pa.timestamp("s"), moment.replace(microsecond=0), "2026-01-31T23:59:59.000000"),
        "zoned": (pa.timestamp("ms", "America/New_York"), moment.replace(tzinfo=UTC), "2026-01-31T23:59:59.120000Z"),
        "nano": (pa.timestamp("ns"), 1_000_000_001, "1970-01-01T00:00:01.000000001"),
        "micro": (pa.timestamp("ns"), 1_000_001_000, "1970-01-01T00:00:01.000001"),
        "clock": (pa.time64("us"), time(1, 2, 3, 4), "01:02:03.000004"),
        "real": (pa.float64(), 0.1, "0.1"),
        "single": (pa.float32(), 0.1, "0.1"),
        "flag": (pa.bool_(), False, "false"),
        "number": (pa.int64(), -(2**63), "-9223372036854775808"),
        "text": (pa.large_string(), " x ", " x "),
        "raw": (pa.binary(), b"007", "007"),
        "code": (pa.dictionary(pa.int32(), pa.string()), "A1", "A1"),
        "many": (pa.list_(pa.string()), ["a", None, "b"], "a||b"),
        "sums": (pa.list_(pa.decimal128(5, 2)), [Decimal("1.50")], "1.50"),
        "none": (pa.list_(pa.string()), [], ""),
        "deep": (
            pa.struct([("x", pa.date32()), ("y", pa.int8())]),
            {"x": date(2026, 1, 2), "y": 1},
            '{"x":"2026-01-02","y":1}',
        ),
        "empty": (pa.null(), None, None),
    }
    columns = tuple(RawColumn(name) for name in sent)
    table = pa.table({name: pa.array([value, None, value], kind) for name, (kind, value, _) in sent.items()})
    done = staged(tmp_path, "x.parquet", parquet(table), columns)
    expected = tuple(text for _, _, text in sent.values())
    assert values_of(done, columns) == [expected, (None,) * len(sent), expected]


def test_parquet_columns_are_matched_and_rescued(tmp_path: Path) -> None:
    content = parquet(pa.table({"New": [1, None, 3], "CLAIM ID": ["a", "b", None]}))
    done = staged(tmp_path, "x.parquet", content)
    assert values_of(done) == [("a", None), ("b", None), (None, None)]
    assert [row["_rescued"] for row in rows_of(done)] == [[("new", "1")], [("new", None)], [("new", "3")]]
    assert [row["_row_number"] for row in rows_of(done)] == [1, 2, 3]
    assert done.checksum == hashlib.sha256(content).hexdigest()


def test_a_parquet_row_that_is_not_utf8_is_set_aside_alone(tmp_path: Path) -> None:
    lists = pa.array([[b"x"], [b"\xff"], None], pa.list_(pa.binary()))
    content = parquet(pa.table({"claim_id": pa.array([b"a", b"b", b"c\xff"]), "amount": lists}))
    done = staged(tmp_path, "x.parquet", content)
    assert values_of(done) == [("a", "x")]
    assert [(row["_row_number"], row["_line"], row["_reason"]) for row in rejects_of(done)] == [
        (2, None, "bad_encoding"),
        (3, None, "bad_encoding"),
    ]
    assert json.loads(str(rejects_of(done)[1]["_text"])) == {"claim_id": "c\\xff", "amount": None}


def test_a_parquet_file_that_cannot_be_rendered_is_refused(tmp_path: Path) -> None:
    whole = parquet(pa.table({"claim_id": ["a"]}))
    for damaged in (b"", b"claim_id\n1\n", whole[:-10]):
        assert "sound Parquet file" in refused(tmp_path, "x.parquet", damaged)
    for beyond in (pa.array([10**16], pa.timestamp("ms")), pa.array([2**31 - 1], pa.int32()).cast(pa.date32())):
        message = refused(tmp_path, "x.parquet", parquet(pa.table({"claim_id": beyond})))
        assert "column claim_id: expected values of the calendar" in message
    span = pa.table({"claim_id": pa.array([1], pa.duration("s"))})
    assert "column claim_id: expected a type" in refused(tmp_path, "x.parquet", parquet(span))
    assert "required columns missing: claim_id" in refused(tmp_path, "x.parquet", parquet(pa.table({"amount": [1]})))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", f"{MARKER},{MARKER}\n{MARKER}\n"),
        ("x.csv", f'claim_id,"{MARKER}\n{MARKER},1\n'),
        ("x.csv", f"claim_id,claim id\n{MARKER},{MARKER}\n"),
        ("x.csv", f"amount,1 {MARKER} Street\n1,2\n"),
        ("x.csv.gz", MARKER),
        ("x.jsonl", f'{{"amount": "{MARKER}"}}\n{MARKER}\n'),
        ("x.parquet", MARKER * 10),
    ],
)
def test_no_error_holds_a_value(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(LakehouseError) as caught:
        staged(tmp_path, name, content.encode())
    error: BaseException | None = caught.value
    while error is not None:
        assert MARKER.lower() not in str(error).lower()
        error = error.__cause__


def test_many_row_groups_keep_every_row_in_order(tmp_path: Path) -> None:
    count = 300_000
    content = b"claim_id,amount\n" + b"".join(b"%d,x\n" % n if n % 1000 else b"%d\n" % n for n in range(1, count + 1))
    done = staged(tmp_path, "x.csv", content)
    table = pq.read_table(done.rows_path)
    kept = [n for n in range(1, count + 1) if n % 1000]
    assert table.column("_row_number").to_pylist() == kept
    assert table.column("claim_id").to_pylist() == [str(n) for n in kept]
    assert [row["_row_number"] for row in rejects_of(done)] == list(range(1000, count + 1, 1000))
    assert pq.ParquetFile(done.rows_path).num_row_groups > 1


_TEXT = st.text(st.characters(codec="utf-8"), max_size=10) | st.sampled_from(['"', "", ",", "\n", "\0", "null"])
_TABLES = st.lists(st.tuples(_TEXT, _TEXT), max_size=15)


@settings(max_examples=60, deadline=None)
@given(_TABLES, st.booleans())
def test_any_table_survives_csv_and_staging_twice(rows: list[tuple[str, str]], zipped: bool) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(("claim_id", "amount"))
    writer.writerows(rows)
    content = out.getvalue().encode()
    with TemporaryDirectory() as folder:
        root = Path(folder)
        name, sent = ("x.csv.gz", gzip.compress(content)) if zipped else ("x.csv", content)
        first = staged(root, name, sent)
        stored = Path(first.rows_path).read_bytes()
        assert values_of(first) == rows
        assert first.rejected == 0
        again = only(root, first.file)
        assert again == first
        assert Path(first.rows_path).read_bytes() == stored


@settings(max_examples=60, deadline=None)
@given(_TABLES)
def test_any_table_survives_json_and_parquet(rows: list[tuple[str, str]]) -> None:
    lines = "\n".join(json.dumps({"claim_id": a, "amount": b}) for a, b in rows)
    table = pa.table(
        {"claim_id": [a for a, _ in rows], "amount": [b for _, b in rows]},
        pa.schema([("claim_id", pa.string()), ("amount", pa.string())]),
    )
    with TemporaryDirectory() as folder:
        assert values_of(staged(Path(folder), "x.jsonl", lines.encode())) == rows
        assert values_of(staged(Path(folder), "x.parquet", parquet(table))) == rows


def parts_of(
    root: Path, file: FoundFile, skip_records: int = 0, first_part: int = 0, source: FileSource = ANY, **how: object
) -> tuple[Staged, ...]:
    drop, settings_of_files = Drop(str(root / "in")), FileSettings.model_validate(how)
    out = str(root / "out")
    return stage_parts(
        drop, file, source, COLUMNS, out, settings_of_files, skip_records=skip_records, first_part=first_part
    )


def read_parts(parts: Sequence[Staged]) -> tuple[list[Row], list[Row]]:
    """Rows and rejects of all parts, one after the other."""
    return [r for p in parts for r in rows_of(p)], [r for p in parts if p.rejected_path for r in rejects_of(p)]


def test_a_part_says_which_it_is_and_what_it_holds(tmp_path: Path) -> None:
    content = b"claim_id,amount,new\n1,2,x\nbad\n3, ,x\n4,,x\n5,6,x\n"
    file = put(tmp_path, "x.csv", content)
    parts = parts_of(tmp_path, file, part_rows=2)
    assert [(p.part, p.is_last, p.rows, p.rejected) for p in parts] == [
        (0, False, 1, 1),
        (1, False, 2, 0),
        (2, True, 1, 0),
    ]
    assert [sorted(p.filled) for p in parts] == [["amount", "claim_id"], ["claim_id"], ["amount", "claim_id"]]
    assert {p.checksum for p in parts} == {hashlib.sha256(content).hexdigest()}
    assert {p.extra_columns for p in parts} == {("new",)}
    resumed = parts_of(tmp_path, file, skip_records=4, first_part=2, part_rows=2)
    assert resumed == parts[2:]


def table_of(records: int) -> list[tuple[str, str]]:
    return [(f"C{n}", "\n" if n % 5 == 0 else str(n)) for n in range(records)]


def sent_as(kind: str, records: list[tuple[str, str]]) -> tuple[str, bytes]:
    if kind == "parquet":
        table = pa.table({"claim_id": [a for a, _ in records], "amount": [b for _, b in records]})
        return "x.parquet", parquet(table.cast(pa.schema([("claim_id", pa.string()), ("amount", pa.string())])))
    if kind == "jsonl":
        lines = [json.dumps({"claim_id": a, "amount": b}) if int(a[1:]) % 7 else "{" for a, b in records]
        return "x.jsonl", "\n".join(lines).encode()
    out = io.StringIO(newline="")
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows([("claim_id", "amount"), *records])
    content = out.getvalue().encode() + b"bad\n"
    return ("x.csv.gz", gzip.compress(content)) if kind == "gzip" else ("x.csv", content)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(["csv", "gzip", "jsonl", "parquet"]),
    records=st.integers(0, 25),
    part_rows=st.lists(st.integers(1, 30), min_size=1, max_size=8),
)
def test_a_run_that_stops_after_any_part_lands_the_same_rows_in_the_end(
    kind: str, records: int, part_rows: list[int]
) -> None:
    """Each run commits one part and stops; the next one may cut otherwise."""
    name, content = sent_as(kind, table_of(records))
    with TemporaryDirectory() as folder:
        root = Path(folder)
        whole = read_parts([staged(root, name, content)])
        file = put(root, name, content)
        landed: tuple[list[Row], list[Row]] = ([], [])
        for number in range(records + 2):
            done = len(landed[0]) + len(landed[1])
            parts = parts_of(root, file, done, number, part_rows=part_rows[number % len(part_rows)])
            rows, rejects = read_parts(parts[:1])
            landed = (landed[0] + rows, landed[1] + rejects)
            assert parts[0].part == number
            if parts[0].is_last:
                break
        assert landed == whole


def test_a_trailer_that_agrees_is_no_row(tmp_path: Path) -> None:
    content = b"HDR|20260105\nclaim_id|amount\n1|2\nbad\n3|4\nTRL|3\n"
    file = put(tmp_path, "x.psv", content)
    [part] = parts_of(tmp_path, file, control="trailer", header_mark="HDR")
    assert values_of(part) == [("1", "2"), ("3", "4")]
    assert [(row["_row_number"], row["_line"]) for row in rejects_of(part)] == [(2, 4)]
    counts_its_frame = put(tmp_path, "x.psv", content.replace(b"|3\n", b"|6\n"))
    [part] = parts_of(tmp_path, counts_its_frame, control="trailer", header_mark="HDR", control_extra_rows=3)
    assert part.rows == 2


@pytest.mark.parametrize("part_rows", [1, 100])
def test_a_trailer_that_differs_lands_nothing(tmp_path: Path, part_rows: int) -> None:
    file = put(tmp_path, "x.csv", b"claim_id,amount\n1,2\n3,4\nTRL,3\n")
    with pytest.raises(SourceError, match=r"x\.csv: expected 3 rows as its trailer says, found 2"):
        parts_of(tmp_path, file, control="trailer", part_rows=part_rows)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_trailer_is_expected_of_delimited_text_alone(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r'found \.jsonl.*control = "file"'):
        parts_of(tmp_path, put(tmp_path, "x.jsonl", b'{"claim_id": 1}\n'), control="trailer")
    compressed = gzip.compress(b"claim_id,amount\n1,2\nTRL,1")
    [part] = parts_of(tmp_path, put(tmp_path, "x.csv.gz", compressed), control="trailer")
    assert part.rows == 1


def with_control(root: Path, control: str, name: str = "x.csv", content: bytes = b"claim_id,amount\n1,2\n3,4\n") -> str:
    file = put(root, name, content)
    (root / "in" / f"{name}.ctl").write_text(control)
    try:
        parts = parts_of(root, file, control="file", part_rows=1)
    except SourceError as error:
        assert list((root / "out").iterdir()) == []
        return str(error)
    return f"{sum(p.rows for p in parts)} rows"


def test_a_control_file_is_compared_before_anything_lands(tmp_path: Path) -> None:
    checksum = hashlib.sha256(b"claim_id,amount\n1,2\n3,4\n").hexdigest()
    assert with_control(tmp_path, f"rows=2\nbytes=24\nsha256={checksum}\namount.amount=6.00") == "2 rows"
    assert with_control(tmp_path, "rows=3").startswith("x.csv: expected 3 rows as x.csv.ctl says, found 2")
    assert "expected 25 bytes" in with_control(tmp_path, "rows=2\nbytes=25")
    assert "total of column amount" in with_control(tmp_path, "rows=2\namount.amount=6.01")
    assert "at most 1048576 bytes" in with_control(tmp_path, "rows=2\n" + " " * (1 << 20))
    (tmp_path / "in" / "x.csv.ctl").unlink()
    with pytest.raises(SourceError, match=r"x\.csv\.ctl: could not be opened"):
        parts_of(tmp_path, put(tmp_path, "x.csv", b"claim_id\n"), control="file")


def test_one_control_file_tells_of_every_file_of_an_archive(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "a.zip", "w") as archive:
        archive.writestr("b/x.csv", "claim_id\n1\n")
        archive.writestr("y.csv", "claim_id\n1\n2\n")
    (tmp_path / "in" / "a.zip.ctl").write_text("file,rows,bytes\nx.csv,1,11\ny.csv,3,13\n")
    first, second = list_drop(Drop(str(tmp_path / "in")), ANY, FileSettings()).ready
    assert [part.rows for part in parts_of(tmp_path, first, control="file")] == [1]
    with pytest.raises(SourceError, match=r"a\.zip!/y\.csv: expected 3 rows as a\.zip\.ctl says, found 2"):
        parts_of(tmp_path, second, control="file")


def test_a_file_replaced_by_one_of_its_size_is_refused(tmp_path: Path) -> None:
    file = put(tmp_path, "x.csv", b"claim_id\n1\n")
    put(tmp_path, "x.csv", b"claim_id\n2\n")
    os.utime(tmp_path / "in" / "x.csv", (0, 0))
    with pytest.raises(SourceError, match="found it replaced while it was read"):
        only(tmp_path, file)
