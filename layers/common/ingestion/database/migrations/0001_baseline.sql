-- deploy: before
-- The whole schema as of the first release. A later migration changes it; schema.sql shows the result of all of them.
-- Triggers check the foreign keys of sessions a set at a time: see docs/decisions/0003-references-checked-by-the-set.md.

-- Programmes and their instances

CREATE TABLE programmes (
    program_type   text COLLATE "C" PRIMARY KEY,
    merging_batch  uuid,
    merging_since  timestamptz
);
COMMENT ON TABLE programmes IS 'Registered programmes, and which batch may merge into each: one at a time';
COMMENT ON COLUMN programmes.merging_batch IS 'The batch that may merge now; null if none does';

CREATE TABLE program_instances (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program_type  text COLLATE "C" NOT NULL REFERENCES programmes,
    slug          text COLLATE "C" NOT NULL UNIQUE,
    name          text NOT NULL,
    starts_on     date,
    ends_on       date,
    owner         text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT instance_ends_after_start CHECK (starts_on <= ends_on),
    CONSTRAINT one_programme_per_instance UNIQUE (id, program_type)
);
COMMENT ON TABLE program_instances IS 'Runs of a programme, such as a quarter or a month of it';
CREATE INDEX program_instances_of_programme ON program_instances (program_type, starts_on);

-- Uploads

