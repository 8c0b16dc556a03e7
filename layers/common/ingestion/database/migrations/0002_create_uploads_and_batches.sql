-- What arrived (uploads), each attempt to import it (batches), and the ledgers of that attempt (chunks, shards).

CREATE TABLE uploads (
    id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    state             text COLLATE "C" NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'accepted', 'refused')),
    bucket            text NOT NULL,
    key               text NOT NULL,
    -- Null until S3 says that the object of a presigned upload has arrived.
    version_id        text,
    file_name         text NOT NULL,
    size_bytes        bigint,
    sha256            text COLLATE "C" CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    -- Who S3 or the API says it was, and who the uploader claims to be.
    uploaded_by       text,
    claimed_by        text,
    options           jsonb NOT NULL DEFAULT '{}',
    refusal_code      text COLLATE "C",
    refusal_message   text,
    refusal_batch_id  uuid,
    created_at        timestamptz NOT NULL DEFAULT now(),
    received_at       timestamptz,
    decided_at        timestamptz,
    CHECK ((state = 'refused') = (refusal_code IS NOT NULL)),
    CHECK (state = 'waiting' OR version_id IS NOT NULL)
);
-- S3 may deliver an event twice: one object version is one upload.
CREATE UNIQUE INDEX one_upload_per_object_version ON uploads (bucket, key, version_id);
CREATE INDEX uploads_newest_first ON uploads (created_at DESC, id DESC);
CREATE INDEX uploads_by_state ON uploads (state, created_at DESC, id DESC);
CREATE INDEX uploads_by_hash ON uploads (sha256);

CREATE TABLE ingestion_batches (
    id                     uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- One object version gives at most one batch.
    upload_id              uuid NOT NULL UNIQUE REFERENCES uploads,
    program_type           text COLLATE "C" NOT NULL REFERENCES programmes,
    program_instance_id    integer REFERENCES program_instances,
    parent_batch_id        uuid REFERENCES ingestion_batches,
    file_name              text NOT NULL,
    file_hash              text COLLATE "C" NOT NULL CHECK (file_hash ~ '^[0-9a-f]{64}$'),
    file_size_bytes        bigint NOT NULL,
    status                 text COLLATE "C" NOT NULL DEFAULT 'pending'
                           CHECK (status IN ('pending', 'running', 'completed', 'failed', 'archived')),
    imported_by            text,
    claimed_by             text,
    forced                 boolean NOT NULL DEFAULT false,
    force_reason           text,
    dry_run                boolean NOT NULL DEFAULT false,
    max_error_percent      numeric CHECK (max_error_percent BETWEEN 0 AND 100),
    -- How its bytes are read: see formats.FileFormat. work_key names the unpacked copy of a file that can't be cut by its bytes.
    format                 jsonb NOT NULL,
    work_key               text,
    csv_metadata           jsonb NOT NULL,
    rating_scale           text COLLATE "C",
    -- The execution that works on it, or worked on it last; an older one may not end it.
    execution              text,
    shard_count            integer NOT NULL DEFAULT 1 CHECK (shard_count >= 1),
    total_rows             bigint NOT NULL,
    inserted_rows          bigint NOT NULL DEFAULT 0,
    updated_rows           bigint NOT NULL DEFAULT 0,
    skipped_rows           bigint NOT NULL DEFAULT 0,
    error_rows             bigint NOT NULL DEFAULT 0,
    success_rows           bigint GENERATED ALWAYS AS (inserted_rows + updated_rows) STORED,
    error_summary          jsonb NOT NULL DEFAULT '[]',
    failure_reason         text,
    error_file_key         text,
    error_file_deleted_at  timestamptz,
    created_at             timestamptz NOT NULL DEFAULT now(),
    started_at             timestamptz,
    reconciled_at             timestamptz,
    completed_at           timestamptz,
    archived_at            timestamptz,
    updated_at             timestamptz NOT NULL DEFAULT now(),
    CHECK (NOT forced OR length(trim(force_reason)) > 0),
    CHECK ((status = 'failed') = (failure_reason IS NOT NULL)),
    CHECK ((status IN ('completed', 'failed', 'archived')) = (completed_at IS NOT NULL)),
    CONSTRAINT every_row_is_counted CHECK (
        status IN ('pending', 'running')
        OR total_rows = inserted_rows + updated_rows + skipped_rows + error_rows
    )
);
-- One live batch per file and programme: the answer to two uploads of the same bytes at the same moment.
CREATE UNIQUE INDEX one_live_batch_per_file ON ingestion_batches (file_hash, program_type)
    WHERE status IN ('pending', 'running', 'completed', 'archived') AND NOT forced AND NOT dry_run;
