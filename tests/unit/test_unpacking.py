"""Uploads that must be unpacked or transcoded before they can be cut."""

import gzip
import tracemalloc
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.unpacking import Unpacker
from ingestion.errors import RefusalCode, Refused
from ingestion.faults import FaultCode, RawRow, Reject
from tests.unit.reference_reader import blocks_of, cells_of, rows_of, scan

ROWS = b"session_id,name\n" + b"".join(b"%d,Kari\n" % number for number in range(2000))


def unpack(data: bytes, block: int = 1000, max_bytes: int = 1 << 30, max_ratio: int = 200) -> tuple[bytes, Unpacker]:
    unpacker = Unpacker(max_bytes, max_ratio)
    parts = [text for part in blocks_of(data, block) for text in unpacker.feed(part)]
    parts.extend(unpacker.finish())
    return b"".join(parts), unpacker


@given(data=st.binary(), block=st.integers(1, 50))
def test_what_is_neither_gzip_nor_utf16_passes_through_untouched(data: bytes, block: int) -> None:
    try:
        text, unpacker = unpack(data, block)
    except Refused:
        return
    assert text == data or unpacker.transformed
    assert unpacker.bytes_in == len(data)


@pytest.mark.parametrize("block", [1, 2, 17, 100_000])
@pytest.mark.parametrize(
    ("packed", "plain"),
    [
        pytest.param(gzip.compress(ROWS), ROWS, id="one member"),
        pytest.param(gzip.compress(ROWS) + gzip.compress(b"x,y\n"), ROWS + b"x,y\n", id="two members"),
        pytest.param(gzip.compress(b"") + gzip.compress(ROWS) + b"\0" * 30, ROWS, id="an empty member, and padding"),
        pytest.param(
            gzip.compress(b"\xff\xfe" + "id\tå\n".encode("utf-16-le")), "id\tå\n".encode(), id="utf-16 inside"
        ),
        pytest.param(gzip.compress(b""), b"", id="nothing inside"),
    ],
)
def test_gzip_is_unpacked(packed: bytes, plain: bytes, block: int) -> None:
    text, unpacker = unpack(packed, block)
    assert text == plain
    assert unpacker.transformed


@pytest.mark.parametrize(
    ("packed", "message"),
    [
        pytest.param(gzip.compress(ROWS)[:-1], "cut off", id="last byte missing"),
        pytest.param(gzip.compress(ROWS)[:300], "cut off", id="cut in the middle"),
        pytest.param(b"\x1f\x8b", "cut off", id="only the magic"),
        pytest.param(gzip.compress(ROWS) + b"\x1f", "cut off", id="half a second member"),
        pytest.param(gzip.compress(ROWS)[:-8] + b"\0" * 8, "damaged", id="wrong checksum"),
        pytest.param(gzip.compress(ROWS)[:50] + b"\xff" * 50, "damaged", id="broken inside"),
        pytest.param(gzip.compress(ROWS) + b"more", "followed by other data", id="text behind it"),
    ],
)
@pytest.mark.parametrize("block", [1, 100_000])
def test_broken_gzip_is_refused(packed: bytes, message: str, block: int) -> None:
    with pytest.raises(Refused, match=message) as refused:
        unpack(packed, block)
    assert refused.value.code == RefusalCode.NOT_CSV


def test_a_bomb_is_refused_and_never_held_in_memory() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(b"a,b\n" * (1 << 18)) for _ in range(300)) + packer.flush()
    unpacker = Unpacker(1 << 40, 200)
    tracemalloc.start()
    with pytest.raises(Refused, match="200 times") as refused:
        for _ in unpacker.feed(bomb):
            pass
    assert tracemalloc.get_traced_memory()[1] < 8 << 20
    tracemalloc.stop()
    assert refused.value.code == RefusalCode.TOO_LARGE


@pytest.mark.parametrize("packed", [gzip.compress(ROWS), ROWS], ids=["unpacked", "as it is"])
def test_what_holds_too_much_is_refused(packed: bytes) -> None:
    with pytest.raises(Refused, match="more than 10,000 bytes") as refused:
        unpack(packed, max_bytes=10_000)
    assert refused.value.code == RefusalCode.TOO_LARGE


def test_the_chunks_of_a_packed_file_are_cut_from_what_was_written() -> None:
    packed = gzip.compress(ROWS)
    scanned, written = scan(packed, Limits(chunk=1000), block=100)
    assert written == ROWS
    assert (scanned.transformed, scanned.size_bytes, scanned.text_bytes) == (True, len(packed), len(ROWS))
    assert cells_of(packed) == cells_of(ROWS)


def test_a_name_does_not_make_a_file_gzip_and_packing_twice_is_refused() -> None:
    with pytest.raises(Refused, match="compressed twice"):
        scan(gzip.compress(gzip.compress(ROWS)))


@given(text=st.text(), codec=st.sampled_from(["utf-16-le", "utf-16-be"]), block=st.integers(1, 9))
def test_utf16_with_a_mark_becomes_utf8(text: str, codec: str, block: int) -> None:
    data = ("\ufeffid," + text).encode(codec)
    assert unpack(data, block)[0] == ("id," + text).encode()


@pytest.mark.parametrize(
    ("tail", "shown"),
    [
        pytest.param(b"\x3d\xd8", "\\xff", id="half a pair at the end"),
        pytest.param(b"\x3d\xd8a\0\n\0", "\\xed\\xa0\\xbda", id="half a pair inside"),
        pytest.param(b"\x00\xdc\n\0", "\\xed\\xb0\\x80", id="the other half"),
        pytest.param(b"a\0b", "a\\xff", id="an odd last byte"),
    ],
)
def test_what_is_no_utf16_shows_in_a_rejected_row(tail: bytes, shown: str) -> None:
    data = b"\xff\xfe" + "session_id\tname\n1\tKari\n2\t".encode("utf-16-le") + tail
    first, second = rows_of(data)
    assert first == RawRow(1, 2, ["1", "Kari"])
    assert isinstance(second, Reject)
    assert (second.row.cells, second.faults[0].code) == (["2", shown], FaultCode.UNREADABLE)


@pytest.mark.parametrize("end", [b"\n\0", b"\n", b""], ids=["whole", "cut in the line end", "none"])
def test_a_line_end_cut_in_half_costs_no_row(end: bytes) -> None:
    assert cells_of(b"\xff\xfe" + "session_id\tname\n1\tKari".encode("utf-16-le") + end) == [["1", "Kari"]]
