"""Read the dashboard's timeline: every upload with its batch, newest first.

Without a filter, or filtered by the state of uploads, it is read from the uploads; filtered by batches, from the
batches. Either way an index gives the order (`uploads_newest_first`, `uploads_by_state`, `batches_by_status`,
`batches_of_programme`, `batches_of_instance`), so a page costs what it shows.
"""

from typing import Any, Final
from uuid import UUID

from ingestion.database.connection import Connection, rows
from ingestion.database.queries.lists import PAGE_OF_BATCHES, PAGE_OF_UPLOADS, UPLOAD_COLUMNS, BatchFilter, NewestFirst

_COLUMNS: Final = f"""
               u.id AS upload_id, {UPLOAD_COLUMNS}, u.options ->> 'programType' AS named_program_type,
               b.id AS batch_id, b.status, b.program_type, b.program_instance, b.dry_run, b.failure_reason,
               b.total_rows, b.success_rows, b.skipped_rows, b.unchanged_rows, b.unpublished_rows, b.error_rows,
               b.processed_rows, b.completed_at, b.open_rows, b.corrected_rows, b.retries_batch_id, b.imported_by
"""  # of constants

_OF_UPLOADS: Final = f"""
        SELECT u.id, u.created_at, {_COLUMNS}
          FROM uploads u
     LEFT JOIN batch_view b ON b.upload_id = u.id AND b.retries_batch_id IS NULL
         {PAGE_OF_UPLOADS}
"""  # of constants

# A retry has no upload of its own, and stands in the list where it was asked for.
OF_UPLOADS: Final = f"""
        SELECT t.*
          FROM (({_OF_UPLOADS})
                UNION ALL
               (SELECT b.id, b.created_at, {_COLUMNS}
                  FROM batch_view b
                  JOIN uploads u ON u.id = b.upload_id
                 WHERE b.retries_batch_id IS NOT NULL AND coalesce(CAST(:state AS text), 'accepted') = 'accepted'
                   AND (CAST(:at AS timestamptz) IS NULL OR (b.created_at, b.id) < (:at, CAST(:id AS uuid)))
              ORDER BY b.created_at DESC, b.id DESC
                 LIMIT CAST(:limit AS bigint))) t
      ORDER BY t.created_at DESC, t.id DESC
         LIMIT CAST(:limit AS bigint)
"""  # of constants

OF_BATCHES: Final = f"""
        SELECT b.id, b.created_at, {_COLUMNS}
          FROM batch_view b
          JOIN uploads u ON u.id = b.upload_id
         {PAGE_OF_BATCHES}
"""  # of constants

OF_ONE_UPLOAD: Final = f"""
        SELECT u.id, u.created_at, {_COLUMNS}
          FROM uploads u
     LEFT JOIN batch_view b ON b.upload_id = u.id AND b.retries_batch_id IS NULL
         WHERE u.id = :id
"""  # of constants


def of_uploads(db: Connection, window: NewestFirst, state: str | None) -> list[dict[str, Any]]:
    """Return the uploads in this state, or all, each with its batch if it has one."""
    return rows(db, OF_UPLOADS, **window._asdict(), state=state)


def of_batches(db: Connection, window: NewestFirst, only: BatchFilter) -> list[dict[str, Any]]:
    """Return the batches that match the filter, each with its upload."""
    return rows(db, OF_BATCHES, **window._asdict(), **only._asdict())


def find(db: Connection, upload_id: UUID) -> dict[str, Any] | None:
    """One upload, with its batch if it has one."""
    found = rows(db, OF_ONE_UPLOAD, id=upload_id)
    return found[0] if found else None