CREATE TABLE uploads (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    state             text COLLATE "C" NOT NULL DEFAULT 'waiting',
    bucket            text NOT NULL,
    key               text NOT NULL,
    version_id        text,
    file_name         text NOT NULL,
    size_bytes        bigint,
    sha256            text COLLATE "C",
    uploaded_by       text,
    uploader_kind     text COLLATE "C",
    uploader_issuer   text,
    uploader_subject  text,
    principal         text,
    claimed_by        text,
    link_token_hash   text COLLATE "C",
    multipart_id      text COLLATE "C",
    part_bytes        bigint,
    options           jsonb NOT NULL DEFAULT '{}',
    refusal_code      text COLLATE "C",
    refusal_message   text,
    refusal_batch_id  uuid,
    created_at        timestamptz NOT NULL DEFAULT now(),
    received_at       timestamptz,
    decided_at        timestamptz,
    deleted_at        timestamptz,
    CONSTRAINT upload_state CHECK (state IN ('waiting', 'accepted', 'refused')),
    CONSTRAINT upload_hash CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    CONSTRAINT link_token_hash_form CHECK (link_token_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT parts_belong_to_a_sized_upload CHECK (
        multipart_id IS NULL OR (part_bytes > 0 AND size_bytes IS NOT NULL AND link_token_hash IS NOT NULL)),
    CONSTRAINT uploader_kind_known CHECK (uploader_kind IN ('person', 'program', 'aws', 'system', 'local')),
    CONSTRAINT refused_uploads_have_a_code CHECK ((state = 'refused') = (refusal_code IS NOT NULL)),
    CONSTRAINT decided_uploads_have_a_version CHECK (state = 'waiting' OR version_id IS NOT NULL),
    CONSTRAINT uploaders_are_forgotten_as_a_whole CHECK (
        uploaded_by IS NOT NULL OR (uploader_issuer IS NULL AND uploader_subject IS NULL AND principal IS NULL))
);
COMMENT ON TABLE uploads IS 'Every object version that arrived or was announced, accepted or refused';
COMMENT ON COLUMN uploads.version_id IS 'Null until S3 reports that the object of a presigned upload has arrived';
COMMENT ON COLUMN uploads.uploaded_by IS 'Who S3 or the API says uploaded it';
COMMENT ON COLUMN uploads.principal IS
    'The principal that S3 names: for a presigned upload the function that signed it, otherwise the uploader';
COMMENT ON COLUMN uploads.claimed_by IS 'Who the uploader claims to be';
COMMENT ON COLUMN uploads.link_token_hash IS
    'SHA-256 of the token in the presigned link; null for an upload that nobody announced';
COMMENT ON COLUMN uploads.multipart_id IS 'S3''s id of an upload in parts; null for one that is sent in one request';
COMMENT ON COLUMN uploads.part_bytes IS 'Size of each part but the last, which is what remains';
COMMENT ON COLUMN uploads.deleted_at IS 'When its object was deleted, with the personal data in this record';
-- S3 may deliver an event twice: one object version is one upload.
CREATE UNIQUE INDEX one_upload_per_object_version ON uploads (bucket, key, version_id);
CREATE INDEX uploads_newest_first ON uploads (created_at DESC, id DESC);
CREATE INDEX uploads_by_state ON uploads (state, created_at DESC, id DESC);
CREATE INDEX uploads_by_hash ON uploads (sha256);
-- Read by the retention sweep.
CREATE INDEX refused_uploads_to_delete ON uploads (decided_at) WHERE state = 'refused' AND deleted_at IS NULL;

-- Batches, and the ledgers of a batch

CREATE TABLE ingestion_batches (
    id                     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    number                 integer GENERATED ALWAYS AS IDENTITY (MAXVALUE 8388607),
    upload_id              uuid NOT NULL REFERENCES uploads,
    program_type           text COLLATE "C" NOT NULL REFERENCES programmes,
    program_instance_id    integer,
    parent_batch_id        uuid,
    corrects_batch_id      uuid REFERENCES ingestion_batches,
    compares_rejects       boolean NOT NULL DEFAULT false,
    retries_batch_id       uuid REFERENCES ingestion_batches,
    file_name              text NOT NULL,
    file_hash              text COLLATE "C" NOT NULL,
    file_size_bytes        bigint NOT NULL,
    status                 text COLLATE "C" NOT NULL DEFAULT 'pending',
    imported_by            text,
    claimed_by             text,
    forced                 boolean NOT NULL DEFAULT false,
    force_reason           text,
    dry_run                boolean NOT NULL DEFAULT false,
    max_error_percent      numeric,
    date_order             text COLLATE "C",
    time_zone              text COLLATE "C",
    format                 jsonb NOT NULL,
    work_key               text,
    csv_metadata           jsonb NOT NULL,
    rating_scale           text COLLATE "C",
    content_hash           text COLLATE "C",
    distinct_ids           bigint,
    execution              text,
    shard_count            integer NOT NULL DEFAULT 1,
    total_rows             bigint NOT NULL,
    inserted_rows          bigint NOT NULL DEFAULT 0,
    updated_rows           bigint NOT NULL DEFAULT 0,
    skipped_rows           bigint NOT NULL DEFAULT 0,
    unpublished_rows       bigint NOT NULL DEFAULT 0,
    error_rows             bigint NOT NULL DEFAULT 0,
    success_rows           bigint GENERATED ALWAYS AS (inserted_rows + updated_rows) STORED,
    unchanged_rows         bigint GENERATED ALWAYS AS (skipped_rows - unpublished_rows) STORED,
    error_summary          jsonb NOT NULL DEFAULT '[]',
    failure_code           text COLLATE "C",
    failure_reason         text,
    error_file_key         text,
    error_file_deleted_at  timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now(),
    started_at             timestamptz,
    reconciled_at          timestamptz,
    cancelled_at           timestamptz,
    completed_at           timestamptz,
    archived_at            timestamptz,
    undone_at              timestamptz,
    updated_at             timestamptz NOT NULL DEFAULT now(),
    checked_at             timestamptz,
    finding                text COLLATE "C",
    plan_hash              text COLLATE "C",
    planned_by_batch_id    uuid REFERENCES ingestion_batches,
    leaves_out_changed     boolean NOT NULL DEFAULT false,
    CONSTRAINT one_batch_per_number UNIQUE (number),
    CONSTRAINT one_programme_per_batch UNIQUE (id, program_type),
    CONSTRAINT instance_of_the_same_programme FOREIGN KEY (program_instance_id, program_type)
        REFERENCES program_instances (id, program_type),
    CONSTRAINT parent_of_the_same_programme FOREIGN KEY (parent_batch_id, program_type)
        REFERENCES ingestion_batches (id, program_type),
    CONSTRAINT batch_hash CHECK (file_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT content_hash_form CHECK (content_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT batch_status CHECK (
        status IN ('pending', 'running', 'completed', 'failed', 'archived', 'undoing', 'undone')),
    CONSTRAINT error_limit_in_percent CHECK (max_error_percent BETWEEN 0 AND 100),
    CONSTRAINT known_date_order CHECK (date_order IN ('day-first', 'month-first')),
    CONSTRAINT at_least_one_shard CHECK (shard_count >= 1),
    CONSTRAINT known_finding CHECK (finding IN ('ledger_differs', 'sessions_differ', 'still_published')),
    CONSTRAINT forced_batches_have_a_reason CHECK (NOT forced OR length(trim(force_reason)) > 0),
    CONSTRAINT failed_batches_have_a_reason CHECK ((status = 'failed') = (failure_reason IS NOT NULL)),
    CONSTRAINT ended_batches_have_a_time CHECK (
        (status NOT IN ('pending', 'running')) = (completed_at IS NOT NULL)),
    CONSTRAINT undone_batches_have_a_time CHECK (CASE status
        WHEN 'undone' THEN undone_at IS NOT NULL
        WHEN 'undoing' THEN true
        ELSE undone_at IS NULL END),
    CONSTRAINT every_row_is_counted CHECK (
        status IN ('pending', 'running')
        OR total_rows = inserted_rows + updated_rows + skipped_rows + error_rows),
    CONSTRAINT unpublished_rows_are_skipped CHECK (unpublished_rows BETWEEN 0 AND skipped_rows),
    CONSTRAINT plan_hash_form CHECK (plan_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT only_dry_runs_end_with_a_plan CHECK (plan_hash IS NULL OR dry_run),
    CONSTRAINT commits_publish CHECK (planned_by_batch_id IS NULL OR NOT dry_run)
);
COMMENT ON TABLE ingestion_batches IS 'Attempts to import an upload; never deleted, so that the same file is refused';
COMMENT ON COLUMN ingestion_batches.number IS
    'The upper part of the ids of the sessions that this batch inserts; below 2^23, so that these ids stay below 2^53';
COMMENT ON COLUMN ingestion_batches.corrects_batch_id IS
    'The batch whose rejected rows it brings back; its parent too, unless it was uploaded for another programme';
COMMENT ON COLUMN ingestion_batches.compares_rejects IS
    'Whether its rows are compared with the rejected rows of corrects_batch_id; it fails if these are gone by then';
COMMENT ON COLUMN ingestion_batches.retries_batch_id IS
    'The batch of which it reads some rejected rows again, from the same object; its parent too';
COMMENT ON COLUMN ingestion_batches.cancelled_at IS
    'When somebody asked for it to be cancelled; whatever step is at work sees that and ends the batch as failed';
COMMENT ON COLUMN ingestion_batches.date_order IS 'What the uploader declared; a corrected file has that of its parent';
COMMENT ON COLUMN ingestion_batches.format IS 'How to read the bytes: see csv_file/formats.py, FileFormat';
COMMENT ON COLUMN ingestion_batches.work_key IS 'The unpacked copy of a file that cannot be cut by its bytes';
COMMENT ON COLUMN ingestion_batches.content_hash IS
    'Of its rows as they are understood, however the file is saved; null until the file is reconciled';
COMMENT ON COLUMN ingestion_batches.distinct_ids IS 'How many ids its valid rows have; null until the file is reconciled';
COMMENT ON COLUMN ingestion_batches.execution IS
    'The execution that works on it, or worked on it last; an older one may not end it';
COMMENT ON COLUMN ingestion_batches.unpublished_rows IS
    'Valid rows that were not published, of a batch that failed or of a commit that left them out; the other skipped_rows '
    'were unchanged';
COMMENT ON COLUMN ingestion_batches.plan_hash IS 'Identifies the plan that a dry run ended with';
COMMENT ON COLUMN ingestion_batches.planned_by_batch_id IS 'The dry run whose plan it carries out';
COMMENT ON COLUMN ingestion_batches.leaves_out_changed IS
    'Whether a commit leaves out the rows that have changed since they were planned; otherwise it fails if there are any';
COMMENT ON COLUMN ingestion_batches.failure_reason IS 'The sentence for people that goes with failure_code';
COMMENT ON COLUMN ingestion_batches.archived_at IS
    'When it was archived; of a failed or undone batch, when its original was deleted';
COMMENT ON COLUMN ingestion_batches.undone_at IS 'When it was last undone; undoing it again takes what a later batch had kept';
COMMENT ON COLUMN ingestion_batches.checked_at IS 'When Monitor last compared its counts with the rows';
COMMENT ON COLUMN ingestion_batches.finding IS 'What Monitor found wrong; null once it finds the batch right again';
-- An upload gives at most one batch; a retry reads the object of its parent's upload again.
CREATE UNIQUE INDEX one_batch_per_upload ON ingestion_batches (upload_id)
    WHERE retries_batch_id IS NULL AND planned_by_batch_id IS NULL;
-- Two uploads of the same bytes at the same moment: one of them wins.
CREATE UNIQUE INDEX one_live_batch_per_file ON ingestion_batches (file_hash, program_type)
    -- One that is undone again may stand beside another import of its file.
    WHERE (status IN ('pending', 'running', 'completed', 'archived') OR (status = 'undoing' AND undone_at IS NULL))
      AND NOT forced AND NOT dry_run AND retries_batch_id IS NULL;
CREATE UNIQUE INDEX one_retry_at_a_time ON ingestion_batches (retries_batch_id)
    WHERE status IN ('pending', 'running') AND retries_batch_id IS NOT NULL;
CREATE INDEX retries_of_batch ON ingestion_batches (retries_batch_id) WHERE retries_batch_id IS NOT NULL;
CREATE INDEX retries_newest_first ON ingestion_batches (created_at DESC, id DESC) WHERE retries_batch_id IS NOT NULL;
-- A commit imports the upload of its dry run, and each plan is carried out once.
CREATE INDEX batches_of_upload ON ingestion_batches (upload_id, created_at DESC);
CREATE UNIQUE INDEX one_commit_per_plan ON ingestion_batches (planned_by_batch_id)
    WHERE status IN ('pending', 'running', 'completed', 'archived', 'undoing') AND planned_by_batch_id IS NOT NULL;
CREATE INDEX batches_by_hash ON ingestion_batches (file_hash, program_type);
CREATE INDEX batches_by_content ON ingestion_batches (content_hash, program_type)
    WHERE status IN ('completed', 'archived') AND NOT dry_run;
CREATE INDEX batches_newest_first ON ingestion_batches (created_at DESC, id DESC);
CREATE INDEX batches_by_status ON ingestion_batches (status, created_at DESC, id DESC);
CREATE INDEX batches_of_programme ON ingestion_batches (program_type, created_at DESC, id DESC);
CREATE INDEX batches_of_instance ON ingestion_batches (program_instance_id, created_at DESC, id DESC);
CREATE INDEX batches_of_parent ON ingestion_batches (parent_batch_id) WHERE parent_batch_id IS NOT NULL;
CREATE INDEX batches_of_importer ON ingestion_batches (imported_by, created_at DESC);
CREATE INDEX batches_at_work ON ingestion_batches (updated_at) WHERE status IN ('pending', 'running');
-- Read by the retention sweep.
CREATE INDEX batches_with_error_file ON ingestion_batches (completed_at)
    WHERE error_file_key IS NOT NULL AND error_file_deleted_at IS NULL;
CREATE INDEX batches_to_archive ON ingestion_batches (completed_at) WHERE status = 'completed';
CREATE INDEX failed_batches_to_delete ON ingestion_batches (completed_at) WHERE status = 'failed' AND archived_at IS NULL;
CREATE INDEX undone_batches_to_delete ON ingestion_batches (completed_at) WHERE status = 'undone' AND archived_at IS NULL;
-- Read by Monitor.
CREATE INDEX batches_to_check ON ingestion_batches (checked_at NULLS FIRST, id)
    WHERE status IN ('completed', 'failed', 'archived');
CREATE INDEX batches_with_finding ON ingestion_batches (id) WHERE finding IS NOT NULL;

ALTER TABLE uploads ADD FOREIGN KEY (refusal_batch_id) REFERENCES ingestion_batches;

CREATE TABLE chunks (
    batch_id          uuid NOT NULL REFERENCES ingestion_batches,
    number            integer NOT NULL,
    span              jsonb NOT NULL,
    first_row         bigint NOT NULL,
    rows              bigint NOT NULL,
    state             text COLLATE "C" NOT NULL DEFAULT 'planned',
    rating_scale      text COLLATE "C",
    rating_facts      jsonb NOT NULL DEFAULT '{}',
    warnings          jsonb NOT NULL DEFAULT '[]',
    staged_rows       bigint NOT NULL DEFAULT 0,
    rejected_rows     bigint NOT NULL DEFAULT 0,
    rejects_sum       numeric NOT NULL DEFAULT 0,
    fault_counts      jsonb NOT NULL DEFAULT '[]',
    inserted_rows     bigint NOT NULL DEFAULT 0,
    updated_rows      bigint NOT NULL DEFAULT 0,
    unchanged_rows    bigint NOT NULL DEFAULT 0,
    conflict_rows     bigint NOT NULL DEFAULT 0,
    conflicting_rows  integer[] NOT NULL DEFAULT '{}',
    left_out_rows     integer[] NOT NULL DEFAULT '{}',
    staged_at         timestamptz,
    PRIMARY KEY (batch_id, number),
    CONSTRAINT chunk_state CHECK (state IN ('planned', 'staged', 'reconciled')),
    CONSTRAINT every_staged_row_is_counted CHECK (state = 'planned' OR rows = staged_rows + rejected_rows),
    CONSTRAINT every_reconciled_row_is_counted CHECK (
        state <> 'reconciled'
        OR staged_rows = inserted_rows + updated_rows + unchanged_rows + conflict_rows + cardinality(left_out_rows)),
    CONSTRAINT every_conflict_is_named CHECK (conflict_rows = cardinality(conflicting_rows))
);
COMMENT ON TABLE chunks IS 'The ledger of a batch by runs of whole rows: what staging and reconciling counted';
COMMENT ON COLUMN chunks.span IS 'Where the chunk is in the file: see csv_file/formats.py, ChunkSpan';
COMMENT ON COLUMN chunks.rating_scale IS 'The rating scale of the file, if it was known when the chunk was read';
COMMENT ON COLUMN chunks.rating_facts IS 'What the ratings of this chunk say about the scale';
COMMENT ON COLUMN chunks.warnings IS 'The warnings about its rows, by code and count';
COMMENT ON COLUMN chunks.rejects_sum IS 'The sum of the hashes of its rejected rows: see rows/content_hashes.py';
COMMENT ON COLUMN chunks.conflicting_rows IS
    'The numbers of its conflicting rows; staging may be gone after a crash before they are annotated';
COMMENT ON COLUMN chunks.left_out_rows IS 'The numbers of the rows that a commit left out, since they had changed';

CREATE TABLE shards (
    batch_id       uuid NOT NULL REFERENCES ingestion_batches,
    number         integer NOT NULL,
    inserted_rows  bigint NOT NULL,
    updated_rows   bigint NOT NULL,
    merged_at      timestamptz,
    PRIMARY KEY (batch_id, number)
);
COMMENT ON TABLE shards IS 'The ledger of a batch by the hash of the key: what each merge publishes';

CREATE TABLE undos (
    batch_id           uuid NOT NULL REFERENCES ingestion_batches,
    number             integer NOT NULL,
    state              text COLLATE "C" NOT NULL,
    requested_by       text,
    requester_kind     text COLLATE "C" NOT NULL,
    requester_issuer   text,
    requester_subject  text,
    reason             text,
    plan_hash          text COLLATE "C",
    removes            bigint,
    restores           bigint,
    keeps              bigint,
    next_row           bigint NOT NULL DEFAULT 0,
    last_row           bigint,
    removed_rows       bigint NOT NULL DEFAULT 0,
    restored_rows      bigint NOT NULL DEFAULT 0,
    kept_rows          bigint,
    execution          text,
    failure_reason     text,
    created_at         timestamptz NOT NULL DEFAULT now(),
    updated_at         timestamptz NOT NULL DEFAULT now(),
    completed_at       timestamptz,
    PRIMARY KEY (batch_id, number),
    CONSTRAINT undo_state CHECK (state IN ('planning', 'planned', 'running', 'completed', 'failed')),
    CONSTRAINT requester_kind_known CHECK (requester_kind IN ('person', 'program', 'aws', 'system', 'local')),
    CONSTRAINT plan_hash_form CHECK (plan_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT ended_undos_have_a_time CHECK ((state IN ('planned', 'completed', 'failed')) = (completed_at IS NOT NULL)),
    CONSTRAINT completed_undos_are_counted CHECK (state <> 'completed' OR kept_rows IS NOT NULL),
    CONSTRAINT failed_undos_have_a_reason CHECK ((state = 'failed') = (failure_reason IS NOT NULL))
);
COMMENT ON TABLE undos IS 'Undos of batches, each carried out by ranges of rows; and plans that take too long for one request';
COMMENT ON COLUMN undos.plan_hash IS 'Of what the requester was shown, and of a plan what was found';
COMMENT ON COLUMN undos.next_row IS 'The first row of the batch whose outcome was not undone yet';
COMMENT ON COLUMN undos.last_row IS 'The last row with an outcome to undo; null until the batch may merge into its programme';
CREATE UNIQUE INDEX one_undo_at_a_time ON undos (batch_id) WHERE state = 'running';
CREATE INDEX undos_at_work ON undos (updated_at) WHERE state IN ('planning', 'running');

-- How the rows of a batch compare with those of earlier ones

CREATE TABLE batch_overlaps (
    batch_id          uuid NOT NULL REFERENCES ingestion_batches,
    earlier_batch_id  uuid NOT NULL REFERENCES ingestion_batches,
    same_rows         bigint NOT NULL,
    changed_rows      bigint NOT NULL,
    changed_fields    jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (batch_id, earlier_batch_id)
);
COMMENT ON TABLE batch_overlaps IS 'How many ids a batch has in common with earlier imports, counted when it was reconciled';
COMMENT ON COLUMN batch_overlaps.changed_fields IS 'How many rows differ in each field';

CREATE TABLE unchanged_rows (
    batch_id  uuid NOT NULL REFERENCES ingestion_batches,
    block     bigint NOT NULL,
    ids       bigint[] NOT NULL,
    versions  integer[] NOT NULL,
    PRIMARY KEY (block, batch_id)
);
CREATE INDEX unchanged_rows_of_batch ON unchanged_rows (batch_id);
-- They hardly become smaller, and compressing takes longer than writing.
ALTER TABLE unchanged_rows ALTER ids SET STORAGE EXTERNAL, ALTER versions SET STORAGE EXTERNAL;
COMMENT ON COLUMN unchanged_rows.block IS 'The ids without their last 14 bits';
COMMENT ON TABLE unchanged_rows IS
    'The records that a batch found unchanged, each with its version, for comparing later files: they have no other trace of it';

CREATE TABLE verifications (
    batch_id          uuid PRIMARY KEY REFERENCES ingestion_batches,
    state             text COLLATE "C" NOT NULL DEFAULT 'running',
    is_sample         boolean NOT NULL DEFAULT false,
    requested_at      timestamptz NOT NULL DEFAULT now(),
    started_at        timestamptz,
    completed_at      timestamptz,
    checked_rows      bigint,
    differing_values  bigint,
    differing         jsonb NOT NULL DEFAULT '[]',
    failure_code      text COLLATE "C",
    CONSTRAINT verification_state CHECK (state IN ('running', 'completed', 'failed')),
    CONSTRAINT ended_verifications_have_a_time CHECK ((state = 'running') = (completed_at IS NULL))
);
COMMENT ON TABLE verifications IS 'The last comparison of each batch with its file';
COMMENT ON COLUMN verifications.is_sample IS 'Whether Monitor chose the batch';
COMMENT ON COLUMN verifications.differing IS 'The values that differ, for a day: they may be personal data';
CREATE INDEX verifications_to_do ON verifications (requested_at) WHERE state = 'running';
CREATE INDEX verifications_of_sample ON verifications (requested_at) WHERE is_sample;
CREATE INDEX verifications_that_differ ON verifications (batch_id) WHERE differing_values > 0;

-- Rejected rows that came back, or may be retried

CREATE TABLE returned_rows (
    batch_id        uuid NOT NULL,
    row_number      integer NOT NULL,
    chunk           integer NOT NULL,
    first_batch_id  uuid NOT NULL,
    first_row       integer NOT NULL,
    is_mended       boolean NOT NULL,
    is_rejected     boolean NOT NULL,
    PRIMARY KEY (batch_id, row_number)
);
COMMENT ON TABLE returned_rows IS
    'Rows that bring back a rejected row, in corrected files and retries. Whether that is open follows from the status of '
    'their batch';
COMMENT ON COLUMN returned_rows.first_batch_id IS
    'The batch that first rejected the row; a row that is rejected again is open there, and only there';
COMMENT ON COLUMN returned_rows.first_row IS 'The row''s number in the file of that batch';
COMMENT ON COLUMN returned_rows.is_mended IS 'Whether somebody changed it, so that only this row says what is meant';
CREATE INDEX returned_rows_of_first ON returned_rows (first_batch_id, first_row);

CREATE TABLE retryable_rows (
    batch_id     uuid NOT NULL REFERENCES ingestion_batches,
    chunk        integer NOT NULL,
    is_conflict  boolean NOT NULL,
    row_numbers  integer[] NOT NULL,
    keys         text[] NOT NULL,
    people       text[] NOT NULL,
    PRIMARY KEY (batch_id, chunk, is_conflict),
    CONSTRAINT one_of_each_for_every_row CHECK (
        cardinality(row_numbers) = cardinality(keys) AND cardinality(keys) = cardinality(people))
);
COMMENT ON TABLE retryable_rows IS
    'Rejected rows whose only faults are unknown people or the id of another session, by chunk; deleted with the error file';
COMMENT ON COLUMN retryable_rows.is_conflict IS 'Whether Reconcile rejected them, for their id; otherwise Stage did';
COMMENT ON COLUMN retryable_rows.people IS 'The addresses of each row''s people, separated by spaces';
-- To compress them would take longer than to write them.
ALTER TABLE retryable_rows ALTER keys SET STORAGE EXTERNAL, ALTER people SET STORAGE EXTERNAL,
                           ALTER row_numbers SET STORAGE EXTERNAL;

-- People

CREATE TABLE users (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email                text COLLATE "C" NOT NULL UNIQUE,
    name                 text,
    role                 text COLLATE "C" NOT NULL,
    linkedin_url         text,
    verification_status  text,
    grant_access         text,
    joined_at            timestamptz,
    batch_id             uuid REFERENCES ingestion_batches,
    row_number           integer,
    line                 integer,
    version              integer NOT NULL DEFAULT 1,
    CONSTRAINT email_length CHECK (length(email) BETWEEN 3 AND 255),
    CONSTRAINT known_role CHECK (role IN ('participant', 'volunteer'))
);
COMMENT ON TABLE users IS 'Participants and volunteers, known by email';
COMMENT ON COLUMN users.batch_id IS 'The batch of the row that gave this content; null for people from elsewhere';
CREATE INDEX users_of_batch ON users (batch_id, row_number);

CREATE TABLE user_versions (
    user_id              bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    version              integer NOT NULL,
    name                 text,
    role                 text COLLATE "C" NOT NULL,
    linkedin_url         text,
    verification_status  text,
    grant_access         text,
    joined_at            timestamptz,
    batch_id             uuid REFERENCES ingestion_batches,
    row_number           integer,
    line                 integer,
    replaced_by_batch    uuid NOT NULL REFERENCES ingestion_batches,
    replaced_by_row      integer NOT NULL,
    replaced_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, version)
);
COMMENT ON TABLE user_versions IS 'Earlier versions of people, each with the row that gave it and the row that replaced it';
CREATE INDEX user_versions_of_batch ON user_versions (batch_id, row_number);
CREATE INDEX user_versions_replaced_by ON user_versions (replaced_by_batch);

-- Sessions

CREATE TABLE kintell_sessions (
    id                   bigint PRIMARY KEY,
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
    -- A day without a time is stored as its midnight somewhere on earth, and is not before a start on the same day. Zones
    -- are a quarter of an hour apart, and a day lasts at most 52 hours from its first beginning to its last end.
    CONSTRAINT completed_after_scheduled CHECK (
        completed_at >= scheduled_at
        OR (completed_at > scheduled_at - interval '52 hours' AND extract(epoch FROM completed_at) % 900 = 0)),
    CONSTRAINT duration_in_range CHECK (duration_minutes BETWEEN 1 AND 480),
    CONSTRAINT rating_in_range CHECK (rating BETWEEN 0 AND 1),
    CONSTRAINT cefr_level CHECK (language_level IN ('A1', 'A2', 'B1', 'B2', 'C1', 'C2'))
);
COMMENT ON TABLE kintell_sessions IS 'Sessions as they are now, each with the batch, row and line that gave its content';
COMMENT ON COLUMN kintell_sessions.id IS
    'The batch and row that inserted it, number of the batch * 2^30 + number of the row: the primary key so finds the '
    'sessions of a batch in the order of their rows';
COMMENT ON COLUMN kintell_sessions.external_session_id IS 'The id in the file; unique in its programme';
COMMENT ON COLUMN kintell_sessions.version IS
    '1 as inserted, one more with each update; the earlier ones are in kintell_session_versions';
COMMENT ON COLUMN kintell_sessions.rating IS 'From 0 to 1, whatever the scale of the file';
CREATE UNIQUE INDEX one_session_per_id ON kintell_sessions (external_session_id, program_type);
-- Rows that inserted a session are found by its id.
CREATE UNIQUE INDEX one_session_per_later_row ON kintell_sessions (batch_id, row_number) WHERE version > 1;
-- Sessions of an instance come in files and lie together.
CREATE INDEX sessions_of_instance ON kintell_sessions USING brin (program_instance_id);

CREATE TABLE kintell_session_versions (
    session_id           bigint NOT NULL,
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
COMMENT ON TABLE kintell_session_versions IS
    'Earlier versions of sessions, each with the row that gave it and the row that replaced it';
CREATE INDEX later_session_versions_of_batch ON kintell_session_versions (batch_id, row_number) WHERE version > 1;
CREATE INDEX session_versions_replaced_by ON kintell_session_versions (replaced_by_batch);

CREATE TABLE batch_people (
    person_id  bigint NOT NULL,
    batch_id   uuid NOT NULL
);
COMMENT ON TABLE batch_people IS
    'The people of the sessions that a batch inserted. Triggers of kintell_sessions write it; merges that ran side by side '
    'each wrote their own rows, so a row may stand twice';
CREATE INDEX batches_of_person ON batch_people (person_id, batch_id);

-- Guards of what has ended bind everybody but the owner of the schema, who could drop them, and mends what went wrong.
CREATE FUNCTION owns_schema(who name) RETURNS boolean LANGUAGE sql STABLE
    RETURN pg_has_role(who, (SELECT relowner FROM pg_class WHERE oid = CAST('ingestion_batches' AS regclass)), 'MEMBER');
-- While a batch is in one of these states, its rows and its ledgers may change.
CREATE FUNCTION is_at_work(status text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN status IN ('pending', 'running');
-- While it is in one of these, what it published may be taken back.
CREATE FUNCTION may_be_taken_back(status text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN status IN ('pending', 'running', 'undoing');

CREATE FUNCTION first_session_id(batch uuid) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT CAST(number AS bigint) << 30 FROM ingestion_batches WHERE id = batch);
CREATE FUNCTION last_session_id(batch uuid) RETURNS bigint LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT (CAST(number AS bigint) << 30) + 1073741823 FROM ingestion_batches WHERE id = batch);

-- A body that is parsed here stays a part of the statement that asks it, as one with a search path of its own would not.
-- It names its columns: SETOF kintell_sessions would break with the next column of the table.
CREATE FUNCTION sessions_of_person(person bigint)
    RETURNS TABLE (id bigint, batch_id uuid, participant_id bigint, volunteer_id bigint)
LANGUAGE sql STABLE PARALLEL SAFE BEGIN ATOMIC
    SELECT s.id, s.batch_id, s.participant_id, s.volunteer_id
      FROM (SELECT DISTINCT batch_id FROM batch_people WHERE person_id = person) p
      JOIN ingestion_batches b ON b.id = p.batch_id
     CROSS JOIN LATERAL (
           SELECT k.id, k.batch_id, k.participant_id, k.volunteer_id
             FROM kintell_sessions k
            WHERE k.id BETWEEN CAST(b.number AS bigint) << 30 AND (CAST(b.number AS bigint) << 30) + 1073741823
           -- Planned by itself: how few sessions a batch has, the planner can't know.
           OFFSET 0) s
     WHERE s.participant_id = person OR s.volunteer_id = person;
END;

-- What sessions refer to

-- Writes batch_people as the owner, since the functions' role may not.
CREATE FUNCTION check_session_references() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    missing text;
BEGIN
    WITH named AS MATERIALIZED (
        SELECT participant_id AS person_id, id >> 30 AS number FROM written
         UNION
        SELECT volunteer_id, id >> 30 FROM written
    ), noted AS (
        -- New sessions are recorded without checking what is there; an update only if it changed the people.
        INSERT INTO batch_people (person_id, batch_id)
        SELECT n.person_id, b.id
          FROM named n
          JOIN ingestion_batches b ON b.number = n.number
         WHERE TG_OP = 'INSERT'
            OR NOT EXISTS (SELECT FROM batch_people p WHERE p.person_id = n.person_id AND p.batch_id = b.id)
      ORDER BY n.person_id
    )
    SELECT 'user ' || n.person_id INTO missing
      FROM named n
     WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = n.person_id)
     LIMIT 1;
    IF missing IS NULL THEN
        SELECT CASE WHEN b.id IS NULL THEN 'batch ' || w.batch_id
                    WHEN i.id IS NULL THEN w.program_type || ' instance ' || w.program_instance_id
                    WHEN w.first_id >> 30 = b.number AND w.last_id >> 30 = b.number AND NOT is_at_work(b.status)
                    THEN 'a batch at work, since batch ' || w.batch_id || ' is ' || b.status
                    ELSE 'an id of another row than one of batch ' || w.batch_id END INTO missing
          FROM (SELECT batch_id, program_instance_id, program_type,
                       min(id - row_number) FILTER (WHERE version = 1) AS least,
                       max(id - row_number) FILTER (WHERE version = 1) AS most,
                       min(id) AS first_id, max(id) AS last_id
                  FROM written GROUP BY batch_id, program_instance_id, program_type) w
          LEFT JOIN ingestion_batches b ON b.id = w.batch_id
          LEFT JOIN program_instances i ON i.id = w.program_instance_id AND i.program_type = w.program_type
         WHERE b.id IS NULL OR i.id IS NULL
            OR w.least <> CAST(b.number AS bigint) << 30 OR w.most <> CAST(b.number AS bigint) << 30
            -- An update leaves the id of the row that inserted the session.
            OR (TG_OP = 'INSERT' AND NOT owns_schema(SESSION_USER)
                AND (NOT is_at_work(b.status) OR w.first_id >> 30 <> b.number OR w.last_id >> 30 <> b.number))
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

-- A foreign key would look up and lock each row by itself, which took a third of the time of an update.
CREATE FUNCTION check_version_references() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    missing   text;
    is_owner  boolean := owns_schema(SESSION_USER);
BEGIN
    SELECT CASE WHEN b.id IS NULL THEN 'batch ' || w.batch_id
                WHEN r.id IS NULL THEN 'batch ' || w.replaced_by_batch
                ELSE 'instance ' || w.program_instance_id END INTO missing
      FROM (SELECT DISTINCT batch_id, replaced_by_batch, program_instance_id FROM written) w
      LEFT JOIN ingestion_batches b ON b.id = w.batch_id
      LEFT JOIN ingestion_batches r ON r.id = w.replaced_by_batch
      LEFT JOIN program_instances i ON i.id = w.program_instance_id
     WHERE b.id IS NULL OR r.id IS NULL OR i.id IS NULL
     LIMIT 1;
    IF missing IS NULL THEN
        -- A session that this transaction has written, outside of savepoints, stays until the commit: nobody else can
        -- delete it meanwhile.
        SELECT 'session ' || w.session_id || ', as this transaction has written it' INTO missing
          FROM written w
         WHERE NOT EXISTS (SELECT FROM kintell_sessions s
                            WHERE s.id = w.session_id
                              AND (is_owner OR s.xmin = CAST(pg_current_xact_id() AS xid)))
         LIMIT 1;
    END IF;
    IF missing IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = 'a version of a session refers to what does not exist: ' || missing;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER inserted_versions_refer_to_what_exists AFTER INSERT ON kintell_session_versions
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_version_references();
CREATE TRIGGER updated_versions_refer_to_what_exists AFTER UPDATE ON kintell_session_versions
    REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION check_version_references();

-- What a batch that has ended published stays: sessions and versions are written by a batch at work, and taken back by
-- one at work or one that is being undone. A merge updates rows of other batches to its own, taking back does the
-- opposite. Inserted sessions are checked above.
CREATE FUNCTION what_was_published_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_ended uuid;
BEGIN
    IF TG_TABLE_NAME <> 'kintell_sessions' THEN
        SELECT b.id INTO of_ended
          FROM (SELECT DISTINCT replaced_by_batch FROM changed) c
          JOIN ingestion_batches b ON b.id = c.replaced_by_batch
         WHERE NOT CASE TG_OP WHEN 'INSERT' THEN is_at_work(b.status) ELSE may_be_taken_back(b.status) END
         LIMIT 1;
    ELSE
        SELECT b.id INTO of_ended
          FROM (SELECT DISTINCT batch_id FROM changed) c
          JOIN ingestion_batches b ON b.id = c.batch_id
         WHERE NOT may_be_taken_back(b.status)
         LIMIT 1;
        IF of_ended IS NOT NULL AND TG_OP = 'UPDATE' THEN
            SELECT b.id INTO of_ended
              FROM (SELECT DISTINCT batch_id FROM written) c
              JOIN ingestion_batches b ON b.id = c.batch_id
             WHERE NOT is_at_work(b.status)
             LIMIT 1;
        END IF;
    END IF;
    IF of_ended IS NOT NULL THEN
        RAISE check_violation USING
            MESSAGE = 'what batch ' || of_ended || ' published stays: it has ended',
            TABLE = TG_TABLE_NAME, CONSTRAINT = 'what_was_published_stays';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER what_was_published_stays AFTER UPDATE ON kintell_sessions
    REFERENCING OLD TABLE AS changed NEW TABLE AS written
    FOR EACH STATEMENT WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION what_was_published_stays();
CREATE TRIGGER what_was_published_is_not_deleted AFTER DELETE ON kintell_sessions
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION what_was_published_stays();
CREATE TRIGGER ended_batches_replace_nothing AFTER INSERT ON kintell_session_versions
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION what_was_published_stays();
CREATE TRIGGER what_was_replaced_stays AFTER DELETE ON kintell_session_versions
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION what_was_published_stays();
CREATE TRIGGER ended_batches_replace_nothing AFTER INSERT ON user_versions
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION what_was_published_stays();
CREATE TRIGGER what_was_replaced_stays AFTER DELETE ON user_versions
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION what_was_published_stays();

-- People leave a batch with the last of their sessions in it.
CREATE FUNCTION remove_batch_people() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    WITH named AS MATERIALIZED (
        SELECT participant_id AS person_id, id >> 30 AS number FROM gone
         UNION
        SELECT volunteer_id, id >> 30 FROM gone
    ), staying AS MATERIALIZED (
        SELECT s.participant_id, s.volunteer_id, n.number
          FROM (SELECT DISTINCT number FROM named) n
          JOIN kintell_sessions s ON s.id BETWEEN n.number << 30 AND (n.number << 30) + 1073741823
    )
    DELETE FROM batch_people p
     USING named n JOIN ingestion_batches b ON b.number = n.number
     WHERE p.person_id = n.person_id AND p.batch_id = b.id
       AND NOT EXISTS (SELECT FROM staying s WHERE s.participant_id = n.person_id AND s.number = n.number)
       AND NOT EXISTS (SELECT FROM staying s WHERE s.volunteer_id = n.person_id AND s.number = n.number);
    RETURN NULL;
END $$;
CREATE TRIGGER deleted_sessions_leave_batch_people AFTER DELETE ON kintell_sessions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION remove_batch_people();

CREATE FUNCTION remove_versions() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    DELETE FROM kintell_session_versions v USING gone g WHERE v.session_id = g.id;
    RETURN NULL;
END $$;
CREATE TRIGGER deleted_sessions_take_their_versions AFTER DELETE ON kintell_sessions
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION remove_versions();

CREATE FUNCTION refuse_another_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = 'session ' || OLD.id || ' keeps its id, which its versions refer to';
END $$;
CREATE TRIGGER sessions_keep_their_id BEFORE UPDATE OF id ON kintell_sessions
    FOR EACH ROW WHEN (OLD.id <> NEW.id) EXECUTE FUNCTION refuse_another_id();

CREATE FUNCTION keep_sessions_of_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM kintell_session_versions) THEN
        RAISE foreign_key_violation USING MESSAGE = 'versions refer to kintell_sessions';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sessions_of_versions_stay AFTER TRUNCATE ON kintell_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION keep_sessions_of_versions();

CREATE FUNCTION empty_batch_people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    TRUNCATE batch_people;
    RETURN NULL;
END $$;
CREATE TRIGGER emptied_sessions_empty_batch_people AFTER TRUNCATE ON kintell_sessions
    FOR EACH STATEMENT EXECUTE FUNCTION empty_batch_people();

-- The other side: the lock waits for everybody who is writing sessions, and keeps others out until the commit.
CREATE FUNCTION keep_referenced_ids() RETURNS trigger LANGUAGE plpgsql AS $$
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
            OR EXISTS (SELECT FROM kintell_sessions WHERE batch_id = OLD.id AND version > 1)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE batch_id = OLD.id AND version > 1) INTO referred;
    ELSE
        SELECT EXISTS (SELECT FROM kintell_sessions WHERE program_instance_id = OLD.id)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE program_instance_id = OLD.id) INTO referred;
    END IF;
    IF referred THEN
        RAISE foreign_key_violation USING MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' is referred to by sessions';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER users_keep_their_id BEFORE UPDATE OF id ON users
    FOR EACH ROW EXECUTE FUNCTION keep_referenced_ids();
CREATE TRIGGER batches_keep_their_id BEFORE UPDATE OF id, number ON ingestion_batches
    FOR EACH ROW EXECUTE FUNCTION keep_referenced_ids();
CREATE TRIGGER instances_keep_their_id BEFORE UPDATE OF id, program_type ON program_instances
    FOR EACH ROW EXECUTE FUNCTION keep_referenced_ids();

-- A transaction that deletes waits here for whoever is writing sessions, once a statement and not once a row, and only if
-- it deletes anything. It must not have written sessions itself: two that had would wait for each other.
CREATE FUNCTION keep_referenced_rows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    referred text;
BEGIN
    IF NOT EXISTS (SELECT FROM gone) THEN
        RETURN NULL;
    END IF;
    LOCK TABLE kintell_sessions IN SHARE ROW EXCLUSIVE MODE;
    IF TG_TABLE_NAME = 'users' THEN
        SELECT g.id INTO referred FROM gone g WHERE EXISTS (SELECT FROM sessions_of_person(g.id)) LIMIT 1;
    ELSIF TG_TABLE_NAME = 'ingestion_batches' THEN
        SELECT g.id INTO referred
          FROM gone g
         WHERE EXISTS (SELECT FROM kintell_sessions
                        WHERE id BETWEEN CAST(g.number AS bigint) << 30
                                     AND (CAST(g.number AS bigint) << 30) + 1073741823)
            OR EXISTS (SELECT FROM kintell_sessions WHERE batch_id = g.id AND version > 1)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE batch_id = g.id AND version > 1)
         LIMIT 1;
    ELSE
        SELECT g.id INTO referred
          FROM gone g
         WHERE EXISTS (SELECT FROM kintell_sessions WHERE program_instance_id = g.id)
            OR EXISTS (SELECT FROM kintell_session_versions WHERE program_instance_id = g.id)
         LIMIT 1;
    END IF;
    IF referred IS NOT NULL THEN
        RAISE foreign_key_violation USING MESSAGE = TG_TABLE_NAME || ' ' || referred || ' is referred to by sessions';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER users_with_sessions_stay AFTER DELETE ON users
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced_rows();
CREATE TRIGGER batches_with_sessions_stay AFTER DELETE ON ingestion_batches
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced_rows();
CREATE TRIGGER instances_with_sessions_stay AFTER DELETE ON program_instances
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced_rows();

