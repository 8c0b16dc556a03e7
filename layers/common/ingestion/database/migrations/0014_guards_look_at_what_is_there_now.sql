-- Three more ways round the guards that the functions' role had.

-- A transaction that keeps its first snapshot does not see what others have committed since: its guards looked at sessions
-- and people of before, found nothing amiss, and sessions of people who are gone were the result. Foreign keys look past
-- the snapshot, a trigger can't.
CREATE FUNCTION refuse_to_look_at_an_old_snapshot() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE invalid_transaction_state USING
        MESSAGE = TG_TABLE_NAME || ' may be written at the isolation level READ COMMITTED only';
END $$;
CREATE TRIGGER references_are_to_what_is_there_now BEFORE INSERT OR UPDATE ON kintell_sessions
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION refuse_to_look_at_an_old_snapshot();
CREATE TRIGGER references_are_to_what_is_there_now BEFORE DELETE OR UPDATE OF id ON users
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION refuse_to_look_at_an_old_snapshot();
CREATE TRIGGER references_are_to_what_is_there_now BEFORE DELETE OR UPDATE OF id, number, status ON ingestion_batches
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION refuse_to_look_at_an_old_snapshot();
CREATE TRIGGER references_are_to_what_is_there_now BEFORE DELETE OR UPDATE OF id, program_type ON program_instances
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION refuse_to_look_at_an_old_snapshot();

-- A batch could not be completed once it was archived, but be set running and completed then.
CREATE FUNCTION what_is_deleted_does_not_come_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' stays ' || OLD.status || ': its file has been deleted',
        TABLE = 'ingestion_batches', CONSTRAINT = 'what_is_deleted_does_not_come_back';
END $$;
CREATE TRIGGER what_is_deleted_does_not_come_back BEFORE UPDATE OF status, archived_at ON ingestion_batches
    FOR EACH ROW WHEN ((OLD.status = 'archived' AND NEW.status <> 'archived')
                       OR (OLD.archived_at IS NOT NULL
                           AND (NEW.status <> OLD.status OR NEW.archived_at IS DISTINCT FROM OLD.archived_at)))
    EXECUTE FUNCTION what_is_deleted_does_not_come_back();

-- Who sent a file is said once. Then it may be forgotten, and never said anew.
CREATE FUNCTION who_it_was_is_said_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' says already who it is from',
        TABLE = TG_TABLE_NAME, CONSTRAINT = 'who_it_was_is_said_once';
END $$;
CREATE TRIGGER who_it_was_is_said_once BEFORE UPDATE OF imported_by, claimed_by ON ingestion_batches
    FOR EACH ROW WHEN (NEW.imported_by <> coalesce(OLD.imported_by, '') OR NEW.claimed_by <> coalesce(OLD.claimed_by, ''))
    EXECUTE FUNCTION who_it_was_is_said_once();
-- The principal of an upload by link is known only once it has come.
CREATE TRIGGER who_it_was_is_said_once
    BEFORE UPDATE OF uploaded_by, uploader_kind, uploader_issuer, uploader_subject, principal, claimed_by ON uploads
    FOR EACH ROW WHEN (NEW.uploaded_by <> coalesce(OLD.uploaded_by, '')
                       OR NEW.uploader_kind <> coalesce(OLD.uploader_kind, '')
                       OR NEW.uploader_issuer <> coalesce(OLD.uploader_issuer, '')
                       OR NEW.uploader_subject <> coalesce(OLD.uploader_subject, '')
                       OR NEW.claimed_by <> coalesce(OLD.claimed_by, '')
                       OR NEW.principal <> coalesce(OLD.principal, CASE WHEN OLD.version_id IS NULL THEN NEW.principal END, ''))
    EXECUTE FUNCTION who_it_was_is_said_once();
