-- The shapes of the staging tables. Each batch gets tables of its own in these shapes, unlogged, dropped when it is finalized:
-- see tables/staging.py. A row that the sessions would refuse is refused here, where its place in the file is known.

CREATE SCHEMA staging;

CREATE TABLE staging.session_rows (
    chunk                integer NOT NULL,
    shard                integer NOT NULL,
    row_number           integer NOT NULL,
    line                 integer NOT NULL,
    external_session_id  text COLLATE "C" NOT NULL,
    participant_id       bigint,
    volunteer_id         bigint,
    -- Given only for people who are to be created.
    participant_email    text COLLATE "C",
    volunteer_email      text COLLATE "C",
    scheduled_at         timestamptz NOT NULL,
    completed_at         timestamptz,
    duration_minutes     smallint,
    -- As the file has it: only the whole file knows its scale.
    rating_given         numeric,
    feedback_text        text,
    focus_area           text,
    language_level       text COLLATE "C",
    topics               text[],
    metadata             jsonb,
    CONSTRAINT session_id_length CHECK (length(external_session_id) BETWEEN 1 AND 255),
    CONSTRAINT completed_after_scheduled CHECK (completed_at >= scheduled_at),
    CONSTRAINT duration_in_range CHECK (duration_minutes BETWEEN 1 AND 480),
    CONSTRAINT rating_in_range CHECK (rating_given BETWEEN 0 AND 5),
    CONSTRAINT cefr_level CHECK (language_level IN ('A1', 'A2', 'B1', 'B2', 'C1', 'C2'))
);

CREATE TABLE staging.person_rows (
    chunk                integer NOT NULL,
    shard                integer NOT NULL,
    row_number           integer NOT NULL,
    line                 integer NOT NULL,
    email                text COLLATE "C" NOT NULL,
    name                 text,
    linkedin_url         text,
    verification_status  text,
    role                 text COLLATE "C" NOT NULL,
    grant_access         text,
    joined_at            timestamptz,
    CONSTRAINT email_length CHECK (length(email) BETWEEN 3 AND 255),
    CONSTRAINT known_role CHECK (role IN ('participant', 'volunteer'))
);

-- What is to become of each staged row that is not simply new: see tables/reconciling.py.
CREATE TABLE staging.changes (
    row_number  integer NOT NULL,
    chunk       integer NOT NULL,
    shard       integer NOT NULL,
    outcome     text COLLATE "C" NOT NULL CHECK (outcome IN ('inserted', 'updated', 'unchanged', 'conflict')),
    target_id   bigint,
    version     integer,
    next_row    integer
);
