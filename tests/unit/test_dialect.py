"""How the delimiter, the header row and the start of the data are found."""

import contextlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.csv_file.dialect import DELIMITERS, MOST_COLUMNS, find_dialect
from ingestion.errors import RefusalCode, Refused
from ingestion.faults import Reject
from ingestion.records.programme import header_name
from tests.unit.reference_reader import KNOWN, cells_of, read_all, rows_of, scan

NAMES = ("session_id", "participant_email", "rating")


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("whole", [True, False], ids=["whole file", "head only"])
def test_known_header_names_tell_the_delimiter(delimiter: str, whole: bool) -> None:
    head = (delimiter.join(NAMES) + "\n" + "1;2,3|4\t5\n" * 3).encode()
    assert find_dialect(head, KNOWN, whole=whole).delimiter == delimiter


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        pytest.param("a;b;c\n1;4,5;x\n2;3,5;y\n", ";", id="decimal commas"),
        pytest.param("a;b\n4,5;3,5\n4,0;2,5\n", ";", id="a decimal comma in every cell"),
        pytest.param('a,b,c\n1,"x;y;z;w",2\n1,"x;y",2\n', ",", id="other delimiters in quotes"),
        pytest.param('a,b\n1,"{""x"": 1; ""y"": 2}"\n', ",", id="json in quotes"),
        pytest.param('a;b;c\n1;{"x":1,"y":2,"z":3};2\n', ";", id="json without quotes"),
        pytest.param("a\tb\n1, 2 and 3\tx; y\n", "\t", id="tabs around prose"),
        pytest.param("a|b\n1|2\n", "|", id="bars"),
        pytest.param("a,b,c\n1,2,3\n", ",", id="a single row"),
        pytest.param("a;b;c", ";", id="header only"),
        pytest.param("Name, full;Email;Role\nKari;k@example.org;mentor\n", ";", id="a comma in a header name"),
        pytest.param('a;"b\n,,,,";c\n1;2;3\n', ";", id="a quoted newline in the header"),
        pytest.param("a;b;c\r1;2;3\r", ";", id="lone CR"),
        pytest.param("a;b;c\n1;2\n1;2;3;4\n", ";", id="ragged rows"),
    ],
)
def test_the_delimiter_is_found_without_known_names(text: str, delimiter: str) -> None:
    assert find_dialect(text.encode(), (), whole=True).delimiter == delimiter


@pytest.mark.parametrize(
    ("text", "delimiter", "line"),
    [
        pytest.param("sep=;\nsession_id;rating\n1;4,5\n", ";", 3, id="sep line"),
        pytest.param('"sep=;"\r\nsession_id;rating\r\n1;4,5\r\n', ";", 3, id="quoted sep line"),
        pytest.param("SEP=\t\nsession_id\trating\n1\t4,5\n", "\t", 3, id="a tab itself"),
        pytest.param("sep=\\t\nsession_id\trating\n1\t4,5\n", "\t", 3, id="a tab written out"),
        pytest.param("sep=^\nsession_id^rating\n1^4,5\n", "^", 3, id="a delimiter of its own"),
        pytest.param("sep=,\nsession_id;rating\n1;4,5\n", ";", 3, id="the header knows better"),
        pytest.param("\nsep=;\n\nsession_id;rating\n1;4,5\n", ";", 5, id="blank lines around"),
        pytest.param("\n \n;;;\nsession_id;rating\n1;4,5\n", ";", 5, id="blank rows in front"),
        pytest.param("\ufeffsession_id;rating\n1;4,5\n", ";", 2, id="byte order mark"),
        pytest.param("\ufeffsep=;\nsession_id;rating\n1;4,5\n", ";", 3, id="byte order mark and sep line"),
        pytest.param("Report 2024-11\nby Kari\n\nsession_id;rating\n1;4,5\n", ";", 5, id="preamble"),
    ],
)
def test_the_data_begins_below_the_header(text: str, delimiter: str, line: int) -> None:
    data = text.encode()
    scanned, _ = scan(data)
    assert (scanned.format.delimiter, scanned.format.header) == (delimiter, ("session_id", "rating"))
    assert (scanned.chunks[0].first_line, data[scanned.chunks[0].start :][:1]) == (line, b"1")
    assert cells_of(data) == [["1", "4,5"]]


