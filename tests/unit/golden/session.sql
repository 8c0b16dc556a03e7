-- Generated for session: see tests/unit/test_golden_sql.py.

-- every column, ratings from 1 to 5

SELECT set_config('work_mem', greatest(4096, least(65536, cache_kb / 32)) || 'kB', true),
       set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / 524288) AS text), true)
  FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
               CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers);

ANALYZE staging.rows_batch;

DROP TABLE IF EXISTS staging.repeated_batch;

CREATE UNLOGGED TABLE staging.repeated_batch AS SELECT external_session_id FROM staging.rows_batch_1 GROUP BY external_session_id HAVING count(*) > 1;

SELECT EXISTS (SELECT FROM staging.repeated_batch);

ANALYZE staging.repeated_batch;

DROP TABLE IF EXISTS staging.changes_batch;

CREATE UNLOGGED TABLE staging.changes_batch AS
SELECT r.row_number, r.chunk, r.shard, r.line, judged.outcome, s.id AS target_id, s.version + 1 AS version,
       s.batch_id AS held_by, s.version AS held_version,
       CAST(NULL AS integer) AS first_row, CAST(NULL AS integer) AS next_row, r.external_session_id,
       r.participant_id, r.volunteer_id, 
       CASE judged.outcome WHEN 'updated' THEN r.scheduled_at END AS scheduled_at, CASE judged.outcome WHEN 'updated' THEN r.completed_at END AS completed_at, CASE judged.outcome WHEN 'updated' THEN r.duration_minutes END AS duration_minutes, CASE judged.outcome WHEN 'updated' THEN trim_scale((r.rating_given - 1) * 0.25) END AS rating, CASE judged.outcome WHEN 'updated' THEN r.feedback_text END AS feedback_text, CASE judged.outcome WHEN 'updated' THEN r.focus_area END AS focus_area, CASE judged.outcome WHEN 'updated' THEN r.language_level END AS language_level, CASE judged.outcome WHEN 'updated' THEN r.topics END AS topics, CASE judged.outcome WHEN 'updated' THEN r.metadata END AS metadata
  FROM staging.rows_batch r
  JOIN kintell_sessions s ON s.external_session_id = r.external_session_id AND s.program_type = :program_type
 CROSS JOIN LATERAL (
       SELECT CASE WHEN ROW(s.participant_id, s.volunteer_id) IS DISTINCT FROM ROW(r.participant_id, r.volunteer_id) THEN 'conflict'
                   WHEN ROW(r.scheduled_at, r.completed_at, r.duration_minutes, trim_scale((r.rating_given - 1) * 0.25), r.feedback_text, r.focus_area, r.language_level, r.topics, r.metadata) IS DISTINCT FROM ROW(s.scheduled_at, s.completed_at, s.duration_minutes, s.rating, s.feedback_text, s.focus_area, s.language_level, s.topics, s.metadata) THEN 'updated'
                   ELSE 'unchanged' END AS outcome
        -- Not to be asked again for every column.
        OFFSET 0) judged
 WHERE r.shard IN (1)
   AND NOT EXISTS (SELECT FROM staging.repeated_batch d
                    WHERE d.external_session_id = r.external_session_id);

   WITH chain AS (
       SELECT r.row_number, r.chunk, r.shard, r.line, r.external_session_id,
              r.participant_id, r.volunteer_id, 
              s.id AS target_id, s.batch_id AS held_by, coalesce(s.version, 0) AS base, r.participant_id = coalesce(s.participant_id, first_value(r.participant_id) OVER in_order) AND r.volunteer_id = coalesce(s.volunteer_id, first_value(r.volunteer_id) OVER in_order) AS owned,
              r.scheduled_at AS scheduled_at, r.completed_at AS completed_at, r.duration_minutes AS duration_minutes, trim_scale((r.rating_given - 1) * 0.25) AS rating, r.feedback_text AS feedback_text, r.focus_area AS focus_area, r.language_level AS language_level, r.topics AS topics, r.metadata AS metadata, s.scheduled_at AS old_scheduled_at, s.completed_at AS old_completed_at, s.duration_minutes AS old_duration_minutes, s.rating AS old_rating, s.feedback_text AS old_feedback_text, s.focus_area AS old_focus_area, s.language_level AS old_language_level, s.topics AS old_topics, s.metadata AS old_metadata
         FROM staging.rows_batch r
         JOIN staging.repeated_batch d ON d.external_session_id = r.external_session_id
         LEFT JOIN kintell_sessions s ON s.external_session_id = r.external_session_id AND s.program_type = :program_type
        WHERE r.shard IN (1)
       WINDOW in_order AS (PARTITION BY r.external_session_id ORDER BY r.row_number)
   ), accepted AS (
       SELECT target_id, held_by, base, row_number, chunk, shard, line, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata, lag(scheduled_at, 1, old_scheduled_at) OVER in_order AS old_scheduled_at, lag(completed_at, 1, old_completed_at) OVER in_order AS old_completed_at, lag(duration_minutes, 1, old_duration_minutes) OVER in_order AS old_duration_minutes, lag(rating, 1, old_rating) OVER in_order AS old_rating, lag(feedback_text, 1, old_feedback_text) OVER in_order AS old_feedback_text, lag(focus_area, 1, old_focus_area) OVER in_order AS old_focus_area, lag(language_level, 1, old_language_level) OVER in_order AS old_language_level, lag(topics, 1, old_topics) OVER in_order AS old_topics, lag(metadata, 1, old_metadata) OVER in_order AS old_metadata,
              row_number() OVER in_order = 1 AND target_id IS NULL AS is_first
         FROM chain WHERE owned
       WINDOW in_order AS (PARTITION BY external_session_id ORDER BY row_number)
   ), judged AS (
       SELECT a.*, CASE WHEN a.is_first THEN 'inserted'
                        WHEN ROW(a.scheduled_at, a.completed_at, a.duration_minutes, a.rating, a.feedback_text, a.focus_area, a.language_level, a.topics, a.metadata) IS DISTINCT FROM ROW(a.old_scheduled_at, a.old_completed_at, a.old_duration_minutes, a.old_rating, a.old_feedback_text, a.old_focus_area, a.old_language_level, a.old_topics, a.old_metadata) THEN 'updated'
                        ELSE 'unchanged' END AS outcome
         FROM accepted a
   ), applied AS (
       SELECT j.*, base + row_number() OVER in_order AS version,
              first_value(row_number) OVER in_order AS first_row, lead(row_number) OVER in_order AS next_row
         FROM judged j WHERE outcome <> 'unchanged'
       WINDOW in_order AS (PARTITION BY external_session_id ORDER BY row_number)
   )
   INSERT INTO staging.changes_batch
          (row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, held_version, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
   SELECT row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM applied
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'unchanged', NULL, NULL, NULL, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM judged WHERE outcome = 'unchanged'
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'conflict', NULL, NULL, NULL, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM chain WHERE NOT owned;

DROP TABLE IF EXISTS staging.repeated_batch;

ANALYZE staging.changes_batch;

SELECT set_config('work_mem', greatest(4096, least(98304, cache_kb / 32)) || 'kB', true),
       set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / 524288) AS text), true)
  FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
               CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers);

