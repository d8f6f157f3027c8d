"""Zip archives: each file in one is a delivery of its own, and what cannot be read is refused by name."""

import gzip
import hashlib
import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.errors import SourceError
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage import archives, stored_bytes
from lakehouse.storage.archives import deliveries_in
from lakehouse.storage.drop_listing import list_drop
from lakehouse.storage.drops import Drop, FoundFile
from lakehouse.storage.files import RawColumn, Staged, stage_parts

COLUMNS = (RawColumn("claim_id", required=True), RawColumn("amount"))
CSV = b"claim_id,amount\n1,2\n"
ENCRYPTED_FLAG = 0x1
WRITTEN_AT = datetime(2026, 1, 15, 12, tzinfo=UTC)


def put(root: Path, name: str, members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> None:
    (root / "in").mkdir(exist_ok=True)
    with zipfile.ZipFile(root / "in" / name, "w", method) as archive:
        for member, content in members.items():
            archive.writestr(member, content)


def listed(root: Path, stem: str = "*") -> list[FoundFile]:
    return list(list_drop(Drop(str(root / "in")), FileSource(stem=stem), FileSettings()).ready)


def staged(root: Path, file: FoundFile) -> Staged:
    [only] = stage_parts(Drop(str(root / "in")), file, FileSource(), COLUMNS, str(root / "out"), FileSettings())
    return only


def refusal(root: Path) -> str:
    """What is said of the one archive, which is listed as itself because nobody can say what is in it."""
    [file] = listed(root, "claims")
    assert file.path == "a.zip"
    with pytest.raises(SourceError) as caught:
        staged(root, file)
    assert str(caught.value).startswith("a.zip")
    assert list((root / "out").glob("*")) == []
    return str(caught.value)


def test_every_file_of_a_known_format_is_a_delivery(tmp_path: Path) -> None:
    members = {"b/claims.csv": CSV, "a.psv": b"", "readme.md": b"", "__MACOSX/._a.csv": b"", "d/": b"", ".x.csv": b""}
    put(tmp_path, "all.zip", members)
    changed_at = datetime(2026, 1, 5, 8, tzinfo=UTC)  # whole seconds: parts of them are rounded in more than one way
    os.utime(tmp_path / "in" / "all.zip", (changed_at.timestamp(), changed_at.timestamp()))
    found = listed(tmp_path)
    assert [(file.path, file.size) for file in found] == [("all.zip!/a.psv", 0), ("all.zip!/b/claims.csv", len(CSV))]
    assert {file.modified_at for file in found} == {changed_at}


def test_a_feed_takes_its_own_files_of_an_archive(tmp_path: Path) -> None:
    put(tmp_path, "all.zip", {"claims.csv": CSV, "claims_2.csv": CSV, "members.csv": CSV})
    assert [f.path for f in listed(tmp_path, "claims")] == ["all.zip!/claims.csv", "all.zip!/claims_2.csv"]
    assert [f.path for f in listed(tmp_path, "payments")] == []


def test_the_archives_name_counts_when_one_file_is_in_it(tmp_path: Path) -> None:
    put(tmp_path, "claims-2026-01-05.zip", {"EXTRACT01.csv": CSV, "readme.txt.md": b""})
    put(tmp_path, "claims-2026-01-06.zip", {"EXTRACT01.csv": CSV, "EXTRACT02.csv": CSV})
    assert [f.path for f in listed(tmp_path, "claims")] == ["claims-2026-01-05.zip!/EXTRACT01.csv"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_STORED])
def test_a_file_is_read_out_of_its_archive(tmp_path: Path, method: int) -> None:
    rows = b"".join(b"%d,x\n" % n for n in range(200_000))
    content = b"claim_id,amount\n" + rows
    put(tmp_path, "a.zip", {"first.csv": CSV, "claims.csv": content}, method)
    [file] = listed(tmp_path, "claims")
    done = staged(tmp_path, file)
    assert (done.rows, done.checksum) == (200_000, hashlib.sha256(content).hexdigest())
    table = pq.read_table(done.rows_path)
    assert set(table.column("_source").to_pylist()) == {"a.zip!/claims.csv"}
    assert table.column("claim_id").to_pylist()[-1] == "199999"


