-- What the functions' role can't do behind a trigger's back, a parent of the same programme, and people who are deleted a
-- set at a time. Where the functions of this schema look for names, the runner says: see tables/migrations.py.

-- Names in it are settled here, once for all. It stays a part of the statement that asks it, as a path of its own would not.
CREATE OR REPLACE FUNCTION sessions_of_person(person bigint) RETURNS SETOF kintell_sessions
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT s.*
      FROM (SELECT DISTINCT id_block FROM people_of_sessions WHERE person_id = person) b
     CROSS JOIN LATERAL (
           SELECT k.*
             FROM kintell_sessions k
            WHERE k.id BETWEEN b.id_block << 17 AND (b.id_block << 17) + 131071
           -- Planned by itself: how few ids a block has, the planner can't know.
           OFFSET 0) s
     WHERE s.participant_id = person OR s.volunteer_id = person;
END;

-- Who may write sessions may not say where people stand in them: only these do, as the owner.
ALTER FUNCTION check_session_references() SECURITY DEFINER;
ALTER FUNCTION forget_people_of_sessions() SECURITY DEFINER;

-- A transaction that deletes waits here for whoever is writing sessions, once a statement and not once a row, and only if
-- it deletes anything. It must not have written sessions itself: two that had would wait for each other.
CREATE FUNCTION keep_all_that_sessions_refer_to() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    referred text;
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN
        RETURN NULL;
    END IF;
    LOCK TABLE kintell_sessions IN SHARE ROW EXCLUSIVE MODE;
    IF TG_TABLE_NAME = 'users' THEN
        SELECT g.id INTO referred FROM gone g WHERE EXISTS (SELECT FROM sessions_of_person(g.id)) LIMIT 1;
    ELSIF TG_TABLE_NAME = 'ingestion_batches' THEN
        SELECT g.id INTO referred
          FROM gone g
         WHERE EXISTS (SELECT FROM kintell_sessions
                        WHERE id BETWEEN CAST(g.number AS bigint) << 30
                                     AND (CAST(g.number AS bigint) << 30) + 1073741823)
            OR EXISTS (SELECT FROM kintell_sessions
                        WHERE batch_id = g.id AND (version > 1 OR id < 1073741824))
            OR EXISTS (SELECT FROM kintell_session_versions
                        WHERE batch_id = g.id AND (version > 1 OR session_id < 1073741824))
         LIMIT 1;
    ELSE
        SELECT g.id INTO referred
          FROM gone g
         WHERE EXISTS (SELECT FROM kintell_sessions WHERE program_instance_id = g.id)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE program_instance_id = g.id)
         LIMIT 1;
    END IF;
    IF referred IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = TG_TABLE_NAME || ' ' || referred || ' is referred to by sessions';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER users_with_sessions_stay ON users;
DROP TRIGGER batches_with_sessions_stay ON ingestion_batches;
DROP TRIGGER instances_with_sessions_stay ON program_instances;
CREATE TRIGGER users_with_sessions_stay AFTER DELETE ON users
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_all_that_sessions_refer_to();
CREATE TRIGGER batches_with_sessions_stay AFTER DELETE ON ingestion_batches
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_all_that_sessions_refer_to();
CREATE TRIGGER instances_with_sessions_stay AFTER DELETE ON program_instances
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_all_that_sessions_refer_to();

-- What has failed is completed only by being tried again.
CREATE FUNCTION no_batch_is_completed_that_has_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' may not be completed: it is ' || OLD.status,
        TABLE = 'ingestion_batches', CONSTRAINT = 'no_batch_is_completed_that_has_ended';
END $$;
CREATE TRIGGER no_batch_is_completed_that_has_ended BEFORE UPDATE OF status ON ingestion_batches
    FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status IN ('failed', 'archived'))
    EXECUTE FUNCTION no_batch_is_completed_that_has_ended();

-- A batch corrects one of its own programme. Until now one of another was let through, and its import broke.
UPDATE ingestion_batches b
   SET parent_batch_id = NULL
  FROM ingestion_batches p
 WHERE p.id = b.parent_batch_id AND p.program_type <> b.program_type;
ALTER TABLE ingestion_batches
    ADD CONSTRAINT one_programme_per_batch UNIQUE (id, program_type),
    DROP CONSTRAINT ingestion_batches_parent_batch_id_fkey,
    ADD CONSTRAINT parent_of_the_same_programme FOREIGN KEY (parent_batch_id, program_type)
        REFERENCES ingestion_batches (id, program_type);
