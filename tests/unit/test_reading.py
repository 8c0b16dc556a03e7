"""A chunk read back: which rows it gives, and what is wrong with the others."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.csv_file import blank_rows
from ingestion.csv_file.chunk_reader import read_chunk
from ingestion.csv_file.chunk_spans import OVERSIZED_SHOWN_BYTES, ChunkSpan, FileFormat
from ingestion.csv_file.file_limits import Limits
from ingestion.faults import WHOLE_ROW, FaultCode, RawRow, Reject
from tests.unit.reference_reader import cells_of, rows_of

HEADER = "session_id,rating,feedback_text\n"
FORMAT = FileFormat(encoding="utf-8", delimiter=",", header=("session_id", "rating", "feedback_text"), columns=3)


def read(data: bytes, fmt: FileFormat = FORMAT, *, is_orderly: bool = False) -> list[RawRow | Reject]:
    end = 100 + len(data)
    span = ChunkSpan(number=1, start=100, end=end, first_row=7, first_line=20, rows=0, is_orderly=is_orderly)
    return list(read_chunk(data, span, fmt))


def rejected(row: RawRow | Reject) -> tuple[list[str], list[FaultCode]]:
    assert isinstance(row, Reject)
    assert all(fault.field == WHOLE_ROW and fault.message.endswith(".") for fault in row.faults)
    return row.row.cells, [fault.code for fault in row.faults]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        pytest.param("1,5,fine\n", ["1", "5", "fine"], id="plain"),
        pytest.param("1,5,fine", ["1", "5", "fine"], id="no line end"),
        pytest.param("1,5,fine\r\n", ["1", "5", "fine"], id="CRLF"),
        pytest.param("1,5,fine\r", ["1", "5", "fine"], id="lone CR"),
        pytest.param('"1","5","fine"\n', ["1", "5", "fine"], id="all quoted"),
        pytest.param('1,5,"two\nlines"\n', ["1", "5", "two\nlines"], id="quoted LF"),
        pytest.param('1,5,"two\r\nlines"\r\n', ["1", "5", "two\r\nlines"], id="quoted CRLF"),
        pytest.param('1,5,"a ""b"" c"\n', ["1", "5", 'a "b" c'], id="doubled quotes"),
        pytest.param('1,5,"a, b, c"\n', ["1", "5", "a, b, c"], id="commas in quotes"),
        pytest.param('1,5,"{""k"": [1, 2]}"\n', ["1", "5", '{"k": [1, 2]}'], id="json"),
        pytest.param('1,5,5" pipe and "so"\n', ["1", "5", '5" pipe and "so"'], id="stray quotes in an unquoted field"),
        pytest.param('1,5, "spaced, out"\n', ["1", "5", "spaced, out"], id="a blank before the quote"),
        pytest.param('1, "5" ,\t"fi""ne"\n', ["1", "5 ", 'fi"ne'], id="blanks around quotes"),
        pytest.param('1,"5" ,"fine"\t \n', ["1", "5 ", "fine\t "], id="blanks behind the quote"),
        pytest.param('1,5,a\\"b\n', ["1", "5", 'a\\"b'], id="a backslash is a backslash"),
        pytest.param("1,5,=1+1\n", ["1", "5", "=1+1"], id="formula"),
        pytest.param(" 1 ,5,\t x\xa0\n", [" 1 ", "5", "\t x\xa0"], id="nothing is trimmed"),
        pytest.param("1,5,\u2028\x85\x0b\x1c\n", ["1", "5", "\u2028\x85\x0b\x1c"], id="no other line ends"),
        pytest.param("1,,\n", ["1", "", ""], id="empty cells"),
        pytest.param(",,x\n", ["", "", "x"], id="empty first cells"),
        pytest.param('1,5,""\n', ["1", "5", ""], id="quoted nothing"),
    ],
)
def test_a_row_is_cut_as_csv_cuts_it(text: str, cells: list[str]) -> None:
    assert cells_of((HEADER + text).encode()) == [cells]
    assert read(text.encode()) == [RawRow(7, 20, cells)]


@pytest.mark.parametrize(
    ("text", "positions"),
    [
        pytest.param("1,5,a\n2,5,b\n", [(7, 20), (8, 21)], id="line by line"),
        pytest.param("1,5,a\r2,5,b\r\n3,5,c\n", [(7, 20), (8, 21), (9, 22)], id="every line end"),
        pytest.param("\n\n1,5,a\n\r\n2,5,b\n", [(7, 22), (8, 24)], id="empty lines"),
        pytest.param('1,5,"a\r\nb\rc\nd"\n2,5,b\n', [(7, 20), (8, 24)], id="quoted lines"),
        pytest.param(',,\n , \t,\n"","",""\n"\n",,\n1,5,a\n', [(7, 25)], id="blank rows of every kind"),
        pytest.param('""""\n",",\n1,5,a\n', [(7, 22)], id="nothing but quotes and delimiters"),
        pytest.param("1,5,a\n,,\n,,,,,,\n", [(7, 20)], id="trailing rows of delimiters"),
    ],
)
def test_rows_are_numbered_without_blank_ones_and_lines_with_them(text: str, positions: list[tuple[int, int]]) -> None:
    assert [row[:2] for row in read(text.encode()) if isinstance(row, RawRow)] == positions


