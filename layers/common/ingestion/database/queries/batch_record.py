"""Read the whole record of one batch, with its upload and its chunks, and totals over many batches."""

from datetime import datetime
from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection, rows
from ingestion.database.publishing.targets import Target


def find(db: Connection, batch_id: UUID) -> dict[str, Any] | None:
    """Find everything recorded about a batch except its chunks."""
    found = rows(
        db,
        """
        SELECT b.*, r.error_file_key, r.error_file_deleted_at, r.cancelled_at, r.claimed_by, r.forced, r.force_reason,
               r.max_error_percent, r.csv_metadata, r.rating_scale, r.reconciled_at, r.archived_at, u.key, u.version_id,
               d.requested_by AS undone_by
          FROM batch_view b
          JOIN ingestion_batches r ON r.id = b.id
          JOIN uploads u ON u.id = b.upload_id
     LEFT JOIN LATERAL (SELECT o.requested_by
                          FROM undos o
                         WHERE o.batch_id = b.id AND o.state = 'completed' AND b.undone_at IS NOT NULL
                      ORDER BY o.number DESC
                         LIMIT 1) d ON true
         WHERE b.id = :id
        """,
        id=batch_id,
    )
    return found[0] if found else None


def exists(db: Connection, batch_id: UUID) -> bool:
    """Whether there is such a batch."""
    return bool(db.run("SELECT FROM ingestion_batches WHERE id = :id", id=batch_id))


def chunks(db: Connection, batch_id: UUID, limit: int) -> list[dict[str, Any]]:
    """Return the batch's first chunks in file order, each with the outcomes of its rows so far."""
    return rows(
        db,
        """
        SELECT number, first_row, rows, state, staged_rows, rejected_rows, inserted_rows, updated_rows, unchanged_rows,
               conflict_rows, staged_at
          FROM chunks
         WHERE batch_id = :batch_id
      ORDER BY number
         LIMIT CAST(:limit AS bigint)
        """,
        batch_id=batch_id,
        limit=limit,
    )


def relatives(db: Connection, batch_id: UUID) -> list[dict[str, Any]]:
    """Return the batch's parent and its children, at most 200, oldest first."""
    return rows(
        db,
        """
        SELECT r.id, r.file_name, r.status, r.created_at, r.parent_batch_id = :batch_id IS TRUE AS is_child
          FROM ingestion_batches r
         WHERE r.parent_batch_id = :batch_id
            OR r.id = (SELECT b.parent_batch_id FROM ingestion_batches b WHERE b.id = :batch_id)
      ORDER BY r.created_at, r.id
         LIMIT 200
        """,
        batch_id=batch_id,
    )


def standing(db: Connection, batch_id: UUID, target: Target) -> int:
    """Count the records that still have the content that this batch gave them."""
    found = db.run(f"SELECT count(*) FROM {target.table} s WHERE {target.of_batch('s')}", batch_id=batch_id)
    return int(found[0][0])


def totals(db: Connection, program_type: str | None, start: datetime | None, end: datetime | None) -> dict[str, Any]:
    """Sum up the batches created from *start* up to *end*, exclusive; count dry runs and unfinished ones apart."""
    return rows(
        db,
        """
        SELECT count(*) FILTER (WHERE b.counts) AS batches,
               coalesce(sum(b.total_rows) FILTER (WHERE b.counts), 0) AS total_rows,
               coalesce(sum(b.success_rows) FILTER (WHERE b.counts), 0) AS success_rows,
               coalesce(sum(b.error_rows) FILTER (WHERE b.counts), 0) AS error_rows,
               coalesce(sum(b.open_rows) FILTER (WHERE b.counts), 0) AS open_rows,
               coalesce(sum(b.corrected_rows) FILTER (WHERE b.counts), 0) AS corrected_rows,
               coalesce(sum(b.skipped_rows) FILTER (WHERE b.counts), 0) AS skipped_rows,
               coalesce(sum(b.inserted_rows) FILTER (WHERE b.counts), 0) AS inserted_rows,
               coalesce(sum(b.updated_rows) FILTER (WHERE b.counts), 0) AS updated_rows,
               count(*) FILTER (WHERE b.counts AND b.status = 'failed') AS failed_batches,
               count(*) FILTER (WHERE NOT b.dry_run AND b.status IN ('pending', 'running')) AS unfinished_batches,
               count(*) FILTER (WHERE b.dry_run) AS dry_runs
          FROM batch_view b
         WHERE (CAST(:program_type AS text) IS NULL OR b.program_type = :program_type)
           AND (CAST(:start AS timestamptz) IS NULL OR b.created_at >= :start)
           AND (CAST(:end AS timestamptz) IS NULL OR b.created_at < :end)
        """,
        program_type=program_type,
        start=start,
        end=end,
    )[0]


def schema_version(db: Connection) -> str | None:
    """Return the newest migration applied to the database."""
    found = db.run("SELECT max(version) FROM schema_migrations WHERE applied_at IS NOT NULL")
    return found[0][0] if found else None