def test_a_preamble_is_warned_of() -> None:
    scanned, _ = scan(b"Report\n\nsession_id;rating\n1;4\n")
    assert [(warning.code, warning.count) for warning in scanned.warnings] == [("preamble_rows", 1)]


@pytest.mark.parametrize(
    "header",
    [
        pytest.param("Session ID;Rating", id="spaces and capitals"),
        pytest.param("session-id ; RATING", id="hyphens and blanks"),
        pytest.param('"session_id";"rating"', id="quotes"),
    ],
)
def test_known_names_are_compared_in_their_plain_form(header: str) -> None:
    assert find_dialect(f"{header}\n1,2,3;4,5,6\n".encode(), KNOWN, whole=True).delimiter == ";"


def test_a_head_cut_inside_of_quotes_is_read_up_to_there() -> None:
    text = "session_id,feedback_text\n" + '1,"one;\ntwo;"\n' * 20 + '2,"a; b; c;\n;;;;\n;;;;\n'
    assert find_dialect(text.encode(), (), whole=False).delimiter == ","


@given(cut=st.integers(30, 400))
def test_the_delimiter_does_not_depend_on_where_the_head_is_cut(cut: int) -> None:
    text = "a,b,c\n" + '1,"x; ""y"";\n z",{"k": 1}\n2,"4;5",6\n' * 12
    assert find_dialect(text.encode()[:cut], (), whole=False).delimiter == ","


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("LS-1,a@example.org,2024-11-13,60\nLS-2,b@example.org,2024-11-14,60\n", id="emails"),
        pytest.param("LS-1;13.11.2024;60\n", id="a date"),
    ],
)
def test_a_file_without_a_header_is_told(text: str) -> None:
    scanned, _ = scan(text.encode())
    assert not scanned.format.has_header_row
    assert scanned.format.header == ()
    assert (scanned.rows, scanned.chunks[0].first_line) == (text.count("\n"), 1)
    assert len(cells_of(text.encode())) == scanned.rows


def test_unknown_names_are_a_header_all_the_same() -> None:
    scanned, _ = scan(b"foo,bar\nx,y\n")
    assert (scanned.format.header, scanned.rows) == (("foo", "bar"), 1)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Dear all\nplease find attached\n", id="prose"),
        pytest.param("sep=;\nfoo\nbar\n", id="one unknown column below a sep line"),
    ],
)
def test_one_unknown_column_is_no_csv(text: str) -> None:
    with pytest.raises(Refused, match="one column") as refused:
        find_dialect(text.encode(), KNOWN, whole=True)
    assert refused.value.code == RefusalCode.NOT_CSV


def test_one_known_column_is_left_to_those_who_know_what_is_missing() -> None:
    assert find_dialect(b"session_id\n1\n", KNOWN, whole=True).columns == 1


def test_a_header_that_never_ends_is_refused() -> None:
    with pytest.raises(Refused, match="does not end"):
        find_dialect(b"session_id,ratin", KNOWN, whole=False)


def test_data_never_becomes_a_header_behind_an_unclosed_quote() -> None:
    with pytest.raises(Refused, match="header row, has a quote too many"):
        find_dialect(b'session_id,"rating,note\n1,5,kari@example.org\n', KNOWN, whole=True)


@pytest.mark.parametrize("text", ["", "\n\r\n", ";;;\n,,,\n", '""\n', "sep=;", "sep=;\n;;\n"])
def test_nothing_but_blank_rows_is_an_empty_file(text: str) -> None:
    with pytest.raises(Refused) as refused:
        find_dialect(text.encode(), KNOWN, whole=True)
    assert refused.value.code == RefusalCode.EMPTY_FILE


