"""The one pass over a file: what it counts, where it cuts, and that neither blocks nor chunks change a row."""

import contextlib
import gzip
import hashlib
import json
import re
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from ingestion.csv_file import framing, text_scan
from ingestion.csv_file.chunk_reader import read_chunk
from ingestion.csv_file.chunk_spans import ChunkSpan, FileFormat
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.file_pass import FilePass, ScannedFile
from ingestion.csv_file.framing import RowFramer
from ingestion.csv_file.row_windows import Patterns, count_lines, count_window
from ingestion.errors import RefusalCode, Refused
from ingestion.faults import FaultCode, RawRow, Reject
from ingestion.file_warnings import FileWarning
from tests.unit.reference_reader import EXAMPLES, KNOWN, blocks_of, by_csv, framed, read_all, rows_of, scan, told

HEADER = b"session_id,rating,feedback_text\n"
DIRT = st.lists(
    st.sampled_from(
        [
            "a",
            "b c",
            '"',
            '""',
            ",",
            ";",
            "\n",
            "\r\n",
            "\r",
            " ",
            "\t",
            "å",
            "Ґ",
            "???",
            "\r\r\r",
            "\n\n\n\n",
            '","',
            '"\n"',
            ',"x"\n',
            '"a\nb"',
            '"a" ',
            ',"b" \t,',
            "a,b,c\n",
        ]
    ),
    max_size=60,
).map("".join)
SIZES = st.sampled_from([1, 2, 3, 7, 16, 50, 1000])
CELLS = st.text(st.sampled_from(list('ab ,;"\n\r\tåҐ?=')), max_size=12)


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the quick way be tried on the small files of these tests."""
    monkeypatch.setattr(framing, "LEAST_WINDOW_BYTES", 4)


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"' if set(cell) & set(',"\r\n') else cell


TABLES = st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=12).flatmap(
    lambda rows: st.sampled_from(["\n", "\r\n", "\r"]).map(
        lambda end: "".join(",".join(map(quoted, row)) + end for row in rows)
    )
)


def spans_of(data: bytes, limits: Limits, block: int) -> list[ChunkSpan]:
    framer = RowFramer(",", limits, offset=0, line=1)
    for part in blocks_of(data, block):
        framer.feed(part)
    framer.finish()
    return framer.spans


def facts(row: RawRow | Reject) -> tuple[int, int, list[str]]:
    return tuple(row.row if isinstance(row, Reject) else row)  # type: ignore[return-value]


@given(table=TABLES, chunk=SIZES, block=SIZES)
@example(table=',,=\r\n,,";;;\r="\r\n', chunk=7, block=1)  # a run of blanks that begins inside of a line end
@settings(max_examples=EXAMPLES)
def test_chunks_of_any_size_give_the_rows_that_one_csv_reader_gives(table: str, chunk: int, block: int) -> None:
    rows = rows_of(HEADER + table.encode(), Limits(chunk=chunk, field=400), block)
    assert [facts(row) for row in rows] == list(by_csv(table, ",", line=2))


@given(
    text=DIRT, chunk=SIZES, field=st.sampled_from([4, 9, 30, 1000]), row=st.sampled_from([10, 40, 5000]), block=SIZES
)
@settings(max_examples=EXAMPLES)
def test_rows_of_any_text_end_where_a_plain_walk_ends_them(
    text: str, chunk: int, field: int, row: int, block: int
) -> None:
    data, limits = text.encode(), Limits(chunk=chunk, field=field, row=max(row, field))
    expected = list(framed(data, b",", limits))
    spans = spans_of(data, limits, block)
    assert sum(span.rows for span in spans) == len(expected)
    assert [pair for span in spans for pair in span.unreadable] == [
        (each.start, each.end) for each in expected if each.unreadable and each.end - each.start <= limits.row
    ]
    assert [(span.start, span.end) for span in spans if span.oversized] == [
        (each.start, each.end) for each in expected if each.end - each.start > limits.row
    ]
    judged = told(expected, data, limits, 3)
    for span in spans:
        inside = [each for each in expected if span.start <= each.start < span.end]
        assert (span.rows, span.first_row) == (len(inside), expected.index(inside[0]) + 1)
        fmt = FileFormat(encoding="utf-8", delimiter=",", header=("a",) * 3, columns=3)
        rows = list(read_chunk(data[span.start : span.fetch_end], span, fmt))
        assert [facts(row)[:2] for row in rows] == [(span.first_row + at, each.line) for at, each in enumerate(inside)]
        got = [(isinstance(row, Reject), facts(row)[2]) for row in rows]
        wanted = judged[span.first_row - 1 :][: span.rows]
        # The reader looks less far ahead than a field may be long, but for the small limits of this test.
        known = len(got) - (span.ahead > field and any(each.unreadable for each in expected if each.start == span.end))
        assert got[:known] == wanted[:known]


@given(text=DIRT, chunk=SIZES, chunk_rows=st.integers(1, 9), block=SIZES)
@settings(max_examples=EXAMPLES)
def test_the_chunks_do_not_depend_on_the_blocks_nor_on_the_way_rows_are_found(
    text: str, chunk: int, chunk_rows: int, block: int
) -> None:
    data, limits = text.encode(), Limits(chunk=chunk, chunk_rows=chunk_rows, field=30, row=60)
    quick = spans_of(data, limits, block)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RowFramer, "_take_window", lambda _: False)
        assert spans_of(data, limits, len(data) + 1) == quick
        patch.setattr(RowFramer, "_take_row", lambda _: False)
        assert spans_of(data, limits, 3) == quick


@given(text=DIRT)
@settings(max_examples=EXAMPLES)
def test_a_window_is_counted_right_or_not_at_all(text: str) -> None:
    data = text.encode()
    counted = count_window(data, Patterns(",", 131_072))
    if counted:
        region = data[: counted.size_bytes]
        rows = list(framed(region, b",", Limits()))
        assert counted.rows == len(rows)
        assert not any(row.unreadable or row.misquoted for row in rows)
        assert counted.lines == count_lines(region, 0, len(region))
        assert region[-1:] != b"\r" or data[len(region) : len(region) + 1] not in (b"", b"\n")


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b"a,b,c\n", id="no quotes"),
        pytest.param(b'"a","b","c"\n', id="every field quoted"),
        pytest.param(b'"a","b\r\nb","c ""d"""\r\n', id="quoted newlines and doubled quotes"),
        pytest.param(b'a,"{""k"": [1, 2]}",\n', id="json"),
        pytest.param(b'"","",x\n', id="quoted empty fields"),
        pytest.param(b'a,b,"x\n\ny"\n', id="an empty line in quotes"),
        pytest.param(b',,\r\n\r\n"",,\r\na,b,c\r\n', id="blank rows between"),
    ],
)
def test_common_files_are_counted_by_the_window(line: bytes) -> None:
    counted = count_window(line * 50, Patterns(",", 131_072))
    assert counted is not None
    assert (counted.size_bytes, counted.rows) == (50 * len(line), 50)


