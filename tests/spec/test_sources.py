"""Sources are plain values: equal when their words are equal, and never changed."""

from dataclasses import FrozenInstanceError

import pytest

from lakehouse.spec.sources import FileSource, ResourceSource


def test_source_without_words_is_every_file_of_the_root() -> None:
    assert FileSource() == FileSource(folder="", stem="*", delimiter=None)


def test_sources_compare_by_their_words() -> None:
    assert FileSource(folder="claims") == FileSource(folder="claims")
    assert FileSource(folder="claims") != FileSource(folder="claims", delimiter="|")
    assert ResourceSource("lakehouse.reference", "a.csv") != ResourceSource("lakehouse.reference", "b.csv")


def test_source_cannot_be_changed_after_its_declaration() -> None:
    source = FileSource(folder="claims")
    with pytest.raises(FrozenInstanceError):
        source.folder = "payments"  # type: ignore[misc]  # the refusal is what is tested
