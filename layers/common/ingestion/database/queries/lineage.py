"""Where sessions come from: what a batch inserted or updated, and every version of a session with its row and file.

Reads only. A session's content stands in kintell_sessions with the batch and row that gave it; what that replaced
stands in kintell_session_versions. The id and the two people are the same for all versions of a session.
"""

from typing import Any
from uuid import UUID

from ingestion.database.connection import Connection, rows
from ingestion.database.publishing.targets import inserted_by_batch, of_later_row

_CONTENT = (
    "program_instance_id, row_number, version, scheduled_at, completed_at, duration_minutes, rating, feedback_text, "
    "language_level, topics, metadata"
)

SESSIONS_OF_BATCH = f"""
          WITH inserted AS MATERIALIZED (
               SELECT id, {_CONTENT}
                 FROM kintell_sessions
                WHERE {inserted_by_batch("id")} AND id > (SELECT first_session_id(:batch_id)) + CAST(:after AS bigint)
             ORDER BY id
                LIMIT CAST(:limit AS bigint))
        SELECT w.id, s.external_session_id, s.program_type, i.slug AS program_instance, w.row_number, w.version,
               participant.email AS participant_email, volunteer.email AS volunteer_email,
               w.scheduled_at, w.completed_at, w.duration_minutes, w.rating, w.feedback_text, w.language_level,
               w.topics, w.metadata
          FROM (
                SELECT id, {_CONTENT}
                  FROM inserted
                 WHERE version = 1
                UNION ALL
                SELECT session_id, {_CONTENT}
                  FROM kintell_session_versions
                 WHERE (session_id, version) IN (SELECT id, 1 FROM inserted WHERE version > 1)
                UNION ALL
               (SELECT c.id, {_CONTENT}
                  FROM kintell_sessions c
                 WHERE {of_later_row("c")} AND c.row_number > CAST(:after AS bigint)
              ORDER BY c.row_number
                 LIMIT CAST(:limit AS bigint))
                UNION ALL
               (SELECT v.session_id, {_CONTENT}
                  FROM kintell_session_versions v
                 WHERE {of_later_row("v")} AND v.row_number > CAST(:after AS bigint)
              ORDER BY v.row_number
                 LIMIT CAST(:limit AS bigint))
               ) w
          JOIN kintell_sessions s ON s.id = w.id
          JOIN users participant ON participant.id = s.participant_id
          JOIN users volunteer ON volunteer.id = s.volunteer_id
          JOIN program_instances i ON i.id = w.program_instance_id
      ORDER BY w.row_number
         LIMIT CAST(:limit AS bigint)
"""


def sessions_of_batch(db: Connection, batch_id: UUID, limit: int, after_row: int | None) -> list[dict[str, Any]]:
    """One row for each row of the batch that inserted or updated a session, in file order, as that row left it."""
    return rows(db, SESSIONS_OF_BATCH, batch_id=batch_id, limit=limit, after=after_row or 0)


def find_session(db: Connection, program_type: str, external_session_id: str) -> int | None:
    """Our id of a programme's session."""
    found = db.run(
        """
        SELECT id
          FROM kintell_sessions
         WHERE external_session_id = :external_session_id AND program_type = :program_type
        """,
        external_session_id=external_session_id,
        program_type=program_type,
    )
    return int(found[0][0]) if found else None


def versions_of_session(db: Connection, session_id: int, limit: int, before: int | None) -> list[dict[str, Any]]:
    """Versions of a session with where they came from, newest first: what it is now, then what it was before.

    Of the earlier ones at most *limit*, those before version *before*. Empty if there is no such session.
    """
    return rows(
        db,
        """
        SELECT s.id, s.external_session_id, s.program_type, i.slug AS program_instance, w.version,
               participant.email AS participant_email, volunteer.email AS volunteer_email,
               w.scheduled_at, w.completed_at, w.duration_minutes, w.rating, w.feedback_text, w.focus_area,
               w.language_level, w.topics, w.metadata, w.replaced_at, w.row_number, w.line,
               w.batch_id, b.status AS batch_status, b.created_at AS batch_created_at, b.imported_by,
               coalesce(b.completed_at, b.started_at) AS imported_at,
               b.file_name, u.key, u.version_id, b.file_hash AS sha256
          FROM (
                SELECT c.id, c.version, c.program_instance_id, c.scheduled_at, c.completed_at, c.duration_minutes,
                       c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata, c.batch_id,
                       c.row_number, c.line, CAST(NULL AS timestamptz) AS replaced_at
                  FROM kintell_sessions c
                 WHERE c.id = CAST(:session_id AS bigint)
                UNION ALL
               (SELECT v.session_id, v.version, v.program_instance_id, v.scheduled_at, v.completed_at,
                       v.duration_minutes, v.rating, v.feedback_text, v.focus_area, v.language_level, v.topics,
                       v.metadata, v.batch_id, v.row_number, v.line, v.replaced_at
                  FROM kintell_session_versions v
                 WHERE v.session_id = CAST(:session_id AS bigint)
                   AND (CAST(:before AS bigint) IS NULL OR v.version < CAST(:before AS bigint))
              ORDER BY v.version DESC
                 LIMIT CAST(:limit AS bigint))
               ) w
          JOIN kintell_sessions s ON s.id = w.id
          JOIN users participant ON participant.id = s.participant_id
          JOIN users volunteer ON volunteer.id = s.volunteer_id
          JOIN program_instances i ON i.id = w.program_instance_id
          JOIN ingestion_batches b ON b.id = w.batch_id
          JOIN uploads u ON u.id = b.upload_id
      ORDER BY w.version DESC
        """,
        session_id=session_id,
        limit=limit,
        before=before,
    )