def test_gzip_json_and_parquet_are_read_out_of_an_archive(tmp_path: Path) -> None:
    parquet = io.BytesIO()
    pq.write_table(pa.table({"claim_id": ["1"]}), parquet)
    members = {"a.csv.gz": gzip.compress(CSV), "b.jsonl": b'{"claim_id": 1}\n', "c.parquet": parquet.getvalue()}
    put(tmp_path, "all.zip", members)
    assert [staged(tmp_path, file).rows for file in listed(tmp_path)] == [1, 1, 1]


def test_packing_the_same_file_again_keeps_its_checksum(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV}, zipfile.ZIP_STORED)
    first = staged(tmp_path, listed(tmp_path)[0])
    put(tmp_path, "a.zip", {"claims.csv": CSV, "more.md": b"x"})
    assert staged(tmp_path, listed(tmp_path)[0]).checksum == first.checksum


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV})
    whole = (tmp_path / "in" / "a.zip").read_bytes()
    for damaged in (whole[:-5], whole[: len(whole) // 2], b"", b"claim_id\n1\n"):
        (tmp_path / "in" / "a.zip").write_bytes(damaged)
        assert "whole zip archive" in refusal(tmp_path)


def test_a_flipped_byte_in_a_file_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV}, zipfile.ZIP_STORED)
    path = tmp_path / "in" / "a.zip"
    path.write_bytes(path.read_bytes().replace(b"1,2\n", b"1,3\n"))
    [file] = listed(tmp_path)
    with pytest.raises(SourceError, match=r"a\.zip!/claims\.csv: expected a whole zip archive"):
        staged(tmp_path, file)


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV})
    path = tmp_path / "in" / "a.zip"
    content = bytearray(path.read_bytes())
    directory = content.rindex(b"PK\x01\x02")
    content[directory + 8] |= ENCRYPTED_FLAG
    content[6] |= ENCRYPTED_FLAG
    path.write_bytes(content)
    assert "encrypted" in refusal(tmp_path)


def test_an_archive_in_an_archive_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV, "inner.zip": b""})
    assert "an archive within the archive" in refusal(tmp_path)


def test_an_unknown_method_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV}, zipfile.ZIP_LZMA)
    assert "another method" in refusal(tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_name_twice_in_an_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with zipfile.ZipFile(tmp_path / "in" / "a.zip", "w") as archive:
        archive.writestr("claims.csv", CSV)
        archive.writestr("claims.csv", CSV)
    assert "a name twice" in refusal(tmp_path)


def test_a_zip_bomb_is_refused_by_its_ratio_and_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.zip", {"claims.csv": b"claim_id\n" + b"1\n" * (1 << 20)})
    assert [file.path for file in listed(tmp_path)] == ["a.zip!/claims.csv"]
    with monkeypatch.context() as patched:
        patched.setattr(stored_bytes, "ALWAYS_ALLOWED", 1 << 20)
        assert "at most 200 times its stored size" in refusal(tmp_path)
    monkeypatch.setattr(archives, "MOST_BYTES", 1 << 20)
    assert "unpacked bytes, found more" in refusal(tmp_path)


def test_a_file_that_left_its_archive_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV})
    [file] = listed(tmp_path)
    put(tmp_path, "a.zip", {"members.csv": CSV})
    with pytest.raises(SourceError, match="found it gone"):
        staged(tmp_path, file)


def test_an_archive_replaced_since_it_was_listed_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV})
    [file] = listed(tmp_path)
    later = FoundFile(file.path, file.size, datetime(2020, 1, 1, tzinfo=UTC))
    with pytest.raises(SourceError, match="replaced while it was read"):
        staged(tmp_path, later)


def test_an_archive_on_its_own_is_no_delivery(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", {"claims.csv": CSV})
    path = tmp_path / "in" / "a.zip"
    os.utime(path, (WRITTEN_AT.timestamp(), WRITTEN_AT.timestamp()))
    itself = FoundFile("a.zip", path.stat().st_size, WRITTEN_AT)
    assert deliveries_in(Drop(str(tmp_path / "in")), itself, "*") == listed(tmp_path)
    with pytest.raises(SourceError, match="Run again"):
        staged(tmp_path, itself)
