"""The error file: rectangular, harmless in a spreadsheet, and the rows come back as they were."""

import csv
from collections.abc import Sequence
from io import StringIO
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.faults import WHOLE_ROW, Fault, FaultCode, RawRow, Reject
from ingestion.records import get_programme
from ingestion.records.programme import plain
from ingestion.rows import error_file
from ingestion.rows.columns import ColumnPlan, plan_columns
from ingestion.rows.error_file import ErrorFile, neutralise, restore
from ingestion.rows.formulas import without_apostrophes
from ingestion.rows.rejects import as_kept, read_rejects, write_rejects
from tests.unit.reference_reader import EXAMPLES, read_all, scan

HEADERS = ["Session ID", "participant_email", "volunteer_email", "scheduled_at", "topics"]
CELLS = ["LS-1", "nora", "bo@acme.com", "2024-11-13", "work, food"]
ERRORS = ["_error_row", "_error_line", "_error_code", "_error_message", "_error_batch"]
BATCH = UUID("6b0e0000-0000-4000-8000-000000000001")
FAULTS = (
    Fault(FaultCode.INVALID_EMAIL, "participant_email", 'participant_email: "nora" is wrong'),
    Fault(FaultCode.INVALID_EMAIL, "volunteer_email", "volunteer_email: is wrong"),
    Fault(FaultCode.INVALID_DATE, "scheduled_at", "scheduled_at: is wrong"),
)
# csv.reader takes any line break inside quotes, but a lone surrogate is not text that a file can hold.
TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def plan(headers: list[str] = HEADERS) -> ColumnPlan:
    return plan_columns(headers, get_programme("language_ukraine"))


def reject(cells: list[str], faults: tuple[Fault, ...] = FAULTS) -> Reject:
    return Reject(RawRow(number=7, line=12, cells=cells), faults)


def header_line(headers: list[str], delimiter: str = ",") -> bytes:
    return error_file.header_line(ErrorFile(plan(headers), delimiter, BATCH))


def reject_lines(rejects: Sequence[Reject], plan: ColumnPlan, delimiter: str = ",") -> bytes:
    kept = [as_kept(reject, plan) for reject in rejects]
    assert list(read_rejects([write_rejects(kept)])) == kept
    return error_file.reject_lines(kept, ErrorFile(plan, delimiter, BATCH))


def reject_line(reject: Reject, plan: ColumnPlan) -> bytes:
    return reject_lines([reject], plan)


def parsed(*lines: bytes) -> list[list[str]]:
    return list(csv.reader(StringIO(b"".join(lines).decode("utf-8-sig"), newline=""), strict=True))


@given(st.text())
@settings(deadline=None, database=None)
def test_neutralising_is_undone_whatever_the_text(text: str) -> None:
    assert restore(neutralise(text)) == text


