"""ingestion_batches as intake creates them: one live batch per file and programme, and one batch per upload."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import BatchStatus
from ingestion.database.connection import Connection, rows, to_json

PLANNED_INSTANCE = "plannedInstance"
"""In csv_metadata of a dry run: the slug of the instance that a commit would create."""


class NewBatch(BaseModel):
    """What intake knows about a batch that it creates."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    upload_id: UUID
    program_type: str
    program_instance_id: int | None
    parent_batch_id: UUID | None
    corrects_batch_id: UUID | None = None
    compares_rejects: bool = False
    file_name: str
    file_hash: str
    file_size_bytes: int
    imported_by: str | None
    claimed_by: str | None
    forced: bool
    force_reason: str | None
    dry_run: bool
    max_error_percent: float | None
    date_order: str | None = None
    time_zone: str | None = None
    format: dict[str, Any]
    work_key: str | None
    csv_metadata: dict[str, Any]
    shard_count: int
    total_rows: int


class Live(BaseModel):
    """A batch that has imported, or is importing, the same content."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    status: BatchStatus
    date: str


def create(db: Connection, batch: NewBatch) -> bool:
    """Create the batch; False if a live one for the same file and programme came first, even by a moment."""
    created = db.run(
        """
        INSERT INTO ingestion_batches (
            id, upload_id, program_type, program_instance_id, parent_batch_id, corrects_batch_id, compares_rejects,
            file_name, file_hash, file_size_bytes, imported_by, claimed_by, forced, force_reason, dry_run,
            max_error_percent, date_order, time_zone, format, work_key, csv_metadata, shard_count, total_rows)
        VALUES (
            :id, :upload_id, :program_type, :program_instance_id, :parent_batch_id, :corrects_batch_id,
            :compares_rejects, :file_name, :file_hash, :file_size_bytes, :imported_by, :claimed_by, :forced,
            :force_reason, :dry_run, :max_error_percent, :date_order, :time_zone, CAST(:format_ AS jsonb), :work_key,
            CAST(:csv_metadata AS jsonb), :shard_count, :total_rows)
            ON CONFLICT (file_hash, program_type)
               WHERE status IN ('pending', 'running', 'completed', 'archived') AND NOT forced AND NOT dry_run
            DO NOTHING
     RETURNING id
        """,
        **batch.model_dump(exclude={"format", "csv_metadata"}),
        format_=to_json(batch.format),
        csv_metadata=to_json(batch.csv_metadata),
    )
    return bool(created)


def find_live(db: Connection, file_hash: str, program_type: str) -> Live | None:
    """Find the oldest batch that has imported or is importing this file, forced ones last; dry runs don't count."""
    found = rows(
        db,
        """
        SELECT id, status, to_char(coalesce(completed_at, created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date
          FROM ingestion_batches
         WHERE file_hash = :file_hash AND program_type = :program_type AND NOT dry_run
           AND status IN ('pending', 'running', 'completed', 'archived')
      ORDER BY forced, created_at
         LIMIT 1
        """,
        file_hash=file_hash,
        program_type=program_type,
    )
    return Live.model_validate(found[0]) if found else None


def find_of_upload(db: Connection, upload_id: UUID) -> UUID | None:
    """Find the batch of an upload; commits of its plan are not that."""
    found = db.run(
        "SELECT id FROM ingestion_batches WHERE upload_id = :upload_id AND planned_by_batch_id IS NULL",
        upload_id=upload_id,
    )
    return found[0][0] if found else None