BLANK_ROWS = ["", '""', '"",""', '" ",","', '"\n"', '"\n\n","\n"', '""""', " ,,"]
TEXTS = ["x", " ", '""', "\n", "\n" * 8, '""\n' * 4, '\n"",""\n']


@pytest.mark.parametrize("most", [12, 65_536])
@given(
    runs=st.lists(
        st.tuples(
            st.lists(st.sampled_from(BLANK_ROWS), max_size=8), st.lists(st.sampled_from(TEXTS), min_size=1, max_size=6)
        ),
        min_size=1,
        max_size=4,
    ),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_rows_between_blank_rows_of_quotes_are_where_csv_finds_them(
    runs: list[tuple[list[str], list[str]]], end: str, most: int
) -> None:
    lines = [line for blanks, texts in runs for line in (*blanks, f'1,5,"a{"".join(texts)}"')]
    text = "".join(f"{line}\n" for line in lines).replace("\n", end)
    reader, line = csv.reader(io.StringIO(text, newline=""), strict=True), 20
    expected: list[tuple[int, int, list[str]]] = []
    for cells in reader:
        if cells[:1] == ["1"]:
            expected.append((7 + len(expected), line, cells))
        line = 20 + reader.line_num
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(blank_rows, "_MOST_RUN", most)
        assert read(text.encode(), is_orderly=True) == [RawRow(*row) for row in expected]


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        pytest.param("1,5\n", ["1", "5"], id="too few"),
        pytest.param("1,5,a,b\n", ["1", "5", "a", "b"], id="too many"),
        pytest.param("1,4,5,,x\n", ["1", "4", "5", "", "x"], id="too many, empty ones among them"),
        pytest.param("1,5,fine,\n", ["1", "5", "fine", ""], id="an empty one too many"),
        pytest.param("1,5,fine, ,\t\n", ["1", "5", "fine", " ", "\t"], id="blank ones too many"),
        pytest.param("1;5;a\n", ["1;5;a"], id="another delimiter"),
    ],
)
def test_a_row_of_another_width_is_rejected(text: str, cells: list[str]) -> None:
    (row,) = read(text.encode())
    assert rejected(row) == (cells, [FaultCode.WRONG_FIELD_COUNT])
    assert isinstance(row, Reject)
    assert f"{len(cells)} field" in row.faults[0].message
    assert "3 are expected" in row.faults[0].message


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        pytest.param("1,5", ["1", "5", "", ""], id="the unnamed ones missing"),
        pytest.param("1,5,,", ["1", "5", "", ""], id="as wide as the header"),
        pytest.param("1,5,x,y", ["1", "5", "x", "y"], id="the unnamed ones filled"),
    ],
)
def test_a_header_may_end_in_empty_names(row: str, cells: list[str]) -> None:
    assert cells_of(f"session_id,rating,, \n{row}\n".encode()) == [cells]


@pytest.mark.parametrize(
    ("header", "row", "cells"),
    [
        pytest.param("session_id,rating,,", "1,5,,", ["1", "5", "", ""], id="the header and all rows"),
        pytest.param("session_id,rating,,", "1,5", ["1", "5", "", ""], id="the header alone"),
        pytest.param("session_id,rating", "1,5,,", ["1", "5"], id="all rows"),
        pytest.param("session_id;rating,,", "1;5,,", ["1", "5"], id="as commas behind every line of another list"),
    ],
)
def test_empty_cells_at_the_end_say_nothing_where_every_row_has_them(header: str, row: str, cells: list[str]) -> None:
    assert cells_of(f"{header}\n{row}\n{row}\n".encode()) == [cells, cells]


