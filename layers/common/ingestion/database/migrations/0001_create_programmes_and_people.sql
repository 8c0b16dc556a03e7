-- Programmes, their instances, and the people that sessions are between.

CREATE TABLE programmes (
    program_type   text COLLATE "C" PRIMARY KEY,
    -- Two batches of one programme never merge at the same time: the one named here may.
    merging_batch  uuid,
    merging_since  timestamptz
);
COMMENT ON TABLE programmes IS 'One row per registered programme; also the right to merge into it';

CREATE TABLE program_instances (
    id            integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    program_type  text COLLATE "C" NOT NULL REFERENCES programmes,
    slug          text COLLATE "C" NOT NULL UNIQUE,
    name          text NOT NULL,
    starts_on     date,
    ends_on       date,
    owner         text,
    created_at    timestamptz NOT NULL DEFAULT now(),
    CHECK (starts_on <= ends_on)
);
CREATE INDEX program_instances_of_programme ON program_instances (program_type, starts_on);

CREATE TABLE users (
    id                   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email                text COLLATE "C" NOT NULL UNIQUE CHECK (length(email) BETWEEN 3 AND 255),
    name                 text,
    role                 text COLLATE "C" NOT NULL CHECK (role IN ('participant', 'volunteer')),
    linkedin_url         text,
    verification_status  text,
    grant_access         text,
    joined_at            timestamptz,
    -- The row that gave this content; null for people who came from elsewhere.
    batch_id             uuid,
    row_number           integer,
    line                 integer,
    version              integer NOT NULL DEFAULT 1
);
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
    batch_id             uuid,
    row_number           integer,
    line                 integer,
    replaced_by_batch    uuid NOT NULL,
    replaced_by_row      integer NOT NULL,
    replaced_at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, version)
);
CREATE INDEX user_versions_of_batch ON user_versions (batch_id, row_number);
CREATE INDEX user_versions_replaced_by ON user_versions (replaced_by_batch);