NAMES = b"session_id,participant_email,rating\n"
WORDS = "Åse Bjørn,Олена Шевченко,дякую,naïve,“so”,?????"
BITS = st.sampled_from(
    [
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\0",
        b"\x1a",
        b"\x1f\x8b\x08",
        b"sep=;\r\n",
        b"sep=\xd7\n",
        NAMES,
        NAMES.replace(b",", b";"),
        NAMES.decode().encode("utf-16"),
        b'1,a@example.org,"5"\n',
        b'"1";a@example.org;4,5\r',
        b"\xed\xa0\x80",
        b'\\"',
        *(WORDS.encode(codec, "ignore") for codec in ("utf-8", "cp1252", "cp1251", "koi8_u", "utf-16-le", "cp866")),
        gzip.compress(NAMES + b"1,a@example.org,5\n"),
        gzip.compress(NAMES)[:-3],
    ]
)
BYTES = st.lists(BITS | st.binary(max_size=8) | DIRT.map(str.encode), max_size=12).map(b"".join)


@given(data=st.binary(max_size=200) | BYTES | DIRT.map(lambda text: text.encode("utf-16")), block=SIZES)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_bytes_are_refused_or_every_row_is_accounted_for(data: bytes, block: int) -> None:
    for content in (data, HEADER + data, gzip.compress(HEADER + data)):
        with contextlib.suppress(Refused):
            scanned, text = scan(content, Limits(chunk=20, field=30, row=100), block)
            rows = [facts(row) for row in read_all(scanned, text)]
            assert [number for number, _, _ in rows] == list(range(1, scanned.rows + 1))
            stored = json.dumps([rows, scanned.model_dump(mode="json")], ensure_ascii=False).encode()
            assert b"\\u0000" not in stored, "jsonb and text hold no NUL"


