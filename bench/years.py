"""Fills a database with years of uploads, batches and sessions, which the database generates itself.

The files of a programme instance follow one another, as they do in practice, and a few instances of each programme are
open at a time. One in eleven uploads was refused, one batch in fifty failed, one session in twenty has an earlier
version.
"""

from typing import Any, NamedTuple

from ingestion.database.connection import Connection

LARGE_TABLES = (
    "uploads",
    "ingestion_batches",
    "chunks",
    "shards",
    "kintell_sessions",
    "kintell_session_versions",
    "users",
    "audit_logs",
)
ROWS_OF_BATCH = 100
BATCHES_OF_INSTANCE = 50
OPEN_INSTANCES = 4
"""How many instances take turns, so that their files and sessions are interleaved."""


class Subjects(NamedTuple):
    """Things from the middle of the data, for which pages are requested."""

    batch: str
    session: int
    external_id: str
    slug: str
    refused: str

    def pages(self) -> dict[str, tuple[str, dict[str, str]]]:
        """Path and query of every page, by what it shows."""
        batch = f"/batches/{self.batch}"
        return {
            "imports": ("/", {}),
            "imports that failed": ("/", {"show": "failed"}),
            "imports that run": ("/", {"show": "running"}),
            "refused uploads": ("/", {"show": "refused"}),
            "uploads not arrived": ("/", {"show": "waiting"}),
            "imports of a programme": ("/", {"programme": "kintell_users"}),
            "a programme's that failed": ("/", {"programme": "mentors_ukraine", "show": "failed"}),
            "imports of an instance": ("/", {"instance": self.slug}),
            "drop": ("/drop", {}),
            "an upload": (f"/uploads/{self.refused}", {}),
            "a batch": (batch, {}),
            "its sessions": (f"{batch}/sessions", {}),
            "its lineage": (f"{batch}/lineage", {}),
            "a session": (f"/sessions/{self.session}", {}),
            "a session found": ("/lineage", {"id": f"mentors_ukraine:{self.external_id}"}),
            "programmes": ("/programmes", {}),
            "a programme instance": (f"/programmes/{self.slug}", {}),
            "its sessions by month": (f"/programmes/{self.slug}/sessions", {}),
        }