@pytest.mark.parametrize(
    ("header", "usual", "shifted"),
    [
        pytest.param("session_id,rating,,", "1,5,,", "1,,5,,", id="the header and all rows"),
        pytest.param("session_id,rating,,", "1,5,,", "1,5,", id="one less"),
        pytest.param("session_id,rating,,", "1,5", "1,5,", id="the header alone"),
        pytest.param("session_id,rating", "1,5,,", "1,5", id="all rows"),
        pytest.param("session_id,rating", "1,5", "1,5,", id="none"),
        pytest.param("session_id;rating,,", "1;5,,", "1;;5,,", id="another list separator"),
    ],
)
def test_a_row_that_differs_was_shifted(header: str, usual: str, shifted: str) -> None:
    rows = rows_of(f"{header}\n{usual}\n{usual}\n{usual}\n".encode() + f"{usual}\n".encode() * 97 + shifted.encode())
    assert {type(row) for row in rows[:-1]} == {RawRow}
    assert rejected(rows[-1])[1] == [FaultCode.WRONG_FIELD_COUNT]


def test_one_row_does_not_show_that_all_rows_end_in_empty_cells() -> None:
    (row,) = rows_of(b"session_id,rating,topics\n1,5,a, b\n".replace(b"a, b", b"a,"))
    assert rejected(row)[1] == [FaultCode.WRONG_FIELD_COUNT]


@pytest.mark.parametrize(
    ("data", "cells", "codes"),
    [
        pytest.param(b"1,5,a\0b\n", ["1", "5", "a\\x00b"], [FaultCode.UNREADABLE], id="NUL"),
        pytest.param(b"1,5,Bj\xf8rn\n", ["1", "5", "Bj\\xf8rn"], [FaultCode.UNREADABLE], id="undecodable"),
        pytest.param(b"1,5,\xed\xa0\x80\n", ["1", "5", "\\xed\\xa0\\x80"], [FaultCode.UNREADABLE], id="half a pair"),
        pytest.param(
            b"1,\0\xff\n",
            ["1", "\\x00\\xff"],
            [FaultCode.UNREADABLE] * 2 + [FaultCode.WRONG_FIELD_COUNT],
            id="all at once",
        ),
        pytest.param(b"\0\n", ["\\x00"], [FaultCode.UNREADABLE, FaultCode.WRONG_FIELD_COUNT], id="a NUL alone"),
    ],
)
def test_an_unreadable_row_shows_what_it_holds_and_spares_its_neighbours(
    data: bytes, cells: list[str], codes: list[FaultCode]
) -> None:
    before, row, after = read("0,5,Åse\n".encode() + data + "2,5,Олена\n".encode())
    assert (before, after) == (RawRow(7, 20, ["0", "5", "Åse"]), RawRow(9, 22, ["2", "5", "Олена"]))
    assert rejected(row) == (cells, codes)


