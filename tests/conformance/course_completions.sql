-- What `course_completions.py` declares: its records, their earlier versions, and the shape of their staging.

CREATE TABLE course_completions (
    id                   bigint PRIMARY KEY,
    learner_id           bigint NOT NULL REFERENCES users,
    batch_id             uuid NOT NULL REFERENCES ingestion_batches,
    row_number           integer NOT NULL,
    line                 integer NOT NULL,
    version              integer NOT NULL,
    program_instance_id  integer NOT NULL REFERENCES program_instances,
    program_type         text COLLATE "C" NOT NULL,
    credential           text COLLATE "C" NOT NULL,
    course               text NOT NULL,
    completed_at         timestamptz NOT NULL,
    score                smallint,
    UNIQUE (credential, program_type)
);

CREATE TABLE course_completion_versions (
    completion_id        bigint NOT NULL REFERENCES course_completions ON DELETE CASCADE,
    version              integer NOT NULL,
    program_instance_id  integer NOT NULL,
    course               text NOT NULL,
    completed_at         timestamptz NOT NULL,
    score                smallint,
    batch_id             uuid NOT NULL,
    row_number           integer NOT NULL,
    line                 integer NOT NULL,
    replaced_by_batch    uuid NOT NULL,
    replaced_by_row      integer NOT NULL,
    replaced_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (completion_id, version)
);

CREATE TABLE staging.course_completion_rows (
    chunk          integer NOT NULL,
    shard          integer NOT NULL,
    row_number     integer NOT NULL,
    line           integer NOT NULL,
    credential     text COLLATE "C" NOT NULL,
    learner_id     bigint,
    learner_email  text COLLATE "C",
    course         text NOT NULL,
    completed_at   timestamptz NOT NULL,
    score          smallint
);