SELECT EXISTS (SELECT FROM staging.changes_batch);

SELECT (SELECT count(*) FROM staging.rows_batch WHERE shard = :shard)
     > (SELECT count(*) FROM staging.changes_batch WHERE shard = :shard);

INSERT INTO kintell_sessions
       (id, batch_id, row_number, line, version, program_type, program_instance_id, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)

SELECT (SELECT first_session_id(:batch_id)) + r.row_number, CAST(:batch_id AS uuid), r.row_number, r.line, 1, CAST(:program_type AS text), CAST(:program_instance_id AS integer), r.external_session_id, r.participant_id, r.volunteer_id, r.scheduled_at, r.completed_at, r.duration_minutes, trim_scale((r.rating_given - 1) * 0.25), r.feedback_text, r.focus_area, r.language_level, r.topics, r.metadata
  FROM staging.rows_batch r
 WHERE r.shard = :shard
   AND NOT EXISTS (SELECT FROM staging.changes_batch c WHERE c.row_number = r.row_number);

INSERT INTO kintell_sessions
       (id, batch_id, row_number, line, version, program_type, program_instance_id, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
SELECT (SELECT first_session_id(:batch_id)) + c.first_row, :batch_id, c.row_number, c.line, c.version, CAST(:program_type AS text), CAST(:program_instance_id AS integer), external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
  FROM staging.changes_batch c
 WHERE c.shard = :shard AND c.target_id IS NULL AND c.next_row IS NULL AND c.outcome IN ('inserted', 'updated');

WITH replaced AS (
    UPDATE kintell_sessions s
       SET batch_id = :batch_id, row_number = c.row_number, line = c.line, version = c.version,
           scheduled_at = c.scheduled_at, completed_at = c.completed_at, duration_minutes = c.duration_minutes, rating = c.rating, feedback_text = c.feedback_text, focus_area = c.focus_area, language_level = c.language_level, topics = c.topics, metadata = c.metadata
      FROM (SELECT c.target_id, c.row_number, c.line, c.version, c.scheduled_at, c.completed_at, c.duration_minutes, c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata,
                   coalesce(f.row_number, c.row_number) AS first_row,
                   o.version AS old_version, o.batch_id AS old_batch_id, o.row_number AS old_row_number, o.line AS old_line, o.program_instance_id AS old_program_instance_id, o.scheduled_at AS old_scheduled_at, o.completed_at AS old_completed_at, o.duration_minutes AS old_duration_minutes, o.rating AS old_rating, o.feedback_text AS old_feedback_text, o.focus_area AS old_focus_area, o.language_level AS old_language_level, o.topics AS old_topics, o.metadata AS old_metadata
              FROM staging.changes_batch c
              JOIN kintell_sessions o ON o.id = c.target_id
              -- The first change, where a key is repeated in the file.
              LEFT JOIN (SELECT c.target_id, c.version, c.row_number
                           FROM staging.changes_batch c WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NOT NULL) f
                ON f.target_id = c.target_id AND f.version = o.version + 1
             WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NULL
          ORDER BY c.target_id) c
     WHERE s.id = c.target_id
 RETURNING s.id, c.first_row, c.old_version, c.old_batch_id, c.old_row_number, c.old_line, c.old_program_instance_id, c.old_scheduled_at, c.old_completed_at, c.old_duration_minutes, c.old_rating, c.old_feedback_text, c.old_focus_area, c.old_language_level, c.old_topics, c.old_metadata
)
INSERT INTO kintell_session_versions (session_id, version, batch_id, row_number, line, program_instance_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata, replaced_by_batch, replaced_by_row)
SELECT id, old_version, old_batch_id, old_row_number, old_line, old_program_instance_id, old_scheduled_at, old_completed_at, old_duration_minutes, old_rating, old_feedback_text, old_focus_area, old_language_level, old_topics, old_metadata, :batch_id, first_row FROM replaced;

INSERT INTO kintell_session_versions
       (session_id, batch_id, replaced_by_batch, replaced_by_row, program_instance_id, version, row_number, line, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
SELECT s.id, :batch_id, :batch_id, c.next_row, s.program_instance_id, c.version, c.row_number, c.line, c.scheduled_at, c.completed_at, c.duration_minutes, c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata
  FROM staging.changes_batch c
  JOIN kintell_sessions s ON s.external_session_id = c.external_session_id AND s.program_type = :program_type
 WHERE c.shard = :shard AND c.next_row IS NOT NULL;

SELECT count(*) FILTER (WHERE outcome = 'inserted'), count(*) FILTER (WHERE outcome = 'updated')
  FROM staging.changes_batch WHERE shard = :shard;

-- required columns alone

SELECT set_config('work_mem', greatest(4096, least(65536, cache_kb / 32)) || 'kB', true),
       set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / 524288) AS text), true)
  FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
               CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers);

