"""Where a cell stands: its bytes are those that were read, and a spreadsheet finds it under the name that is given."""

import csv
import io
from typing import Literal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ingestion.csv_file import framing
from ingestion.csv_file.cell_places import CellPlace, column_letters, find_row, place_cells
from ingestion.csv_file.chunk_reader import read_chunk
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.mixed_text import decode
from ingestion.errors import Refused
from ingestion.faults import RawRow
from tests.unit.reference_reader import scan

HEADER = ("session_id", "participant_email", "feedback_text")
PIECES = [*'ab ,;"\n\t+?=', "\r\n", "Blåbær på øya ", "Дякую, їй ґрунтовно "]
CELLS = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=14)
FORMS = st.fixed_dictionaries(
    {
        "delimiter": st.sampled_from([",", ";", "\t"]),
        "end": st.sampled_from(["\n", "\r\n"]),
        "quotes_all": st.booleans(),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "cp1252", "cp1251"]),
        "preamble": st.sampled_from(["", "sep={}\n", "\n\n", "Exported today\n"]),
        "blank": st.sampled_from(["", "\n", "\n \n"]),
    }
)


def saved(rows: list[tuple[str, str, str]], form: dict[str, str]) -> bytes:
    """A file of these rows, with a blank line now and then."""
    text = io.StringIO(newline="")
    text.write(form["preamble"].format(form["delimiter"]))
    quoting: Literal[0, 1] = csv.QUOTE_ALL if form["quotes_all"] else csv.QUOTE_MINIMAL
    writer = csv.writer(text, delimiter=form["delimiter"], lineterminator=form["end"], quoting=quoting)
    writer.writerow(HEADER)
    for number, row in enumerate(rows):
        writer.writerow((f"MS-{number}", f"a{number}@example.org", row[2]))
        text.write(form["blank"] if number % 3 == 1 else "")
    return text.getvalue().encode(form["encoding"], "ignore")


@pytest.fixture(autouse=True)
def small_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let rows be counted by the window, as in large files."""
    monkeypatch.setattr(framing, "LEAST_WINDOW_BYTES", 4)


def sheet_of(data: bytes, encoding: str, form: dict[str, str]) -> list[list[str]]:
    """The rows as a spreadsheet shows them."""
    text = data.decode(encoding).removeprefix("\ufeff")
    if form["preamble"].startswith("sep="):
        text = text.partition("\n")[2]
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=form["delimiter"]))


@settings(max_examples=300, deadline=None)
@given(rows=ROWS, form=FORMS, chunk=st.sampled_from([40, 200, 100_000]))
def test_the_bytes_of_a_cell_are_what_was_read_and_a_spreadsheet_has_it_where_it_is_said_to_be(
    rows: list[tuple[str, str, str]], form: dict[str, str], chunk: int
) -> None:
    data = saved(rows, form)
    try:
        scanned, _ = scan(data, Limits(chunk=chunk))
    except Refused:  # of a code page, for too few letters
        assume(False)
    sheet = sheet_of(data, scanned.format.encoding, form)
    found = 0
    for span in scanned.chunks:
        part = data[span.start : span.fetch_end]
        for row in read_chunk(part, span, scanned.format):
            if not isinstance(row, RawRow):
                continue
            place = find_row(part[: span.end - span.start], span, scanned.format, row.line)
            assert place is not None
            assert span.first_sheet_row is not None
            number = span.first_sheet_row + place.sheet_rows_above
            assert sheet[number - 1] == row.cells
            bytes_of_row = part[place.start : place.end]
            for at, cell in enumerate(place_cells(bytes_of_row, row.cells, scanned.format, span.order)):
                assert cell is not None
                assert cell.column == at
                text, _ = decode(bytes_of_row[cell.start : cell.end], scanned.format.encoding)
                assert text in (row.cells[at], '"' + row.cells[at].replace('"', '""') + '"')
            found += 1
    assert found == len(rows)


@pytest.mark.parametrize(
    ("column", "letters"),
    [(0, "A"), (3, "D"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ"), (702, "AAA")],
)
def test_columns_have_the_letters_of_a_spreadsheet(column: int, letters: str) -> None:
    assert column_letters(column) == letters


WRAPPED = b'''session_id,participant_email,feedback_text
"MS-1,a@example.org,""so, ""he"" said"""
MS-2,b@example.org,fine
"MS-3,c@example.org,x"
'''


def test_a_cell_of_a_line_that_stands_in_quotes_as_a_whole_is_found_inside() -> None:
    scanned, _ = scan(WRAPPED)
    (span,) = scanned.chunks
    part = WRAPPED[span.start : span.end]
    last = [row for row in read_chunk(part, span, scanned.format) if isinstance(row, RawRow)][-1]
    assert last.cells == ["MS-3", "c@example.org", "x"]
    place = find_row(part, span, scanned.format, last.line)
    assert place is not None
    cells = place_cells(part[place.start : place.end], last.cells, scanned.format, ())
    assert cells[1] == CellPlace(1, 6, 19)
    assert part[place.start + 6 : place.start + 19] == b"c@example.org"


def test_below_a_header_of_another_order_cells_keep_their_own_columns() -> None:
    text = (
        b"session_id,participant_email,feedback_text\nMS-1,a@example.org,x\n"
        b"feedback_text,session_id,participant_email\ny,MS-2,b@example.org\n"
    )
    scanned, _ = scan(text)
    span = scanned.chunks[1]
    part = text[span.start : span.end]
    (row,) = read_chunk(part, span, scanned.format)
    assert isinstance(row, RawRow)
    place = find_row(part, span, scanned.format, row.line)
    assert place is not None
    assert span.first_sheet_row == 4
    cells = place_cells(part[place.start : place.end], row.cells, scanned.format, span.order)
    assert [cell and cell.column for cell in cells] == [1, 2, 0]
