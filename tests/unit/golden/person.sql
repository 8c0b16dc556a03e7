-- Generated for person: see tests/unit/test_golden_sql.py.

-- every column, ratings from 1 to 5

SELECT set_config('work_mem', greatest(4096, least(65536, cache_kb / 32)) || 'kB', true),
       set_config('max_parallel_workers_per_gather', CAST(least(workers, cache_kb / 524288) AS text), true)
  FROM (SELECT pg_size_bytes(current_setting('effective_cache_size')) / 1024,
               CAST(current_setting('max_parallel_workers_per_gather') AS bigint)) s (cache_kb, workers);

ANALYZE staging.rows_batch;

DROP TABLE IF EXISTS staging.repeated_batch;

CREATE UNLOGGED TABLE staging.repeated_batch AS SELECT email FROM staging.rows_batch_1 GROUP BY email HAVING count(*) > 1;

SELECT EXISTS (SELECT FROM staging.repeated_batch);

ANALYZE staging.repeated_batch;

DROP TABLE IF EXISTS staging.changes_batch;

CREATE UNLOGGED TABLE staging.changes_batch AS
SELECT r.row_number, r.chunk, r.shard, r.line, judged.outcome, s.id AS target_id, s.version + 1 AS version,
       s.batch_id AS held_by, s.version AS held_version,
       CAST(NULL AS integer) AS first_row, CAST(NULL AS integer) AS next_row, r.email,

       CASE judged.outcome WHEN 'updated' THEN coalesce(s.name, r.name) END AS name, CASE judged.outcome WHEN 'updated' THEN coalesce(s.role, r.role) END AS role, CASE judged.outcome WHEN 'updated' THEN r.linkedin_url END AS linkedin_url, CASE judged.outcome WHEN 'updated' THEN r.verification_status END AS verification_status, CASE judged.outcome WHEN 'updated' THEN r.grant_access END AS grant_access, CASE judged.outcome WHEN 'updated' THEN r.joined_at END AS joined_at
  FROM staging.rows_batch r
  JOIN users s ON s.email = r.email AND true
 CROSS JOIN LATERAL (
       SELECT CASE WHEN ROW() IS DISTINCT FROM ROW() THEN 'conflict'
                   WHEN ROW(coalesce(s.name, r.name), coalesce(s.role, r.role), r.linkedin_url, r.verification_status, r.grant_access, r.joined_at) IS DISTINCT FROM ROW(s.name, s.role, s.linkedin_url, s.verification_status, s.grant_access, s.joined_at) THEN 'updated'
                   ELSE 'unchanged' END AS outcome
        -- Not to be asked again for every column.
        OFFSET 0) judged
 WHERE r.shard IN (1)
   AND NOT EXISTS (SELECT FROM staging.repeated_batch d
                    WHERE d.email = r.email);

   WITH chain AS (
       SELECT r.row_number, r.chunk, r.shard, r.line, r.email,

              s.id AS target_id, s.batch_id AS held_by, coalesce(s.version, 0) AS base, true AS owned,
              coalesce(s.name, (array_agg(r.name) FILTER (WHERE r.name IS NOT NULL) OVER in_order)[1]) AS name, coalesce(s.role, (array_agg(r.role) FILTER (WHERE r.role IS NOT NULL) OVER in_order)[1]) AS role, r.linkedin_url AS linkedin_url, r.verification_status AS verification_status, r.grant_access AS grant_access, r.joined_at AS joined_at, s.name AS old_name, s.role AS old_role, s.linkedin_url AS old_linkedin_url, s.verification_status AS old_verification_status, s.grant_access AS old_grant_access, s.joined_at AS old_joined_at
         FROM staging.rows_batch r
         JOIN staging.repeated_batch d ON d.email = r.email
         LEFT JOIN users s ON s.email = r.email AND true
        WHERE r.shard IN (1)
       WINDOW in_order AS (PARTITION BY r.email ORDER BY r.row_number)
   ), accepted AS (
       SELECT target_id, held_by, base, row_number, chunk, shard, line, email, name, role, linkedin_url, verification_status, grant_access, joined_at, lag(name, 1, old_name) OVER in_order AS old_name, lag(role, 1, old_role) OVER in_order AS old_role, lag(linkedin_url, 1, old_linkedin_url) OVER in_order AS old_linkedin_url, lag(verification_status, 1, old_verification_status) OVER in_order AS old_verification_status, lag(grant_access, 1, old_grant_access) OVER in_order AS old_grant_access, lag(joined_at, 1, old_joined_at) OVER in_order AS old_joined_at,
              row_number() OVER in_order = 1 AND target_id IS NULL AS is_first
         FROM chain WHERE owned
       WINDOW in_order AS (PARTITION BY email ORDER BY row_number)
   ), judged AS (
       SELECT a.*, CASE WHEN a.is_first THEN 'inserted'
                        WHEN ROW(a.name, a.role, a.linkedin_url, a.verification_status, a.grant_access, a.joined_at) IS DISTINCT FROM ROW(a.old_name, a.old_role, a.old_linkedin_url, a.old_verification_status, a.old_grant_access, a.old_joined_at) THEN 'updated'
                        ELSE 'unchanged' END AS outcome
         FROM accepted a
   ), applied AS (
       SELECT j.*, base + row_number() OVER in_order AS version,
              first_value(row_number) OVER in_order AS first_row, lead(row_number) OVER in_order AS next_row
         FROM judged j WHERE outcome <> 'unchanged'
       WINDOW in_order AS (PARTITION BY email ORDER BY row_number)
   )
   INSERT INTO staging.changes_batch
          (row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, held_version, email, name, role, linkedin_url, verification_status, grant_access, joined_at)
   SELECT row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, base, email, name, role, linkedin_url, verification_status, grant_access, joined_at
     FROM applied
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'unchanged', NULL, NULL, NULL, base, email, name, role, linkedin_url, verification_status, grant_access, joined_at
     FROM judged WHERE outcome = 'unchanged'
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'conflict', NULL, NULL, NULL, base, email, name, role, linkedin_url, verification_status, grant_access, joined_at
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

