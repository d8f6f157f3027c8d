"""Compressed bytes that grow beyond all measure are refused before they fill a machine."""

import gzip
import io

import pytest

from lakehouse.errors import SourceError
from lakehouse.storage import stored_bytes
from lakehouse.storage.stored_bytes import Gunzipped, StoredBytes, refuse_expansion


def test_a_gzip_bomb_is_refused_long_before_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_bytes, "ALWAYS_ALLOWED", 1 << 20)
    bomb = gzip.compress(b"\0" * (64 << 20))
    stored = StoredBytes(io.BytesIO(bomb), "x.csv.gz")
    unpacked = Gunzipped(stored, "x.csv.gz")
    with pytest.raises(SourceError, match="at most 200 times its stored size"):
        sum(len(piece) for piece in iter(lambda: unpacked.read(1 << 16), b""))
    assert stored.size < len(bomb)


def test_small_files_may_grow_at_will() -> None:
    refuse_expansion("x", 1, 1 << 30)
    refuse_expansion("x", 10 << 20, 2000 << 20)
    with pytest.raises(SourceError):
        refuse_expansion("x", 10 << 20, 2001 << 20)
