"""Rewrites a chunk's part of the error file to include the rows whose session id belongs to another session.

Only the whole file and the stored sessions show which rows conflict. Their cells are in the chunk, which is read once
more.
"""

from ingestion.aws.reject_parts import read_part, write_kept
from ingestion.config import Settings
from ingestion.contracts import AnnotateTask
from ingestion.csv_file.chunk_spans import ChunkSpan
from ingestion.database.connection import Connection
from ingestion.database.tables import batches, chunks
from ingestion.faults import Fault, FaultCode, RawRow, Reject
from ingestion.rows.columns import ColumnPlan
from ingestion.rows.formulas import restore
from ingestion.rows.rejects import as_kept
from ingestion.source import source_of
from ingestion.values.marks import shown


def annotate_chunk(task: AnnotateTask, db: Connection, settings: Settings) -> int:
    """Rewrite the part; returns how many rows it has. A repeat gives the same result. Raises Cancelled, Unavailable."""
    batch = batches.get(db, task.batch_id)
    batch.must_go_on()
    plan, file = batch.column_plan, batch.error_file
    chunk = chunks.get(db, task.batch_id, task.chunk)
    span = ChunkSpan.model_validate(chunk.span)
    # A chunk that rejected nothing has no part yet, unless an earlier attempt of this step wrote one.
    found = read_part(settings.work_bucket, task.chunk, file) if chunk.rejected_rows else []
    kept = {reject.row.number: reject for reject in found}
    for row in source_of(batch, settings.work_bucket).rows(span):
        if isinstance(row, RawRow) and row.number in chunk.conflicts:
            kept[row.number] = as_kept(Reject(row, (_fault(row, plan),)), plan)
    write_kept(settings.work_bucket, task.chunk, list(kept.values()), file)
    return len(kept)


def _fault(row: RawRow, plan: ColumnPlan) -> Fault:
    record, field = plan.programme.record, plan.programme.key_column.name
    cell = row.cells[plan.indexes[field]]
    text = restore(cell) if plan.is_error_file else cell
    message = (
        f"{field}: {shown(text)} is the id of a {record.name} of other people; correct the id or the "
        f"{'two addresses' if len(record.people) > 1 else 'address'}"
    )
    return Fault(FaultCode.ID_CONFLICT, field, message, text)