def fill(db: Connection, batches: int, sessions: int) -> None:
    """Insert batches of three programmes and their sessions, without the triggers that check references."""
    db.run("SET session_replication_role = replica")
    instances = -(-batches // BATCHES_OF_INSTANCE)
    instances += -instances % OPEN_INSTANCES
    indexes = _without_indexes(db) if sessions > 100_000 else []
    for sql, given in (
        (_INSTANCES, {"instances": instances}),
        (_UPLOADS, {"uploads": batches * 11 // 10}),
        (_BATCHES, {"turn": BATCHES_OF_INSTANCE * OPEN_INSTANCES, "open": OPEN_INSTANCES}),
        (_CHUNKS, {}),
        (_SHARDS, {}),
        (_PEOPLE, {"people": max(2_000, sessions // 200)}),
        (_SESSIONS, {"batches": sessions // ROWS_OF_BATCH, "rows": ROWS_OF_BATCH}),
        (_VERSIONS, {}),
        (_BATCH_PEOPLE, {}),
        (_AUDIT, {}),
    ):
        db.run(sql, **given)
    for index in indexes:
        db.run(index)
    db.run("VACUUM (ANALYZE)")
    db.run("SET session_replication_role = origin")


def subjects(db: Connection, count: int) -> list[Subjects]:
    """Some subjects, spread over the years."""
    found = db.run(
        """
        SELECT CAST(s.batch_id AS text), s.id, s.external_session_id, i.slug,
               (SELECT CAST(id AS text) FROM uploads
                 WHERE state = 'refused' AND created_at >= b.created_at ORDER BY created_at LIMIT 1)
          FROM (SELECT DISTINCT 1 + n * top.number / CAST(:count AS bigint) AS number
                  FROM generate_series(0, CAST(:count AS int) - 1) n,
                       (SELECT max(id) >> 30 AS number FROM kintell_sessions) top) k
          JOIN kintell_sessions s
            ON s.id = (SELECT min(id) FROM kintell_sessions WHERE id >= k.number << 30)
          JOIN ingestion_batches b ON b.id = s.batch_id
          JOIN program_instances i ON i.id = s.program_instance_id
         WHERE s.program_type = 'mentors_ukraine'
      ORDER BY s.id
        """,
        count=count,
    )
    return [Subjects(*row) for row in found]


def _without_indexes(db: Connection) -> list[Any]:
    """Drop the sessions' indexes; returns the statements that build them afterwards, in a fraction of the time."""
    found = db.run(
        """
        SELECT indexname, indexdef FROM pg_indexes
         WHERE tablename = 'kintell_sessions' AND indexname <> 'kintell_sessions_pkey'
        """
    )
    for name, _ in found:
        db.run(f"DROP INDEX {name}")
    return [definition for _, definition in found]


_INSTANCES = """
        INSERT INTO program_instances (program_type, slug, name)
        SELECT CASE WHEN n % 2 = 0 THEN 'mentors_ukraine' ELSE 'language_ukraine' END, 'run-' || n, 'Run ' || n
          FROM generate_series(1, CAST(:instances AS int)) n
"""

_UPLOADS = """
        INSERT INTO uploads (state, bucket, key, version_id, file_name, created_at, refusal_code, refusal_message)
        SELECT CASE WHEN n % 11 = 0 THEN 'refused' ELSE 'accepted' END, 'years', 'incoming/' || n || '.csv', 'v' || n,
               n || '.csv', timestamptz '2024-01-01' + make_interval(mins => n),
               CASE WHEN n % 11 = 0 THEN 'empty_file' END, CASE WHEN n % 11 = 0 THEN 'The file has no rows.' END
          FROM generate_series(1, CAST(:uploads AS int)) n
"""

# Odd numbers belong to odd instances, so that programme and instance match.
_BATCHES = """
        INSERT INTO ingestion_batches (upload_id, program_type, program_instance_id, file_name, file_hash,
                                       file_size_bytes, status, format, csv_metadata, total_rows, inserted_rows,
                                       error_rows, error_summary, created_at, started_at, completed_at, failure_reason)
        SELECT u.id, coalesce(i.program_type, 'kintell_users'), i.id, u.file_name, lpad(to_hex(u.n), 64, '0'), 1000,
               CASE WHEN u.n % 50 = 0 THEN 'failed' ELSE 'completed' END, '{}', '{}', 100,
               CASE WHEN u.n % 7 = 0 THEN 97 ELSE 100 END, CASE WHEN u.n % 7 = 0 THEN 3 ELSE 0 END,
               CASE WHEN u.n % 7 = 0 THEN
                    '[{"code": "E001", "category": "validation", "field": "participant_email", "count": 3}]'::jsonb
                    ELSE '[]' END,
               u.created_at, u.created_at, u.created_at, CASE WHEN u.n % 50 = 0 THEN 'every_row_rejected: All.' END
          FROM (SELECT id, file_name, created_at, CAST(row_number() OVER (ORDER BY created_at) AS int) - 1 AS n
                  FROM uploads
                 WHERE state = 'accepted' AND bucket = 'years') u
     LEFT JOIN program_instances i
            ON u.n % 100 <> 0
           AND i.slug = 'run-' || (1 + u.n % CAST(:open AS int) + CAST(:open AS int) * (u.n / CAST(:turn AS int)))
"""

_CHUNKS = """
        INSERT INTO chunks (batch_id, number, span, first_row, rows, state, staged_rows, inserted_rows)
        SELECT id, 1, '{}', 1, 100, 'reconciled', 100, 100 FROM ingestion_batches
            ON CONFLICT DO NOTHING
"""

_SHARDS = """
        INSERT INTO shards (batch_id, number, inserted_rows, updated_rows)
        SELECT id, 0, 100, 0 FROM ingestion_batches
            ON CONFLICT DO NOTHING
"""

_PEOPLE = """
        INSERT INTO users (email, role)
        SELECT 'p' || n || '@example.org', CASE WHEN n % 2 = 0 THEN 'participant' ELSE 'volunteer' END
          FROM generate_series(1, CAST(:people AS int)) n
            ON CONFLICT DO NOTHING
"""

_SESSIONS = """
        INSERT INTO kintell_sessions (id, participant_id, volunteer_id, scheduled_at, duration_minutes, rating,
                                      batch_id, row_number, line, version, program_instance_id, program_type,
                                      external_session_id, feedback_text)
        SELECT (CAST(b.number AS bigint) << 30) + n + CASE WHEN n % 20 = 0 THEN 100 ELSE 0 END,
               p.least + abs(hashint8(b.k * 1000 + n)) % p.count, p.least + abs(hashint8(-b.k * 1000 - n)) % p.count,
               b.created_at - make_interval(days => CAST(n % 60 AS int)), 60, 0.75, b.id, n, n + 1,
               CASE WHEN n % 20 = 0 THEN 2 ELSE 1 END, b.program_instance_id, b.program_type, 'S-' || b.k || '-' || n,
               'It went well, we talked about work and school.'
          FROM (SELECT id, number, created_at, program_type, program_instance_id,
                       row_number() OVER (ORDER BY created_at) AS k
                  FROM ingestion_batches
                 WHERE program_instance_id IS NOT NULL
              ORDER BY created_at
                 LIMIT CAST(:batches AS int)) b,
               generate_series(1, CAST(:rows AS int)) n,
               (SELECT min(id) AS least, count(*) AS count FROM users) p
"""

_VERSIONS = """
        INSERT INTO kintell_session_versions (session_id, version, program_instance_id, scheduled_at, batch_id,
                                              row_number, line, replaced_by_batch, replaced_by_row)
        SELECT id, 1, program_instance_id, scheduled_at, batch_id, row_number + 100, line, batch_id, row_number
          FROM kintell_sessions
         WHERE version = 2
            ON CONFLICT DO NOTHING
"""

_BATCH_PEOPLE = """
        INSERT INTO batch_people (person_id, batch_id)
        SELECT participant_id, batch_id FROM kintell_sessions UNION SELECT volunteer_id, batch_id FROM kintell_sessions
"""

_AUDIT = """
        INSERT INTO audit_logs (actor, action, resource_type, resource_id, batch_id)
        SELECT 'x', action, 'batch', id, id
          FROM ingestion_batches, unnest(ARRAY['import_started', 'import_completed']) action
"""
