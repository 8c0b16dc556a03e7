-- Who is who: of what kind an actor is and who vouches for them, who S3 says sent an object, and which passes are over.

-- Null in lines of before; the name alone does not tell. A person's address is their name only where the issuer vouches
-- for it; issuer and subject stand beside it in any case.
ALTER TABLE audit_logs
    ADD COLUMN actor_kind    text COLLATE "C" CHECK (actor_kind IN ('person', 'program', 'aws', 'system', 'local')),
    ADD COLUMN actor_issuer  text,
    ADD COLUMN actor_subject text,
    ADD CONSTRAINT people_and_programs_have_a_subject
        CHECK (actor_kind NOT IN ('person', 'program') OR actor_subject IS NOT NULL),
    ADD CONSTRAINT only_the_system_is_the_system
        CHECK (actor_kind <> 'system' OR (actor = 'kintell-ingest' AND actor_subject IS NULL));
CREATE INDEX audit_of_subject ON audit_logs (actor_subject, id) WHERE actor_subject IS NOT NULL;

ALTER TABLE uploads
    ADD COLUMN uploader_kind     text COLLATE "C"
        CHECK (uploader_kind IN ('person', 'program', 'aws', 'system', 'local')),
    ADD COLUMN uploader_issuer   text,
    ADD COLUMN uploader_subject  text,
    -- Whom S3 names: for an upload by link the function that signed it, otherwise the uploader.
    ADD COLUMN principal         text,
    -- Of the token that the link carries; null for an upload that nobody announced.
    ADD COLUMN link_token_hash   text COLLATE "C" CHECK (link_token_hash ~ '^[0-9a-f]{64}$');
-- A role's session, a user, an account.
UPDATE uploads SET uploader_kind = 'aws', principal = uploaded_by WHERE uploaded_by ~ '^(AWS:.+|A[A-Z0-9]{15,}|[0-9]{12})$';
UPDATE uploads SET uploader_kind = 'local' WHERE uploaded_by = 'local';
-- Whoever makes an upload forget who it was from does so in all columns.
ALTER TABLE uploads ADD CONSTRAINT uploaders_are_forgotten_as_a_whole CHECK (
    uploaded_by IS NOT NULL OR (uploader_issuer IS NULL AND uploader_subject IS NULL AND principal IS NULL)
);

-- Passes whose holders have signed out; a line is needed until its pass would have been over anyhow.
CREATE TABLE revoked_cookies (
    id          uuid PRIMARY KEY,
    expires_at  timestamptz NOT NULL
);
CREATE INDEX revoked_cookies_by_end ON revoked_cookies (expires_at);
