"""Header records and trailers come off, whatever the pieces the bytes come in."""

import io

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lakehouse.errors import SourceError
from lakehouse.storage.framed_text import FramedText, rows_stated

MARKER = "MARKER7431"


class Pieces:
    """A stream that gives at most so many bytes at a time."""

    def __init__(self, content: bytes, most: int) -> None:
        self._bytes = io.BytesIO(content)
        self._most = most

    def read(self, size: int, /) -> bytes:
        return self._bytes.read(min(size, self._most))


def unframed(content: bytes, most: int = 1 << 20, header: str | None = None, trailer: str | None = "TRL") -> FramedText:
    return FramedText(Pieces(content, most), "x.psv", "|", header=header, trailer=trailer)


def all_of(framed: FramedText) -> bytes:
    pieces = list(iter(lambda: framed.read(1 << 20), b""))
    assert framed.read(1) == b""
    return b"".join(pieces)


_LINES = st.lists(st.text("ab|\"' TRL", max_size=8).map(str.encode), max_size=6)


@given(_LINES, st.sampled_from([b"\n", b"\r\n"]), st.sampled_from([b"", b"\n", b"\r\n", b"\n\n"]), st.integers(1, 9))
@example([b"TRL|9"], b"\n", b"", 3)
@example([b"", b""], b"\n", b"\n\n", 1)
def test_any_rows_between_header_record_and_trailer_come_through(
    lines: list[bytes], line_end: bytes, tail: bytes, most: int
) -> None:
    rows = b"".join(line + line_end for line in lines)
    framed = unframed(b"HDR|20260105" + line_end + rows + b"TRL|12|x" + tail, most, header="HDR")
    assert all_of(framed) == b"\n" + rows
    assert framed.trailer == ["TRL", "12", "x"]


def test_without_a_trailer_the_last_line_is_a_row() -> None:
    framed = unframed(b"HDR|1\na|b\n1|2", header="HDR", trailer=None)
    assert all_of(framed) == b"\na|b\n1|2"
    assert framed.trailer is None


def test_a_header_record_may_follow_a_byte_order_mark_and_be_quoted() -> None:
    assert all_of(unframed(b'\xef\xbb\xbf"HDR"|"1|2"\na\n', header="HDR", trailer=None)) == b"\na\n"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n",
        f"a|b\n{MARKER}|2\n".encode(),
        f'a|b\n"{MARKER}\nTRL|2"\n'.encode(),
        b"a|b\nTRL|\xff\n",
        b"a|b\nTRLX|1\n",
        b"a|b\n" + b"x" * (1 << 17) + b"TRL|1",
    ],
)
def test_a_file_without_its_trailer_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match=r"x\.psv: expected a last record that begins with TRL") as caught:
        all_of(unframed(content, 1000))
    assert MARKER not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"HDR|1", f"a|{MARKER}\nHDR|1\n".encode(), b"x" * (1 << 18)])
def test_a_file_without_its_header_record_is_refused(content: bytes) -> None:
    with pytest.raises(SourceError, match="expected a first record that begins with HDR") as caught:
        all_of(unframed(content, 1000, header="HDR", trailer=None))
    assert MARKER not in str(caught.value)


def test_a_long_line_before_the_trailer_comes_through() -> None:
    row = b"x" * (1 << 18) + b"\n"
    for most in (1000, (1 << 16) + 1, 1 << 20):
        framed = unframed(row + b"TRL|1\n", most)
        assert all_of(framed) == row
        assert framed.trailer == ["TRL", "1"]


def test_the_number_of_rows_is_a_field_of_the_trailer() -> None:
    assert rows_stated(["TRL", "2026", "007"], 3, "x.psv") == 7
    for fields in (["TRL", "2026"], ["TRL", "", MARKER], ["TRL", "", "-1"], ["TRL", "", "\u0661"]):
        with pytest.raises(SourceError, match="field 3 of its trailer") as caught:
            rows_stated(fields, 3, "x.psv")
        assert MARKER not in str(caught.value)


def test_the_end_of_a_long_line_is_no_trailer() -> None:
    with pytest.raises(SourceError, match="expected a last record"):
        all_of(unframed(b"x" * 70_000 + b"TRL|1\n", 70_000))


def test_a_line_without_end_is_not_held_back() -> None:
    framed = unframed(b"x" * (1 << 20), 70_000)
    assert len(framed.read(1 << 20)) == 70_000