-- A row trigger does not see TRUNCATE.
CREATE FUNCTION keep_referenced_tables() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- After the statement: one that empties the sessions too leaves nothing behind that refers to anything.
    IF EXISTS (SELECT FROM kintell_sessions) OR EXISTS (SELECT FROM kintell_session_versions) THEN
        RAISE foreign_key_violation USING MESSAGE = 'sessions refer to ' || TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER users_of_sessions_stay AFTER TRUNCATE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced_tables();
CREATE TRIGGER batches_of_sessions_stay AFTER TRUNCATE ON ingestion_batches
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced_tables();
CREATE TRIGGER instances_of_sessions_stay AFTER TRUNCATE ON program_instances
    FOR EACH STATEMENT EXECUTE FUNCTION keep_referenced_tables();

-- In a transaction that keeps its first snapshot, these guards would miss what others have committed since. A foreign
-- key looks past the snapshot; a trigger can't.
CREATE FUNCTION require_read_committed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE invalid_transaction_state USING
        MESSAGE = TG_TABLE_NAME || ' may be written at the isolation level READ COMMITTED only';
END $$;
CREATE TRIGGER read_committed_only BEFORE INSERT OR UPDATE ON kintell_sessions
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION require_read_committed();
CREATE TRIGGER read_committed_only BEFORE DELETE OR UPDATE OF id ON users
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION require_read_committed();
CREATE TRIGGER read_committed_only BEFORE DELETE OR UPDATE OF id, number, status ON ingestion_batches
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION require_read_committed();
CREATE TRIGGER read_committed_only BEFORE DELETE OR UPDATE OF id, program_type ON program_instances
    FOR EACH STATEMENT WHEN (current_setting('transaction_isolation') NOT IN ('read committed', 'read uncommitted'))
    EXECUTE FUNCTION require_read_committed();