ANALYZE staging.rows_batch;

DROP TABLE IF EXISTS staging.repeated_batch;

CREATE UNLOGGED TABLE staging.repeated_batch AS SELECT external_session_id FROM staging.rows_batch_1 GROUP BY external_session_id HAVING count(*) > 1;

SELECT EXISTS (SELECT FROM staging.repeated_batch);

ANALYZE staging.repeated_batch;

DROP TABLE IF EXISTS staging.changes_batch;

CREATE UNLOGGED TABLE staging.changes_batch AS
SELECT r.row_number, r.chunk, r.shard, r.line, judged.outcome, s.id AS target_id, s.version + 1 AS version,
       s.batch_id AS held_by, s.version AS held_version,
       CAST(NULL AS integer) AS first_row, CAST(NULL AS integer) AS next_row, r.external_session_id,
       r.participant_id, r.volunteer_id, 
       CASE judged.outcome WHEN 'updated' THEN r.scheduled_at END AS scheduled_at, CASE judged.outcome WHEN 'updated' THEN s.completed_at END AS completed_at, CASE judged.outcome WHEN 'updated' THEN s.duration_minutes END AS duration_minutes, CASE judged.outcome WHEN 'updated' THEN s.rating END AS rating, CASE judged.outcome WHEN 'updated' THEN s.feedback_text END AS feedback_text, CASE judged.outcome WHEN 'updated' THEN s.focus_area END AS focus_area, CASE judged.outcome WHEN 'updated' THEN s.language_level END AS language_level, CASE judged.outcome WHEN 'updated' THEN s.topics END AS topics, CASE judged.outcome WHEN 'updated' THEN s.metadata END AS metadata
  FROM staging.rows_batch r
  JOIN kintell_sessions s ON s.external_session_id = r.external_session_id AND s.program_type = :program_type
 CROSS JOIN LATERAL (
       SELECT CASE WHEN ROW(s.participant_id, s.volunteer_id) IS DISTINCT FROM ROW(r.participant_id, r.volunteer_id) THEN 'conflict'
                   WHEN ROW(r.scheduled_at, s.completed_at, s.duration_minutes, s.rating, s.feedback_text, s.focus_area, s.language_level, s.topics, s.metadata) IS DISTINCT FROM ROW(s.scheduled_at, s.completed_at, s.duration_minutes, s.rating, s.feedback_text, s.focus_area, s.language_level, s.topics, s.metadata) THEN 'updated'
                   ELSE 'unchanged' END AS outcome
        -- Not to be asked again for every column.
        OFFSET 0) judged
 WHERE r.shard IN (1)
   AND NOT EXISTS (SELECT FROM staging.repeated_batch d
                    WHERE d.external_session_id = r.external_session_id);

   WITH chain AS (
       SELECT r.row_number, r.chunk, r.shard, r.line, r.external_session_id,
              r.participant_id, r.volunteer_id, 
              s.id AS target_id, s.batch_id AS held_by, coalesce(s.version, 0) AS base, r.participant_id = coalesce(s.participant_id, first_value(r.participant_id) OVER in_order) AND r.volunteer_id = coalesce(s.volunteer_id, first_value(r.volunteer_id) OVER in_order) AS owned,
              r.scheduled_at AS scheduled_at, s.completed_at AS completed_at, s.duration_minutes AS duration_minutes, s.rating AS rating, s.feedback_text AS feedback_text, s.focus_area AS focus_area, s.language_level AS language_level, s.topics AS topics, s.metadata AS metadata, s.scheduled_at AS old_scheduled_at, s.completed_at AS old_completed_at, s.duration_minutes AS old_duration_minutes, s.rating AS old_rating, s.feedback_text AS old_feedback_text, s.focus_area AS old_focus_area, s.language_level AS old_language_level, s.topics AS old_topics, s.metadata AS old_metadata
         FROM staging.rows_batch r
         JOIN staging.repeated_batch d ON d.external_session_id = r.external_session_id
         LEFT JOIN kintell_sessions s ON s.external_session_id = r.external_session_id AND s.program_type = :program_type
        WHERE r.shard IN (1)
       WINDOW in_order AS (PARTITION BY r.external_session_id ORDER BY r.row_number)
   ), accepted AS (
       SELECT target_id, held_by, base, row_number, chunk, shard, line, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata, lag(scheduled_at, 1, old_scheduled_at) OVER in_order AS old_scheduled_at, lag(completed_at, 1, old_completed_at) OVER in_order AS old_completed_at, lag(duration_minutes, 1, old_duration_minutes) OVER in_order AS old_duration_minutes, lag(rating, 1, old_rating) OVER in_order AS old_rating, lag(feedback_text, 1, old_feedback_text) OVER in_order AS old_feedback_text, lag(focus_area, 1, old_focus_area) OVER in_order AS old_focus_area, lag(language_level, 1, old_language_level) OVER in_order AS old_language_level, lag(topics, 1, old_topics) OVER in_order AS old_topics, lag(metadata, 1, old_metadata) OVER in_order AS old_metadata,
              row_number() OVER in_order = 1 AND target_id IS NULL AS is_first
         FROM chain WHERE owned
       WINDOW in_order AS (PARTITION BY external_session_id ORDER BY row_number)
   ), judged AS (
       SELECT a.*, CASE WHEN a.is_first THEN 'inserted'
                        WHEN ROW(a.scheduled_at, a.completed_at, a.duration_minutes, a.rating, a.feedback_text, a.focus_area, a.language_level, a.topics, a.metadata) IS DISTINCT FROM ROW(a.old_scheduled_at, a.old_completed_at, a.old_duration_minutes, a.old_rating, a.old_feedback_text, a.old_focus_area, a.old_language_level, a.old_topics, a.old_metadata) THEN 'updated'
                        ELSE 'unchanged' END AS outcome
         FROM accepted a
   ), applied AS (
       SELECT j.*, base + row_number() OVER in_order AS version,
              first_value(row_number) OVER in_order AS first_row, lead(row_number) OVER in_order AS next_row
         FROM judged j WHERE outcome <> 'unchanged'
       WINDOW in_order AS (PARTITION BY external_session_id ORDER BY row_number)
   )
   INSERT INTO staging.changes_batch
          (row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, held_version, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
   SELECT row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM applied
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'unchanged', NULL, NULL, NULL, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM judged WHERE outcome = 'unchanged'
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'conflict', NULL, NULL, NULL, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM chain WHERE NOT owned;

DROP TABLE IF EXISTS staging.repeated_batch;

ANALYZE staging.changes_batch;

SELECT set_config('work_mem', greatest(4096, least(98304, cache_kb / 32)) || 'kB', true),
       set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / 524288) AS text), true)
  FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
               CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers);