def test_the_pass_reports_what_it_saw_of_the_object() -> None:
    data = b"\xef\xbb\xbfsession_id;rating\r\n1;4,5\r\n;\r\n2;5\r\n"
    scanned, _ = scan(data)
    assert (scanned.sha256, scanned.size_bytes) == (hashlib.sha256(data).hexdigest(), len(data))
    assert (scanned.rows, scanned.text_bytes, scanned.transformed) == (2, len(data), False)
    assert scanned.format.model_dump() == {
        "encoding": "utf-8",
        "delimiter": ";",
        "header": ("session_id", "rating"),
        "columns": 2,
        "has_header_row": True,
        "width": None,
        "tail": "",
        "is_wrapped": False,
        "fills_short_rows": False,
        "slashed": (),
        "typed": (),
        "sheet": None,
    }
    assert [span.model_dump() for span in scanned.chunks] == [
        {
            "number": 1,
            "start": 22,
            "end": len(data),
            "first_row": 1,
            "first_line": 2,
            "first_sheet_row": 2,
            "rows": 2,
            "unreadable": (),
            "apart": (),
            "is_orderly": True,
            "skipped": (),
            "order": (),
            "oversized": False,
            "ahead": 0,
            "digest": None,
            "only": (),
        }
    ]


def test_spans_and_formats_come_back_from_json_as_they_were() -> None:
    scanned, _ = scan(HEADER + b'1,5,"never closed\n2,5,x\n')
    assert ScannedFile.model_validate_json(scanned.model_dump_json()) == scanned
    span = scanned.chunks[0]
    assert span.unreadable
    assert ChunkSpan.model_validate(json.loads(json.dumps(span.model_dump(mode="json")))) == span


def test_an_unclosed_quote_costs_one_line() -> None:
    rows = rows_of(
        HEADER + b'1,5,"oops\n' + b"".join(b"%d,5,fine\n" % number for number in range(2, 1000)), Limits(field=300)
    )
    assert isinstance(rows[0], Reject)
    assert rows[0].row == RawRow(1, 2, ["1", "5", '"oops'])
    assert [fault.code for fault in rows[0].faults] == [FaultCode.UNREADABLE]
    assert rows[1:] == [RawRow(number, number + 1, [str(number), "5", "fine"]) for number in range(2, 1000)]


def test_a_row_that_opened_lines_before_its_unclosed_quote_is_rejected_up_to_that_quotes_line() -> None:
    rows = rows_of(HEADER + b'1,"two\nlines","oops\n2,5,fine\n')
    assert [facts(row) for row in rows] == [(1, 2, ["1", '"two\nlines"', '"oops']), (2, 4, ["2", "5", "fine"])]


def test_a_huge_line_is_one_row_in_a_chunk_of_its_own() -> None:
    limits = Limits(chunk=1000, row=5000, field=500)
    data = HEADER + b"1,5,x\n" + b"2,5," + b"y" * 50_000 + b"\n3,5,z\n"
    scanned, text = scan(data, limits, block=700)
    assert [(span.rows, span.first_line, span.oversized) for span in scanned.chunks] == [
        (1, 2, False),
        (1, 3, True),
        (1, 4, False),
    ]
    rows = read_all(scanned, text)
    assert isinstance(rows[1], Reject)
    assert rows[1].row.cells[:2] == ["2", "5"]
    assert len(rows[1].row.cells[2]) < 5000
    assert "50,005 bytes" in rows[1].faults[0].message


