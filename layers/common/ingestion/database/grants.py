"""Grant the functions' role its rights after every migration: read and write rows, but bypass no guard.

See docs/decisions/0012-who-may-do-what.md.
"""

from collections.abc import Mapping
from typing import Any

from ingestion.database.connection import Connection

APPEND_ONLY = ("audit_logs",)
# Triggers write batch_people as the owner: whoever could change it could hide that somebody has sessions.
READ_ONLY = ("schema_migrations", "batch_people")
# Batches are kept for good: even an archived one records that its file was imported. So is what each was planned as.
NEVER_DELETED = ("ingestion_batches", "undos", "chunks", "programmes", "program_instances")
# Rows that are written once.
NEVER_UPDATED = (
    "batch_overlaps",
    "unchanged_rows",
    "program_instances",
    "kintell_session_versions",
    "user_versions",
    "revoked_cookies",
)
# Columns that only the database fills in for a new row: its id and when it was written, and that it has no outcome yet.
# An id that somebody else chose could be one that the sequence has still to reach.
NOT_INSERTED = {
    "audit_logs": ("id", "at"),
    "ingestion_batches": (
        *("number", "status", "inserted_rows", "updated_rows", "skipped_rows", "unpublished_rows", "error_rows"),
        *("error_summary", "failure_reason", "failure_code", "error_file_key"),
        *("created_at", "started_at", "reconciled_at", "cancelled_at", "completed_at", "archived_at", "updated_at"),
        *(
            "checked_at",
            "execution",
            "rating_scale",
            "content_hash",
            "distinct_ids",
            "finding",
            "error_file_deleted_at",
            "undone_at",
        ),
    ),
    "undos": (
        *("removes", "restores", "keeps", "next_row", "last_row", "removed_rows", "restored_rows", "kept_rows"),
        *("execution", "failure_reason", "created_at", "updated_at", "completed_at"),
    ),
    "chunks": (
        *("state", "rating_scale", "rating_facts", "warnings", "staged_rows", "rejected_rows", "rejects_sum"),
        *("fault_counts", "inserted_rows", "updated_rows", "unchanged_rows", "conflict_rows", "conflicting_rows"),
        "staged_at",
    ),
    "shards": ("merged_at",),
    "program_instances": ("id", "created_at"),
    "users": ("id",),
    "kintell_session_versions": ("replaced_at",),
    "user_versions": ("replaced_at",),
    "uploads": ("state", "sha256", "refusal_code", "refusal_message", "created_at", "decided_at", "deleted_at"),
}
# Columns that identify an upload, a batch or a session, or against which a batch's counts are checked.
NOT_UPDATED = {
    "uploads": ("id", "bucket", "link_token_hash", "created_at"),
    "ingestion_batches": (
        "id",
        "number",
        "upload_id",
        "program_type",
        "file_hash",
        "total_rows",
        "corrects_batch_id",
        "retries_batch_id",
        "dry_run",
        "created_at",
        *("program_instance_id", "parent_batch_id", "file_size_bytes", "max_error_percent", "date_order", "time_zone"),
        "shard_count",
    ),
    "undos": ("batch_id", "number", "requester_kind", "created_at"),
    "programmes": ("program_type",),
    "chunks": ("batch_id", "number", "span", "first_row", "rows"),
    "shards": ("batch_id", "number", "inserted_rows", "updated_rows"),
    "users": ("email",),
    "kintell_sessions": ("id", "program_type", "external_session_id", "participant_id", "volunteer_id"),
}


def grant(db: Connection, role: str) -> None:
    """Grant rights on whatever tables exist, so that a table of a later migration needs no line here."""
    schema = db.run("SELECT quote_ident(current_schema())")[0][0]
    _close_to_everybody(db, schema, role)
    db.run(f"REVOKE ALL ON SCHEMA {schema} FROM {role}")
    db.run(f"GRANT USAGE ON SCHEMA {schema} TO {role}")
    db.run(f"GRANT USAGE, CREATE ON SCHEMA staging TO {role}")
    for table, name, is_read_only in _own_tables(db):
        db.run(f"REVOKE ALL ON {table} FROM PUBLIC, {role}")
        db.run(f"GRANT {_rights_on(db, name, is_read_only)} ON {table} TO {role}")
    for function, is_trigger in _own_functions(db):
        # Whoever may execute a trigger function may attach it to a table of their own and feed it false rows.
        db.run(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC, {role}")
        if not is_trigger:
            db.run(f"GRANT EXECUTE ON FUNCTION {function} TO {role}")


def _close_to_everybody(db: Connection, schema: str, role: str) -> None:
    """Keep everybody without rights from creating temporary tables, or anything in the schema.

    If somebody else owns the database or the schema, they decide.
    """
    database, owns_database, owns_schema = db.run(
        """
        SELECT quote_ident(d.datname), pg_has_role(d.datdba, 'USAGE'), pg_has_role(n.nspowner, 'USAGE')
          FROM pg_database d, pg_namespace n
         WHERE d.datname = current_database() AND n.nspname = current_schema()
        """
    )[0]
    if owns_database:
        db.run(f"REVOKE TEMPORARY, CREATE ON DATABASE {database} FROM PUBLIC, {role}")
    if owns_schema:
        db.run(f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC")


def _rights_on(db: Connection, name: str, is_read_only: bool) -> str:
    if is_read_only or name in READ_ONLY:
        return "SELECT"
    rights = ["SELECT", f"INSERT{_columns(db, name, NOT_INSERTED)}"]
    if name not in (*APPEND_ONLY, *NEVER_UPDATED):
        rights.append(f"UPDATE{_columns(db, name, NOT_UPDATED)}")
    if name not in (*APPEND_ONLY, *NEVER_DELETED):
        rights.append("DELETE")
    return ", ".join(rights)


def _columns(db: Connection, name: str, kept_from: Mapping[str, tuple[str, ...]]) -> str:
    """Return the columns to which a right is limited, in brackets; empty if it covers all."""
    if name not in kept_from:
        return ""
    found = db.run(
        """
        SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum)
          FROM pg_attribute
         WHERE attrelid = CAST(:name AS regclass) AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
           AND attname <> ALL (CAST(:kept AS text[]))
        """,
        name=name,
        kept=list(kept_from[name]),
    )
    return f" ({found[0][0]})"


def _own_functions(db: Connection) -> list[list[Any]]:
    """Return the owner's functions in the schema, and whether each is a trigger function."""
    return db.run(
        """
        SELECT p.oid::regprocedure::text, p.prorettype = 'trigger'::regtype
          FROM pg_proc p
         WHERE p.pronamespace = current_schema()::regnamespace AND p.proowner = CURRENT_USER::regrole
           AND NOT EXISTS (SELECT FROM pg_depend d
                            WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
      ORDER BY p.oid
        """
    )


def _own_tables(db: Connection) -> list[list[Any]]:
    """Return the owner's tables and views, not those of others in the database, and whether each is read-only."""
    return db.run(
        """
        SELECT c.oid::regclass::text, c.relname, c.relkind = 'v' OR c.relnamespace = 'staging'::regnamespace
          FROM pg_class c
         WHERE c.relkind IN ('r', 'p', 'v') AND c.relowner = CURRENT_USER::regrole
           AND c.relnamespace IN (current_schema()::regnamespace, 'staging'::regnamespace)
      ORDER BY c.oid
        """
    )
