"""Read the API's lists a page at a time: batches, uploads, programme instances, audit trails.

A page continues after a key. Filters and keys that are not given are null; PostgreSQL plans each statement with its
values, so what is null drops out of the condition and the indexes named `…_newest_first`, `…_by_status`, … serve the
rest (a test looks at the plans).
"""

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from ingestion.database.connection import Connection, rows


class NewestFirst(NamedTuple):
    """At most `limit` rows after the one with this time and id, newest first."""

    limit: int
    at: datetime | None = None
    id: UUID | None = None


class BatchFilter(NamedTuple):
    """A filter of batches; None matches all."""

    status: str | None = None
    program_type: str | None = None
    slug: str | None = None


UPLOAD_COLUMNS: Final = """u.file_name, u.size_bytes, u.state, u.refusal_code, u.refusal_message, u.refusal_batch_id,
               u.uploaded_by, u.claimed_by"""
"""What every list says of an upload."""

PAGE_OF_BATCHES: Final = """
         WHERE (CAST(:status AS text) IS NULL OR b.status = :status)
           AND (CAST(:program_type AS text) IS NULL OR b.program_type = :program_type)
           AND (CAST(:slug AS text) IS NULL
                OR b.program_instance_id = (SELECT p.id FROM program_instances p WHERE p.slug = :slug))
           AND (CAST(:at AS timestamptz) IS NULL OR (b.created_at, b.id) < (:at, CAST(:id AS uuid)))
      ORDER BY b.created_at DESC, b.id DESC
         LIMIT CAST(:limit AS bigint)
"""
"""Of `batch_view b`; takes a `BatchFilter` and a `NewestFirst`."""

PAGE_OF_UPLOADS: Final = """
         WHERE (CAST(:state AS text) IS NULL OR u.state = :state)
           AND (CAST(:at AS timestamptz) IS NULL OR (u.created_at, u.id) < (:at, CAST(:id AS uuid)))
      ORDER BY u.created_at DESC, u.id DESC
         LIMIT CAST(:limit AS bigint)
"""
"""Of `uploads u`; takes a state and a `NewestFirst`."""

BATCHES: Final = f"""
        SELECT b.*
          FROM batch_view b
         {PAGE_OF_BATCHES}
"""  # of constants

UPLOADS: Final = f"""
        SELECT u.id, u.key, u.version_id, b.id AS batch_id, u.created_at, u.received_at, {UPLOAD_COLUMNS}
          FROM uploads u
     LEFT JOIN ingestion_batches b ON b.upload_id = u.id AND b.retries_batch_id IS NULL
         {PAGE_OF_UPLOADS}
"""  # of constants


def batches(db: Connection, window: NewestFirst, only: BatchFilter) -> list[dict[str, Any]]:
    """Return the batches that match the filter."""
    return rows(db, BATCHES, **window._asdict(), **only._asdict())


def uploads(db: Connection, window: NewestFirst, state: str | None) -> list[dict[str, Any]]:
    """Return the uploads in this state, or all."""
    return rows(db, UPLOADS, **window._asdict(), state=state)


def find_upload(db: Connection, upload_id: UUID) -> dict[str, Any] | None:
    """Find one upload and its result."""
    found = rows(
        db,
        """
        SELECT u.id, u.state, b.id AS batch_id, u.refusal_code, u.refusal_message, u.refusal_batch_id
          FROM uploads u
     LEFT JOIN ingestion_batches b ON b.upload_id = u.id AND b.retries_batch_id IS NULL
         WHERE u.id = :id
        """,
        id=upload_id,
    )
    return found[0] if found else None


def program_instances(db: Connection, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Return programme instances, newest first; *before* is the id of the last one seen."""
    return rows(
        db,
        """
        SELECT i.id, i.slug, i.name, i.program_type, i.starts_on, i.ends_on, i.owner, i.created_at
          FROM program_instances i
         WHERE (CAST(:before AS bigint) IS NULL OR i.id < :before)
      ORDER BY i.id DESC
         LIMIT CAST(:limit AS bigint)
        """,
        limit=limit,
        before=before,
    )


def find_programme_of_instance(db: Connection, slug: str) -> str | None:
    """Find the program_type of the instance with this slug."""
    found = db.run("SELECT program_type FROM program_instances WHERE slug = :slug", slug=slug)
    return str(found[0][0]) if found else None


def audit_trail(db: Connection, batch_id: UUID, limit: int, after: int | None) -> list[dict[str, Any]]:
    """Return the audit trail of a batch and its upload, oldest first; *after* is the id of the last entry seen."""
    return rows(
        db,
        """
        SELECT a.id, a.at, a.actor, a.actor_kind, a.actor_issuer, a.actor_subject, a.action, a.resource_type,
               a.resource_id, a.batch_id, a.details
          FROM (
               (SELECT of_batch.*
                  FROM audit_logs of_batch
                 WHERE of_batch.batch_id = :batch_id AND of_batch.id > CAST(:after AS bigint)
              ORDER BY of_batch.id
                 LIMIT CAST(:limit AS bigint))
                UNION ALL
               (SELECT of_upload.*
                  FROM audit_logs of_upload
                 WHERE of_upload.resource_id = (SELECT b.upload_id FROM ingestion_batches b WHERE b.id = :batch_id)
                   AND of_upload.batch_id IS DISTINCT FROM :batch_id AND of_upload.id > CAST(:after AS bigint)
              ORDER BY of_upload.id
                 LIMIT CAST(:limit AS bigint))
               ) a
      ORDER BY a.id
         LIMIT CAST(:limit AS bigint)
        """,
        batch_id=batch_id,
        limit=limit,
        after=after or 0,
    )