def test_bytes_that_a_code_page_lacks_are_undecodable() -> None:
    (row,) = read(b"1,5,\x98\xc0\n", FORMAT.model_copy(update={"encoding": "windows-1251"}))
    assert rejected(row) == (["1", "5", "\\x98А"], [FaultCode.UNREADABLE])


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        pytest.param('1,5,"oops\n', ["1", "5", '"oops'], id="unclosed quote"),
        pytest.param('1,"a\nb","oops\n', ["1", '"a\nb"', '"oops'], id="unclosed quote on a row's second line"),
        pytest.param('"oops,5,x\n', ['"oops', "5", "x"], id="unclosed quote in front"),
        pytest.param(f"1,5,{'x' * 60}\n", ["1", "5", "x" * 60], id="a field too long"),
        pytest.param(f'1,5,"{"x" * 60}"\n', ["1", "5", '"' + "x" * 60 + '"'], id="a quoted field too long"),
        pytest.param(f'1,5,"x"{"y" * 60}\n', ["1", "5", '"x"' + "y" * 60], id="text behind the quote too long"),
    ],
)
def test_a_row_that_csv_would_not_end_is_rejected_and_the_next_ones_are_read(text: str, cells: list[str]) -> None:
    before, row, after = rows_of((HEADER + "0,5,a\n" + text + "2,5,b\n").encode(), Limits(field=50))
    assert rejected(row) == (cells, [FaultCode.UNREADABLE])
    assert before == RawRow(1, 2, ["0", "5", "a"])
    assert after == RawRow(3, 3 + text.count("\n"), ["2", "5", "b"])


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        pytest.param('1,5,"said" so\n', ["1", "5", '"said" so'], id="text behind the quote"),
        pytest.param('1,"5"x,a\n', ["1", '"5"x', "a"], id="text behind a quote in the middle"),
        pytest.param('"1"1,5,a\n', ['"1"1', "5", "a"], id="text behind a quote in front"),
        pytest.param('1,5,"a \\"b\\" c"\n', ["1", "5", '"a \\"b\\" c"'], id="quotes escaped by a backslash"),
        pytest.param('1,5,"a \\"b, c"\n', ["1", "5", '"a \\"b', ' c"'], id="an escaped quote and a delimiter"),
        pytest.param('1,5,"a "b" c"\n', ["1", "5", '"a "b" c"'], id="quotes that are not doubled"),
        pytest.param('1,5,""a"\n', ["1", "5", '""a"'], id="doubled where it opens"),
        pytest.param('1,"two\nlines","b"c\n', ["1", '"two\nlines"', '"b"c'], id="behind a field of two lines"),
        pytest.param('1,5,"oops\n', ["1", "5", '"oops'], id="a quote that the next row's closes"),
    ],
)
def test_text_behind_a_closing_quote_costs_its_line_and_is_never_made_another_text(text: str, cells: list[str]) -> None:
    before, row, after = rows_of((HEADER + '0,"5",a\n' + text + '2,5,"b"\n').encode())
    assert rejected(row) == (cells, [FaultCode.UNREADABLE])
    assert before == RawRow(1, 2, ["0", "5", "a"])
    assert after == RawRow(3, 3 + text.count("\n"), ["2", "5", "b"])


MAILS = "session_id,participant_email,scheduled_at,feedback_text,focus_area\n"
SWALLOWED = '1,a@example.org,2024-11-05,"{first},x\n2,b@example.org,2024-11-06,{second}",y\n'


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(SWALLOWED.format(first="oops", second="12"), id="two rows"),
        pytest.param(
            SWALLOWED.format(first="oops", second="12").replace("x\n", "x\n3,c@example.org,2024-11-07,z,z\n"),
            id="three rows",
        ),
        pytest.param(SWALLOWED.format(first="oops", second="12").replace("\n", "\r\n"), id="CRLF"),
    ],
)
def test_rows_swallowed_by_two_stray_quotes_are_rejected(text: str) -> None:
    rows = rows_of((MAILS + text + "9,z@example.org,2024-11-09,b,y\n").encode())
    assert isinstance(rows[0], Reject)
    assert [fault.code for fault in rows[0].faults] == [FaultCode.UNREADABLE]
    assert isinstance(rows[-1], RawRow)


@pytest.mark.parametrize(
    "feedback",
    [
        pytest.param("one, two, three, four\nfive, six", id="as many commas in a line as a row has"),
        pytest.param("a,b\n,,,,\n,,,", id="just the commas of rows"),
        pytest.param(
            "We wrote, as agreed,\nto kari@acme.com, ivan@example.org, and Oksana,\nall of us", id="addresses"
        ),
        pytest.param("id,email\n1,a@example.org\n2,b@example.org", id="a table of another shape"),
    ],
)
def test_a_text_of_several_lines_with_many_commas_is_a_text(feedback: str) -> None:
    data = f'{MAILS}1,a@example.org,2024-11-05,"{feedback}",y\n'
    assert cells_of(data.encode()) == [["1", "a@example.org", "2024-11-05", feedback, "y"]]


