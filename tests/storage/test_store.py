"""Places below a lake's root, in a folder."""

from pathlib import Path

import pytest

from lakehouse.storage.store import Store, quarantine_of


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "lake"))


def test_a_table_lies_in_its_layers_folder(store: Store, tmp_path: Path) -> None:
    assert store.table("silver.claim") == str(tmp_path / "lake" / "silver" / "claim")
    assert store.table(quarantine_of("silver.claim")) == str(tmp_path / "lake" / "silver" / "claim__quarantine")


def test_a_relative_root_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Store("lake").base == str(tmp_path / "lake")


def test_an_address_stays_as_it_is() -> None:
    assert Store("s3://bucket/prefix").table("gold.month") == "s3://bucket/prefix/gold/month"


def test_what_was_written_is_read(store: Store) -> None:
    store.write("Zoë\n".encode(), "ops", "runs", "a.json")
    assert store.read("ops", "runs", "a.json") == "Zoë\n".encode()


def test_a_file_is_replaced_as_a_whole(store: Store) -> None:
    store.write(b"a long first content", "ops", "a.json")
    store.write(b"", "ops", "a.json")
    assert store.read("ops", "a.json") == b""
    assert store.names("ops") == ["a.json"]


def test_a_compressed_file_is_read_as_it_lies_there(store: Store) -> None:
    content = b"\x1f\x8b not really gzip"
    store.write(content, "ops", "a.json.gz")
    assert store.read("ops", "a.json.gz") == content


def test_names_are_sorted_files_only(store: Store) -> None:
    for name in ("b.json", "a.json"):
        store.write(b"", "ops", name)
    store.write(b"", "ops", "folder", "c.json")
    assert store.names("ops") == ["a.json", "b.json"]
    assert store.folders("ops") == ["folder"]


def test_a_folder_that_is_not_there_is_empty(store: Store) -> None:
    assert store.names("nowhere") == []
    assert store.folders("nowhere") == []


def test_a_missing_file_is_an_error(store: Store) -> None:
    with pytest.raises(FileNotFoundError):
        store.read("ops", "a.json")


def test_a_folder_is_removed_with_what_it_holds(store: Store) -> None:
    store.write(b"", "_staging", "x", "y", "z")
    store.remove_folder("_staging", "x")
    assert store.folders("_staging") == []
    store.remove_folder("_staging", "x")
