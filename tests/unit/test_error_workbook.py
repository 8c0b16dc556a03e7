"""The error file as a workbook: what another reader finds in it, and what it is when it comes back."""

import io
import tracemalloc
from uuid import UUID

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.faults import WHOLE_ROW, Fault, FaultCode, RawRow, Reject
from ingestion.records import get_programme
from ingestion.rows.columns import plan_columns
from ingestion.rows.error_file import ErrorFile
from ingestion.rows.error_workbook import write_error_workbook
from ingestion.rows.formulas import restore
from ingestion.workbook.written import MOST_NOTES, Row, write_workbook
from tests.unit.test_workbook_text import cells_of

HEADER = ("session_id", "participant_email", "mentor_email", "scheduled_at", "note")
BATCH = UUID("6b0e1b52-1f6c-4a55-9a63-0f6f3a3f7c11")
FILE = ErrorFile(plan_columns(HEADER, get_programme("mentors_ukraine")), ",", BATCH)
DATE = Fault(FaultCode.INVALID_DATE, "scheduled_at", '"03/04/2024" is ambiguous; write 2024-04-03', "03/04/2024")
CELLS = ["MS-1", "a@example.org", "kari@acme.com", "03/04/2024", "=1+1"]


def written(*rejects: Reject) -> bytes:
    out = io.BytesIO()
    write_error_workbook(out, rejects, FILE)
    return out.getvalue()


def test_cells_at_fault_are_marked_and_say_what_is_right() -> None:
    other = Reject(RawRow(9, 12, ["MS-2", "x"]), (Fault(FaultCode.WRONG_FIELD_COUNT, WHOLE_ROW, "too few cells"),))
    sheet = openpyxl.load_workbook(io.BytesIO(written(Reject(RawRow(4, 7, CELLS), (DATE,)), other)))["Errors"]
    rows = [[cell.value for cell in row] for row in sheet.iter_rows()]
    assert rows[0] == [*HEADER, "_error_row", "_error_line", "_error_code", "_error_message", "_error_batch"]
    assert rows[1] == [*CELLS[:4], "'=1+1", "4", "7", "E003", DATE.message, str(BATCH)]
    assert sheet.freeze_panes == "A2"
    assert {cell.number_format for row in sheet.iter_rows() for cell in row} == {"@"}
    marked = {cell.coordinate for row in sheet.iter_rows() for cell in row if cell.fill.fill_type == "solid"}
    assert marked == {"D2", "A3", "B3", "C3", "D3", "E3"}
    notes = {cell.coordinate: cell.comment.text for row in sheet.iter_rows() for cell in row if cell.comment}
    assert notes == {"D2": f"E003: {DATE.message}", "A3": "E010: too few cells"}
    assert sheet.column_dimensions["B"].width > len("participant_email")


# A file of control characters is refused, before it is read, as one that is no text.
TEXTS = st.text(st.characters(exclude_categories=["Cc"], include_characters="\t\n\r"), max_size=20)


@given(st.lists(TEXTS, min_size=5, max_size=5))
def test_every_text_comes_back_as_it_was_handed_out(cells: list[str]) -> None:
    cells = [cell.encode("utf-8", "backslashreplace").decode() for cell in cells]
    back = cells_of(written(Reject(RawRow(1, 2, cells), (DATE,))))[1]
    assert [restore(cell) for cell in back[:5]] == cells


def test_only_so_many_notes_are_drawn() -> None:
    rows = [Reject(RawRow(at, at, CELLS), (DATE,)) for at in range(1, MOST_NOTES + 50)]
    sheet = openpyxl.load_workbook(io.BytesIO(written(*rows)))["Errors"]
    assert sheet.max_row == MOST_NOTES + 50
    assert sum(1 for row in sheet.iter_rows() for cell in row if cell.comment) == MOST_NOTES


def test_a_cell_is_no_longer_than_a_spreadsheet_takes() -> None:
    assert len(cells_of(written(Reject(RawRow(1, 2, [*CELLS[:4], "x" * 50_000]), (DATE,))))[1][4]) == 32_767


@pytest.mark.parametrize("count", [20_000])
def test_memory_does_not_grow_with_the_rows(count: int) -> None:
    class Nowhere(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    tracemalloc.start()
    try:
        write_workbook(Nowhere(), "Errors", HEADER, (Row(CELLS) for _ in range(count)))  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
