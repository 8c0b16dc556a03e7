-- Two more ways round the guards that the functions' role had.

-- A batch that was completed could be said to have failed, while its sessions stayed; or to be forced, so that its file
-- was no longer known. What is completed is archived one day, and nothing else.
CREATE FUNCTION what_is_completed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' stays ' || OLD.status,
        TABLE = 'ingestion_batches', CONSTRAINT = 'what_is_completed_stays';
END $$;
CREATE TRIGGER what_is_completed_stays BEFORE UPDATE OF status, forced ON ingestion_batches
    FOR EACH ROW WHEN (OLD.status = 'completed'
                       AND (NEW.status NOT IN ('completed', 'archived') OR NEW.forced <> OLD.forced))
    EXECUTE FUNCTION what_is_completed_stays();

-- An upload could be deleted and added again in one statement, from somebody else. Only one that nobody sent may go.
CREATE FUNCTION what_has_arrived_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'upload ' || OLD.id || ' stays: its file has arrived',
        TABLE = 'uploads', CONSTRAINT = 'what_has_arrived_stays';
END $$;
CREATE TRIGGER what_has_arrived_stays BEFORE DELETE ON uploads
    FOR EACH ROW WHEN (OLD.state <> 'waiting' OR OLD.version_id IS NOT NULL)
    EXECUTE FUNCTION what_has_arrived_stays();
