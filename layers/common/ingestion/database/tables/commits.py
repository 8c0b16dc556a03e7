"""ingestion_batches as a commit creates them: from the dry run whose plan is carried out, and its upload."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection
from ingestion.database.tables.new_batches import PLANNED_INSTANCE


class NewCommit(BaseModel):
    """What a commit does not have from its dry run."""

    model_config = ConfigDict(frozen=True)

    id: UUID
    planned_by: UUID
    imported_by: str
    program_instance_id: int | None
    leaves_out_changed: bool
    is_forced: bool
    """Whether its file is imported again although it was imported before."""


def find(db: Connection, planned_by: UUID) -> UUID | None:
    """Find the batch that imports, or imported, what a dry run planned; one that failed is none."""
    found = db.run(
        """
        SELECT id FROM ingestion_batches
         WHERE planned_by_batch_id = :planned_by
           AND status IN ('pending', 'running', 'completed', 'archived', 'undoing')
        """,
        planned_by=planned_by,
    )
    return found[0][0] if found else None


def force_reason(db: Connection, planned_by: UUID) -> str | None:
    """Why the file of a dry run may be imported again; None if it may not."""
    found = db.run("SELECT force_reason FROM ingestion_batches WHERE id = :id AND forced", id=planned_by)
    return found[0][0] if found else None


def planned_instance(db: Connection, planned_by: UUID) -> str | None:
    """The slug of the instance that a commit creates; None if there is one already, or none is needed."""
    sql = f"SELECT csv_metadata->>'{PLANNED_INSTANCE}' FROM ingestion_batches WHERE id = :id"
    slug: str | None = db.run(sql, id=planned_by)[0][0]
    return slug


def planned_content_hash(db: Connection, planned_by: UUID) -> str | None:
    """The hash of the rows of a dry run, which are those of its commit."""
    found: str | None = db.run("SELECT content_hash FROM ingestion_batches WHERE id = :id", id=planned_by)[0][0]
    return found


def create(db: Connection, commit: NewCommit) -> int | None:
    """Create the batch and its chunks, and return how many; None if another upload of the same bytes came first.

    The dry run must be locked.
    """
    created: list[list[Any]] = db.run(
        f"""
        INSERT INTO ingestion_batches (
            id, upload_id, program_type, program_instance_id, parent_batch_id, corrects_batch_id, compares_rejects,
            file_name, file_hash, file_size_bytes, imported_by, forced, force_reason, dry_run, max_error_percent,
            date_order, time_zone, format, work_key, csv_metadata, shard_count, total_rows, planned_by_batch_id,
            leaves_out_changed)
        SELECT :id, upload_id, program_type, CAST(:program_instance_id AS integer), parent_batch_id, corrects_batch_id,
               compares_rejects,
               file_name, file_hash, file_size_bytes, :imported_by, CAST(:is_forced AS boolean),
               CASE WHEN CAST(:is_forced AS boolean) THEN force_reason END, false, max_error_percent, date_order,
               time_zone, format, work_key, csv_metadata - '{PLANNED_INSTANCE}', shard_count, total_rows, id,
               :leaves_out_changed
          FROM ingestion_batches
         WHERE id = :planned_by
            ON CONFLICT (file_hash, program_type)
               WHERE (status IN ('pending', 'running', 'completed', 'archived')
                      OR (status = 'undoing' AND undone_at IS NULL)) AND NOT forced AND NOT dry_run
                 AND retries_batch_id IS NULL
            DO NOTHING
     RETURNING id
        """,
        **commit.model_dump(),
    )
    if not created:
        return None
    db.run(
        """
        INSERT INTO chunks (batch_id, number, span, first_row, rows)
        SELECT :id, number, span, first_row, rows FROM chunks WHERE batch_id = :planned_by
        """,
        id=commit.id,
        planned_by=commit.planned_by,
    )
    return int(db.row_count)
