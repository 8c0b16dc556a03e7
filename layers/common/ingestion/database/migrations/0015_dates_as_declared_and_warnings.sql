-- What the uploader declared of the file's dates; a corrected file has its parent's.
ALTER TABLE ingestion_batches
    ADD COLUMN date_order text COLLATE "C" CHECK (date_order IN ('day-first', 'month-first')),
    ADD COLUMN time_zone text COLLATE "C";

-- What was tolerated in the rows of a chunk, by code and count; summed when the batch is finalized.
ALTER TABLE chunks ADD COLUMN warnings jsonb NOT NULL DEFAULT '[]';

-- A session may end on a day without a time, which is stored as that day's midnight somewhere on earth: it is not before a
-- start on the same day. Zones are a quarter of an hour apart, and no two clocks further than 52 hours from a day's
-- beginning to its end.
ALTER TABLE kintell_sessions
    DROP CONSTRAINT completed_after_scheduled,
    ADD CONSTRAINT completed_after_scheduled CHECK (
        completed_at >= scheduled_at
        OR (completed_at > scheduled_at - interval '52 hours' AND extract(epoch FROM completed_at) % 900 = 0));
ALTER TABLE staging.session_rows
    DROP CONSTRAINT completed_after_scheduled,
    ADD CONSTRAINT completed_after_scheduled CHECK (
        completed_at >= scheduled_at
        OR (completed_at > scheduled_at - interval '52 hours' AND extract(epoch FROM completed_at) % 900 = 0));