INSERT INTO users
       (batch_id, row_number, line, version, email, name, role, linkedin_url, verification_status, grant_access, joined_at)

SELECT CAST(:batch_id AS uuid), r.row_number, r.line, 1, r.email, r.name, r.role, r.linkedin_url, r.verification_status, r.grant_access, r.joined_at
  FROM staging.rows_batch r
 WHERE r.shard = :shard
   AND NOT EXISTS (SELECT FROM staging.changes_batch c WHERE c.row_number = r.row_number);

INSERT INTO users
       (batch_id, row_number, line, version, email, name, role, linkedin_url, verification_status, grant_access, joined_at)
SELECT :batch_id, c.row_number, c.line, c.version, email, name, role, linkedin_url, verification_status, grant_access, joined_at
  FROM staging.changes_batch c
 WHERE c.shard = :shard AND c.target_id IS NULL AND c.next_row IS NULL AND c.outcome IN ('inserted', 'updated');

WITH replaced AS (
    UPDATE users s
       SET batch_id = :batch_id, row_number = c.row_number, line = c.line, version = c.version,
           name = c.name, role = c.role, linkedin_url = c.linkedin_url, verification_status = c.verification_status, grant_access = c.grant_access, joined_at = c.joined_at
      FROM (SELECT c.target_id, c.row_number, c.line, c.version, c.name, c.role, c.linkedin_url, c.verification_status, c.grant_access, c.joined_at,
                   coalesce(f.row_number, c.row_number) AS first_row,
                   o.version AS old_version, o.batch_id AS old_batch_id, o.row_number AS old_row_number, o.line AS old_line, o.name AS old_name, o.role AS old_role, o.linkedin_url AS old_linkedin_url, o.verification_status AS old_verification_status, o.grant_access AS old_grant_access, o.joined_at AS old_joined_at
              FROM staging.changes_batch c
              JOIN users o ON o.id = c.target_id
              -- The first change, where a key is repeated in the file.
              LEFT JOIN (SELECT c.target_id, c.version, c.row_number
                           FROM staging.changes_batch c WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NOT NULL) f
                ON f.target_id = c.target_id AND f.version = o.version + 1
             WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NULL
          ORDER BY c.target_id) c
     WHERE s.id = c.target_id
 RETURNING s.id, c.first_row, c.old_version, c.old_batch_id, c.old_row_number, c.old_line, c.old_name, c.old_role, c.old_linkedin_url, c.old_verification_status, c.old_grant_access, c.old_joined_at
)
INSERT INTO user_versions (user_id, version, batch_id, row_number, line, name, role, linkedin_url, verification_status, grant_access, joined_at, replaced_by_batch, replaced_by_row)
SELECT id, old_version, old_batch_id, old_row_number, old_line, old_name, old_role, old_linkedin_url, old_verification_status, old_grant_access, old_joined_at, :batch_id, first_row FROM replaced;

