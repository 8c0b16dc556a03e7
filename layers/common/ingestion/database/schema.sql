-- What the migrations make, for reading. Written by tests/db/schema_sql.py, never by hand; a test compares it.

CREATE SCHEMA reporting;
COMMENT ON SCHEMA reporting IS 'Views for BI tools, to which nobody is given a right: see docs/decisions/0019-reporting-views.md';

CREATE SCHEMA staging;
COMMENT ON SCHEMA staging IS 'Tables of running batches, the shapes that they are made in, and the plans of dry runs';

CREATE TABLE public.audit_logs (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    actor text NOT NULL,
    actor_kind text COLLATE pg_catalog."C",
    actor_issuer text,
    actor_subject text,
    action text NOT NULL COLLATE pg_catalog."C",
    resource_type text NOT NULL COLLATE pg_catalog."C",
    resource_id uuid NOT NULL,
    batch_id uuid,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT known_action CHECK ((action = ANY (ARRAY['upload_received'::text, 'upload_refused'::text, 'import_started'::text, 'import_completed'::text, 'import_failed'::text, 'import_forced'::text, 'error_file_created'::text, 'error_file_downloaded'::text, 'error_file_deleted'::text, 'batch_archived'::text, 'import_committed'::text, 'import_undone'::text, 'import_retried'::text, 'import_corrected'::text, 'import_cancelled'::text, 'rejected_rows_shown'::text, 'original_row_shown'::text, 'upload_deleted'::text, 'mapping_saved'::text, 'person_looked_up'::text, 'person_exported'::text, 'person_erased'::text, 'suppression_lifted'::text, 'hold_placed'::text, 'hold_released'::text, 'batch_verified'::text, 'plan_deleted'::text]))),
    CONSTRAINT known_actor_kind CHECK ((actor_kind = ANY (ARRAY['person'::text, 'program'::text, 'aws'::text, 'system'::text, 'local'::text]))),
    CONSTRAINT known_resource CHECK ((resource_type = ANY (ARRAY['upload'::text, 'batch'::text, 'person'::text]))),
    CONSTRAINT only_the_system_is_the_system CHECK (((actor_kind <> 'system'::text) OR ((actor = 'kintell-ingest'::text) AND (actor_subject IS NULL)))),
    CONSTRAINT people_and_programs_have_a_subject CHECK (((actor_kind <> ALL (ARRAY['person'::text, 'program'::text])) OR (actor_subject IS NOT NULL)))
);
COMMENT ON TABLE public.audit_logs IS 'Who did what to which resource, and when; rows are added and never changed';
COMMENT ON COLUMN public.audit_logs.actor IS 'A name; the address of a person only if the issuer has verified it';
COMMENT ON COLUMN public.audit_logs.batch_id IS 'The batch that it concerns, if any; not a foreign key, so that no entry ever fails for want of a batch';
ALTER TABLE public.audit_logs ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_logs_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.audit_logs
    ADD CONSTRAINT audit_logs_pkey PRIMARY KEY (id);
CREATE INDEX audit_of_actor ON public.audit_logs USING btree (actor, id);
CREATE INDEX audit_of_batch ON public.audit_logs USING btree (batch_id, id);
CREATE INDEX audit_of_resource ON public.audit_logs USING btree (resource_id, id);
CREATE INDEX audit_of_subject ON public.audit_logs USING btree (actor_subject, id) WHERE (actor_subject IS NOT NULL);
CREATE TRIGGER audit_rows_stay BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_logs FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_to_change_the_audit_trail();

CREATE TABLE public.batch_overlaps (
    batch_id uuid NOT NULL,
    earlier_batch_id uuid NOT NULL,
    same_rows bigint NOT NULL,
    changed_rows bigint NOT NULL,
    changed_fields jsonb DEFAULT '{}'::jsonb NOT NULL
);
COMMENT ON TABLE public.batch_overlaps IS 'How many ids a batch has in common with earlier imports, counted when it was reconciled';
COMMENT ON COLUMN public.batch_overlaps.changed_fields IS 'How many rows differ in each field';
ALTER TABLE ONLY public.batch_overlaps
    ADD CONSTRAINT batch_overlaps_pkey PRIMARY KEY (batch_id, earlier_batch_id);
ALTER TABLE ONLY public.batch_overlaps
    ADD CONSTRAINT batch_overlaps_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);
