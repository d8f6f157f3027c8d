"""Which files of a drop are deliveries, and which of them are complete."""

import os
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from lakehouse.errors import SourceError
from lakehouse.settings_files import FileSettings
from lakehouse.spec.sources import FileSource
from lakehouse.storage.drop_listing import Listing, control_path, list_drop
from lakehouse.storage.drops import Drop, FoundFile

ANY = FileSource()
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def put(root: Path, name: str, content: bytes = b"x", at: datetime = NEW_YEAR) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (at.timestamp(), at.timestamp()))


def listed(root: Path, source: FileSource = ANY, now: datetime | None = None, **how: object) -> Listing:
    return list_drop(Drop(str(root)), source, FileSettings.model_validate(how), now)


def ready(listing: Listing) -> list[str]:
    return [file.path for file in listing.ready]


def waiting(listing: Listing) -> list[str]:
    return [item.why for item in listing.waiting]


def test_files_are_found_by_stem_folder_and_ending(tmp_path: Path) -> None:
    wanted = ["a/CLAIMS_3.CSV", "claims-2026-01-03.csv.gz", "claims.2.psv", "claims.csv", "claims_2.parquet"]
    others = ["claims_transactions.csv", "claims2.csv", "claims.xlsx", "claims.csv.tmp", "claims.csv.part", "claims"]
    others += [".claims.csv", "_claims.csv", "_done/claims.csv", ".git/claims.csv", "up.partial/claims.csv"]
    others += ["claims.csv.crc", "claims.csv.filepart"]
    for name in wanted + others:
        put(tmp_path, f"feed/{name}")
    put(tmp_path, "claims.csv", b"outside of the folder")
    found = listed(tmp_path, FileSource(folder="feed", stem="claims"))
    assert ready(found) == [f"feed/{name}" for name in wanted]
    assert {file.size for file in found.ready} == {1}


def test_a_feeds_own_folder_may_begin_with_an_underscore(tmp_path: Path) -> None:
    put(tmp_path, "_out/claims.csv")
    assert ready(listed(tmp_path, FileSource(folder="_out"))) == ["_out/claims.csv"]


def test_a_star_takes_every_known_format(tmp_path: Path) -> None:
    names = ["a.csv", "b.jsonl", "c.ndjson.gz", "d.parquet", "e.txt", "f.tsv", "g.md", "h.7z"]
    for name in names:
        put(tmp_path, name)
    assert ready(listed(tmp_path)) == names[:6]


def test_a_file_is_listed_with_its_size_and_utc_time(tmp_path: Path) -> None:
    put(tmp_path, "x.csv", b"12345")
    assert listed(tmp_path).ready == (FoundFile("x.csv", 5, NEW_YEAR),)


def test_a_missing_root_is_named_and_a_missing_folder_is_empty(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no_such_network"):
        listed(tmp_path / "no_such_network")
    assert listed(tmp_path, FileSource(folder="claims")) == Listing(())


def test_a_file_waits_for_its_marker(tmp_path: Path) -> None:
    put(tmp_path, "a.csv")
    put(tmp_path, "b.csv")
    put(tmp_path, "b.csv.done", b"")
    found = listed(tmp_path, done_marker=".done")
    assert ready(found) == ["b.csv"]
    assert waiting(found) == ["a.csv: waits for a.csv.done"]
    assert ready(listed(tmp_path)) == ["a.csv", "b.csv"]


def test_a_marker_of_another_file_is_no_delivery(tmp_path: Path) -> None:
    put(tmp_path, "a.csv_ok")
    put(tmp_path, "b.csv.v2_ok")
    assert listed(tmp_path, done_marker=".v2_ok") == Listing(())


def test_a_marker_older_than_its_file_belongs_to_what_was_there_before(tmp_path: Path) -> None:
    put(tmp_path, "a.csv.done", b"")
    put(tmp_path, "a.csv", at=NEW_YEAR + timedelta(seconds=1))
    found = listed(tmp_path, done_marker=".done")
    assert ready(found) == []
    assert "waits for a new one" in waiting(found)[0]
    put(tmp_path, "a.csv.done", b"", at=NEW_YEAR + timedelta(seconds=1))
    assert ready(listed(tmp_path, done_marker=".done")) == ["a.csv"]


def test_a_file_waits_until_it_is_stable(tmp_path: Path) -> None:
    put(tmp_path, "a.csv")
    young, old = NEW_YEAR + timedelta(seconds=59), NEW_YEAR + timedelta(seconds=60)
    found = listed(tmp_path, now=young, stable_seconds=60)
    assert (ready(found), len(found.waiting)) == ([], 1)
    assert found.waiting[0].file.path == "a.csv"
    assert ready(listed(tmp_path, now=old, stable_seconds=60)) == ["a.csv"]
    assert ready(listed(tmp_path, now=NEW_YEAR - timedelta(days=1))) == ["a.csv"]


@pytest.mark.parametrize(
    ("pattern", "control"),
    [("{name}.ctl", "a.csv.gz.ctl"), ("{stem}_control.csv", "a_control.csv"), ("manifest.json", "manifest.json")],
)
def test_a_file_waits_for_its_control_file_which_is_no_delivery(tmp_path: Path, pattern: str, control: str) -> None:
    put(tmp_path, "day/a.csv.gz")
    put(tmp_path, "other/manifest.txt")
    how = {"control": "file", "control_name": pattern}
    assert waiting(listed(tmp_path, FileSource(folder="day"), **how)) == [
        f"day/a.csv.gz: waits for its control file day/{control}"
    ]
    put(tmp_path, f"day/{control}")
    assert ready(listed(tmp_path, FileSource(folder="day"), **how)) == ["day/a.csv.gz"]


def test_a_control_file_that_came_first_is_no_delivery(tmp_path: Path) -> None:
    put(tmp_path, "claims_2026_control.csv")
    found = listed(tmp_path, FileSource(stem="claims"), control="file", control_name="{stem}_control.csv")
    assert found == Listing(())
    assert ready(listed(tmp_path, FileSource(stem="claims"))) == ["claims_2026_control.csv"]


def test_a_file_at_the_root_and_an_archive_have_their_control_file_beside_them() -> None:
    assert control_path("a.csv", FileSettings()) == "a.csv.ctl"
    assert control_path("day/a.zip", FileSettings(control_name="{stem}.ctl")) == "day/a.ctl"


def test_an_archive_waits_as_a_whole(tmp_path: Path) -> None:
    put(tmp_path, "a.zip", b"not finished")
    found = listed(tmp_path, done_marker=".done")
    assert waiting(found) == ["a.zip: waits for a.zip.done"]
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("b.csv", "x")
    put(tmp_path, "a.zip.done", b"", at=datetime.now(UTC) + timedelta(hours=1))
    assert ready(listed(tmp_path, done_marker=".done")) == ["a.zip!/b.csv"]