@pytest.mark.parametrize(
    "row",
    [
        pytest.param('1,5"CV,interview"\n', id="at the end of a row"),
        pytest.param('1"4,5",a\n', id="in the middle"),
        pytest.param('1,a"b"c"d,e" \n', id="behind other quotes"),
    ],
)
def test_a_quoted_text_is_not_taken_apart_where_the_delimiter_before_it_was_lost(row: str) -> None:
    before, judged, after = rows_of((HEADER + "0,5,a\n" + row + "2,5,b\n").encode())
    assert rejected(judged)[1] == [FaultCode.UNREADABLE]
    assert (before, after) == (RawRow(1, 2, ["0", "5", "a"]), RawRow(3, 4, ["2", "5", "b"]))


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param("view\n", id="a text"),
        pytest.param("\nview\n", id="behind a blank line"),
        pytest.param('view, and more"\n', id="half a pair of quotes"),
        pytest.param("view", id="the end of the file"),
    ],
)
@pytest.mark.parametrize("chunk", [1, 1000])
def test_a_row_whose_last_cell_was_torn_by_a_line_end_is_rejected(rest: str, chunk: int) -> None:
    rows = rows_of((HEADER + "0,5,a\n1,5,CV and inter\n" + rest).encode(), Limits(chunk=chunk))
    assert [isinstance(row, Reject) for row in rows] == [False, True, True]


@pytest.mark.parametrize("rest", ["2", "kari@example.org", "2,5", ",", "---"])
def test_a_row_cut_short_costs_no_other(rest: str) -> None:
    rows = rows_of((HEADER + f"1,5,CV\n{rest}\n2,5,b\n").replace("1,", "22,", 1).encode())
    assert [row.row.number for row in rows if isinstance(row, Reject)] in ([2], [])


@pytest.mark.parametrize("blank", ["\u00a0,\u00a0,", "\u200b", ";;;;", "|", "\ufeff", '" ","\u2003",', "\u3000\t"])
@pytest.mark.parametrize("chunk", [1, 1000])
def test_a_row_of_what_nobody_sees_is_none(blank: str, chunk: int) -> None:
    rows = rows_of((HEADER + f"1,5,a\n{blank}\n2,5,b\n").encode(), Limits(chunk=chunk))
    assert rows == [RawRow(1, 2, ["1", "5", "a"]), RawRow(2, 4, ["2", "5", "b"])]


def test_lines_in_one_pair_of_quotes_are_read_as_the_line_inside() -> None:
    text = '"session_id,rating,feedback_text"\r\n"1,5,""a, b"""\r\n"2,4,c"\r\n'
    assert cells_of(text.encode()) == [["1", "5", "a, b"], ["2", "4", "c"]]


def test_only_some_lines_may_stand_in_a_pair_of_quotes() -> None:
    """As a spreadsheet writes them that took each line for one cell: those that hold quotes."""
    text = HEADER + '"1,5,""a, b"""\n2,4,c\n"3,4,""d\ne, f"""\n6,5,"7,8,9"\n'
    assert cells_of(text.encode()) == [["1", "5", "a, b"], ["2", "4", "c"], ["3", "4", "d\ne, f"], ["6", "5", "7,8,9"]]


@pytest.mark.parametrize("line", ['"5,a,b,c"', '"5,a"', '"5,a,""b"'])
def test_a_line_in_quotes_that_is_no_row_inside_is_rejected_as_it_is(line: str) -> None:
    [row] = rows_of((HEADER + line + "\n").encode())
    assert isinstance(row, Reject)


def test_two_unclosed_quotes_cost_two_rows() -> None:
    rows = rows_of((HEADER + '1,5,"a\n' + "2,5,b\n" * 40 + '3,5,"c\n4,5,d\n').encode(), Limits(field=100))
    assert [row.row.number for row in rows if isinstance(row, Reject)] == [1, 42]
    assert len(rows) == 43


def test_an_oversized_row_is_rejected_by_its_first_bytes() -> None:
    span = ChunkSpan(number=2, start=10, end=10 + (100 << 20), first_row=3, first_line=4, rows=1, oversized=True)
    assert span.fetch_end == 10 + OVERSIZED_SHOWN_BYTES
    (row,) = read_chunk(b"1,5," + "å".encode() * 2046, span, FORMAT)
    assert rejected(row) == (["1", "5", "å" * 2046], [FaultCode.UNREADABLE])


def test_a_field_of_the_largest_size_is_read() -> None:
    longest = "x" * 131_072
    rows = rows_of((HEADER + f"1,5,{longest}\n2,5,{longest}x\n").encode())
    assert rows[0] == RawRow(1, 2, ["1", "5", longest])
    assert rejected(rows[1])[1] == [FaultCode.UNREADABLE]
