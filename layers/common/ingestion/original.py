"""Read a row of a batch's file again, as Stage read it, and find where it stands."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple
from uuid import UUID

from ingestion.aws import s3
from ingestion.batch import BatchStatus
from ingestion.corrected_chunk import RejectsGone, apply_correction, correction_of
from ingestion.csv_file.cell_places import CellPlace, find_row, place_cells
from ingestion.csv_file.chunk_reader import Block, read_blocks
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection
from ingestion.database.tables import batches, chunks
from ingestion.database.tables.batches import Batch
from ingestion.faults import RawRow, Reject
from ingestion.original_text import SpanText, read_span


class PlacedCell(NamedTuple):
    """A cell where it stands: its column from 0, and its bytes in the upload, if these can be counted."""

    column: int
    bytes: tuple[int, int] | None


class OriginalRow(NamedTuple):
    """A row of a file."""

    batch: Batch
    raw: RawRow
    """As the file has it."""
    taken: RawRow | Reject
    """As it was read: of a corrected file, cells that nobody changed have the words that were handed out."""
    is_whole: bool
    """Whether the row has a cell for each column."""
    sheet_row: int | None
    """The row of a spreadsheet; None if it is not known."""
    cells: list[PlacedCell | None]


def get_row(db: Connection, batch_id: UUID, number: int, work_bucket: str) -> OriginalRow:
    """Read the row of this number. Raises NoSuchFile, InColdStorage, TooFar, Unavailable, LookupError."""
    batch = batches.get(db, batch_id)
    found = chunks.find_span(db, batch_id, number)
    if found is None or batch.status is BatchStatus.ARCHIVED:
        raise s3.NoSuchFile("An archived batch no longer has its file.")
    span = ChunkSpan.model_validate(found)
    if span.only and number not in span.only:
        raise LookupError(f"batch {batch_id} has no row {number}")
    text = read_span(batch, span)
    as_it_stands = _find(read_blocks(text.data, span, batch.file_format), number)
    if as_it_stands is None:
        raise LookupError(f"batch {batch_id} has no row {number}")
    taken = as_it_stands
    # Without the parent's rejects, only the text of the corrected file itself can be shown.
    with suppress(RejectsGone):
        correction = correction_of(batch, db, work_bucket)
        if correction:
            blocks = apply_correction(correction, read_blocks(text.data, span, batch.file_format))
            taken = _find(blocks, number) or as_it_stands
    is_whole = isinstance(as_it_stands, RawRow)
    raw = as_it_stands if isinstance(as_it_stands, RawRow) else as_it_stands.row
    return OriginalRow(batch, raw, taken, is_whole, *_places(text, span, batch, raw))


def _find(blocks: Iterable[Block], number: int) -> RawRow | Reject | None:
    return next((row for row in _each(blocks) if _number(row) == number), None)


def _each(blocks: Iterable[Block]) -> Iterator[RawRow | Reject]:
    for block in blocks:
        yield from block.in_order()


def _number(row: RawRow | Reject) -> int:
    return row.row.number if isinstance(row, Reject) else row.number


def _places(text: SpanText, span: ChunkSpan, batch: Batch, raw: RawRow) -> tuple[int | None, list[PlacedCell | None]]:
    """The row of a spreadsheet, and where each cell stands."""
    data = text.data[: span.shown_end - span.start]
    place = None if span.oversized else find_row(data, span, batch.file_format, raw.line)
    if place is None:
        return None, [None] * len(raw.cells)
    cells = place_cells(data[place.start : place.end], raw.cells, batch.file_format, span.order)
    first = span.first_sheet_row
    sheet_row = None if first is None else first + place.sheet_rows_above
    return sheet_row, [cell and _placed(cell, text, place.start) for cell in cells]


def _placed(cell: CellPlace, text: SpanText, row_start: int) -> PlacedCell:
    start, end = text.place(row_start + cell.start), text.place(row_start + cell.end)
    return PlacedCell(cell.column, None if start is None or end is None else (start, end))