INSERT INTO user_versions
       (user_id, batch_id, replaced_by_batch, replaced_by_row, version, row_number, line, name, role, linkedin_url, verification_status, grant_access, joined_at)
SELECT s.id, :batch_id, :batch_id, c.next_row, c.version, c.row_number, c.line, c.name, c.role, c.linkedin_url, c.verification_status, c.grant_access, c.joined_at
  FROM staging.changes_batch c
  JOIN users s ON s.email = c.email
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

CREATE UNLOGGED TABLE staging.repeated_batch AS SELECT email FROM staging.rows_batch_1 GROUP BY email HAVING count(*) > 1;

SELECT EXISTS (SELECT FROM staging.repeated_batch);

ANALYZE staging.repeated_batch;

DROP TABLE IF EXISTS staging.changes_batch;

CREATE UNLOGGED TABLE staging.changes_batch AS
SELECT r.row_number, r.chunk, r.shard, r.line, judged.outcome, s.id AS target_id, s.version + 1 AS version,
       s.batch_id AS held_by, s.version AS held_version,
       CAST(NULL AS integer) AS first_row, CAST(NULL AS integer) AS next_row, r.email,

       CASE judged.outcome WHEN 'updated' THEN coalesce(s.name, r.name) END AS name, CASE judged.outcome WHEN 'updated' THEN coalesce(s.role, r.role) END AS role, CASE judged.outcome WHEN 'updated' THEN s.linkedin_url END AS linkedin_url, CASE judged.outcome WHEN 'updated' THEN s.verification_status END AS verification_status, CASE judged.outcome WHEN 'updated' THEN s.grant_access END AS grant_access, CASE judged.outcome WHEN 'updated' THEN s.joined_at END AS joined_at
  FROM staging.rows_batch r
  JOIN users s ON s.email = r.email AND true
 CROSS JOIN LATERAL (
       SELECT CASE WHEN ROW() IS DISTINCT FROM ROW() THEN 'conflict'
                   WHEN ROW(coalesce(s.name, r.name), coalesce(s.role, r.role), s.linkedin_url, s.verification_status, s.grant_access, s.joined_at) IS DISTINCT FROM ROW(s.name, s.role, s.linkedin_url, s.verification_status, s.grant_access, s.joined_at) THEN 'updated'
                   ELSE 'unchanged' END AS outcome
        -- Not to be asked again for every column.
        OFFSET 0) judged
 WHERE r.shard IN (1)
   AND NOT EXISTS (SELECT FROM staging.repeated_batch d
                    WHERE d.email = r.email);

   WITH chain AS (
       SELECT r.row_number, r.chunk, r.shard, r.line, r.email,

              s.id AS target_id, s.batch_id AS held_by, coalesce(s.version, 0) AS base, true AS owned,
              coalesce(s.name, (array_agg(r.name) FILTER (WHERE r.name IS NOT NULL) OVER in_order)[1]) AS name, coalesce(s.role, (array_agg(r.role) FILTER (WHERE r.role IS NOT NULL) OVER in_order)[1]) AS role, s.linkedin_url AS linkedin_url, s.verification_status AS verification_status, s.grant_access AS grant_access, s.joined_at AS joined_at, s.name AS old_name, s.role AS old_role, s.linkedin_url AS old_linkedin_url, s.verification_status AS old_verification_status, s.grant_access AS old_grant_access, s.joined_at AS old_joined_at
         FROM staging.rows_batch r
         JOIN staging.repeated_batch d ON d.email = r.email
         LEFT JOIN users s ON s.email = r.email AND true
        WHERE r.shard IN (1)
       WINDOW in_order AS (PARTITION BY r.email ORDER BY r.row_number)
   ), accepted AS (
       SELECT target_id, held_by, base, row_number, chunk, shard, line, email, name, role, linkedin_url, verification_status, grant_access, joined_at, lag(name, 1, old_name) OVER in_order AS old_name, lag(role, 1, old_role) OVER in_order AS old_role, lag(linkedin_url, 1, old_linkedin_url) OVER in_order AS old_linkedin_url, lag(verification_status, 1, old_verification_status) OVER in_order AS old_verification_status, lag(grant_access, 1, old_grant_access) OVER in_order AS old_grant_access, lag(joined_at, 1, old_joined_at) OVER in_order AS old_joined_at,
              row_number() OVER in_order = 1 AND target_id IS NULL AS is_first
         FROM chain WHERE owned
       WINDOW in_order AS (PARTITION BY email ORDER BY row_number)
   ), judged AS (
       SELECT a.*, CASE WHEN a.is_first THEN 'inserted'
                        WHEN ROW(a.name, a.role, a.linkedin_url, a.verification_status, a.grant_access, a.joined_at) IS DISTINCT FROM ROW(a.old_name, a.old_role, a.old_linkedin_url, a.old_verification_status, a.old_grant_access, a.old_joined_at) THEN 'updated'
                        ELSE 'unchanged' END AS outcome
         FROM accepted a
   ), applied AS (
       SELECT j.*, base + row_number() OVER in_order AS version,
              first_value(row_number) OVER in_order AS first_row, lead(row_number) OVER in_order AS next_row
         FROM judged j WHERE outcome <> 'unchanged'
       WINDOW in_order AS (PARTITION BY email ORDER BY row_number)
   )
   INSERT INTO staging.changes_batch
          (row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, held_version, email, name, role, linkedin_url, verification_status, grant_access, joined_at)
   SELECT row_number, chunk, shard, line, target_id, held_by, outcome, version, first_row, next_row, base, email, name, role, linkedin_url, verification_status, grant_access, joined_at
     FROM applied
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'unchanged', NULL, NULL, NULL, base, email, name, role, linkedin_url, verification_status, grant_access, joined_at
     FROM judged WHERE outcome = 'unchanged'