def test_ten_thousand_columns_and_repeated_names_are_taken() -> None:
    header = ",".join(["session_id", *(f"column {number % 5000}" for number in range(9999))])
    data = f"{header}\n{','.join(map(str, range(10000)))}\n".encode()
    scanned, _ = scan(data)
    assert scanned.format.columns == 10000
    assert len(cells_of(data)[0]) == 10000


def test_more_columns_than_a_worksheet_can_have_are_refused() -> None:
    header = ",".join(["session_id", *("x" for _ in range(MOST_COLUMNS))])
    with pytest.raises(Refused, match="16,385 columns") as refused:
        find_dialect(f"{header}\n1\n".encode(), KNOWN, whole=True)
    assert refused.value.code == RefusalCode.TOO_LARGE


@pytest.mark.parametrize("code", [*range(1, 10), 11, 12, *range(14, 34), *range(35, 256)])
def test_whatever_a_sep_line_says_rows_are_counted_as_they_are_read(code: int) -> None:
    """Bytes above 127 stand for other characters in every encoding, so they are no delimiters."""
    mark = bytes([code])
    data = b'sep=%b\nsession_id%brating\n1%b"a\nb"\n2%bx\n' % ((mark,) * 4)
    with contextlib.suppress(Refused):
        scanned, text = scan(data)
        assert len(read_all(scanned, text)) == scanned.rows


@given(head=st.text(st.sampled_from(list('ab1@.,;\t|"\n\r =?')), max_size=80), whole=st.booleans())
def test_any_head_gives_a_dialect_or_a_refusal(head: str, whole: bool) -> None:
    data = head.encode()
    try:
        dialect = find_dialect(data, KNOWN, whole=whole)
    except Refused:
        return
    assert 0 <= dialect.data_start <= len(data)
    assert dialect.columns >= 1