def huge_line(size_bytes: int) -> Iterator[bytes]:
    yield HEADER + b"1,5,"
    for _ in range(size_bytes >> 20):
        yield b'x"y ' * (1 << 18)
    yield b"\n2,5,z\n"


def test_memory_stays_flat_on_a_line_of_any_length() -> None:
    file_pass = FilePass(Limits(), KNOWN, lambda _: None)
    tracemalloc.start()
    for block in huge_line(30 << 20):
        file_pass.feed(block)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert file_pass.finish().rows == 2
    assert peak < 12 << 20


@pytest.mark.parametrize(
    ("text", "count"),
    [
        pytest.param("1,?????,x\n2,????? ???????,x\n", 3, id="names lost"),
        pytest.param('1,5,"????, ok"\n', 1, id="in quotes"),
        pytest.param("1,5,What???\n2,5,Really?!???\n3,5,why?\n", 0, id="punctuation"),
    ],
)
def test_lost_characters_are_warned_of(text: str, count: int) -> None:
    scanned, _ = scan(HEADER + text.encode())
    assert scanned.warnings == ((FileWarning(code="lost_characters", count=count),) if count else ())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(b"", RefusalCode.EMPTY_FILE, id="zero bytes"),
        pytest.param(b"\xef\xbb\xbf", RefusalCode.EMPTY_FILE, id="only a byte order mark"),
        pytest.param(b" \r\n\t\n\n", RefusalCode.EMPTY_FILE, id="only white space"),
        pytest.param(b";;;;\r\n;;;;\r\n", RefusalCode.EMPTY_FILE, id="only blank rows"),
        pytest.param(b"sep=;\r\n", RefusalCode.EMPTY_FILE, id="only a sep line"),
        pytest.param(b"\n" * 5000, RefusalCode.EMPTY_FILE, id="blank rows beyond the head"),
        pytest.param(b"x" * 5000, RefusalCode.NOT_CSV, id="one line beyond the head"),
        pytest.param(b"a,b" * 5000, RefusalCode.NOT_CSV, id="one line of fields beyond the head"),
        pytest.param(b"PK\x03\x04" + bytes(range(256)) * 30, RefusalCode.NOT_CSV, id="a workbook renamed"),
        pytest.param(bytes(range(256)) * 30, RefusalCode.NOT_CSV, id="no text"),
        pytest.param(b"just a line of text\nand another\n", RefusalCode.NOT_CSV, id="prose"),
    ],
)
def test_a_file_without_a_table_is_refused(data: bytes, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        scan(data, Limits(row=1000), block=300)
    assert refused.value.code == code


def test_a_header_below_more_blank_rows_than_the_head_holds_is_found() -> None:
    scanned, text = scan(b"\r\n" * 3000 + HEADER + b"1,5,x\n", Limits(row=1000), block=77)
    assert [facts(row) for row in read_all(scanned, text)] == [(1, 3002, ["1", "5", "x"])]


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        pytest.param(b"na\0me", "na\\x00me", id="a NUL, which jsonb can't hold"),
        pytest.param(b"\xff" * 60_000, "\\xff" * 60_000, id="undecodable, and too long for csv once written out"),
    ],
)
def test_a_header_shows_what_is_no_text(header: bytes, shown: str) -> None:
    scanned, _ = scan(b"\xef\xbb\xbfsession_id," + header + b"\n1,2\n")
    assert scanned.format.header == ("session_id", shown)