-- How a batch may change. Triggers fire in the order of their names.

-- A completed batch has every planned row reconciled, every shard merged, and counts that agree with its ledgers. In the
-- same transaction, Finalize counts that the rows are in the sessions too.
CREATE FUNCTION completed_batches_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    by_chunk  record;
    by_shard  record;
BEGIN
    SELECT coalesce(sum(rows), 0) AS rows, coalesce(sum(inserted_rows), 0) AS inserted,
           coalesce(sum(updated_rows), 0) AS updated, coalesce(sum(unchanged_rows), 0) AS unchanged,
           coalesce(sum(cardinality(left_out_rows)), 0) AS left_out,
           coalesce(sum(rejected_rows + conflict_rows), 0) AS rejected
      INTO by_chunk
      FROM chunks WHERE batch_id = NEW.id AND state = 'reconciled';
    SELECT coalesce(sum(inserted_rows), 0) AS inserted, coalesce(sum(updated_rows), 0) AS updated
      INTO by_shard
      FROM shards WHERE batch_id = NEW.id AND merged_at IS NOT NULL;
    IF (by_chunk.rows, by_chunk.inserted, by_chunk.updated, by_chunk.unchanged, by_chunk.left_out, by_chunk.rejected)
       IS DISTINCT FROM (NEW.total_rows, NEW.inserted_rows, NEW.updated_rows, NEW.skipped_rows - NEW.unpublished_rows,
                         NEW.unpublished_rows, NEW.error_rows)
       OR (NOT NEW.dry_run AND by_shard.inserted + by_shard.updated <> NEW.inserted_rows + NEW.updated_rows)
    THEN
        RAISE check_violation USING
            MESSAGE = 'batch ' || NEW.id || ' may not be completed: its rows do not add up',
            TABLE = 'ingestion_batches', CONSTRAINT = 'completed_batches_add_up';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER completed_batches_add_up BEFORE UPDATE OF status ON ingestion_batches
    FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status NOT IN ('completed', 'undoing'))
    EXECUTE FUNCTION completed_batches_add_up();

