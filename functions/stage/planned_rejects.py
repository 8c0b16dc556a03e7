"""The rows that a plan rejected stay rejected when it is carried out, with the faults that were shown."""

from collections.abc import Mapping
from uuid import UUID

from ingestion.aws import object_keys, s3
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection
from ingestion.database.tables import batches, chunks
from ingestion.database.tables.batches import Batch
from ingestion.errors import BatchBroken
from ingestion.faults import Fault, RawRows, Reject
from ingestion.rows.rejects import read_rejects
from ingestion.rows.validation import Validated

PlannedRejects = Mapping[int, tuple[Fault, ...]]
"""The faults of the rejected rows of a chunk, by row number."""


def planned_rejects(batch: Batch, span: ChunkSpan, db: Connection, bucket: str) -> PlannedRejects:
    """Read what the plan rejected of a chunk; nothing for a batch that carries out none. Raises BatchBroken."""
    if batch.planned_by_batch_id is None:
        return {}
    planned = batches.get(db, batch.planned_by_batch_id)
    if planned.error_file_key is None:
        return {}
    chunk = chunks.get(db, planned.id, span.number)
    if not chunk.rejected_rows and not chunk.conflicts:
        return {}
    try:
        return _read(planned.id, span, bucket)
    except s3.NoSuchFile as gone:
        raise BatchBroken("The rejected rows of the dry run have been deleted.") from gone


def _read(dry_run: UUID, span: ChunkSpan, bucket: str) -> PlannedRejects:
    file = s3.blocks(bucket, object_keys.reject_values(dry_run), None)
    numbers = range(span.first_row, span.first_row + span.rows)
    return {reject.row.number: reject.faults for reject in read_rejects(file, numbers)}


def as_planned(
    valid: Validated, rejects: list[Reject], raw_rows: RawRows, planned: PlannedRejects
) -> tuple[Validated, list[Reject]]:
    """Move the rows that the plan rejected to the rejects; those rejected anyway get the faults of the plan."""
    if not planned:
        return valid, rejects
    shown = [Reject(reject.row, planned.get(reject.row.number, reject.faults)) for reject in rejects]
    stays = [number not in planned for number in valid.columns["row_number"]]
    if all(stays):
        return valid, shown
    moved = {number for number in valid.columns["row_number"] if number in planned}
    shown += [Reject(row, planned[row.number]) for row in raw_rows.each() if row.number in moved]
    return valid.where(stays), shown
