-- No batch is completed unless its rows add up; and what is completed is looked at again and again.

-- Every planned row is reconciled, every shard is merged, and the batch says what its ledgers say. That the rows are in the
-- sessions too, finalize counts in the same transaction.
CREATE FUNCTION a_completed_batch_adds_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    by_chunk  record;
    by_shard  record;
BEGIN
    SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(inserted_rows), 0) AS inserted,
           coalesce(sum(updated_rows), 0) AS updated, coalesce(sum(unchanged_rows), 0) AS unchanged,
           coalesce(sum(rejected_rows + conflict_rows), 0) AS rejected
      INTO by_chunk
      FROM chunks WHERE batch_id = NEW.id AND state = 'reconciled';
    SELECT coalesce(sum(inserted_rows), 0) AS inserted, coalesce(sum(updated_rows), 0) AS updated
      INTO by_shard
      FROM shards WHERE batch_id = NEW.id AND merged_at IS NOT NULL;
    IF (by_chunk.rows, by_chunk.inserted, by_chunk.updated, by_chunk.unchanged, by_chunk.rejected)
       IS DISTINCT FROM (NEW.total_rows, NEW.inserted_rows, NEW.updated_rows, NEW.skipped_rows, NEW.error_rows)
       OR (NOT NEW.dry_run AND by_shard.inserted + by_shard.updated <> NEW.inserted_rows + NEW.updated_rows)
    THEN
        RAISE check_violation USING
            MESSAGE = 'batch ' || NEW.id || ' may not be completed: its rows do not add up',
            TABLE = 'ingestion_batches', CONSTRAINT = 'a_completed_batch_adds_up';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER a_completed_batch_adds_up BEFORE UPDATE OF status ON ingestion_batches
    FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status <> 'completed')
    EXECUTE FUNCTION a_completed_batch_adds_up();

-- Monitor counts the rows of batches that have ended, a few in each run, those first that it has not looked at for longest.
ALTER TABLE ingestion_batches
    ADD COLUMN checked_at timestamptz,
    -- What it found, until it finds that it is so no more.
    ADD COLUMN finding text COLLATE "C" CHECK (finding IN ('ledger_differs', 'sessions_differ', 'not_taken_back'));
CREATE INDEX batches_to_check ON ingestion_batches (checked_at NULLS FIRST, id)
    WHERE status IN ('completed', 'failed', 'archived');
CREATE INDEX batches_with_finding ON ingestion_batches (id) WHERE finding IS NOT NULL;