-- A failed batch can be completed only by a retry.
CREATE FUNCTION ended_batches_stay_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' may not be completed: it is ' || OLD.status,
        TABLE = 'ingestion_batches', CONSTRAINT = 'ended_batches_stay_ended';
END $$;
CREATE TRIGGER ended_batches_stay_ended BEFORE UPDATE OF status ON ingestion_batches
    FOR EACH ROW WHEN (NEW.status = 'completed' AND OLD.status IN ('failed', 'archived', 'undone'))
    EXECUTE FUNCTION ended_batches_stay_ended();

CREATE FUNCTION files_stay_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' stays ' || OLD.status || ': its file has been deleted',
        TABLE = 'ingestion_batches', CONSTRAINT = 'files_stay_deleted';
END $$;
CREATE TRIGGER files_stay_deleted BEFORE UPDATE OF status, archived_at ON ingestion_batches
    FOR EACH ROW WHEN ((OLD.status = 'archived' AND NEW.status <> 'archived')
                       OR (OLD.archived_at IS NOT NULL
                           AND (NEW.status <> OLD.status OR NEW.archived_at IS DISTINCT FROM OLD.archived_at)))
    EXECUTE FUNCTION files_stay_deleted();

-- Otherwise a completed batch could be marked as failed while its sessions stay, or as forced so that its file is no
-- longer recognised. A completed batch can only be archived or undone.
CREATE FUNCTION what_is_completed_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' stays ' || OLD.status,
        TABLE = 'ingestion_batches', CONSTRAINT = 'what_is_completed_stays';