@given(st.text("'=+-@\t\rab"))
@settings(deadline=None, database=None, max_examples=500)
def test_neutralising_is_undone_among_apostrophes_and_formulas(text: str) -> None:
    assert restore(neutralise(text)) == text
    assert not neutralise(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("cell", "harmless"),
    [
        ("=1+1", "'=1+1"),
        ("+47 22 00", "'+47 22 00"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=1", "''=1"),
        ("''@a", "'''@a"),
        ("'quoted'", "'quoted'"),
        ("a=b", "a=b"),
        ('"=1"', '"\'=1"'),
        ("Good; =1", "Good; =1"),
        ("Good;=1", "Good;'=1"),
        ('Good,"=1"', 'Good,"\'=1"'),
        ("a\t-b|@c", "a\t'-b|'@c"),
        ("- one\n- two", "'- one\n'- two"),
        ("", ""),
    ],
)
def test_only_formulas_get_an_apostrophe(cell: str, harmless: str) -> None:
    assert neutralise(cell) == harmless


def test_the_header_is_the_original_one_with_the_error_columns_after_it() -> None:
    line = header_line(HEADERS)
    assert line.startswith(b"\xef\xbb\xbfSession ID,")
    assert line.endswith(b"_error_message,_error_batch\r\n")
    assert parsed(line) == [[*HEADERS, *ERRORS]]


def test_a_reject_has_its_cells_its_place_and_all_its_faults() -> None:
    [row] = parsed(reject_line(reject(CELLS), plan()))
    assert row[:5] == CELLS
    assert row[5:] == [
        "7",
        "12",
        "E001; E003",
        'participant_email: "nora" is wrong; volunteer_email: is wrong; scheduled_at: is wrong',
        str(BATCH),
    ]


def test_formulas_are_neutralised_in_cells_and_headers() -> None:
    headers = [*HEADERS, "=cmd()"]
    assert parsed(header_line(headers))[0][5] == "'=cmd()"
    assert parsed(reject_line(reject([*CELLS, "=HYPERLINK(1)"]), plan(headers)))[0][5] == "'=HYPERLINK(1)"


def test_a_short_row_is_padded_so_that_the_error_columns_stay_in_place() -> None:
    [row] = parsed(reject_line(reject(["LS-1", "nora"]), plan()))
    assert row[:6] == ["LS-1", "nora", "", "", "", "7"]


def test_the_surplus_of_a_long_row_is_told_by_the_message_and_is_in_no_cell() -> None:
    [row] = parsed(reject_line(reject([*CELLS[:4], "work", "food, drink", 'say "hei"']), plan()))
    assert row[:6] == [*CELLS[:4], "work", "7"]
    assert row[8].endswith('; beyond the columns: "food, drink", "say "hei""')


@given(st.lists(TEXTS, max_size=9))
@settings(deadline=None, database=None)
def test_every_reject_is_read_back_by_csv_with_the_width_of_the_header(cells: list[str]) -> None:
    header, row = parsed(header_line(HEADERS), reject_line(reject(cells), plan()))
    assert len(row) == len(header)
    back = [restore(cell) for cell in row[: len(HEADERS)]]
    assert back == (cells + [""] * (len(HEADERS) - len(cells)))[: len(HEADERS)]


@given(
    st.lists(st.lists(TEXTS | st.text(";,|\t\r\n\"' ", max_size=4), min_size=5, max_size=5), max_size=5),
    st.sampled_from(",;\t|"),
)
@settings(deadline=None, database=None, max_examples=EXAMPLES)
def test_quotes_stand_where_csv_puts_them(rows: list[list[str]], delimiter: str) -> None:
    lines = reject_lines([reject(cells) for cells in rows], plan(), delimiter)
    text = StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(
        csv.reader(StringIO(lines.decode(), newline=""), delimiter=delimiter, strict=True)
    )
    assert lines.decode() == text.getvalue()


FORMULA_LIKE = st.text("'\"=+-@\t\r\n;,|ab ", max_size=8)


@given(
    rows=st.lists(st.lists(FORMULA_LIKE, min_size=6, max_size=6), min_size=1, max_size=3),
    name=FORMULA_LIKE,
    written=st.sampled_from(",;|"),
    read=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_NONE]),
)
@settings(deadline=None, database=None, max_examples=EXAMPLES)
def test_no_cell_begins_as_a_formula_does_whatever_parts_the_cells(
    rows: list[list[str]], name: str, written: str, read: str, quoting: int
) -> None:
    of = plan([*HEADERS, name])
    faults = (Fault(FaultCode.INVALID_EMAIL, "participant_email", f"participant_email: {name}"),)
    file = header_line([*HEADERS, name], written) + reject_lines([reject(cells, faults) for cells in rows], of, written)
    lines = StringIO(file.decode("utf-8-sig"), newline="")
    for line in csv.reader(lines, delimiter=read, quoting=quoting):  # type: ignore[arg-type]
        assert not [cell for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


@pytest.mark.parametrize(("original", "handed_out"), [(",", ","), (";", ";"), ("\t", "\t"), ("|", "|"), ("¦", ",")])
def test_the_delimiter_is_that_of_the_original(original: str, handed_out: str) -> None:
    assert header_line(HEADERS, original).decode("utf-8-sig").split("_error_row")[1][0] == handed_out
    [row] = csv.reader([reject_lines([reject(CELLS)], plan(), original).decode()], delimiter=handed_out)
    assert row[:5] == CELLS


def resaved(file: bytes, delimiter: str, encoding: str) -> bytes:
    """The file as a spreadsheet saves it again: quotes where they must be, CRLF, another delimiter and encoding."""
    text = StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows(csv.reader(StringIO(file.decode("utf-8-sig"), newline=""), strict=True))
    return text.getvalue().encode(encoding)


def returned(data: bytes) -> list[tuple[ColumnPlan, list[str]]]:
    """The rows of a file that comes back, as the reader takes them, without the columns that are ours."""
    scanned, text = scan(data)
    come_back = plan(list(scanned.format.header))
    rows = read_all(scanned, text)
    assert all(isinstance(row, RawRow) for row in rows)
    return [
        (come_back, [restore(row.cells[index]) for index in come_back.original_indexes])
        for row in rows
        if isinstance(row, RawRow)
    ]


# A NUL, a lone surrogate or a control character is not text that a spreadsheet holds.
SHEET_TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from("\t\r\n'=+-@\";,"), max_size=12)
WAYS = [(",", "utf-8-sig"), (";", "utf-8-sig"), (";", "utf-8"), ("\t", "utf-16"), ("|", "utf-8")]