SELECT EXISTS (SELECT FROM staging.changes_batch);

SELECT (SELECT count(*) FROM staging.rows_batch WHERE shard = :shard)
     > (SELECT count(*) FROM staging.changes_batch WHERE shard = :shard);

INSERT INTO kintell_sessions
       (id, batch_id, row_number, line, version, program_type, program_instance_id, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)

SELECT (SELECT first_session_id(:batch_id)) + r.row_number, CAST(:batch_id AS uuid), r.row_number, r.line, 1, CAST(:program_type AS text), CAST(:program_instance_id AS integer), r.external_session_id, r.participant_id, r.volunteer_id, r.scheduled_at, r.completed_at, r.duration_minutes, trim_scale((r.rating_given - 1) * 0.25), r.feedback_text, r.focus_area, r.language_level, r.topics, r.metadata
  FROM staging.rows_batch r
 WHERE r.shard = :shard
   AND NOT EXISTS (SELECT FROM staging.changes_batch c WHERE c.row_number = r.row_number) AND r.row_number >= 7 UNION ALL 
SELECT (SELECT first_session_id(:batch_id)) + r.row_number, CAST(:batch_id AS uuid), r.row_number, r.line, 1, CAST(:program_type AS text), CAST(:program_instance_id AS integer), r.external_session_id, r.participant_id, r.volunteer_id, r.scheduled_at, r.completed_at, r.duration_minutes, trim_scale((r.rating_given - 1) * 0.25), r.feedback_text, r.focus_area, r.language_level, r.topics, r.metadata
  FROM staging.rows_batch r
 WHERE r.shard = :shard
   AND NOT EXISTS (SELECT FROM staging.changes_batch c WHERE c.row_number = r.row_number) AND r.row_number < 7;

