-- What a corrected file is held against, what a failed batch left out, and why it failed as a code.

ALTER TABLE ingestion_batches
    -- Whose rejected rows it brings back. Its parent too, unless it was uploaded for another programme.
    ADD COLUMN corrects_batch_id uuid REFERENCES ingestion_batches,
    -- Good rows of a batch that published nothing; they count among skipped_rows, of which the others were unchanged.
    ADD COLUMN unpublished_rows bigint NOT NULL DEFAULT 0
        CONSTRAINT unpublished_rows_are_skipped CHECK (unpublished_rows BETWEEN 0 AND skipped_rows),
    ADD COLUMN unchanged_rows bigint GENERATED ALWAYS AS (skipped_rows - unpublished_rows) STORED,
    -- What failure_reason begins with; the sentence is for people.
    ADD COLUMN failure_code text COLLATE "C";

UPDATE ingestion_batches
   SET unpublished_rows = CASE status WHEN 'failed' THEN skipped_rows ELSE 0 END,
       corrects_batch_id = parent_batch_id,
       failure_code = split_part(failure_reason, ':', 1)
 WHERE status = 'failed' OR parent_batch_id IS NOT NULL;
