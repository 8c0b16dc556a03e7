"""The row of the upload that a session came from, read from the chunk that holds it.

The unpacked copy that the import made is kept for days only, the upload for as long as its batch. So a packed file is
unpacked again, as far as that row.
"""

from collections.abc import Iterable, Iterator
from contextlib import closing
from uuid import UUID

from ingestion.aws import s3
from ingestion.batch import BatchStatus
from ingestion.csv_file.chunk_reader import read_chunk
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.csv_file.file_limits import Limits
from ingestion.csv_file.unpacking import Unpacker
from ingestion.database.connection import Connection
from ingestion.database.tables import batches, chunks
from ingestion.database.tables.batches import Batch
from ingestion.faults import RawRow

MOST_UNPACKED_BYTES = 64 << 20
"""About a second of unpacking; rows further into a packed file are not read while somebody waits."""


MOST_SHOWN_CHARACTERS = 1_000_000
CHARACTERS_OF_MARKUP = 100
"""Roughly what a page adds to a cell's text."""


class TooFar(Exception):
    """The row lies too far into a packed file."""


def get_cells(db: Connection, batch_id: UUID, number: int) -> list[tuple[str, str]]:
    """Header and cell of each column of a row, as they stand in the file.

    Raises NoSuchFile, InColdStorage, TooFar, Unavailable.
    """
    batch = batches.get(db, batch_id)
    found = chunks.find_span(db, batch_id, number)
    if found is None or batch.status is BatchStatus.ARCHIVED:
        raise s3.NoSuchFile("An archived batch no longer has its file.")
    span = ChunkSpan.model_validate(found)
    for row in read_chunk(_text_of(batch, span), span, batch.file_format):
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


def _text_of(batch: Batch, span: ChunkSpan) -> bytes:
    if batch.work_key is None:
        return s3.read_range(batch.bucket, batch.key, batch.version_id, span.start, span.fetch_end)
    if span.end > MOST_UNPACKED_BYTES:
        raise TooFar
    text, at = bytearray(), 0
    for piece in _unpacked(batch):
        text += piece[max(0, span.start - at) : max(0, span.fetch_end - at)]
        at += len(piece)
        if at >= span.fetch_end:
            break
    return bytes(text)


def _unpacked(batch: Batch) -> Iterator[bytes]:
    unpacker = Unpacker(Limits().unpacked, Limits().unpacked_ratio)
    # Closing it also closes the response from S3.
    with closing(s3.blocks(batch.bucket, batch.key, batch.version_id)) as blocks:
        for block in blocks:
            yield from unpacker.feed(block)
        yield from unpacker.finish()