ALTER TABLE ONLY public.batch_overlaps
    ADD CONSTRAINT batch_overlaps_earlier_batch_id_fkey FOREIGN KEY (earlier_batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.batch_people (
    person_id bigint NOT NULL,
    batch_id uuid NOT NULL
);
COMMENT ON TABLE public.batch_people IS 'The people of the sessions that a batch inserted. Triggers of kintell_sessions write it; merges that ran side by side each wrote their own rows, so a row may stand twice';
CREATE INDEX batches_of_person ON public.batch_people USING btree (person_id, batch_id);

CREATE TABLE public.chunks (
    batch_id uuid NOT NULL,
    number integer NOT NULL,
    span jsonb NOT NULL,
    first_row bigint NOT NULL,
    rows bigint NOT NULL,
    state text DEFAULT 'planned'::text NOT NULL COLLATE pg_catalog."C",
    rating_scale text COLLATE pg_catalog."C",
    rating_facts jsonb DEFAULT '{}'::jsonb NOT NULL,
    warnings jsonb DEFAULT '[]'::jsonb NOT NULL,
    staged_rows bigint DEFAULT 0 NOT NULL,
    rejected_rows bigint DEFAULT 0 NOT NULL,
    rejects_sum numeric DEFAULT 0 NOT NULL,
    fault_counts jsonb DEFAULT '[]'::jsonb NOT NULL,
    inserted_rows bigint DEFAULT 0 NOT NULL,
    updated_rows bigint DEFAULT 0 NOT NULL,
    unchanged_rows bigint DEFAULT 0 NOT NULL,
    conflict_rows bigint DEFAULT 0 NOT NULL,
    conflicting_rows integer[] DEFAULT '{}'::integer[] NOT NULL,
    left_out_rows integer[] DEFAULT '{}'::integer[] NOT NULL,
    staged_at timestamp with time zone,
    CONSTRAINT chunk_state CHECK ((state = ANY (ARRAY['planned'::text, 'staged'::text, 'reconciled'::text]))),
    CONSTRAINT every_conflict_is_named CHECK ((conflict_rows = cardinality(conflicting_rows))),
    CONSTRAINT every_reconciled_row_is_counted CHECK (((state <> 'reconciled'::text) OR (staged_rows = ((((inserted_rows + updated_rows) + unchanged_rows) + conflict_rows) + cardinality(left_out_rows))))),
    CONSTRAINT every_staged_row_is_counted CHECK (((state = 'planned'::text) OR (rows = (staged_rows + rejected_rows))))
);
COMMENT ON TABLE public.chunks IS 'The ledger of a batch by runs of whole rows: what staging and reconciling counted';
COMMENT ON COLUMN public.chunks.span IS 'Where the chunk is in the file: see csv_file/formats.py, ChunkSpan';
COMMENT ON COLUMN public.chunks.rating_scale IS 'The rating scale of the file, if it was known when the chunk was read';
COMMENT ON COLUMN public.chunks.rating_facts IS 'What the ratings of this chunk say about the scale';
COMMENT ON COLUMN public.chunks.warnings IS 'The warnings about its rows, by code and count';
COMMENT ON COLUMN public.chunks.rejects_sum IS 'The sum of the hashes of its rejected rows: see rows/content_hashes.py';
COMMENT ON COLUMN public.chunks.conflicting_rows IS 'The numbers of its conflicting rows; staging may be gone after a crash before they are annotated';
COMMENT ON COLUMN public.chunks.left_out_rows IS 'The numbers of the rows that a commit left out, since they had changed';
ALTER TABLE ONLY public.chunks
    ADD CONSTRAINT chunks_pkey PRIMARY KEY (batch_id, number);
CREATE TRIGGER ledgers_stay BEFORE UPDATE ON public.chunks FOR EACH ROW WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.ledgers_stay();
CREATE TRIGGER plans_add_up AFTER INSERT ON public.chunks REFERENCING NEW TABLE AS planned FOR EACH STATEMENT WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.plans_add_up();
ALTER TABLE ONLY public.chunks
    ADD CONSTRAINT chunks_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.idempotency_keys (
    caller text NOT NULL COLLATE pg_catalog."C",
    route text NOT NULL COLLATE pg_catalog."C",
    key text NOT NULL COLLATE pg_catalog."C",
    body_hash text NOT NULL COLLATE pg_catalog."C",
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    status smallint,
    answer text,
    CONSTRAINT answered_whole CHECK (((status IS NULL) = (answer IS NULL))),
    CONSTRAINT body_is_a_hash CHECK ((body_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT caller_is_a_hash CHECK ((caller ~ '^[0-9a-f]{64}$'::text))
);
COMMENT ON TABLE public.idempotency_keys IS 'Requests that their callers may repeat, and how they were answered, for 24 hours';
COMMENT ON COLUMN public.idempotency_keys.status IS 'Null while the request is being answered';
ALTER TABLE ONLY public.idempotency_keys
    ADD CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, route, key);
CREATE INDEX idempotency_keys_by_time ON public.idempotency_keys USING btree (claimed_at);

CREATE TABLE public.ingestion_batches (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    number integer NOT NULL,
    upload_id uuid NOT NULL,
    program_type text NOT NULL COLLATE pg_catalog."C",
    program_instance_id integer,
    parent_batch_id uuid,
    corrects_batch_id uuid,
    compares_rejects boolean DEFAULT false NOT NULL,
    retries_batch_id uuid,
    file_name text NOT NULL,
    file_hash text NOT NULL COLLATE pg_catalog."C",
    file_size_bytes bigint NOT NULL,
    status text DEFAULT 'pending'::text NOT NULL COLLATE pg_catalog."C",
    imported_by text,
    claimed_by text,
    forced boolean DEFAULT false NOT NULL,
    force_reason text,
    dry_run boolean DEFAULT false NOT NULL,
    max_error_percent numeric,
    date_order text COLLATE pg_catalog."C",
    time_zone text COLLATE pg_catalog."C",
    format jsonb NOT NULL,
    work_key text,
    csv_metadata jsonb NOT NULL,
    rating_scale text COLLATE pg_catalog."C",
    content_hash text COLLATE pg_catalog."C",
    distinct_ids bigint,
    execution text,
    shard_count integer DEFAULT 1 NOT NULL,
    total_rows bigint NOT NULL,
    inserted_rows bigint DEFAULT 0 NOT NULL,
    updated_rows bigint DEFAULT 0 NOT NULL,
    skipped_rows bigint DEFAULT 0 NOT NULL,
    unpublished_rows bigint DEFAULT 0 NOT NULL,
    error_rows bigint DEFAULT 0 NOT NULL,
    success_rows bigint GENERATED ALWAYS AS ((inserted_rows + updated_rows)) STORED,
    unchanged_rows bigint GENERATED ALWAYS AS ((skipped_rows - unpublished_rows)) STORED,
    error_summary jsonb DEFAULT '[]'::jsonb NOT NULL,
    failure_code text COLLATE pg_catalog."C",
    failure_reason text,
    error_file_key text,
    error_file_deleted_at timestamp with time zone,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    reconciled_at timestamp with time zone,
    cancelled_at timestamp with time zone,
    completed_at timestamp with time zone,
    archived_at timestamp with time zone,
    undone_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    checked_at timestamp with time zone,
    finding text COLLATE pg_catalog."C",
    plan_hash text COLLATE pg_catalog."C",
    planned_by_batch_id uuid,
    leaves_out_changed boolean DEFAULT false NOT NULL,
    CONSTRAINT at_least_one_shard CHECK ((shard_count >= 1)),
    CONSTRAINT batch_hash CHECK ((file_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT batch_status CHECK ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'failed'::text, 'archived'::text, 'undoing'::text, 'undone'::text]))),
    CONSTRAINT commits_publish CHECK (((planned_by_batch_id IS NULL) OR (NOT dry_run))),
    CONSTRAINT content_hash_form CHECK ((content_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT ended_batches_have_a_time CHECK (((status <> ALL (ARRAY['pending'::text, 'running'::text])) = (completed_at IS NOT NULL))),
    CONSTRAINT error_limit_in_percent CHECK (((max_error_percent >= (0)::numeric) AND (max_error_percent <= (100)::numeric))),
    CONSTRAINT every_row_is_counted CHECK (((status = ANY (ARRAY['pending'::text, 'running'::text])) OR (total_rows = (((inserted_rows + updated_rows) + skipped_rows) + error_rows)))),
    CONSTRAINT failed_batches_have_a_reason CHECK (((status = 'failed'::text) = (failure_reason IS NOT NULL))),
    CONSTRAINT forced_batches_have_a_reason CHECK (((NOT forced) OR (length(TRIM(BOTH FROM force_reason)) > 0))),
    CONSTRAINT known_date_order CHECK ((date_order = ANY (ARRAY['day-first'::text, 'month-first'::text]))),
    CONSTRAINT known_finding CHECK ((finding = ANY (ARRAY['ledger_differs'::text, 'sessions_differ'::text, 'still_published'::text]))),
    CONSTRAINT only_dry_runs_end_with_a_plan CHECK (((plan_hash IS NULL) OR dry_run)),
    CONSTRAINT plan_hash_form CHECK ((plan_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT undone_batches_have_a_time CHECK (
CASE status
    WHEN 'undone'::text THEN (undone_at IS NOT NULL)
    WHEN 'undoing'::text THEN true
    ELSE (undone_at IS NULL)
END),
    CONSTRAINT unpublished_rows_are_skipped CHECK (((unpublished_rows >= 0) AND (unpublished_rows <= skipped_rows)))
);
COMMENT ON TABLE public.ingestion_batches IS 'Attempts to import an upload; never deleted, so that the same file is refused';
COMMENT ON COLUMN public.ingestion_batches.number IS 'The upper part of the ids of the sessions that this batch inserts; below 2^23, so that these ids stay below 2^53';
COMMENT ON COLUMN public.ingestion_batches.corrects_batch_id IS 'The batch whose rejected rows it brings back; its parent too, unless it was uploaded for another programme';
COMMENT ON COLUMN public.ingestion_batches.compares_rejects IS 'Whether its rows are compared with the rejected rows of corrects_batch_id; it fails if these are gone by then';
COMMENT ON COLUMN public.ingestion_batches.retries_batch_id IS 'The batch of which it reads some rejected rows again, from the same object; its parent too';
COMMENT ON COLUMN public.ingestion_batches.date_order IS 'What the uploader declared; a corrected file has that of its parent';
COMMENT ON COLUMN public.ingestion_batches.format IS 'How to read the bytes: see csv_file/formats.py, FileFormat';
COMMENT ON COLUMN public.ingestion_batches.work_key IS 'The unpacked copy of a file that cannot be cut by its bytes';
COMMENT ON COLUMN public.ingestion_batches.content_hash IS 'Of its rows as they are understood, however the file is saved; null until the file is reconciled';
COMMENT ON COLUMN public.ingestion_batches.distinct_ids IS 'How many ids its valid rows have; null until the file is reconciled';
COMMENT ON COLUMN public.ingestion_batches.execution IS 'The execution that works on it, or worked on it last; an older one may not end it';
COMMENT ON COLUMN public.ingestion_batches.unpublished_rows IS 'Valid rows that were not published, of a batch that failed or of a commit that left them out; the other skipped_rows were unchanged';
COMMENT ON COLUMN public.ingestion_batches.failure_reason IS 'The sentence for people that goes with failure_code';
COMMENT ON COLUMN public.ingestion_batches.cancelled_at IS 'When somebody asked for it to be cancelled; whatever step is at work sees that and ends the batch as failed';
COMMENT ON COLUMN public.ingestion_batches.archived_at IS 'When it was archived; of a failed or undone batch, when its original was deleted';
COMMENT ON COLUMN public.ingestion_batches.undone_at IS 'When it was last undone; undoing it again takes what a later batch had kept';
COMMENT ON COLUMN public.ingestion_batches.checked_at IS 'When Monitor last compared its counts with the rows';
COMMENT ON COLUMN public.ingestion_batches.finding IS 'What Monitor found wrong; null once it finds the batch right again';
COMMENT ON COLUMN public.ingestion_batches.plan_hash IS 'Identifies the plan that a dry run ended with';
COMMENT ON COLUMN public.ingestion_batches.planned_by_batch_id IS 'The dry run whose plan it carries out';
COMMENT ON COLUMN public.ingestion_batches.leaves_out_changed IS 'Whether a commit leaves out the rows that have changed since they were planned; otherwise it fails if there are any';
ALTER TABLE public.ingestion_batches ALTER COLUMN number ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.ingestion_batches_number_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    MAXVALUE 8388607
    CACHE 1
);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT ingestion_batches_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT one_batch_per_number UNIQUE (number);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT one_programme_per_batch UNIQUE (id, program_type);
CREATE INDEX batches_at_work ON public.ingestion_batches USING btree (updated_at) WHERE (status = ANY (ARRAY['pending'::text, 'running'::text]));
CREATE INDEX batches_by_content ON public.ingestion_batches USING btree (content_hash, program_type) WHERE ((status = ANY (ARRAY['completed'::text, 'archived'::text])) AND (NOT dry_run));
CREATE INDEX batches_by_hash ON public.ingestion_batches USING btree (file_hash, program_type);
CREATE INDEX batches_by_status ON public.ingestion_batches USING btree (status, created_at DESC, id DESC);
CREATE INDEX batches_newest_first ON public.ingestion_batches USING btree (created_at DESC, id DESC);
CREATE INDEX batches_of_importer ON public.ingestion_batches USING btree (imported_by, created_at DESC);
CREATE INDEX batches_of_instance ON public.ingestion_batches USING btree (program_instance_id, created_at DESC, id DESC);
CREATE INDEX batches_of_parent ON public.ingestion_batches USING btree (parent_batch_id) WHERE (parent_batch_id IS NOT NULL);
CREATE INDEX batches_of_programme ON public.ingestion_batches USING btree (program_type, created_at DESC, id DESC);
CREATE INDEX batches_of_upload ON public.ingestion_batches USING btree (upload_id, created_at DESC);
CREATE INDEX batches_to_archive ON public.ingestion_batches USING btree (completed_at) WHERE (status = 'completed'::text);
CREATE INDEX batches_to_check ON public.ingestion_batches USING btree (checked_at NULLS FIRST, id) WHERE (status = ANY (ARRAY['completed'::text, 'failed'::text, 'archived'::text]));
CREATE INDEX batches_with_error_file ON public.ingestion_batches USING btree (completed_at) WHERE ((error_file_key IS NOT NULL) AND (error_file_deleted_at IS NULL));
CREATE INDEX batches_with_finding ON public.ingestion_batches USING btree (id) WHERE (finding IS NOT NULL);
CREATE INDEX failed_batches_to_delete ON public.ingestion_batches USING btree (completed_at) WHERE ((status = 'failed'::text) AND (archived_at IS NULL));
CREATE UNIQUE INDEX one_batch_per_upload ON public.ingestion_batches USING btree (upload_id) WHERE ((retries_batch_id IS NULL) AND (planned_by_batch_id IS NULL));
CREATE UNIQUE INDEX one_commit_per_plan ON public.ingestion_batches USING btree (planned_by_batch_id) WHERE ((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'archived'::text, 'undoing'::text])) AND (planned_by_batch_id IS NOT NULL));
CREATE UNIQUE INDEX one_live_batch_per_file ON public.ingestion_batches USING btree (file_hash, program_type) WHERE (((status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'archived'::text])) OR ((status = 'undoing'::text) AND (undone_at IS NULL))) AND (NOT forced) AND (NOT dry_run) AND (retries_batch_id IS NULL));
CREATE UNIQUE INDEX one_retry_at_a_time ON public.ingestion_batches USING btree (retries_batch_id) WHERE ((status = ANY (ARRAY['pending'::text, 'running'::text])) AND (retries_batch_id IS NOT NULL));
CREATE INDEX retries_newest_first ON public.ingestion_batches USING btree (created_at DESC, id DESC) WHERE (retries_batch_id IS NOT NULL);
CREATE INDEX retries_of_batch ON public.ingestion_batches USING btree (retries_batch_id) WHERE (retries_batch_id IS NOT NULL);
CREATE INDEX undone_batches_to_delete ON public.ingestion_batches USING btree (completed_at) WHERE ((status = 'undone'::text) AND (archived_at IS NULL));
CREATE TRIGGER batches_keep_their_id BEFORE UPDATE OF id, number ON public.ingestion_batches FOR EACH ROW EXECUTE FUNCTION public.keep_referenced_ids();
CREATE TRIGGER batches_of_sessions_stay AFTER TRUNCATE ON public.ingestion_batches FOR EACH STATEMENT EXECUTE FUNCTION public.keep_referenced_tables();
CREATE TRIGGER batches_with_sessions_stay AFTER DELETE ON public.ingestion_batches REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.keep_referenced_rows();
CREATE TRIGGER completed_batches_add_up BEFORE UPDATE OF status ON public.ingestion_batches FOR EACH ROW WHEN (((new.status = 'completed'::text) AND (old.status <> ALL (ARRAY['completed'::text, 'undoing'::text])))) EXECUTE FUNCTION public.completed_batches_add_up();
CREATE TRIGGER ended_batches_stay_ended BEFORE UPDATE OF status ON public.ingestion_batches FOR EACH ROW WHEN (((new.status = 'completed'::text) AND (old.status = ANY (ARRAY['failed'::text, 'archived'::text, 'undone'::text])))) EXECUTE FUNCTION public.ended_batches_stay_ended();
CREATE TRIGGER files_stay_deleted BEFORE UPDATE OF status, archived_at ON public.ingestion_batches FOR EACH ROW WHEN ((((old.status = 'archived'::text) AND (new.status <> 'archived'::text)) OR ((old.archived_at IS NOT NULL) AND ((new.status <> old.status) OR (new.archived_at IS DISTINCT FROM old.archived_at))))) EXECUTE FUNCTION public.files_stay_deleted();
CREATE TRIGGER read_committed_only BEFORE DELETE OR UPDATE OF id, number, status ON public.ingestion_batches FOR EACH STATEMENT WHEN ((current_setting('transaction_isolation'::text) <> ALL (ARRAY['read committed'::text, 'read uncommitted'::text]))) EXECUTE FUNCTION public.require_read_committed();
CREATE TRIGGER undos_are_requested BEFORE UPDATE OF status ON public.ingestion_batches FOR EACH ROW WHEN (((new.status <> old.status) AND ((new.status = ANY (ARRAY['undoing'::text, 'undone'::text])) OR (old.status = ANY (ARRAY['undoing'::text, 'undone'::text]))))) EXECUTE FUNCTION public.undos_are_requested();
CREATE TRIGGER uploader_is_set_once BEFORE UPDATE OF imported_by, claimed_by ON public.ingestion_batches FOR EACH ROW WHEN (((new.imported_by <> COALESCE(old.imported_by, ''::text)) OR (new.claimed_by <> COALESCE(old.claimed_by, ''::text)))) EXECUTE FUNCTION public.uploader_is_set_once();
CREATE TRIGGER what_is_completed_stays BEFORE UPDATE OF status, forced ON public.ingestion_batches FOR EACH ROW WHEN (((old.status = 'completed'::text) AND ((new.status <> ALL (ARRAY['completed'::text, 'archived'::text, 'undoing'::text])) OR (new.forced <> old.forced)))) EXECUTE FUNCTION public.what_is_completed_stays();
CREATE TRIGGER what_no_move_changes_stays BEFORE UPDATE ON public.ingestion_batches FOR EACH ROW WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.no_move_changes_more();
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT ingestion_batches_corrects_batch_id_fkey FOREIGN KEY (corrects_batch_id) REFERENCES public.ingestion_batches(id);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT ingestion_batches_planned_by_batch_id_fkey FOREIGN KEY (planned_by_batch_id) REFERENCES public.ingestion_batches(id);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT ingestion_batches_program_type_fkey FOREIGN KEY (program_type) REFERENCES public.programmes(program_type);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT ingestion_batches_retries_batch_id_fkey FOREIGN KEY (retries_batch_id) REFERENCES public.ingestion_batches(id);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT ingestion_batches_upload_id_fkey FOREIGN KEY (upload_id) REFERENCES public.uploads(id);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT instance_of_the_same_programme FOREIGN KEY (program_instance_id, program_type) REFERENCES public.program_instances(id, program_type);
ALTER TABLE ONLY public.ingestion_batches
    ADD CONSTRAINT parent_of_the_same_programme FOREIGN KEY (parent_batch_id, program_type) REFERENCES public.ingestion_batches(id, program_type);

