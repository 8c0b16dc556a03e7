"""ingestion_batches as intake creates them: one live batch per file and programme, and one batch per upload."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.batch import BatchStatus
from ingestion.database.connection import Connection, rows, to_json


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
    retries_batch_id: UUID | None = None
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
            retries_batch_id, file_name, file_hash, file_size_bytes, imported_by, claimed_by, forced, force_reason,
            dry_run, max_error_percent, date_order, time_zone, format, work_key, csv_metadata, shard_count, total_rows)
        VALUES (
            :id, :upload_id, :program_type, :program_instance_id, :parent_batch_id, :corrects_batch_id,
            :compares_rejects, :retries_batch_id, :file_name, :file_hash, :file_size_bytes, :imported_by, :claimed_by,
            :forced, :force_reason, :dry_run, :max_error_percent, :date_order, :time_zone, CAST(:format_ AS jsonb),
            :work_key, CAST(:csv_metadata AS jsonb), :shard_count, :total_rows)
            ON CONFLICT (file_hash, program_type)
               WHERE (status IN ('pending', 'running', 'completed', 'archived')
                      OR (status = 'undoing' AND undone_at IS NULL)) AND NOT forced AND NOT dry_run
                 AND retries_batch_id IS NULL
            DO NOTHING
     RETURNING id
        """,
        **batch.model_dump(exclude={"format", "csv_metadata"}),
        format_=to_json(batch.format),
        csv_metadata=to_json(batch.csv_metadata),
    )
    return bool(created)


def find_live(db: Connection, file_hash: str, program_type: str) -> Live | None:
    """Find the oldest batch that has imported or is importing this file, forced ones last.

    Dry runs don't count, nor do retries, which read only some of its rows.
    """
    found = rows(
        db,
        """
        SELECT id, status, to_char(coalesce(completed_at, created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date
          FROM ingestion_batches
         WHERE file_hash = :file_hash AND program_type = :program_type AND NOT dry_run AND retries_batch_id IS NULL
           AND status IN ('pending', 'running', 'completed', 'archived', 'undoing')
      ORDER BY forced, created_at
         LIMIT 1
        """,
        file_hash=file_hash,
        program_type=program_type,
    )
    return Live.model_validate(found[0]) if found else None


def find_of_upload(db: Connection, upload_id: UUID) -> UUID | None:
    """Find the batch of an upload."""
    found = db.run(
        "SELECT id FROM ingestion_batches WHERE upload_id = :upload_id AND retries_batch_id IS NULL",
        upload_id=upload_id,
    )
    return found[0][0] if found else None


class Retry(BaseModel):
    """A batch that reads some rejected rows of another one again, from the same object."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    of_batch: UUID
    rows: int
    shard_count: int
    date_order: str | None
    time_zone: str | None
    asked_by: str


def create_retry(db: Connection, retry: Retry) -> None:
    """Create the batch, which reads the file as its parent did, but for the dates that are declared now."""
    db.run(
        """
        INSERT INTO ingestion_batches (
            id, upload_id, program_type, program_instance_id, parent_batch_id, corrects_batch_id, compares_rejects,
            retries_batch_id, file_name, file_hash, file_size_bytes, imported_by, date_order, time_zone, format,
            work_key, csv_metadata, shard_count, total_rows)
        SELECT :id, p.upload_id, p.program_type, p.program_instance_id, p.id, p.corrects_batch_id, p.compares_rejects,
               p.id, p.file_name, p.file_hash, p.file_size_bytes, :asked_by, CAST(:date_order AS text),
               CAST(:time_zone AS text), p.format, p.work_key,
               p.csv_metadata || jsonb_build_object('warnings', CAST('[]' AS jsonb), 'ratingScaleAssumed', false,
                                                    'dateOrder', CAST(:date_order AS text),
                                                    'timeZone', CAST(:time_zone AS text),
                                                    'rowCount', CAST(:rows AS integer)),
               CAST(:shard_count AS integer), CAST(:rows AS integer)
          FROM ingestion_batches p
         WHERE p.id = :of_batch
        """,
        **retry.model_dump(),
    )


def find_retry_at_work(db: Connection, batch_id: UUID) -> Live | None:
    """Find the retry of a batch that has not ended; there is at most one."""
    found = rows(
        db,
        """
        SELECT id, status, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS date
          FROM ingestion_batches
         WHERE retries_batch_id = :batch_id AND status IN ('pending', 'running')
        """,
        batch_id=batch_id,
    )
    return Live.model_validate(found[0]) if found else None