UNION ALL
   SELECT row_number, chunk, shard, line, target_id, held_by, 'conflict', NULL, NULL, NULL, base, email, name, role, linkedin_url, verification_status, grant_access, joined_at
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

INSERT INTO users
       (batch_id, row_number, line, version, email, name, role, linkedin_url, verification_status, grant_access, joined_at)

SELECT CAST(:batch_id AS uuid), r.row_number, r.line, 1, r.email, r.name, r.role, r.linkedin_url, r.verification_status, r.grant_access, r.joined_at
  FROM staging.rows_batch r
 WHERE r.shard = :shard
   AND NOT EXISTS (SELECT FROM staging.changes_batch c WHERE c.row_number = r.row_number) AND r.row_number >= 7 UNION ALL 
SELECT CAST(:batch_id AS uuid), r.row_number, r.line, 1, r.email, r.name, r.role, r.linkedin_url, r.verification_status, r.grant_access, r.joined_at
  FROM staging.rows_batch r
 WHERE r.shard = :shard
   AND NOT EXISTS (SELECT FROM staging.changes_batch c WHERE c.row_number = r.row_number) AND r.row_number < 7;

INSERT INTO users
       (batch_id, row_number, line, version, email, name, role, linkedin_url, verification_status, grant_access, joined_at)