CREATE TABLE public.kintell_session_versions (
    session_id bigint NOT NULL,
    version integer NOT NULL,
    program_instance_id integer NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    duration_minutes smallint,
    rating numeric,
    feedback_text text,
    focus_area text,
    language_level text COLLATE pg_catalog."C",
    topics text[],
    metadata jsonb,
    batch_id uuid NOT NULL,
    row_number integer NOT NULL,
    line integer NOT NULL,
    replaced_by_batch uuid NOT NULL,
    replaced_by_row integer NOT NULL,
    replaced_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE public.kintell_session_versions IS 'Earlier versions of sessions, each with the row that gave it and the row that replaced it';
ALTER TABLE ONLY public.kintell_session_versions
    ADD CONSTRAINT kintell_session_versions_pkey PRIMARY KEY (session_id, version);
CREATE INDEX later_session_versions_of_batch ON public.kintell_session_versions USING btree (batch_id, row_number) WHERE (version > 1);
CREATE INDEX session_versions_replaced_by ON public.kintell_session_versions USING btree (replaced_by_batch);
CREATE TRIGGER ended_batches_replace_nothing AFTER INSERT ON public.kintell_session_versions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.what_was_published_stays();
CREATE TRIGGER inserted_versions_refer_to_what_exists AFTER INSERT ON public.kintell_session_versions REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.check_version_references();
CREATE TRIGGER updated_versions_refer_to_what_exists AFTER UPDATE ON public.kintell_session_versions REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.check_version_references();
CREATE TRIGGER what_was_replaced_stays AFTER DELETE ON public.kintell_session_versions REFERENCING OLD TABLE AS changed FOR EACH STATEMENT WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.what_was_published_stays();

CREATE TABLE public.kintell_sessions (
    id bigint NOT NULL,
    participant_id bigint NOT NULL,
    volunteer_id bigint NOT NULL,
    scheduled_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    batch_id uuid NOT NULL,
    row_number integer NOT NULL,
    line integer NOT NULL,
    version integer NOT NULL,
    program_instance_id integer NOT NULL,
    duration_minutes smallint,
    program_type text NOT NULL COLLATE pg_catalog."C",
    external_session_id text NOT NULL COLLATE pg_catalog."C",
    rating numeric,
    language_level text COLLATE pg_catalog."C",
    focus_area text,
    topics text[],
    feedback_text text,
    metadata jsonb,
    CONSTRAINT cefr_level CHECK ((language_level = ANY (ARRAY['A1'::text, 'A2'::text, 'B1'::text, 'B2'::text, 'C1'::text, 'C2'::text]))),
    CONSTRAINT completed_after_scheduled CHECK (((completed_at >= scheduled_at) OR ((completed_at > (scheduled_at - '52:00:00'::interval)) AND ((EXTRACT(epoch FROM completed_at) % (900)::numeric) = (0)::numeric)))),
    CONSTRAINT duration_in_range CHECK (((duration_minutes >= 1) AND (duration_minutes <= 480))),
    CONSTRAINT rating_in_range CHECK (((rating >= (0)::numeric) AND (rating <= (1)::numeric))),
    CONSTRAINT session_id_length CHECK (((length(external_session_id) >= 1) AND (length(external_session_id) <= 255)))
);
COMMENT ON TABLE public.kintell_sessions IS 'Sessions as they are now, each with the batch, row and line that gave its content';
COMMENT ON COLUMN public.kintell_sessions.id IS 'The batch and row that inserted it, number of the batch * 2^30 + number of the row: the primary key so finds the sessions of a batch in the order of their rows';
COMMENT ON COLUMN public.kintell_sessions.version IS '1 as inserted, one more with each update; the earlier ones are in kintell_session_versions';
COMMENT ON COLUMN public.kintell_sessions.external_session_id IS 'The id in the file; unique in its programme';
COMMENT ON COLUMN public.kintell_sessions.rating IS 'From 0 to 1, whatever the scale of the file';
ALTER TABLE ONLY public.kintell_sessions
    ADD CONSTRAINT kintell_sessions_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX one_session_per_id ON public.kintell_sessions USING btree (external_session_id, program_type);
CREATE UNIQUE INDEX one_session_per_later_row ON public.kintell_sessions USING btree (batch_id, row_number) WHERE (version > 1);
CREATE INDEX sessions_of_instance ON public.kintell_sessions USING brin (program_instance_id);
CREATE TRIGGER deleted_sessions_leave_batch_people AFTER DELETE ON public.kintell_sessions REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.remove_batch_people();
CREATE TRIGGER deleted_sessions_take_their_versions AFTER DELETE ON public.kintell_sessions REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.remove_versions();
CREATE TRIGGER emptied_sessions_empty_batch_people AFTER TRUNCATE ON public.kintell_sessions FOR EACH STATEMENT EXECUTE FUNCTION public.empty_batch_people();
CREATE TRIGGER inserted_sessions_refer_to_what_exists AFTER INSERT ON public.kintell_sessions REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.check_session_references();
CREATE TRIGGER read_committed_only BEFORE INSERT OR UPDATE ON public.kintell_sessions FOR EACH STATEMENT WHEN ((current_setting('transaction_isolation'::text) <> ALL (ARRAY['read committed'::text, 'read uncommitted'::text]))) EXECUTE FUNCTION public.require_read_committed();
CREATE TRIGGER sessions_keep_their_id BEFORE UPDATE OF id ON public.kintell_sessions FOR EACH ROW WHEN ((old.id <> new.id)) EXECUTE FUNCTION public.refuse_another_id();
CREATE TRIGGER sessions_of_versions_stay AFTER TRUNCATE ON public.kintell_sessions FOR EACH STATEMENT EXECUTE FUNCTION public.keep_sessions_of_versions();
CREATE TRIGGER updated_sessions_refer_to_what_exists AFTER UPDATE ON public.kintell_sessions REFERENCING NEW TABLE AS written FOR EACH STATEMENT EXECUTE FUNCTION public.check_session_references();
CREATE TRIGGER what_was_published_is_not_deleted AFTER DELETE ON public.kintell_sessions REFERENCING OLD TABLE AS changed FOR EACH STATEMENT WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.what_was_published_stays();
CREATE TRIGGER what_was_published_stays AFTER UPDATE ON public.kintell_sessions REFERENCING OLD TABLE AS changed NEW TABLE AS written FOR EACH STATEMENT WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.what_was_published_stays();

CREATE TABLE public.outbox (
    id bigint NOT NULL,
    about uuid NOT NULL,
    message jsonb NOT NULL,
    due_at timestamp with time zone NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE public.outbox IS 'Imports to start and events to send, until Dispatch, outside the network, has done so';
COMMENT ON COLUMN public.outbox.about IS 'The upload or batch that the message is about';
COMMENT ON COLUMN public.outbox.due_at IS 'When Dispatch may claim the message; until then it is in transit';
ALTER TABLE public.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);

CREATE TABLE public.program_instances (
    id integer NOT NULL,
    program_type text NOT NULL COLLATE pg_catalog."C",
    slug text NOT NULL COLLATE pg_catalog."C",
    name text NOT NULL,
    starts_on date,
    ends_on date,
    owner text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT instance_ends_after_start CHECK ((starts_on <= ends_on))
);
COMMENT ON TABLE public.program_instances IS 'Runs of a programme, such as a quarter or a month of it';
ALTER TABLE public.program_instances ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.program_instances_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.program_instances
    ADD CONSTRAINT one_programme_per_instance UNIQUE (id, program_type);
ALTER TABLE ONLY public.program_instances
    ADD CONSTRAINT program_instances_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.program_instances
    ADD CONSTRAINT program_instances_slug_key UNIQUE (slug);
CREATE INDEX program_instances_of_programme ON public.program_instances USING btree (program_type, starts_on);
CREATE TRIGGER instances_keep_their_id BEFORE UPDATE OF id, program_type ON public.program_instances FOR EACH ROW EXECUTE FUNCTION public.keep_referenced_ids();
CREATE TRIGGER instances_of_sessions_stay AFTER TRUNCATE ON public.program_instances FOR EACH STATEMENT EXECUTE FUNCTION public.keep_referenced_tables();
CREATE TRIGGER instances_with_sessions_stay AFTER DELETE ON public.program_instances REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.keep_referenced_rows();
CREATE TRIGGER read_committed_only BEFORE DELETE OR UPDATE OF id, program_type ON public.program_instances FOR EACH STATEMENT WHEN ((current_setting('transaction_isolation'::text) <> ALL (ARRAY['read committed'::text, 'read uncommitted'::text]))) EXECUTE FUNCTION public.require_read_committed();
ALTER TABLE ONLY public.program_instances
    ADD CONSTRAINT program_instances_program_type_fkey FOREIGN KEY (program_type) REFERENCES public.programmes(program_type);

CREATE TABLE public.programmes (
    program_type text NOT NULL COLLATE pg_catalog."C",
    merging_batch uuid,
    merging_since timestamp with time zone
);
COMMENT ON TABLE public.programmes IS 'Registered programmes, and which batch may merge into each: one at a time';
COMMENT ON COLUMN public.programmes.merging_batch IS 'The batch that may merge now; null if none does';
ALTER TABLE ONLY public.programmes
    ADD CONSTRAINT programmes_pkey PRIMARY KEY (program_type);

CREATE TABLE public.retryable_rows (
    batch_id uuid NOT NULL,
    chunk integer NOT NULL,
    is_conflict boolean NOT NULL,
    row_numbers integer[] NOT NULL,
    keys text[] NOT NULL,
    people text[] NOT NULL,
    CONSTRAINT one_of_each_for_every_row CHECK (((cardinality(row_numbers) = cardinality(keys)) AND (cardinality(keys) = cardinality(people))))
);
ALTER TABLE ONLY public.retryable_rows ALTER COLUMN row_numbers SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.retryable_rows ALTER COLUMN keys SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.retryable_rows ALTER COLUMN people SET STORAGE EXTERNAL;
COMMENT ON TABLE public.retryable_rows IS 'Rejected rows whose only faults are unknown people or the id of another session, by chunk; deleted with the error file';
COMMENT ON COLUMN public.retryable_rows.is_conflict IS 'Whether Reconcile rejected them, for their id; otherwise Stage did';
COMMENT ON COLUMN public.retryable_rows.people IS 'The addresses of each row''s people, separated by spaces';
ALTER TABLE ONLY public.retryable_rows
    ADD CONSTRAINT retryable_rows_pkey PRIMARY KEY (batch_id, chunk, is_conflict);
ALTER TABLE ONLY public.retryable_rows
    ADD CONSTRAINT retryable_rows_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.returned_rows (
    batch_id uuid NOT NULL,
    row_number integer NOT NULL,
    chunk integer NOT NULL,
    first_batch_id uuid NOT NULL,
    first_row integer NOT NULL,
    is_mended boolean NOT NULL,
    is_rejected boolean NOT NULL
);
COMMENT ON TABLE public.returned_rows IS 'Rows that bring back a rejected row, in corrected files and retries. Whether that is open follows from the status of their batch';
COMMENT ON COLUMN public.returned_rows.first_batch_id IS 'The batch that first rejected the row; a row that is rejected again is open there, and only there';
COMMENT ON COLUMN public.returned_rows.first_row IS 'The row''s number in the file of that batch';
COMMENT ON COLUMN public.returned_rows.is_mended IS 'Whether somebody changed it, so that only this row says what is meant';
ALTER TABLE ONLY public.returned_rows
    ADD CONSTRAINT returned_rows_pkey PRIMARY KEY (batch_id, row_number);
CREATE INDEX returned_rows_of_first ON public.returned_rows USING btree (first_batch_id, first_row);

CREATE TABLE public.revoked_cookies (
    id uuid NOT NULL,
    expires_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE public.revoked_cookies IS 'Session cookies whose holders have signed out, until they would have expired anyway';
ALTER TABLE ONLY public.revoked_cookies
    ADD CONSTRAINT revoked_cookies_pkey PRIMARY KEY (id);
CREATE INDEX revoked_cookies_by_end ON public.revoked_cookies USING btree (expires_at);
CREATE TRIGGER what_is_revoked_stays BEFORE DELETE ON public.revoked_cookies FOR EACH ROW WHEN ((old.expires_at >= now())) EXECUTE FUNCTION public.what_is_revoked_stays();

CREATE TABLE public.schema_migrations (
    version text NOT NULL,
    checksum text NOT NULL,
    applied_at timestamp with time zone
);
COMMENT ON TABLE public.schema_migrations IS 'Migrations that were applied; without applied_at, they wait for a deploy';
ALTER TABLE ONLY public.schema_migrations
    ADD CONSTRAINT schema_migrations_pkey PRIMARY KEY (version);

CREATE TABLE public.shards (
    batch_id uuid NOT NULL,
    number integer NOT NULL,
    inserted_rows bigint NOT NULL,
    updated_rows bigint NOT NULL,
    merged_at timestamp with time zone
);
COMMENT ON TABLE public.shards IS 'The ledger of a batch by the hash of the key: what each merge publishes';
ALTER TABLE ONLY public.shards
    ADD CONSTRAINT shards_pkey PRIMARY KEY (batch_id, number);
CREATE TRIGGER ledgers_stay BEFORE INSERT OR DELETE OR UPDATE ON public.shards FOR EACH ROW WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.ledgers_stay();
ALTER TABLE ONLY public.shards
    ADD CONSTRAINT shards_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.unchanged_rows (
    batch_id uuid NOT NULL,
    block bigint NOT NULL,
    ids bigint[] NOT NULL,
    versions integer[] NOT NULL
);
ALTER TABLE ONLY public.unchanged_rows ALTER COLUMN ids SET STORAGE EXTERNAL;
ALTER TABLE ONLY public.unchanged_rows ALTER COLUMN versions SET STORAGE EXTERNAL;
COMMENT ON TABLE public.unchanged_rows IS 'The records that a batch found unchanged, each with its version, for comparing later files: they have no other trace of it';
COMMENT ON COLUMN public.unchanged_rows.block IS 'The ids without their last 14 bits';
ALTER TABLE ONLY public.unchanged_rows
    ADD CONSTRAINT unchanged_rows_pkey PRIMARY KEY (block, batch_id);
CREATE INDEX unchanged_rows_of_batch ON public.unchanged_rows USING btree (batch_id);
ALTER TABLE ONLY public.unchanged_rows
    ADD CONSTRAINT unchanged_rows_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.undos (
    batch_id uuid NOT NULL,
    number integer NOT NULL,
    state text NOT NULL COLLATE pg_catalog."C",
    requested_by text,
    requester_kind text NOT NULL COLLATE pg_catalog."C",
    requester_issuer text,
    requester_subject text,
    reason text,
    plan_hash text COLLATE pg_catalog."C",
    removes bigint,
    restores bigint,
    keeps bigint,
    next_row bigint DEFAULT 0 NOT NULL,
    last_row bigint,
    removed_rows bigint DEFAULT 0 NOT NULL,
    restored_rows bigint DEFAULT 0 NOT NULL,
    kept_rows bigint,
    execution text,
    failure_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    completed_at timestamp with time zone,
    CONSTRAINT completed_undos_are_counted CHECK (((state <> 'completed'::text) OR (kept_rows IS NOT NULL))),
    CONSTRAINT ended_undos_have_a_time CHECK (((state = ANY (ARRAY['planned'::text, 'completed'::text, 'failed'::text])) = (completed_at IS NOT NULL))),
    CONSTRAINT failed_undos_have_a_reason CHECK (((state = 'failed'::text) = (failure_reason IS NOT NULL))),
    CONSTRAINT plan_hash_form CHECK ((plan_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT requester_kind_known CHECK ((requester_kind = ANY (ARRAY['person'::text, 'program'::text, 'aws'::text, 'system'::text, 'local'::text]))),
    CONSTRAINT undo_state CHECK ((state = ANY (ARRAY['planning'::text, 'planned'::text, 'running'::text, 'completed'::text, 'failed'::text])))
);
COMMENT ON TABLE public.undos IS 'Undos of batches, each carried out by ranges of rows; and plans that take too long for one request';
COMMENT ON COLUMN public.undos.plan_hash IS 'Of what the requester was shown, and of a plan what was found';
COMMENT ON COLUMN public.undos.next_row IS 'The first row of the batch whose outcome was not undone yet';
COMMENT ON COLUMN public.undos.last_row IS 'The last row with an outcome to undo; null until the batch may merge into its programme';
ALTER TABLE ONLY public.undos
    ADD CONSTRAINT undos_pkey PRIMARY KEY (batch_id, number);
CREATE UNIQUE INDEX one_undo_at_a_time ON public.undos USING btree (batch_id) WHERE (state = 'running'::text);
CREATE INDEX undos_at_work ON public.undos USING btree (updated_at) WHERE (state = ANY (ARRAY['planning'::text, 'running'::text]));
CREATE TRIGGER what_was_undone_stays BEFORE UPDATE ON public.undos FOR EACH ROW WHEN (((old.state <> ALL (ARRAY['planning'::text, 'running'::text])) AND (NOT public.owns_schema(CURRENT_USER)))) EXECUTE FUNCTION public.what_was_undone_stays();
ALTER TABLE ONLY public.undos
    ADD CONSTRAINT undos_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.uploads (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL COLLATE pg_catalog."C",
    bucket text NOT NULL,
    key text NOT NULL,
    version_id text,
    file_name text NOT NULL,
    size_bytes bigint,
    sha256 text COLLATE pg_catalog."C",
    uploaded_by text,
    uploader_kind text COLLATE pg_catalog."C",
    uploader_issuer text,
    uploader_subject text,
    principal text,
    claimed_by text,
    link_token_hash text COLLATE pg_catalog."C",
    multipart_id text COLLATE pg_catalog."C",
    part_bytes bigint,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    refusal_code text COLLATE pg_catalog."C",
    refusal_message text,
    refusal_batch_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    received_at timestamp with time zone,
    decided_at timestamp with time zone,
    deleted_at timestamp with time zone,
    CONSTRAINT decided_uploads_have_a_version CHECK (((state = 'waiting'::text) OR (version_id IS NOT NULL))),
    CONSTRAINT link_token_hash_form CHECK ((link_token_hash ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT parts_belong_to_a_sized_upload CHECK (((multipart_id IS NULL) OR ((part_bytes > 0) AND (size_bytes IS NOT NULL) AND (link_token_hash IS NOT NULL)))),
    CONSTRAINT refused_uploads_have_a_code CHECK (((state = 'refused'::text) = (refusal_code IS NOT NULL))),
    CONSTRAINT upload_hash CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT upload_state CHECK ((state = ANY (ARRAY['waiting'::text, 'accepted'::text, 'refused'::text]))),
    CONSTRAINT uploader_kind_known CHECK ((uploader_kind = ANY (ARRAY['person'::text, 'program'::text, 'aws'::text, 'system'::text, 'local'::text]))),
    CONSTRAINT uploaders_are_forgotten_as_a_whole CHECK (((uploaded_by IS NOT NULL) OR ((uploader_issuer IS NULL) AND (uploader_subject IS NULL) AND (principal IS NULL))))
);
COMMENT ON TABLE public.uploads IS 'Every object version that arrived or was announced, accepted or refused';
COMMENT ON COLUMN public.uploads.version_id IS 'Null until S3 reports that the object of a presigned upload has arrived';
COMMENT ON COLUMN public.uploads.uploaded_by IS 'Who S3 or the API says uploaded it';
COMMENT ON COLUMN public.uploads.principal IS 'The principal that S3 names: for a presigned upload the function that signed it, otherwise the uploader';
COMMENT ON COLUMN public.uploads.claimed_by IS 'Who the uploader claims to be';
COMMENT ON COLUMN public.uploads.link_token_hash IS 'SHA-256 of the token in the presigned link; null for an upload that nobody announced';
COMMENT ON COLUMN public.uploads.multipart_id IS 'S3''s id of an upload in parts; null for one that is sent in one request';
COMMENT ON COLUMN public.uploads.part_bytes IS 'Size of each part but the last, which is what remains';
COMMENT ON COLUMN public.uploads.deleted_at IS 'When its object was deleted, with the personal data in this record';
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_pkey PRIMARY KEY (id);
CREATE UNIQUE INDEX one_upload_per_object_version ON public.uploads USING btree (bucket, key, version_id);
CREATE INDEX refused_uploads_to_delete ON public.uploads USING btree (decided_at) WHERE ((state = 'refused'::text) AND (deleted_at IS NULL));
CREATE INDEX uploads_by_hash ON public.uploads USING btree (sha256);
CREATE INDEX uploads_by_state ON public.uploads USING btree (state, created_at DESC, id DESC);
CREATE INDEX uploads_newest_first ON public.uploads USING btree (created_at DESC, id DESC);
CREATE TRIGGER uploader_is_set_once BEFORE UPDATE OF uploaded_by, uploader_kind, uploader_issuer, uploader_subject, principal, claimed_by ON public.uploads FOR EACH ROW WHEN (((new.uploaded_by <> COALESCE(old.uploaded_by, ''::text)) OR (new.uploader_kind <> COALESCE(old.uploader_kind, ''::text)) OR (new.uploader_issuer <> COALESCE(old.uploader_issuer, ''::text)) OR (new.uploader_subject <> COALESCE(old.uploader_subject, ''::text)) OR (new.claimed_by <> COALESCE(old.claimed_by, ''::text)) OR (new.principal <> COALESCE(old.principal,
        CASE
            WHEN (old.version_id IS NULL) THEN new.principal
            ELSE NULL::text
        END, ''::text)))) EXECUTE FUNCTION public.uploader_is_set_once();
CREATE TRIGGER what_has_arrived_stays BEFORE DELETE ON public.uploads FOR EACH ROW WHEN (((old.state <> 'waiting'::text) OR (old.version_id IS NOT NULL))) EXECUTE FUNCTION public.what_has_arrived_stays();
CREATE TRIGGER what_no_move_changes_stays BEFORE UPDATE ON public.uploads FOR EACH ROW WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.no_decision_changes_more();
ALTER TABLE ONLY public.uploads
    ADD CONSTRAINT uploads_refusal_batch_id_fkey FOREIGN KEY (refusal_batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.user_versions (
    user_id bigint NOT NULL,
    version integer NOT NULL,
    name text,
    role text NOT NULL COLLATE pg_catalog."C",
    linkedin_url text,
    verification_status text,
    grant_access text,
    joined_at timestamp with time zone,
    batch_id uuid,
    row_number integer,
    line integer,
    replaced_by_batch uuid NOT NULL,
    replaced_by_row integer NOT NULL,
    replaced_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE public.user_versions IS 'Earlier versions of people, each with the row that gave it and the row that replaced it';
ALTER TABLE ONLY public.user_versions
    ADD CONSTRAINT user_versions_pkey PRIMARY KEY (user_id, version);
CREATE INDEX user_versions_of_batch ON public.user_versions USING btree (batch_id, row_number);
CREATE INDEX user_versions_replaced_by ON public.user_versions USING btree (replaced_by_batch);
CREATE TRIGGER ended_batches_replace_nothing AFTER INSERT ON public.user_versions REFERENCING NEW TABLE AS changed FOR EACH STATEMENT WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.what_was_published_stays();
CREATE TRIGGER what_was_replaced_stays AFTER DELETE ON public.user_versions REFERENCING OLD TABLE AS changed FOR EACH STATEMENT WHEN ((NOT public.owns_schema(CURRENT_USER))) EXECUTE FUNCTION public.what_was_published_stays();
ALTER TABLE ONLY public.user_versions
    ADD CONSTRAINT user_versions_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);
ALTER TABLE ONLY public.user_versions
    ADD CONSTRAINT user_versions_replaced_by_batch_fkey FOREIGN KEY (replaced_by_batch) REFERENCES public.ingestion_batches(id);
ALTER TABLE ONLY public.user_versions
    ADD CONSTRAINT user_versions_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.users(id) ON DELETE CASCADE;

CREATE TABLE public.users (
    id bigint NOT NULL,
    email text NOT NULL COLLATE pg_catalog."C",
    name text,
    role text NOT NULL COLLATE pg_catalog."C",
    linkedin_url text,
    verification_status text,
    grant_access text,
    joined_at timestamp with time zone,
    batch_id uuid,
    row_number integer,
    line integer,
    version integer DEFAULT 1 NOT NULL,
    CONSTRAINT email_length CHECK (((length(email) >= 3) AND (length(email) <= 255))),
    CONSTRAINT known_role CHECK ((role = ANY (ARRAY['participant'::text, 'volunteer'::text])))
);
COMMENT ON TABLE public.users IS 'Participants and volunteers, known by email';
COMMENT ON COLUMN public.users.batch_id IS 'The batch of the row that gave this content; null for people from elsewhere';
ALTER TABLE public.users ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.users_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
CREATE INDEX users_of_batch ON public.users USING btree (batch_id, row_number);
CREATE TRIGGER read_committed_only BEFORE DELETE OR UPDATE OF id ON public.users FOR EACH STATEMENT WHEN ((current_setting('transaction_isolation'::text) <> ALL (ARRAY['read committed'::text, 'read uncommitted'::text]))) EXECUTE FUNCTION public.require_read_committed();
CREATE TRIGGER users_keep_their_id BEFORE UPDATE OF id ON public.users FOR EACH ROW EXECUTE FUNCTION public.keep_referenced_ids();
CREATE TRIGGER users_of_sessions_stay AFTER TRUNCATE ON public.users FOR EACH STATEMENT EXECUTE FUNCTION public.keep_referenced_tables();
CREATE TRIGGER users_with_sessions_stay AFTER DELETE ON public.users REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION public.keep_referenced_rows();
ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE public.verifications (
    batch_id uuid NOT NULL,
    state text DEFAULT 'running'::text NOT NULL COLLATE pg_catalog."C",
    is_sample boolean DEFAULT false NOT NULL,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    checked_rows bigint,
    differing_values bigint,
    differing jsonb DEFAULT '[]'::jsonb NOT NULL,
    failure_code text COLLATE pg_catalog."C",
    CONSTRAINT ended_verifications_have_a_time CHECK (((state = 'running'::text) = (completed_at IS NULL))),
    CONSTRAINT verification_state CHECK ((state = ANY (ARRAY['running'::text, 'completed'::text, 'failed'::text])))
);
COMMENT ON TABLE public.verifications IS 'The last comparison of each batch with its file';
COMMENT ON COLUMN public.verifications.is_sample IS 'Whether Monitor chose the batch';
COMMENT ON COLUMN public.verifications.differing IS 'The values that differ, for a day: they may be personal data';
ALTER TABLE ONLY public.verifications
    ADD CONSTRAINT verifications_pkey PRIMARY KEY (batch_id);
CREATE INDEX verifications_of_sample ON public.verifications USING btree (requested_at) WHERE is_sample;
CREATE INDEX verifications_that_differ ON public.verifications USING btree (batch_id) WHERE (differing_values > 0);
CREATE INDEX verifications_to_do ON public.verifications USING btree (requested_at) WHERE (state = 'running'::text);
ALTER TABLE ONLY public.verifications
    ADD CONSTRAINT verifications_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES public.ingestion_batches(id);

CREATE TABLE staging.person_rows (
    chunk integer NOT NULL,
    shard integer NOT NULL,
    row_number integer NOT NULL,
    line integer NOT NULL,
    email text NOT NULL COLLATE pg_catalog."C",
    name text,
    linkedin_url text,
    verification_status text,
    role text NOT NULL COLLATE pg_catalog."C",
    grant_access text,
    joined_at timestamp with time zone,
    CONSTRAINT email_length CHECK (((length(email) >= 3) AND (length(email) <= 255))),
    CONSTRAINT known_role CHECK ((role = ANY (ARRAY['participant'::text, 'volunteer'::text])))
);
COMMENT ON TABLE staging.person_rows IS 'The shape of the staged rows of a roster; always empty';

CREATE TABLE staging.session_rows (
    chunk integer NOT NULL,
    shard integer NOT NULL,
    row_number integer NOT NULL,
    line integer NOT NULL,
    external_session_id text NOT NULL COLLATE pg_catalog."C",
    participant_id bigint,
    volunteer_id bigint,
    participant_email text COLLATE pg_catalog."C",
    volunteer_email text COLLATE pg_catalog."C",
    scheduled_at timestamp with time zone NOT NULL,
    completed_at timestamp with time zone,
    duration_minutes smallint,
    rating_given numeric,
    feedback_text text,
    focus_area text,
    language_level text COLLATE pg_catalog."C",
    topics text[],
    metadata jsonb,
    CONSTRAINT cefr_level CHECK ((language_level = ANY (ARRAY['A1'::text, 'A2'::text, 'B1'::text, 'B2'::text, 'C1'::text, 'C2'::text]))),
    CONSTRAINT completed_after_scheduled CHECK (((completed_at >= scheduled_at) OR ((completed_at > (scheduled_at - '52:00:00'::interval)) AND ((EXTRACT(epoch FROM completed_at) % (900)::numeric) = (0)::numeric)))),
    CONSTRAINT duration_in_range CHECK (((duration_minutes >= 1) AND (duration_minutes <= 480))),
    CONSTRAINT rating_in_range CHECK (((rating_given >= (0)::numeric) AND (rating_given <= (5)::numeric))),
    CONSTRAINT session_id_length CHECK (((length(external_session_id) >= 1) AND (length(external_session_id) <= 255)))
);
COMMENT ON TABLE staging.session_rows IS 'The shape of the staged rows of a session file; always empty';
COMMENT ON COLUMN staging.session_rows.participant_email IS 'Set only for people who must be created';
COMMENT ON COLUMN staging.session_rows.rating_given IS 'As in the file, since only the whole file shows its scale';

CREATE VIEW public.batch_view WITH (security_invoker='true') AS
 SELECT b.id,
    b.upload_id,
    b.file_name,
    b.file_hash,
    b.file_size_bytes,
    b.program_type,
    b.program_instance_id,
    COALESCE(i.slug, (b.csv_metadata ->> 'plannedInstance'::text)) AS program_instance,
    b.status,
    b.dry_run,
    b.total_rows,
    b.success_rows,
    b.error_rows,
    b.skipped_rows,
    b.unchanged_rows,
    b.unpublished_rows,
    b.inserted_rows,
    b.updated_rows,
    b.content_hash,
        CASE
            WHEN (b.status <> ALL (ARRAY['pending'::text, 'running'::text])) THEN b.total_rows
            ELSE ( SELECT (COALESCE(sum(c.rows), (0)::numeric))::bigint AS "coalesce"
               FROM public.chunks c
              WHERE ((c.batch_id = b.id) AND (c.state <> 'planned'::text)))
        END AS processed_rows,
    ((NOT b.dry_run) AND (b.status <> ALL (ARRAY['pending'::text, 'running'::text, 'undoing'::text, 'undone'::text]))) AS counts,
    b.error_summary,
    COALESCE((b.csv_metadata -> 'warnings'::text), '[]'::jsonb) AS warnings,
    b.failure_code,
    b.failure_reason,
    b.imported_by,
    b.parent_batch_id,
    b.created_at,
    b.started_at,
    b.completed_at,
    b.plan_hash,
    b.planned_by_batch_id,
    ( SELECT c.id
           FROM public.ingestion_batches c
          WHERE (b.dry_run AND (c.planned_by_batch_id = b.id) AND (c.status = ANY (ARRAY['pending'::text, 'running'::text, 'completed'::text, 'archived'::text, 'undoing'::text])))) AS committed_batch_id,
    b.undone_at,
    ((b.error_file_key IS NOT NULL) AND (b.error_file_deleted_at IS NULL)) AS has_error_file,
        CASE
            WHEN (b.error_rows = 0) THEN (0)::bigint
            ELSE GREATEST((0)::bigint, ((b.error_rows - ( SELECT count(*) AS count
               FROM public.returned_rows r
              WHERE ((r.batch_id = b.id) AND r.is_rejected))) - ( SELECT count(DISTINCT c.row_number) AS count
               FROM public.corrected_rows c
              WHERE (c.batch_id = b.id))))
        END AS open_rows,
        CASE
            WHEN (b.error_rows = 0) THEN (0)::bigint
            ELSE (( SELECT count(DISTINCT c.row_number) AS count
               FROM public.corrected_rows c
              WHERE (c.batch_id = b.id)) + ( SELECT count(*) AS count
               FROM public.returned_rows r
              WHERE ((r.batch_id = b.id) AND r.is_rejected AND (EXISTS ( SELECT
                       FROM public.corrected_rows c
                      WHERE ((c.batch_id = r.first_batch_id) AND (c.row_number = r.first_row)))))))
        END AS corrected_rows,
        CASE
            WHEN (b.error_rows = 0) THEN (0)::bigint
            ELSE ( SELECT count(*) AS count
               FROM public.retryable t
              WHERE (t.batch_id = b.id))
        END AS retryable_rows,
    b.retries_batch_id
   FROM (public.ingestion_batches b
     LEFT JOIN public.program_instances i ON ((i.id = b.program_instance_id)));
COMMENT ON VIEW public.batch_view IS 'A batch as the API, its lists and the pages show it';

CREATE VIEW public.corrected_rows WITH (security_invoker='true') AS
 SELECT r.first_batch_id AS batch_id,
    r.first_row AS row_number,
    r.batch_id AS corrected_by
   FROM (public.returned_rows r
     JOIN public.ingestion_batches b ON ((b.id = r.batch_id)))
  WHERE ((NOT r.is_rejected) AND (NOT b.dry_run) AND (b.status = ANY (ARRAY['completed'::text, 'archived'::text])));
COMMENT ON VIEW public.corrected_rows IS 'Rejected rows that a later batch has imported; a row may stand there twice';

CREATE VIEW public.retryable WITH (security_invoker='true') AS
 SELECT b.id AS batch_id,
    b.program_type,
    r.chunk,
    x.row_number,
    x.key,
    x.people
   FROM (((public.retryable_rows r
     JOIN public.ingestion_batches b ON ((b.id = r.batch_id)))
     CROSS JOIN LATERAL UNNEST(r.row_numbers, r.keys, r.people) x(row_number, key, people))
     LEFT JOIN public.returned_rows o ON (((o.batch_id = b.id) AND (o.row_number = x.row_number))))
  WHERE ((NOT b.dry_run) AND (b.status = ANY (ARRAY['completed'::text, 'failed'::text])) AND (b.failure_code IS DISTINCT FROM 'too_many_errors'::text) AND (b.error_file_key IS NOT NULL) AND (b.error_file_deleted_at IS NULL) AND (o.is_mended IS NOT FALSE) AND (NOT (EXISTS ( SELECT
           FROM public.corrected_rows c
          WHERE ((c.batch_id = COALESCE(o.first_batch_id, b.id)) AND (c.row_number = COALESCE(o.first_row, x.row_number)))))) AND (NOT (EXISTS ( SELECT
           FROM (public.returned_rows m
             JOIN public.ingestion_batches l ON ((l.id = m.batch_id)))
          WHERE ((m.first_batch_id = COALESCE(o.first_batch_id, b.id)) AND (m.first_row = COALESCE(o.first_row, x.row_number)) AND m.is_mended AND (NOT l.dry_run) AND (l.number > b.number) AND (l.status = ANY (ARRAY['completed'::text, 'failed'::text])))))));
COMMENT ON VIEW public.retryable IS 'Open rows whose only faults may have gone by themselves';

CREATE VIEW reporting.batches AS
 SELECT b.id AS batch_id,
    b.upload_id,
    b.program_type,
    i.slug AS instance_slug,
    b.parent_batch_id,
    b.file_hash,
    b.status,
    b.dry_run,
    b.total_rows,
    b.inserted_rows,
    b.updated_rows,
    b.unchanged_rows,
    b.unpublished_rows,
    b.error_rows,
    b.failure_code,
    b.created_at,
    b.started_at,
    b.completed_at,
    b.archived_at
   FROM (public.ingestion_batches b
     LEFT JOIN public.program_instances i ON ((i.id = b.program_instance_id)));
COMMENT ON VIEW reporting.batches IS 'One row for each attempt to import a file; dry runs, failed and undone batches publish nothing';
COMMENT ON COLUMN reporting.batches.unpublished_rows IS 'Valid rows that were not published: of a batch that failed, or left out of a commit';

CREATE VIEW reporting.files AS
 SELECT u.id AS upload_id,
    b.id AS batch_id,
    u.state,
    u.refusal_code,
    u.size_bytes,
    u.sha256,
    u.created_at,
    u.received_at,
    u.decided_at,
    u.deleted_at
   FROM (public.uploads u
     LEFT JOIN public.ingestion_batches b ON (((b.upload_id = u.id) AND (b.retries_batch_id IS NULL) AND (b.planned_by_batch_id IS NULL))));
COMMENT ON VIEW reporting.files IS 'One row for each file that arrived or was announced; without its name, which may be the name of a person';

CREATE VIEW reporting.people AS
 SELECT id AS person_id,
    role,
    verification_status,
    joined_at
   FROM public.users u;
COMMENT ON VIEW reporting.people IS 'One row for each participant or volunteer, without name and address';

CREATE VIEW reporting.person_addresses AS
 SELECT id AS person_id,
    email,
    name
   FROM public.users u;
COMMENT ON VIEW reporting.person_addresses IS 'The addresses and names of reporting.people, for those to whom this view is granted by name';

CREATE VIEW reporting.program_instances AS
 SELECT id AS instance_id,
    slug,
    name,
    program_type,
    starts_on,
    ends_on,
    owner
   FROM public.program_instances i;
COMMENT ON VIEW reporting.program_instances IS 'One row for each run of a programme';

CREATE VIEW reporting.sessions AS
 SELECT s.id AS session_id,
    s.program_type,
    i.slug AS instance_slug,
    s.external_session_id,
    s.participant_id,
    s.volunteer_id,
    s.scheduled_at,
    s.completed_at,
    s.duration_minutes,
    s.rating,
    s.focus_area,
    s.language_level,
    s.topics,
    s.version,
    s.batch_id,
    s.row_number,
    s.line
   FROM (public.kintell_sessions s
     JOIN public.program_instances i ON ((i.id = s.program_instance_id)));
COMMENT ON VIEW reporting.sessions IS 'One row for each session as it is now, with the batch, row and line that gave its content; without feedback and metadata, which may hold anything';
COMMENT ON COLUMN reporting.sessions.rating IS 'From 0 to 1, whatever the scale of the file';

CREATE FUNCTION public.check_session_references() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.check_version_references() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.columns_of_batch_move(old_status text, new_status text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN CASE ((old_status || ' '::text) || new_status) WHEN 'pending pending'::text THEN ARRAY['csv_metadata'::text, 'cancelled_at'::text] WHEN 'pending running'::text THEN ARRAY['execution'::text, 'started_at'::text] WHEN 'running running'::text THEN ARRAY['execution'::text, 'started_at'::text, 'reconciled_at'::text, 'cancelled_at'::text, 'rating_scale'::text, 'content_hash'::text, 'distinct_ids'::text, 'csv_metadata'::text, 'plan_hash'::text] WHEN 'running completed'::text THEN ARRAY['inserted_rows'::text, 'updated_rows'::text, 'skipped_rows'::text, 'unpublished_rows'::text, 'error_rows'::text, 'error_summary'::text, 'error_file_key'::text, 'completed_at'::text] WHEN 'pending failed'::text THEN ARRAY['skipped_rows'::text, 'unpublished_rows'::text, 'error_rows'::text, 'error_summary'::text, 'failure_code'::text, 'failure_reason'::text, 'completed_at'::text] WHEN 'running failed'::text THEN ARRAY['skipped_rows'::text, 'unpublished_rows'::text, 'error_rows'::text, 'error_summary'::text, 'failure_code'::text, 'failure_reason'::text, 'error_file_key'::text, 'completed_at'::text] WHEN 'failed running'::text THEN ARRAY['execution'::text, 'started_at'::text, 'completed_at'::text, 'failure_code'::text, 'failure_reason'::text, 'inserted_rows'::text, 'updated_rows'::text, 'skipped_rows'::text, 'unpublished_rows'::text, 'error_rows'::text, 'error_summary'::text, 'error_file_key'::text, 'error_file_deleted_at'::text, 'cancelled_at'::text] WHEN 'failed failed'::text THEN ARRAY['checked_at'::text, 'finding'::text, 'error_file_deleted_at'::text, 'archived_at'::text, 'file_name'::text, 'force_reason'::text, 'failure_reason'::text, 'work_key'::text, 'format'::text, 'csv_metadata'::text] WHEN 'completed completed'::text THEN ARRAY['checked_at'::text, 'finding'::text, 'error_file_deleted_at'::text] WHEN 'completed archived'::text THEN ARRAY['error_file_deleted_at'::text, 'archived_at'::text, 'file_name'::text, 'force_reason'::text, 'work_key'::text, 'format'::text, 'csv_metadata'::text] WHEN 'archived archived'::text THEN ARRAY['checked_at'::text, 'finding'::text] WHEN 'completed undoing'::text THEN ARRAY[]::text[] WHEN 'undone undoing'::text THEN ARRAY[]::text[] WHEN 'undoing undoing'::text THEN ARRAY['error_file_deleted_at'::text] WHEN 'undoing completed'::text THEN ARRAY[]::text[] WHEN 'undoing undone'::text THEN ARRAY['undone_at'::text, 'finding'::text] WHEN 'undone undone'::text THEN ARRAY['error_file_deleted_at'::text, 'archived_at'::text, 'file_name'::text, 'force_reason'::text, 'work_key'::text, 'format'::text, 'csv_metadata'::text] ELSE NULL::text[] END;

CREATE FUNCTION public.columns_of_upload_move(old_state text, new_state text) RETURNS text[]
    LANGUAGE sql IMMUTABLE
    RETURN CASE ((old_state || ' '::text) || new_state) WHEN 'waiting waiting'::text THEN ARRAY['version_id'::text, 'size_bytes'::text, 'received_at'::text] WHEN 'waiting accepted'::text THEN ARRAY['state'::text, 'sha256'::text, 'decided_at'::text] WHEN 'waiting refused'::text THEN ARRAY['state'::text, 'sha256'::text, 'decided_at'::text, 'refusal_code'::text, 'refusal_message'::text, 'refusal_batch_id'::text] WHEN 'accepted accepted'::text THEN ARRAY[]::text[] WHEN 'refused refused'::text THEN ARRAY['refusal_message'::text] ELSE NULL::text[] END;

CREATE FUNCTION public.completed_batches_add_up() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.empty_batch_people() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    TRUNCATE batch_people;
    RETURN NULL;
END $$;

CREATE FUNCTION public.ended_batches_stay_ended() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' may not be completed: it is ' || OLD.status,
        TABLE = 'ingestion_batches', CONSTRAINT = 'ended_batches_stay_ended';
END $$;

CREATE FUNCTION public.files_stay_deleted() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' stays ' || OLD.status || ': its file has been deleted',
        TABLE = 'ingestion_batches', CONSTRAINT = 'files_stay_deleted';
END $$;


SET default_tablespace = '';

SET default_table_access_method = heap;

CREATE FUNCTION public.first_session_id(batch uuid) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT ((ingestion_batches.number)::bigint << 30) FROM public.ingestion_batches WHERE (ingestion_batches.id = first_session_id.batch));

CREATE FUNCTION public.is_at_work(status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (status = ANY (ARRAY['pending'::text, 'running'::text]));

CREATE FUNCTION public.keep_referenced_ids() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.keep_referenced_rows() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.keep_referenced_tables() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    -- After the statement: one that empties the sessions too leaves nothing behind that refers to anything.
    IF EXISTS (SELECT FROM kintell_sessions) OR EXISTS (SELECT FROM kintell_session_versions) THEN
        RAISE foreign_key_violation USING MESSAGE = 'sessions refer to ' || TG_TABLE_NAME;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.keep_sessions_of_versions() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    IF EXISTS (SELECT FROM kintell_session_versions) THEN
        RAISE foreign_key_violation USING MESSAGE = 'versions refer to kintell_sessions';
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION public.last_session_id(batch uuid) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (SELECT (((ingestion_batches.number)::bigint << 30) + 1073741823) FROM public.ingestion_batches WHERE (ingestion_batches.id = last_session_id.batch));

CREATE FUNCTION public.ledgers_stay() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.may_be_taken_back(status text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (status = ANY (ARRAY['pending'::text, 'running'::text, 'undoing'::text]));

CREATE FUNCTION public.no_decision_changes_more() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.no_move_changes_more() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.owns_schema(who name) RETURNS boolean
    LANGUAGE sql STABLE
    RETURN pg_has_role(who, (SELECT pg_class.relowner FROM pg_class WHERE (pg_class.oid = ('public.ingestion_batches'::regclass)::oid)), 'MEMBER'::text);

CREATE FUNCTION public.plans_add_up() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.refuse_another_id() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE foreign_key_violation USING MESSAGE = 'session ' || OLD.id || ' keeps its id, which its versions refer to';
END $$;

CREATE FUNCTION public.refuse_to_change_the_audit_trail() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE insufficient_privilege USING MESSAGE = 'the audit trail is append-only';
END $$;

CREATE FUNCTION public.remove_batch_people() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.remove_versions() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    DELETE FROM kintell_session_versions v USING gone g WHERE v.session_id = g.id;
    RETURN NULL;
END $$;

CREATE FUNCTION public.require_read_committed() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE invalid_transaction_state USING
        MESSAGE = TG_TABLE_NAME || ' may be written at the isolation level READ COMMITTED only';
END $$;

CREATE FUNCTION public.sessions_of_person(person bigint) RETURNS TABLE(id bigint, batch_id uuid, participant_id bigint, volunteer_id bigint)
    LANGUAGE sql STABLE PARALLEL SAFE
    BEGIN ATOMIC
 SELECT s.id,
     s.batch_id,
     s.participant_id,
     s.volunteer_id
    FROM ((( SELECT DISTINCT batch_people.batch_id
            FROM public.batch_people
           WHERE (batch_people.person_id = sessions_of_person.person)) p
      JOIN public.ingestion_batches b ON ((b.id = p.batch_id)))
      CROSS JOIN LATERAL ( SELECT k.id,
             k.batch_id,
             k.participant_id,
             k.volunteer_id
            FROM public.kintell_sessions k
           WHERE ((k.id >= ((b.number)::bigint << 30)) AND (k.id <= (((b.number)::bigint << 30) + 1073741823)))
          OFFSET 0) s)
   WHERE ((s.participant_id = sessions_of_person.person) OR (s.volunteer_id = sessions_of_person.person));
END;

CREATE FUNCTION public.undos_are_requested() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.uploader_is_set_once() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = TG_TABLE_NAME || ' ' || OLD.id || ' already says who uploaded it',
        TABLE = TG_TABLE_NAME, CONSTRAINT = 'uploader_is_set_once';
END $$;

CREATE FUNCTION public.what_has_arrived_stays() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'upload ' || OLD.id || ' stays: its file has arrived',
        TABLE = 'uploads', CONSTRAINT = 'what_has_arrived_stays';
END $$;

CREATE FUNCTION public.what_is_completed_stays() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'batch ' || OLD.id || ' stays ' || OLD.status,
        TABLE = 'ingestion_batches', CONSTRAINT = 'what_is_completed_stays';
END $$;

CREATE FUNCTION public.what_is_revoked_stays() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
BEGIN
    RAISE check_violation USING
        MESSAGE = 'cookie ' || OLD.id || ' stays revoked: it has not expired',
        TABLE = 'revoked_cookies', CONSTRAINT = 'what_is_revoked_stays';
END $$;

CREATE FUNCTION public.what_was_published_stays() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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

CREATE FUNCTION public.what_was_undone_stays() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'public', 'pg_temp'
    AS $$
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