INSERT INTO kintell_sessions
       (id, batch_id, row_number, line, version, program_type, program_instance_id, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
SELECT (SELECT first_session_id(:batch_id)) + c.first_row, :batch_id, c.row_number, c.line, c.version, CAST(:program_type AS text), CAST(:program_instance_id AS integer), external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
  FROM staging.changes_batch c
 WHERE c.shard = :shard AND c.target_id IS NULL AND c.next_row IS NULL AND c.outcome IN ('inserted', 'updated');

WITH replaced AS (
    UPDATE kintell_sessions s
       SET batch_id = :batch_id, row_number = c.row_number, line = c.line, version = c.version,
           scheduled_at = c.scheduled_at, completed_at = c.completed_at, duration_minutes = c.duration_minutes, rating = c.rating, feedback_text = c.feedback_text, focus_area = c.focus_area, language_level = c.language_level, topics = c.topics, metadata = c.metadata
      FROM (SELECT c.target_id, c.row_number, c.line, c.version, c.scheduled_at, c.completed_at, c.duration_minutes, c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata,
                   coalesce(f.row_number, c.row_number) AS first_row,
                   o.version AS old_version, o.batch_id AS old_batch_id, o.row_number AS old_row_number, o.line AS old_line, o.program_instance_id AS old_program_instance_id, o.scheduled_at AS old_scheduled_at, o.completed_at AS old_completed_at, o.duration_minutes AS old_duration_minutes, o.rating AS old_rating, o.feedback_text AS old_feedback_text, o.focus_area AS old_focus_area, o.language_level AS old_language_level, o.topics AS old_topics, o.metadata AS old_metadata
              FROM staging.changes_batch c
              JOIN kintell_sessions o ON o.id = c.target_id
              -- The first change, where a key is repeated in the file.
              LEFT JOIN (SELECT c.target_id, c.version, c.row_number
                           FROM staging.changes_batch c WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NOT NULL) f
                ON f.target_id = c.target_id AND f.version = o.version + 1
             WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NULL
          ORDER BY c.target_id) c
     WHERE s.id = c.target_id
 RETURNING s.id, c.first_row, c.old_version, c.old_batch_id, c.old_row_number, c.old_line, c.old_program_instance_id, c.old_scheduled_at, c.old_completed_at, c.old_duration_minutes, c.old_rating, c.old_feedback_text, c.old_focus_area, c.old_language_level, c.old_topics, c.old_metadata
)
INSERT INTO kintell_session_versions (session_id, version, batch_id, row_number, line, program_instance_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata, replaced_by_batch, replaced_by_row)
SELECT id, old_version, old_batch_id, old_row_number, old_line, old_program_instance_id, old_scheduled_at, old_completed_at, old_duration_minutes, old_rating, old_feedback_text, old_focus_area, old_language_level, old_topics, old_metadata, :batch_id, first_row FROM replaced;

INSERT INTO kintell_session_versions
       (session_id, batch_id, replaced_by_batch, replaced_by_row, program_instance_id, version, row_number, line, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
SELECT s.id, :batch_id, :batch_id, c.next_row, s.program_instance_id, c.version, c.row_number, c.line, c.scheduled_at, c.completed_at, c.duration_minutes, c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata
  FROM staging.changes_batch c
  JOIN kintell_sessions s ON s.external_session_id = c.external_session_id AND s.program_type = :program_type
 WHERE c.shard = :shard AND c.next_row IS NOT NULL;

SELECT count(*) FILTER (WHERE outcome = 'inserted'), count(*) FILTER (WHERE outcome = 'updated')
  FROM staging.changes_batch WHERE shard = :shard;

-- ratings from 0 to 1

SELECT set_config('work_mem', greatest(4096, least(65536, cache_kb / 32)) || 'kB', true),
       set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / 524288) AS text), true)
  FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
               CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers);

ANALYZE staging.rows_batch;

DROP TABLE IF EXISTS staging.repeated_batch;

CREATE UNLOGGED TABLE staging.repeated_batch AS SELECT external_session_id FROM staging.rows_batch_1 GROUP BY external_session_id HAVING count(*) > 1;

SELECT EXISTS (SELECT FROM staging.repeated_batch);

ANALYZE staging.repeated_batch;

DROP TABLE IF EXISTS staging.changes_batch;