END $$;
CREATE TRIGGER what_is_completed_stays BEFORE UPDATE OF status, forced ON ingestion_batches
    FOR EACH ROW WHEN (OLD.status = 'completed'
                       AND (NEW.status NOT IN ('completed', 'archived', 'undoing') OR NEW.forced <> OLD.forced))
    EXECUTE FUNCTION what_is_completed_stays();

-- A batch is undone because somebody asked for it, and is completed again only if nothing of it was undone.
CREATE FUNCTION undos_are_requested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (CASE NEW.status
        WHEN 'undoing' THEN NOT EXISTS (SELECT FROM undos WHERE batch_id = NEW.id AND state = 'running')
        WHEN 'undone' THEN OLD.status <> 'undoing'
        ELSE EXISTS (SELECT FROM undos WHERE batch_id = NEW.id AND removed_rows + restored_rows > 0) END)
    THEN
        RAISE check_violation USING
            MESSAGE = 'batch ' || OLD.id || ' may not go from ' || OLD.status || ' to ' || NEW.status,
            TABLE = 'ingestion_batches', CONSTRAINT = 'undos_are_requested';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER undos_are_requested BEFORE UPDATE OF status ON ingestion_batches
    FOR EACH ROW WHEN (NEW.status <> OLD.status
                       AND (NEW.status IN ('undoing', 'undone') OR OLD.status IN ('undoing', 'undone')))
    EXECUTE FUNCTION undos_are_requested();

-- What an undo came to is not edited; who asked for it and why may be forgotten.
CREATE FUNCTION what_was_undone_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - CAST('{requested_by,requester_issuer,requester_subject,reason,updated_at}' AS text[])
       <> to_jsonb(OLD) - CAST('{requested_by,requester_issuer,requester_subject,reason,updated_at}' AS text[])
       OR num_nonnulls(NEW.requested_by, NEW.requester_issuer, NEW.requester_subject, NEW.reason) > 0
    THEN
        RAISE check_violation USING
            MESSAGE = 'undo ' || OLD.number || ' of batch ' || OLD.batch_id || ' stays ' || OLD.state,
            TABLE = 'undos', CONSTRAINT = 'what_was_undone_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER what_was_undone_stays BEFORE UPDATE ON undos
    FOR EACH ROW WHEN (OLD.state NOT IN ('planning', 'running') AND NOT owns_schema(CURRENT_USER))
    EXECUTE FUNCTION what_was_undone_stays();

-- Each move of a batch changes these columns and no others; a pair of states that is not here is no move. Who imported a
-- file may be forgotten at any time. How an upload moves is below.
CREATE FUNCTION columns_of_batch_move(old_status text, new_status text) RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN CASE old_status || ' ' || new_status
           WHEN 'pending pending' THEN ARRAY['csv_metadata', 'cancelled_at']
           WHEN 'pending running' THEN ARRAY['execution', 'started_at']
           WHEN 'running running' THEN
               ARRAY['execution', 'started_at', 'reconciled_at', 'cancelled_at', 'rating_scale', 'content_hash',
                     'distinct_ids', 'csv_metadata', 'plan_hash']
           WHEN 'running completed' THEN
               ARRAY['inserted_rows', 'updated_rows', 'skipped_rows', 'unpublished_rows', 'error_rows', 'error_summary',
                     'error_file_key', 'completed_at']
           WHEN 'pending failed' THEN
               ARRAY['skipped_rows', 'unpublished_rows', 'error_rows', 'error_summary', 'failure_code',
                     'failure_reason', 'completed_at']
           WHEN 'running failed' THEN
               ARRAY['skipped_rows', 'unpublished_rows', 'error_rows', 'error_summary', 'failure_code',
                     'failure_reason', 'error_file_key', 'completed_at']
           WHEN 'failed running' THEN
               ARRAY['execution', 'started_at', 'completed_at', 'failure_code', 'failure_reason', 'inserted_rows',
                     'updated_rows', 'skipped_rows', 'unpublished_rows', 'error_rows', 'error_summary',
                     'error_file_key', 'error_file_deleted_at', 'cancelled_at']
           WHEN 'failed failed' THEN
               ARRAY['checked_at', 'finding', 'error_file_deleted_at', 'archived_at', 'file_name', 'force_reason',
                     'failure_reason', 'work_key', 'format', 'csv_metadata']
           WHEN 'completed completed' THEN ARRAY['checked_at', 'finding', 'error_file_deleted_at']
           WHEN 'completed archived' THEN
               ARRAY['error_file_deleted_at', 'archived_at', 'file_name', 'force_reason', 'work_key', 'format',
                     'csv_metadata']
           WHEN 'archived archived' THEN ARRAY['checked_at', 'finding']
           WHEN 'completed undoing' THEN ARRAY[]::text[]
           WHEN 'undone undoing' THEN ARRAY[]::text[]
           WHEN 'undoing undoing' THEN ARRAY['error_file_deleted_at']
           WHEN 'undoing completed' THEN ARRAY[]::text[]
           WHEN 'undoing undone' THEN ARRAY['undone_at', 'finding']
           WHEN 'undone undone' THEN
               ARRAY['error_file_deleted_at', 'archived_at', 'file_name', 'force_reason', 'work_key', 'format',
                     'csv_metadata']
           END;

-- What has ended could be edited: its counts, its file's name, when it completed, and so when its file is deleted.
CREATE FUNCTION no_move_changes_more() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    move     text[] := columns_of_batch_move(OLD.status, NEW.status);
    changed  text;
BEGIN
    SELECT string_agg(n.key, ', ') INTO changed
      FROM jsonb_each(to_jsonb(NEW)) n
      JOIN jsonb_each(to_jsonb(OLD)) o ON o.key = n.key
     WHERE n.value <> o.value
       AND n.key NOT IN ('status', 'updated_at', 'imported_by', 'claimed_by', 'success_rows', 'unchanged_rows')
       AND (n.key <> ALL (move)
            -- Times are set to the time of the change, and emptied only by starting over.
            OR (n.key IN ('started_at', 'reconciled_at', 'cancelled_at', 'completed_at', 'archived_at', 'undone_at',
                           'error_file_deleted_at')
                AND n.value <> to_jsonb(now()) AND NOT (n.value = 'null' AND NEW.status = 'running'))
            -- Names are forgotten, not changed, and that once: with the file.
            OR (n.key IN ('file_name', 'force_reason', 'work_key', 'format', 'csv_metadata')
                AND NOT is_at_work(OLD.status)
                AND (NEW.archived_at IS DISTINCT FROM now() OR NOT CASE n.key
                     WHEN 'file_name' THEN NEW.file_name = '(deleted)'
                     WHEN 'force_reason' THEN NEW.force_reason IN ('archived', 'deleted')
                     WHEN 'work_key' THEN NEW.work_key IS NULL
                     WHEN 'format' THEN NEW.format - CAST('{header,sheet}' AS text[])
                                        = OLD.format - CAST('{header,sheet}' AS text[])
                     ELSE NEW.csv_metadata - CAST('{headers,unknownHeaders,nearestNames,sheet}' AS text[])
                          = OLD.csv_metadata - CAST('{headers,unknownHeaders,nearestNames,sheet}' AS text[])
                     END))
            OR (n.key = 'failure_reason' AND OLD.status = 'failed' AND NEW.status = 'failed'
                AND NEW.archived_at IS DISTINCT FROM now()));
    IF changed IS NOT NULL OR move IS NULL THEN
        RAISE check_violation USING
            MESSAGE = 'batch ' || OLD.id || ' keeps its ' || coalesce(changed, 'status') || ' as it goes from '
                || OLD.status || ' to ' || NEW.status,
            TABLE = 'ingestion_batches', CONSTRAINT = 'what_no_move_changes_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER what_no_move_changes_stays BEFORE UPDATE ON ingestion_batches
    FOR EACH ROW WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION no_move_changes_more();

-- The same of an upload: it is received once, decided on once, and forgotten.
CREATE FUNCTION columns_of_upload_move(old_state text, new_state text) RETURNS text[] LANGUAGE sql IMMUTABLE
    RETURN CASE old_state || ' ' || new_state
           WHEN 'waiting waiting' THEN ARRAY['version_id', 'size_bytes', 'received_at']
           WHEN 'waiting accepted' THEN ARRAY['state', 'sha256', 'decided_at']
           WHEN 'waiting refused' THEN
               ARRAY['state', 'sha256', 'decided_at', 'refusal_code', 'refusal_message', 'refusal_batch_id']
           WHEN 'accepted accepted' THEN ARRAY[]::text[]
           WHEN 'refused refused' THEN ARRAY['refusal_message']
           END;

CREATE FUNCTION no_decision_changes_more() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    move     text[] := columns_of_upload_move(OLD.state, NEW.state);
    changed  text;
BEGIN
    SELECT string_agg(n.key, ', ') INTO changed
      FROM jsonb_each(to_jsonb(NEW)) n
      JOIN jsonb_each(to_jsonb(OLD)) o ON o.key = n.key
     WHERE n.value <> o.value
       -- Who sent it has a guard of its own: it may be forgotten.
       AND n.key NOT IN ('uploaded_by', 'uploader_kind', 'uploader_issuer', 'uploader_subject', 'principal', 'claimed_by')
       AND (n.key <> ALL (move || ARRAY['deleted_at', 'file_name', 'key', 'options'])
            OR (n.key IN ('received_at', 'decided_at', 'deleted_at') AND n.value <> to_jsonb(now()))
            OR (n.key IN ('version_id', 'size_bytes', 'received_at') AND OLD.version_id IS NOT NULL)
            OR (n.key IN ('file_name', 'key', 'options') AND NEW.deleted_at IS DISTINCT FROM now())
            OR (n.key = 'file_name' AND NEW.file_name <> '(deleted)')
            OR (n.key = 'key' AND NEW.key <> 'deleted/' || OLD.id)
            OR (n.key = 'options' AND NEW.options <> '{}'));
    IF changed IS NOT NULL OR move IS NULL THEN
        RAISE check_violation USING
            MESSAGE = 'upload ' || OLD.id || ' keeps its ' || coalesce(changed, 'state') || ' as it goes from '
                || OLD.state || ' to ' || NEW.state,
            TABLE = 'uploads', CONSTRAINT = 'what_no_move_changes_stays';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER what_no_move_changes_stays BEFORE UPDATE ON uploads
    FOR EACH ROW WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION no_decision_changes_more();

