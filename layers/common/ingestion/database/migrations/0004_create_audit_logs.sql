-- Who did what to which resource, when. Rows are added, never changed.

CREATE TABLE audit_logs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor          text NOT NULL,
    action         text COLLATE "C" NOT NULL CHECK (action IN (
        'upload_received', 'upload_refused', 'import_started', 'import_completed', 'import_failed', 'import_forced',
        'error_file_created', 'error_file_downloaded', 'error_file_deleted', 'batch_archived')),
    resource_type  text COLLATE "C" NOT NULL CHECK (resource_type IN ('upload', 'batch')),
    resource_id    uuid NOT NULL,
    batch_id       uuid,
    details        jsonb NOT NULL DEFAULT '{}'
);
CREATE INDEX audit_of_batch ON audit_logs (batch_id, id);
CREATE INDEX audit_of_resource ON audit_logs (resource_id, id);
CREATE INDEX audit_of_actor ON audit_logs (actor, id);

CREATE FUNCTION refuse_to_change_the_audit_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'the audit trail is append-only';
END $$;

CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_trail();
