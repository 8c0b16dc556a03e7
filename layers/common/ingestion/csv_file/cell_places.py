"""Where a row and its cells stand in a file: their bytes, and their names in a spreadsheet.

The rows are found, and cut, by what reads them (`RowEnds`). It is given the bytes as Latin-1, one character each: in
every encoding that chunks are cut from, delimiters, quotes and line ends are ASCII.
"""

from collections.abc import Sequence
from typing import NamedTuple

from ingestion.csv_file.blank_rows import BLANK_BYTES, BlankLines
from ingestion.csv_file.chunk_spans import ChunkSpan, FileFormat
from ingestion.csv_file.mixed_text import decode
from ingestion.csv_file.quoting import RowEnds, unquoted
from ingestion.csv_file.row_windows import count_lines

_LETTERS = 26


class RowPlace(NamedTuple):
    """A row in a chunk: its bytes, without the line end, and how many rows of a spreadsheet stand above it there."""

    start: int
    end: int
    sheet_rows_above: int


class CellPlace(NamedTuple):
    """A cell in its row: which one, from 0, and its bytes, with its quotes and the blanks beside them."""

    column: int
    start: int
    end: int


def column_letters(column: int) -> str:
    """Return what a spreadsheet calls the column, counted from 0: A, …, Z, AA."""
    above, letter = divmod(column, _LETTERS)
    return (column_letters(above - 1) if above else "") + chr(ord("A") + letter)


def find_row(data: bytes, span: ChunkSpan, fmt: FileFormat, line: int) -> RowPlace | None:
    """Find the row that begins on this physical line, in the bytes of *span*; None if no row begins there."""
    text = data.decode("latin-1")
    ends, blank_lines = RowEnds(fmt.delimiter), BlankLines(BLANK_BYTES.decode("latin-1") + fmt.delimiter)
    unreadable = {start - span.start: end - span.start for start, end in span.unreadable}
    has_sheet = fmt.sheet is not None and span.first_sheet_row is not None
    at, sheet_rows = 0, 0
    at_line = (span.first_sheet_row if has_sheet else None) or span.first_line
    while at_line < line and at < len(text):
        end = blank_lines.end_of(text, at)
        is_row = end == at
        if is_row:
            end = unreadable.get(at) or ends.find(text, at)[0]
        lines = count_lines(data, at, end)
        sheet_rows += 1 if is_row else lines
        at, at_line = end, at_line + (1 if is_row and has_sheet else lines)
    if at_line != line or at >= len(text):
        return None
    end = unreadable.get(at) or ends.find(text, at)[0]
    return RowPlace(at, at + len(text[at:end].removesuffix("\n").removesuffix("\r")), sheet_rows)


def place_cells(row: bytes, cells: Sequence[str], fmt: FileFormat, order: Sequence[int]) -> list[CellPlace | None]:
    """Find each of the *cells* that were read from a row; None for one that does not stand there as it was read.

    Such are the cells that a short row lacks, and those of a row whose quotes are in disorder.
    """
    fields = _fields(row.decode("latin-1"), fmt)
    texts = [text for _, _, text in _fields(decode(row, fmt.encoding)[0], fmt)]
    places: list[CellPlace | None] = []
    for at, cell in enumerate(cells):
        column = order[at] if at < len(order) else at
        is_there = column < len(fields) == len(texts) and texts[column] == cell
        places.append(CellPlace(column, *fields[column][:2]) if is_there else None)
    return places


def _fields(row: str, fmt: FileFormat) -> list[tuple[int, int, str]]:
    """Where each cell of a row begins and ends, and its text."""
    ends = RowEnds(fmt.delimiter)
    row = row.removesuffix(fmt.tail) if fmt.tail else row
    fields = [(start, end, unquoted(row[start:end])) for start, end in ends.fields(row) or []]
    if len(fields) == 1 and fmt.columns > 1 and fmt.delimiter in row:
        inside, places = _inside(row)
        return [
            (places[start], places[end], unquoted(inside[start:end])) for start, end in ends.fields(inside) or []
        ] or fields
    return fields


def _inside(row: str) -> tuple[str, list[int]]:
    """The text in the quotes around a whole row, and where each of its characters, and its end, stand in the row."""
    at, end = row.find('"') + 1, row.rfind('"')
    chars, places = [], []
    while 0 < at < end:
        chars.append(row[at])
        places.append(at)
        at += 2 if row[at] == '"' else 1
    return "".join(chars), [*places, end]
