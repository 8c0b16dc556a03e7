"""A database that years have filled: uploads, batches and sessions in numbers, made by the database itself."""

from ingestion.db import Connection

INSTANCES = 40


def fill(db: Connection, batches: int, sessions: int) -> None:
    """So many batches of three programmes, a refused upload for every ten of them, and so many sessions."""
    db.run(
        """
        INSERT INTO program_instances (program_type, slug, name)
        SELECT CASE WHEN n % 2 = 0 THEN 'mentors_ukraine' ELSE 'language_ukraine' END, 'run-' || n, 'Run ' || n
          FROM generate_series(1, CAST(:instances AS int)) n
        """,
        instances=INSTANCES,
    )
    db.run(
        """
        INSERT INTO uploads (state, bucket, key, version_id, file_name, created_at, refusal_code, refusal_message)
        SELECT CASE WHEN n % 11 = 0 THEN 'refused' ELSE 'accepted' END, 'years', 'incoming/' || n || '.csv', 'v' || n,
               n || '.csv', timestamptz '2024-01-01' + make_interval(mins => n),
               CASE WHEN n % 11 = 0 THEN 'empty_file' END, CASE WHEN n % 11 = 0 THEN 'The file has no rows.' END
          FROM generate_series(1, CAST(:uploads AS int)) n
        """,
        uploads=batches * 11 // 10,
    )
    db.run(
        """
        INSERT INTO ingestion_batches (upload_id, program_type, program_instance_id, file_name, file_hash,
                                       file_size_bytes, status, format, csv_metadata, total_rows, inserted_rows,
                                       created_at, started_at, completed_at, failure_reason)
        SELECT u.id,
               CASE WHEN u.n % 100 = 0 THEN 'kintell_users' WHEN u.n % 2 = 0 THEN 'mentors_ukraine'
                    ELSE 'language_ukraine' END,
               i.id, u.file_name, lpad(to_hex(u.n), 64, '0'), 1000,
               CASE WHEN u.n % 50 = 0 THEN 'failed' ELSE 'completed' END, '{}', '{}', 100, 100, u.created_at,
               u.created_at, u.created_at, CASE WHEN u.n % 50 = 0 THEN 'every_row_rejected: All.' END
          FROM (SELECT id, file_name, created_at, CAST(row_number() OVER (ORDER BY created_at) AS int) AS n
                  FROM uploads
                 WHERE state = 'accepted' AND bucket = 'years') u
     LEFT JOIN program_instances i ON u.n % 100 <> 0 AND i.slug = 'run-' || (1 + u.n % CAST(:instances AS int))
        """,
        instances=INSTANCES,
    )
    db.run(
        """
        INSERT INTO chunks (batch_id, number, span, first_row, rows, state, staged_rows, inserted_rows)
        SELECT id, 1, '{}', 1, 100, 'weighed', 100, 100 FROM ingestion_batches
            ON CONFLICT DO NOTHING
        """
    )
    db.run(
        """
        INSERT INTO users (email, role)
        SELECT 'p' || n || '@example.org', CASE WHEN n % 2 = 0 THEN 'participant' ELSE 'volunteer' END
          FROM generate_series(1, 2000) n
        """
    )
    db.run(
        """
        INSERT INTO kintell_sessions (participant_id, volunteer_id, scheduled_at, batch_id, row_number, line, version,
                                      program_instance_id, program_type, external_session_id)
        SELECT 1 + n % 1000, 1001 + n % 1000, b.created_at, b.id, n, n + 1, 1, b.program_instance_id,
               b.program_type, 'S-' || b.k || '-' || n
          FROM (SELECT id, created_at, program_type, program_instance_id, row_number() OVER (ORDER BY created_at) AS k
                  FROM ingestion_batches
                 WHERE program_instance_id IS NOT NULL
              ORDER BY created_at
                 LIMIT CAST(:batches AS int)) b,
               generate_series(1, 100) n
        """,
        batches=sessions // 100,
    )
    db.run(
        """
        INSERT INTO kintell_session_versions (session_id, version, program_instance_id, scheduled_at, batch_id,
                                              row_number, line, replaced_by_batch, replaced_by_row)
        SELECT id, 0, program_instance_id, scheduled_at, batch_id, row_number + 100, line, batch_id, row_number
          FROM kintell_sessions
         WHERE id % 2 = 0
        """
    )
    db.run(
        """
        INSERT INTO shards (batch_id, number, inserted_rows, updated_rows)
        SELECT id, 0, 100, 0 FROM ingestion_batches
            ON CONFLICT DO NOTHING
        """
    )
    db.run(
        "INSERT INTO audit_logs (actor, action, resource_type, resource_id, batch_id) "
        "SELECT 'x', 'import_completed', 'batch', id, id FROM ingestion_batches"
    )
    db.run("ANALYZE")
