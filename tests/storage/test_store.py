"""Places and small files below a lake's root, in a folder and on S3."""

import threading
from pathlib import Path

import pytest

from lakehouse.settings import S3Settings
from lakehouse.storage.store import Store, filesystem_of, quarantine_of
from servers.moto import Moto
from servers.s3_proxy import Answer, S3Proxy


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Store(str(tmp_path / "lake"))
    moto: Moto = request.getfixturevalue("moto")
    return Store(f"s3://{moto.fresh_bucket()}/lake", moto.s3)


def test_a_table_lies_in_its_layers_folder(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "lake"))
    assert store.table("silver.claim") == str(tmp_path / "lake" / "silver" / "claim")
    assert store.table(quarantine_of("silver.claim")) == str(tmp_path / "lake" / "silver" / "claim__quarantine")


def test_a_relative_root_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Store("lake").base == str(tmp_path / "lake")


def test_an_address_stays_as_it_is() -> None:
    assert Store("s3://bucket/prefix").table("gold.month") == "s3://bucket/prefix/gold/month"


def test_only_a_lake_on_s3_tells_the_log_reader_how_to_get_there(tmp_path: Path) -> None:
    s3 = S3Settings(endpoint="http://127.0.0.1:9", region="eu-west-1", path_style=True)
    assert Store(str(tmp_path), s3).log_reader_options == {}
    assert Store("s3://bucket", s3).log_reader_options == {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "eu-west-1",
        "AWS_VIRTUAL_HOSTED_STYLE_REQUEST": "false",
    }


@pytest.mark.parametrize("scheme", ["s3", "s3a", "s3n"])
def test_every_scheme_of_s3_is_the_same_place(moto: Moto, scheme: str) -> None:
    bucket = moto.fresh_bucket()
    Store(f"s3://{bucket}", moto.s3).write(b"rows", "drops", "claims.csv")
    system, path = filesystem_of(f"{scheme}://{bucket}/drops/", moto.s3)
    assert path == f"{bucket}/drops"
    with system.open_input_stream(f"{path}/claims.csv") as stream:
        assert stream.read() == b"rows"


def test_a_local_path_keeps_its_root(tmp_path: Path) -> None:
    assert [filesystem_of(place)[1] for place in ("/", f"{tmp_path}/")] == ["/", str(tmp_path)]


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


def test_a_file_is_removed_once_or_twice(store: Store) -> None:
    for name in ("a.json", "b.json"):
        store.write(b"", "ops", name)
    store.remove("ops", "a.json")
    store.remove("ops", "a.json")
    assert store.names("ops") == ["b.json"]


def test_a_file_that_is_there_is_not_created_again(store: Store) -> None:
    assert store.create(b"first", "_leases", "core", "1.json")
    assert not store.create(b"second", "_leases", "core", "1.json")
    assert store.read("_leases", "core", "1.json") == b"first"
    assert store.names("_leases", "core") == ["1.json"]


def test_of_many_that_create_one_file_exactly_one_does(store: Store) -> None:
    for number in range(5):
        start, done = threading.Barrier(8), list[bytes]()

        def create(content: bytes, name: str, start: threading.Barrier = start, done: list[bytes] = done) -> None:
            start.wait()
            if store.create(content, "race", name):
                done.append(content)

        threads = [threading.Thread(target=create, args=(f"{n}".encode(), f"{number}.json")) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [store.read("race", f"{number}.json")] == done


def test_one_that_creates_knows_its_own_file_when_the_answer_is_lost(moto: Moto) -> None:
    bucket = moto.fresh_bucket()
    with S3Proxy(moto.endpoint, {r"PUT .*/1\.json": [Answer.DROP_AFTER]}) as proxy:
        store = Store(f"s3://{bucket}/lake", proxy.settings(moto.s3))
        assert store.create(b"ours", "_leases", "core", "1.json")
        assert proxy.done[Answer.DROP_AFTER] == 1
    assert not Store(f"s3://{bucket}/lake", moto.s3).create(b"theirs", "_leases", "core", "1.json")


def test_s3_that_is_busy_is_asked_again(moto: Moto) -> None:
    bucket = moto.fresh_bucket()
    with S3Proxy(moto.endpoint, {r"(GET|PUT) .*\.json": [Answer.SLOW_DOWN, Answer.RESET]}) as proxy:
        store = Store(f"s3://{bucket}/lake", proxy.settings(moto.s3))
        assert store.create(b"created", "a.json")
        store.write(b"written", "b.json")
        assert [store.read("a.json"), store.read("b.json")] == [b"created", b"written"]
        assert proxy.done[Answer.SLOW_DOWN] == 1
        assert proxy.done[Answer.RESET] == 1


def test_a_bucket_that_is_not_there_is_an_error_and_no_answer(moto: Moto) -> None:
    with pytest.raises(OSError, match=r"s3://test-absent/a\.json: could not be created \(NoSuchBucket\)"):
        Store("s3://test-absent", moto.s3).create(b"", "a.json")


def test_a_folder_can_be_looked_at_while_it_comes_and_goes(tmp_path: Path) -> None:
    store, ends = Store(str(tmp_path)), threading.Event()

    def come_and_go() -> None:
        while not ends.is_set():
            (tmp_path / "busy").mkdir()
            (tmp_path / "busy").rmdir()

    coming = threading.Thread(target=come_and_go)
    coming.start()
    try:
        assert not any(store.names("busy") for _ in range(20_000))
    finally:
        ends.set()
        coming.join()