CREATE INDEX batches_by_hash ON ingestion_batches (file_hash, program_type);
CREATE INDEX batches_newest_first ON ingestion_batches (created_at DESC, id DESC);
CREATE INDEX batches_by_status ON ingestion_batches (status, created_at DESC, id DESC);
CREATE INDEX batches_of_programme ON ingestion_batches (program_type, created_at DESC, id DESC);
CREATE INDEX batches_of_instance ON ingestion_batches (program_instance_id, created_at DESC, id DESC);
CREATE INDEX batches_of_parent ON ingestion_batches (parent_batch_id) WHERE parent_batch_id IS NOT NULL;
CREATE INDEX batches_of_importer ON ingestion_batches (imported_by, created_at DESC);
-- What the daily clean-up looks for.
CREATE INDEX batches_with_error_file ON ingestion_batches (completed_at)
    WHERE error_file_key IS NOT NULL AND error_file_deleted_at IS NULL;
CREATE INDEX batches_to_archive ON ingestion_batches (completed_at) WHERE status = 'completed';
CREATE INDEX batches_at_work ON ingestion_batches (updated_at) WHERE status IN ('pending', 'running');

CREATE TABLE chunks (
    batch_id        uuid NOT NULL REFERENCES ingestion_batches,
    number          integer NOT NULL,
    -- Where it is in the file: see formats.ChunkSpan.
    span            jsonb NOT NULL,
    first_row       bigint NOT NULL,
    rows            bigint NOT NULL,
    state           text COLLATE "C" NOT NULL DEFAULT 'planned' CHECK (state IN ('planned', 'staged', 'reconciled')),
    -- The file's rating scale if the chunk was read knowing it, and what its own ratings say of it.
    rating_scale    text COLLATE "C",
    rating_facts    jsonb NOT NULL DEFAULT '{}',
    staged_rows     bigint NOT NULL DEFAULT 0,
    rejected_rows   bigint NOT NULL DEFAULT 0,
    fault_counts    jsonb NOT NULL DEFAULT '[]',
    -- What only the whole file could say of the staged rows.
    inserted_rows   bigint NOT NULL DEFAULT 0,
    updated_rows    bigint NOT NULL DEFAULT 0,
    unchanged_rows  bigint NOT NULL DEFAULT 0,
    conflict_rows      bigint NOT NULL DEFAULT 0,
    -- Which rows these are: here and not in the staging, which a crash of the database empties before they are explained.
    taken           integer[] NOT NULL DEFAULT '{}',
    staged_at       timestamptz,
    PRIMARY KEY (batch_id, number),
    CONSTRAINT every_staged_row_is_counted CHECK (state = 'planned' OR rows = staged_rows + rejected_rows),
    CONSTRAINT every_reconciled_row_is_counted CHECK (
        state <> 'reconciled' OR staged_rows = inserted_rows + updated_rows + unchanged_rows + conflict_rows
    ),
    CONSTRAINT every_conflict_is_named CHECK (conflict_rows = cardinality(taken))
);

CREATE TABLE shards (
    batch_id       uuid NOT NULL REFERENCES ingestion_batches,
    number         integer NOT NULL,
    inserted_rows  bigint NOT NULL,
    updated_rows   bigint NOT NULL,
    merged_at      timestamptz,
    PRIMARY KEY (batch_id, number)
);
