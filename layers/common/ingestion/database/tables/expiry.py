"""Find what is due to be deleted or archived, and record that it was."""

from collections.abc import Sequence
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ingestion.database.connection import Connection, rows
from ingestion.database.tables import rejected_rows
from ingestion.database.tables.old_uploads import DELETED_NAME, NOT_NEEDED, NOT_READ

AT_ONCE = 500
PLAIN_NAME = (
    r"^(kintell|mentors|mentorship|mfu|language|lfu|lc)"
    r"([-_ ](for|ukraine|connect|users|mentorship|language|export|20[0-9]{2}|q[1-4]|[0-9]{1,2}))*"
    r"\.((csv|txt|tsv)(\.gz)?|xlsx)$"
)
"""A file name that can't name a person."""


class Expired(BaseModel):
    """An error file that is due to be deleted."""

    model_config = ConfigDict(frozen=True)

    batch_id: UUID
    key: str


class Old(BaseModel):
    """A batch to be archived, and its files."""

    model_config = ConfigDict(frozen=True)

    batch_id: UUID
    bucket: str
    key: str
    version_id: str
    work_key: str | None
    error_file_key: str | None
    is_retry: bool
    """Whether its object is that of the batch that it retries."""


def expired_error_files(db: Connection, days: int) -> list[Expired]:
    """Return some error files whose batch ended more than *days* ago, oldest first, until all are deleted."""
    found = rows(
        db,
        f"""
        SELECT b.id AS batch_id, b.error_file_key AS key
          FROM ingestion_batches b
         WHERE b.error_file_key IS NOT NULL AND b.error_file_deleted_at IS NULL
           AND b.completed_at < now() - make_interval(days => CAST(:days AS int)) AND {NOT_NEEDED}
      ORDER BY b.completed_at
         LIMIT :at_once
        """,
        days=days,
        at_once=AT_ONCE,
    )
    return [Expired.model_validate(row) for row in found]


def note_error_file_deleted(db: Connection, batch_id: UUID, days: int) -> bool:
    """Record that the error file of a batch, which is locked, was deleted.

    False if that was recorded before, or if the batch was started over since and has, or will have, another one.
    """
    noted = db.run(
        """
        UPDATE ingestion_batches SET error_file_deleted_at = now()
         WHERE id = :id AND error_file_key IS NOT NULL AND error_file_deleted_at IS NULL
           AND completed_at < now() - make_interval(days => CAST(:days AS int))
     RETURNING id
        """,
        id=batch_id,
        days=days,
    )
    if noted:
        rejected_rows.forget_people(db, [batch_id])
    return bool(noted)


def old_batches(db: Connection, days: int) -> list[Old]:
    """Return some batches completed more than *days* ago, oldest first, until all are archived."""
    found = rows(
        db,
        f"""
        SELECT b.id AS batch_id, u.bucket, u.key, u.version_id, b.work_key, b.error_file_key,
               b.retries_batch_id IS NOT NULL AS is_retry
          FROM ingestion_batches b
          JOIN uploads u ON u.id = b.upload_id
         WHERE b.status = 'completed' AND b.completed_at < now() - make_interval(days => CAST(:days AS int))
           AND {NOT_NEEDED} AND {NOT_READ}
      ORDER BY b.completed_at
         LIMIT :at_once
        """,
        days=days,
        at_once=AT_ONCE,
    )
    return [Old.model_validate(row) for row in found]


def archive(db: Connection, batch_id: UUID) -> bool:
    """Archive a batch: keep counts, hash and dates, remove what names people. False if it was archived before.

    The audit trail, which nobody can change, still says who imported it. The header is removed too, since a broken file
    may have a person's row there. The file's name is kept only if it consists of the words of our programmes.
    """
    archived = db.run(
        """
        UPDATE ingestion_batches
           SET status = 'archived', archived_at = now(), updated_at = now(), imported_by = NULL, claimed_by = NULL,
               force_reason = CASE WHEN forced THEN 'archived' END, work_key = NULL,
               file_name = CASE WHEN file_name ~* :plain THEN file_name ELSE :deleted END,
               format = format - 'sheet' || '{"header": []}',
               csv_metadata = csv_metadata - 'sheet' || '{"headers": [], "unknownHeaders": [], "nearestNames": {}}',
               error_file_deleted_at =
                   coalesce(error_file_deleted_at, CASE WHEN error_file_key IS NOT NULL THEN now() END)
         WHERE id = :id AND status = 'completed'
     RETURNING id
        """,
        id=batch_id,
        plain=PLAIN_NAME,
        deleted=DELETED_NAME,
    )
    db.run(
        """
        UPDATE uploads u
           SET uploaded_by = NULL, uploader_issuer = NULL, uploader_subject = NULL, principal = NULL, claimed_by = NULL,
               options = '{}', deleted_at = b.archived_at,
               file_name = b.file_name,
               key = CASE WHEN u.file_name = b.file_name THEN u.key ELSE 'deleted/' || u.id END
          FROM ingestion_batches b
         WHERE b.id = :id AND b.status = 'archived' AND u.id = b.upload_id AND b.retries_batch_id IS NULL
        """,
        id=batch_id,
    )
    rejected_rows.forget_people(db, [batch_id])
    return bool(archived)


class Stuck(BaseModel):
    """A batch without progress for a long time."""

    model_config = ConfigDict(frozen=True)

    batch_id: UUID
    chunk_count: int


def stuck_batches(db: Connection, hours: int) -> list[Stuck]:
    """Return batches that have not ended and have not changed for *hours*."""
    found = rows(
        db,
        """
        SELECT b.id AS batch_id, (SELECT count(*) FROM chunks c WHERE c.batch_id = b.id) AS chunk_count
          FROM ingestion_batches b
         WHERE b.status IN ('pending', 'running') AND b.updated_at < now() - make_interval(hours => CAST(:hours AS int))
      ORDER BY b.updated_at
         LIMIT :at_once
        """,
        hours=hours,
        at_once=AT_ONCE,
    )
    return [Stuck.model_validate(row) for row in found]


def expire_unused_links(db: Connection) -> int:
    """Delete uploads that were announced a week ago and never arrived; their links have long expired."""
    gone = db.run(
        """
        DELETE FROM uploads
         WHERE state = 'waiting' AND version_id IS NULL AND created_at < now() - interval '7 days'
     RETURNING id
        """
    )
    return len(gone)


def ended(db: Connection, batch_ids: Sequence[UUID]) -> list[UUID]:
    """Return those of these batches that have ended or never existed."""
    found = db.run(
        """
        SELECT given.id FROM unnest(CAST(:ids AS uuid[])) AS given (id)
          LEFT JOIN ingestion_batches b ON b.id = given.id
         WHERE b.id IS NULL OR b.status NOT IN ('pending', 'running')
        """,
        ids=list(batch_ids),
    )
    return [row[0] for row in found]