HEADER = "session_id,participant_email,mentor_email,scheduled_at,rating,feedback_text,focus_area\n"
ROW = "MS-{},a{}@example.org,b@acme.com,2026-03-0{}T10:00:00Z,4,Fine talk,career\n"
ROWS = "".join(ROW.format(at, at, at) for at in range(1, 6))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param(ROWS + HEADER, RefusalCode.HEADER_NOT_FIRST, id="sorted to the end"),
        pytest.param(ROW.format(9, 9, 9) + HEADER + ROWS, RefusalCode.HEADER_NOT_FIRST, id="a row above"),
        pytest.param("Title\n" * 12 + HEADER + ROWS, RefusalCode.HEADER_NOT_FIRST, id="below the eleventh line"),
        pytest.param('"' + HEADER + ROWS, RefusalCode.BROKEN_HEADER, id="a quote in front"),
        pytest.param(HEADER.replace(",m", ',"m') + ROWS, RefusalCode.BROKEN_HEADER, id="an unclosed quote"),
        pytest.param(HEADER.replace("mentor", 'men"tor') + ROWS, RefusalCode.BROKEN_HEADER, id="a stray quote"),
        pytest.param(HEADER.replace(",parti", "parti") + ROWS, RefusalCode.BROKEN_HEADER, id="run together"),
        pytest.param(HEADER.replace("feedback_", "feedback_,") + ROWS, RefusalCode.BROKEN_HEADER, id="cut in two"),
        pytest.param(HEADER.replace("focus_", "focus_\n") + ROWS, RefusalCode.BROKEN_HEADER, id="a line end inside"),
        pytest.param(HEADER.replace("focus_", "\nfocus_") + ROWS, RefusalCode.BROKEN_HEADER, id="a line end between"),
        pytest.param(HEADER[:-1] + ROWS, RefusalCode.BROKEN_HEADER, id="no line end"),
        pytest.param(
            HEADER + "".join(f"{at},{row}\n" for at, row in enumerate(ROWS.splitlines())),
            RefusalCode.BROKEN_HEADER,
            id="row names",
        ),
        pytest.param(HEADER.replace(",", "','").replace("\n", "'\n"), RefusalCode.NOT_CSV, id="single quotes"),
    ],
)
def test_a_header_that_is_not_in_its_place_or_not_in_one_piece_is_refused(text: str, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        scan(text.encode())
    assert refused.value.code == code
    assert "example" not in refused.value.message


OTHER_ORDER = "session_id,participant_email,mentor_email,scheduled_at,rating,focus_area,feedback_text\n"
OTHER_ROW = "MS-7,a7@example.org,b@acme.com,2026-03-07T10:00:00Z,4,career,Fine talk\n"


@pytest.mark.parametrize("times", [1, 400])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_what_stands_below_a_second_header_is_read_by_it(times: int, mark: str) -> None:
    text = HEADER + ROWS * times + mark + OTHER_ORDER + OTHER_ROW + HEADER.upper() + ROWS
    scanned, _ = scan(text.encode(), block=5_000)
    rows = cells_of(text.encode())
    assert {row[5] for row in rows} == {"Fine talk"}
    assert (len(rows), scanned.rows) == (5 * times + 6,) * 2
    assert [(warning.code, warning.count) for warning in scanned.warnings] == [("repeated_headers", 2)]


@pytest.mark.parametrize("times", [1, 100])
def test_addresses_in_texts_hide_no_second_header(times: int) -> None:
    """As many as the header lacks, in the same window."""
    writes = "MS-8,a8@example.org,b@acme.com,2026-03-07T10:00:00Z,4,a@b.org or c@d.org,career\n"
    text = HEADER + ROWS * times + writes + OTHER_ORDER + OTHER_ROW * 50
    assert {row[6] for row in cells_of(text.encode())} == {"career"}


def _wrapped(text: str) -> str:
    return "".join('"' + line.replace('"', '""') + '"\n' for line in text.splitlines())


def _tailed(text: str) -> str:
    return "".join(line.replace(",", ";") + ",,\n" for line in text.splitlines())


@pytest.mark.parametrize("around", [_wrapped, _tailed])
@pytest.mark.parametrize("times", [1, 100])
def test_a_second_header_is_followed_whatever_stands_around_the_lines(around: Callable[[str], str], times: int) -> None:
    text = around(HEADER + ROWS * times + OTHER_ORDER + OTHER_ROW)
    assert {row[6] for row in cells_of(text.encode())} == {"career"}


def test_a_row_above_the_header_is_no_preamble_though_its_addresses_are_wrong() -> None:
    with pytest.raises(Refused) as refused:
        scan(("MS-1,a1@example,b@acme,2026-03-07T10:00:00Z,4,Fine,career\n" + HEADER + ROWS).encode())
    assert refused.value.code == RefusalCode.HEADER_NOT_FIRST


def test_a_text_that_ends_like_a_sum_is_none() -> None:
    *_, last = cells_of((HEADER + 'MS-9,a@example.org,b@acme.com,2026-03-07,4,Fine,"good\nTotal: 3\n"\n').encode())
    assert last[6] == "good\nTotal: 3\n"


def test_a_row_above_the_header_is_no_preamble_though_it_has_another_delimiter() -> None:
    with pytest.raises(Refused) as refused:
        scan((HEADER + ROWS + (HEADER + ROWS).replace(",", ";")).encode())
    assert refused.value.code == RefusalCode.HEADER_NOT_FIRST
    contact = "Contact: anna@example.org, or kari@acme.com, phone 123, Oslo\n"
    assert scan((contact + (HEADER + ROWS).replace(",", ";")).encode())[0].rows == 5


def test_a_second_header_that_names_few_of_the_same_columns_is_refused() -> None:
    others = "session_id,participant_email,volunteer_email,date,stars,area,note\n"
    with pytest.raises(Refused, match="Line 7 is a second header row"):
        scan((HEADER + ROWS + others + OTHER_ROW).encode())


@pytest.mark.parametrize("times", [1, 100])
def test_a_second_header_whose_addresses_have_other_names_is_refused(times: int) -> None:
    """Else the people of each row below would change places."""
    others = "session_id,Mentor,Deltaker,scheduled_at,rating,feedback_text,focus_area\n"
    with pytest.raises(Refused, match="is a second header row"):
        scan((HEADER + ROWS * times + others + OTHER_ROW).encode())


def test_a_second_header_of_other_columns_is_refused() -> None:
    with pytest.raises(Refused, match="Line 7 is a second header row") as refused:
        scan((HEADER + ROWS + HEADER.replace("rating", "topics") + ROWS).encode())
    assert refused.value.code == RefusalCode.BROKEN_HEADER


@pytest.mark.parametrize(
    ("footer", "codes"),
    [
        pytest.param("Total,,,,20,,\n", ["footer_rows"], id="a sum"),
        pytest.param("\n(5 rows)\n", ["footer_rows"], id="a count"),
        pytest.param("# Total Records: 6", ["footer_rows", "footer_count_differs"], id="another count"),
        pytest.param("Sum,,,,20,,\r\n\r\nAntall rader: 5,,,,,,\r\n", ["footer_rows"], id="two lines"),
        pytest.param("Total,,,,20,,\n\n,,,,,,\n", ["footer_rows"], id="a sum above rows of delimiters"),
        pytest.param("Total rows: 5,,,,20,,", ["footer_rows"], id="a count and a sum"),
        pytest.param("Total,5 rows,,,20,,", ["footer_rows"], id="a count beside the word"),
        pytest.param("\x1a", ["end_of_file_marks"], id="Ctrl-Z"),
        pytest.param("\x1a\r\n", ["end_of_file_marks"], id="Ctrl-Z on a line"),
        pytest.param("\0" * 500, ["end_of_file_marks"], id="NULs"),
    ],
)
@pytest.mark.parametrize("block", [1, 7, 100_000])
def test_what_ends_a_file_is_no_row(footer: str, codes: list[str], block: int) -> None:
    scanned, text = scan((HEADER + ROWS + footer).encode(), block=block)
    assert [warning.code for warning in scanned.warnings] == codes
    assert len(read_all(scanned, text)) == scanned.rows == 5


def test_names_are_known_in_many_spellings() -> None:
    names = ["Session ID*", "participant.email", "Mentor Email (required)", "scheduledAt", "Rating (1-5)"]
    assert [header_name(name) for name in names] == [
        "session_id",
        "participant_email",
        "mentor_email",
        "scheduled_at",
        "rating",
    ]


def test_two_tables_side_by_side_are_refused() -> None:
    """Else those of the second one would be lost, neither stored nor rejected."""
    lines = [f"{line},,{line.replace('MS-', 'MS-2')}" for line in (HEADER + ROWS).splitlines()]
    with pytest.raises(
        Refused, match="Line 1, the header row, names the columns of two tables side by side"
    ) as refused:
        scan("\n".join(lines).encode())
    assert refused.value.code == RefusalCode.BROKEN_HEADER
    same = [f"{line},{line}" for line in (HEADER + ROWS).splitlines()]
    assert scan("\n".join(same).encode())[0].rows == 5


def test_rows_that_all_have_a_comma_too_many_in_their_text_are_no_wider_table() -> None:
    """Their last column is empty in all of them, so that the cell too many is empty too."""
    rows = "".join(ROW.format(at, at, at).replace("Fine talk,career", "Fine, talk,") for at in range(1, 4))
    assert all(isinstance(row, Reject) for row in rows_of((HEADER + rows).encode()))
    quoted = rows.replace("Fine, talk,", '"Fine, talk",,')
    assert {tuple(row[5:]) for row in cells_of((HEADER + quoted).encode())} == {("Fine, talk", "")}


@pytest.mark.parametrize("blank", ["\n", ",,,\n", '"",,\n', '"""",;""\n', ' "" \n', "\r\n", '","",\n', '",\n",\n'])
def test_blank_lines_between_rows_change_nothing_but_the_places(blank: str) -> None:
    header, row = "session_id,participant_email,mentor_email,scheduled_at\n", "MS-1,a@example.org,b@example.org,2024\n"
    known = header.strip().split(",")
    bare = find_dialect((header + row * 3).encode(), known, whole=True)
    found = find_dialect((header + blank * 50 + row * 3).encode(), known, whole=True)
    assert (found.delimiter, found.header, found.columns, found.shape) == (
        bare.delimiter,
        bare.header,
        bare.columns,
        bare.shape,
    )
