-- The sessions, each with the batch, row and line that gave its content, and the versions that later files replaced.

CREATE TABLE kintell_sessions (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    participant_id       bigint NOT NULL,
    volunteer_id         bigint NOT NULL,
    scheduled_at         timestamptz NOT NULL,
    completed_at         timestamptz,
    batch_id             uuid NOT NULL,
    row_number           integer NOT NULL,
    line                 integer NOT NULL,
    version              integer NOT NULL,
    program_instance_id  integer NOT NULL,
    duration_minutes     smallint,
    program_type         text COLLATE "C" NOT NULL,
    external_session_id  text COLLATE "C" NOT NULL,
    rating               numeric,
    language_level       text COLLATE "C",
    focus_area           text,
    topics               text[],
    feedback_text        text,
    metadata             jsonb,
    CONSTRAINT session_id_length CHECK (length(external_session_id) BETWEEN 1 AND 255),
    CONSTRAINT completed_after_scheduled CHECK (completed_at >= scheduled_at),
    CONSTRAINT duration_in_range CHECK (duration_minutes BETWEEN 1 AND 480),
    CONSTRAINT rating_in_range CHECK (rating BETWEEN 0 AND 1),
    CONSTRAINT cefr_level CHECK (language_level IN ('A1', 'A2', 'B1', 'B2', 'C1', 'C2'))
);
COMMENT ON COLUMN kintell_sessions.version IS '1 as inserted, one more with each update; the earlier ones are in kintell_session_versions';

-- A session id is unique in its programme.
CREATE UNIQUE INDEX one_session_per_id ON kintell_sessions (external_session_id, program_type);
-- A batch finds its sessions, a row its session.
CREATE UNIQUE INDEX one_session_per_row ON kintell_sessions (batch_id, row_number);
-- Which batches and files hold this person? Asked as ARRAY[participant_id, volunteer_id] @> ARRAY[…]. GIN gathers new rows
-- and sorts them in by the thousand, where two B-trees go to a page of their own for every row: the most expensive part
-- of a merge (docs/decisions/0010-what-an-import-costs.md).
CREATE INDEX sessions_of_person ON kintell_sessions USING gin ((ARRAY[participant_id, volunteer_id]));
-- Sessions of an instance come in files and lie together.
CREATE INDEX sessions_of_instance ON kintell_sessions USING brin (program_instance_id);

CREATE TABLE kintell_session_versions (
    session_id           bigint NOT NULL REFERENCES kintell_sessions ON DELETE CASCADE,
    version              integer NOT NULL,
    program_instance_id  integer NOT NULL,
    scheduled_at         timestamptz NOT NULL,
    completed_at         timestamptz,
    duration_minutes     smallint,
    rating               numeric,
    feedback_text        text,
    focus_area           text,
    language_level       text COLLATE "C",
    topics               text[],
    metadata             jsonb,
    batch_id             uuid NOT NULL,
    row_number           integer NOT NULL,
    line                 integer NOT NULL,
    replaced_by_batch    uuid NOT NULL,
    replaced_by_row      integer NOT NULL,
    replaced_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, version)
);
CREATE INDEX session_versions_of_batch ON kintell_session_versions (batch_id, row_number);
CREATE INDEX session_versions_replaced_by ON kintell_session_versions (replaced_by_batch);

-- References checked a set at a time. A foreign key checks them row by row, which was half of what an import cost the
-- database (docs/decisions/0003-references-checked-by-the-set.md).

CREATE FUNCTION check_session_references() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing text;
BEGIN
    SELECT 'user ' || p.id INTO missing
      FROM (SELECT participant_id AS id FROM written UNION SELECT volunteer_id FROM written) p
     WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = p.id)
     LIMIT 1;
    IF missing IS NULL THEN
        SELECT 'batch or programme instance of batch ' || w.batch_id INTO missing
          FROM (SELECT DISTINCT batch_id, program_instance_id, program_type FROM written) w
         WHERE NOT EXISTS (SELECT FROM ingestion_batches b WHERE b.id = w.batch_id)
            OR NOT EXISTS (SELECT FROM program_instances i
                            WHERE i.id = w.program_instance_id AND i.program_type = w.program_type)
         LIMIT 1;
    END IF;
    IF missing IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = 'a session refers to what does not exist: ' || missing;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER inserted_sessions_refer_to_what_exists AFTER INSERT ON kintell_sessions
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_session_references();
CREATE TRIGGER updated_sessions_refer_to_what_exists AFTER UPDATE ON kintell_sessions
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_session_references();

-- The other side. The lock waits for whoever is writing sessions and keeps others out until the deletion is committed.
CREATE FUNCTION keep_what_sessions_refer_to() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    referred boolean;
BEGIN
    LOCK TABLE kintell_sessions IN SHARE ROW EXCLUSIVE MODE;
    IF TG_TABLE_NAME = 'users' THEN
        SELECT EXISTS (SELECT FROM kintell_sessions
                        WHERE ARRAY[participant_id, volunteer_id] @> ARRAY[OLD.id]) INTO referred;
    ELSIF TG_TABLE_NAME = 'ingestion_batches' THEN
        SELECT EXISTS (SELECT FROM kintell_sessions WHERE batch_id = OLD.id)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE batch_id = OLD.id) INTO referred;
    ELSE
        SELECT EXISTS (SELECT FROM kintell_sessions WHERE program_instance_id = OLD.id)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE program_instance_id = OLD.id) INTO referred;
    END IF;
    IF referred THEN
        RAISE foreign_key_violation USING MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' is referred to by sessions';
    END IF;
    IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF;
END $$;

CREATE TRIGGER users_with_sessions_stay BEFORE DELETE ON users
    FOR EACH ROW EXECUTE FUNCTION keep_what_sessions_refer_to();
CREATE TRIGGER batches_with_sessions_stay BEFORE DELETE ON ingestion_batches
    FOR EACH ROW EXECUTE FUNCTION keep_what_sessions_refer_to();
CREATE TRIGGER instances_with_sessions_stay BEFORE DELETE ON program_instances
    FOR EACH ROW EXECUTE FUNCTION keep_what_sessions_refer_to();
CREATE TRIGGER users_keep_their_id BEFORE UPDATE OF id ON users
    FOR EACH ROW EXECUTE FUNCTION keep_what_sessions_refer_to();
CREATE TRIGGER batches_keep_their_id BEFORE UPDATE OF id ON ingestion_batches
    FOR EACH ROW EXECUTE FUNCTION keep_what_sessions_refer_to();
CREATE TRIGGER instances_keep_their_id BEFORE UPDATE OF id, program_type ON program_instances
    FOR EACH ROW EXECUTE FUNCTION keep_what_sessions_refer_to();
