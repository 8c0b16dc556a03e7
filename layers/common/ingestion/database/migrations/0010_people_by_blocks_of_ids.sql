-- Which sessions is a person in? For each person the blocks of 131,072 ids that hold such a session; the block is read by
-- the primary key. A file of a month has one block, so that is exact to the file; of a million rows it has eight. The
-- index of every session's people that this replaces, GIN, was a fifth of what a merge costs, and two merges waited for
-- each other at it (docs/decisions/0010-what-an-import-costs.md).
CREATE TABLE people_of_sessions (
    person_id  bigint NOT NULL,
    id_block   bigint NOT NULL
);
COMMENT ON TABLE people_of_sessions IS
    'In which blocks of session ids, id >> 17, a person stands, or stood before a hand changed it; written by triggers of '
    'kintell_sessions. Merges that ran side by side each wrote their own rows, so a row may stand twice.';
CREATE INDEX blocks_of_person ON people_of_sessions (person_id, id_block);
CREATE INDEX people_of_block ON people_of_sessions USING brin (id_block) WITH (pages_per_range = 16);

INSERT INTO people_of_sessions (person_id, id_block)
SELECT participant_id, id >> 17 FROM kintell_sessions UNION SELECT volunteer_id, id >> 17 FROM kintell_sessions;
DROP INDEX sessions_of_person;

CREATE FUNCTION sessions_of_person(person bigint) RETURNS SETOF kintell_sessions LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT s.*
      FROM (SELECT DISTINCT id_block FROM people_of_sessions WHERE person_id = person) b
     CROSS JOIN LATERAL (
           SELECT k.*
             FROM kintell_sessions k
            WHERE k.id BETWEEN b.id_block << 17 AND (b.id_block << 17) + 131071
           -- Planned by itself: how few ids a block has, the planner can't know.
           OFFSET 0) s
     WHERE s.participant_id = person OR s.volunteer_id = person
$$;

-- As in 0003, and: notes the people, and a session in its first version has the id of its row.
CREATE OR REPLACE FUNCTION check_session_references() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing text;
BEGIN
    WITH named AS MATERIALIZED (
        SELECT participant_id AS person_id, id >> 17 AS id_block FROM written
         UNION
        SELECT volunteer_id, id >> 17 FROM written
    ), noted AS (
        -- New sessions are noted without a look at what is there; an update has people to note only if it changed them.
        INSERT INTO people_of_sessions (person_id, id_block)
        SELECT n.person_id, n.id_block FROM named n
         WHERE TG_OP = 'INSERT'
            OR NOT EXISTS (SELECT FROM people_of_sessions p
                            WHERE p.person_id = n.person_id AND p.id_block = n.id_block)
      ORDER BY n.person_id, n.id_block
    )
    SELECT 'user ' || n.person_id INTO missing
      FROM named n
     WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = n.person_id)
     LIMIT 1;
    IF missing IS NULL THEN
        SELECT CASE WHEN b.id IS NULL THEN 'batch ' || w.batch_id
                    WHEN i.id IS NULL THEN w.program_type || ' instance ' || w.program_instance_id
                    ELSE 'an id of another row than one of batch ' || w.batch_id END INTO missing
          FROM (SELECT batch_id, program_instance_id, program_type,
                       min(id - row_number) FILTER (WHERE version = 1 AND id >= 1073741824) AS least,
                       max(id - row_number) FILTER (WHERE version = 1 AND id >= 1073741824) AS most
                  FROM written GROUP BY batch_id, program_instance_id, program_type) w
          LEFT JOIN ingestion_batches b ON b.id = w.batch_id
          LEFT JOIN program_instances i ON i.id = w.program_instance_id AND i.program_type = w.program_type
         WHERE b.id IS NULL OR i.id IS NULL
            OR w.least <> CAST(b.number AS bigint) << 30 OR w.most <> CAST(b.number AS bigint) << 30
         LIMIT 1;
    END IF;
    IF missing IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = 'a session refers to what does not exist: ' || missing;
    END IF;
    RETURN NULL;
END $$;

-- People leave a block with the last of their sessions in it.
CREATE FUNCTION forget_people_of_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH blocks AS MATERIALIZED (
        SELECT DISTINCT id >> 17 AS id_block FROM gone
    ), staying AS MATERIALIZED (
        SELECT s.participant_id, s.volunteer_id, b.id_block
          FROM blocks b
          JOIN kintell_sessions s ON s.id BETWEEN b.id_block << 17 AND (b.id_block << 17) + 131071
    )
    DELETE FROM people_of_sessions p
     USING blocks b
     WHERE p.id_block = b.id_block
       AND NOT EXISTS (SELECT FROM staying s WHERE s.participant_id = p.person_id AND s.id_block = p.id_block)
       AND NOT EXISTS (SELECT FROM staying s WHERE s.volunteer_id = p.person_id AND s.id_block = p.id_block);
    RETURN NULL;
END $$;
CREATE TRIGGER deleted_sessions_let_people_go AFTER DELETE ON kintell_sessions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION forget_people_of_sessions();

CREATE FUNCTION forget_all_people_of_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE people_of_sessions;
    RETURN NULL;
END $$;
CREATE TRIGGER emptied_sessions_let_people_go AFTER TRUNCATE ON kintell_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION forget_all_people_of_sessions();

-- As in 0003, but for how people and batches are found.
CREATE OR REPLACE FUNCTION keep_what_sessions_refer_to() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    referred boolean;
BEGIN
    LOCK TABLE kintell_sessions IN SHARE ROW EXCLUSIVE MODE;
    IF TG_TABLE_NAME = 'users' THEN
        SELECT EXISTS (SELECT FROM sessions_of_person(OLD.id)) INTO referred;
    ELSIF TG_TABLE_NAME = 'ingestion_batches' THEN
        SELECT EXISTS (SELECT FROM kintell_sessions
                        WHERE id BETWEEN CAST(OLD.number AS bigint) << 30
                                     AND (CAST(OLD.number AS bigint) << 30) + 1073741823)
            OR EXISTS (SELECT FROM kintell_sessions
                        WHERE batch_id = OLD.id AND (version > 1 OR id < 1073741824))
            OR EXISTS (SELECT FROM kintell_session_versions
                        WHERE batch_id = OLD.id AND (version > 1 OR session_id < 1073741824)) INTO referred;
    ELSE
        SELECT EXISTS (SELECT FROM kintell_sessions WHERE program_instance_id = OLD.id)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE program_instance_id = OLD.id) INTO referred;
    END IF;
    IF referred THEN
        RAISE foreign_key_violation USING MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' is referred to by sessions';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF;
END $$;

-- The number of a batch is in the ids of its sessions.
DROP TRIGGER batches_keep_their_id ON ingestion_batches;
CREATE TRIGGER batches_keep_their_id BEFORE UPDATE OF id, number ON ingestion_batches
    FOR EACH ROW EXECUTE FUNCTION keep_what_sessions_refer_to();
