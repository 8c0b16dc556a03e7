"""Uploads that led to nothing: refused, never decided on, or of a batch that failed. Which are due to be deleted, and
what then stays.

The object is deleted while its record is locked, so that neither a batch that is started over nor another clean-up
comes in between; a clean-up that breaks off in between leaves the record as it was, and so due.
"""

from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows

AT_ONCE = 500
DELETED_NAME = "(deleted)"


NOT_NEEDED = """NOT EXISTS (SELECT FROM ingestion_batches c
                            WHERE c.corrects_batch_id = b.id AND c.status IN ('pending', 'running'))"""
"""A correction that has not ended is held against the rejects of *b*: they stay until it has."""


class DueUpload(BaseModel):
    """An upload whose object has had its time; `batch_id` is that of the batch that failed."""

    model_config = ConfigDict(frozen=True)

    upload_id: UUID
    batch_id: UUID | None
    bucket: str
    key: str
    version_id: str
    error_file_key: str | None


def refused(db: Connection, days: int) -> list[DueUpload]:
    """Some uploads refused more than *days* ago, oldest first; none once all are deleted."""
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
    """Some uploads that came more than *days* ago and were never decided on, as if intake had broken each time."""
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
    """Some uploads whose batch failed more than *days* ago, oldest first; none once all are deleted."""
    return _due(
        db,
        f"""
        SELECT u.id AS upload_id, b.id AS batch_id, u.bucket, u.key, u.version_id, b.error_file_key
          FROM ingestion_batches b
          JOIN uploads u ON u.id = b.upload_id
         WHERE b.status = 'failed' AND b.archived_at IS NULL
           AND b.completed_at < now() - make_interval(days => CAST(:days AS int)) AND {NOT_NEEDED}
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
    """Keep the record as it is until the transaction ends; False if it is not due any more."""
    if due.batch_id is None:
        sql = "SELECT FROM uploads WHERE id = :id AND state <> 'accepted' AND deleted_at IS NULL FOR UPDATE"
        return bool(db.run(sql, id=due.upload_id))
    return lock_batch(db, due.batch_id) and bool(
        db.run(
            """
            SELECT FROM ingestion_batches
             WHERE id = :id AND status = 'failed' AND archived_at IS NULL
               AND completed_at < now() - make_interval(days => CAST(:days AS int))
            """,
            id=due.batch_id,
            days=days,
        )
    )


def blank(db: Connection, due: DueUpload) -> None:
    """Of a record whose object is gone: codes, counts, hash and dates stay; names, messages and reasons go."""
    if due.batch_id is not None:
        _blank_batch(db, due.batch_id)
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
               failure_reason = concat(failure_code || ': ', 'The details were deleted with the file.'),
               format = format || '{"header": []}',
               csv_metadata = csv_metadata || '{"headers": [], "unknownHeaders": [], "nearestNames": {}}',
               error_file_deleted_at =
                   coalesce(error_file_deleted_at, CASE WHEN error_file_key IS NOT NULL THEN now() END)
         WHERE id = :id
        """,
        id=batch_id,
        name=DELETED_NAME,
    )
