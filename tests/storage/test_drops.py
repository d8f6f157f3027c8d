"""A drop on S3 is read like one in a folder."""

import gzip
import io
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lakehouse.errors import SourceError
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.drop_listing import list_drop
from lakehouse.storage.drops import Drop
from lakehouse.storage.files import RawColumn, stage_parts
from servers.moto import Moto

COLUMNS = (RawColumn("claim_id", required=True),)
ROWS = 200_000
CSV = b"claim_id\n" + b"".join(b"%d\n" % n for n in range(ROWS))


def deliveries() -> dict[str, bytes]:
    """Name and content of each file; the same at every call."""
    archive, parquet = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("first.csv", CSV)
        opened.writestr("second.csv", CSV)
    pq.write_table(pa.table({"claim_id": [str(n) for n in range(ROWS)]}), parquet)
    files = {"a.csv": CSV, "b.csv.gz": gzip.compress(CSV, mtime=0)}
    files |= {"c.parquet": parquet.getvalue(), "d.zip": archive.getvalue()}
    return {**files, **{f"{name}.done": b"" for name in files}, "e.csv": CSV, "_f.csv": CSV}


@pytest.fixture
def drop(moto: Moto) -> Drop:
    bucket = moto.fresh_bucket()
    for name, content in deliveries().items():
        moto.client().put_object(Bucket=bucket, Key=f"north/claims/{name}", Body=content)
    return Drop(f"s3://{bucket}/north", moto.s3)


def test_a_drop_on_s3_is_listed_and_staged_like_a_folder(drop: Drop, tmp_path: Path) -> None:
    source, how = FileSource(folder="claims"), FileSettings(done_marker=".done", part_rows=150_000)
    for name, content in deliveries().items():
        (tmp_path / "claims").mkdir(exist_ok=True)
        (tmp_path / "claims" / name).write_bytes(content)
    on_s3, local = list_drop(drop, source, how), list_drop(Drop(str(tmp_path)), source, how)
    assert [(f.path, f.size) for f in on_s3.ready] == [(f.path, f.size) for f in local.ready]
    assert [w.why for w in on_s3.waiting] == ["claims/e.csv: waits for claims/e.csv.done"]
    assert len(on_s3.ready) == 5
    for file in on_s3.ready:
        parts = stage_parts(drop, file, source, COLUMNS, str(tmp_path / "out"), how)
        assert [part.rows for part in parts] == [150_000, 50_000]
        as_local = next(f for f in local.ready if f.path == file.path)
        again = stage_parts(Drop(str(tmp_path)), as_local, source, COLUMNS, str(tmp_path / "again"), how)
        assert [part.checksum for part in parts] == [part.checksum for part in again]


def test_the_staging_folder_may_lie_on_s3(drop: Drop, moto: Moto) -> None:
    [file] = list_drop(drop, FileSource(folder="claims", stem="e"), FileSettings()).ready
    bucket = moto.fresh_bucket()
    parts = stage_parts(
        drop, file, FileSource(), COLUMNS, f"s3://{bucket}/lake/_staging", FileSettings(part_rows=150_000)
    )
    keys = moto.keys(bucket)
    assert [part.rows_path.removeprefix(f"s3://{bucket}/") for part in parts] == keys
    body = moto.client().get_object(Bucket=bucket, Key=keys[1])["Body"].read()
    assert pq.read_table(io.BytesIO(body)).num_rows == 50_000


def test_a_prefix_that_is_not_there_is_named(drop: Drop) -> None:
    gone = Drop(f"{drop.root}-gone", drop.s3)
    with pytest.raises(SourceError, match="north-gone: expected the folder of a network, found none"):
        list_drop(gone, FileSource(), FileSettings())
    assert gone.look("x.csv") is None
    with pytest.raises(SourceError, match=r"x\.csv: could not be opened"):
        gone.stream("x.csv")
