"""Writes a chunk's part of the error file again, with the rows in place whose session id turned out to be taken.

Which rows these are, only the whole file and the sessions could say; their cells are in the chunk, which is read once
more.
"""

from uuid import UUID

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from ingestion import files, paths
from ingestion.columns import ColumnPlan
from ingestion.config import Settings
from ingestion.db import Connection
from ingestion.error_file import lines_by_row, reject_line, restore
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.marks import shown
from ingestion.reading import ChunkSpan
from ingestion.source import source_of
from ingestion.tables import batches, chunks


class ChunkTask(BaseModel):
    """What the state machine asks for."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel)

    batch_id: UUID
    chunk: int


def explain_chunk(task: ChunkTask, db: Connection, settings: Settings) -> int:
    """Write the part again; how many rows it has. Done twice it comes to the same. Raises Unavailable."""
    batch = batches.get(db, task.batch_id)
    plan = batch.column_plan
    chunk = chunks.get(db, task.batch_id, task.chunk)
    span = ChunkSpan.model_validate(chunk.span)
    taken = chunks.taken_rows(db, task.batch_id, task.chunk)
    key = paths.reject_part(task.batch_id, task.chunk)
    # A chunk that rejected nothing has no part yet, or one that an earlier try of this very step wrote.
    lines = lines_by_row(files.read(settings.work_bucket, key)) if chunk.rejected_rows else {}
    for row in source_of(batch, settings.work_bucket).rows(span):
        if isinstance(row, RawRow) and row.number in taken:
            lines[row.number] = reject_line(Reject(row, (_fault(row, plan),)), plan)
    part = b"".join(line for _, line in sorted(lines.items()))
    files.write(settings.work_bucket, key, part)
    return len(lines)


def _fault(row: RawRow, plan: ColumnPlan) -> Fault:
    cell = row.cells[plan.indexes["session_id"]]
    session_id = shown(restore(cell) if plan.is_error_file else cell)
    message = (
        f"session_id: {session_id} is the id of a session of other people; correct the id, or the addresses of the two"
    )
    return Fault(FaultCode.SESSION_ID_TAKEN, "session_id", message)
