"""Read a batch's file again, and compare what the batch stored of each row with what the row says.

The file is read with the batch's own settings (scale, order of dates, zone), chunk by chunk, and the stored rows page
by page in the same order: memory stays flat.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple
from uuid import UUID

from ingestion.aws import s3
from ingestion.batch import BatchStatus
from ingestion.corrected_chunk import apply_correction, correction_of
from ingestion.csv_file.chunk_reader import only_asked_for, read_blocks
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection
from ingestion.database.queries import lineage
from ingestion.database.tables import batches, chunks
from ingestion.database.tables.batches import Batch
from ingestion.original_text import UnpackedText
from ingestion.records import Field, Kind, Programme
from ingestion.records.answers import as_answered
from ingestion.records.record_type import Part
from ingestion.rows.explanations import ReadWith, read_stored
from ingestion.values.ratings import Scale

PAGE_ROWS = 2_000
MOST_DIFFERING = 1_000
"""So many differences are listed; the rest is only counted."""

Values = dict[str, Any]


class Difference(NamedTuple):
    """A stored value that is not what its row says. Without a field, the file has no such valid row."""

    row_number: int
    field: Field | None
    stored: Any
    file: Any


class Verified(NamedTuple):
    """What was found: how many stored rows were compared, and what differs."""

    checked_rows: int
    differing_values: int
    differing: list[Difference]


class OutOfTime(Exception):
    """The file has more rows than could be read in the time given."""


class RejectsGone(Exception):
    """The rejected rows with which a corrected file was compared have been deleted since."""


def verify(db: Connection, batch_id: UUID, work_bucket: str, until: datetime) -> Verified:
    """Compare all records, and versions of records, of a batch with their rows.

    Raises NoSuchFile, InColdStorage, RejectsGone, OutOfTime, Unavailable.
    """
    batch = batches.get(db, batch_id)
    if batch.status is BatchStatus.ARCHIVED:
        raise s3.NoSuchFile("An archived batch no longer has its file.")
    if batches.has_lost_rejects_since(db, batch_id):
        raise RejectsGone
    checked, count, differing = 0, 0, list[Difference]()
    rows = _rows_of_file(db, batch, work_bucket)
    number, said = 0, Values()
    for stored in _stored(db, batch):
        while number < stored["row_number"]:
            if number % PAGE_ROWS == 0 and datetime.now(UTC) > until:
                raise OutOfTime
            number, said = next(rows, (2**31, {}))
        found = list(_differences(batch, stored, said if number == stored["row_number"] else None))
        checked, count = checked + 1, count + len(found)
        differing += found[: MOST_DIFFERING - len(differing)]
    return Verified(checked, count, differing)


def _differences(batch: Batch, stored: Values, said: Values | None) -> Iterator[Difference]:
    record, row = batch.programme.record, stored["row_number"]
    if said is None:
        yield Difference(row, None, stored[record.key.name], None)
        return
    for field in record.fields:
        # A value that no update changes may be that of an earlier row.
        if field.part is Part.KEPT and stored["version"] > 1:
            continue
        if field.name in said and said[field.name] != stored[field.name]:
            yield Difference(row, field, stored[field.name], said[field.name])


def _stored(db: Connection, batch: Batch) -> Iterator[Values]:
    """The rows that the batch inserted or updated, with what each left, in file order."""
    after: int | None = None
    record = batch.programme.record
    of_batch = lineage.records_of_batch if record.kind is Kind.SESSIONS else lineage.people_of_roster
    while page := of_batch(db, record, batch.id, PAGE_ROWS, after):
        yield from page
        after = page[-1]["row_number"]


def _rows_of_file(db: Connection, batch: Batch, work_bucket: str) -> Iterator[tuple[int, Values]]:
    """The number of each valid row, in file order, and its values as they are stored."""
    scale = Scale(batch.rating_scale) if batch.rating_scale else None
    read_with = ReadWith(batch.column_plan, scale, batch.started_at or datetime.now(UTC))
    correction = correction_of(batch, db, work_bucket)
    spans = [ChunkSpan.model_validate(span) for span in chunks.spans(db, batch.id)]
    for span, data in _texts(batch, spans):
        for block in apply_correction(correction, only_asked_for(read_blocks(data, span, batch.file_format), span)):
            yield from read_stored(block.rows, read_with)


def _texts(batch: Batch, spans: list[ChunkSpan]) -> Iterator[tuple[ChunkSpan, bytes]]:
    """The text of each chunk, from the upload itself."""
    if batch.work_key is None:
        for span in spans:
            yield span, s3.read_range(batch.bucket, batch.key, batch.version_id, span.start, span.fetch_end)
        return
    pieces = UnpackedText(batch).pieces()
    held, start = b"", 0
    for span in spans:
        while start + len(held) < span.fetch_end and (piece := next(pieces, b"")):
            held += piece
            start, held = _from(span.start, start, held)
        start, held = _from(span.start, start, held)
        yield span, held[: span.fetch_end - start]


def _from(at: int, start: int, held: bytes) -> tuple[int, bytes]:
    """Drop what stands before a byte of the text, of which *held* begins at *start*."""
    dropped = min(max(0, at - start), len(held))
    return start + dropped, held[dropped:]


def as_json(found: Difference, programme: Programme) -> dict[str, Any]:
    """Write a difference as answers have it; the column is `row` if the file has no such valid row."""
    if found.field is None:
        return {"rowNumber": found.row_number, "field": "row", "stored": found.stored, "file": None}
    return {
        "rowNumber": found.row_number,
        "field": programme.column_of(found.field.staged).name,
        "stored": as_answered(found.field, found.stored),
        "file": as_answered(found.field, found.file),
    }
