"""ingestion_batches as the steps of an import read them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import BatchStatus, Tally
from ingestion.csv_file.chunk_spans import FileFormat
from ingestion.database.connection import Connection, rows
from ingestion.database.tables.new_batches import PLANNED_INSTANCE
from ingestion.errors import Cancelled
from ingestion.records import Programme, get_programme
from ingestion.rows.columns import ColumnPlan, plan_columns
from ingestion.rows.error_file import ErrorFile
from ingestion.values.date_forms import DateOrder
from ingestion.values.dates import declared_of


class Batch(BaseModel):
    """What the steps of an import need to know about their batch."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    status: BatchStatus
    program_type: str
    program_instance_id: int | None
    file_name: str
    file_hash: str
    dry_run: bool
    max_error_percent: float | None
    date_order: str | None
    time_zone: str | None
    format: dict[str, Any]
    work_key: str | None
    bucket: str
    key: str
    version_id: str
    rating_scale: str | None
    shard_count: int
    total_rows: int
    error_file_key: str | None
    failure_reason: str | None
    failure_code: str | None
    imported_by: str | None
    execution: str | None
    started_at: datetime | None
    is_cancelled: bool
    corrects_batch_id: UUID | None
    given_scale: str | None
    """The rating scale of the file whose rows this one corrects or retries."""
    compares_rejects: bool
    """Whether its rows are compared with the rejects of the batch that it corrects."""
    retries_batch_id: UUID | None
    """The batch of which it reads some rejected rows again."""
    has_rejects_to_compare: bool
    """Whether that batch has its rejects now; one that is started over has none until it ends."""
    plan_hash: str | None
    planned_by_batch_id: UUID | None
    """The dry run whose plan it carries out."""
    leaves_out_changed: bool
    """Whether a commit leaves out the rows that have changed since they were planned, instead of failing."""

    @property
    def has_ended(self) -> bool:
        """Whether no step has anything left to do."""
        return self.status not in (BatchStatus.PENDING, BatchStatus.RUNNING)

    @property
    def brings_back_rows(self) -> bool:
        """Whether its rows are rejected rows of another batch."""
        return self.retries_batch_id is not None or self.corrects_batch_id is not None

    def must_go_on(self) -> None:
        """Raises Cancelled if somebody cancelled the import."""
        if self.is_cancelled:
            raise Cancelled("The import was cancelled.")

    @property
    def programme(self) -> Programme:
        """The programme whose rules the file follows."""
        return get_programme(self.program_type)

    @property
    def file_format(self) -> FileFormat:
        """How the file's bytes are read."""
        return FileFormat.model_validate(self.format)

    @property
    def column_plan(self) -> ColumnPlan:
        """The plan of the file's columns."""
        declared = declared_of(self.date_order, self.time_zone)
        is_correction = self.corrects_batch_id is not None
        return plan_columns(self.file_format.header, self.programme, declared, corrects=is_correction)

    @property
    def error_file(self) -> ErrorFile:
        """What all lines of its error file share."""
        return ErrorFile(self.column_plan, self.file_format.delimiter, self.id)

    def is_over_limit(self, tally: Tally) -> bool:
        """Whether more of its rows were rejected than its uploader allows."""
        return self.max_error_percent is not None and tally.is_over(self.max_error_percent)

    def publishes(self, tally: Tally) -> bool:
        """Whether any of its rows will become sessions or people after reconciling."""
        return not self.dry_run and not self.is_over_limit(tally) and tally.success > 0


class Parent(BaseModel):
    """The batch that a file corrects, and what the file inherits from it unless its uploader says otherwise."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    program_type: str
    program_instance_id: int | None
    planned_instance: str | None
    """The slug of the instance that a dry run would have created."""
    date_order: DateOrder | None
    time_zone: str | None
    has_ended: bool
    has_lost_rejects: bool
    has_rejects: bool


def get(db: Connection, batch_id: UUID, *, lock: bool = False) -> Batch:
    """Read a batch; with *lock*, nobody else changes it until the transaction ends. Raises LookupError."""
    found = rows(
        db,
        f"""
        SELECT b.id, b.status, b.program_type, b.program_instance_id, b.file_name, b.file_hash, b.dry_run,
               b.max_error_percent, b.plan_hash, b.planned_by_batch_id, b.leaves_out_changed, b.date_order,
               b.time_zone, b.format, b.work_key, u.bucket, u.key, u.version_id, b.rating_scale,
               b.shard_count, b.total_rows, b.error_file_key, b.failure_reason, b.failure_code, b.imported_by,
               b.execution, b.started_at, b.cancelled_at IS NOT NULL AS is_cancelled, b.corrects_batch_id,
               b.compares_rejects, b.retries_batch_id,
               coalesce(r.rating_scale, c.rating_scale) AS given_scale,
               c.error_file_key IS NOT NULL AND c.error_file_deleted_at IS NULL AS has_rejects_to_compare
          FROM ingestion_batches b
          JOIN uploads u ON u.id = b.upload_id
     LEFT JOIN ingestion_batches c ON c.id = b.corrects_batch_id
     LEFT JOIN ingestion_batches r ON r.id = b.retries_batch_id
         WHERE b.id = :id
         {"FOR UPDATE OF b" if lock else ""}
        """,
        id=batch_id,
    )
    if not found:
        raise LookupError(f"there is no batch {batch_id}")
    return Batch.model_validate(found[0])


def is_in_line(db: Connection, batch_id: UUID, ancestor_id: UUID) -> bool:
    """Whether a batch is that one, or corrects it, or corrects one that corrects it, and so on."""
    found = db.run(
        """
        WITH RECURSIVE line AS (
            SELECT id, corrects_batch_id FROM ingestion_batches WHERE id = :id
             UNION
            SELECT b.id, b.corrects_batch_id FROM line l JOIN ingestion_batches b ON b.id = l.corrects_batch_id
        )
        SELECT EXISTS (SELECT FROM line WHERE id = :ancestor_id)
        """,
        id=batch_id,
        ancestor_id=ancestor_id,
    )
    return bool(found[0][0])


def find_parent(db: Connection, batch_id: UUID, *, lock: bool = False) -> Parent | None:
    """Find the batch that a file corrects; with *lock* nothing of it is deleted until the transaction ends.

    Of a dry run that was committed, that is the commit: it imported the rows, and has the same rejects.
    """
    found = rows(
        db,
        f"""
        SELECT b.id, b.program_type, b.program_instance_id, b.csv_metadata->>'{PLANNED_INSTANCE}' AS planned_instance,
               b.date_order, b.time_zone, b.status NOT IN ('pending', 'running') AS has_ended,
               b.error_file_deleted_at IS NOT NULL AS has_lost_rejects,
               b.error_file_key IS NOT NULL AND b.error_file_deleted_at IS NULL AS has_rejects
          FROM ingestion_batches b
         WHERE b.id = coalesce((SELECT c.id FROM ingestion_batches c
                                 WHERE c.planned_by_batch_id = :id AND c.status IN ('completed', 'archived')), :id)
         {"FOR KEY SHARE" if lock else ""}
        """,
        id=batch_id,
    )
    return Parent.model_validate(found[0]) if found else None


def has_lost_rejects_since(db: Connection, batch_id: UUID) -> bool:
    """Whether the rejects that a corrected file was compared with have been deleted since it was read."""
    found = db.run(
        """
        SELECT FROM ingestion_batches b
          JOIN ingestion_batches c ON c.id = b.corrects_batch_id
         WHERE b.id = :id AND c.error_file_deleted_at > b.started_at
        """,
        id=batch_id,
    )
    return bool(found)