CREATE UNLOGGED TABLE staging.changes_batch AS
SELECT r.row_number, r.chunk, r.shard, r.line, judged.outcome, s.id AS target_id, s.version + 1 AS version,
       s.batch_id AS held_by, s.version AS held_version,
       CAST(NULL AS integer) AS first_row, CAST(NULL AS integer) AS next_row, r.external_session_id,
       r.participant_id, r.volunteer_id, 
       CASE judged.outcome WHEN 'updated' THEN r.scheduled_at END AS scheduled_at, CASE judged.outcome WHEN 'updated' THEN r.completed_at END AS completed_at, CASE judged.outcome WHEN 'updated' THEN r.duration_minutes END AS duration_minutes, CASE judged.outcome WHEN 'updated' THEN r.rating_given END AS rating, CASE judged.outcome WHEN 'updated' THEN r.feedback_text END AS feedback_text, CASE judged.outcome WHEN 'updated' THEN r.focus_area END AS focus_area, CASE judged.outcome WHEN 'updated' THEN r.language_level END AS language_level, CASE judged.outcome WHEN 'updated' THEN r.topics END AS topics, CASE judged.outcome WHEN 'updated' THEN r.metadata END AS metadata
  FROM staging.rows_batch r
  JOIN kintell_sessions s ON s.external_session_id = r.external_session_id AND s.program_type = :program_type
 CROSS JOIN LATERAL (
       SELECT CASE WHEN ROW(s.participant_id, s.volunteer_id) IS DISTINCT FROM ROW(r.participant_id, r.volunteer_id) THEN 'conflict'
                   WHEN ROW(r.scheduled_at, r.completed_at, r.duration_minutes, r.rating_given, r.feedback_text, r.focus_area, r.language_level, r.topics, r.metadata) IS DISTINCT FROM ROW(s.scheduled_at, s.completed_at, s.duration_minutes, s.rating, s.feedback_text, s.focus_area, s.language_level, s.topics, s.metadata) THEN 'updated'
                   ELSE 'unchanged' END AS outcome
        -- Not to be asked again for every column.
        OFFSET 0) judged
 WHERE r.shard IN (1)
   AND NOT EXISTS (SELECT FROM staging.repeated_batch d
                    WHERE d.external_session_id = r.external_session_id);

   WITH chain AS (
       SELECT r.row_number, r.chunk, r.shard, r.line, r.external_session_id,
              r.participant_id, r.volunteer_id, 
              s.id AS target_id, s.batch_id AS held_by, coalesce(s.version, 0) AS base, r.participant_id = coalesce(s.participant_id, first_value(r.participant_id) OVER in_order) AND r.volunteer_id = coalesce(s.volunteer_id, first_value(r.volunteer_id) OVER in_order) AS owned,
              r.scheduled_at AS scheduled_at, r.completed_at AS completed_at, r.duration_minutes AS duration_minutes, r.rating_given AS rating, r.feedback_text AS feedback_text, r.focus_area AS focus_area, r.language_level AS language_level, r.topics AS topics, r.metadata AS metadata, s.scheduled_at AS old_scheduled_at, s.completed_at AS old_completed_at, s.duration_minutes AS old_duration_minutes, s.rating AS old_rating, s.feedback_text AS old_feedback_text, s.focus_area AS old_focus_area, s.language_level AS old_language_level, s.topics AS old_topics, s.metadata AS old_metadata
         FROM staging.rows_batch r
         JOIN staging.repeated_batch d ON d.external_session_id = r.external_session_id
         LEFT JOIN kintell_sessions s ON s.external_session_id = r.external_session_id AND s.program_type = :program_type
        WHERE r.shard IN (1)
       WINDOW in_order AS (PARTITION BY r.external_session_id ORDER BY r.row_number)
   ), accepted AS (
       SELECT target_id, held_by, base, row_number, chunk, shard, line, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata, lag(scheduled_at, 1, old_scheduled_at) OVER in_order AS old_scheduled_at, lag(completed_at, 1, old_completed_at) OVER in_order AS old_completed_at, lag(duration_minutes, 1, old_duration_minutes) OVER in_order AS old_duration_minutes, lag(rating, 1, old_rating) OVER in_order AS old_rating, lag(feedback_text, 1, old_feedback_text) OVER in_order AS old_feedback_text, lag(focus_area, 1, old_focus_area) OVER in_order AS old_focus_area, lag(language_level, 1, old_language_level) OVER in_order AS old_language_level, lag(topics, 1, old_topics) OVER in_order AS old_topics, lag(metadata, 1, old_metadata) OVER in_order AS old_metadata,
              row_number() OVER in_order = 1 AND target_id IS NULL AS is_first
         FROM chain WHERE owned
       WINDOW in_order AS (PARTITION BY external_session_id ORDER BY row_number)
   ), judged AS (
       SELECT a.*, CASE WHEN a.is_first THEN 'inserted'
                        WHEN ROW(a.scheduled_at, a.completed_at, a.duration_minutes, a.rating, a.feedback_text, a.focus_area, a.language_level, a.topics, a.metadata) IS DISTINCT FROM ROW(a.old_scheduled_at, a.old_completed_at, a.old_duration_minutes, a.old_rating, a.old_feedback_text, a.old_focus_area, a.old_language_level, a.old_topics, a.old_metadata) THEN 'updated'
                        ELSE 'unchanged' END AS outcome
         FROM accepted a
   ), applied AS (
       SELECT j.*, base + row_number() OVER in_order AS version,
              first_value(row_number) OVER in_order AS first_row, lead(row_number) OVER in_order AS next_row
         FROM judged j WHERE outcome <> 'unchanged'
       WINDOW in_order AS (PARTITION BY external_session_id ORDER BY row_number)
   )
   INSERT INTO staging.changes_batch
          (row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, held_version, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
   SELECT row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM applied
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'unchanged', NULL, NULL, NULL, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM judged WHERE outcome = 'unchanged'
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'conflict', NULL, NULL, NULL, base, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
     FROM chain WHERE NOT owned;

DROP TABLE IF EXISTS staging.repeated_batch;

ANALYZE staging.changes_batch;

SELECT set_config('work_mem', greatest(4096, least(98304, cache_kb / 32)) || 'kB', true),
       set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / 524288) AS text), true)
  FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
               CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers);

SELECT EXISTS (SELECT FROM staging.changes_batch);

SELECT (SELECT count(*) FROM staging.rows_batch WHERE shard = :shard)
     > (SELECT count(*) FROM staging.changes_batch WHERE shard = :shard);

INSERT INTO kintell_sessions
       (id, batch_id, row_number, line, version, program_type, program_instance_id, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)

SELECT (SELECT first_session_id(:batch_id)) + r.row_number, CAST(:batch_id AS uuid), r.row_number, r.line, 1, CAST(:program_type AS text), CAST(:program_instance_id AS integer), r.external_session_id, r.participant_id, r.volunteer_id, r.scheduled_at, r.completed_at, r.duration_minutes, r.rating_given, r.feedback_text, r.focus_area, r.language_level, r.topics, r.metadata
  FROM staging.rows_batch r
 WHERE r.shard = :shard
   AND NOT EXISTS (SELECT FROM staging.changes_batch c WHERE c.row_number = r.row_number);