-- Ledgers. Chunks are planned with their batch, all at once, and hold its rows. From its first merge on, what the chunks
-- were reconciled to is fixed, and so is which shards there are.
CREATE FUNCTION plans_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT b.id INTO wrong
      FROM (SELECT DISTINCT batch_id FROM planned) p
      JOIN ingestion_batches b ON b.id = p.batch_id
     WHERE b.status <> 'pending' OR b.total_rows <> (SELECT sum(c.rows) FROM chunks c WHERE c.batch_id = b.id)
     LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE check_violation USING
            MESSAGE = 'the chunks of batch ' || wrong || ' are planned with it, and hold its rows',
            TABLE = 'chunks', CONSTRAINT = 'plans_add_up';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER plans_add_up AFTER INSERT ON chunks
    REFERENCING NEW TABLE AS planned
    FOR EACH STATEMENT WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION plans_add_up();

CREATE FUNCTION ledgers_stay() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    line   record;
    batch  record;
    wrong  boolean;
BEGIN
    line := CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
    SELECT status, shard_count, EXISTS (SELECT FROM shards WHERE batch_id = id AND merged_at IS NOT NULL) AS is_merging
      INTO batch
      FROM ingestion_batches WHERE id = line.batch_id;
    wrong := NOT is_at_work(batch.status);
    IF TG_TABLE_NAME = 'chunks' THEN
        wrong := wrong OR (batch.is_merging
            AND (OLD.inserted_rows, OLD.updated_rows, OLD.unchanged_rows, OLD.conflict_rows, OLD.conflicting_rows,
                 OLD.left_out_rows)
                IS DISTINCT FROM
                (NEW.inserted_rows, NEW.updated_rows, NEW.unchanged_rows, NEW.conflict_rows, NEW.conflicting_rows,
                 NEW.left_out_rows));
    ELSIF TG_OP = 'INSERT' THEN
        wrong := wrong OR batch.is_merging OR NEW.number NOT BETWEEN 0 AND batch.shard_count - 1;
    ELSIF TG_OP = 'UPDATE' THEN
        wrong := wrong OR OLD.merged_at IS NOT NULL OR NEW.merged_at IS DISTINCT FROM now();
    END IF;
    IF wrong THEN
        RAISE check_violation USING
            MESSAGE = TG_TABLE_NAME || ' of batch ' || line.batch_id || ' stay as they are',
            TABLE = TG_TABLE_NAME, CONSTRAINT = 'ledgers_stay';
    END IF;
    RETURN line;
END $$;
CREATE TRIGGER ledgers_stay BEFORE UPDATE ON chunks
    FOR EACH ROW WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION ledgers_stay();
CREATE TRIGGER ledgers_stay BEFORE INSERT OR UPDATE OR DELETE ON shards
    FOR EACH ROW WHEN (NOT owns_schema(CURRENT_USER)) EXECUTE FUNCTION ledgers_stay();

-- Otherwise one statement could delete an upload and add it again from somebody else. Only one without an object may go.
CREATE FUNCTION what_has_arrived_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'upload ' || OLD.id || ' stays: its file has arrived',
        TABLE = 'uploads', CONSTRAINT = 'what_has_arrived_stays';
END $$;
CREATE TRIGGER what_has_arrived_stays BEFORE DELETE ON uploads
    FOR EACH ROW WHEN (OLD.state <> 'waiting' OR OLD.version_id IS NOT NULL)
    EXECUTE FUNCTION what_has_arrived_stays();

-- The uploader is set once; it may be removed, but never set again.
CREATE FUNCTION uploader_is_set_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' already says who uploaded it',
        TABLE = TG_TABLE_NAME, CONSTRAINT = 'uploader_is_set_once';
END $$;
CREATE TRIGGER uploader_is_set_once BEFORE UPDATE OF imported_by, claimed_by ON ingestion_batches
    FOR EACH ROW WHEN (NEW.imported_by <> coalesce(OLD.imported_by, '') OR NEW.claimed_by <> coalesce(OLD.claimed_by, ''))
    EXECUTE FUNCTION uploader_is_set_once();
-- The principal of a presigned upload is known only once it has arrived.
CREATE TRIGGER uploader_is_set_once
    BEFORE UPDATE OF uploaded_by, uploader_kind, uploader_issuer, uploader_subject, principal, claimed_by ON uploads
    FOR EACH ROW WHEN (NEW.uploaded_by <> coalesce(OLD.uploaded_by, '')
                       OR NEW.uploader_kind <> coalesce(OLD.uploader_kind, '')
                       OR NEW.uploader_issuer <> coalesce(OLD.uploader_issuer, '')
                       OR NEW.uploader_subject <> coalesce(OLD.uploader_subject, '')
                       OR NEW.claimed_by <> coalesce(OLD.claimed_by, '')
                       OR NEW.principal <> coalesce(OLD.principal, CASE WHEN OLD.version_id IS NULL THEN NEW.principal END, ''))
    EXECUTE FUNCTION uploader_is_set_once();

-- The audit trail

CREATE TABLE audit_logs (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at             timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor          text NOT NULL,
    actor_kind     text COLLATE "C",
    actor_issuer   text,
    actor_subject  text,
    action         text COLLATE "C" NOT NULL,
    resource_type  text COLLATE "C" NOT NULL,
    resource_id    uuid NOT NULL,
    batch_id       uuid,
    details        jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT known_action CHECK (action IN (
        'upload_received', 'upload_refused', 'import_started', 'import_completed', 'import_failed', 'import_forced',
        'error_file_created', 'error_file_downloaded', 'error_file_deleted', 'batch_archived', 'import_committed',
        'import_undone', 'import_retried', 'import_corrected', 'import_cancelled', 'rejected_rows_shown',
        'original_row_shown', 'upload_deleted', 'mapping_saved', 'person_looked_up', 'person_exported', 'person_erased',
        'suppression_lifted', 'hold_placed', 'hold_released', 'batch_verified', 'plan_deleted')),
    CONSTRAINT known_resource CHECK (resource_type IN ('upload', 'batch', 'person')),
    CONSTRAINT known_actor_kind CHECK (actor_kind IN ('person', 'program', 'aws', 'system', 'local')),
    CONSTRAINT people_and_programs_have_a_subject
        CHECK (actor_kind NOT IN ('person', 'program') OR actor_subject IS NOT NULL),
    CONSTRAINT only_the_system_is_the_system
        CHECK (actor_kind <> 'system' OR (actor = 'kintell-ingest' AND actor_subject IS NULL))
);
COMMENT ON TABLE audit_logs IS 'Who did what to which resource, and when; rows are added and never changed';
COMMENT ON COLUMN audit_logs.actor IS 'A name; the address of a person only if the issuer has verified it';
COMMENT ON COLUMN audit_logs.batch_id IS
    'The batch that it concerns, if any; not a foreign key, so that no entry ever fails for want of a batch';
CREATE INDEX audit_of_batch ON audit_logs (batch_id, id);
CREATE INDEX audit_of_resource ON audit_logs (resource_id, id);
CREATE INDEX audit_of_actor ON audit_logs (actor, id);
CREATE INDEX audit_of_subject ON audit_logs (actor_subject, id) WHERE actor_subject IS NOT NULL;

CREATE FUNCTION refuse_to_change_the_audit_trail() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'the audit trail is append-only';
END $$;
CREATE TRIGGER audit_rows_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_trail();

-- Sign-in

CREATE TABLE revoked_cookies (
    id          uuid PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);
COMMENT ON TABLE revoked_cookies IS 'Session cookies whose holders have signed out, until they would have expired anyway';
CREATE INDEX revoked_cookies_by_end ON revoked_cookies (expires_at);

-- Whoever could delete it would let a stolen cookie in again.
CREATE FUNCTION what_is_revoked_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'cookie ' || OLD.id || ' stays revoked: it has not expired',
        TABLE = 'revoked_cookies', CONSTRAINT = 'what_is_revoked_stays';
END $$;
CREATE TRIGGER what_is_revoked_stays BEFORE DELETE ON revoked_cookies
    FOR EACH ROW WHEN (OLD.expires_at >= now()) EXECUTE FUNCTION what_is_revoked_stays();

-- Requests

CREATE TABLE idempotency_keys (
    caller      text COLLATE "C" NOT NULL,
    route       text COLLATE "C" NOT NULL,
    key         text COLLATE "C" NOT NULL,
    body_hash   text COLLATE "C" NOT NULL,
    claimed_at  timestamptz NOT NULL DEFAULT now(),
    status      smallint,
    answer      text,
    PRIMARY KEY (caller, route, key),
    CONSTRAINT caller_is_a_hash CHECK (caller ~ '^[0-9a-f]{64}$'),
    CONSTRAINT body_is_a_hash CHECK (body_hash ~ '^[0-9a-f]{64}$'),
    CONSTRAINT answered_whole CHECK ((status IS NULL) = (answer IS NULL))
);
COMMENT ON TABLE idempotency_keys IS 'Requests that their callers may repeat, and how they were answered, for 24 hours';
COMMENT ON COLUMN idempotency_keys.status IS 'Null while the request is being answered';
CREATE INDEX idempotency_keys_by_time ON idempotency_keys (claimed_at);

-- Outbox

CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    about       uuid NOT NULL,
    message     jsonb NOT NULL,
    due_at      timestamptz NOT NULL,
    written_at  timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE outbox IS 'Imports to start and events to send, until Dispatch, outside the network, has done so';
COMMENT ON COLUMN outbox.about IS 'The upload or batch that the message is about';
COMMENT ON COLUMN outbox.due_at IS 'When Dispatch may claim the message; until then it is in transit';

-- Which rejected rows are open. Views have the rights of the reader, not of their owner.

CREATE VIEW corrected_rows WITH (security_invoker = true) AS
SELECT r.first_batch_id AS batch_id, r.first_row AS row_number, r.batch_id AS corrected_by
  FROM returned_rows r
  JOIN ingestion_batches b ON b.id = r.batch_id
 WHERE NOT r.is_rejected AND NOT b.dry_run AND b.status IN ('completed', 'archived');
