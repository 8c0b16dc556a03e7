-- A row trigger does not see TRUNCATE, which so took people, batches and instances away from under their sessions.

CREATE FUNCTION keep_tables_that_sessions_refer_to() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- After the statement: one that empties the sessions too leaves nothing behind that refers to anything.
    IF EXISTS (SELECT FROM kintell_sessions) OR EXISTS (SELECT FROM kintell_session_versions) THEN
        RAISE foreign_key_violation USING MESSAGE = 'sessions refer to ' || TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER users_of_sessions_stay AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION keep_tables_that_sessions_refer_to();
CREATE TRIGGER batches_of_sessions_stay AFTER TRUNCATE ON ingestion_batches
    FOR EACH STATEMENT EXECUTE FUNCTION keep_tables_that_sessions_refer_to();
CREATE TRIGGER instances_of_sessions_stay AFTER TRUNCATE ON program_instances
    FOR EACH STATEMENT EXECUTE FUNCTION keep_tables_that_sessions_refer_to();