INSERT INTO kintell_sessions
       (id, batch_id, row_number, line, version, program_type, program_instance_id, external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
SELECT (SELECT first_session_id(:batch_id)) + c.first_row, :batch_id, c.row_number, c.line, c.version, CAST(:program_type AS text), CAST(:program_instance_id AS integer), external_session_id, participant_id, volunteer_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
  FROM staging.changes_batch c
 WHERE c.shard = :shard AND c.target_id IS NULL AND c.next_row IS NULL AND c.outcome IN ('inserted', 'updated');

WITH replaced AS (
    UPDATE kintell_sessions s
       SET batch_id = :batch_id, row_number = c.row_number, line = c.line, version = c.version,
           scheduled_at = c.scheduled_at, completed_at = c.completed_at, duration_minutes = c.duration_minutes, rating = c.rating, feedback_text = c.feedback_text, focus_area = c.focus_area, language_level = c.language_level, topics = c.topics, metadata = c.metadata
      FROM (SELECT c.target_id, c.row_number, c.line, c.version, c.scheduled_at, c.completed_at, c.duration_minutes, c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata,
                   coalesce(f.row_number, c.row_number) AS first_row,
                   o.version AS old_version, o.batch_id AS old_batch_id, o.row_number AS old_row_number, o.line AS old_line, o.program_instance_id AS old_program_instance_id, o.scheduled_at AS old_scheduled_at, o.completed_at AS old_completed_at, o.duration_minutes AS old_duration_minutes, o.rating AS old_rating, o.feedback_text AS old_feedback_text, o.focus_area AS old_focus_area, o.language_level AS old_language_level, o.topics AS old_topics, o.metadata AS old_metadata
              FROM staging.changes_batch c
              JOIN kintell_sessions o ON o.id = c.target_id
              -- The first change, where a key is repeated in the file.
              LEFT JOIN (SELECT c.target_id, c.version, c.row_number
                           FROM staging.changes_batch c WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NOT NULL) f
                ON f.target_id = c.target_id AND f.version = o.version + 1
             WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NULL
          ORDER BY c.target_id) c
     WHERE s.id = c.target_id
 RETURNING s.id, c.first_row, c.old_version, c.old_batch_id, c.old_row_number, c.old_line, c.old_program_instance_id, c.old_scheduled_at, c.old_completed_at, c.old_duration_minutes, c.old_rating, c.old_feedback_text, c.old_focus_area, c.old_language_level, c.old_topics, c.old_metadata
)
INSERT INTO kintell_session_versions (session_id, version, batch_id, row_number, line, program_instance_id, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata, replaced_by_batch, replaced_by_row)
SELECT id, old_version, old_batch_id, old_row_number, old_line, old_program_instance_id, old_scheduled_at, old_completed_at, old_duration_minutes, old_rating, old_feedback_text, old_focus_area, old_language_level, old_topics, old_metadata, :batch_id, first_row FROM replaced;

INSERT INTO kintell_session_versions
       (session_id, batch_id, replaced_by_batch, replaced_by_row, program_instance_id, version, row_number, line, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata)
SELECT s.id, :batch_id, :batch_id, c.next_row, s.program_instance_id, c.version, c.row_number, c.line, c.scheduled_at, c.completed_at, c.duration_minutes, c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata
  FROM staging.changes_batch c
  JOIN kintell_sessions s ON s.external_session_id = c.external_session_id AND s.program_type = :program_type
 WHERE c.shard = :shard AND c.next_row IS NOT NULL;

SELECT count(*) FILTER (WHERE outcome = 'inserted'), count(*) FILTER (WHERE outcome = 'updated')
  FROM staging.changes_batch WHERE shard = :shard;

-- counting and taking back

SELECT (SELECT count(*) FROM kintell_sessions s WHERE s.batch_id = :batch_id AND (s.id BETWEEN (SELECT first_session_id(:batch_id)) AND (SELECT last_session_id(:batch_id)) AND s.version = 1 OR s.version > 1))
     + (SELECT count(*) FROM kintell_session_versions v WHERE v.batch_id = :batch_id AND (v.session_id BETWEEN (SELECT first_session_id(:batch_id)) AND (SELECT last_session_id(:batch_id)) AND v.version = 1 OR v.version > 1));

UPDATE kintell_sessions s
   SET version = v.version, batch_id = v.batch_id, row_number = v.row_number, line = v.line, program_instance_id = v.program_instance_id, scheduled_at = v.scheduled_at, completed_at = v.completed_at, duration_minutes = v.duration_minutes, rating = v.rating, feedback_text = v.feedback_text, focus_area = v.focus_area, language_level = v.language_level, topics = v.topics, metadata = v.metadata
  FROM kintell_session_versions v
 WHERE s.batch_id = :batch_id AND v.session_id = s.id AND v.replaced_by_batch = :batch_id
   AND v.batch_id IS DISTINCT FROM :batch_id;

DELETE FROM kintell_sessions s WHERE s.batch_id = :batch_id AND (s.id BETWEEN (SELECT first_session_id(:batch_id)) AND (SELECT last_session_id(:batch_id)) AND s.version = 1 OR s.version > 1);

DELETE FROM kintell_session_versions WHERE replaced_by_batch = :batch_id;

-- people whom staged rows name by address

  INSERT INTO users (email, role, batch_id, row_number, line)
  SELECT DISTINCT ON (email) email, role, :batch_id, row_number, line
    FROM (SELECT participant_email AS email, 'participant' AS role, row_number, line
            FROM staging.rows_batch WHERE participant_id IS NULL
       UNION ALL
          SELECT volunteer_email AS email, 'volunteer' AS role, row_number, line
            FROM staging.rows_batch WHERE volunteer_id IS NULL) unknown
ORDER BY email, row_number, role
      ON CONFLICT (email) DO NOTHING;

UPDATE staging.rows_batch r SET participant_id = u.id
  FROM users u WHERE r.participant_id IS NULL AND u.email = r.participant_email;

UPDATE staging.rows_batch r SET volunteer_id = u.id
  FROM users u WHERE r.volunteer_id IS NULL AND u.email = r.volunteer_email;

UPDATE staging.rows_batch r SET participant_id = u.id
  FROM users u WHERE r.participant_id IS NULL AND u.email = r.participant_email;

UPDATE staging.rows_batch r SET volunteer_id = u.id
  FROM users u WHERE r.volunteer_id IS NULL AND u.email = r.volunteer_email;

UPDATE staging.rows_batch r SET participant_id = u.id
  FROM (SELECT email, -row_number() OVER (ORDER BY email) AS id
   FROM (SELECT participant_email AS email FROM staging.rows_batch UNION SELECT volunteer_email AS email FROM staging.rows_batch) named
  WHERE email IS NOT NULL) u WHERE r.participant_id IS NULL AND u.email = r.participant_email;

UPDATE staging.rows_batch r SET volunteer_id = u.id
  FROM (SELECT email, -row_number() OVER (ORDER BY email) AS id
   FROM (SELECT participant_email AS email FROM staging.rows_batch UNION SELECT volunteer_email AS email FROM staging.rows_batch) named
  WHERE email IS NOT NULL) u WHERE r.volunteer_id IS NULL AND u.email = r.volunteer_email;

-- lineage

    WITH inserted AS MATERIALIZED (
         SELECT id, program_instance_id, row_number, version, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
           FROM kintell_sessions
          WHERE id BETWEEN (SELECT first_session_id(:batch_id)) AND (SELECT last_session_id(:batch_id)) AND id > (SELECT first_session_id(:batch_id)) + CAST(:after AS bigint)
       ORDER BY id
          LIMIT CAST(:limit AS bigint))
  SELECT w.id, s.program_type, i.slug AS program_instance, w.row_number, w.version,
         s.external_session_id, participant.email AS participant_email, volunteer.email AS volunteer_email, w.scheduled_at, w.completed_at, w.duration_minutes, w.rating, w.feedback_text, w.focus_area, w.language_level, w.topics, w.metadata
    FROM (
          SELECT id, program_instance_id, row_number, version, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
            FROM inserted
           WHERE version = 1
          UNION ALL
          SELECT session_id, program_instance_id, row_number, version, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
            FROM kintell_session_versions
           WHERE (session_id, version) IN (SELECT id, 1 FROM inserted WHERE version > 1)
          UNION ALL
         (SELECT c.id, program_instance_id, row_number, version, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
            FROM kintell_sessions c
           WHERE c.batch_id = :batch_id AND c.version > 1 AND c.row_number > CAST(:after AS bigint)
        ORDER BY c.row_number
           LIMIT CAST(:limit AS bigint))
          UNION ALL
         (SELECT v.session_id, program_instance_id, row_number, version, scheduled_at, completed_at, duration_minutes, rating, feedback_text, focus_area, language_level, topics, metadata
            FROM kintell_session_versions v
           WHERE v.batch_id = :batch_id AND v.version > 1 AND v.row_number > CAST(:after AS bigint)
        ORDER BY v.row_number
           LIMIT CAST(:limit AS bigint))
         ) w
    JOIN kintell_sessions s ON s.id = w.id
    JOIN users participant ON participant.id = s.participant_id
    JOIN users volunteer ON volunteer.id = s.volunteer_id
    JOIN program_instances i ON i.id = w.program_instance_id
ORDER BY w.row_number
   LIMIT CAST(:limit AS bigint);

  SELECT s.id, s.program_type, i.slug AS program_instance, w.version, s.external_session_id, participant.email AS participant_email, volunteer.email AS volunteer_email, w.scheduled_at, w.completed_at, w.duration_minutes, w.rating, w.feedback_text, w.focus_area, w.language_level, w.topics, w.metadata,
         w.replaced_at, w.row_number, w.line, b.format->'sheet'->>'name' AS sheet,
         w.batch_id, b.status AS batch_status, b.created_at AS batch_created_at, b.imported_by,
         coalesce(b.completed_at, b.started_at) AS imported_at,
         b.file_name, u.key, u.version_id, b.file_hash AS sha256
    FROM (
          SELECT c.id, c.version, c.program_instance_id, c.scheduled_at, c.completed_at, c.duration_minutes, c.rating, c.feedback_text, c.focus_area, c.language_level, c.topics, c.metadata,
                 c.batch_id, c.row_number, c.line, CAST(NULL AS timestamptz) AS replaced_at
            FROM kintell_sessions c
           WHERE c.id = CAST(:record_id AS bigint)
          UNION ALL
         (SELECT v.session_id, v.version, v.program_instance_id, v.scheduled_at, v.completed_at, v.duration_minutes, v.rating, v.feedback_text, v.focus_area, v.language_level, v.topics, v.metadata,
                 v.batch_id, v.row_number, v.line, v.replaced_at
            FROM kintell_session_versions v
           WHERE v.session_id = CAST(:record_id AS bigint)
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
ORDER BY w.version DESC;

-- sessions of a person

  SELECT s.id, s.program_type, i.slug AS program_instance, s.version, s.external_session_id, participant.email AS participant_email, volunteer.email AS volunteer_email, s.scheduled_at, s.completed_at, s.duration_minutes, s.rating, s.feedback_text, s.focus_area, s.language_level, s.topics, s.metadata
    FROM (SELECT id
            FROM sessions_of_person(:person_id)
           WHERE id > CAST(:after AS bigint)
        ORDER BY id
           LIMIT CAST(:limit AS bigint)) found
    JOIN kintell_sessions s ON s.id = found.id
    JOIN users participant ON participant.id = s.participant_id
    JOIN users volunteer ON volunteer.id = s.volunteer_id
    JOIN program_instances i ON i.id = s.program_instance_id
ORDER BY found.id;
