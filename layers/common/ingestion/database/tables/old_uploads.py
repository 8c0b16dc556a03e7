"""Uploads without a result (refused, undecided, of a failed or undone batch): which are due to go, and what is kept.

The object is deleted while its record is locked, so that no retry of the batch and no other clean-up interferes; an
interrupted clean-up leaves the record unchanged, and so still due.
"""

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows
from ingestion.database.tables import rejected_rows

AT_ONCE = 500
DELETED_NAME = "(deleted)"


NOT_NEEDED = """NOT EXISTS (SELECT FROM ingestion_batches c
                            WHERE c.corrects_batch_id = b.id AND c.status IN ('pending', 'running'))"""
"""A correction that has not ended is held against the rejects of *b*: they stay until it has."""
NOT_READ = """NOT EXISTS (SELECT FROM ingestion_batches r
                            WHERE r.retries_batch_id = b.id AND r.archived_at IS NULL)"""
"""A retry has no object of its own: that of *b* stays as long as one of its retries may be looked into."""


class DueUpload(BaseModel):
    """An upload whose object is due to be deleted; `batch_id` is that of the failed or undone batch."""

    model_config = ConfigDict(frozen=True)

    upload_id: UUID
    batch_id: UUID | None
    bucket: str
    key: str
    version_id: str
    error_file_key: str | None
    is_retry: bool = False
    """Whether its object is that of the batch that it retries."""


def refused(db: Connection, days: int) -> list[DueUpload]:
    """Return some uploads refused more than *days* ago, oldest first, until all are deleted."""
    return _due(
        db,
        """
        SELECT u.id AS upload_id, CAST(NULL AS uuid) AS batch_id, u.bucket, u.key, u.version_id,
               CAST(NULL AS text) AS error_file_key
          FROM uploads u
         WHERE u.state = 'refused' AND u.deleted_at IS NULL
           AND u.decided_at < now() - make_interval(days => CAST(:days AS int))
      ORDER BY u.decided_at
         LIMIT :at_once
        """,
        days,
    )


def undecided(db: Connection, days: int) -> list[DueUpload]:
    """Return some uploads that arrived more than *days* ago and that intake never decided on."""
    return _due(
        db,
        """
        SELECT u.id AS upload_id, CAST(NULL AS uuid) AS batch_id, u.bucket, u.key, u.version_id,
               CAST(NULL AS text) AS error_file_key
          FROM uploads u
         WHERE u.state = 'waiting' AND u.version_id IS NOT NULL AND u.deleted_at IS NULL
           AND u.received_at < now() - make_interval(days => CAST(:days AS int))
      ORDER BY u.received_at
         LIMIT :at_once
        """,
        days,
    )


def failed(db: Connection, days: int) -> list[DueUpload]:
    """Return some uploads whose batch failed more than *days* ago, oldest first, until all are deleted."""
    return _of_batches(db, "failed", days)


def undone(db: Connection, days: int) -> list[DueUpload]:
    """Return some uploads whose batch was imported more than *days* ago and undone since, oldest first."""
    return _of_batches(db, "undone", days)


def _of_batches(db: Connection, status: Literal["failed", "undone"], days: int) -> list[DueUpload]:
    return _due(
        db,
        f"""
        SELECT u.id AS upload_id, b.id AS batch_id, u.bucket, u.key, u.version_id, b.error_file_key,
               b.retries_batch_id IS NOT NULL AS is_retry
          FROM ingestion_batches b
          JOIN uploads u ON u.id = b.upload_id
         WHERE b.status = '{status}' AND b.archived_at IS NULL
           AND b.completed_at < now() - make_interval(days => CAST(:days AS int)) AND {NOT_NEEDED}
           AND {NOT_READ}
      ORDER BY b.completed_at
         LIMIT :at_once
        """,
        days,
    )


def _due(db: Connection, sql: str, days: int) -> list[DueUpload]:
    return [DueUpload.model_validate(row) for row in rows(db, sql, days=days, at_once=AT_ONCE)]


def lock_batch(db: Connection, batch_id: UUID) -> bool:
    """Keep the batch as it is, and corrections of it from being accepted, until the transaction ends.

    False if one has not ended. A statement of its own, for what it waited for to be seen.
    """
    db.run("SELECT FROM ingestion_batches WHERE id = :id FOR UPDATE", id=batch_id)
    return bool(db.run(f"SELECT FROM ingestion_batches b WHERE b.id = :id AND {NOT_NEEDED}", id=batch_id))


def lock(db: Connection, due: DueUpload, days: int) -> bool:
    """Lock the record until the transaction ends; False if it is no longer due."""
    if due.batch_id is None:
        sql = "SELECT FROM uploads WHERE id = :id AND state <> 'accepted' AND deleted_at IS NULL FOR UPDATE"
        return bool(db.run(sql, id=due.upload_id))
    return lock_batch(db, due.batch_id) and bool(
        db.run(
            """
            SELECT FROM ingestion_batches
             WHERE id = :id AND status IN ('failed', 'undone') AND archived_at IS NULL
               AND completed_at < now() - make_interval(days => CAST(:days AS int))
            """,
            id=due.batch_id,
            days=days,
        )
    )


def blank(db: Connection, due: DueUpload) -> None:
    """Remove names, messages and reasons from a record whose object is gone; keep codes, counts, hash and dates."""
    if due.batch_id is not None:
        _blank_batch(db, due.batch_id)
    if due.is_retry:
        return
    db.run(
        """
        UPDATE uploads
           SET deleted_at = now(), file_name = :name, key = 'deleted/' || id, uploaded_by = NULL,
               uploader_issuer = NULL, uploader_subject = NULL, principal = NULL, claimed_by = NULL, options = '{}',
               refusal_message = CASE WHEN state = 'refused' THEN 'The message was deleted with the file.' END
         WHERE id = :id
        """,
        id=due.upload_id,
        name=DELETED_NAME,
    )


def _blank_batch(db: Connection, batch_id: UUID) -> None:
    db.run(
        """
        UPDATE ingestion_batches
           SET archived_at = now(), updated_at = now(), imported_by = NULL, claimed_by = NULL, work_key = NULL,
               file_name = :name, force_reason = CASE WHEN forced THEN 'deleted' END,
               failure_reason = CASE status WHEN 'failed'
                                THEN concat(failure_code || ': ', 'The details were deleted with the file.') END,
               format = format - 'sheet' || '{"header": []}',
               csv_metadata = csv_metadata - 'sheet' || '{"headers": [], "unknownHeaders": [], "nearestNames": {}}',
               error_file_deleted_at =
                   coalesce(error_file_deleted_at, CASE WHEN error_file_key IS NOT NULL THEN now() END)
         WHERE id = :id
        """,
        id=batch_id,
        name=DELETED_NAME,
    )
    rejected_rows.forget_people(db, [batch_id])
