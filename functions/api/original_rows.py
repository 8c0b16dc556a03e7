"""The row of the upload that a session came from, as a page shows it."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from ingestion.aws import s3
from ingestion.batch import BatchStatus
from ingestion.csv_file.chunk_reader import read_chunk
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection
from ingestion.database.tables import batches, chunks
from ingestion.faults import RawRow
from ingestion.original_text import read_span

MOST_SHOWN_CHARACTERS = 1_000_000
CHARACTERS_OF_MARKUP = 100
"""Roughly what a page adds to a cell's text."""


def get_cells(db: Connection, batch_id: UUID, number: int) -> list[tuple[str, str]]:
    """Header and cell of each column of a row, as they stand in the file.

    Raises NoSuchFile, InColdStorage, TooFar, Unavailable.
    """
    batch = batches.get(db, batch_id)
    found = chunks.find_span(db, batch_id, number)
    if found is None or batch.status is BatchStatus.ARCHIVED:
        raise s3.NoSuchFile("An archived batch no longer has its file.")
    span = ChunkSpan.model_validate(found)
    for row in read_chunk(read_span(batch, span).data, span, batch.file_format):
        if isinstance(row, RawRow) and row.number == number:
            return list(_some(zip(batch.file_format.header, row.cells, strict=False)))
    raise s3.NoSuchFile("The file has no such row.")


def _some(cells: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """All cells, unless the row is larger than an answer may be."""
    left = MOST_SHOWN_CHARACTERS
    for header, cell in cells:
        if left <= 0:
            yield "…", "…"
            return
        yield header[:left], cell if len(cell) <= left else f"{cell[:left]}…"
        left -= len(header) + len(cell) + CHARACTERS_OF_MARKUP