@given(
    name=SHEET_TEXTS.filter(lambda name: plain(restore(name)) not in {*HEADERS, *ERRORS}),
    rows=st.lists(st.lists(SHEET_TEXTS, min_size=6, max_size=6), min_size=1, max_size=4),
    way=st.sampled_from(WAYS),
)
@settings(deadline=None, database=None, max_examples=EXAMPLES)
def test_whatever_was_rejected_comes_back_as_it_was_however_a_spreadsheet_saves_it(
    name: str, rows: list[list[str]], way: tuple[str, str]
) -> None:
    headers = [*HEADERS, name]
    file = header_line(headers) + reject_lines([reject(cells) for cells in rows], plan(headers))
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for line in parsed(file) for cell in line)
    came_back = returned(resaved(file, *way))
    assert [cells for _, cells in came_back] == rows
    assert all(plan.is_error_file for plan, _ in came_back)
    assert [restore(came_back[0][0].headers[index]) for index in came_back[0][0].original_indexes] == headers


@pytest.mark.parametrize("encoding", ["cp1252", "cp1251"])
def test_a_file_saved_in_the_code_page_of_its_language_comes_back_as_it_was(encoding: str) -> None:
    texts = {"cp1252": ("'=Åse", "=Bjørn & “Kjærsti”", "-5 °C"), "cp1251": ("'=Ґалина", "=Єва й «Їжак»", "-5 годин")}
    cells = ["LS-1", "nora", "bo@acme.com", *texts[encoding]]
    headers = [*HEADERS, "note"]
    file = header_line(headers) + reject_line(reject(cells), plan(headers))
    assert [cells for _, cells in returned(resaved(file, ";", encoding))] == [cells]


def test_a_returned_error_file_gives_an_error_file_of_the_same_columns() -> None:
    headers = [*ERRORS[:2], *HEADERS, "'=cmd()", *ERRORS[2:]]
    cells = ["3", "4", *CELLS[:4], "'=A1", "''=B1", "E001", "participant_email: old"]
    header, row = parsed(header_line(headers), reject_line(reject(cells), plan(headers)))
    assert header == [*HEADERS, "'=cmd()", *ERRORS]
    assert row[:6] == [*CELLS[:4], "'=A1", "''=B1"]
    assert row[6:9] == ["7", "12", "E001; E003"]


def test_a_sentence_that_is_followed_by_another_has_no_stop_before_the_semicolon() -> None:
    fault = Fault(FaultCode.WRONG_FIELD_COUNT, WHOLE_ROW, "The row has 6 fields where 5 are expected.")
    long = Reject(RawRow(7, 9, [*CELLS, "3"]), (fault,))
    [row] = parsed(reject_line(long, plan()))
    assert row[8] == 'The row has 6 fields where 5 are expected; beyond the columns: "3"'
    [row] = parsed(reject_line(Reject(RawRow(7, 9, CELLS), (fault,)), plan()))
    assert row[8] == "The row has 6 fields where 5 are expected."


def test_a_returned_error_file_with_a_ragged_row_keeps_all_of_it() -> None:
    headers = [*HEADERS, *ERRORS]
    ragged = reject([*CELLS, "3", "4", "E001", "old", str(BATCH), "'=surplus"])
    assert as_kept(ragged, plan(headers)).row.cells == [*CELLS, "=surplus"]
    [row] = parsed(reject_line(ragged, plan(headers)))
    assert row[:6] == [*CELLS, "7"]
    assert row[8].endswith('; beyond the columns: "=surplus"')


def test_what_is_no_text_is_written_out_rather_than_lost() -> None:
    [row] = parsed(reject_line(reject(["LS-\udce5"]), plan()))
    assert row[0] == "LS-\\udce5"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [("''=1", "=1"), ("a;'+47", "a;+47"), ("\"'=1", '"=1'), ("it's", "it's"), ("=1", "=1")],
)
def test_apostrophes_before_formulas_go_and_no_others(cell: str, expected: str) -> None:
    assert without_apostrophes(cell) == expected