SELECT :batch_id, c.row_number, c.line, c.version, email, name, role, linkedin_url, verification_status, grant_access, joined_at
  FROM staging.changes_batch c
 WHERE c.shard = :shard AND c.target_id IS NULL AND c.next_row IS NULL AND c.outcome IN ('inserted', 'updated');

WITH replaced AS (
    UPDATE users s
       SET batch_id = :batch_id, row_number = c.row_number, line = c.line, version = c.version,
           name = c.name, role = c.role, linkedin_url = c.linkedin_url, verification_status = c.verification_status, grant_access = c.grant_access, joined_at = c.joined_at
      FROM (SELECT c.target_id, c.row_number, c.line, c.version, c.name, c.role, c.linkedin_url, c.verification_status, c.grant_access, c.joined_at,
                   coalesce(f.row_number, c.row_number) AS first_row,
                   o.version AS old_version, o.batch_id AS old_batch_id, o.row_number AS old_row_number, o.line AS old_line, o.name AS old_name, o.role AS old_role, o.linkedin_url AS old_linkedin_url, o.verification_status AS old_verification_status, o.grant_access AS old_grant_access, o.joined_at AS old_joined_at
              FROM staging.changes_batch c
              JOIN users o ON o.id = c.target_id
              -- The first change, where a key is repeated in the file.
              LEFT JOIN (SELECT c.target_id, c.version, c.row_number
                           FROM staging.changes_batch c WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NOT NULL) f
                ON f.target_id = c.target_id AND f.version = o.version + 1
             WHERE c.shard = :shard AND c.outcome = 'updated' AND c.next_row IS NULL
          ORDER BY c.target_id) c
     WHERE s.id = c.target_id
 RETURNING s.id, c.first_row, c.old_version, c.old_batch_id, c.old_row_number, c.old_line, c.old_name, c.old_role, c.old_linkedin_url, c.old_verification_status, c.old_grant_access, c.old_joined_at
)
INSERT INTO user_versions (user_id, version, batch_id, row_number, line, name, role, linkedin_url, verification_status, grant_access, joined_at, replaced_by_batch, replaced_by_row)
SELECT id, old_version, old_batch_id, old_row_number, old_line, old_name, old_role, old_linkedin_url, old_verification_status, old_grant_access, old_joined_at, :batch_id, first_row FROM replaced;

INSERT INTO user_versions
       (user_id, batch_id, replaced_by_batch, replaced_by_row, version, row_number, line, name, role, linkedin_url, verification_status, grant_access, joined_at)
SELECT s.id, :batch_id, :batch_id, c.next_row, c.version, c.row_number, c.line, c.name, c.role, c.linkedin_url, c.verification_status, c.grant_access, c.joined_at
  FROM staging.changes_batch c
  JOIN users s ON s.email = c.email
 WHERE c.shard = :shard AND c.next_row IS NOT NULL;

SELECT count(*) FILTER (WHERE outcome = 'inserted'), count(*) FILTER (WHERE outcome = 'updated')
  FROM staging.changes_batch WHERE shard = :shard;

-- counting and taking back

SELECT (SELECT count(*) FROM users s WHERE s.batch_id = :batch_id)
     + (SELECT count(*) FROM user_versions v WHERE v.batch_id = :batch_id);

UPDATE users s
   SET version = v.version, batch_id = v.batch_id, row_number = v.row_number, line = v.line, name = v.name, role = v.role, linkedin_url = v.linkedin_url, verification_status = v.verification_status, grant_access = v.grant_access, joined_at = v.joined_at
  FROM user_versions v
 WHERE s.batch_id = :batch_id AND v.user_id = s.id AND v.replaced_by_batch = :batch_id
   AND v.batch_id IS DISTINCT FROM :batch_id;

DELETE FROM users s WHERE s.batch_id = :batch_id
           AND NOT EXISTS (SELECT FROM batch_people p WHERE p.person_id = s.id);

DELETE FROM user_versions WHERE replaced_by_batch = :batch_id;