COMMENT ON VIEW corrected_rows IS 'Rejected rows that a later batch has imported; a row may stand there twice';

CREATE VIEW retryable WITH (security_invoker = true) AS
SELECT b.id AS batch_id, b.program_type, r.chunk, x.row_number, x.key, x.people
  FROM retryable_rows r
  JOIN ingestion_batches b ON b.id = r.batch_id
 CROSS JOIN LATERAL unnest(r.row_numbers, r.keys, r.people) AS x (row_number, key, people)
  LEFT JOIN returned_rows o ON o.batch_id = b.id AND o.row_number = x.row_number
 WHERE NOT b.dry_run AND b.status IN ('completed', 'failed')
   -- Of a batch over its limit, the good rows are missing too: the whole file is to be imported again.
   AND b.failure_code IS DISTINCT FROM 'too_many_errors'
   AND b.error_file_key IS NOT NULL AND b.error_file_deleted_at IS NULL
   -- A row that came back as it was handed out is retried where it was first rejected.
   AND o.is_mended IS NOT FALSE
   AND NOT EXISTS (SELECT FROM corrected_rows c
                    WHERE c.batch_id = coalesce(o.first_batch_id, b.id)
                      AND c.row_number = coalesce(o.first_row, x.row_number))
   -- Of what somebody has mended since, the mended row counts.
   AND NOT EXISTS (SELECT FROM returned_rows m
                     JOIN ingestion_batches l ON l.id = m.batch_id
                    WHERE m.first_batch_id = coalesce(o.first_batch_id, b.id)
                      AND m.first_row = coalesce(o.first_row, x.row_number)
                      AND m.is_mended AND NOT l.dry_run AND l.number > b.number AND l.status IN ('completed', 'failed'));
COMMENT ON VIEW retryable IS 'Open rows whose only faults may have gone by themselves';

-- A batch as the API, its lists and the pages show it.

CREATE VIEW batch_view WITH (security_invoker = true) AS
SELECT b.id, b.upload_id, b.file_name, b.file_hash, b.file_size_bytes, b.program_type, b.program_instance_id,
       coalesce(i.slug, b.csv_metadata->>'plannedInstance') AS program_instance, b.status, b.dry_run, b.total_rows,
       b.success_rows, b.error_rows, b.skipped_rows,
       b.unchanged_rows, b.unpublished_rows, b.inserted_rows, b.updated_rows, b.content_hash,
       -- While the batch runs, the rows of the chunks read so far.
       CASE WHEN b.status NOT IN ('pending', 'running') THEN b.total_rows
            ELSE (SELECT CAST(coalesce(sum(c.rows), 0) AS bigint)
                    FROM chunks c
                   WHERE c.batch_id = b.id AND c.state <> 'planned')
             END AS processed_rows,
       -- Whether the batch counts in totals.
       NOT b.dry_run AND b.status NOT IN ('pending', 'running', 'undoing', 'undone') AS counts,
       b.error_summary, coalesce(b.csv_metadata->'warnings', '[]') AS warnings, b.failure_code, b.failure_reason,
       b.imported_by, b.parent_batch_id, b.created_at, b.started_at, b.completed_at,
       b.plan_hash, b.planned_by_batch_id,
       (SELECT c.id
          FROM ingestion_batches c
         WHERE b.dry_run AND c.planned_by_batch_id = b.id
           AND c.status IN ('pending', 'running', 'completed', 'archived', 'undoing')) AS committed_batch_id,
       b.undone_at, b.error_file_key IS NOT NULL AND b.error_file_deleted_at IS NULL AS has_error_file,
       -- A row that was rejected before is open where it was first rejected.
       CASE WHEN b.error_rows = 0 THEN 0
            ELSE greatest(0, b.error_rows
                 - (SELECT count(*) FROM returned_rows r WHERE r.batch_id = b.id AND r.is_rejected)
                 - (SELECT count(DISTINCT c.row_number) FROM corrected_rows c WHERE c.batch_id = b.id))
             END AS open_rows,
       CASE WHEN b.error_rows = 0 THEN 0
            ELSE (SELECT count(DISTINCT c.row_number) FROM corrected_rows c WHERE c.batch_id = b.id)
                 + (SELECT count(*)
                      FROM returned_rows r
                     WHERE r.batch_id = b.id AND r.is_rejected
                       AND EXISTS (SELECT FROM corrected_rows c
                                    WHERE c.batch_id = r.first_batch_id AND c.row_number = r.first_row))
             END AS corrected_rows,
       CASE WHEN b.error_rows = 0 THEN 0
            ELSE (SELECT count(*) FROM retryable t WHERE t.batch_id = b.id) END AS retryable_rows,
       b.retries_batch_id
  FROM ingestion_batches b
  LEFT JOIN program_instances i ON i.id = b.program_instance_id;

COMMENT ON VIEW batch_view IS 'A batch as the API, its lists and the pages show it';

-- Staging: each batch gets unlogged tables of its own in these shapes, dropped when it is finalized: see
-- publishing/staging.py. A row that the sessions would refuse is refused here, where its place in the file is known.

CREATE SCHEMA staging;
COMMENT ON SCHEMA staging IS 'Tables of running batches, the shapes that they are made in, and the plans of dry runs';

CREATE TABLE staging.session_rows (
    chunk                integer NOT NULL,
    shard                integer NOT NULL,
    row_number           integer NOT NULL,
    line                 integer NOT NULL,
    external_session_id  text COLLATE "C" NOT NULL,
    participant_id       bigint,
    volunteer_id         bigint,
    participant_email    text COLLATE "C",
    volunteer_email      text COLLATE "C",
    scheduled_at         timestamptz NOT NULL,
    completed_at         timestamptz,
    duration_minutes     smallint,
    rating_given         numeric,
    feedback_text        text,
    focus_area           text,
    language_level       text COLLATE "C",
    topics               text[],
    metadata             jsonb,
    CONSTRAINT session_id_length CHECK (length(external_session_id) BETWEEN 1 AND 255),
    CONSTRAINT completed_after_scheduled CHECK (
        completed_at >= scheduled_at
        OR (completed_at > scheduled_at - interval '52 hours' AND extract(epoch FROM completed_at) % 900 = 0)),
    CONSTRAINT duration_in_range CHECK (duration_minutes BETWEEN 1 AND 480),
    CONSTRAINT rating_in_range CHECK (rating_given BETWEEN 0 AND 5),
    CONSTRAINT cefr_level CHECK (language_level IN ('A1', 'A2', 'B1', 'B2', 'C1', 'C2'))
);
COMMENT ON TABLE staging.session_rows IS 'The shape of the staged rows of a session file; always empty';
COMMENT ON COLUMN staging.session_rows.participant_email IS 'Set only for people who must be created';
COMMENT ON COLUMN staging.session_rows.rating_given IS 'As in the file, since only the whole file shows its scale';

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
COMMENT ON TABLE staging.person_rows IS 'The shape of the staged rows of a roster; always empty';

-- Reporting: plain views for BI tools. See docs/decisions/0019-reporting-views.md.

CREATE SCHEMA reporting;
COMMENT ON SCHEMA reporting IS 'Views for BI tools, to which nobody is given a right: see docs/decisions/0019-reporting-views.md';

CREATE VIEW reporting.program_instances AS
SELECT i.id AS instance_id, i.slug, i.name, i.program_type, i.starts_on, i.ends_on, i.owner
  FROM program_instances i;
COMMENT ON VIEW reporting.program_instances IS 'One row for each run of a programme';

CREATE VIEW reporting.batches AS
SELECT b.id AS batch_id, b.upload_id, b.program_type, i.slug AS instance_slug, b.parent_batch_id, b.file_hash, b.status,
       b.dry_run, b.total_rows, b.inserted_rows, b.updated_rows, b.unchanged_rows, b.unpublished_rows, b.error_rows,
       b.failure_code, b.created_at, b.started_at, b.completed_at, b.archived_at
  FROM ingestion_batches b
  LEFT JOIN program_instances i ON i.id = b.program_instance_id;
COMMENT ON VIEW reporting.batches IS 'One row for each attempt to import a file; dry runs, failed and undone batches publish nothing';
COMMENT ON COLUMN reporting.batches.unpublished_rows IS
    'Valid rows that were not published: of a batch that failed, or left out of a commit';

CREATE VIEW reporting.files AS
SELECT u.id AS upload_id, b.id AS batch_id, u.state, u.refusal_code, u.size_bytes, u.sha256, u.created_at, u.received_at,
       u.decided_at, u.deleted_at
  FROM uploads u
  LEFT JOIN ingestion_batches b
         ON b.upload_id = u.id AND b.retries_batch_id IS NULL AND b.planned_by_batch_id IS NULL;
COMMENT ON VIEW reporting.files IS
    'One row for each file that arrived or was announced; without its name, which may be the name of a person';

CREATE VIEW reporting.people AS
SELECT u.id AS person_id, u.role, u.verification_status, u.joined_at
  FROM users u;
COMMENT ON VIEW reporting.people IS 'One row for each participant or volunteer, without name and address';

CREATE VIEW reporting.sessions AS
SELECT s.id AS session_id, s.program_type, i.slug AS instance_slug, s.external_session_id, s.participant_id, s.volunteer_id,
       s.scheduled_at, s.completed_at, s.duration_minutes, s.rating, s.focus_area, s.language_level, s.topics,
       s.version, s.batch_id, s.row_number, s.line
  FROM kintell_sessions s
  JOIN program_instances i ON i.id = s.program_instance_id;
COMMENT ON VIEW reporting.sessions IS
    'One row for each session as it is now, with the batch, row and line that gave its content; without feedback and metadata, '
    'which may hold anything';
COMMENT ON COLUMN reporting.sessions.rating IS 'From 0 to 1, whatever the scale of the file';

CREATE VIEW reporting.person_addresses AS
SELECT u.id AS person_id, u.email, u.name
  FROM users u;
COMMENT ON VIEW reporting.person_addresses IS
    'The addresses and names of reporting.people, for those to whom this view is granted by name';