def test_short_rows_below_a_wide_header_make_small_chunks() -> None:
    """A rejected row is written as wide as the header."""
    header = ",".join(f"column{number}" for number in range(9_999))
    scanned, text = scan(f"session_id,{header}\n".encode() + b"x,y,z\n" * 2_000)
    assert max(span.rows for span in scanned.chunks) == Limits().chunk_cells // 10_000
    assert [row.row.number for row in read_all(scanned, text) if isinstance(row, Reject)] == list(range(1, 2_001))


def test_rows_that_a_wide_header_would_widen_beyond_reason_are_refused() -> None:
    header = ",".join(f"column{number}" for number in range(9_999))
    with pytest.raises(Refused, match="10,000 columns") as refused:
        scan(f"session_id,{header}\n".encode() + b"x\n" * 50_000)
    assert refused.value.code == RefusalCode.TOO_LARGE


def test_more_rows_than_ids_can_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_scan, "MOST_ROWS", 3)
    scan(HEADER + b"x\n" * 3)
    with pytest.raises(Refused, match="more than 3 rows") as refused:
        scan(HEADER + b"x\n" * 4)
    assert refused.value.code == RefusalCode.TOO_LARGE


def test_a_chunk_of_tiny_rows_ends_with_their_number() -> None:
    scanned, text = scan(HEADER + b"x\n" * 200_000)
    assert max(span.rows for span in scanned.chunks) == Limits().chunk_rows
    assert sum(1 for _ in read_all(scanned, text)) == 200_000


def test_a_header_alone_is_a_file_with_no_rows() -> None:
    scanned, _ = scan(HEADER.rstrip())
    assert (scanned.rows, scanned.chunks, scanned.format.header) == (0, (), ("session_id", "rating", "feedback_text"))


@pytest.mark.parametrize("block", [7, 300, 1 << 20])
def test_text_that_is_written_out_has_a_digest_of_each_chunk(block: int) -> None:
    rows = b"".join(b"%d,5,fine\n" % number for number in range(200)) + b"x," + b"y" * 6_000 + b"\n\n\n3,5,x\n"
    scanned, text = scan(gzip.compress(HEADER + rows), Limits(chunk=500, row=5_000, field=400), block)
    assert len(scanned.chunks) > 4
    for span in scanned.chunks:
        assert span.digest == hashlib.sha256(text[span.start : span.shown_end]).hexdigest()


def test_a_small_gzip_of_many_short_rows_is_refused() -> None:
    with pytest.raises(Refused, match="far more than its") as refused:
        scan(gzip.compress(HEADER + b"x\n" * 200_000))
    assert refused.value.code == RefusalCode.TOO_LARGE


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    "blank",
    [
        pytest.param("{end}", id="nothing"),
        pytest.param(" \t{end}", id="blanks"),
        pytest.param(",,{end}", id="delimiters"),
        pytest.param("\u00a0\u200b{end}", id="marks that nobody sees"),
        pytest.param('"",,{end}', id="quoted nothing"),
        pytest.param('""{end}', id="nothing but quotes"),
        pytest.param("{end}\n", id="line ends of two kinds"),
        pytest.param('{end}","{end}', id="a quoted delimiter among them"),
    ],
)
@pytest.mark.parametrize("height", [1, 7, 8, 9, 40, 3_000])
def test_rows_between_blank_lines_keep_their_numbers_and_lines(end: str, blank: str, height: int) -> None:
    run = blank.format(end=end) * height
    text_of_lines = run.replace('"', "")
    rows = f"1,5,a{end}", f'2,5,"b{text_of_lines}b"{end}', f"  3,5,c{end}", f'4,5,d"e{end}'
    text = f"session_id,rating,feedback_text{end}{run}{run.join(rows)}{run}"
    starts = [text.index(row) for row in rows]
    lines = [1 + len(re.findall("\r\n|\r|\n", text[:start])) for start in starts]
    for block in (997, 70_000):
        found = [row.row if isinstance(row, Reject) else row for row in rows_of(text.encode(), block=block)]
        assert [(row.number, row.line) for row in found] == list(enumerate(lines, 1))
        assert found[1].cells == ["2", "5", f"b{text_of_lines}b"]
